"""What pages, API and commands read of people and units, at any date."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.errors import NotFoundError
from counterpoint.graph.circles import circles_through, round_text
from counterpoint.graph.handover import RETIRED
from counterpoint.graph.named import not_found
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.tables import revision
from counterpoint.people.charter import channels_of, text_of, texts_of
from counterpoint.people.dates import When
from counterpoint.people.directory import email_of
from counterpoint.people.managers import lines, manager_of, reports_of
from counterpoint.people.memberships import DOCUMENT, effective, recorded
from counterpoint.people.model import LEFT, ManagerLine, Membership, holds, share_advice, span_words
from counterpoint.people.ownership import Owned, owned
from counterpoint.people.rollup import rollups
from counterpoint.people.structure import Structure, Unit, load_structure
from counterpoint.people.unit_types import role_labels, size_advice
from counterpoint.said import Said

__all__ = [
    "MembershipView",
    "PersonSummary",
    "PersonView",
    "UnitSummary",
    "UnitView",
    "list_people",
    "list_units",
    "names",
    "read_person",
    "read_unit",
]

MOST_NAMES = 500
"""Names that a form offers; beyond it the field is typed."""


class MembershipView(Membership, frozen=True, kw_only=True, rename="camel"):
    """A membership with the words for it; `title` is the other end's."""

    title: str = ""
    role_label: Said = ""
    words: str = ""
    """The span in words."""
    current: bool = True
    exists: bool = True


class LineView(ManagerLine, frozen=True, kw_only=True, rename="camel"):
    """A line manager, or somebody who reports; `title` is the other end's."""

    title: str = ""
    words: str = ""
    current: bool = True


class PersonSummary(msgspec.Struct, frozen=True, rename="camel"):
    """A person in a list."""

    ref: str
    title: str
    email: str
    units: tuple[str, ...]
    manager: str | None = None


class PersonView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person: facts of the organisation, and nothing that measures."""

    ref: str
    title: str
    email: str = ""
    description: str = ""
    memberships: tuple[MembershipView, ...] = ()
    """Present ones first, then those over all time, the latest first."""
    manager: LineView | None = None
    managers: tuple[LineView, ...] = ()
    """Over all time, the latest first."""
    reports: tuple[LineView, ...] = ()
    advice: tuple[Said, ...] = ()


class UnitSummary(msgspec.Struct, frozen=True, rename="camel"):
    """A unit in a list, with the sums over all its parts."""

    ref: str
    title: str
    type: str
    axis: str
    parent: str | None
    depth: int
    people: int
    units: int
    owned: int


class UnitView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A unit as it was at a date."""

    ref: str
    title: str
    type: str
    type_label: Said
    axis: str
    retired: bool
    retired_on: str | None
    description: str
    mission: str
    charter: dict[str, str]
    channels: tuple[dict[str, str], ...]
    topology: str
    email: str
    above: tuple[Unit, ...]
    """The units it is a part of, the nearest first."""
    parts: tuple[UnitSummary, ...]
    members: tuple[MembershipView, ...]
    people: int
    """Different people in it and all its parts."""
    things: tuple[Owned, ...]
    owned_with_parts: int
    advice: tuple[Said, ...]
    etag: str
    location: str | None


def list_people(
    reader: Reader, when: When, *, unit: str | None = None, structure: Structure | None = None
) -> list[PersonSummary]:
    """Everybody, or everybody in a unit and its parts, by title. `structure` is that of the date, where it is at hand.

    Raises:
        NotFoundError: there was no such unit.
    """
    structure = structure or load_structure(reader, when)
    held: dict[str, list[str]] = {}
    for each in structure.memberships:
        held.setdefault(each.person, []).append(each.unit)
    bosses = {each.person: each.manager for each in lines(reader, when=when) if holds(each, when.moment)}
    entities = {entity.ref: entity for entity in reader.all(kind="User", at=when.at)}
    wanted: Iterable[str] = [ref for ref, each in entities.items() if each.spec.get("lifecycle") != LEFT]
    if unit is not None:
        wanted = structure.people_within(_unit_of(reader, structure, unit, when).ref)
    found = [
        PersonSummary(
            ref,
            entities[ref].title if ref in entities else ref.rpartition("/")[2],
            email_of(entities[ref]) if ref in entities else "",
            tuple(dict.fromkeys(held.get(ref, ()))),
            bosses.get(ref),
        )
        for ref in wanted
    ]
    return sorted(found, key=lambda each: (each.title.casefold(), each.ref))


def list_units(reader: Reader, when: When, structure: Structure | None = None) -> list[UnitSummary]:
    """Every unit in the order of the tree, each followed by its parts."""
    structure = structure or load_structure(reader, when)
    found: list[UnitSummary] = []
    waiting = [(unit, 0) for unit in reversed(structure.children.get(None, []))]
    sums = rollups(reader, when)
    while waiting:
        unit, depth = waiting.pop()
        found.append(_summary(structure, unit, depth, sums))
        waiting += [(part, depth + 1) for part in reversed(structure.children.get(unit.ref, []))]
    return found


def read_unit(reader: Reader, ref: str, when: When, structure: Structure | None = None) -> UnitView:
    """One unit at a date.

    Raises:
        NotFoundError: there was none.
    """
    structure = structure or load_structure(reader, when)
    unit = _unit_of(reader, structure, ref, when)
    entity = reader.get(unit.ref, at=when.at) or reader.require(unit.ref)
    parts = structure.children.get(unit.ref, [])
    sums = rollups(reader, when, [unit.ref, *(part.ref for part in parts)])
    members = _members(reader, structure, unit, when)
    described = structure.types.get(unit.type.lower())
    within = structure.people_within(unit.ref)
    advice = [size_advice(described, len(within)), *map(_circle_advice, circles_through(reader, [unit.ref]))]
    return UnitView(
        ref=unit.ref,
        title=unit.title,
        type=unit.type,
        type_label=described.one if described else unit.type,
        axis=unit.axis,
        retired=unit.retired,
        retired_on=unit.retired_on,
        description=unit.description,
        mission=text_of(entity, "mission"),
        charter=texts_of(entity),
        channels=channels_of(entity),
        topology=text_of(entity, "topology"),
        email=email_of(entity),
        above=tuple(structure.above(unit.ref)),
        parts=tuple(_summary(structure, part, 1, sums) for part in parts),
        members=members,
        people=len(within),
        things=tuple(owned(reader, when, unit.ref)),
        owned_with_parts=sums[unit.ref].owned if unit.ref in sums else 0,
        advice=tuple(filter(None, advice)),
        etag=entity.etag,
        location=entity.location,
    )


def read_person(reader: Reader, ref: str, when: When) -> PersonView:
    """One person at a date.

    Raises:
        NotFoundError: there was none.
    """
    person = parse_ref(ref, default_kind="User")
    entity = reader.get(person, at=when.at) if person.kind == "user" else None
    entity = entity or (reader.get(person) if person.kind == "user" else None)
    if entity is None:
        raise not_found(reader, person, "/person")
    present = effective(reader, when, person=entity.ref)
    ids = {each.id for each in present}
    rest = [each for each in recorded(reader, person=entity.ref, when=when) if each.id not in ids]
    others = lines(reader, person=entity.ref, when=when)
    reports = reports_of(reader, entity.ref, when)
    named = [each.unit for each in (*present, *rest)] + [each.manager for each in others]
    titles = _titles(reader, [*named, *(each.person for each in reports)], when)
    retired = _retired(reader, {each.unit for each in present}, when)
    labels = role_labels(reader, when)
    boss = manager_of(reader, entity.ref, when)
    advice = share_advice(present, when.moment)
    return PersonView(
        ref=entity.ref,
        title=entity.title,
        email=email_of(entity),
        description=entity.description,
        memberships=tuple(
            _view(each, each.unit, titles, labels, when, over=each.unit in retired)
            for each in (*present, *rest)
        ),
        manager=_line(boss, boss.manager, titles, when) if boss else None,
        managers=tuple(_line(each, each.manager, titles, when) for each in others),
        reports=tuple(_line(each, each.person, titles, when) for each in reports),
        advice=(advice,) if advice else (),
    )


def names(reader: Reader, kind: str) -> list[str]:
    """What a field of a form may name, as short as it can be written, by name; of thousands the first."""
    query = (
        sa.select(revision.c.namespace, revision.c.name)
        .where(revision.c.kind == kind, revision.c.valid_to.is_(None))
        .order_by(revision.c.ref)
        .limit(MOST_NAMES)
    )
    rows = reader.connection.execute(query)
    return [row.name if row.namespace == "default" else f"{row.namespace}/{row.name}" for row in rows]


def _circle_advice(circle: tuple[str, ...]) -> str:
    return f"The parents go round in a circle: {round_text(circle)}. Give one of these units another parent, or none."


def _unit_of(reader: Reader, structure: Structure, ref: str, when: When) -> Unit:
    wanted = parse_ref(ref, default_kind="Group")
    unit = structure.units.get(str(wanted)) or structure.retired.get(str(wanted))
    if unit is None and when.at is not None and reader.exists(wanted):
        raise NotFoundError(f"There was no unit '{wanted}' at that date; it came later.")
    if unit is None:
        raise not_found(reader, wanted, "/unit")
    return unit


def _members(reader: Reader, structure: Structure, unit: Unit, when: When) -> tuple[MembershipView, ...]:
    held = structure.members(unit.ref)
    titles = _titles(reader, {each.person for each in held}, when)
    labels = role_labels(reader, when)
    found = [_view(each, each.person, titles, labels, when) for each in held]
    return tuple(sorted(found, key=lambda each: (each.role == "member", each.title.casefold(), each.person)))


def _titles(reader: Reader, refs: Iterable[str], when: When) -> dict[str, str]:
    """What people and units were called at a date; what came later, as it is called now."""
    wanted = set(refs)
    now = reader.titles(wanted)
    return now if when.at is None else now | reader.titles(wanted, at=when.at)


def _retired(reader: Reader, units: Iterable[str], when: When) -> set[str]:
    found = (reader.get(unit, at=when.at) for unit in units)
    return {each.ref for each in found if each is not None and each.spec.get("lifecycle") == RETIRED}


def _view(
    each: Membership,
    other: str,
    titles: dict[str, str],
    labels: dict[str, str],
    when: When,
    *,
    over: bool = False,
) -> MembershipView:
    words = "as its document says" if each.source == DOCUMENT else span_words(each)
    if over:
        words = f"{words}; the unit is retired"
    return MembershipView(
        **{name: getattr(each, name) for name in Membership.__struct_fields__},
        title=titles.get(other) or other.rpartition("/")[2],
        role_label=labels.get(each.role) or each.role.replace("-", " ").capitalize(),
        words=words,
        current=holds(each, when.moment) and not over,
        exists=other in titles,
    )


def _line(each: ManagerLine, other: str, titles: dict[str, str], when: When) -> LineView:
    return LineView(
        **{name: getattr(each, name) for name in ManagerLine.__struct_fields__},
        title=titles.get(other) or other.rpartition("/")[2],
        words=span_words(each),
        current=holds(each, when.moment),
    )


def _summary(structure: Structure, unit: Unit, depth: int, sums: dict[str, Any]) -> UnitSummary:
    total = sums.get(unit.ref)
    people = len(structure.people_within(unit.ref))
    return UnitSummary(
        unit.ref,
        unit.title,
        unit.type,
        unit.axis,
        unit.parent,
        depth,
        people,
        total.units if total else 1,
        total.owned if total else 0,
    )
