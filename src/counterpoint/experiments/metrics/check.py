"""What the events say against a metric's definition: warnings, never refusals. Pure.

A metric may be written before its event is sent; whoever reads its figure is to know what it is made of.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from counterpoint.experiments.metrics.definition import Definition
from counterpoint.experiments.metrics.reading import LEAST, Reading
from counterpoint.experiments.model import PLAIN_FIELD, PLAIN_WORDS
from counterpoint.experiments.wording import count, day, percent
from counterpoint.journal.model.outcome import TypeCount
from counterpoint.said import Said
from counterpoint.spelling import near

__all__ = ["RECENT", "Remark", "check", "check_definition"]

RECENT: Final = 30
"""Days without an event after which it is told."""
MUCH_CAPPED: Final = 0.1
"""Share of events above the cap that makes it more than a bound for outliers."""
TIMES: Final = frozenset({"ms", "s", "sec", "seconds", "min", "minutes", "h", "hours", "days"})
SHARES: Final = frozenset({"%", "percent", "per cent"})


class Remark(msgspec.Struct, frozen=True):
    """Something about a metric that its readers should know."""

    level: Literal["warning", "info"]
    about: Literal["definition", "event", "field", "cap", "unit", "users"]
    message: Said


def check(
    metric: Definition,
    types: Mapping[str, TypeCount],
    reading: Reading | None,
    *,
    now: datetime,
    keys: Collection[str] = (),
    recent: int = RECENT,
) -> tuple[Remark, ...]:
    """Everything that is to be told of a metric that is computed from events.

    Args:
        metric: What is checked; of a ratio its two metrics are checked instead.
        types: The types of events that the journal holds.
        reading: Its figures; none where there are none.
        now: The moment of the check.
        keys: Names of fields that newer events of this type have.
        recent: Days without an event after which it is told.
    """
    found = list(_event(metric, types, now, recent))
    if reading is not None and reading.whole.events:
        found += [
            *_field(metric, reading, keys),
            *_cap(metric, reading),
            *_unit(metric, reading),
            *_users(reading),
        ]
    return (*found, *check_definition(metric))


def check_definition(metric: Definition) -> Iterator[Remark]:
    """What a reader of the definition alone would miss."""
    if not metric.meaning:
        yield _info(
            "definition", "Nothing says what it means: write a description, for those who did not make it."
        )
    if (
        metric.event
        and metric.aggregation not in ("count", "users")
        and not PLAIN_FIELD.fullmatch(metric.field)
    ):
        yield _warning(
            "field", f"No path can name the field `{metric.field}`, so there is no figure; {PLAIN_WORDS}"
        )
    if metric.role == "northStar" and not metric.decisions:
        yield _info("definition", "It is a north star and names no decision that it serves; write which.")


def _event(
    metric: Definition, types: Mapping[str, TypeCount], now: datetime, recent: int
) -> Iterable[Remark]:
    if not metric.event:
        return
    known = types.get(metric.event)
    if known is None:
        meant = near(metric.event, list(types), cutoff=0.5)
        yield _warning(
            "event",
            f"No event of type `{metric.event}` has been seen{meant or '.'} The figure begins with the first one.",
        )
    elif (quiet := (now - known.last).days) >= recent:
        yield _warning(
            "event",
            f"No event of type `{metric.event}` has come for {count(quiet)} days; the last one is of {day(known.last)}.",
        )
    elif known.last > now:
        yield _warning(
            "event",
            f"Events of type `{metric.event}` are dated ahead, up to {day(known.last)}; a clock is wrong.",
        )


def _field(metric: Definition, reading: Reading, keys: Collection[str]) -> Iterable[Remark]:
    whole = reading.whole
    if metric.numbered and whole.blank:
        share = whole.blank / whole.events
        if share == 1:
            meant = near(metric.field, keys, cutoff=0.4)
            has = (
                f" They have {', '.join(f'`{key}`' for key in sorted(keys)[:8])}."
                if keys and not meant
                else ""
            )
            yield _warning(
                "field",
                f"None of the {count(whole.events)} events has a number in `{metric.field}`{meant or '.'}{has}",
            )
        else:
            yield _warning(
                "field",
                f"{percent(share)} of the events have no number in `{metric.field}` ({count(whole.blank)} of"
                f" {count(whole.events)}); they add nothing.",
            )
    elif metric.aggregation == "any" and whole.blank:
        yield _info(
            "field",
            f"{count(whole.blank)} of {count(whole.events)} events have no number, true or false in `{metric.field}`;"
            " each of them counts as 1.",
        )


def _cap(metric: Definition, reading: Reading) -> Iterable[Remark]:
    whole = reading.whole
    if metric.cap is None or not whole.capped:
        return
    share = whole.capped / whole.events
    told = f"{percent(share)} of the events have a number above the cap of {metric.cap:,g}, and count as that"
    if share > MUCH_CAPPED:
        yield _warning("cap", f"{told}. That is more than outliers: the cap decides the figure.")
    else:
        yield _info("cap", f"{told}.")


def _unit(metric: Definition, reading: Reading) -> Iterable[Remark]:
    unit = (metric.unit or "").strip().lower()
    if not metric.numbered or not unit:
        return
    if unit in TIMES and "below 0" in reading.signs:
        yield _warning("unit", f"Some numbers are below 0, and no time in {metric.unit} is.")
    if unit in SHARES and "at most 1" in reading.signs:
        yield _warning("unit", f"No number is above 1, so they are shares of one and not in {metric.unit}.")
    if unit in SHARES and "above 100" in reading.signs:
        yield _warning("unit", f"Some numbers are above 100, more than the whole in {metric.unit}.")


def _users(reading: Reading) -> Iterable[Remark]:
    whole = reading.whole
    alone = whole.units - whole.users
    if alone and whole.users:
        names = "event names" if alone == 1 else "events name"
        yield _warning(
            "users", f"{count(alone)} {names} no subject; each of them counts as a user of its own."
        )
    elif alone:
        yield _info("users", "The events name no subjects, so each of them is counted by itself.")
    if reading.withheld:
        yield _info(
            "users",
            f"{count(reading.withheld)} figures are withheld, because they are about fewer than {LEAST} people"
            " or would tell of such a figure.",
        )


def _warning(about: Literal["event", "field", "cap", "unit", "users"], message: str) -> Remark:
    return Remark("warning", about, message)


def _info(about: Literal["definition", "field", "cap", "users"], message: str) -> Remark:
    return Remark("info", about, message)
