"""Registered locations: addresses that somebody asked the catalog to read, kept until they are taken back."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.catalog.addresses import has_secret, is_script, parse_location
from counterpoint.catalog.importer import import_sources, import_targets
from counterpoint.catalog.locations import ALLOWED, Source, generated_name
from counterpoint.catalog.problems import drop_problems, write_problems
from counterpoint.catalog.report import ImportReport
from counterpoint.catalog.sources import actor_of, actor_record, forget, known_sources, refs_at
from counterpoint.catalog.tables import LOCATIONS
from counterpoint.errors import ConflictError, InputError, NotFoundError
from counterpoint.graph import Actor, Graph, Reader, Writer
from counterpoint.graph.entity import Entity

__all__ = [
    "Registered",
    "Trial",
    "change",
    "find_location",
    "list_locations",
    "location_of_entity",
    "register",
    "remove_origin",
    "take_back",
    "try_out",
]

ORIGIN = "backstage.io/managed-by-origin-location"
LENGTH = 2_000


class Registered(msgspec.Struct, frozen=True, rename="camel"):
    """A registered location, as the API shows it."""

    id: str
    """A UUID."""
    type: str
    target: str
    entity_ref: str
    """The `Location` entity; it keeps its name when the target changes."""

    @property
    def location(self) -> str:
        """`type:target`."""
        return f"{self.type}:{self.target}"


@dataclass(frozen=True, slots=True)
class Trial:
    """What registering a location would bring."""

    exists: bool
    """Whether it is registered already."""
    entities: tuple[Entity, ...]
    report: ImportReport


def list_locations(reader: Reader) -> list[Registered]:
    """Every registered location, by id."""
    return [_row(row) for row in reader.connection.execute(sa.select(LOCATIONS).order_by(LOCATIONS.c.id))]


def find_location(reader: Reader, identity: str) -> Registered:
    """One registered location.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = reader.connection.execute(sa.select(LOCATIONS).where(LOCATIONS.c.id == identity)).first()
    if row is None or "\0" in identity:
        raise NotFoundError(f"Found no location with ID {identity}")
    return _row(row)


def location_of_entity(reader: Reader, ref: str) -> Registered:
    """The registered location that an entity came from.

    Raises:
        NotFoundError: there is no such entity, it says no origin, or its origin is not registered.
    """
    entity = reader.get(ref)
    if entity is None:
        raise NotFoundError(f"found no entity for ref {ref}")
    origin = (entity.metadata.get("annotations") or {}).get(ORIGIN)
    if not origin:
        raise NotFoundError(f"found no origin annotation for ref {ref}")
    kind, _, target = origin.partition(":")
    found = _by_place(reader, kind, target)
    if found is None:
        raise NotFoundError(f"Found no location with type {kind} and target {target}")
    return found


def register(
    graph: Graph, actor: Actor, *, kind: str, target: str, hosts: Collection[str], refresh: bool = False
) -> Registered:
    """Register an address, and read it before this returns. What is wrong there is a problem of the catalog.

    Args:
        graph: where it is kept.
        actor: in whose name it is read, now and later.
        kind: `url`.
        target: the address.
        hosts: what may be read.
        refresh: read it again if it is registered already, instead of refusing.

    Raises:
        InputError: only addresses can be registered.
        ConflictError: it is registered already.
    """
    _check(kind, target)
    with graph.write(actor) as writer:
        known = _by_place(writer, kind, target)
        if known is not None and not refresh:
            raise ConflictError(f"Location {kind}:{target} already exists")
        made = known or Registered(
            str(uuid.uuid4()), kind, target, f"location:default/{generated_name(f'{kind}:{target}')}"
        )
        if known is None:
            row = {"id": made.id, "type": kind, "target": target, "entity_ref": made.entity_ref}
            kept = {"actor": actor_record(actor), "added_at": writer.now}
            writer.connection.execute(sa.insert(LOCATIONS), {**row, **kept})
            writer.record("location.registered", made.entity_ref, after={"type": kind, "target": target})
    _read(graph, actor, made, hosts)
    return made


def change(
    graph: Graph, actor: Actor, identity: str, *, kind: str, target: str, hosts: Collection[str]
) -> Registered:
    """Point a registered location to another address. What the old one declared goes, unless the new one has it.

    Raises:
        InputError: only addresses can be registered.
        NotFoundError: there is none with this id.
        ConflictError: another one has this address.
    """
    _check(kind, target)
    with graph.write(actor) as writer:
        other = _by_place(writer, kind, target)
        if other is not None and other.id != identity:
            raise ConflictError(f"Location {kind}:{target} already exists")
        old = find_location(writer, identity)
        writer.connection.execute(
            sa.update(LOCATIONS).where(LOCATIONS.c.id == identity).values(type=kind, target=target)
        )
        made = Registered(identity, kind, target, old.entity_ref)
        if made.location != old.location:
            remove_origin(writer, old.location, keep=old.entity_ref)
            writer.record(
                "location.changed", old.entity_ref, before={"target": old.target}, after={"target": target}
            )
    _read(graph, actor, made, hosts)
    return made


def take_back(graph: Graph, actor: Actor, identity: str) -> None:
    """Remove a registered location, with everything that came from it.

    Raises:
        NotFoundError: there is none with this id.
        NotAllowedError: something that came from it is not the actor's to remove; nothing is removed.
    """
    with graph.write(actor) as writer:
        found = find_location(writer, identity)
        remove_origin(writer, found.location)
        writer.connection.execute(sa.delete(LOCATIONS).where(LOCATIONS.c.id == identity))
        writer.record("location.removed", found.entity_ref, before={"target": found.target})


def try_out(graph: Graph, actor: Actor, *, kind: str, target: str, hosts: Collection[str]) -> Trial:
    """Read an address and say what it would bring, whoever else declares the same; nothing is kept.

    Raises:
        InputError: only addresses can be registered, or something there is wrong.
    """
    _check(kind, target, trial=True)
    held: dict[str, Entity] = {}

    def look(writer: Writer, report: ImportReport) -> None:
        held.update(writer.get_many(report.refs))

    location = f"{kind}:{target}"
    source = Source(location, location)
    report = import_targets(
        graph, actor, (), hosts=hosts, dry_run=True, seen=look, sources=[source], seize=True
    )
    faults = report.faults or [
        remark.fault
        for remark in report.remarks
        if remark.fault is not None and remark.level == "error" and remark.code == "syntax"
    ]
    if faults:
        raise InputError(", ".join(fault.text for fault in faults[:20]))
    with graph.read() as reader:
        exists = _by_place(reader, kind, target) is not None
        name = next((row.entity_ref for row in list_locations(reader) if row.location == location), None)
    own = name or f"location:default/{generated_name(location)}"
    order = _as_processed(report, own, location)
    return Trial(exists, tuple(held[ref] for ref in order if ref in held), report)


def _as_processed(report: ImportReport, own: str, location: str) -> list[str]:
    """The entities of a dry run as Backstage takes them from its stack: the location, then always the newest."""
    order: dict[str, None] = {}
    report.leads[own] = [location]
    stack = [own]
    while stack:
        ref = stack.pop()
        if ref not in order:
            order[ref] = None
            for place in report.leads.get(ref, ()):
                stack += report.held.get(place, ())
    return list(order)


def actor_for(reader: Reader, location: str) -> Actor | None:
    """Who registered the location that something was reached by; none where it is not registered."""
    kind, _, target = location.partition(":")
    query = sa.select(LOCATIONS.c.actor).where(LOCATIONS.c.type == kind, LOCATIONS.c.target == target)
    found = reader.connection.execute(query).scalar()
    return None if found is None else actor_of(found)


def _check(kind: str, target: str, *, trial: bool = False) -> None:
    if kind != "url":
        raise InputError(ALLOWED)
    if trial:  # Backstage looks at the target only then, and registers whatever it is
        try:
            parse_location(f"{kind}:{target}")
        except InputError as error:
            raise InputError(f"TypeError: {error.message}") from error
    if is_script(target):
        raise InputError(f"Invalid location ref '{kind}:{target}', target is a javascript: URL")
    if has_secret(target):  # the target is not repeated: the message goes to logs and screens
        raise InputError("target carries a name or password; register the address without them")
    if not target.strip() or len(target) > LENGTH or "\0" in target:
        raise InputError(f"target must be an address of 1 to {LENGTH:,} characters")


def _read(graph: Graph, actor: Actor, made: Registered, hosts: Collection[str]) -> None:
    import_sources(graph, actor, [Source(made.location, made.location)], hosts=hosts)


def remove_origin(writer: Writer, location: str, *, keep: str | None = None) -> None:
    """Delete what came from a location and from where it led, but for `keep`, with what was wrong there.

    Raises:
        NotAllowedError: one of the entities is not the actor's to delete.
    """
    places = [known.source.location for known in known_sources(writer, origins=[location])]
    for place in dict.fromkeys([*places, location]):
        refs = [ref for ref in refs_at(writer, place) if ref != keep]
        for ref in refs:
            writer.delete(ref, reason="Its location was removed.")
        drop_problems(writer, "orphan", refs)
        drop_problems(writer, "circle", refs)
        forget(writer, place)
        write_problems(writer, place, ())


def _by_place(reader: Reader, kind: str, target: str) -> Registered | None:
    query = sa.select(LOCATIONS).where(LOCATIONS.c.type == kind, LOCATIONS.c.target == target)
    row = reader.connection.execute(query).first()
    return None if row is None else _row(row)


def _row(row: Any) -> Registered:
    return Registered(row.id, row.type, row.target, row.entity_ref)
