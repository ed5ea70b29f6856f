"""Experiments of the graph with their time and place: from their own words, their flags and the plans of those."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from counterpoint.errors import InputError
from counterpoint.experiments.coordination.model import Collision, Placed, Slot, State, meetings, state_at
from counterpoint.experiments.measures import Aggregation
from counterpoint.experiments.plan import moment_in
from counterpoint.graph.entity import Entity
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.workspace import Workspace

__all__ = ["Calendar", "Entry", "calendar_of", "collisions_with", "experiments_in", "placed_in", "units_of"]

MOST = 1000
"""Experiments of one page of the graph."""


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """An experiment on the calendar."""

    experiment: Placed
    state: State


class Calendar(msgspec.Struct, frozen=True, rename="camel"):
    """All experiments by their places, and those that may change each other."""

    as_of: datetime
    surfaces: dict[str, tuple[Entry, ...]]
    """By surface, in the order of names, "" for those without one last; each by its start."""
    collisions: tuple[Collision, ...]


def calendar_of(workspace: Workspace, now: datetime) -> Calendar:
    """The calendar as of a moment."""
    with workspace.graph.read() as reader:
        placed = placed_in(reader)
    by_surface: dict[str, list[Placed]] = {}
    for each in placed:
        by_surface.setdefault(each.surface, []).append(each)
    surfaces = {
        name: tuple(Entry(each, state_at(each, now)) for each in sorted(by_surface[name], key=_order))
        for name in sorted(by_surface, key=lambda name: (not name, name))
    }
    return Calendar(now, surfaces, meetings(placed, now))


def collisions_with(workspace: Workspace, ref: str, now: datetime) -> tuple[Collision, ...]:
    """The collisions of one experiment."""
    with workspace.graph.read() as reader:
        placed = placed_in(reader)
    return tuple(each for each in meetings(placed, now) if ref in (each.one, each.other))


def units_of(workspace: Workspace) -> dict[str, tuple[Aggregation, str | None]]:
    """How the figures of each metric are written, by its name: the aggregation and the unit."""
    with workspace.graph.read() as reader:
        metrics = reader.find(kind="Metric", limit=MOST).items
    return {each.name: (each.spec["aggregation"], each.spec.get("unit")) for each in metrics}


def _order(placed: Placed) -> tuple[bool, str, str]:
    return placed.start is None, placed.start.isoformat() if placed.start else "", placed.title


def placed_in(reader: Reader) -> list[Placed]:
    """The experiments of a graph with their time and place."""
    experiments = experiments_in(reader)
    sets = reader.get_many({ref for each in experiments for ref in each.targets("exposedBy")})
    return [_placed(each, sets) for each in experiments]


def experiments_in(reader: Reader) -> list[Entity]:
    """All experiments of a graph."""
    experiments: list[Entity] = []
    cursor: str | None = None
    while True:
        page = reader.find(kind="Experiment", limit=MOST, cursor=cursor)
        experiments += page.items
        cursor = page.next_cursor
        if cursor is None:
            return experiments


def _placed(entity: Entity, sets: Mapping[str, Entity]) -> Placed:
    spec = entity.spec
    key = "" if "source" in spec else str(spec.get("flag") or "")
    name = next(iter(entity.targets("exposedBy")), None) if key else None
    found = sets.get(name) if name else None
    plan = _plan(found, key)
    audience = plan.get("audience")
    segments, excluded = _audience(audience)
    places = tuple(dict.fromkeys(_places(entity, found, key)))
    return Placed(
        ref=entity.ref,
        title=entity.title,
        owner=entity.owner,
        flag=key,
        flag_set=name,
        surface=places[0].partition(" ")[2] if places else "",
        places=places,
        start=moment_in(spec.get("start"), last=False),
        end=moment_in(spec.get("end"), last=True),
        slot=_slot(plan.get("layer"), name or ""),
        segments=segments,
        excluded=excluded,
        holdouts=_texts(plan.get("holdouts")),
        spared=tuple(each for each in _holdouts(found) if each not in _texts(plan.get("holdouts"))),
    )


def _places(entity: Entity, flag_set: Entity | None, key: str) -> Iterator[str]:
    if surface := entity.spec.get("surface"):
        yield f"surface {surface}"
    if flag_set is not None:
        definition = flag_set.spec.get("definition")
        flag = flags_by_key(definition).get(key, {})
        own = flag.get("metadata")
        whole = definition.get("metadata") if isinstance(definition, Mapping) else None
        for metadata in (own, whole):
            component = metadata.get("component") if isinstance(metadata, Mapping) else None
            if isinstance(component, str) and (name := _component(component)):
                yield f"component {name}"
                break
    yield from (f"tag {tag}" for tag in entity.metadata.get("tags") or () if isinstance(tag, str))


def _component(text: str) -> str:
    """The name of a component; empty where the flag's metadata name none that could be."""
    try:
        return parse_ref(text, default_kind="component").name
    except InputError:
        return ""


def _holdouts(flag_set: Entity | None) -> tuple[str, ...]:
    """The holdouts that a flag set declares."""
    composition = flag_set.spec.get("composition") if flag_set else None
    declared = composition.get("holdouts") if isinstance(composition, Mapping) else None
    return tuple(map(str, declared)) if isinstance(declared, Mapping) else ()


def _plan(flag_set: Entity | None, key: str) -> Mapping[str, Any]:
    """What the flag's plan says; nothing where it has none. The flags room has checked it."""
    composition = flag_set.spec.get("composition") if flag_set else None
    flags = composition.get("flags") if isinstance(composition, Mapping) else None
    plan = flags.get(key) if isinstance(flags, Mapping) else None
    return plan if isinstance(plan, Mapping) else {}


def _slot(given: Any, flag_set: str) -> Slot | None:
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        return None
    start, end = given.get("from", 0), given.get("to", 100)
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return None
    return Slot(flag_set, given["name"], float(start), float(end))


def _audience(given: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Segments that are asked for and left out; a list of names asks for them."""
    if isinstance(given, list):
        return _texts(given), ()
    if isinstance(given, Mapping):
        return _texts(given.get("segments")), _texts(given.get("except"))
    return (), ()


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(each for each in given if isinstance(each, str)) if isinstance(given, list) else ()
