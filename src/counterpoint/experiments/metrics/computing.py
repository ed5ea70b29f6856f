"""Readings out of a snapshot of the journal: the engine is asked, and what is about too few people is withheld."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import ibis
from msgspec.structs import replace

from counterpoint.experiments.metrics.definition import ADDED, Definition
from counterpoint.experiments.metrics.figures import (
    figures_expression,
    figures_of,
    histogram_expression,
    parts_expression,
    range_expression,
)
from counterpoint.experiments.metrics.period import Period
from counterpoint.experiments.metrics.reading import (
    LEAST,
    OTHER,
    Bin,
    Figure,
    Reading,
    divided,
    signs_of,
    too_few,
    withhold,
)
from counterpoint.journal.snapshot import Snapshot

if TYPE_CHECKING:
    from counterpoint.experiments.metrics.readings import Asked
    from counterpoint.experiments.metrics.store import Loaded

__all__ = ["BINS", "compute", "distribution"]

BINS: Final = 20
"""Of a distribution, about: as many as round numbers make."""
SPREAD: Final = 4
"""Standard deviations above the mean at which the bins end; the last one holds what is beyond."""


def compute(snapshot: Snapshot, loaded: "Loaded", asked: "Asked") -> Reading:
    """The reading of a metric; of a ratio, both of its metrics in the same period and by the same parts."""
    if loaded.definition.aggregation != "ratio":
        return _read(snapshot, loaded.definition, asked, None)
    first = _read(snapshot, loaded.parts[0], asked, None)
    alone = [figure.part for figure in first.parts if figure.part != OTHER]
    return divided(loaded.definition, first, _read(snapshot, loaded.parts[-1], asked, alone))


def _read(snapshot: Snapshot, metric: Definition, asked: "Asked", alone: Sequence[str] | None) -> Reading:
    """One metric's figures; `alone` are the parts that stand alone, where another metric has chosen them."""
    events, period = snapshot.events(metric.event), asked.period
    expression = figures_expression(metric, events, period)
    rows = expression.to_pyarrow().to_pylist()
    points, wholes = figures_of(metric, period, rows)
    ends = next(((row["low"], row["high"]) for row in rows if row["at"] is None), (None, None))
    points = _every_span(metric, period, points, ("",))
    whole = withhold(wholes)[0] if wholes else Figure(value=_nothing(metric))
    reading = Reading(
        metric=metric,
        period=period,
        whole=whole,
        points=tuple(withhold(points)),
        signs=signs_of(*ends) if not whole.withheld else frozenset(),
        sql=str(ibis.to_sql(expression)),
    )
    return _parted(reading, events, asked, alone) if asked.split else reading


def _parted(reading: Reading, events: Any, asked: "Asked", alone: Sequence[str] | None) -> Reading:
    """The reading with the figures of its parts; parts that are too few people are others, together.

    So are parts of events that name no subject: an attribute such as an author may stand for a person there.
    """
    metric, period, split = reading.metric, asked.period, asked.split or ""
    if alone is None:
        largest = parts_expression(metric, events, period, split, limit=asked.series).to_pyarrow().to_pylist()
        alone = [row["part"] for row in largest if row["users"] >= LEAST]
    names = list(alone)
    while True:
        expression = figures_expression(metric, events, period, split=split, parts=names)
        points, wholes = figures_of(metric, period, expression.to_pyarrow().to_pylist())
        others = next((figure.users for figure in wholes if figure.part == OTHER), LEAST)
        if others >= LEAST or not names:
            break
        names.pop()  # the smallest one joins them, so that they are enough people together
    order = {name: index for index, name in enumerate([*names, OTHER])}
    wholes = sorted(wholes, key=lambda figure: order[figure.part])
    points = _every_span(metric, period, points, tuple(figure.part for figure in wholes))
    return replace(
        reading,
        split=split,
        parts=tuple(withhold(wholes)),
        points=(*reading.points, *withhold(points)),
        sql=str(ibis.to_sql(expression)),
    )


def _every_span(
    metric: Definition, period: Period, points: Sequence[Figure], parts: Sequence[str]
) -> list[Figure]:
    """The figures with those of spans in which nothing happened, in order."""
    given = {(figure.span, figure.part): figure for figure in points}
    return [
        given.get((span, part)) or Figure(span=span, part=part, value=_nothing(metric))
        for part in parts
        for span in period.spans
    ]


def _nothing(metric: Definition) -> float | None:
    return 0.0 if metric.aggregation in ADDED and metric.per == "all" else None


def distribution(snapshot: Snapshot, metric: Definition, period: Period) -> tuple[Bin, ...]:
    """How many events have a number of which size: bins of one width, each of `LEAST` users or withheld.

    They begin and end at round numbers, so that none tells the smallest or the largest number, which is somebody's.
    """
    events = snapshot.events(metric.event)
    (ends,) = range_expression(metric, events, period).to_pyarrow().to_pylist()
    low, high = ends["low"], ends["high"]
    if low is None or not math.isfinite(low) or not math.isfinite(high):
        return ()
    top = min(high, ends["mean"] + SPREAD * (ends["spread"] or 0.0))
    top = max(top, min(high, (metric.cap or low) * 1.1))
    if not math.isfinite(top - low):
        return ()
    width = _round_width((top - low) / BINS or abs(low) / BINS or 1.0)
    low = math.floor(low / width) * width
    bins = max(math.ceil((top - low) / width), 1)
    expression = histogram_expression(metric, events, period, low=low, width=width, bins=bins)
    rows = {row["bin"]: row for row in expression.to_pyarrow().to_pylist()}
    found = []
    for index in range(bins):
        row = rows.get(index) or {"events": 0, "users": 0}
        end = None if index == bins - 1 and high > low + bins * width else low + (index + 1) * width
        hidden = too_few(row["users"])
        found.append(
            Bin(
                low + index * width,
                end,
                0 if hidden else row["events"],
                0 if hidden else row["users"],
                withheld=hidden,
            )
        )
    return tuple(found) if sum(each.users for each in found) >= LEAST or not rows else ()


def _round_width(least: float) -> float:
    """1, 2 or 5 times a power of ten that is at least so large.

    >>> _round_width(0.031), _round_width(7)
    (0.05, 10.0)
    """
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 5, 10) if factor * power >= least), least)
