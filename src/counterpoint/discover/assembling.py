"""From events as they were read to listening that counts: what is wrong is left out and counted, the rest weighed. Pure.

In this order go: events without a listener or an item, later than the cut, there twice, of private sessions, of
listeners without consent, and of listeners who heard more than a person can. What is left is summed by listener
and item in a fixed order, so that the same events give the same bits.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.corrections import PrivateSession
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.listened import Attributes, KeptPlaylist, Listened, Names, Plays
from counterpoint.discover.plan import Plan
from counterpoint.moments import to_datetime, to_micros

__all__ = ["NO_CONSENT", "NO_CONSENT_TO_LISTS", "Coded", "Entries", "assembled"]

DAY = 86_400_000_000
"""Microseconds."""
SILENCE = DAY // 48
"""Half an hour: who is silent for longer begins a new session."""
LEAST = 1e-9
"""What the oldest event still says, so that nobody's cell vanishes in single precision."""
NO_CONSENT = "listeners without consent"
NO_CONSENT_TO_LISTS = "playlists of listeners who are left out"
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of texts: places in `names`, -1 where there is none."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    def ordered(self) -> "Coded":
        """The same column with only the names that are used, in code-point order."""
        kept = np.unique(self.codes[self.codes >= 0])
        order = sorted(kept.tolist(), key=self.names.__getitem__)
        places = np.full(len(self.names) + 1, -1, dtype=np.int32)  # the last one is for -1
        places[order] = np.arange(len(order), dtype=np.int32)
        return Coded(places[self.codes], tuple(self.names[each] for each in order))


@dataclass(frozen=True, slots=True)
class Entries:
    """One entry for each event and signal that it gives."""

    listeners: Coded
    items: Coded
    at: NDArray[np.int64]
    """Microseconds since 1970."""
    signals: NDArray[np.int16]
    contexts: Coded
    private: Truths
    zones: Coded | None = None
    """Time zones, as events name them; none where they are not asked."""

    def those(self, chosen: Truths | NDArray[np.intp]) -> "Entries":
        """Some entries."""
        return Entries(
            replace(self.listeners, codes=self.listeners.codes[chosen]),
            replace(self.items, codes=self.items.codes[chosen]),
            self.at[chosen],
            self.signals[chosen],
            replace(self.contexts, codes=self.contexts.codes[chosen]),
            self.private[chosen],
            None if self.zones is None else replace(self.zones, codes=self.zones.codes[chosen]),
        )


def assembled(
    plan: Plan,
    entries: Entries,
    *,
    until: int,
    consents: Mapping[str, bool],
    private: Mapping[str, tuple[PrivateSession, ...]],
    playlists: Iterable[KeptPlaylist],
    attributes: Attributes,
    left_out: Mapping[str, int],
) -> Listened:
    """The listening that counts. `until` is in microseconds since 1970; `left_out` has what reading left out already."""
    gone = dict(left_out)
    found = _named(entries, until, gone)
    found = _once(found, gone)
    found = _public(found, private, gone)
    found, refused = _consented(plan, found, consents, gone)
    found, robots = _human(plan, found, gone)
    kept = _playlists(plan, playlists, refused | robots, consents, gone)
    names = sorted(
        {found.items.names[each] for each in np.unique(found.items.codes)}.union(
            *(each.items for each in kept)
        )
    )
    return _weighed(plan, found, tuple(names), until, kept, attributes, gone)


def _named(entries: Entries, until: int, gone: dict[str, int]) -> Entries:
    blank = [
        np.array([not name.strip() for name in each.names] + [True])
        for each in (entries.listeners, entries.items)
    ]
    nobody, nothing = blank[0][entries.listeners.codes], blank[1][entries.items.codes]
    later = entries.at > until
    _count(gone, "events without a listener", nobody)
    _count(gone, "events without an item", ~nobody & nothing)
    _count(gone, "events later than the cut", ~nobody & ~nothing & later)
    return entries.those(~nobody & ~nothing & ~later)


def _once(entries: Entries, gone: dict[str, int]) -> Entries:
    """In the order of listener, moment, item and signal, each only once."""
    ordered = replace(
        entries,
        listeners=entries.listeners.ordered(),
        items=entries.items.ordered(),
        contexts=entries.contexts.ordered(),
        zones=None if entries.zones is None else entries.zones.ordered(),
    )
    keys = (ordered.listeners.codes, ordered.at, ordered.items.codes, ordered.signals)
    # By zone, context and privacy last, so that of two that are alike the same one stays on every engine.
    last = () if ordered.zones is None else (ordered.zones.codes,)
    order = np.lexsort((*last, ordered.contexts.codes, ~ordered.private, *reversed(keys)))
    sorted_keys = [key[order] for key in keys]
    new = np.ones(len(order), dtype=bool)
    if len(order):
        new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in sorted_keys])
    _count(gone, "events there twice", ~new)
    return ordered.those(order[new])


def _public(
    entries: Entries, sessions: Mapping[str, tuple[PrivateSession, ...]], gone: dict[str, int]
) -> Entries:
    private = entries.private.copy()
    rows = {name: row for row, name in enumerate(entries.listeners.names) if name in sessions}
    for name, row in rows.items():
        start, end = np.searchsorted(entries.listeners.codes, [row, row + 1])  # entries are in their order
        at = entries.at[start:end]
        for each in sessions[name]:
            last = np.iinfo(np.int64).max if each.end is None else to_micros(each.end)
            private[start:end] |= (at >= to_micros(each.start)) & (at <= last)
    _count(gone, "events of private sessions", private)
    return entries.those(~private)


def _consented(
    plan: Plan, entries: Entries, consents: Mapping[str, bool], gone: dict[str, int]
) -> tuple[Entries, frozenset[str]]:
    usual = plan.consent == "assumed"
    given = np.array([consents.get(name, usual) for name in entries.listeners.names], dtype=bool)
    refused = _seen(entries) & ~given
    _count(gone, NO_CONSENT, refused)
    names = frozenset(entries.listeners.names[row] for row in np.flatnonzero(refused))
    return entries.those(~refused[entries.listeners.codes]), names


def _human(plan: Plan, entries: Entries, gone: dict[str, int]) -> tuple[Entries, frozenset[str]]:
    """Without listeners who had more different items in a day, or in all, than a person has."""
    listeners, items = entries.listeners.codes.astype(np.int64), entries.items.codes.astype(np.int64)
    pairs = np.unique(np.stack([listeners, items]), axis=1)[0]
    robot = np.bincount(pairs, minlength=len(entries.listeners.names)) > plan.most_items.all
    # Only who could have so many in a day is looked at day by day.
    busy = np.bincount(listeners, minlength=len(robot)) > plan.most_items.day
    some = busy[listeners] if len(listeners) else np.zeros(0, dtype=bool)
    days = np.unique(np.stack([listeners[some], entries.at[some] // DAY, items[some]]), axis=1)[:2]
    which, counts = np.unique(days, axis=1, return_counts=True)
    robot[which[0][counts > plan.most_items.day]] = True
    _count(gone, "listeners who heard more than a person can", robot)
    names = frozenset(entries.listeners.names[row] for row in np.flatnonzero(robot))
    return entries.those(~robot[entries.listeners.codes]), names


def _playlists(
    plan: Plan,
    playlists: Iterable[KeptPlaylist],
    out: frozenset[str],
    consents: Mapping[str, bool],
    gone: dict[str, int],
) -> tuple[KeptPlaylist, ...]:
    usual = plan.consent == "assumed"
    kept: list[KeptPlaylist] = []
    for each in sorted(playlists, key=lambda one: one.name):
        if each.listener is not None and (each.listener in out or not consents.get(each.listener, usual)):
            reason = NO_CONSENT_TO_LISTS
        elif not each.items:
            reason = "playlists without items"
        elif len(each.items) > plan.most_items.all:
            reason = "playlists with more items than a person has"
        else:
            kept.append(each)
            continue
        gone[reason] = gone.get(reason, 0) + 1
    return tuple(kept)


def _weighed(
    plan: Plan,
    entries: Entries,
    items: tuple[str, ...],
    until: int,
    playlists: tuple[KeptPlaylist, ...],
    attributes: Attributes,
    gone: dict[str, int],
) -> Listened:
    listeners = entries.listeners.ordered()
    column = {name: at for at, name in enumerate(items)}
    places = np.array([column.get(name, -1) for name in entries.items.names] + [-1], dtype=np.int32)
    contexts = entries.contexts.ordered()
    zones = entries.zones or Coded(np.zeros(0, dtype=np.int32), ())
    weights = np.array([each.weight for each in plan.signals], dtype=np.float64)[entries.signals]
    plays = Plays(
        listeners.codes,
        places[entries.items.codes],
        entries.at,
        weights,
        contexts.codes,
        _sessions(listeners.codes, entries.at),
        contexts.names,
        zones.codes,
        zones.names,
    )
    shape = (len(listeners.names), len(items))
    matrix, moments, against = _matrices(plan, plays, shape, until)
    known = {item: attributes[item] for item in items if item in attributes}
    return Listened(
        plan=plan,
        until=to_datetime(until),
        listeners=_objects(listeners.names),
        items=_objects(items),
        matrix=matrix,
        moments=moments,
        against=against,
        plays=plays,
        attributes=known,
        playlists=playlists,
        left_out={reason: count for reason, count in gone.items() if count},
        digest=_digest(listeners.names, items, (matrix, moments, against), playlists, known),
    )


def _sessions(listeners: NDArray[np.int32], at: NDArray[np.int64]) -> NDArray[np.int32]:
    """The number of each listener's session; entries are in the order of listener and moment."""
    if not len(at):
        return np.zeros(0, dtype=np.int32)
    other = np.append(True, listeners[1:] != listeners[:-1])
    begun = np.cumsum(other | np.append(True, at[1:] - at[:-1] > SILENCE))
    return np.asarray(begun - begun[other][np.cumsum(other) - 1], dtype=np.int32)


def _matrices(plan: Plan, plays: Plays, shape: tuple[int, int], until: int) -> tuple[Matrix, Matrix, Matrix]:
    """What speaks for, when it was heard last, what speaks against."""
    order = np.lexsort((plays.at, plays.items, plays.listeners))
    rows, columns = plays.listeners[order], plays.items[order]
    at, weights = plays.at[order], plays.weights[order]
    if not len(order):
        empty = sp.csr_matrix(shape, dtype=np.float32)
        return empty, sp.csr_matrix(shape, dtype=np.float64), empty.copy()
    first = np.append(True, (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1]))
    starts = np.flatnonzero(first)
    aged = weights * 0.5 ** ((until - at) / (plan.half_life * DAY))
    said = np.add.reduceat(aged, starts)
    last = np.maximum.reduceat(np.where(weights > 0, at, np.iinfo(np.int64).min), starts)
    # An old event says next to nothing, but it was heard: only what speaks against an item makes it no liked one.
    liked = (said > 0) | ((said == 0) & (last > np.iinfo(np.int64).min))
    rows, columns = rows[starts], columns[starts]
    bounded = np.clip(np.abs(said), LEAST, plan.most)
    return (
        _cells(rows[liked], columns[liked], bounded[liked].astype(np.float32), shape),
        _cells(rows[liked], columns[liked], last[liked] / 1e6, shape),
        _cells(rows[~liked], columns[~liked], bounded[~liked].astype(np.float32), shape),
    )


def _cells(
    rows: NDArray[np.int32], columns: NDArray[np.int32], values: NDArray[np.generic], shape: tuple[int, int]
) -> Matrix:
    """Cells that are in the order of the matrix already; a value of 0 is kept."""
    starts = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=shape[0]))))
    return sp.csr_matrix((values, columns, starts.astype(np.int32)), shape=shape)


def _digest(
    listeners: tuple[str, ...],
    items: tuple[str, ...],
    matrices: tuple[Matrix, ...],
    playlists: tuple[KeptPlaylist, ...],
    attributes: Attributes,
) -> str:
    found = hashlib.sha256()
    for value in (
        listeners,
        items,
        playlists,
        sorted((item, sorted(facets.items())) for item, facets in attributes.items()),
    ):
        found.update(repr(value).encode("utf-8", "surrogatepass"))
    for matrix in matrices:
        for array in (matrix.indptr, matrix.indices, matrix.data):
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _seen(entries: Entries) -> Truths:
    """For each listener's name, whether there is an entry of theirs."""
    seen = np.zeros(len(entries.listeners.names), dtype=bool)
    seen[entries.listeners.codes] = True
    return seen


def _objects(names: tuple[str, ...]) -> Names:
    found = np.empty(len(names), dtype=object)
    found[:] = names
    return found


def _count(gone: dict[str, int], reason: str, wrong: Truths) -> None:
    gone[reason] = gone.get(reason, 0) + int(wrong.sum())
