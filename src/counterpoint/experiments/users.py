"""From exposures to one row per user: the variant, whether there were several, and the first exposure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from typing import Any

import ibis
from ibis.expr.types import BooleanValue, Table

from counterpoint.errors import InputError
from counterpoint.experiments.exposure import Trigger
from counterpoint.experiments.fields import item_in, text_in
from counterpoint.experiments.model import Experiment

__all__ = [
    "exposures_of",
    "hits_expression",
    "inside_dates",
    "linked",
    "links_of",
    "literal_of",
    "require",
    "shown_expression",
    "users_expression",
    "users_of",
]


COUNTED = ("exposures", "linked")
"""What is counted of each user's exposures to judge the data."""


def exposures_of(plan: Experiment, exposures: Table) -> Table:
    """Those of the journal's exposures that are of the plan's flag; one that names no set may be of any."""
    exposures = exposures.filter(exposures.flag == plan.flag)
    if plan.flag_set:
        exposures = exposures.filter((exposures.flag_set == plan.flag_set) | exposures.flag_set.isnull())
    return exposures


def users_expression(plan: Experiment, exposures: Table, events: Table | None = None) -> Table:
    """One row per user: the variant, whether there were several, and the first exposure in the dates.

    With a trigger `first` is its moment, null for a user who has none, and `assigned` is the first exposure. `exposures`
    counts those in the dates, and `linked` says whether one was of an id that a link joined to the user.

    Raises:
        InputError: a table lacks a column.
    """
    shown = shown_expression(plan, exposures, by=("subject",), counted=True)
    users, further = users_of(shown), [name for name in COUNTED if name in shown.columns]
    if plan.trigger is None or events is None:
        return users
    hits = hits_expression(plan, plan.trigger, users, events)
    at = hits.group_by("subject").aggregate(at=hits.time.min())
    return (
        users.left_join(at, "subject")
        .select(
            "subject",
            "last",
            "outside",
            "variant",
            "mixed",
            *further,
            first=at["at"],
            assigned=users["first"],
        )
        .alias("triggered")
    )


def hits_expression(plan: Experiment, trigger: Trigger, users: Table, events: Table) -> Table:
    """The events of a trigger at or after the assignment, within the dates, with the variant of their user.

    Raises:
        InputError: the table of events lacks a column.
    """
    require(events, ("type", "subject", "time"), "The table of events")
    hits = events.filter(events.type == trigger.event)
    if trigger.field is not None:
        hits = hits.filter(_equals(hits, trigger.field, trigger.equals))
    named = {"said": hits.variant} if "variant" in hits.columns else {}
    assigned = users.filter(users["first"].notnull()).select("subject", "variant", assigned=users["first"])
    joined = hits.select("subject", "time", **named).join(assigned, "subject")
    joined = joined.filter(joined.time >= joined.assigned)
    return joined.filter(joined.time <= literal_of(plan.end, joined)) if plan.end else joined


def _equals(table: Table, field: str, value: Any) -> Any:
    who = "The trigger"
    if field in table.columns:
        return table[field] == value
    item = item_in(table, field, who)
    if isinstance(value, bool):
        return item.bool == value
    return item.float == float(value) if isinstance(value, int | float) else item.str == value


def linked(links: Table, *tables: Table) -> list[Table]:
    """Tables whose subjects are the users behind them, each with a column `linked`: whether a link said so.

    The first link of an id holds, whatever comes later; ids without one are users of their own.

    Args:
        links: Columns subject (the id), known (the user) and time.
        tables: Each with a column subject.

    Raises:
        InputError: a table lacks a column.
    """
    require(links, ("subject", "known", "time"), "The table of links")
    links = links.filter(links.known.notnull())
    first = links.group_by("subject").aggregate(at=links.time.min())
    both = links.join(first, "subject")
    both = both.filter(both.time == both["at"])
    known = both.group_by("subject").aggregate(known=both.known.min()).alias("known_users")
    found = []
    for table in tables:
        joined = table.left_join(known, table.subject == known.subject)
        others = [name for name in table.columns if name != "subject"]
        found.append(
            joined.select(
                *(table[name] for name in others),
                subject=ibis.coalesce(known.known, table.subject),
                linked=known.known.notnull(),
            )
        )
    return found


def links_of(plan: Experiment, events: Table) -> Table | None:
    """The links that the plan names, out of the events; none where it names none."""
    if plan.links is None:
        return None
    require(events, ("type", "subject", "time"), "The table of events")
    rows = events.filter(events.type == plan.links.event)
    return rows.select("subject", "time", known=text_in(rows, plan.links.field, "The links"))


def shown_expression(
    plan: Experiment, exposures: Table, *, by: Sequence[str], counted: bool = False
) -> Table:
    """What is known of exposures by the columns `by`: of two disjoint sets of them it adds up by least, greatest and sum.

    With `counted` that is also how many there are, and whether one is of an id that was linked (where that is known).

    Raises:
        InputError: the table lacks a column.
    """
    require(exposures, ("subject", "variant", "time"), "The table of exposures")
    exposures = exposures.filter(exposures.subject.notnull())
    link = ["linked"] if counted and "linked" in exposures.columns else []
    exposures = exposures.select(*by, "variant", "time", *link, **inside_dates(plan, exposures)).alias(
        "shown"
    )
    inside = exposures.inside if "inside" in exposures.columns else None
    variant, time = exposures.variant, exposures.time
    further = {"exposures": exposures.count(where=inside)} if counted else {}
    if link:
        further["linked"] = exposures.linked.cast("int64").max(where=inside)
    return exposures.group_by(*by).aggregate(
        low=variant.min(where=inside),
        high=variant.max(where=inside),
        first=time.min(where=inside),
        last=time.max(where=inside),
        outside=ibis.literal(0) if inside is None else time.count(where=~inside),
        **further,
    )


def users_of(shown: Table) -> Table:
    """Users out of what is known of their exposures, one row for each."""
    mixed = (shown.low != shown.high).fill_null(False)  # noqa: FBT003 - Ibis' argument
    further = [name for name in COUNTED if name in shown.columns]
    return shown.select(
        "subject", "first", "last", "outside", *further, variant=shown.low, mixed=mixed
    ).alias("users")


def inside_dates(plan: Experiment, table: Table) -> dict[str, BooleanValue]:
    """Whether a row lies within the plan's dates; nothing where it has none."""
    conditions: list[Any] = []
    if plan.start:
        conditions.append(table.time >= literal_of(plan.start, table))
    if plan.end:
        conditions.append(table.time <= literal_of(plan.end, table))
    return {"inside": reduce(and_, conditions)} if conditions else {}


def literal_of(value: datetime, table: Table) -> Any:
    """A literal that compares with the table's times, which have a zone or are plain UTC."""
    if table.time.type().timezone is None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return ibis.literal(value, type=table.time.type())


def require(table: Table, columns: Sequence[str], what: str) -> None:
    """Check that a table has columns.

    Raises:
        InputError: one is missing; the message says which the table has.
    """
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(
            f"{what} has no column {' and no column '.join(missing)}; its columns are {', '.join(table.columns)}."
        )
