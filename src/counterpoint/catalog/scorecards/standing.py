"""The present outcomes of a workspace's scorecards, kept in memory and kept up with its changes.

The activity log says what has changed: those entities and their neighbours are asked again. A change of a
scorecard, a new day (ages, ends of exemptions) or very many changes at once ask everything again.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from sys import intern
from typing import Any

import sqlalchemy as sa

from counterpoint.catalog.scorecards.builtin import PREFIX, group_of
from counterpoint.catalog.scorecards.facts import PROVIDERS, Gatherer, Provider
from counterpoint.catalog.scorecards.model import Outcome, Outcomes, Scorecard, evaluate
from counterpoint.catalog.scorecards.reading import PEOPLE, Broken, read_scorecard
from counterpoint.errors import InputError
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.predicate import keys_of, text_of
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.tables import relation, revision
from counterpoint.moments import to_micros
from counterpoint.workspace import Workspace

__all__ = ["KIND", "Held", "Present", "Standing", "standing_of"]

KIND = "Scorecard"
PIECE = 1_000
"""Entities read at a time, so that half a million need no more memory than a thousand."""
MANY = 2_000
"""Changes from which on it is quicker to ask everything again."""
STALE = 60.0
"""Seconds after which facts from outside the graph, such as those of documentation, are asked again..."""
SHARE = 1_000
"""...or this many times as long as asking them takes, so that it costs a thousandth of a core at most."""
PATIENCE = 1.5
"""How much longer a reader waits than whoever renews in the background, so that readers find it done."""
_LETTERS: Mapping[str, Outcome] = {"p": "passes", "f": "fails", "e": "exempt"}


@dataclass(frozen=True, slots=True)
class Held:
    """What one scorecard says of one entity: a letter for each check, in the order of the scorecard."""

    letters: str
    owner: str | None

    def outcomes(self, scorecard: Scorecard) -> Outcomes:
        """The outcome of each check by its id."""
        return {
            check.id: _LETTERS[letter] for check, letter in zip(scorecard.checks, self.letters, strict=True)
        }


@dataclass(frozen=True, slots=True)
class Present:
    """The outcomes as of one change of the graph and one day."""

    seq: int = -1
    """Number of the newest change that is in it."""
    at: int = 0
    """When that was, in microseconds."""
    today: date = date.min
    made: float = 0.0
    """When facts from outside the graph were asked last, by the clock that only goes forward."""
    took: float = 0.0
    """Seconds of the processor that this took."""
    scorecards: Mapping[str, Scorecard] = field(default_factory=dict)
    broken: tuple[Broken, ...] = ()
    held: Mapping[str, Mapping[str, Held]] = field(default_factory=dict)
    """By scorecard, then by the entity that it is about."""

    def fact_names(self) -> frozenset[str]:
        """The facts that its checks ask for."""
        keys = frozenset[str]().union(*(each.keys for each in self.scorecards.values()))
        return frozenset(key.removeprefix(PREFIX) for key in keys if key.startswith(PREFIX))


class Standing:
    """Keeps the present outcomes; safe to ask from several threads."""

    def __init__(self, workspace: Workspace, clock: Callable[[], datetime] | None = None) -> None:
        self._workspace = workspace
        self._clock = clock or (lambda: datetime.now(UTC))
        self._present = Present()
        self._working = threading.Lock()

    def now(self, *, patience: float = PATIENCE) -> Present:
        """The outcomes as of now; with less patience facts from outside the graph are asked again sooner."""
        today = self._clock().astimezone(UTC).date()
        if self._holds(self._workspace.graph.last_activity(), today, patience):
            return self._present
        with self._working, self._workspace.graph.read() as reader:
            seq = reader.last_activity()
            if not self._holds(seq, today, patience):
                self._present = self._renew(reader, seq, today, patience)
            return self._present

    def about(self, ref: str) -> Present:
        """The outcomes of one entity as of now, in whatever else is at hand; it never waits for all others."""
        today = self._clock().astimezone(UTC).date()
        if self._holds(self._workspace.graph.last_activity(), today, PATIENCE):
            return self._present
        with self._workspace.graph.read() as reader:
            present, held = _empty(reader, reader.last_activity(), today)
            if present.scorecards and _is_asked(ref.partition(":")[0], _kinds(present.scorecards.values())):
                gatherer = Gatherer(self._workspace, reader, present.fact_names(), today)
                _ask(present, list(reader.get_many([ref]).values()), gatherer, held)
        return present

    def fresh_for(self) -> float:
        """Seconds after which facts from outside the graph should be asked again; none are asked where it is infinite."""
        return max(0.0, _until_stale(self._present, 1))

    def _holds(self, seq: int, today: date, patience: float) -> bool:
        present = self._present
        return present.seq == seq and present.today == today and not _stale(present, patience)

    def _renew(self, reader: Reader, seq: int, today: date, patience: float) -> Present:
        old = self._present
        changes = reader.activity(after=old.seq, limit=MANY + 1) if old.seq >= 0 else []
        newest = reader.activity(limit=1)
        at = to_micros(newest[0].at) if newest else 0
        started = time.thread_time()
        if old.seq < 0 or old.today != today or len(changes) > MANY or _rewritten(changes):
            whole = self._whole(reader, seq, today)
            return replace(whole, at=at, took=time.thread_time() - started)
        refs = set(_refs(change.subject for change in changes))
        refs |= _neighbours(reader, refs, old.at)
        if not _stale(old, patience):
            return self._changed(reader, seq, at, refs)
        for provider in _outside(old):
            refs.update(provider.known(self._workspace, reader))
        made = time.monotonic()
        changed = self._changed(reader, seq, at, refs)
        return replace(changed, made=made, took=time.thread_time() - started)

    def _whole(self, reader: Reader, seq: int, today: date) -> Present:
        present, held = _empty(reader, seq, today)
        if present.scorecards:
            gatherer = Gatherer(self._workspace, reader, present.fact_names(), today)
            for entities in _pieces(reader, _kinds(present.scorecards.values())):
                _ask(present, entities, gatherer, held)
        return present

    def _changed(self, reader: Reader, seq: int, at: int, refs: set[str]) -> Present:
        old = self._present
        held = {ref: dict(entities) for ref, entities in old.held.items()}
        for entities in held.values():
            for ref in refs & entities.keys():
                del entities[ref]
        present = replace(old, seq=seq, at=at, held=held)
        kinds = _kinds(old.scorecards.values())
        gatherer = Gatherer(self._workspace, reader, present.fact_names(), old.today)
        wanted = sorted(ref for ref in refs if _is_asked(ref.partition(":")[0], kinds))
        for start in range(0, len(wanted), PIECE):
            found = reader.get_many(wanted[start : start + PIECE])
            _ask(present, list(found.values()), gatherer, held)
        return present


def standing_of(workspace: Workspace) -> Standing:
    """The outcomes of a workspace that this process keeps."""
    return workspace.keep(Standing, Standing)


def _empty(reader: Reader, seq: int, today: date) -> tuple[Present, dict[str, dict[str, Held]]]:
    """The scorecards as they are, before anything was asked, and the place for what will be."""
    read = [read_scorecard(entity) for entity in reader.all(kind=KIND)]
    scorecards = {each.ref: each for each in read if isinstance(each, Scorecard)}
    broken = tuple(each for each in read if isinstance(each, Broken))
    held: dict[str, dict[str, Held]] = {ref: {} for ref in scorecards}
    made = time.monotonic()
    return Present(seq, 0, today, made, scorecards=scorecards, broken=broken, held=held), held


def _ask(
    present: Present, entities: list[Entity], gatherer: Gatherer, held: Mapping[str, dict[str, Held]]
) -> None:
    facts = gatherer.facts_of(entities)
    for entity in entities:
        keys: dict[str, Any] = keys_of(
            {**entity.document, "metadata": {**entity.metadata, "uid": entity.uid}},
            [(edge.type, edge.target) for edge in entity.relations],
        )
        for name, value in facts[entity.ref].items():
            text = text_of(value)
            keys[f"{PREFIX}{name.lower()}"] = () if text is None else (text,)
        for scorecard in present.scorecards.values():
            outcomes = evaluate(scorecard, entity.ref, keys, present.today)
            if outcomes is not None:
                letters = intern("".join(outcome[0] for outcome in outcomes.values()))
                held[scorecard.ref][entity.ref] = Held(letters, entity.owner)


def _stale(present: Present, patience: float) -> bool:
    return _until_stale(present, patience) <= 0


def _until_stale(present: Present, patience: float) -> float:
    """Seconds for which facts from outside the graph still count as fresh."""
    if not _outside(present):
        return math.inf
    return present.made + max(STALE, SHARE * present.took) * patience - time.monotonic()


def _outside(present: Present) -> list[Provider]:
    """Whoever knows facts from outside the graph that the checks ask for."""
    return [PROVIDERS[group] for group in sorted({*map(group_of, present.fact_names())} & PROVIDERS.keys())]


def _rewritten(changes: Iterable[Activity]) -> bool:
    start = f"{KIND.lower()}:"
    return any(each.action.startswith("entity.") and each.subject.startswith(start) for each in changes)


def _kinds(scorecards: Iterable[Scorecard]) -> frozenset[str] | None:
    """The kinds that any of the scorecards can be about; none where one of them does not say."""
    named = [scorecard.kinds for scorecard in scorecards]
    return None if None in named else frozenset().union(*(each for each in named if each))


def _is_asked(kind: str, kinds: frozenset[str] | None) -> bool:
    return kind != PEOPLE and (kinds is None or kind in kinds)


def _pieces(reader: Reader, kinds: frozenset[str] | None) -> Iterator[list[Entity]]:
    """The entities of some kinds, a piece at a time, in the order of their references."""
    last = ""
    while True:
        query = (
            sa.select(revision.c.ref)
            .where(revision.c.valid_to.is_(None), revision.c.ref > last)
            .order_by(revision.c.ref)
            .limit(PIECE)
        )
        refs = list(reader.connection.execute(query).scalars())
        if not refs:
            return
        last = refs[-1]
        asked = [ref for ref in refs if _is_asked(ref.partition(":")[0], kinds)]
        if asked:
            yield list(reader.get_many(asked).values())


def _refs(subjects: Iterable[str]) -> Iterator[str]:
    for subject in subjects:
        try:
            yield str(parse_ref(subject))
        except InputError:  # accounts and the like
            continue


def _neighbours(reader: Reader, refs: Iterable[str], since: int) -> set[str]:
    """Who is, or was since a moment, at the other end of a relation of the entities."""
    wanted, found = list(refs), set[str]()
    for start in range(0, len(wanted), PIECE // 2):
        query = sa.select(relation.c.target).where(
            relation.c.source.in_(wanted[start : start + PIECE // 2]),
            sa.or_(relation.c.valid_to.is_(None), relation.c.valid_to >= since),
        )
        found.update(reader.connection.execute(query).scalars())
    return found
