"""From events to one row per user: the sums that the metrics' values are made of."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_
from typing import Any, cast

import ibis
from ibis.expr.types import NumericColumn, Table

from counterpoint.experiments.fields import field_of
from counterpoint.experiments.measures import Metric, Slots, Span, slots_of
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.users import literal_of, require

__all__ = ["EARLY_DAYS", "reach_days", "sums_expression", "value_of"]

EARLY_DAYS = 14
"""Days before a user's first exposure in which events are counted as early; what is older says nothing about exposures."""
EARLY = "early"
"""Name of the place of events of any type in those days."""
DAY_SECONDS = 86_400
NO_NUMBER = "no_number"
"""Name of the count of events without a number, before the slot's."""


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
        "early": _number_of(placed[_early(slots)]),
        "late": _number_of(placed.late) if plan.end else ibis.literal(0),
    }
    spans, before = _spans(slots), _before(slots)
    for i, part in enumerate(slots.parts):
        columns |= _sums(slots, part, placed, placed[f"counts{spans.index(part.span)}"], str(i))
        if part.covariate_days:
            place = before.index((part.event, part.covariate_days))
            columns |= _sums(slots, part, placed, placed[f"before{place}"], f"_before{i}")
    summed = placed.group_by(*by).aggregate(**columns)
    return summed.select(*by, **_with_known(slots, summed, by)).alias("user_sums")


def _with_known(slots: Slots, summed: Table, by: Sequence[str]) -> dict[str, Any]:
    """The sums, with how many events had a number: those of the span without the few that had none."""
    found: dict[str, Any] = {}
    for name in summed.columns:
        if name.startswith(NO_NUMBER):
            slot = name.removeprefix(NO_NUMBER)
            events = summed[f"events{slots.first_of_span(int(slot))}"]
            found[f"known{slot}"] = events - summed[name]
        elif name.startswith("any"):
            found[name] = summed[name].cast("float64")
        elif name not in by:
            found[name] = summed[name]
    return found


def value_of(slots: Slots, number: int, sums: Table, *, before: bool = False, limited: bool = True) -> Any:
    """A user's value in a slot out of the sums, or the covariate: the value before exposure."""
    part = slots.parts[number]
    kind, slot = part.aggregation, f"_before{number}" if before else str(number)
    if kind in {"count", "retention"}:
        value: Any = sums[f"events{slot}" if before else f"events{slots.first_of_span(number)}"]
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
    return sorted({part.span.event for part in slots.parts})


def _spans(slots: Slots) -> list[Span]:
    return list(dict.fromkeys(part.span for part in slots.parts))


def _before(slots: Slots) -> list[tuple[str, int]]:
    return list(
        dict.fromkeys((part.event, part.covariate_days) for part in slots.parts if part.covariate_days)
    )


def _early(slots: Slots) -> str:
    """The place of early events: that of a covariate where it is the same, so that engines count it once."""
    events, before = _events(slots), _before(slots)
    same = [number for number, place in enumerate(before) if place == (events[0], EARLY_DAYS)]
    return f"before{same[0]}" if same and len(events) == 1 else EARLY


def _places(plan: Experiment, slots: Slots, joined: Table) -> dict[str, Any]:
    """Where an event lies, for each type: where it counts, or within the days of a covariate; or too early, or late."""
    before = joined.time < joined["first"]
    counts = ~before
    reach = _windows(slots)[-1]

    def within(days: int) -> Any:
        """Before the first exposure; what is out of reach is not there any more."""
        return before if days == reach else before & (joined.time >= joined[f"since{days}"])

    def ours(event: str) -> list[Any]:
        """Of the type; where there is one only, there are no others any more."""
        return [joined.type == event] if len(_events(slots)) > 1 else []

    places: dict[str, Any] = {} if _early(slots) != EARLY else {EARLY: within(EARLY_DAYS)}
    if plan.end:
        after = joined.time > literal_of(plan.end, joined)
        places["late"] = after & counts
        counts = counts & ~after
    for number, span in enumerate(_spans(slots)):
        conditions: list[Any] = [*ours(span.event), counts]
        if span.since:
            conditions.append(joined.time >= joined[f"after{span.since}"])
        if span.until is not None:
            conditions.append(joined.time < joined[f"after{span.until}"])
        places[f"counts{number}"] = reduce(and_, conditions)
    for number, (event, days) in enumerate(_before(slots)):
        places[f"before{number}"] = reduce(and_, [*ours(event), within(days)])
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
        field_of(next(part for part in slots.parts if _key(part) == key), joined).name(f"field{number}")
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
    # The number of events is the same for all values of one span: the first of them has it.
    counted = not slot.startswith("_") and slots.first_of_span(int(slot)) == int(slot)
    if counted or (slot.startswith("_") and part.aggregation in {"count", "retention"}):
        sums[f"events{slot}"] = _number_of(where)
    if part.aggregation == "time to event":
        return sums | {f"soon{slot}": _only(where, placed["elapsed"]).min()}
    if part.aggregation not in {"mean", "sum", "any"}:
        return sums
    field = cast("NumericColumn", placed[f"field{_numbered(slots)[_key(part)]}"])
    if part.aggregation == "any":
        return sums | {f"any{slot}": _only(where, (field.isnull() | (field != 0)).cast("int8")).max()}
    if part.event_cap is not None:
        sums[f"raw{slot}"] = _only(where, field).sum()
        sums[f"sum{slot}"] = _only(where, _at_most(field, part.event_cap)).sum()
    else:
        sums[f"sum{slot}"] = _only(where, field).sum()
    if slot.startswith("_"):
        # How many events had no number is told of those that count.
        return sums if part.aggregation == "sum" else sums | {f"known{slot}": _only(where, field).count()}
    # Few events have no number, so that to count them costs next to nothing, and to count the others a tenth of all.
    return sums | {f"{NO_NUMBER}{slot}": _number_of(where & field.isnull())}


def _only(where: Any, value: Any) -> Any:
    """The value where it counts, else null: a choice costs DuckDB less than a filter of each aggregate."""
    return ibis.ifelse(where, value, ibis.null(value.type()))


def _number_of(where: Any) -> Any:
    """How many rows are so."""
    return _only(where, ibis.literal(1, type="int8")).count()
