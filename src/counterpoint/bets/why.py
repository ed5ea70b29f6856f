"""From data to bets: the problem space (data, insights) and the solution space (beliefs, bets), as nodes that many may use."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from counterpoint.bets.line import Node
from counterpoint.bets.model import day_of, read_bet
from counterpoint.bets.units import below, practising, unit_of
from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.moments import today_utc

__all__ = ["KINDS", "NodePage", "Version", "WhyMap", "WhyNode", "read_map", "read_node", "write_node"]

KINDS = ("Datum", "Insight", "Belief", "Purpose")
"""Kinds of nodes that have a form here."""
RESTS_ON = {
    "Insight": ("drawnFrom",),
    "Belief": ("restsOnInsight",),
    "Bet": ("restsOnInsight", "supportsBelief"),
}
"""Relations to what a node rests on, by kind."""
LEADS_TO = {
    "Datum": ("leadsToInsight",),
    "Insight": ("insightUsedBy",),
    "Belief": ("supportedByBet",),
    "Purpose": ("purposeServedBy",),
}
"""Relations to what rests on a node."""
MOST_VERSIONS = 50


class WhyNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One node with what it rests on and what rests on it."""

    ref: str
    kind: str
    title: str
    statement: str
    owner: Node | None
    rests_on: tuple[Node, ...] = ()
    leads_to: tuple[Node, ...] = ()
    metric: Node | None = None
    """The metric that a datum was seen in."""
    source: str = ""
    link: str = ""
    date: str = ""
    confidence: float | None = None
    horizon: str = ""
    expires: str = ""
    expired: bool = False
    closed: bool = False
    """Whether it is a bet that has ended."""


class WhyMap(msgspec.Struct, frozen=True, rename="camel"):
    """The two spaces, each node once."""

    data: tuple[WhyNode, ...]
    insights: tuple[WhyNode, ...]
    beliefs: tuple[WhyNode, ...]
    bets: tuple[WhyNode, ...]
    chosen: Node | None = None
    """The bet whose line is shown alone; none where everything is."""

    @property
    def total(self) -> int:
        """How many nodes, bets left out."""
        return len(self.data) + len(self.insights) + len(self.beliefs)


class Version(msgspec.Struct, frozen=True):
    """What a node said in one of its versions."""

    version: int
    at: datetime
    actor: str
    statement: str
    changed: bool
    """Whether the statement, or for whom it is, is not that of the version before."""


class NodePage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One node with its document, its versions, and the bets that a change of it hits."""

    node: WhyNode
    document: dict[str, Any]
    etag: str
    versions: tuple[Version, ...]
    bets: tuple[Node, ...]
    """Open bets that rest on it, however far, in the order of their titles."""
    permission: Decision


def read_map(graph: Graph, *, unit: str = "", bet: str = "", today: date | None = None) -> WhyMap:
    """The two spaces of a unit with everything in it, of one bet, or of everybody; no bet of a unit without bets.

    Raises:
        NotFoundError: there is no such unit or bet.
    """
    with graph.read() as reader:
        found = {kind: reader.all(kind=kind) for kind in ("Datum", "Insight", "Belief", "Bet")}
        chosen: Node | None = None
        hidden: set[str] = set()
        if bet:
            ref = str(parse_ref(bet, default_kind="Bet"))
            entity = reader.get(ref)
            if entity is None:
                raise NotFoundError(f"There is no bet {bet}.")
            chosen = Node(ref=entity.ref, title=entity.title)
            wanted = _behind(found, entity)
            found = {kind: [each for each in all_ if each.ref in wanted] for kind, all_ in found.items()}
        elif unit:
            units: Collection[str] = below(reader, unit_of(reader, unit))
            found = {kind: [each for each in all_ if each.owner in units] for kind, all_ in found.items()}
        if not bet:  # whoever opens one bet sees its line, as on its page
            kept = practising(graph, reader, found["Bet"])
            hidden = {each.ref for each in found["Bet"]} - {each.ref for each in kept}
            found["Bet"] = kept
        day = today or today_utc()
        shown = {kind: _without(_nodes(reader, entities, day), hidden) for kind, entities in found.items()}
        return WhyMap(shown["Datum"], shown["Insight"], shown["Belief"], shown["Bet"], chosen)


def read_node(
    graph: Graph, kind: str, namespace: str, name: str, *, actor: Actor, today: date | None = None
) -> NodePage:
    """One node, with its versions and the bets that it carries.

    Raises:
        NotFoundError: there is none, or it is of a kind that has no page here.
    """
    with graph.read() as reader:
        entity = reader.get(f"{kind.lower()}:{namespace}/{name}")
        if entity is None or entity.kind not in KINDS:
            raise NotFoundError(f"There is no {kind} {namespace}/{name}.")
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
        exists = entity.owner is not None and reader.exists(entity.owner)
        return NodePage(
            node=_nodes(reader, [entity], today or today_utc())[0],
            document=entity.document,
            etag=entity.etag,
            versions=_versions(reader, entity.ref),
            bets=_carried(reader, entity),
            permission=may(actor, "write", entity.owner, owner_exists=exists, units=units),
        )


def write_node(graph: Graph, document: Mapping[str, Any], *, actor: Actor, new: bool, etag: str = "") -> str:
    """Store a node of the two spaces; its reference.

    Raises:
        InputError: the document is not valid, or a new one has a name that is taken.
        PreconditionError: it has another version than the one that was read.
        NotAllowedError: it belongs to somebody else.
    """
    with graph.write(actor) as writer:
        metadata = document.get("metadata") or {}
        ref = f"{str(document.get('kind')).lower()}:{metadata.get('namespace') or 'default'}/{metadata.get('name')}"
        if new and metadata.get("name") and writer.exists(ref):
            problem = Problem(
                f"There is one called {metadata['name']} already; choose another name.", "/metadata/name"
            )
            raise InputError("It cannot be stored.", [problem])
        return writer.put(document, if_match=[etag] if etag else None).ref


def _behind(found: Mapping[str, Sequence[Entity]], bet: Entity) -> set[str]:
    """The bet and everything that it rests on, however far."""
    everything = {each.ref: each for entities in found.values() for each in entities}
    wanted, waiting = {bet.ref}, [bet]
    while waiting:
        entity = waiting.pop()
        for relation in RESTS_ON.get(entity.kind, ()):
            for ref in entity.targets(relation):
                if ref not in wanted and ref in everything:
                    wanted.add(ref)
                    waiting.append(everything[ref])
    return wanted


def _carried(reader: Reader, entity: Entity) -> tuple[Node, ...]:
    seen, level = {entity.ref}, [entity]
    bets: dict[str, Entity] = {}
    while level:
        refs = {
            ref
            for each in level
            for relation in LEADS_TO.get(each.kind, ())
            for ref in each.targets(relation)
        }
        found = reader.get_many(refs - seen)
        seen |= refs
        bets |= {ref: each for ref, each in found.items() if each.kind == "Bet"}
        level = list(found.values())
    opened = [each for each in bets.values() if not read_bet(each).state.closed]
    return tuple(
        Node(ref=each.ref, title=each.title) for each in sorted(opened, key=lambda one: (one.title, one.ref))
    )


def _versions(reader: Reader, ref: str) -> tuple[Version, ...]:
    """The versions, newest first, each with what it said."""
    found: list[Version] = []
    said: tuple[Any, ...] | None = None
    for revision in reader.history(ref)[-MOST_VERSIONS:]:
        spec = (revision.document or {}).get("spec") or {}
        statement = str(spec.get("statement") or "")
        says = (statement, spec.get("beneficiaries"))
        found.append(
            Version(
                revision.version, revision.at, revision.actor, statement, said is not None and says != said
            )
        )
        said = says
    return tuple(reversed(found))


def _nodes(reader: Reader, entities: Sequence[Entity], today: date) -> tuple[WhyNode, ...]:
    refs = {
        ref
        for each in entities
        for relation in (*RESTS_ON.get(each.kind, ()), *LEADS_TO.get(each.kind, ()), "measuredBy")
        for ref in each.targets(relation)
    }
    known = reader.get_many(refs | {each.owner for each in entities if each.owner}, bare=True)
    return tuple(_node(each, known, today) for each in sorted(entities, key=lambda one: (one.title, one.ref)))


def _without(nodes: Iterable[WhyNode], hidden: Collection[str]) -> tuple[WhyNode, ...]:
    """The nodes without what is hidden among what rests on them."""
    return tuple(
        msgspec.structs.replace(
            node, leads_to=tuple(each for each in node.leads_to if each.ref not in hidden)
        )
        for node in nodes
    )


def _node(entity: Entity, known: Mapping[str, Entity], today: date) -> WhyNode:
    def named(ref: str) -> Node:
        found = known.get(ref)
        return Node(ref=ref, title=found.title if found else parse_ref(ref).name, exists=found is not None)

    def ends(table: Mapping[str, tuple[str, ...]]) -> tuple[Node, ...]:
        refs = (ref for relation in table.get(entity.kind, ()) for ref in entity.targets(relation))
        return tuple(named(ref) for ref in dict.fromkeys(refs))

    spec = entity.spec
    expires = day_of(spec.get("expires"))
    confidence = spec.get("confidence")
    metric = next(iter(entity.targets("measuredBy")), None) if entity.kind == "Datum" else None
    return WhyNode(
        ref=entity.ref,
        kind=entity.kind,
        title=entity.title,
        statement=str(spec.get("statement") or spec.get("hypothesis") or entity.description),
        owner=named(entity.owner) if entity.owner else None,
        rests_on=ends(RESTS_ON),
        leads_to=ends(LEADS_TO),
        metric=named(metric) if metric else None,
        source=str(spec.get("source") or ""),
        link=str(spec.get("link") or ""),
        date=str(day_of(spec.get("date")) or ""),
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
        horizon=str(spec.get("horizon") or ""),
        expires=str(expires or ""),
        expired=expires is not None and expires < today,
        closed=entity.kind == "Bet" and read_bet(entity).state.closed,
    )
