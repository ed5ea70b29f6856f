"""When experiments run and where they meet: a pure comparison of plans.

Two experiments collide where they may have the same users at the same time: on the same flag, or on the same
surface, component or tag. Two ranges of one layer have no users in common, and neither do audiences of which one
leaves out what the other asks for.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Final, Literal

import msgspec

from counterpoint.said import Said

__all__ = [
    "Collision",
    "Placed",
    "Slot",
    "State",
    "collisions",
    "exclusive",
    "holdout_collisions",
    "meetings",
    "state_at",
]

State = Literal["past", "running", "planned", "undated"]
ORDER: Final[dict[State, int]] = {"running": 0, "planned": 1, "undated": 2, "past": 3}
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Slot(msgspec.Struct, frozen=True):
    """The range of a layer that a flag has: what is drawn there, no other range of the layer has."""

    flag_set: str
    layer: str
    start: float
    """In percent of the layer, from 0 to 100."""
    end: float


class Placed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An experiment with its time and place."""

    ref: str
    title: str
    owner: str | None = None
    flag: str = ""
    """Empty where it is read from a table."""
    flag_set: str | None = None
    surface: str = ""
    """Where users meet it: what it says itself, else the flag's component, else its first tag."""
    places: tuple[str, ...] = ()
    """All that it may share with others: "surface home", "component shelf-ranker", "tag search"."""
    start: datetime | None = None
    end: datetime | None = None
    slot: Slot | None = None
    segments: tuple[str, ...] = ()
    """Of the flag's audience: one of them is asked for."""
    excluded: tuple[str, ...] = ()
    holdouts: tuple[str, ...] = ()
    """Holdouts that its flag keeps to: their users get nothing new."""
    spared: tuple[str, ...] = ()
    """Holdouts of its flag set that its flag does not keep to."""

    @property
    def dated(self) -> bool:
        """Whether it has a first or a last day."""
        return self.start is not None or self.end is not None


class Collision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Two experiments that may change each other's result."""

    one: str
    other: str
    kind: Literal["flag", "place", "holdout"]
    """ "holdout": the one keeps users out whom the other may treat, so that the holdout compares nothing any more."""
    shared: tuple[str, ...]
    start: datetime | None
    """Of the time in which both run; none where it is open."""
    end: datetime | None
    state: State
    sentence: Said
    remedy: Said


def state_at(placed: Placed, now: datetime) -> State:
    """Whether it is over, runs, or is to come."""
    if not placed.dated:
        return "undated"
    if placed.end is not None and placed.end < now:
        return "past"
    return "planned" if placed.start is not None and placed.start > now else "running"


def exclusive(one: Placed, other: Placed) -> bool:
    """Whether no user can be in both: by ranges of one layer, or by audiences."""
    if (
        one.slot
        and other.slot
        and (one.slot.flag_set, one.slot.layer) == (other.slot.flag_set, other.slot.layer)
    ):
        return one.slot.end <= other.slot.start or other.slot.end <= one.slot.start
    return _leaves_out(one, other) or _leaves_out(other, one)


def _leaves_out(one: Placed, other: Placed) -> bool:
    """Whether everybody whom the one asks for is left out by the other, in segments of one flag set."""
    return bool(one.segments) and one.flag_set == other.flag_set and set(one.segments) <= set(other.excluded)


def collisions(placed: Sequence[Placed], now: datetime) -> tuple[Collision, ...]:
    """All pairs that may have the same users at the same time: those to come and that run first, then by name."""
    found = [
        collision for one, other in _meeting(placed) if (collision := _collision(one, other, now)) is not None
    ]
    return tuple(sorted(found, key=lambda each: (ORDER[each.state], each.one, each.other)))


def holdout_collisions(placed: Sequence[Placed], now: datetime) -> tuple[Collision, ...]:
    """Pairs on one place of which the one keeps to a holdout of their flag set and the other does not.

    Ranges of a layer do not part them: whoever is held out is held out of all that is new there.
    """
    found = []
    for pair in _meeting(placed):
        for keeps, other in (pair, pair[::-1]):
            names = [name for name in keeps.holdouts if name in other.spared]
            time = _together(keeps, other)
            if names and keeps.flag_set == other.flag_set and time is not None:
                found.append(_of_holdout(keeps, other, names[0], time, now))
    return tuple(found)


def _of_holdout(
    keeps: Placed, other: Placed, name: str, time: tuple[datetime | None, datetime | None], now: datetime
) -> Collision:
    both = Placed(ref="", title="", start=time[0], end=time[1])
    return Collision(
        one=min(keeps.ref, other.ref),
        other=max(keeps.ref, other.ref),
        kind="holdout",
        shared=(f"holdout {name}",),
        start=time[0],
        end=time[1],
        state=state_at(both, now),
        sentence=f"“{other.title}” may treat users whom the holdout {name} keeps out of “{keeps.title}”: what the holdout is"
        " compared with at its end is no longer without anything new.",
        remedy=f"Add {name} to the holdouts of the flag {other.flag} in the plan of its flag set.",
    )


def meetings(placed: Sequence[Placed], now: datetime) -> tuple[Collision, ...]:
    """All collisions, those with holdouts too: those that run first, then those to come, then by name."""
    found = (*collisions(placed, now), *holdout_collisions(placed, now))
    return tuple(sorted(found, key=lambda each: (ORDER[each.state], each.one, each.other, each.kind)))


def _meeting(placed: Iterable[Placed]) -> Iterator[tuple[Placed, Placed]]:
    """Pairs that share a flag or a place, each once."""
    by_key: dict[tuple[str, ...], list[Placed]] = {}
    for each in placed:
        for key in _keys(each):
            by_key.setdefault(key, []).append(each)
    seen = set()
    for together in by_key.values():
        for one, other in combinations(sorted(together, key=lambda each: each.ref), 2):
            if (one.ref, other.ref) not in seen:
                seen.add((one.ref, other.ref))
                yield one, other


def _keys(placed: Placed) -> Iterator[tuple[str, ...]]:
    if placed.flag:
        yield ("flag", placed.flag_set or "", placed.flag)
    yield from (("place", place) for place in dict.fromkeys(placed.places))


def _together(one: Placed, other: Placed) -> tuple[datetime | None, datetime | None] | None:
    """When both run, an open side as none; none where they never do."""
    start = max(one.start or FIRST, other.start or FIRST)
    end = min(one.end or LAST, other.end or LAST)
    if start >= end:
        return None
    return (None if start == FIRST else start), (None if end == LAST else end)


def _collision(one: Placed, other: Placed, now: datetime) -> Collision | None:
    time = _together(one, other)
    same_flag = bool(one.flag) and (one.flag, one.flag_set) == (other.flag, other.flag_set)
    if time is None or (not same_flag and exclusive(one, other)):
        return None
    begin, finish = time
    both = Placed(ref="", title="", start=begin, end=finish)
    if same_flag:
        shared: tuple[str, ...] = (f"flag {one.flag}",)
        sentence = f"“{one.title}” and “{other.title}” read the same exposures of the flag {one.flag} at the same time."
        remedy = (
            "Let one end before the other begins, or make one experiment of both with several treatments."
        )
    else:
        shared = tuple(place for place in one.places if place in other.places)
        sentence = f"“{one.title}” and “{other.title}” may have the same users at the same time: both are on the {' and the '.join(shared)}."
        remedy = (
            "Where one could change the other's effect, give their flags ranges of one layer, or run them one after the other;"
            " else let both run, and look at their interaction."
        )
    return Collision(
        one=one.ref, other=other.ref, kind="flag" if same_flag else "place", shared=shared,
        start=begin, end=finish, state=state_at(both, now), sentence=sentence, remedy=remedy,
    )  # fmt: skip
