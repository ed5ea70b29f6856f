"""Audiences of creators, out of the journal: who made what was heard, and what may be told of who heard it.

Everybody in the organisation may ask, for what is told is of groups only (see `creators.py`). Whoever has said no to
research has no part in it, nor has what was heard in a private session.
"""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from time import monotonic

import msgspec
import numpy as np

from counterpoint.discover.consent import CONSENT, consents
from counterpoint.discover.creators import Audience, Heard, Numbers, audience_of, sizes_of, week_of
from counterpoint.discover.forgotten import FORGOTTEN, forgotten
from counterpoint.discover.listened import Listened
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import Plan, read_plan
from counterpoint.errors import NotFoundError
from counterpoint.graph.entity import Entity
from counterpoint.spelling import near
from counterpoint.workspace import Workspace

__all__ = ["MADE_BY", "Creator", "audience", "creators", "heard_of"]

MADE_BY = ("artist", "show")
"""Facets of an item whose values are its creators."""
UNKNOWN = "unknown"
LONG = 2.0
"""Seconds of reading from which on a reading serves for a while, though events of late have come."""
SPARED = 20.0
"""For how many times as long as it took."""


class Creator(msgspec.Struct, frozen=True, rename="camel"):
    """One artist or show that has listeners enough to be told of."""

    name: str
    listeners: int


@dataclass(frozen=True, slots=True)
class _Reading:
    basis: tuple[object, ...]
    version: tuple[int, int]
    heard: Heard
    at: float
    seconds: float


class Audiences:
    """What was read of each recommender; figures are of whole weeks, so that it serves for a while."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._readings: dict[str, _Reading] = {}

    def heard(self, ref: str, plan: Plan) -> Heard:
        """Who heard which creator, as far as weeks are over."""
        now = self._workspace.journal.now()
        version = self._workspace.journal.version()
        basis = (plan, int(week_of(np.array([now]))[0]), version[1], self._said(ref))
        with self._lock:
            kept = self._readings.get(ref)
            if kept is None or kept.basis != basis or not _serves(kept, version):
                begun = monotonic()
                heard = self._read(ref, plan, now)
                kept = _Reading(basis, version, heard, monotonic(), monotonic() - begun)
                self._readings[ref] = kept
        return kept.heard

    def _said(self, ref: str) -> tuple[int, int]:
        """What changes when listeners give or take consent, go private, or are forgotten."""
        said = sum(
            each.count for each in self._workspace.journal.counts() if each.type in (CONSENT, FORGOTTEN)
        )
        with self._workspace.graph.read() as reader:
            corrected = reader.newest_activity("recommender.corrected", [ref]).get(ref)
        return said, corrected.seq if corrected else 0

    def _read(self, ref: str, plan: Plan, now: int) -> Heard:
        # All of the journal: a window would let people out one by one, who could then be told apart.
        listened = listening_of(self._workspace, ref, msgspec.structs.replace(plan, window=None))
        with self._workspace.journal.snapshot() as snapshot:
            said = consents(snapshot, "research", forgotten=forgotten(snapshot, ref))
        assumed = plan.consent == "assumed"
        without = [str(each) for each in listened.listeners if not said.get(str(each), assumed)]
        return heard_of(listened, without=without, now=now)


def audience(workspace: Workspace, name: str, creator: str) -> tuple[Entity, Audience]:
    """What may be told of the listeners of an artist or a show, beside the recommender.

    Raises:
        NotFoundError: there is no such recommender, or no item of that creator was heard.
        InputError: the name is no reference to a recommender.
    """
    entity, heard = _heard(workspace, name)
    if creator not in heard.names:
        raise NotFoundError(
            f'Nothing that was heard is of a creator "{creator}"{near(creator, heard.names) or "."}'
        )
    return entity, audience_of(heard, creator, least=workspace.settings.discover.least_listeners)


def creators(
    workspace: Workspace, name: str, *, words: str = "", limit: int = 100
) -> tuple[Entity, list[Creator]]:
    """The creators with most listeners, those with few left out; `words` narrows by name.

    Raises:
        NotFoundError, InputError: as `audience`.
    """
    entity, heard = _heard(workspace, name)
    sizes = sizes_of(heard, least=workspace.settings.discover.least_listeners)
    term = words.strip().casefold()
    named = [Creator(each, count) for each, count in sizes if term in each.casefold()]
    return entity, named[:limit]


def heard_of(listened: Listened, *, without: Collection[str] = (), now: int) -> Heard:
    """Who heard which creator: one row for each listener, creator, source and week, of plays that speak for an item.

    `now` is in microseconds since 1970: the week that it lies in is not over.
    """
    plays = listened.plays
    names, items, whose = _made_by(listened)
    away = np.isin(listened.listeners, np.array(sorted(without), dtype=object))
    counted = (plays.weights > 0) & ~away[plays.listeners]
    # Each play once for each creator of its item.
    many = np.diff(items)[plays.items[counted]]
    at = np.repeat(np.flatnonzero(counted), many)
    within = np.arange(len(at)) - np.repeat(np.cumsum(many) - many, many)
    creator = whose[items[plays.items[at]] + within]
    source = np.where(plays.contexts[at] < 0, len(plays.names), plays.contexts[at]).astype(np.int64)
    columns = (plays.listeners[at].astype(np.int64), creator, source, week_of(plays.at[at]))
    rows, back, counts = _distinct(columns)
    first = np.full(len(counts), np.iinfo(np.int64).max)
    np.minimum.at(first, back, plays.at[at])
    return Heard(
        listeners=rows[0],
        creators=rows[1],
        sources=rows[2],
        first=first,
        plays=counts,
        names=names,
        places=(*plays.names, UNKNOWN),
        until=int(week_of(np.array([now]))[0]),
    )


def _distinct(columns: Sequence[Numbers]) -> tuple[list[Numbers], Numbers, Numbers]:
    """The distinct rows of columns of numbers from 0, which of them each row is, and how many rows each stands for."""
    key = np.zeros(len(columns[0]), dtype=np.int64)
    sizes = [int(column.max(initial=0)) + 1 for column in columns]
    for column, size in zip(columns, sizes, strict=True):
        key = key * size + column
    distinct, back, counts = np.unique(key, return_inverse=True, return_counts=True)
    found = []
    for size in reversed(sizes):
        found.append(distinct % size)
        distinct = distinct // size
    return found[::-1], back, counts.astype(np.int64)


def _made_by(
    listened: Listened,
) -> tuple[Sequence[str], Numbers, Numbers]:
    """The names of creators; and for each item, from where to where in the last array its creators stand."""
    listed = [
        sorted(
            {value for facet in MADE_BY for value in listened.attributes.get(str(item), {}).get(facet, ())}
        )
        for item in listened.items
    ]
    names = sorted({name for each in listed for name in each})
    number = {name: at for at, name in enumerate(names)}
    starts = np.concatenate(([0], np.cumsum([len(each) for each in listed]))).astype(np.int64)
    return names, starts, np.array([number[name] for each in listed for name in each], dtype=np.int64)


def _heard(workspace: Workspace, name: str) -> tuple[Entity, Heard]:
    with workspace.graph.read() as reader:
        entity, plan = read_plan(reader, name)
    return entity, workspace.keep(Audiences, Audiences).heard(entity.ref, plan)


def _serves(kept: _Reading, version: tuple[int, int]) -> bool:
    return kept.version == version or (kept.seconds > LONG and monotonic() - kept.at < SPARED * kept.seconds)
