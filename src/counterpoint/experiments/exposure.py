"""How users come to count in an experiment: by assignment or by a trigger, and under which of their ids."""

from collections.abc import Iterator

import msgspec

from counterpoint.errors import Problem
from counterpoint.experiments.measures import PLAIN_FIELD, PLAIN_WORDS

__all__ = ["Links", "Trigger", "exposure_problems"]


class Trigger(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The event that makes a user count: the first one at or after the assignment, instead of the assignment itself."""

    event: str
    """Type of the event."""
    field: str | None = None
    """Key in its data, or a column, which must be `equals`; none takes every event of the type."""
    equals: str | float | bool | None = None
    unaffected: bool = False
    """Whether it is known that no arm can change if the event happens, since it is sent in all arms where they would
    first differ. Where that is not known, there is a warning."""


class Links(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Events that link an id to the user behind it, as a login does; the first link of an id holds."""

    event: str
    """Type of the events; their subject is the id as it was before."""
    field: str = "user"
    """Key in their data, or a column, with the user that the id belongs to."""


def exposure_problems(trigger: Trigger | None, links: Links | None) -> Iterator[Problem]:
    """What contradicts itself in how users come to count."""
    if trigger is not None and (trigger.field is None) != (trigger.equals is None):
        yield Problem(
            "A trigger that looks at a field needs both `field` and what it `equals`.", "/spec/trigger/field"
        )
    for what, field in (("trigger", trigger and trigger.field), ("links", links and links.field)):
        if field and not PLAIN_FIELD.fullmatch(field):
            yield Problem(
                f"{what} reads the field {field!r}, which no path can name; {PLAIN_WORDS}",
                f"/spec/{what}/field",
            )
