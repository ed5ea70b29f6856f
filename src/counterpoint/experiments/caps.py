"""Caps that are a quantile of all users' values: one more pass over the users, on any engine."""

from typing import Any, cast

import ibis
from ibis.expr.types import NumericColumn, Table

__all__ = ["capped_at_quantile"]

SLACK = 1e-9
"""So that 0.99 of 100 users is the 99th and not, by a bit of a float, the 100th."""


def capped_at_quantile(users: Table, name: str, level: float, among: Any) -> Table:
    """The users with a column limited to its quantile among some of them, arms together, so that no arm has a cap of its own.

    The quantile is the smallest value that at least that share of the users have at most, a value of the data: engines
    differ in how they interpolate, and some have no exact quantile.

    Args:
        users: one row per user.
        name: a column of numbers; missing ones stay, and are not counted.
        level: above 0 and below 1.
        among: which users the quantile is of.
    """
    counted = users.filter(among & users[name].notnull())
    ordered = counted.select(value=counted[name])
    ranked = ordered.mutate(
        place=ibis.row_number().over(ibis.window(order_by=ordered.value)),
        of=ordered.count().over(ibis.window()),
    )
    high = ranked.filter(ranked.place + 1 >= ranked["of"] * level - SLACK)
    cap = high.aggregate(**{f"cap_{name}": cast("NumericColumn", high.value).min()})
    both = users.cross_join(cap)
    limited = ibis.ifelse(both[name] > both[f"cap_{name}"], both[f"cap_{name}"], both[name])
    return both.mutate(**{name: limited}).drop(f"cap_{name}").alias(f"users_capped_{name}")
