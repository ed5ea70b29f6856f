"""What of a reader decides which concerns they see: their units, and the chapters that they lead."""

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa

from counterpoint.bets.concerns.model import Viewer
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader

__all__ = ["members_of", "units_within", "viewer_of"]

MEMBERSHIPS = sa.table(
    "people_memberships",
    *(sa.column(name) for name in ("person", "unit", "role", "from_day", "to_day", "recorded_to")),
)
"""The roles that people hold, as the room of people keeps them; only read here."""
COMPETENCE = frozenset({"chapter", "practice"})
"""Types of units that gather a craft, where nobody has described the type otherwise."""


def viewer_of(reader: Reader, actor: Actor, today: date) -> Viewer:
    """The reader as the rules see them. Being an administrator, or the user of this machine, adds nothing."""
    if actor.kind in ("service", "system"):
        return Viewer(actor.ref)
    units = reader.units_of(actor.ref) | {actor.ref}
    if actor.kind == "person":
        units |= actor.units
    return Viewer(actor.ref, units, _led(reader, actor.ref, today))


def units_within(reader: Reader, unit: str) -> frozenset[str]:
    """A unit and all its parts."""
    seen, waiting = {unit}, [unit]
    while waiting:
        found = reader.get_many(waiting)
        waiting = [part for each in found.values() for part in each.targets("parentOf") if part not in seen]
        seen.update(waiting)
    return frozenset(seen)


def members_of(reader: Reader, unit: str) -> frozenset[str]:
    """The people of a unit and of its parts."""
    units = reader.get_many(units_within(reader, unit))
    return frozenset(person for each in units.values() for person in each.targets("hasMember"))


def _led(reader: Reader, person: str, today: date) -> frozenset[str]:
    """The units that have people of a chapter which this person leads now."""
    here, day = MEMBERSHIPS.c, today.isoformat()
    query = sa.select(here.unit, here.role).where(
        here.person == person,
        here.recorded_to.is_(None),
        sa.or_(here.from_day.is_(None), here.from_day <= f"{day}T23:59:59"),
        sa.or_(here.to_day.is_(None), here.to_day > day),
    )
    led = [row.unit for row in reader.connection.execute(query) if "lead" in row.role.split("-")]
    chapters = [unit for unit in reader.get_many(led).values() if _is_competence(reader, unit)]
    people = {person for chapter in chapters for person in chapter.targets("hasMember")}
    return frozenset(_units_of(reader, people) - {chapter.ref for chapter in chapters})


def _units_of(reader: Reader, people: Iterable[str]) -> set[str]:
    return {unit for entity in reader.get_many(people).values() for unit in entity.targets("memberOf")}


def _is_competence(reader: Reader, unit: Entity) -> bool:
    kind = str(unit.spec.get("type") or "")
    described = reader.all(kind="UnitType")
    axis = next((each.spec.get("axis") for each in described if each.name == kind), None)
    return axis == "competence" if axis else kind in COMPETENCE
