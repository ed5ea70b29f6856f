"""Retiring a unit: only with a new home for each thing that it owns, all or nothing."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from counterpoint.errors import ConflictError, InputError, Problem, escape
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.handover import RETIRED, moved, retired
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer
from counterpoint.people.dates import now
from counterpoint.people.memberships import effective, end, moment_of_writing, recorded
from counterpoint.people.model import Membership, moment_of
from counterpoint.people.named import require_unit
from counterpoint.people.ownership import Owned, hand_over, owned, require_home, written

__all__ = ["Move", "Plan", "carry_out", "plan", "retire"]


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, or one part of the unit, and where it goes."""

    ref: str
    kind: str
    title: str
    to: str | None
    """The new owner, or the new parent of a part; none where a thing has no home yet, or a part no parent."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What retiring a unit means."""

    unit: str
    things: tuple[Move, ...]
    """What it owns."""
    parts: tuple[Move, ...]
    """Units that are parts of it; they go to its own parent unless another is named."""
    members: tuple[Membership, ...]
    """Who is in it; dated memberships end, and those that documents say count no more."""
    named: tuple[str, ...] = ()
    """Who is a member because a file says so; the file stays as it is, and says so until somebody changes it."""
    done: bool = False

    @property
    def homeless(self) -> tuple[Move, ...]:
        """Things without a new home; with one of them the unit cannot be retired."""
        return tuple(each for each in self.things if each.to is None)


def plan(
    reader: Reader, unit: str, homes: Mapping[str, str] | None = None, default: str | None = None
) -> Plan:
    """What retiring the unit means, changing nothing.

    Args:
        reader: the graph.
        unit: which.
        homes: the new owner of each thing, or the new parent of each part, by reference.
        default: the new owner of everything that `homes` does not name.

    Raises:
        NotFoundError: there is no such unit, or no such new owner.
        ConflictError: it is retired already.
        InputError: `homes` names what the unit has nothing to do with, or a new owner cannot be one.
    """
    entity = reader.require(require_unit(reader, unit))
    if entity.spec.get("lifecycle") == RETIRED:
        raise ConflictError(f"{entity.ref} is retired already.")
    present = now()
    wanted = {str(parse_ref(ref)): home for ref, home in (homes or {}).items()}
    things, parts = owned(reader, present, entity.ref), _parts(reader, entity)
    _refuse_strangers(entity.ref, wanted, {each.ref for each in things} | {each.ref for each in parts})
    members = tuple(effective(reader, present, units=[entity.ref]))
    return Plan(
        unit=entity.ref,
        things=tuple(_thing(reader, entity.ref, each, wanted, default) for each in things),
        parts=tuple(_part(reader, entity, each, wanted) for each in parts),
        members=members,
        named=tuple(each.person for each in members if each.id is None and _in_file(reader, each, entity)),
    )


def retire(
    graph: Graph,
    unit: str,
    *,
    actor: Actor,
    homes: Mapping[str, str] | None = None,
    default: str | None = None,
    reason: str | None = None,
    at: datetime | None = None,
) -> Plan:
    """Retire a unit: hand over what it owns, move its parts, end its memberships, in one transaction.

    With `at` it counts as done at that past moment (see `Graph.write`).

    Raises:
        ConflictError: something it owns has no new home, or it is retired already.
        NotFoundError, InputError: as for `plan`.
        NotAllowedError: the actor may not change the unit or one of the things.
    """
    with graph.write(actor, at=at) as writer:
        decided = plan(writer, unit, homes, default)
        if decided.homeless:
            raise ConflictError(
                f"{decided.unit} owns {_things(len(decided.homeless))} without a new home; name one for each, or one for all.",
                [
                    Problem(f"{each.ref} has no new home.", f"/homes/{escape(each.ref)}")
                    for each in decided.homeless
                ],
            )
        carry_out(writer, decided, reason)
        return msgspec.structs.replace(decided, done=True)


def carry_out(writer: Writer, decided: Plan, reason: str | None) -> None:
    """Do what a plan says in which everything has a home.

    Raises:
        NotAllowedError: the actor may not change the unit or one of the things.
    """
    writer.require_write(decided.unit)
    why = reason or f"{decided.unit} is retired."
    for home in sorted({each.to for each in decided.things if each.to}):
        hand_over(writer, [each.ref for each in decided.things if each.to == home], home, reason=why)
    for part in decided.parts:
        _move(writer, part, decided.unit, why)
    moment = moment_of_writing(writer)
    entity = writer.require(decided.unit)
    writer.put(retired(entity.document, moment.date().isoformat()), reason=reason)
    _leave_documents(writer, decided, why)
    for membership in recorded(writer, unit=decided.unit):  # last: they may be what allows the rest
        if membership.end is None or moment_of(membership.end) > moment:
            end(writer, str(membership.id), moment, reason=why, asked=True)
    writer.record(
        "unit.retired",
        decided.unit,
        after={"homes": {each.ref: each.to for each in decided.things}},
        reason=reason,
    )


def _in_file(reader: Reader, membership: Membership, unit: Entity) -> bool:
    person = reader.get(membership.person)
    if person is None or unit.ref not in _named_in(person):
        return True  # it is the unit's own document that says so
    return person.location is not None


def _move(writer: Writer, part: Move, unit: str, reason: str) -> None:
    entity = writer.require(part.ref)
    home = None if part.to is None else written(parse_ref(part.to), entity.namespace)
    document = moved(entity.document, unit, home)
    if entity.location is None:
        document = {**entity.document, "spec": document["spec"]}
    if part.to is not None and part.to not in writer.require(unit).targets("childOf"):
        writer.require_write(part.to)  # its people gain the rights of a unit that they were not in
    writer.put(document, reason=reason, asked=True)


def _leave_documents(writer: Writer, decided: Plan, reason: str) -> None:
    """Take the unit out of the documents of people that no file declares; a file keeps what it says."""
    unit = parse_ref(decided.unit)
    for membership in decided.members:
        entity = writer.get(membership.person)
        if membership.id is not None or entity is None or entity.location is not None:
            continue
        named = [text for text in entity.spec.get("memberOf") or () if _unit_of(text, entity) != unit]
        document = {**entity.document, "spec": {**entity.spec, "memberOf": named}}
        writer.put(document, reason=reason, asked=True)


def _named_in(person: Entity) -> set[str]:
    return {str(_unit_of(text, person)) for text in person.spec.get("memberOf") or ()}


def _unit_of(text: str, entity: Entity) -> Ref:
    return parse_ref(text, default_kind="Group", default_namespace=entity.namespace)


def _things(number: int) -> str:
    return "1 thing" if number == 1 else f"{number} things"


def _parts(reader: Reader, entity: Entity) -> list[Entity]:
    found = reader.get_many(entity.targets("parentOf"))
    return [found[ref] for ref in sorted(found) if found[ref].spec.get("lifecycle") != RETIRED]


def _thing(reader: Reader, unit: str, thing: Owned, homes: Mapping[str, str], default: str | None) -> Move:
    home = homes.get(thing.ref, default)
    to = None if home is None else str(require_home(reader, home, f"/homes/{escape(thing.ref)}"))
    if to == unit:
        message = f"{thing.ref} cannot stay with {unit}, which is retired."
        raise InputError(message, [Problem(message, f"/homes/{escape(thing.ref)}")])
    return Move(ref=thing.ref, kind=thing.kind, title=thing.title, to=to)


def _part(reader: Reader, unit: Entity, part: Entity, homes: Mapping[str, str]) -> Move:
    named = homes.get(part.ref)
    if named is None:
        above = [ref for ref in unit.targets("childOf") if reader.exists(ref)]
        return Move(ref=part.ref, kind=part.kind, title=part.title, to=above[0] if above else None)
    to = require_unit(reader, named)
    if to in {unit.ref, part.ref}:
        message = f"{part.ref} cannot become a part of {to}."
        raise InputError(message, [Problem(message, f"/homes/{escape(part.ref)}")])
    return Move(ref=part.ref, kind=part.kind, title=part.title, to=to)


def _refuse_strangers(unit: str, homes: Mapping[str, str], known: set[str]) -> None:
    strangers = sorted(homes.keys() - known)
    if strangers:
        raise InputError(
            "A new home is named for what is not there.",
            [
                Problem(f"{ref} is neither owned by {unit} nor a part of it.", f"/homes/{escape(ref)}")
                for ref in strangers
            ],
        )
