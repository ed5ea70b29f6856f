"""From events to one row per user: the sums that the metrics' values are made of."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_
from typing import Any, NamedTuple, cast

import ibis
from ibis.expr.types import NumericColumn, Table

from counterpoint.errors import InputError
from counterpoint.experiments.measures import PLAIN_FIELD, PLAIN_WORDS, Metric, Slots, slots_of
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.users import literal_of, require

__all__ = ["EARLY_DAYS", "item_in", "number_in", "reach_days", "sums_expression", "value_of"]

EARLY_DAYS = 14
"""Days before a user's first exposure in which events are counted as early; what is older says nothing about exposures."""
DAY_SECONDS = 86_400


class Span(NamedTuple):
    """Which events count for a value: of one type, in days after the first exposure (`until` none: for ever)."""

    event: str
    since: int
    until: int | None


def sums_expression(
    plan: Experiment, users: Table, events: Table, *, by: Sequence[str] = ("subject",)
) -> Table:
    """One row per exposed user who has events: the sums that the metrics' values are made of, which add up.

    What is computed of two disjoint sets of events for the same users adds up to what is computed of both
    together: `any…` by the maximum, `soon…` by the minimum, all else by addition. `by` names columns of the users
    or of the events to group by instead of the subject.

    Raises:
        InputError: the table lacks a column.
    """
    require(events, ("type", "subject", "time"), "The table of events")
    slots = slots_of(plan.metrics)
    wanted = events.filter(events.type.isin(_events(slots)))
    joined = wanted.join(_since(slots, users, [name for name in by if name in users.columns]), "subject")
    near = joined.filter(joined.time >= joined[f"since{reach_days(plan)}"])
    kept = dict.fromkeys(("subject", *by))
    placed = near.select(
        *kept, *_fields(slots, near), **_elapsed(slots, near), **_places(plan, slots, near)
    ).alias("placed")
    columns: dict[str, Any] = {
        "early": placed.subject.count(where=placed.early),
        "late": placed.subject.count(where=placed.late) if plan.end else ibis.literal(0),
    }
    spans, before = _spans(slots), _before(slots)
    for i, part in enumerate(slots.parts):
        columns |= _sums(slots, part, placed, placed[f"counts{spans.index(_span(part))}"], str(i))
        if part.covariate_days:
            place = before.index((part.event, part.covariate_days))
            columns |= _sums(slots, part, placed, placed[f"before{place}"], f"_before{i}")
    return placed.group_by(*by).aggregate(**columns).alias("user_sums")


def value_of(part: Metric, sums: Table, slot: str, *, limited: bool = True) -> Any:
    """A user's value out of the sums."""
    kind = part.aggregation
    if kind in {"count", "retention"}:
        value: Any = sums[f"events{slot}"]
        if kind == "retention":
            value = (value > 0).cast("float64")
    elif kind == "any":
        value = sums[f"any{slot}"]
    elif kind == "time to event":
        whole = float(part.window_days or 0)
        return ibis.coalesce(sums[f"soon{slot}"] / DAY_SECONDS - part.offset_days, whole)
    else:
        name = f"sum{slot}" if limited or part.event_cap is None else f"raw{slot}"
        value = sums[name]
        if kind == "mean":
            value = value / sums[f"known{slot}"].nullif(0)
    value = value.cast("float64").fill_null(0)
    return _at_most(value, part.cap) if limited and part.cap is not None else value


def reach_days(plan: Experiment) -> int:
    """How many days before a user's first exposure an event can matter."""
    return _windows(slots_of(plan.metrics))[-1]


def _at_most(value: Any, cap: float) -> Any:
    """The value, or the cap where it is above; `least` treats a null differently on each engine."""
    return ibis.ifelse(value > cap, ibis.literal(float(cap)), value)


def _since(slots: Slots, users: Table, further: Sequence[str]) -> Table:
    """Exposed users with the moments that events are compared with: once per user is cheaper than once per event."""
    first = users["first"]
    # Hours, since the days of a calendar are not equally long in every time zone that an engine may run in.
    moments = {f"since{days}": first - ibis.interval(hours=24 * days) for days in _windows(slots)}
    moments |= {f"after{days}": first + ibis.interval(hours=24 * days) for days in _borders(_spans(slots))}
    return users.select(*dict.fromkeys(("subject", "first", *further)), **moments).filter(first.notnull())


def _windows(slots: Slots) -> list[int]:
    return sorted({EARLY_DAYS, *(part.covariate_days for part in slots.parts)} - {0})


def _borders(spans: Iterable[Span]) -> list[int]:
    return sorted({days for span in spans for days in (span.since, span.until or 0)} - {0})


def _events(slots: Slots) -> list[str]:
    return sorted({_span(part).event for part in slots.parts})


def _span(part: Metric) -> Span:
    event = part.steps[0] if part.steps else part.event  # the events of a funnel are those of its first step
    until = None if part.window_days is None else part.offset_days + part.window_days
    return Span(event, part.offset_days, until)


def _spans(slots: Slots) -> list[Span]:
    return list(dict.fromkeys(_span(part) for part in slots.parts))


def _before(slots: Slots) -> list[tuple[str, int]]:
    return list(
        dict.fromkeys((part.event, part.covariate_days) for part in slots.parts if part.covariate_days)
    )


def _places(plan: Experiment, slots: Slots, joined: Table) -> dict[str, Any]:
    """Where an event lies, for each type: where it counts, or within the days of a covariate; or too early, or late."""
    before = joined.time < joined["first"]
    counts = ~before
    places: dict[str, Any] = {"early": before & (joined.time >= joined[f"since{EARLY_DAYS}"])}
    if plan.end:
        after = joined.time > literal_of(plan.end, joined)
        places["late"] = after & counts
        counts = counts & ~after
    for number, span in enumerate(_spans(slots)):
        conditions: list[Any] = [joined.type == span.event, counts]
        if span.since:
            conditions.append(joined.time >= joined[f"after{span.since}"])
        if span.until is not None:
            conditions.append(joined.time < joined[f"after{span.until}"])
        places[f"counts{number}"] = reduce(and_, conditions)
    for number, (event, days) in enumerate(_before(slots)):
        places[f"before{number}"] = (joined.type == event) & before & (joined.time >= joined[f"since{days}"])
    return places


def _elapsed(slots: Slots, joined: Table) -> dict[str, Any]:
    """Whole seconds from the first exposure, which all engines count alike."""
    if all(part.aggregation != "time to event" for part in slots.parts):
        return {}
    seconds = [moment.epoch_seconds().cast("float64").floor() for moment in (joined.time, joined["first"])]
    return {"elapsed": seconds[0] - seconds[1]}


def _fields(slots: Slots, joined: Table) -> list[Any]:
    """The numbers that metrics are made of, each once."""
    return [
        _field(next(part for part in slots.parts if _key(part) == key), joined).name(f"field{number}")
        for key, number in _numbered(slots).items()
    ]


def _numbered(slots: Slots) -> dict[tuple[str, bool], int]:
    keys = (_key(part) for part in slots.parts if part.aggregation in {"mean", "sum", "any"})
    return {key: number for number, key in enumerate(dict.fromkeys(keys))}


def _key(part: Metric) -> tuple[str, bool]:
    return part.field, part.aggregation == "any"


def _sums(slots: Slots, part: Metric, placed: Table, where: Any, slot: str) -> dict[str, Any]:
    """What is summed over the events of one place; the number of events too where it is shown or is the value."""
    sums: dict[str, Any] = {}
    if not slot.startswith("_") or part.aggregation in {"count", "retention"}:
        sums[f"events{slot}"] = placed.subject.count(where=where)
    if part.aggregation == "time to event":
        return sums | {f"soon{slot}": placed["elapsed"].min(where=where)}
    if part.aggregation not in {"mean", "sum", "any"}:
        return sums
    field = cast("NumericColumn", placed[f"field{_numbered(slots)[_key(part)]}"])
    if part.aggregation == "any":
        return sums | {f"any{slot}": (field.isnull() | (field != 0)).cast("float64").max(where=where)}
    if part.event_cap is not None:
        sums[f"raw{slot}"] = field.sum(where=where)
        sums[f"sum{slot}"] = _at_most(field, part.event_cap).sum(where=where)
    else:
        sums[f"sum{slot}"] = field.sum(where=where)
    return sums | {f"known{slot}": field.count(where=where)}


def _field(metric: Metric, events: Table) -> Any:
    """The metric's field as a number; true and false are 1 and 0, anything else is missing."""
    if metric.field == "value" and "value" in events.columns:
        return events.value.cast("float64")
    if "data" in events.columns:
        return number_in(events, metric.field, f"The metric {metric.name}")
    if metric.field in events.columns:
        return events[metric.field].cast("float64")
    if metric.aggregation == "any":
        return ibis.null("float64")
    raise InputError(
        f"The metric {metric.name} needs a column {metric.field} of numbers; the table of events has {', '.join(events.columns)}."
    )


def number_in(events: Table, field: str, who: str) -> Any:
    """A field of the events' data as a number; true and false are 1 and 0, anything else is missing.

    Raises:
        InputError: `who` reads a field whose name no path can have.
    """
    item = item_in(events, field, who)
    return ibis.coalesce(item.float, item.bool.cast("float64"))


def item_in(events: Table, field: str, who: str) -> Any:
    """A field of the events' data as JSON; a dot stands before what is inside of another field.

    Raises:
        InputError: `who` reads a field whose name no path can have.
    """
    if not PLAIN_FIELD.fullmatch(field):
        raise InputError(f"{who} reads the field {field!r}, which no path can name; {PLAIN_WORDS}")
    item = events.data.cast("json")
    for part in field.split("."):  # engines differ in what a path with dots means
        item = item[part]
    return item
