"""The statistics of each value of a segment, out of what is kept of users: only exposures are read for it.

It is what `by_segment` adds to the query of all events: rows of the users of each value, without those of few users.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from counterpoint.experiments.aggregation import exposures_of
from counterpoint.experiments.arrays import Pooled, matches
from counterpoint.experiments.by_segment import MOST_LEVELS, segment_expression
from counterpoint.experiments.kept_tables import Users, same_checks
from counterpoint.experiments.metrics.reading import LEAST
from counterpoint.experiments.model import Experiment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from counterpoint.journal import Snapshot

    Ints = NDArray[np.int64]

__all__ = ["Values", "level_rows", "values_of"]


class Values:
    """Whose value of a segment is which: users in the order of their key, and the place of the value among all."""

    def __init__(
        self, key: "Ints", check: "NDArray[np.uint32]", place: "Ints", names: list[str | None]
    ) -> None:
        self.key, self.check, self.place, self.names = key, check, place, names


def values_of(plan: Experiment, snapshot: "Snapshot", name: str, hashed: str) -> Values:
    """The attribute at each user's first exposure, by the hash of the user (the columns `hashed` of a subject)."""
    from counterpoint.experiments.journal_totals import EXPOSURE, columns_of

    exposures = exposures_of(plan, snapshot.events(EXPOSURE, attributes=columns_of(plan)))
    query = ibis.to_sql(segment_expression(plan, exposures, name), dialect="duckdb")
    rows: dict[str, Any] = snapshot.connection.con.execute(
        f"SELECT {hashed}, dense_rank() OVER (ORDER BY part NULLS LAST) - 1 AS place, part FROM ({query})"
    ).fetchnumpy()
    key = np.asarray(rows["key"]).view(np.int64)
    place = np.asarray(rows["place"], dtype=np.int64)
    order = np.argsort(key, kind="stable")
    firsts = np.unique(place, return_index=True)[1]
    names = [rows["part"][at] for at in firsts]
    none = np.ma.getmaskarray(rows["part"])
    listed: list[str | None] = [
        None if none[at] else str(name) for at, name in zip(firsts, names, strict=True)
    ]
    return Values(key[order], np.asarray(rows["check"])[order], place[order], listed)


def level_rows(
    whole: Pooled,
    texts: list[str],
    users: Iterator[Users],
    segments: Sequence[Values],
    *,
    least: int = LEAST,
) -> list[dict[str, Any]]:
    """Rows as `aggregation.summary_expression` gives them of the parts, but for what is known of exposures.

    `whole` is of all users: centres and the moment up to which events are known are its own.
    """
    pooled: dict[tuple[int, int], Pooled] = {}
    for block in users:
        ours = block.take(block.code % 2 == 0)
        ours = ours.take(np.argsort(ours.key, kind="stable"))
        code = ours.code
        for number, values in enumerate(segments, 1):
            place, row = matches(ours.key, values.key)
            same_checks(ours.shown.check[place], values.check[row])
            part = values.place[row]
            for one in np.unique(part).tolist():
                which = place[part == one]
                each = pooled.setdefault((number, one), whole.empty())
                each.put(code[which], ours.shown.first[which], ours.sums[:, which])
    found = [
        {**row, "which": number, "part": segments[number - 1].names[one]}
        for (number, one), each in pooled.items()
        for row in each.rows(texts)
        if row["users"] >= least
    ]
    return list(_largest(found))


def _largest(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows without values beyond the largest of an arm."""
    groups: dict[tuple[int, str | None], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["which"], row["variant"]), []).append(row)
    for each in groups.values():
        each.sort(key=lambda row: (-row["users"], row["part"] is None, row["part"] or ""))
        yield from each[:MOST_LEVELS]
