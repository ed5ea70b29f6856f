"""One Ibis expression for each metric: its figures of every span and of the whole period. No engine's own functions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import ibis
from ibis.expr.types import Table

from counterpoint.experiments.aggregation import item_in, literal_of, number_in
from counterpoint.experiments.metrics.definition import Definition
from counterpoint.experiments.metrics.period import Period
from counterpoint.experiments.metrics.reading import OTHER, Figure

__all__ = [
    "COLUMNS",
    "NONE",
    "figures_expression",
    "figures_of",
    "histogram_expression",
    "parts_expression",
    "range_expression",
]

COLUMNS: Final = ("source", "flag", "variant", "flag_set")
"""Columns of events that a figure may be split by; any other name is a key of the events' data."""
NONE: Final = "(none)"
"""The part of events that lack the attribute."""
DAY: Final = 86_400
WHOLE: Final = 1e15
"""Whole numbers below it are the same on every engine."""


def figures_expression(
    metric: Definition, events: Table, period: Period, *, split: str | None = None, parts: Sequence[str] = ()
) -> Table:
    """The expression whose rows are the figures: one for each span and part, one without a span for each part.

    Args:
        metric: What is computed; no ratio, which is computed from two others.
        events: Columns type, subject, id, time, value and data, as a snapshot of the journal has them.
        period: The days that count.
        split: The attribute that parts the figures.
        parts: Its values that stand alone; all others are one part.

    Raises:
        InputError: the field, or the attribute, has a name that no path can have.
    """
    rows = _rows(metric, events, period, split=split, parts=parts)
    if metric.aggregation == "quantile":
        return ibis.union(_quantiles(metric, rows, "at", "part"), _quantiles(metric, rows, "part"))
    each = rows.group_by("at", "part", "unit").aggregate(
        person=rows.person.max(),
        events=rows.count(),
        filled=rows.number.count(),
        total=rows.number.sum(),
        top=rows.truth.max(),
        capped=rows.capped.sum(),
        low=rows.raw.min(),
        high=rows.raw.max(),
    )
    whole = each.group_by("part", "unit").aggregate(
        person=each.person.max(),
        events=each.events.sum(),
        filled=each.filled.sum(),
        total=each.total.sum(),
        top=each.top.max(),
        capped=each.capped.sum(),
        low=each.low.min(),
        high=each.high.max(),
    )
    return ibis.union(_summed(each, "at", "part"), _summed(whole, "part"))


def _rows(
    metric: Definition, events: Table, period: Period, *, split: str | None, parts: Sequence[str]
) -> Table:
    """The events of the period with their span, part, unit and number."""
    inside = _inside(metric, events, period)
    raw = _number(metric, inside)
    # Not `least`, which takes the cap for a number that is missing on some engines, and nothing on others.
    number = raw if metric.cap is None else ibis.ifelse(raw > metric.cap, float(metric.cap), raw)
    over = ibis.literal(0, "int64") if metric.cap is None else ibis.ifelse(raw > metric.cap, 1, 0)
    return inside.select(
        at=_span(inside, period),
        part=_part(inside, split, parts),
        unit=_unit(inside),
        person=inside.subject.notnull().cast("int64"),
        number=number,
        raw=raw,
        truth=(raw.isnull() | (raw != 0)).cast("int64"),
        capped=over.cast("int64"),
    )


def _inside(metric: Definition, events: Table, period: Period) -> Table:
    start, end = (literal_of(each, events) for each in (period.start, period.end))
    return events.filter(events.type == metric.event, events.time >= start, events.time < end)


def _unit(events: Table) -> Any:
    """Whom an event is of: its subject, or nobody but itself."""
    return ibis.coalesce(events.subject, events.id)


def _span(events: Table, period: Period) -> Any:
    """The number of the span that an event lies in, from 0."""
    if period.calendar == "month":
        edges = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in period.spans[1:]]
        passed = [(events.time >= literal_of(edge, events)).cast("int64") for edge in edges]
        return sum(passed, ibis.literal(0, "int64"))
    width = DAY * (7 if period.calendar == "week" else 1)
    return ((events.time.epoch_seconds() - int(period.start.timestamp())) // width).cast("int64")


def _number(metric: Definition, events: Table) -> Any:
    """The metric's field as a number; true and false are 1 and 0, anything else is missing."""
    if metric.field == "value":
        return events.value.cast("float64")
    return number_in(events, metric.field, f"The metric {metric.name}")


def _part(events: Table, split: str | None, parts: Sequence[str]) -> Any:
    if split is None:
        return ibis.literal("")
    text = _text(split, events)
    return ibis.ifelse(text.isin(list(parts)), text, OTHER) if parts else ibis.literal(OTHER)


def _text(split: str, events: Table) -> Any:
    if split in COLUMNS:
        return events[split].cast("string").fill_null(NONE)
    item = item_in(events, split, "The figure")
    # Engines write fractions, and even whole numbers and truth, in their own ways; so we write them ourselves.
    number = item.float
    whole = ibis.ifelse((number == number.floor()) & (number.abs() < WHOLE), number, ibis.null("float64"))
    truth = ibis.cases((item.bool == True, "true"), (item.bool == False, "false"))  # noqa: E712 - an expression
    return ibis.coalesce(item.str, whole.cast("int64").cast("string"), truth, ibis.literal(NONE))


def _summed(table: Table, *keys: str) -> Table:
    found = table.group_by(*keys).aggregate(
        units=table.count(),
        users=table.person.sum(),
        events=table.events.sum(),
        filled=table.filled.sum(),
        total=table.total.sum(),
        mean=(table.total / table.filled.nullif(0)).mean(),
        share=table.top.mean(),
        capped=table.capped.sum(),
        low=table.low.min(),
        high=table.high.max(),
    )
    return _placed(found)


def _quantiles(metric: Definition, rows: Table, *keys: str) -> Table:
    found = rows.group_by(*keys).aggregate(
        units=rows.unit.nunique(),
        users=rows.unit.nunique(where=rows.person == 1),
        events=rows.count(),
        filled=rows.number.count(),
        total=rows.number.sum(),
        mean=rows.raw.quantile(metric.quantile or 0.5),
        share=rows.truth.mean(),
        capped=rows.capped.sum(),
        low=rows.raw.min(),
        high=rows.raw.max(),
    )
    return _placed(found)


def _placed(found: Table) -> Table:
    """The same columns in the same order and types, so that two of them unite."""
    at = found["at"].cast("int64") if "at" in found.columns else ibis.null("int64")
    counts = {name: found[name].cast("int64") for name in ("units", "users", "events", "filled", "capped")}
    sizes = {name: found[name].cast("float64") for name in ("total", "mean", "share", "low", "high")}
    return found.select(at=at, part=found["part"].cast("string"), **counts, **sizes)


def parts_expression(metric: Definition, events: Table, period: Period, split: str, *, limit: int) -> Table:
    """The largest parts by users, at most `limit`: text and how many users each has."""
    inside = _inside(metric, events, period)
    rows = inside.select(part=_text(split, inside), unit=_unit(inside), person=inside.subject.notnull())
    found = rows.group_by("part").aggregate(
        units=rows.unit.nunique(), users=rows.unit.nunique(where=rows.person)
    )
    return found.order_by(found["units"].desc(), found["part"]).limit(limit)


def range_expression(metric: Definition, events: Table, period: Period) -> Table:
    """One row: the smallest and the largest number of the events, their mean and standard deviation."""
    inside = _inside(metric, events, period)
    rows = inside.select(raw=_number(metric, inside))
    return rows.aggregate(
        low=rows.raw.min(), high=rows.raw.max(), mean=rows.raw.mean(), spread=rows.raw.std(how="pop")
    )


def histogram_expression(
    metric: Definition, events: Table, period: Period, *, low: float, width: float, bins: int
) -> Table:
    """How many events and users there are by the size of the number, in bins of one width; the last has no end."""
    inside = _inside(metric, events, period)
    rows = inside.select(raw=_number(metric, inside), unit=_unit(inside), person=inside.subject.notnull())
    rows = rows.filter(rows.raw.notnull())
    index = ((rows.raw - low) / width).floor().clip(0, bins - 1).cast("int64")
    rows = rows.mutate(bin=index)
    return rows.group_by("bin").aggregate(
        events=rows.count(), units=rows.unit.nunique(), users=rows.unit.nunique(where=rows.person)
    )


def figures_of(
    metric: Definition, period: Period, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Figure], list[Figure]]:
    """Figures of spans, and of the whole period, out of the rows of `figures_expression`."""
    spans = period.spans
    points = [
        _figure(metric, row, spans[row["at"]])
        for row in rows
        if row["at"] is not None and row["at"] < len(spans)
    ]
    return points, [_figure(metric, row, None) for row in rows if row["at"] is None]


def _figure(metric: Definition, row: Mapping[str, Any], span: Any) -> Figure:
    return Figure(
        span=span,
        part=row["part"] or "",
        value=_value(metric, row),
        users=row["users"],
        units=row["units"],
        events=row["events"],
        blank=row["events"] - row["filled"] if metric.numbered or metric.aggregation == "any" else 0,
        capped=row["capped"],
    )


def _value(metric: Definition, row: Mapping[str, Any]) -> float | None:
    match metric.aggregation:
        case "mean" | "quantile":
            found = row["mean"]
        case "any":
            found = row["share"]
        case "users":
            return float(row["users"])
        case _:
            found = row["total"] if metric.aggregation == "sum" else row["events"]
            found = (found or 0.0) / row["units"] if metric.per == "user" else found or 0.0
    # Numbers that are no numbers, or beyond all bounds, come from files of other systems; they are no figure.
    return float(found) if found is not None and abs(found) < float("inf") else None
