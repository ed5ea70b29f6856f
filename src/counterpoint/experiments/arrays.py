"""Sums of users as arrays, one number of a user after the other: what `aggregation` does in an engine, for kept sums.

An engine groups millions of rows by hashing each of them. Users of kept sums are numbered, so that a row goes to
its place without any of that, at a tenth of the cost.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.totals import ADDED, cross_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Columns", "add_up", "summary_rows"]

Columns = Mapping[str, "NDArray[Any]"]


def add_up(columns: Sequence[str], users: int, parts: Iterable[Columns]) -> "dict[str, NDArray[np.float64]]":
    """Each column for each user: the rows of the parts, placed by their `uid`, added up (`any…`: the greatest).

    Counts are exact, since float64 has all whole numbers up to 2^53.
    """
    sums = {name: np.zeros(users) for name in columns}
    for part in parts:
        uid = part["uid"]
        for name, whole in sums.items():
            if name.startswith("any"):
                np.maximum.at(whole, uid, part[name])
            else:
                np.add.at(whole, uid, part[name])
    return sums


def summary_rows(
    plan: Experiment,
    sums: "Mapping[str, NDArray[np.float64]]",
    groups: Sequence[Mapping[str, Any]],
    of: Columns,
) -> list[dict[str, Any]]:
    """The rows of `aggregation.summary_expression`, without an engine.

    Args:
        plan: The metrics.
        sums: By column, one number for each user.
        groups: What is known of the users of each group.
        of: Columns uid and code: all users who count, and which of the groups each belongs to.
    """
    uid, code = of["uid"], of["code"]
    if not len(groups):
        return []
    with np.errstate(all="ignore"):  # what is not finite is told by whoever reads the totals
        return _rows(plan, sums, groups, uid, code)


def _rows(
    plan: Experiment,
    sums: "Mapping[str, NDArray[np.float64]]",
    groups: Sequence[Mapping[str, Any]],
    uid: "NDArray[Any]",
    code: "NDArray[Any]",
) -> list[dict[str, Any]]:

    def total(values: "NDArray[np.float64]") -> "NDArray[np.float64]":
        return np.bincount(code, weights=values, minlength=len(groups)).astype(np.float64)

    found: dict[str, Any] = {name: total(sums[name][uid]) for name in ("early", "late")}
    for i, metric in enumerate(plan.metrics):
        found[f"events{i}"] = total(sums[f"events{i}"][uid])
        if metric.aggregation in ADDED:
            found[f"known{i}"] = total(sums[f"known{i}"][uid])
        away = _moments(found, f"m{i}", _value(metric, sums, str(i))[uid], total)
        if metric.covariate_days:
            before = _moments(found, f"x{i}", _value(metric, sums, f"_before{i}")[uid], total)
            found[cross_name(f"m{i}", f"x{i}")] = total(away * before)
    return [
        {**group, **{name: _plain(name, values[index]) for name, values in found.items()}}
        for index, group in enumerate(groups)
    ]


def _moments(
    found: dict[str, Any], name: str, values: "NDArray[np.float64]", total: Any
) -> "NDArray[np.float64]":
    """Note the sums around the pooled mean; gives each user's distance from it."""
    centre = values.mean()
    away: NDArray[np.float64] = values - centre
    sums = total(away)
    found[f"centre_{name}"] = np.full(len(sums), centre)
    found[f"sum_{name}"] = sums
    found[f"square_{name}"] = total(away * away)
    return away


def _plain(name: str, value: Any) -> float | int:
    return int(value) if name.startswith(("early", "late", "events", "known")) else float(value)


def _value(metric: Metric, sums: "Mapping[str, NDArray[np.float64]]", slot: str) -> "NDArray[np.float64]":
    """The users' values out of their sums."""
    if metric.aggregation == "count":
        return sums[f"events{slot}"]
    if metric.aggregation == "any":
        return sums[f"any{slot}"]
    if metric.aggregation == "sum":
        return sums[f"sum{slot}"]
    return sums[f"sum{slot}"] / np.maximum(sums[f"known{slot}"], 1)
