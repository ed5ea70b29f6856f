"""The units of a date and how they lie within each other.

Units are what the graph held at that moment. A dated membership may reach further back than the
graph: the unit it names is then shown as it was first recorded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.graph.descriptor import ref_of, relations_of, title_of
from counterpoint.graph.entity import Entity
from counterpoint.graph.handover import RETIRED, RETIRED_ON
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.tables import decode, revision
from counterpoint.people.dates import When
from counterpoint.people.memberships import effective
from counterpoint.people.model import Membership
from counterpoint.people.unit_types import Axis, UnitType, axis_of, unit_types

__all__ = ["Structure", "Unit", "load_structure"]


class Unit(msgspec.Struct, frozen=True, rename="camel"):
    """A unit as it was at a date."""

    ref: str
    namespace: str
    name: str
    title: str
    type: str
    axis: Axis
    parent: str | None
    """The unit it is a part of; none where there is none, or none that existed."""
    retired: bool = False
    retired_on: str | None = None
    description: str = ""


@dataclass(frozen=True)
class Structure:
    """All units of a date, and who is in them."""

    units: dict[str, Unit]
    """By reference; those that were retired are not among them."""
    types: dict[str, UnitType]
    memberships: tuple[Membership, ...]
    """Every membership that holds, in a unit of the structure."""
    retired: dict[str, Unit] = field(default_factory=dict)
    _within: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def children(self) -> dict[str | None, list[Unit]]:
        """The parts of each unit by title; those of None have no parent."""
        found: dict[str | None, list[Unit]] = {}
        for unit in sorted(self.units.values(), key=lambda each: (each.title.lower(), each.ref)):
            found.setdefault(unit.parent, []).append(unit)
        return found

    @cached_property
    def people(self) -> dict[str, frozenset[str]]:
        """Who is in each unit itself."""
        found: dict[str, set[str]] = {}
        for membership in self.memberships:
            found.setdefault(membership.unit, set()).add(membership.person)
        return {unit: frozenset(people) for unit, people in found.items()}

    def within(self, ref: str) -> Iterator[str]:
        """A unit and all that is a part of it, at any depth, each once."""
        waiting, seen = [ref], set()
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen.add(here)
                yield here
                waiting += [each.ref for each in self.children.get(here, ())]

    def people_within(self, ref: str) -> frozenset[str]:
        """Who is in a unit or in any part of it; each person once."""
        found = self._within.get(ref)
        if found is None:
            found = frozenset().union(*(self.people.get(unit, frozenset()) for unit in self.within(ref)))
            self._within[ref] = found
        return found

    def members(self, ref: str) -> list[Membership]:
        """The memberships in a unit itself."""
        return self._by_unit.get(ref, [])

    @cached_property
    def _by_unit(self) -> dict[str, list[Membership]]:
        found: dict[str, list[Membership]] = {}
        for membership in self.memberships:
            found.setdefault(membership.unit, []).append(membership)
        return found

    def above(self, ref: str) -> list[Unit]:
        """The units that a unit is a part of, the nearest first."""
        found: list[Unit] = []
        unit = self.units.get(ref)
        while unit is not None and unit.parent is not None:
            unit = self.units.get(unit.parent)
            if unit is None or unit in found:
                break
            found.append(unit)
        return found


def load_structure(reader: Reader, when: When) -> Structure:
    """Everything about units at a date."""
    types = unit_types(reader, when)
    found = {entity.ref: _seed(entity) for entity in reader.all(kind="Group", at=when.at)}
    held = effective(reader, when)
    if when.at is not None:
        _add_stand_ins(reader, found, {each.unit for each in held})
    gone = {ref for ref, seed in found.items() if seed.retired}
    parents = _parents(found, gone)
    inner = set(parents.values())
    units = {
        ref: _unit(ref, seed, parents.get(ref), types, in_tree=ref in parents or ref in inner)
        for ref, seed in found.items()
    }
    return Structure(
        {ref: unit for ref, unit in units.items() if ref not in gone},
        types,
        tuple(each for each in held if each.unit in units and each.unit not in gone),
        {ref: units[ref] for ref in sorted(gone)},
    )


@dataclass(frozen=True, slots=True)
class _Seed:
    """What is read of a Group."""

    document: dict[str, Any]
    above: tuple[str, ...]
    """Every unit that one of both says it is a part of."""

    @property
    def spec(self) -> dict[str, Any]:
        return self.document.get("spec") or {}

    @property
    def retired(self) -> bool:
        return self.spec.get("lifecycle") == RETIRED


def _seed(entity: Entity) -> _Seed:
    return _Seed(entity.document, entity.targets("childOf"))


def _parents(found: dict[str, _Seed], gone: set[str]) -> dict[str, str]:
    """The one parent of each unit that has one; what its own document says comes first, and no circle stays."""
    parents: dict[str, str] = {}
    for ref, seed in sorted(found.items()):
        above = [each for each in seed.above if each in found and each not in gone and each != ref]
        if not above or ref in gone:
            continue
        own = seed.spec.get("parent")
        named = (
            str(parse_ref(own, default_kind="Group", default_namespace=ref_of(seed.document).namespace))
            if own
            else ""
        )
        parent = named if named in above else min(above)
        if not _leads_to(parents, parent, ref):
            parents[ref] = parent
    return parents


def _leads_to(parents: dict[str, str], start: str, end: str) -> bool:
    here: str | None = start
    while here is not None and here != end:
        here = parents.get(here)
    return here == end


def _add_stand_ins(reader: Reader, found: dict[str, _Seed], wanted: Iterable[str]) -> None:
    """Units that memberships name before the graph knew them, and the units above them, as first recorded."""
    missing = {ref for ref in wanted if ref not in found}
    tried: set[str] = set()
    while missing - tried:
        batch = sorted(missing - tried)[:500]
        tried |= set(batch)
        rows = reader.connection.execute(
            sa.select(revision.c.ref, revision.c.document).where(
                revision.c.ref.in_(batch), revision.c.version == 1, revision.c.kind == "Group"
            )
        )
        for row in rows:
            document = decode(row.document)
            above = tuple(
                target for _, kind, target in _from(relations_of(document), row.ref) if kind == "childOf"
            )
            found[row.ref] = _Seed(document, above)
            missing |= {each for each in above if each not in found}


def _from(edges: Iterable[tuple[str, str, str]], ref: str) -> list[tuple[str, str, str]]:
    return [edge for edge in edges if edge[0] == ref]


def _unit(ref: str, seed: _Seed, parent: str | None, types: dict[str, UnitType], *, in_tree: bool) -> Unit:
    own = ref_of(seed.document)
    type_ = str(seed.spec.get("type") or "")
    metadata = seed.document["metadata"]
    return Unit(
        ref,
        own.namespace,
        own.name,
        title_of(seed.document),
        type_,
        axis_of(type_, types, in_tree=in_tree),
        parent,
        seed.retired,
        (metadata.get("annotations") or {}).get(RETIRED_ON),
        str(metadata.get("description") or ""),
    )
