"""The line of sight: from anything up to the purposes that it serves, and from anything down to what serves it.

Rooms meet in the graph, so that the line is read here, from relations and the metadata of flags alone:
purpose, belief, bet, flag or experiment or rollout, and software; data and insights lead to beliefs and bets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from counterpoint.errors import InputError, NotFoundError
from counterpoint.graph.entity import Entity
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.web.urls import entity_url, flag_url, ref_parts

__all__ = ["Branch", "Sight", "SightNode", "sight_nodes_of", "sight_of", "sight_of_flag"]

MOST_LINES = 24
"""Lines upward that are followed."""
MOST_PARTS = 200
"""Things below one that are followed."""
DEPTH = 8
SOFTWARE = frozenset({"Component", "API", "Resource", "System", "Domain"})
UP: Mapping[str, tuple[str, ...]] = {
    "Bet": ("supportsBelief", "servesPurpose"),
    "Belief": ("servesPurpose",),
    "Goal": ("servesPurpose", "partOfGoal"),
    "Experiment": ("testsBet",),
    "Rollout": ("rollsOutBet",),
    "Insight": ("insightUsedBy",),
    "Datum": ("leadsToInsight",),
}
DOWN: Mapping[str, tuple[str, ...]] = {
    "Purpose": ("purposeServedBy",),
    "Belief": ("supportedByBet",),
    "Goal": ("workedTowardsBy", "hasPartGoal"),
    "Bet": ("testedBy", "rolledOutBy"),
}
"""Relations that lead one step up or down, by kind; flags and software are found by what flags say."""


class SightNode(msgspec.Struct, frozen=True):
    """One thing on a line."""

    kind: str
    title: str
    url: str
    ref: str
    """Reference of the entity; of a flag `flag:<set>/<key>`."""
    status: str = ""
    stage: str = ""
    """Of a bet, as people say it: "Ship it"."""
    exists: bool = True


class Branch(msgspec.Struct, frozen=True):
    """A thing with what serves it."""

    node: SightNode
    parts: tuple["Branch", ...] = ()


class Sight(msgspec.Struct, frozen=True):
    """What leads up from a thing, and what leads down."""

    node: SightNode
    lines: tuple[tuple[SightNode, ...], ...]
    """Each from a purpose, or the highest thing that there is, down to the thing itself."""
    parts: tuple[Branch, ...]

    @property
    def traced(self) -> bool:
        """Whether a line reaches a purpose that exists."""
        return any(line[0].kind == "Purpose" and line[0].exists for line in self.lines)


class _Thing(msgspec.Struct, frozen=True):
    """An entity, or one flag of a set."""

    node: SightNode
    entity: Entity | None
    flag: Mapping[str, Any] | None = None


def sight_of(reader: Reader, ref: str) -> Sight:
    """The line of sight of an entity.

    Raises:
        NotFoundError: there is none.
        InputError: it is no reference.
    """
    entity = reader.get(parse_ref(ref))
    if entity is None:
        raise NotFoundError(f"There is no {ref}.")
    return _sight(reader, _of(entity))


def sight_of_flag(reader: Reader, flag_set: str, key: str) -> Sight:
    """The line of sight of one flag.

    Raises:
        NotFoundError: there is no such set or flag.
    """
    entity = reader.get(f"flagset:default/{flag_set}")
    found = next((each for each in _flags_in(entity) if each.node.title == key), None) if entity else None
    if found is None:
        raise NotFoundError(f"There is no flag {key} in the flag set {flag_set}.")
    return _sight(reader, found)


def sight_nodes_of(line: Sequence[SightNode]) -> list[dict[str, Any]]:
    """A line as the component `line_of_sight` shows it."""
    return [
        {
            "kind": node.kind,
            "title": node.title,
            "href": node.url if node.exists else None,
            "status": node.status or None,
            "note": (node.stage or None) if node.exists else "not in the catalog yet",
        }
        for node in line
    ]


def _sight(reader: Reader, thing: _Thing) -> Sight:
    lines: list[tuple[SightNode, ...]] = []
    _climb(reader, thing, (thing.node,), lines)
    purposes_first = sorted(lines, key=lambda line: line[0].kind != "Purpose")
    return Sight(thing.node, tuple(purposes_first), tuple(_descend(reader, thing, {thing.node.ref}, 0)))


def _climb(
    reader: Reader, thing: _Thing, line: tuple[SightNode, ...], found: list[tuple[SightNode, ...]]
) -> None:
    """Follow every way up; a way that ends is a line."""
    if len(found) >= MOST_LINES:
        return
    seen = {node.ref for node in line}
    higher = (
        [each for each in _above(reader, thing) if each.node.ref not in seen] if len(line) < DEPTH else []
    )
    if thing.node.kind == "Bet":
        # A purpose that a belief leads to is no line of its own.
        through = {ref for each in higher if each.entity for ref in each.entity.targets("servesPurpose")}
        higher = [each for each in higher if each.node.kind != "Purpose" or each.node.ref not in through]
    if not higher:
        found.append(line)
    for each in higher:
        _climb(reader, each, (each.node, *line), found)


def _above(reader: Reader, thing: _Thing) -> list[_Thing]:
    if thing.flag is not None and thing.entity is not None:
        bet = _named(thing, "bet", "Bet")
        return _things(reader, [bet] if bet else [])
    entity = thing.entity
    if entity is None:
        return []
    if entity.kind in SOFTWARE:
        sets = reader.get_many(entity.targets("hasFlags"))
        return [
            each
            for held in sorted(sets.values(), key=lambda one: one.ref)
            for each in _flags_in(held)
            if _named(each, "component", "Component") == entity.ref
        ]
    if entity.kind == "FlagSet":
        return [each for each in _flags_in(entity) if _named(each, "bet", "Bet")]
    refs = [ref for relation in UP.get(entity.kind, ()) for ref in entity.targets(relation)]
    return _things(reader, refs)


def _descend(reader: Reader, thing: _Thing, seen: set[str], depth: int) -> Iterator[Branch]:
    if depth >= DEPTH:
        return
    for each in _under(reader, thing):
        if each.node.ref not in seen and len(seen) < MOST_PARTS:
            seen.add(each.node.ref)
            yield Branch(each.node, tuple(_descend(reader, each, seen, depth + 1)))


def _under(reader: Reader, thing: _Thing) -> list[_Thing]:
    if thing.flag is not None:
        component = _named(thing, "component", "Component")
        return _things(reader, [component] if component else [])
    entity = thing.entity
    if entity is None:
        return []
    refs = [ref for relation in DOWN.get(entity.kind, ()) for ref in entity.targets(relation)]
    below = _things(reader, refs)
    if entity.kind == "Purpose":
        # What comes through a belief stands below it, and not beside it.
        through = {ref for each in below if each.entity for ref in each.entity.targets("supportedByBet")}
        below = [each for each in below if each.node.ref not in through]
    if entity.kind == "Bet":
        sets = reader.get_many(entity.targets("implementedBy"))
        held = (each for one in sets.values() for each in _flags_in(one))
        below = [each for each in held if _named(each, "bet", "Bet") == entity.ref] + below
    return below


def _things(reader: Reader, refs: Iterable[str]) -> list[_Thing]:
    wanted = list(dict.fromkeys(refs))
    found = reader.get_many(wanted)
    return [_of(found[ref]) if ref in found else _missing(ref) for ref in wanted]


def _of(entity: Entity) -> _Thing:
    state = str(entity.spec.get("state") or "")
    status = state if state not in ("", "active") else ""
    stage = f"{str(entity.spec.get('stage') or 'think').capitalize()} it" if entity.kind == "Bet" else ""
    text = str(entity.spec.get("statement") or entity.title)
    title = text if entity.kind in ("Purpose", "Belief", "Insight", "Datum") else entity.title
    return _Thing(SightNode(entity.kind, title, entity_url(entity.ref), entity.ref, status, stage), entity)


def _missing(ref: str) -> _Thing:
    kind, _namespace, name = ref_parts(ref)
    return _Thing(SightNode(kind.capitalize(), name, entity_url(ref), ref, exists=False), None)


def _flags_in(flag_set: Entity) -> Iterator[_Thing]:
    definition = flag_set.spec.get("definition")
    whole = _mapping(definition.get("metadata")) if isinstance(definition, Mapping) else {}
    for key, flag in flags_by_key(definition).items():
        state = str(flag.get("state") or "ENABLED").lower()
        node = SightNode("Flag", key, flag_url(flag_set.name, key), f"flag:{flag_set.name}/{key}", state)
        yield _Thing(node, flag_set, {**whole, **_mapping(flag.get("metadata"))})


def _named(thing: _Thing, field: str, kind: str) -> str | None:
    """What a flag's metadata names, as a reference; none where it names nothing that is one."""
    text = (thing.flag or {}).get(field)
    if not isinstance(text, str) or thing.entity is None:
        return None
    try:
        return str(parse_ref(text, default_kind=kind, default_namespace=thing.entity.namespace))
    except InputError:
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
