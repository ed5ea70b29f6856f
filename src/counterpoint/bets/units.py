"""Units as boards see them: what is below, what is above, and who may order a unit's board."""

from collections.abc import Collection, Iterable

import msgspec

from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Customs
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.summit import top_unit

__all__ = [
    "BoardUnit",
    "above",
    "below",
    "bets_in",
    "may_order",
    "practising",
    "require_order",
    "shown",
    "unit_of",
]

MOST = 10_000
"""Units below one that are looked at."""
LEVELS = 32
ONE_BY_ONE = 8
"""Units up to which the bets of each are asked for by themselves."""


class BoardUnit(msgspec.Struct, frozen=True):
    """A unit that has a board."""

    ref: str
    title: str
    type: str = ""


def unit_of(reader: Reader, ref: str) -> Entity:
    """The unit that an address names, or the one above all others where it names none.

    Raises:
        NotFoundError: there is no such unit, or none at all.
        InputError: it is no reference of a unit.
    """
    wanted = parse_ref(ref, default_kind="Group") if ref else None
    if wanted is not None and wanted.kind != "group":
        raise InputError(f"{ref!r} is no unit; a board belongs to a group, such as group:default/discovery.")
    chosen = str(wanted) if wanted else top_unit(reader) or _only(reader)
    found = reader.get(chosen) if chosen else None
    if found is None:
        if not ref:
            raise NotFoundError("There are no units yet, so there is no board; import a catalog with groups.")
        raise NotFoundError(f"There is no unit {ref}.")
    return found


def _only(reader: Reader) -> str | None:
    """The first unit by name, where no unit is part of another."""
    return next((each.ref for each in reader.find(kind="Group", limit=1).items), None)


def below(reader: Reader, unit: Entity) -> dict[str, Entity]:
    """The unit and every unit that is part of it, however deep, by reference."""
    found, level = {unit.ref: unit}, [unit]
    while level and len(found) < MOST:
        parts = {ref for each in level for ref in each.targets("parentOf")} - found.keys()
        new = reader.get_many(parts)
        found |= new
        level = list(new.values())
    return found


def bets_in(reader: Reader, units: Collection[str]) -> list[Entity]:
    """The Bet entities that the units own, by reference; with many units all bets are read at once."""
    if len(units) > ONE_BY_ONE:
        return [bet for bet in reader.all(kind="Bet") if bet.owner in units]
    found = (bet for unit in units for bet in reader.all(kind="Bet", owner=unit))
    return sorted(found, key=lambda bet: bet.ref)


def practising(graph: Graph, reader: Reader, entities: Iterable[Entity]) -> list[Entity]:
    """Those whose units have not switched bets off, in the same order."""
    customs, listed = Customs(graph), list(entities)
    does = {owner: customs.read(reader, owner).practises("bets") for owner in {each.owner for each in listed}}
    return [each for each in listed if does[each.owner]]


def above(reader: Reader, unit: Entity) -> list[BoardUnit]:
    """The units that it is part of, from the top down."""
    found: list[Entity] = []
    seen, current = {unit.ref}, unit
    for _ in range(LEVELS):
        parent = next((ref for ref in current.targets("childOf") if ref not in seen), None)
        entity = reader.get(parent) if parent else None
        if entity is None:
            break
        found.append(entity)
        seen.add(entity.ref)
        current = entity
    return [shown(each) for each in reversed(found)]


def shown(unit: Entity) -> BoardUnit:
    """The unit with its title and type."""
    return BoardUnit(unit.ref, unit.title, str(unit.spec.get("type") or ""))


def may_order(reader: Reader, unit: Entity, actor: Actor) -> Decision:
    """Whether the actor may order the board of a unit: who is in the unit itself, as those who lead a tribe are.

    Where nobody is in the unit itself, whoever is in a part of it may.
    """
    direct = _people(unit.targets("hasMember"))
    if actor.kind != "person" or actor.admin:
        return may(actor, "write", unit.ref)
    if not direct:
        return may(actor, "write", unit.ref, units=reader.units_of(actor.ref))
    if actor.ref in direct or unit.ref in actor.units:
        return Decision(allow=True, reason=f"{actor.name} belongs to {unit.title}.")
    reason = (
        f"The order of this board belongs to those in {unit.title} itself, and {actor.name} is not; ask them."
    )
    return Decision(allow=False, reason=reason)


def require_order(reader: Reader, unit: Entity, actor: Actor) -> None:
    """Make sure that the actor may order the board.

    Raises:
        NotAllowedError: they may not.
    """
    decision = may_order(reader, unit, actor)
    if not decision.allow:
        raise NotAllowedError(f"The order was not changed. {decision.reason}")


def _people(refs: Iterable[str]) -> set[str]:
    return {ref for ref in refs if ref.startswith("user:")}
