"""Which bets, flags and experiments touch a piece of software: by itself, through its system, through its owner."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from counterpoint.errors import InputError
from counterpoint.graph.entity import Entity
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.said import Said
from counterpoint.web.urls import entity_url, flag_url, ref_parts

__all__ = ["SOFTWARE", "Touch", "touching"]

SOFTWARE = frozenset({"Component", "API", "Resource", "System", "Domain"})
"""Kinds that bets are carried out with."""
PARTS = 200
"""Parts of a system whose flags are looked at."""
OWNED = 5
"""Active bets of the owner that are told."""
ENDED = frozenset({"killed", "retired"})


class Touch(msgspec.Struct, frozen=True):
    """Something of the loop that touches an entity."""

    kind: str
    """`Bet`, `Flag` or `Experiment`."""
    title: str
    url: str
    state: str
    """The stage or state of a bet, the state of a flag."""
    through: Said
    """In words, how: "its own flag", "the system Playback", "its owner Player"."""
    via: str | None = None
    """Reference of what it comes through; none where it is the entity itself."""


def touching(reader: Reader, entity: Entity) -> list[Touch]:
    """What touches an entity, the nearest first; each once, by the shortest way. Empty for other kinds."""
    if entity.kind not in SOFTWARE:
        return []
    found: dict[str, Touch] = {}
    for touch in (*_through_flags(reader, entity), *_through_owner(reader, entity)):
        found.setdefault(touch.url, touch)
    return list(found.values())


def _through_flags(reader: Reader, entity: Entity) -> Iterator[Touch]:
    systems = [ref for ref in entity.targets("partOf") if ref.startswith("system:")]
    around = reader.get_many(systems)
    parts: dict[str, str | None] = {entity.ref: None}
    for ref in entity.targets("hasPart")[:PARTS]:
        parts.setdefault(ref, ref)
    for system in around.values():
        for ref in system.targets("hasPart")[:PARTS]:
            parts.setdefault(ref, system.ref)
    members = reader.get_many([ref for ref in parts if ref != entity.ref]) | {entity.ref: entity}
    sets = reader.get_many({ref for each in members.values() for ref in each.targets("hasFlags")})
    flags = sorted(_flags(sets.values(), parts), key=lambda flag: (flag.via is not None, flag.key))
    bets = reader.get_many({flag.bet for flag in flags if flag.bet})
    experiments = reader.get_many({ref for each in sets.values() for ref in each.targets("exposes")})
    for flag in flags:
        via = around.get(flag.via or "") or members.get(flag.via or "")
        through = "its own flag" if via is None else f"the {via.kind.lower()} {via.title}"
        yield Touch("Flag", flag.key, flag_url(flag.set, flag.key), flag.state, through, flag.via)
        if flag.bet in bets:
            yield _bet(bets[flag.bet], f"the flag {flag.key}", flag.via)
        for experiment in experiments.values():
            held_in = experiment.targets("exposedBy")
            if experiment.spec.get("flag") == flag.key and f"flagset:default/{flag.set}" in held_in:
                address = entity_url(experiment.ref)
                yield Touch("Experiment", experiment.title, address, "", f"the flag {flag.key}", flag.via)


class _Flag(msgspec.Struct, frozen=True):
    key: str
    set: str
    state: str
    bet: str | None
    via: str | None


def _flags(sets: Iterable[Entity], parts: Mapping[str, str | None]) -> Iterator[_Flag]:
    """The flags of some sets that belong to one of the parts."""
    for entity in sets:
        definition = entity.spec.get("definition")
        whole = definition.get("metadata") if isinstance(definition, Mapping) else None
        for key, flag in flags_by_key(definition).items():
            own = flag.get("metadata")
            metadata = {**_mapping(whole), **_mapping(own)}
            component = _ref(metadata.get("component"), "Component", entity.namespace)
            if component is not None and component in parts:
                state = str(flag.get("state", "ENABLED")).lower()
                bet = _ref(metadata.get("bet"), "Bet", entity.namespace)
                yield _Flag(key, ref_parts(entity.ref)[2], state, bet, parts[component])


def _through_owner(reader: Reader, entity: Entity) -> Iterator[Touch]:
    if entity.owner is None:
        return
    page = reader.find(kind="Bet", owner=entity.owner, order="-updated", limit=OWNED * 4)
    active = [bet for bet in page.items if bet.spec.get("state") not in ENDED]
    title = reader.titles([entity.owner]).get(entity.owner) or ref_parts(entity.owner)[2]
    yield from (_bet(bet, f"its owner {title}", entity.owner) for bet in active[:OWNED])


def _bet(bet: Entity, through: str, via: str | None) -> Touch:
    state = str(bet.spec.get("state") or "active")
    told = str(bet.spec.get("stage") or "think") if state == "active" else state
    return Touch("Bet", bet.title, entity_url(bet.ref), told, through, via)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _ref(text: Any, kind: str, namespace: str) -> str | None:
    try:
        return str(parse_ref(text, default_kind=kind, default_namespace=namespace)) if text else None
    except (InputError, TypeError, AttributeError):
        return None  # another standard's text that is no reference
