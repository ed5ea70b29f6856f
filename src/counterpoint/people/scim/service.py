"""Provisioning: what SCIM asks for, done in the graph. Each call is one transaction."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from counterpoint.errors import NotAllowedError
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.handover import RETIRED, unretired
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.tables import revision
from counterpoint.graph.writer import Writer
from counterpoint.people.dates import When, now
from counterpoint.people.directory import numbered
from counterpoint.people.managers import end_manager, lines, manager_of, set_manager
from counterpoint.people.memberships import DOCUMENT, effective, end, join, moment_of_writing, recorded
from counterpoint.people.model import LEFT, ManagerLine, Membership, holds, moment_of
from counterpoint.people.retirement import carry_out, plan
from counterpoint.people.scim import resources
from counterpoint.people.scim.errors import ScimError
from counterpoint.people.scim.filters import demanded, parse_filter
from counterpoint.people.scim.patch import apply

__all__ = ["Kind", "Provisioning", "provisioner"]

Kind = Literal["User", "Group"]
SOURCE = "scim"
FEW = 500
"""References in one statement; beyond it everybody is read."""
ACTED = "The identity provider says so."
WRITTEN = ("username", "externalid", "displayname", "emails.value", "emails")
"""Attributes whose value stands as it is in the document of whoever has it."""


def provisioner(actor: Actor) -> Actor:
    """Who writes for an identity provider: a token with the scope may change every person and unit, by this door only.

    Raises:
        NotAllowedError: a person who is no administrator, or a token without the scope.
    """
    if actor.admin or actor.kind in {"local", "system"}:
        return actor
    if actor.kind == "service" and "scim" in actor.scopes:
        return replace(actor, scopes=actor.scopes | {"read", "write"})
    raise NotAllowedError("SCIM is for identity providers; send a token with the scope 'scim'.")


@dataclass(frozen=True, slots=True)
class Provisioning:
    """SCIM's view of a graph."""

    graph: Graph
    actor: Actor
    base: str
    """The address of `/scim/v2` as the client reaches it."""

    def find(
        self, kind: Kind, filter_: str | None, start: int, count: int
    ) -> tuple[list[dict[str, Any]], int]:
        """A part of the resources that a filter lets through, and how many there are in all."""
        passes = parse_filter(filter_) if filter_ else None
        with self.graph.read() as reader:
            wanted = demanded(filter_) if filter_ else {}
            text = next((str(wanted[key]) for key in WRITTEN if isinstance(wanted.get(key), str)), "")
            found = [entity for entity in _holding(reader, kind, text) if _visible(entity)]
            if passes is None:
                part = found[start - 1 : start - 1 + count]
                view = _View(reader, self.base, part)
                return [view.resource(each) for each in part], len(found)
            view = _View(reader, self.base, found)
            every = [each for each in (view.resource(entity) for entity in found) if passes(each)]
        return every[start - 1 : start - 1 + count], len(every)

    def read(self, kind: Kind, uid: str) -> dict[str, Any]:
        """One resource.

        Raises:
            ScimError: there is none.
        """
        with self.graph.read() as reader:
            return _resource(reader, self.base, _require(reader, kind, uid))

    def create(self, kind: Kind, body: Any) -> dict[str, Any]:
        """A new person or unit.

        Raises:
            ScimError: it is not valid, or there is one of that name.
        """
        wanted = resources.checked(body, _required(kind))
        with self.graph.write(self.actor) as writer:
            old = _same(writer, kind, wanted)
            if old is not None and _visible(old):
                raise ScimError(
                    409, "uniqueness", f"{wanted[_required(kind)]!r} exists already, with the id {old.uid}."
                )
            name = _free_name(writer, kind, resources.entity_name(wanted)) if old is None else old.name
            return self._write(writer, kind, old, name, wanted, {})

    def replace(self, kind: Kind, uid: str, body: Any, matches: Callable[[str], bool]) -> dict[str, Any]:
        """The resource with all its attributes given anew."""
        wanted = resources.checked(body, _required(kind))
        with self.graph.write(self.actor) as writer:
            old = _require(writer, kind, uid)
            before = _matching(writer, self.base, old, matches)
            return self._write(writer, kind, old, old.name, wanted, before)

    def patch(
        self, kind: Kind, uid: str, operations: list[Mapping[str, Any]], matches: Callable[[str], bool]
    ) -> dict[str, Any]:
        """The resource after some operations."""
        with self.graph.write(self.actor) as writer:
            old = _require(writer, kind, uid)
            before = _matching(writer, self.base, old, matches)
            wanted = resources.checked(apply(before, operations), _required(kind))
            return self._write(writer, kind, old, old.name, wanted, before)

    def delete(self, kind: Kind, uid: str, matches: Callable[[str], bool]) -> None:
        """Take a person or unit away: memberships end, the entity and its history stay.

        Raises:
            ScimError: there is none, or the unit still owns something.
        """
        with self.graph.write(self.actor) as writer:
            old = _require(writer, kind, uid)
            _matching(writer, self.base, old, matches)
            if kind == "Group":
                self._dissolve(writer, old)
            else:
                _leave(writer, old)
                document = {
                    **old.document,
                    "spec": {**writer.require(old.ref).spec, "lifecycle": LEFT},
                }
                writer.put(resources.marked_deleted(document), reason=ACTED)

    def _dissolve(self, writer: Writer, old: Entity) -> None:
        decided = plan(writer, old.ref)
        if decided.homeless:
            named = ", ".join(each.ref for each in decided.homeless[:3])
            raise ScimError(
                409,
                "mutability",
                f"{old.title} owns {len(decided.homeless)} things ({named}...); give each a new home first: counterpoint units retire {parse_ref(old.ref).short} --to UNIT",
            )
        carry_out(writer, decided, ACTED)
        writer.put(resources.marked_deleted(writer.require(old.ref).document), reason=ACTED)

    def _write(
        self,
        writer: Writer,
        kind: Kind,
        old: Entity | None,
        name: str,
        wanted: dict[str, Any],
        before: Mapping[str, Any],
    ) -> dict[str, Any]:
        if old is not None:
            _refuse_taken(writer, kind, old, wanted)
        if kind == "User":
            entity = writer.put(resources.user_document(wanted, old, name)).entity
            if wanted.get("active", True):
                _set_manager(writer, entity, wanted, before)
            else:
                _leave(writer, entity)
        else:
            document = resources.group_document(wanted, old, name)
            if old is not None and resources.is_deleted(old):
                document = unretired(document)
            entity = writer.put(document).entity
            if "members" in wanted or before:
                _set_members(writer, entity, resources.members_of(wanted))
        return _resource(writer, self.base, writer.require(entity.ref))


class _View:
    """Entities as resources. Memberships, managers and ids are read once for all entities that are asked for."""

    def __init__(self, reader: Reader, base: str, entities: Iterable[Entity]) -> None:
        self.base = base
        asked = [entity.ref for entity in entities]
        when = When(moment_of_writing(reader)) if isinstance(reader, Writer) else now()
        self._units: dict[str, list[str]] = {}
        self._people: dict[str, list[str]] = {}
        for each in _memberships_of(reader, when, asked):
            self._units.setdefault(each.person, []).append(each.unit)
            self._people.setdefault(each.unit, []).append(each.person)
        one = asked[0] if len(asked) == 1 else None
        self._managers = {
            line.person: line.manager for line in lines(reader, person=one) if holds(line, when.moment)
        }
        self._ids = _ids_of(reader, {*self._units, *self._people, *self._managers.values()})

    def resource(self, entity: Entity) -> dict[str, Any]:
        if entity.kind == "Group":
            people = self._named(self._people.get(entity.ref, ()))
            return resources.group_resource(entity, self.base, people)
        boss = self._ids.get(self._managers.get(entity.ref, ""))
        units = self._named(self._units.get(entity.ref, ()))
        return resources.user_resource(entity, self.base, units, boss)

    def _named(self, refs: Iterable[str]) -> list[tuple[str, str]]:
        return [self._ids[ref] for ref in dict.fromkeys(refs) if ref in self._ids]


def _resource(reader: Reader, base: str, entity: Entity) -> dict[str, Any]:
    return _View(reader, base, [entity]).resource(entity)


def _memberships_of(reader: Reader, when: When, refs: list[str]) -> list[Membership]:
    if len(refs) != 1:
        return effective(reader, when) if refs else []
    if refs[0].startswith("group:"):
        return effective(reader, when, units=refs)
    return effective(reader, when, person=refs[0])


def _ids_of(reader: Reader, refs: set[str]) -> dict[str, tuple[str, str]]:
    """The SCIM id and the title of each entity that exists."""
    query = sa.select(revision.c.ref, revision.c.uid, revision.c.title).where(
        revision.c.valid_to.is_(None), revision.c.kind.in_(["User", "Group"])
    )
    if len(refs) <= FEW:
        query = query.where(revision.c.ref.in_(refs))
    return {row.ref: (row.uid, row.title) for row in reader.connection.execute(query) if row.ref in refs}


def _required(kind: Kind) -> str:
    return "userName" if kind == "User" else "displayName"


def _visible(entity: Entity) -> bool:
    gone = entity.kind == "Group" and entity.spec.get("lifecycle") == RETIRED
    return not gone and not resources.is_deleted(entity)


def _require(reader: Reader, kind: Kind, uid: str) -> Entity:
    entity = reader.by_uid(uid) if len(uid) <= 100 and "\x00" not in uid else None
    if entity is None or entity.kind != kind or not _visible(entity):
        raise ScimError(404, "", f"There is no {kind} with the id {uid[:100]!r}.")
    return entity


def _matching(reader: Reader, base: str, entity: Entity, matches: Callable[[str], bool]) -> dict[str, Any]:
    """The resource as it is, where the client has seen it so."""
    found = _resource(reader, base, entity)
    if not matches(found["meta"]["version"]):
        raise ScimError(412, "", "It has changed since it was read; read it again and repeat the change.")
    return found


def _holding(reader: Reader, kind: Kind, text: str) -> list[Entity]:
    """Everybody, or those whose document holds a text, whatever its case: few of thousands are then looked at."""
    if not text or not text.isascii():  # databases know the case of ASCII alone
        return reader.all(kind=kind)
    needle = msgspec.json.encode(text)[1:-1].decode().lower()
    here = sa.and_(revision.c.kind == kind, revision.c.valid_to.is_(None))
    rows = sa.select(revision.c.ref).where(
        here, sa.func.lower(revision.c.document).contains(needle, autoescape=True)
    )
    found = reader.get_many(reader.connection.execute(rows).scalars())
    return [found[ref] for ref in sorted(found)]


def _free_name(reader: Reader, kind: Kind, wanted: str) -> str:
    """A name that nobody has yet, as near to the wanted one as can be."""
    return next(name for name in numbered(wanted) if not reader.exists(f"{kind}:default/{name}"))


def _same(reader: Reader, kind: Kind, wanted: Mapping[str, Any]) -> Entity | None:
    """Who has the user name, or the unit's display name, already; taken away ones too, which then come back.

    A unit that its own people have retired stays so: what the provider brings is then another one.
    """
    text = str(wanted[_required(kind)]).casefold()
    found = [
        each
        for each in _holding(reader, kind, str(wanted[_required(kind)]))
        if _called(kind, each) == text and (_visible(each) or resources.is_deleted(each))
    ]
    return min(found, key=lambda each: (not _visible(each), each.ref)) if found else None


def _called(kind: Kind, entity: Entity) -> str:
    if kind == "Group":
        return entity.title.casefold()
    return str(resources.user_resource(entity, "", ())["userName"]).casefold()


def _refuse_taken(writer: Writer, kind: Kind, old: Entity, wanted: Mapping[str, Any]) -> None:
    if str(wanted[_required(kind)]).casefold() == _called(kind, old):
        return
    same = _same(writer, kind, wanted)
    if same is not None and same.ref != old.ref and _visible(same):
        raise ScimError(409, "uniqueness", f"{wanted[_required(kind)]!r} is {same.uid} already.")


def _leave(writer: Writer, entity: Entity) -> None:
    """End everything that a person is in, and whom they report to."""
    moment = moment_of_writing(writer)
    for each in recorded(writer, person=entity.ref):
        if each.end is None or moment_of(each.end) > moment:
            end(writer, str(each.id), moment, reason=ACTED)
    if manager_of(writer, entity.ref, When(moment)) is not None:
        end_manager(writer, entity.ref, moment, reason=ACTED)
    current = writer.require(entity.ref)
    if current.location is None and current.spec.get("memberOf"):
        writer.put({**current.document, "spec": {**current.spec, "memberOf": []}}, reason=ACTED)


def _set_manager(
    writer: Writer, entity: Entity, wanted: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    value = resources.manager_value(wanted)
    moment = moment_of_writing(writer)
    present = manager_of(writer, entity.ref, When(moment))
    if value is None:
        if present is not None and resources.manager_value(before):
            end_manager(writer, entity.ref, moment, reason=ACTED)
        return
    boss = _require(writer, "User", value)
    if present is None or present.manager != boss.ref:
        line = ManagerLine(person=entity.ref, manager=boss.ref, start=moment, source=SOURCE)
        set_manager(writer, line, reason=ACTED)


def _set_members(writer: Writer, unit: Entity, ids: list[str]) -> None:
    """Let these be the members of a unit, and nobody else."""
    moment = moment_of_writing(writer)
    held = effective(writer, When(moment), units=[unit.ref])
    known = {uid: ref for ref, (uid, _) in _ids_of(writer, {each.person for each in held}).items()}
    wanted = {known.get(uid) or _member(writer, uid).ref for uid in ids}
    for person in sorted(wanted - {each.person for each in held}):
        join(writer, Membership(person=person, unit=unit.ref, start=moment, source=SOURCE), reason=ACTED)
    for each in held:
        if each.person not in wanted:
            _remove_member(writer, each, unit)


def _member(writer: Writer, uid: str) -> Entity:
    try:
        return _require(writer, "User", uid)
    except ScimError:
        raise ScimError(
            400, "invalidValue", f"{uid[:100]!r} is the id of no User; members are people."
        ) from None


def _remove_member(writer: Writer, each: Membership, unit: Entity) -> None:
    if each.id is not None:
        end(writer, each.id, moment_of_writing(writer), reason=ACTED)
        each = Membership(person=each.person, unit=each.unit, source=DOCUMENT)
    for ref, field, other in ((each.person, "memberOf", unit.ref), (unit.ref, "members", each.person)):
        entity = writer.get(ref)
        named = [] if entity is None else entity.spec.get(field) or []
        kept = [text for text in named if not _means(text, field, entity, other)]
        if entity is None or len(kept) == len(named):
            continue
        if entity.location is not None:
            place = entity.location.removeprefix("file:")
            raise ScimError(
                400, "mutability", f"{place} says that {each.person} is in {unit.ref}; change it there."
            )
        writer.put({**entity.document, "spec": {**entity.spec, field: kept}}, reason=ACTED)


def _means(text: str, field: str, entity: Entity | None, other: str) -> bool:
    kind = "Group" if field == "memberOf" else "User"
    namespace = entity.namespace if entity is not None else "default"
    return str(parse_ref(text, default_kind=kind, default_namespace=namespace)) == other
