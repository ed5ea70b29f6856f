"""Users of a table by the values of its segments, in the one query: rows of the parts beside those of the whole."""

from collections.abc import Sequence
from typing import Any

import ibis
from ibis.expr.types import Table

from counterpoint.experiments.by_segment import MOST_LEVELS, level_column
from counterpoint.experiments.metrics.reading import LEAST

__all__ = ["large_values", "level_of_user", "spread"]


def level_of_user(rows: Table, number: int, inside: Any) -> Any:
    """A user's value of a segment; none where there is none, or where the user's rows say several."""
    column = rows[level_column(number)]
    low, high = column.min(where=inside), column.max(where=inside)
    return ibis.ifelse(low == high, low, ibis.null("string"))


def spread(users: Table, segments: Sequence[str]) -> Table:
    """Every user once for the whole (`which` is 0), and who is in one arm once more for each segment, with the value as `part`."""
    if not segments:
        return users.mutate(which=ibis.literal(0, "int64"), part=ibis.null("string"))
    # A row from a literal for each number: engines share no other table without a source.
    numbers = ibis.union(*(
        ibis.literal(number, "int64").name("which").as_table() for number in range(len(segments) + 1)
    )).alias("numbers_of_segments")  # fmt: skip
    both = users.cross_join(numbers)
    parts = [(both.which == number, both[level_column(number)]) for number, _ in enumerate(segments, 1)]
    one_arm = both.known & (both.low == both.high) & (both.rows > 0)
    return both.mutate(part=ibis.cases(*parts, else_=ibis.null("string"))).filter((both.which == 0) | one_arm)


def large_values(rows: Table) -> Table:
    """The rows without those of values that are of hardly anybody, or beyond the largest: they may name a person.

    All arms of a value stay or go together, since their sizes are compared with the plan.
    """
    of_value = ibis.window(group_by=["which", "part"])
    sized = rows.mutate(of_value=rows.users.sum().over(of_value))
    order: list[Any] = [sized.of_value.desc(), sized.part]
    ranked = sized.mutate(
        place=ibis.dense_rank().over(ibis.window(group_by=["which"], order_by=order)),
    )
    kept = (ranked.of_value >= 2 * LEAST) & (ranked.place < MOST_LEVELS)
    return ranked.filter((ranked.which == 0) | kept).drop("of_value", "place")
