"""What differs between what is kept and what a journal holds now: segments, days, the rows of a day. Pure."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np

from counterpoint.experiments.arrays import DAY, Events, matches
from counterpoint.experiments.kept_tables import Shown, combined
from counterpoint.journal.daily import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from counterpoint.experiments.kept_reading import Bounds
    from counterpoint.journal.manifest import Segment

    Ints = NDArray[np.int64]

__all__ = [
    "Spans", "by_day", "changes", "days_gone", "days_gone_of", "differing", "other_events", "spans", "united_events", "wider",
]  # fmt: skip

Spans = dict[str, tuple[int, int]]
"""First and last day of segments by path."""


def spans(segments: "Collection[Segment]", types: Collection[str]) -> Spans:
    return {s.path: (s.first // DAY, s.last // DAY) for s in segments if s.type in types}


def days_gone(before: Spans, now: Spans) -> frozenset[int]:
    """The days of segments that are no longer there."""
    spans = [span for path, span in before.items() if path not in now]
    return frozenset(day for first, last in spans for day in range(first, last + 1))


def days_gone_of(state: State, now: Spans) -> int:
    before = {**state.exposures, **state.events}
    return sum(last - first + 1 for path, (first, last) in before.items() if path not in now)


def changes(before: Spans, now: Spans, again: frozenset[int]) -> tuple[list[str], list[str]]:
    """Segments that are new (but for those that are read again anyway), and those with events of the days `again`."""
    renewed = [path for path, (first, last) in now.items() if any(first <= day <= last for day in again)]
    added = [
        path
        for path, (first, last) in now.items()
        if path not in before and not again.issuperset(range(first, last + 1))
    ]
    return added, renewed


def wider(one: "Bounds | None", other: "Bounds") -> "Bounds":
    if one is None:
        return other
    firsts, lasts = ([x for x in pair if x is not None] for pair in zip(one[:2], other[:2], strict=True))
    return min(firsts, default=None), max(lasts, default=None), one[2] + other[2]


def differing(old: Shown, new: Shown) -> Shown:
    """Rows that say nothing, of those users of whom the two say different things."""
    place, row = matches(new.key, old.key)
    same = np.ones(len(place), dtype=bool)
    for name in ("check", "low", "high", "first"):
        same &= getattr(new, name)[place] == getattr(old, name)[row]
    alike = new.key[place[same]]
    left = [part.take(~np.isin(part.key, alike)) for part in (old, new)]
    return combined([Shown.nothing(part.key, part.check) for part in left], ())


def by_day(events: Events) -> Iterator[tuple[int, Events]]:
    day = events.time // DAY
    for one in np.unique(day).tolist():
        yield one, events.take(day == one)


def united_events(parts: list[Events]) -> Events:
    key, check, time, which = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("key", "check", "time", "which")
    )
    fields = zip(*(part.fields for part in parts), strict=True)
    whole = Events(key, check, time, which, tuple(np.concatenate(field) for field in fields))
    return whole.take(np.argsort(whole.key, kind="stable"))


def other_events(old: list[Events], new: list[Events]) -> "tuple[Ints, NDArray[np.uint32]]":
    """Keys and checks of subjects whose events differ between the two, in any order: by sums of their rows' hashes."""
    if not any(len(part.key) for part in (*old, *new)):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint32)
    whole = united_events([*old, *new])
    signed = [
        Events(each.key, each.check, np.full(len(each.key), sign), each.which, each.fields)
        for sign, parts in ((-1, old), (1, new))
        for each in parts
    ]
    signs = united_events(signed).time  # in the order of the rows, since both were sorted alike
    rows = _row_hashes(whole)
    starts = (
        np.flatnonzero(np.r_[True, whole.key[1:] != whole.key[:-1]]) if len(whole.key) else np.zeros(0, int)
    )
    if not len(starts):
        return whole.key, whole.check
    with np.errstate(over="ignore"):
        left = np.add.reduceat(rows * signs.astype(np.uint64), starts)
        many = np.add.reduceat(signs, starts)
    differs = starts[(left != 0) | (many != 0)]
    return whole.key[differs], whole.check[differs]


def _row_hashes(events: Events) -> "NDArray[np.uint64]":
    """64 bits of each row; what is multiplied are odd constants of splitmix64."""
    mixed = events.time.astype(np.uint64)
    with np.errstate(over="ignore"):
        for column in (events.which.astype(np.uint64), *(field.view(np.uint64) for field in events.fields)):
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9) + column
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
