"""What is known of the files and addresses that entities were read from, so that nothing is read twice."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from counterpoint.catalog.gathering import Sheet
from counterpoint.catalog.locations import Source
from counterpoint.catalog.tables import PROBLEMS, ROOTS, SOURCES
from counterpoint.graph import Actor, Reader, Ref, Writer
from counterpoint.graph.tables import decode, encode, revision

__all__ = [
    "Known",
    "actor_of",
    "actor_record",
    "add_root",
    "counts_at",
    "forget",
    "known_sources",
    "places_of",
    "refs_at",
    "remember",
    "restamp",
    "roots",
    "source_at",
    "stored_at",
]

BATCH = 500
_HERE = (revision.c.valid_to.is_(None), revision.c.location == sa.bindparam("place"))
_AT = sa.select(revision.c.ref, revision.c.etag).where(*_HERE).order_by(revision.c.ref)


@dataclass(frozen=True, slots=True)
class Known:
    """A source as it was read last."""

    source: Source
    reads: tuple[str, ...]
    content: str
    stored: str


def known_sources(reader: Reader, *, origins: Collection[str] | None = None) -> Iterator[Known]:
    """Every source that was read, or those that were reached from some locations."""
    query = sa.select(SOURCES).order_by(SOURCES.c.location)
    if origins is None:
        yield from (_known(row) for row in reader.connection.execute(query))
        return
    for batch in _batches(origins):
        rows = reader.connection.execute(query.where(SOURCES.c.origin.in_(batch)))
        yield from (_known(row) for row in rows)


def source_at(reader: Reader, location: str) -> Known | None:
    """One source; none where nothing was read from there."""
    row = reader.connection.execute(sa.select(SOURCES).where(SOURCES.c.location == location)).first()
    return None if row is None else _known(row)


def _known(row: Any) -> Known:
    source = Source(row.location, row.origin, Path(row.root) if row.root else None)
    return Known(source, tuple(decode(row.reads)), row.content, row.stored)


def remember(writer: Writer, sheet: Sheet) -> None:
    """Keep what a source was read as, once all that it declares is written."""
    source = sheet.source
    row = {
        "location": source.location,
        "origin": source.origin,
        "root": str(source.root or ""),
        "reads": encode(list(sheet.reads)),
        "content": sheet.content,
        "stored": stored_at(writer, source.location) if sheet.content else "",
        "read_at": sheet.read_at or writer.now,
    }
    connection = writer.connection
    connection.execute(sa.delete(SOURCES).where(SOURCES.c.location == source.location))
    connection.execute(sa.insert(SOURCES), row)


def restamp(writer: Writer, location: str) -> None:
    """Take what the graph holds from a place now for what its file made of it, as after marking orphans."""
    here = sa.and_(SOURCES.c.location == location, SOURCES.c.content != "")
    writer.connection.execute(sa.update(SOURCES).where(here).values(stored=stored_at(writer, location)))


def forget(writer: Writer, location: str) -> None:
    """Drop a source that is gone, with what was wrong in it."""
    connection = writer.connection
    connection.execute(sa.delete(SOURCES).where(SOURCES.c.location == location))
    connection.execute(
        sa.delete(PROBLEMS).where(PROBLEMS.c.location == location, PROBLEMS.c.code != "orphan")
    )


def stored_at(reader: Reader, location: str) -> str:
    """A hash of the entities that the graph holds from a place: another one says that somebody changed them."""
    digest = hashlib.sha256()
    for ref, etag in reader.connection.execute(_AT, {"place": location}):
        digest.update(f"{ref} {etag}\n".encode())
    return digest.hexdigest()


def refs_at(reader: Reader, location: str) -> list[str]:
    """References of the entities that the graph holds from a place."""
    return [row.ref for row in reader.connection.execute(_AT, {"place": location})]


def counts_at(reader: Reader, location: str) -> Counter[str]:
    """How many entities of each kind the graph holds from a place."""
    query = sa.select(revision.c.kind, sa.func.count()).where(*_HERE).group_by(revision.c.kind)
    return Counter(dict(reader.connection.execute(query, {"place": location}).all()))


def places_of(reader: Reader, refs: Iterable[Ref | str]) -> dict[str, str | None]:
    """Where those of the entities that exist were read from."""
    found: dict[str, str | None] = {}
    query = sa.select(revision.c.ref, revision.c.location).where(revision.c.valid_to.is_(None))
    for batch in _batches(str(ref) for ref in refs):
        found |= dict(reader.connection.execute(query.where(revision.c.ref.in_(batch))).all())
    return found


def roots(reader: Reader) -> list[tuple[str, Actor]]:
    """What was imported, with who did it, in the order in which it was first imported."""
    query = sa.select(ROOTS.c.target, ROOTS.c.actor).order_by(ROOTS.c.added_at, ROOTS.c.target)
    return [(row.target, actor_of(row.actor)) for row in reader.connection.execute(query)]


def add_root(writer: Writer, target: str) -> None:
    """Keep that a target was imported, and by whom; later readings are in the same name."""
    connection = writer.connection
    known = connection.execute(sa.select(ROOTS.c.target).where(ROOTS.c.target == target)).first()
    if known is None:
        row = {"target": target, "actor": actor_record(writer.actor), "added_at": writer.now}
        connection.execute(sa.insert(ROOTS), row)


def actor_record(actor: Actor) -> str:
    """An actor as JSON, to act in the same name later."""
    record = {"ref": actor.ref, "name": actor.name, "kind": actor.kind, "admin": actor.admin}
    return str(encode(record | {"scopes": sorted(actor.scopes), "units": sorted(actor.units)}))


def actor_of(text: str) -> Actor:
    """The actor that a record stands for."""
    record: Mapping[str, Any] = decode(text)
    scopes, units = frozenset(record["scopes"]), frozenset(record["units"])
    return Actor(record["ref"], record["name"], record["kind"], record["admin"], scopes, units)


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    wanted = list(dict.fromkeys(texts))
    for start in range(0, len(wanted), BATCH):
        yield wanted[start : start + BATCH]
