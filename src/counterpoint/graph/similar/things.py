"""The things of a graph that may exist twice, kept in memory and brought up to date by the activity log."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from math import log
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from counterpoint.errors import CounterpointError, InputError
from counterpoint.graph.entity import Entity
from counterpoint.graph.kinds import canonical_kind
from counterpoint.graph.query import valid
from counterpoint.graph.reader import BATCH, Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.similar.corpus import Corpus, Tokens, Vocabulary
from counterpoint.graph.similar.likeness import (
    NEAR,
    TEXT,
    Likeness,
    Thing,
    are_candidates,
    are_likely,
    likeness,
)
from counterpoint.graph.similar.words import phrases, terms_of
from counterpoint.graph.store import Graph
from counterpoint.graph.tables import activity, decode, relation, revision
from counterpoint.spelling import quoted

__all__ = [
    "DOCUMENTATION",
    "KINDS",
    "MOST",
    "Near",
    "Pair",
    "Shelf",
    "Step",
    "Things",
    "by_likeness",
    "common_words",
    "thing_of",
    "wanted_kinds",
]

KINDS = ("Component", "API", "System", "Domain", "Resource", "Bet", "Template")
"""Kinds of which there may be two for one purpose."""
DOCUMENTATION = "Documentation"
"""What may be written twice as well, though it is no entity; whoever holds the files makes a shelf of it."""
LINKS = ("partOf", "providesApi", "consumesApi", "dependsOn", "servesPurpose", "supportsBelief")
"""Relations that say what a thing is made of, or for."""
MOST = 100_000
"""Things that are kept, the newest: at one kilobyte each, a hundred megabytes."""
SLACK = MOST // 20
"""So many more may come before the oldest ones are let go of, since then everything is read again."""
QUICK = 0.05
"""Seconds in which a shelf may have been renewed for the next reader to renew it too."""
PAUSE = 20
"""How many times as long as renewing took a reader who writes something new gets the shelf as it was."""
EACH = 5
"""Pairs that one thing is in, at most: the list shows where to look, not a web."""
WEIGHED = 300
"""Of thousands of texts that are near, so many of the nearest are weighed by all grounds."""
WRITTEN = frozenset({"document", "documentation"})
FEW = 12
"""Shared words up to which it matters whether one of them is two others in one."""
OVER = frozenset({"killed", "retired", "deprecated"})
TEXTS = ("hypothesis", "statement")
"""Fields of a spec that say what a thing is for, beside its title and description. Tags are left out: most name a
language or a framework, and what is written in one language is not for that reason the same."""


Step = Callable[[], object]
"""What long work calls every few milliseconds; whatever it raises ends the work, and nothing is kept of it."""


def _on() -> None:
    """Go on."""


class Near(msgspec.Struct, frozen=True):
    """An existing thing that is near, and why."""

    thing: Thing
    likeness: Likeness
    phrases: tuple[str, ...]
    """What both texts say, the weightiest first, as the existing thing writes it."""


class Pair(msgspec.Struct, frozen=True):
    """Two things of different owners that may be the same, and why; `first` has the lesser reference."""

    first: Thing
    second: Thing
    likeness: Likeness
    phrases: tuple[str, ...]


class Shelf:
    """The things of one moment: they do not change, so that several threads may ask at once."""

    def __init__(self, things: Mapping[str, Thing], tokens: Mapping[str, Tokens], words: Vocabulary) -> None:
        self.things = tuple(things.values())
        self._corpus = Corpus(words, [tokens[ref] for ref in things])
        self._places = {thing.ref: place for place, thing in enumerate(self.things)}
        self._degrees: dict[str, int] = {}
        for thing in self.things:
            for ref in thing.links:
                self._degrees[ref] = self._degrees.get(ref, 0) + 1

    def thing(self, ref: str) -> Thing | None:
        """The thing with this canonical reference; none where it is not of a kind that may exist twice."""
        place = self._places.get(ref)
        return None if place is None else self.things[place]

    def nearest(
        self, wanted: Thing, *, kinds: Collection[str] = (), limit: int = 5, least: float = NEAR
    ) -> list[Near]:
        """Existing things that are like one which need not exist, the most alike first; itself is left out."""
        cosines = self._corpus.cosines(wanted.title, wanted.body)
        places = np.flatnonzero(cosines >= least)
        if kinds:
            places = places[[self.things[place].kind in kinds for place in places]]
        if len(places) > WEIGHED:
            places = places[np.argpartition(-cosines[places], WEIGHED)[:WEIGHED]]
        found = [
            (likeness(wanted, self.things[place], float(cosines[place]), self._rarity), self.things[place])
            for place in places
            if self.things[place].ref != wanted.ref
        ]
        found.sort(key=lambda each: (-each[0].score, each[1].ref))
        return [Near(thing, alike, self._phrases(wanted, thing)) for alike, thing in found[:limit]]

    def pairs(self, step: Step = _on) -> list[Pair]:
        """Likely twins: pairs of one kind with different owners, the most alike first."""
        found: list[tuple[Likeness, Thing, Thing]] = []
        owners: dict[str | None, int] = {}
        for kind in dict.fromkeys(thing.kind for thing in self.things):
            rows = [place for place, thing in enumerate(self.things) if thing.kind == kind and thing.owner]
            groups = [owners.setdefault(self.things[place].owner, len(owners)) for place in rows]
            near = self._corpus.pairs(
                np.array(rows, int), np.array(groups, int), least=TEXT, each=EACH * 4, step=step
            )
            for left, right, cosine in near if rows else ():
                step()
                one, other = sorted((self.things[left], self.things[right]), key=lambda thing: thing.ref)
                alike = likeness(one, other, cosine, self._rarity)
                if are_candidates(one, other) and are_likely(alike, common_words(one, other)):
                    found.append((alike, one, other))
        found.sort(key=lambda each: (-each[0].score, each[1].ref, each[2].ref))
        return list(self._thinned(found, step))

    def nearest_elsewhere(self, thing: Thing) -> Near | None:
        """The nearest thing of its kind that another owner has, where the two are likely twins."""
        for near in self.nearest(thing, kinds=(thing.kind,), limit=EACH * 4):
            if are_candidates(thing, near.thing):
                return near if are_likely(near.likeness, common_words(thing, near.thing)) else None
        return None

    def _thinned(self, found: Iterable[tuple[Likeness, Thing, Thing]], step: Step) -> Iterator[Pair]:
        told: dict[str, int] = {}
        for alike, one, other in found:
            step()
            if max(told.get(one.ref, 0), told.get(other.ref, 0)) < EACH:
                told[one.ref], told[other.ref] = told.get(one.ref, 0) + 1, told.get(other.ref, 0) + 1
                yield Pair(one, other, alike, self._phrases(one, other))

    def _rarity(self, ref: str) -> float:
        return 1 / (1 + log(max(self._degrees.get(ref, 1), 1)))

    def _phrases(self, wanted: Thing, found: Thing) -> tuple[str, ...]:
        titles = set(terms_of(wanted.title)) | set(terms_of(found.title))

        def weight(term: str) -> float:
            return self._corpus.rarity(term) ** 2 * (2 if term in titles else 1)

        return phrases(wanted.text, found.text, weight)


class Things:
    """The shelf of a graph, as it is now. Only what the activity log names since the last time is read again."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._lock = threading.Lock()
        self._seen = -1
        self._things: dict[str, Thing] = {}
        self._tokens: dict[str, Tokens] = {}
        self._words = Vocabulary()
        self._shelf: Shelf | None = None
        self._took = self._at = 0.0
        self.left_out = 0
        """Things beyond `MOST`, which are not compared."""

    def shelf(self, step: Step = _on) -> Shelf:
        """Everything as the graph has it now."""
        with self._lock, self._graph.read() as reader:
            last = reader.last_activity()
            begun = time.monotonic()
            if self._shelf is None or last < self._seen:
                self._fill(reader, step)
            elif last > self._seen and not self._renew(reader, step):
                self._seen = last
                return self._shelf
            if self._shelf is None or last != self._seen:
                self._shelf = Shelf(self._things, self._tokens, self._words)
                self._at = time.monotonic()
                self._took = self._at - begun
            self._seen = last
            return self._shelf

    def at_hand(self) -> Shelf:
        """Everything as it is now, or as it was a moment ago where to look again takes longer than a moment."""
        held = self._shelf
        if held is not None and self._took > QUICK and time.monotonic() - self._at < PAUSE * self._took:
            return held
        return self.shelf()

    @property
    def seen(self) -> int:
        """The number of the activity up to which the shelf is right; -1 before the first time."""
        return self._seen

    def _fill(self, reader: Reader, step: Step) -> None:
        self._things, self._tokens, self._words, self._shelf = {}, {}, Vocabulary(), None
        condition = self._count(reader)
        newest = (
            sa.select(
                revision.c.ref, revision.c.kind, revision.c.title, revision.c.owner, revision.c.document
            )
            .where(condition)
            .order_by(revision.c.seq.desc())
            .limit(MOST)
        )
        links = _links(reader.connection, None, step)
        self._take(reader.connection.execute(newest), links, step)

    def _count(self, reader: Reader) -> sa.ColumnElement[bool]:
        """Count what is not kept; the condition of what there is."""
        condition = sa.and_(revision.c.kind.in_(KINDS), valid(revision, None))
        total = reader.connection.execute(sa.select(sa.func.count()).where(condition)).scalar_one()
        self.left_out = max(total - MOST, 0)
        return condition

    def _renew(self, reader: Reader, step: Step) -> bool:
        """Read again what has changed; whether anything of it is on the shelf, or comes on it."""
        connection = reader.connection
        subjects = sa.select(activity.c.subject).where(activity.c.seq > self._seen).distinct()
        changed = {subject for subject in connection.execute(subjects).scalars() if _may_hold(subject)}
        ends = sa.select(relation.c.source).where(relation.c.origin.in_(subjects)).distinct()
        changed |= {ref for ref in connection.execute(ends).scalars() if _may_hold(ref)}
        for batch in _batches(changed):
            query = sa.select(
                revision.c.ref, revision.c.kind, revision.c.title, revision.c.owner, revision.c.document
            ).where(revision.c.ref.in_(batch), valid(revision, None))
            rows = connection.execute(query).all()
            for ref in set(batch) - {row.ref for row in rows}:
                self._things.pop(ref, None)
                self._tokens.pop(ref, None)
            self._take(rows, _links(connection, batch, step), step)
        if len(self._things) > MOST + SLACK:
            self._fill(reader, step)
        elif changed and (self.left_out or len(self._things) > MOST):
            self._count(reader)
        return bool(changed)

    def _take(self, rows: Iterable[Any], links: Mapping[str, set[str]], step: Step) -> None:
        for row in rows:
            step()
            thing = _thing(row, links.get(row.ref, ()))
            before = self._things.get(row.ref)
            self._things[row.ref] = thing
            if before is None or before.text != thing.text:
                self._tokens[row.ref] = self._words.tokens(thing.title, thing.body)


def by_likeness(pair: Pair) -> tuple[float, str, str]:
    """The place of a pair in a list: the most alike first."""
    return -pair.likeness.score, pair.first.ref, pair.second.ref


def common_words(one: Thing, other: Thing) -> int:
    """How many different words the texts of two things share; `OpenAPI` and `openapi`, `open`, `api` are two."""
    shared = set(terms_of(one.text)) & set(terms_of(other.text))
    if len(shared) > FEW:
        return len(shared)
    return len(shared - {first + second for first in shared for second in shared})


def _links(connection: sa.Connection, refs: list[str] | None, step: Step) -> dict[str, set[str]]:
    query = sa.select(relation.c.source, relation.c.target).where(
        relation.c.type.in_(LINKS), valid(relation, None)
    )
    if refs is not None:
        query = query.where(relation.c.source.in_(refs))
    found: dict[str, set[str]] = {}
    for source, target in connection.execute(query):
        step()
        if _may_hold(source):
            found.setdefault(source, set()).add(target)
    return found


def thing_of(entity: Entity) -> Thing:
    """What is known of an entity, as it is compared."""
    links = {target for name in LINKS for target in entity.targets(name)}
    return _made(entity.ref, entity.kind, entity.title, entity.owner, entity.document, links)


def _thing(row: Any, links: Collection[str]) -> Thing:
    return _made(row.ref, row.kind, row.title, row.owner, decode(row.document), links)


def _made(
    ref: str, kind: str, title: str, owner: str | None, document: Mapping[str, Any], links: Collection[str]
) -> Thing:
    metadata, spec = document["metadata"], document.get("spec") or {}
    texts = [metadata.get("description"), *(spec.get(name) for name in TEXTS)]
    if title != metadata["name"]:
        texts.append(metadata["name"])
    return Thing(
        ref=ref,
        kind=kind,
        title=title,
        body=". ".join(text for text in texts if isinstance(text, str)),
        owner=owner,
        links=frozenset(links),
        metrics=_metrics(spec, metadata["namespace"]),
        ended=bool({str(spec.get("state")), str(spec.get("lifecycle"))} & OVER),
    )


def _metrics(spec: Mapping[str, Any], namespace: str) -> frozenset[str]:
    success = spec.get("success")
    found = set()
    for row in success if isinstance(success, list) else ():
        if isinstance(row, dict) and isinstance(row.get("metric"), str):
            try:
                found.add(str(parse_ref(row["metric"], default_kind="Metric", default_namespace=namespace)))
            except CounterpointError:
                continue  # another kind of success that a document of a free kind may have
    return frozenset(found)


_BEGINNINGS = tuple(f"{kind.lower()}:" for kind in KINDS)


def _may_hold(ref: str) -> bool:
    return ref.startswith(_BEGINNINGS)


def _batches(refs: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(refs)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def wanted_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """The kinds as descriptors write them; `document` and `documentation` mean what is written about entities.

    Raises:
        InputError: of one of them nothing is compared.
    """
    found = tuple(DOCUMENTATION if kind.lower() in WRITTEN else canonical_kind(kind) for kind in kinds)
    for kind in found:
        if kind not in (*KINDS, DOCUMENTATION):
            message = f"{kind!r} is not compared; `kind` is one of {quoted((*KINDS, DOCUMENTATION))}."
            raise InputError(message)
    return found
