"""The map of an organisation at a date: the tree of delivery across the axis of competence."""

import msgspec

from counterpoint.people.structure import Structure, Unit
from counterpoint.people.unit_types import size_advice
from counterpoint.said import Said

__all__ = ["Column", "Organisation", "Place", "draw"]


READABLE = 3_000
"""Cells of a map that somebody may still read; deeper units are a click away."""
PLACE = 5
"""What a unit takes beside its cells, counted as cells."""


class Column(msgspec.Struct, frozen=True, rename="camel"):
    """A unit of the axis of competence."""

    ref: str
    title: str
    type: str
    people: int


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """A unit in the tree of delivery."""

    ref: str
    title: str
    type: str
    depth: int
    """0 at the top."""
    parent: str | None
    parts: int
    """Units directly in it."""
    people: int
    """Different people in it and all its parts."""
    counts: tuple[int, ...]
    """How many of them are in each column."""
    elsewhere: int
    """How many of them are in no column."""
    advice: Said | None = None


class Organisation(msgspec.Struct, frozen=True, rename="camel"):
    """Everything the map shows."""

    people: int
    """Different people in any unit."""
    elsewhere: int
    """How many of them are in no column."""
    columns: tuple[Column, ...]
    places: tuple[Place, ...]
    """Units of delivery, each followed by its parts."""
    interests: tuple[Column, ...]
    """Units on the axis of interest."""
    support: tuple[Column, ...]

    @property
    def depth(self) -> int:
        """How deep a page shows the tree at first: as far as `READABLE` allows, and one level at least."""
        rows, deepest = 0, max((place.depth for place in self.places), default=0)
        for depth in range(deepest + 1):
            rows += sum(place.depth == depth for place in self.places)
            if depth and rows * (len(self.columns) + PLACE) > READABLE:
                return max(depth - 1, 1)
        return deepest


def draw(structure: Structure) -> Organisation:
    """The map of the units of a date."""
    columns = _columns(structure, "competence")
    inside = [structure.people_within(column.ref) for column in columns]
    anywhere = frozenset().union(*inside)
    places: list[Place] = []
    for unit, depth in _tree(structure):
        people = structure.people_within(unit.ref)
        places.append(
            Place(
                unit.ref,
                unit.title,
                unit.type,
                depth,
                unit.parent,
                len(_parts(structure, unit.ref)),
                len(people),
                tuple(len(people & column) for column in inside),
                len(people - anywhere),
                size_advice(structure.types.get(unit.type.lower()), len(people)),
            )
        )
    everybody = frozenset().union(*structure.people.values())
    return Organisation(
        len(everybody),
        len(everybody - anywhere),
        tuple(columns),
        tuple(places),
        tuple(_columns(structure, "interest")),
        tuple(_columns(structure, "support")),
    )


def _columns(structure: Structure, axis: str) -> list[Column]:
    found = [unit for unit in structure.units.values() if unit.axis == axis]
    found.sort(key=lambda unit: (unit.title.casefold(), unit.ref))
    return [Column(unit.ref, unit.title, unit.type, len(structure.people_within(unit.ref))) for unit in found]


def _tree(structure: Structure) -> list[tuple[Unit, int]]:
    """Units of delivery in the order of the tree, with their depth; one under a unit of another axis stands at the top."""
    roots = [
        unit
        for unit in structure.units.values()
        if unit.axis == "delivery"
        and (unit.parent is None or structure.units[unit.parent].axis != "delivery")
    ]
    roots.sort(key=lambda unit: (unit.title.casefold(), unit.ref))
    found: list[tuple[Unit, int]] = []
    waiting = [(unit, 0) for unit in reversed(roots)]
    while waiting:
        unit, depth = waiting.pop()
        found.append((unit, depth))
        waiting += [(part, depth + 1) for part in reversed(_parts(structure, unit.ref))]
    return found


def _parts(structure: Structure, ref: str) -> list[Unit]:
    return [unit for unit in structure.children.get(ref, []) if unit.axis == "delivery"]
