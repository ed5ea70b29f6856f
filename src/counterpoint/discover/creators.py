"""Whom a creator reaches: where listeners come from, growth, overlap, and which audiences to try next. Pure.

No figure is about a group smaller than `least` listeners, nor can one be had by subtracting one figure from another:

- what parts all listeners (where they were found) joins small parts until each is large enough;
- an overlap is told only where the shared listeners, the rest of each side and everybody else are each large enough,
  since the two pages of a pair tell the sizes of both;
- weeks are joined until each period has that many new listeners, and everything is told as of the end of a period, so
  that two answers differ by that many listeners at least, or by none;
- a pair is told as of a moment at which neither side is nearer than that to what its own page tells of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from counterpoint.errors import NotFoundError
from counterpoint.spelling import near
from counterpoint.stats.checks import whole
from counterpoint.stats.scores import rate_interval

__all__ = [
    "LEAST",
    "Audience",
    "Found",
    "Heard",
    "Overlap",
    "Period",
    "Suggestion",
    "Week",
    "audience_of",
    "monday",
]

Numbers = NDArray[np.int64]
LEAST = 20
"""Listeners of a group at least."""
WEEKS = 53
"""Weeks of which it is told how many listened: a year, and the same week of the year before."""
LISTED = 20
"""Overlaps that are told at most, and suggestions."""
COMPARED = 300
"""Other creators that are looked at for one: those with most listeners in common."""
FIRST = date(1970, 1, 5)
"""The Monday of week 0."""
REST = "other"
ALPHA = 0.1
NEVER = np.iinfo(np.int64).max
MOST = 50
"""Plays of one listener from one source that count: a song left on repeat is no audience."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Columns of who heard whom: one row for each listener, creator, source and week."""

    listeners: Numbers
    """Numbers from 0, in no order that means anything."""
    creators: Numbers
    """Positions in `names`."""
    sources: Numbers
    """Positions in `places`."""
    first: Numbers
    """The first moment of the row, in microseconds since 1970."""
    plays: Numbers
    names: Sequence[str]
    places: Sequence[str]
    """Where it was heard: playlist, discover, search, ..."""
    until: int
    """The first week that is not over yet, as `week_of` numbers them: it and later ones are not looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where some of the listeners first heard the creator."""

    source: str
    listeners: int
    share: float
    plays: float
    """The share of all plays of the creator that are from there, a listener counting `MOST` plays at most."""


@dataclass(frozen=True, slots=True)
class Period:
    """One week, or several that were joined because few listeners were new in each."""

    start: date
    end: date
    """The day after it."""
    new: int
    total: int
    """Everybody who has heard the creator until its end."""


@dataclass(frozen=True, slots=True)
class Week:
    """Who heard the creator in one ISO week."""

    start: date
    listeners: int | None
    """None where they, those who came back or those who did not come are too few to be told."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another creator whom listeners have in common."""

    creator: str
    shared: int
    share: float
    """Of this creator's listeners, who hear the other too; in hundredths."""
    lift: float
    """That share beside the share of everybody who hears the other, in tenths: 2 is twice as much."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An audience that may like the creator and does not know them: the listeners of another."""

    creator: str
    listeners: int
    """Who do not know the creator yet, in two digits."""
    share: float
    """Of the other's listeners, who hear the creator too."""
    low: float
    high: float
    """The 90 % interval of that share for listeners like them (Wilson)."""
    lift: float
    """That share beside the share of everybody, in tenths."""
    reach: int
    """How many more would hear the creator if the rest liked it as often as `low` says, in two digits."""


@dataclass(frozen=True, slots=True)
class Audience:
    """What may be told of a creator's listeners."""

    creator: str
    least: int
    until: date | None
    """Everything is told as of this day, which is not part of it; none where too few have listened."""
    listeners: int | None
    found: tuple[Found, ...] = ()
    periods: tuple[Period, ...] = ()
    weeks: tuple[Week, ...] = ()
    """The last `WEEKS` that are over, those after `until` too: to come back is told of whoever came before."""
    overlaps: tuple[Overlap, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    withheld: int = 0
    """Overlaps that are not told, since a group would be too small: creators, not listeners."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Who has heard whom first in which week: one row for each creator and listener, by creator."""

    listeners: Numbers
    creators: Numbers
    weeks: Numbers
    starts: Numbers
    """Where the rows of each creator begin, and where the last ones end."""
    arrived: Numbers
    """For each listener the first week of all, ascending."""

    def of(self, creator: int) -> slice:
        """The rows of one creator."""
        return slice(int(self.starts[creator]), int(self.starts[creator + 1]))


def audience_of(heard: Heard, creator: str, *, least: int = LEAST, listed: int = LISTED) -> Audience:
    """What may be told of the listeners of one creator.

    Raises:
        NotFoundError: no item is of that creator.
        InputError: `least` or `listed` is no whole number of 1 or more.
    """
    whole("least", least, least=1)
    whole("listed", listed, least=1)
    if creator not in heard.names:
        raise NotFoundError(f'No item is of a creator "{creator}"{near(creator, heard.names)}')
    this = list(heard.names).index(creator)
    inside = week_of(heard.first) < heard.until
    known = _known(heard, inside)
    own = known.weeks[known.of(this)]
    ends = _ends(own, least)
    if not len(ends):
        return Audience(creator, least, None, None)
    cut = int(ends[-1])
    of_creator = inside & (heard.creators == this)
    rows = of_creator & (week_of(heard.first) < cut)
    periods = _periods(own, ends)
    pairs, withheld = _pairs(known, this, ends, least)
    return Audience(
        creator,
        least,
        monday(cut),
        periods[-1].total,
        _found(heard, rows, least),
        periods,
        _weeks(heard, of_creator, own, periods, least),
        _overlaps(pairs, heard.names, listed),
        _suggestions(pairs, heard.names, listed),
        withheld,
    )


def sizes_of(heard: Heard, *, least: int = LEAST) -> list[tuple[str, int]]:
    """Creators who may be told of, with how many listeners their pages tell: those with most first."""
    known = _known(heard, week_of(heard.first) < heard.until)
    found = []
    for at, name in enumerate(heard.names):
        weeks = known.weeks[known.of(at)]
        if len(weeks) >= least:
            found.append((name, int((weeks < _ends(weeks, least)[-1]).sum())))
    return sorted(found, key=lambda each: (-each[1], each[0]))


def week_of(micros: Numbers) -> Numbers:
    """The number of the ISO week of each moment (UTC), counted from that of 1970-01-05."""
    return np.asarray((micros // 86_400_000_000 - 4) // 7)


def monday(week: int) -> date:
    """The first day of a week."""
    return FIRST + timedelta(weeks=week)


def _known(heard: Heard, inside: NDArray[np.bool_]) -> _Known:
    who, weeks = heard.listeners[inside], week_of(heard.first[inside])
    size = int(who.max(initial=-1)) + 1
    key = heard.creators[inside] * max(1, size) + who
    order = np.lexsort((weeks, key))
    pairs, at = np.unique(key[order], return_index=True)
    creators, listeners, first = pairs // max(1, size), pairs % max(1, size), weeks[order][at]
    starts = np.searchsorted(creators, np.arange(len(heard.names) + 1))
    arrived = np.full(size, NEVER)
    np.minimum.at(arrived, listeners, first)
    return _Known(listeners, creators, first, starts, np.sort(arrived[arrived < NEVER]))


def _ends(first: Numbers, least: int) -> Numbers:
    """The ends of periods with `least` new listeners each, of the weeks in which they were new."""
    weeks, new = np.unique(first, return_counts=True)
    ends, waiting = [], 0
    for week, count in zip(weeks.tolist(), new.tolist(), strict=True):
        waiting += count
        if waiting >= least:
            ends.append(week + 1)
            waiting = 0
    return np.array(ends, dtype=np.int64)


def _found(heard: Heard, rows: NDArray[np.bool_], least: int) -> tuple[Found, ...]:
    who, source = heard.listeners[rows], heard.sources[rows]
    order = np.lexsort((source, heard.first[rows], who))
    _, at = np.unique(who[order], return_index=True)
    listeners = np.bincount(source[order][at], minlength=len(heard.places))
    size = max(1, len(heard.places))
    pair, back = np.unique(who * size + source, return_inverse=True)
    each = np.minimum(np.bincount(back, weights=heard.plays[rows]), MOST)
    plays = np.bincount(pair % size, weights=each, minlength=len(heard.places))
    groups = _joined(listeners, np.flatnonzero(plays), least)
    total, played = listeners.sum(), plays.sum()
    found = [
        Found(
            heard.places[group[0]] if len(group) == 1 else REST,
            int(listeners[group].sum()),
            float(listeners[group].sum() / total),
            float(plays[group].sum() / played) if played else 0.0,
        )
        for group in groups
    ]
    return tuple(sorted(found, key=lambda one: (one.source == REST, -one.listeners, one.source)))


def _joined(counts: Numbers, used: Numbers, least: int) -> list[list[int]]:
    """Groups of the positions that are `used`, each of `least` together: small ones join, and take a larger where they must."""
    order = used[np.argsort(counts[used], kind="stable")].tolist()
    rest = [at for at in order if counts[at] < least]
    alone = order[len(rest) :]
    while rest and alone and counts[rest].sum() < least:
        rest.append(alone.pop(0))
    return [[at] for at in alone] + ([rest] if rest else [])


def _periods(own: Numbers, ends: Numbers) -> tuple[Period, ...]:
    new = np.bincount(np.searchsorted(ends, own, side="right"), minlength=len(ends))[: len(ends)]
    starts = [int(own.min()), *ends[:-1].tolist()]
    return tuple(
        Period(monday(start), monday(end), fresh, total)
        for start, end, fresh, total in zip(
            starts, ends.tolist(), new.tolist(), np.cumsum(new).tolist(), strict=True
        )
    )


def _weeks(
    heard: Heard, rows: NDArray[np.bool_], own: Numbers, periods: Sequence[Period], least: int
) -> tuple[Week, ...]:
    """Listeners of each week, where neither they nor what others leave of them is a small group; `own` as `_ends` takes it."""
    who, week = heard.listeners[rows], week_of(heard.first[rows])
    size = int(who.max()) + 1
    begin = max(int(week.min()), heard.until - WEEKS)
    inside = week >= begin
    active = np.bincount(
        np.unique((week[inside] - begin) * size + who[inside]) // size, minlength=heard.until - begin
    )
    found = []
    for at, count in enumerate(active.tolist()):
        start, end = monday(begin + at), monday(begin + at + 1)
        # The smallest group of which these are a part, and the largest that is a part of these, that are told.
        around = next((period for period in periods if period.end >= end), None)
        inside_it = around.new if around is not None and (around.start, around.end) == (start, end) else 0
        everybody = around.total if around is not None else int((own <= begin + at).sum())
        away = everybody - count
        first = around is not None and away == 0 and inside_it == count
        told = (
            count >= least and (away >= least or first) and (count - inside_it >= least or count == inside_it)
        )
        found.append(Week(start, count if told else None))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Pair:
    other: int
    shared: int
    mine: int
    theirs: int
    everybody: int


def _pairs(known: _Known, this: int, ends: Numbers, least: int) -> tuple[list[_Pair], int]:
    """The pairs that may be told, and how many may not though they have somebody in common."""
    own = known.of(this)
    mine = np.full(int(known.listeners.max(initial=-1)) + 1, NEVER)
    mine[known.listeners[own]] = known.weeks[own]
    common = (mine[known.listeners] < ends[-1]) & (known.weeks < ends[-1])
    counts = np.bincount(known.creators[common], minlength=this + 1)
    counts[this] = 0
    reached = np.sort(known.weeks[own])
    told, withheld = [], 0
    for other in np.argsort(-counts, kind="stable")[:COMPARED].tolist():
        if not counts[other]:
            break
        pair = _pair(known, other, (mine, reached), ends, least)
        if pair is None:
            withheld += 1
        else:
            told.append(pair)
    return told, withheld


def _pair(
    known: _Known, creator: int, mine: tuple[Numbers, Numbers], ends: Numbers, least: int
) -> _Pair | None:
    """The figures of a pair at the last moment at which they may be told; none where there is no such moment.

    `mine` has the week in which each listener first heard this creator, by listener and in order.
    """
    weeks = known.weeks[known.of(creator)]
    beside = mine[0][known.listeners[known.of(creator)]]
    own, other = mine[1], np.sort(weeks)
    theirs = _ends(weeks, least)
    latest = min(ends[-1], theirs[-1]) if len(theirs) else 0
    for cut in np.unique(np.concatenate((ends, theirs)))[::-1]:
        here = np.searchsorted(own, cut), np.searchsorted(other, cut)
        if cut > latest or not (_apart(own, ends, here[0], least) and _apart(other, theirs, here[1], least)):
            continue
        shared = int(((weeks < cut) & (beside < cut)).sum())
        pair = _Pair(creator, shared, int(here[0]), int(here[1]), int(np.searchsorted(known.arrived, cut)))
        if min(_cells(pair)) >= least:
            return pair
    return None


def _apart(weeks: Numbers, ends: Numbers, count: int, least: int) -> bool:
    """Whether a count of listeners is one of those that a page tells at the ends of periods, or far enough from each."""
    distance = np.abs(np.searchsorted(weeks, ends) - count)
    return bool(((distance == 0) | (distance >= least)).all())


def _cells(pair: _Pair) -> tuple[int, int, int, int]:
    either = pair.mine + pair.theirs - pair.shared
    return pair.shared, pair.mine - pair.shared, pair.theirs - pair.shared, pair.everybody - either


def _overlaps(pairs: Sequence[_Pair], names: Sequence[str], listed: int) -> tuple[Overlap, ...]:
    found = [
        Overlap(
            names[each.other],
            each.shared,
            round(each.shared / each.mine, 2),
            round(each.shared * each.everybody / (each.mine * each.theirs), 1),
        )
        for each in pairs
    ]
    return tuple(sorted(found, key=lambda one: (-one.share, -one.shared, one.creator))[:listed])


def _suggestions(pairs: Sequence[_Pair], names: Sequence[str], listed: int) -> tuple[Suggestion, ...]:
    """Audiences of whom surely more hear the creator than of everybody, by how many could be won."""
    found: list[tuple[float, Suggestion]] = []
    for each in pairs:
        likely = rate_interval(each.shared, each.theirs, alpha=ALPHA)
        usual = each.mine / each.everybody
        if likely.low <= usual:
            continue
        left = each.theirs - each.shared
        share = each.shared / each.theirs
        reach = left * likely.low
        told = Suggestion(
            names[each.other],
            _rounded(left),
            round(share, 2),
            round(likely.low, 2),
            round(likely.high, 2),
            round(share / usual, 1),
            _rounded(reach),
        )
        found.append((reach, told))
    found.sort(key=lambda one: (-one[0], one[1].creator))
    return tuple(told for _, told in found[:listed])


def _rounded(count: float) -> int:
    """A count in two digits, so that it says no more than it knows."""
    return int(float(f"{count:.2g}"))
