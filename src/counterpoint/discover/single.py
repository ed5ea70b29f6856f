"""One listener's events, read one by one: what `listening` reads of everybody through an engine, within a millisecond. Pure.

Both say the same of the same events (a test holds them to it): the attributes mean what they mean in a snapshot, and
`assembling` decides what counts.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from counterpoint.discover.assembling import DAY, Coded, Entries
from counterpoint.discover.consent import CONSENT
from counterpoint.discover.forgotten import FORGOTTEN
from counterpoint.discover.plan import Plan
from counterpoint.discover.word import value_in
from counterpoint.journal.model.event import Event
from counterpoint.moments import to_micros

__all__ = ["Said", "entries_of", "said_in", "types_of"]

_INT64: Final = (-(2**63), 2**63)


class Said(NamedTuple):
    """What one event says by one of a plan's signals."""

    item: str | None
    at: int
    """Microseconds since 1970."""
    signal: int
    context: str | None
    private: bool
    arrived: int
    """Microseconds since 1970."""
    zone: str | None = None


def types_of(plan: Plan) -> tuple[str, ...]:
    """The types of events that say something of a listener."""
    return tuple(dict.fromkeys([*(each.event for each in plan.signals), CONSENT, FORGOTTEN]))


def said_in(plan: Plan, event: Event) -> list[Said]:
    """What an event says, once for each signal that counts it."""
    found = []
    for place, signal in enumerate(plan.signals):
        if event.type != signal.event:
            continue
        if signal.attribute is not None:
            number = _number(event, signal.attribute)
            low = -np.inf if signal.above is None else signal.above
            high = np.inf if signal.below is None else signal.below
            if number is None or not low <= number < high:
                continue
        found.append(
            Said(
                _item(event, signal.item),
                to_micros(event.time),
                place,
                value_in(event, plan.context, str),
                value_in(event, plan.private, bool) is True,
                to_micros(event.received),
                None if plan.zone is None else value_in(event, plan.zone, str),
            )
        )
    return found


def entries_of(plan: Plan, listener: str, said: Sequence[Said], *, until: int, forgotten: int = 0) -> Entries:
    """What was said as `assembled` takes it, within the plan's window before `until` (microseconds since 1970).

    What arrived until `forgotten` is as if it had never been there.
    """
    since = None if plan.window is None else until - int(plan.window * DAY)
    inside = [each for each in said if each.arrived > forgotten and (since is None or each.at >= since)]
    return Entries(
        Coded(np.zeros(len(inside), dtype=np.int32), (listener,)),
        _coded(each.item for each in inside),
        np.array([each.at for each in inside], dtype=np.int64),
        np.array([each.signal for each in inside], dtype=np.int16),
        _coded(each.context for each in inside),
        np.array([each.private for each in inside], dtype=bool),
        None if plan.zone is None else _coded(each.zone for each in inside),
    )


def _coded(texts: Iterable[str | None]) -> Coded:
    places: dict[str, int] = {}
    codes = [-1 if text is None else places.setdefault(text, len(places)) for text in texts]
    return Coded(np.array(codes, dtype=np.int32), tuple(places))


def _number(event: Event, name: str) -> float | None:
    for home in (event.data, event.attributes):
        value: Any = home.get(name) if isinstance(home, dict) else None
        if type(value) in (int, float):
            return float(value)
    return None


def _item(event: Event, name: str) -> str | None:
    """The name of the item: a text, or a whole number of 64 bits."""
    text = value_in(event, name, str)
    if text is not None:
        return str(text)
    for home in (event.data, event.attributes):
        value: Any = home.get(name) if isinstance(home, dict) else None
        if type(value) in (int, float) and _INT64[0] <= value < _INT64[1] and value == int(value):
            return str(int(value))
    return None
