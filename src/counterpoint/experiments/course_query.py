"""One Ibis expression that says how the sufficient statistics of an experiment grew day by day.

Statistics as they were at the end of each day need every user's value then. A value changes on days with events only,
so each user has a row for such days and for the day on which the user begins to count; a row says by how much the sums of
values, squares and products of the arm change there. Added up over days these are the statistics of every day, and those
of the last day are those of the result.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import ibis
from ibis.expr.types import Table

from counterpoint.experiments.aggregation import identified, users_until
from counterpoint.experiments.measures import Metric, limited, slots_of
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import cross_name, origin_of
from counterpoint.experiments.user_sums import sums_expression, value_of
from counterpoint.experiments.users import users_expression

__all__ = ["course_expression"]

DAY_SECONDS = 86_400
LAST = 9
"""Place of a day's events among the rows of the day: after those with which a user begins to count."""


def course_expression(
    plan: Experiment,
    exposures: Table,
    events: Table,
    *,
    centres: Mapping[str, float],
    as_of: datetime | None = None,
    last_data: bool = False,
    links: Table | None = None,
) -> Table:
    """The rows of which `over_time.days_of` makes totals: of each variant and day, what changed on it.

    Args:
        plan: The arms, and metrics that are all `followed`.
        exposures: As of `totals_expression`, like the other arguments.
        events: As there.
        centres: By column, a number near to its mean, around which squares and products are summed.
        as_of: As there.
        last_data: As there.
        links: As there.

    Raises:
        InputError: a table lacks a column.
    """
    exposures, events = identified(plan, exposures, events, links)
    users = users_expression(plan, exposures, events)
    users = users.filter(users["first"].notnull() & ~users.mixed & users.variant.isin(plan.arms))
    users = users_until(plan, users, (exposures, events), as_of=as_of, last_data=last_data)
    dated = events.mutate(day=_day(events.time))
    sums = sums_expression(plan, users, dated, by=("subject", "day"))
    return _changes(plan, _states(plan, users, _rows(plan, users, sums), centres))


def _day(moment: Any, *, ends: bool = False) -> Any:
    """The day of a moment, counted from 1970 in UTC; with `ends` that at whose end the moment has passed."""
    days = moment.epoch_seconds().cast("float64") / DAY_SECONDS
    return ((days.ceil() - 1) if ends else days.floor()).cast("int64")


def _windows(plan: Experiment) -> list[int | None]:
    """After how many days users count for a metric; none for at once, which comes first."""
    parts = slots_of(plan.metrics).parts
    return [None, *sorted({part.days for part in parts if part.days is not None})]


def _begins(users: Table, days: int | None) -> Any:
    """The day on which a user counts for metrics with this window."""
    if days is None:
        return _day(users["first"])
    return _day(users["first"] + ibis.interval(hours=24 * days), ends=True)


def _rows(plan: Experiment, users: Table, sums: Table) -> Table:
    """A row for each user and day with events, and for each day on which the user begins to count."""
    names = [name for name in sums.columns if name not in {"subject", "day"}]
    # Numbers alike on both sides: engines count in integers of different kinds.
    happened = sums.select("subject", "day", **{name: sums[name].cast("float64") for name in names})
    nothing = {name: ibis.null("float64") for name in names}
    begun = [
        users.select("subject", day=_begins(users, days), place=ibis.literal(place, "int64"), **nothing)
        for place, days in enumerate(_windows(plan))
    ]
    happened = happened.mutate(place=ibis.literal(LAST + len(begun), "int64"))
    rows = ibis.union(*begun, happened.select(*begun[0].columns))
    if plan.end:  # whose days are over after it, or who goes on after it, changes nothing any more
        rows = rows.filter(rows.day <= int(plan.end.timestamp() // DAY_SECONDS))
    rows = rows.alias("rows_of_days")
    known = users.select(
        "subject", "variant", "first", *(["reach"] if "reach" in users.columns else [])
    ).alias("users_of_days")
    return rows.join(known, "subject")


def _states(plan: Experiment, users: Table, rows: Table, centres: Mapping[str, float]) -> Table:
    """Rows with the user's values up to then (`s_…`, less their centre) and whether they count (`p…`)."""
    until = ibis.window(group_by="subject", order_by=["day", "place"], preceding=None, following=0)
    names = [
        name
        for name in rows.columns
        if name not in {"subject", "day", "place", "variant", "first", "reach", "early", "late"}
    ]
    grown = rows.select(
        "subject",
        "day",
        "place",
        "variant",
        "first",
        *(["reach"] if "reach" in rows.columns else []),
        **{name: _grown(name, rows[name]).over(until) for name in names},
        **{f"now_{name}": rows[name].fill_null(0) for name in names if name.removeprefix("events").isdigit()},
    ).alias("grown")
    slots = slots_of(plan.metrics)
    counts = {days: _counts(grown, days) for days in _windows(plan)}
    columns: dict[str, Any] = {f"p{place}": counts[days].cast("int64") for place, days in enumerate(counts)}

    values: dict[str, Any] = {}

    def put(name: str, part: Metric, value: Any) -> None:
        values[name] = value.cast("float64")
        away = values[name] - centres.get(name, 0.0)
        columns[f"s_{name}"] = ibis.ifelse(counts[part.days], away, 0.0)

    for i, part in enumerate(slots.parts):
        put(f"m{i}", part, value_of(slots, i, grown))
        if limited(part):
            put(f"r{i}", part, value_of(slots, i, grown, limited=False))
        if part.covariate_days:
            put(f"x{i}", part, value_of(slots, i, grown, before=True))
    for form, (one, other) in slots.forms.items():
        origin = origin_of(*(centres.get(name, 0.0) for name in slots.origin_of(form)))
        away = values[one] - origin * values[other]
        columns[f"s_{form}"] = ibis.ifelse(counts[slots.parts[slots.slot_of(form)].days], away, 0.0)
    now = [name for name in grown.columns if name.startswith("now_")]
    return grown.select("subject", "day", "place", "variant", *now, **columns).alias("states")


def _grown(name: str, column: Any) -> Any:
    """What a user's sum is with all rows up to one."""
    if name.startswith("any"):
        return column.max()
    return column.min() if name.startswith("soon") else column.sum()


def _counts(grown: Table, days: int | None) -> Any:
    counts = grown.day >= _begins(grown, days)
    if days is None:
        return counts
    return counts & (grown["first"] + ibis.interval(hours=24 * days) <= grown.reach)


def _changes(plan: Experiment, states: Table) -> Table:
    """By variant and day, by how much each statistic changes."""
    order = ibis.window(group_by="subject", order_by=["day", "place"])
    names = [name for name in states.columns if name[0] in "sp" and name not in {"subject", "place"}]
    both = states.mutate(**{f"before_{name}": states[name].lag().over(order).fill_null(0) for name in names})
    both = both.alias("changes")
    slots = slots_of(plan.metrics)
    places = {days: place for place, days in enumerate(_windows(plan))}

    def change(one: str, other: str | None = None) -> Any:
        now, before = both[one], both[f"before_{one}"]
        if other is not None:
            now, before = now * both[other], before * both[f"before_{other}"]
        return (now - before).sum()

    found: dict[str, Any] = {"users": change("p0")}
    for i, part in enumerate(slots.parts):
        if slots.first_of_span(i) == i:
            found[f"events{i}"] = both[f"now_events{i}"].sum()
        if part.days is not None:
            found[f"n{i}"] = change(f"p{places[part.days]}")
    for name in slots.columns():
        found[f"sum_{name}"] = change(f"s_{name}")
        found[f"square_{name}"] = change(f"s_{name}", f"s_{name}")
    for one, other in slots.pairs(plan.metrics):
        found[cross_name(one, other)] = change(f"s_{one}", f"s_{other}")
    return both.group_by("variant", "day").aggregate(**found)
