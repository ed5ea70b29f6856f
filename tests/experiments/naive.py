"""What an experiment's totals are, computed user by user in plain Python: the same on any table."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from counterpoint.experiments import Experiment, Metric

__all__ = ["Group", "Shown", "groups_of", "vector_of"]


class Shown(NamedTuple):
    """A user's exposures within the dates."""

    first: datetime
    variants: frozenset[str]


class Group(NamedTuple):
    """Users of one arm, or of several."""

    variant: str | None
    mixed: bool
    users: dict[str, datetime]
    """The first exposure of each."""


def groups_of(plan: Experiment, exposures: Sequence[dict[str, Any]]) -> Iterator[Group]:
    seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in exposures:
        inside = (not plan.start or row["time"] >= plan.start) and (not plan.end or row["time"] <= plan.end)
        if row["subject"] is not None and inside:
            seen[row["subject"]].append(row)
    found: dict[tuple[str | None, bool], dict[str, datetime]] = defaultdict(dict)
    for subject, rows in seen.items():
        variants = {row["variant"] for row in rows if row["variant"] is not None}
        key = (min(variants, default=None), len(variants) > 1)
        found[key][subject] = min(row["time"] for row in rows)
    for (variant, mixed), users in found.items():
        yield Group(variant, mixed, users)


def vector_of(
    plan: Experiment,
    metric: Metric,
    events: Sequence[dict[str, Any]],
    subject: str,
    first: datetime,
    *,
    reach: datetime,
    limited: bool = True,
) -> list[float] | None:
    """Value, or numerator and denominator, then the covariates; none where the window is not over."""
    ours = [row for row in events if row["subject"] == subject]
    values, before = [], []
    for part in metric.parts:
        if (
            part.window_days is not None
            and first + timedelta(days=part.offset_days + part.window_days) > reach
        ):
            return None
        values.append(_value(part, list(_counted(plan, part, ours, first)), first, limited=limited))
        if part.covariate_days:
            since = first - timedelta(days=part.covariate_days)
            earlier = [row for row in ours if since <= row["time"] < first]
            before.append(_value(part, earlier, first, limited=True))
    return values + before


def _counted(
    plan: Experiment, part: Metric, rows: list[dict[str, Any]], first: datetime
) -> Iterator[dict[str, Any]]:
    begin = first + timedelta(days=part.offset_days)
    for row in rows:
        if row["time"] < begin or (plan.end and row["time"] > plan.end):
            continue
        if part.window_days is None or row["time"] < begin + timedelta(days=part.window_days):
            yield row


def _value(part: Metric, rows: list[dict[str, Any]], first: datetime, *, limited: bool) -> float:
    if part.aggregation == "funnel":
        return _reached(part, rows)
    rows = [row for row in rows if row["type"] == part.event]
    match part.aggregation:
        case "count":
            value = float(len(rows))
        case "retention":
            return float(bool(rows))
        case "any":
            return float(any(row["value"] is None or row["value"] != 0 for row in rows))
        case "time to event":
            if not rows:
                return float(part.window_days or 0)
            gone = min(row["time"] for row in rows).replace(microsecond=0) - first.replace(microsecond=0)
            return gone.total_seconds() / 86_400 - part.offset_days
        case _:
            numbers = [row["value"] for row in rows if row["value"] is not None]
            if limited and part.event_cap is not None:
                numbers = [min(number, part.event_cap) for number in numbers]
            value = sum(numbers)
            if part.aggregation == "mean":
                value = float(np.mean(numbers)) if numbers else 0.0
    return min(value, part.cap) if limited and part.cap is not None else value


def _reached(part: Metric, rows: list[dict[str, Any]]) -> float:
    """1 where the steps were done one after the other; a step that comes twice needs two events."""
    at, before = None, None
    for step in part.steps:
        later = [
            row["time"]
            for row in rows
            if row["type"] == step
            and (at is None or row["time"] > at or (row["time"] == at and step != before))
        ]
        if not later:
            return 0.0
        at, before = min(later), step
    return 1.0
