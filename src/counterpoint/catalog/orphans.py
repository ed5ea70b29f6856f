"""Entities that nothing declares any more: kept and marked until somebody decides, or deleted where that is set."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from counterpoint.catalog.locations import Source, generated_name, shown_path
from counterpoint.catalog.problems import add_problems, drop_problems
from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.sources import forget, known_sources, places_of, refs_at, restamp
from counterpoint.catalog.storing import Storing
from counterpoint.errors import NotAllowedError, Problem
from counterpoint.graph import Writer
from counterpoint.graph.handover import RETIRED

__all__ = ["ORPHAN", "settle_orphans", "vanished"]

ORPHAN = "backstage.io/orphan"


def vanished(
    writer: Writer, origins: Collection[str], folders: Iterable[Path], read: Collection[str]
) -> dict[str, list[str]]:
    """By place, the entities of places that are no part any more of what was read; the places are forgotten.

    Args:
        writer: the transaction.
        origins: locations of which everything that they lead to was read.
        folders: folders of which every file was looked for.
        read: the locations that were read.
    """
    gone = [
        known.source for known in known_sources(writer, origins=origins) if known.source.location not in read
    ]
    whole = tuple(folders)
    if whole:
        lost = {
            known.source.location
            for known in known_sources(writer)
            if known.source.location == known.source.origin and _is_gone(known.source, whole, read)
        }
        gone += [
            known.source for known in known_sources(writer, origins=lost) if known.source.location not in read
        ]
    left = {source.location: refs_at(writer, source.location) for source in gone}
    for location in left:
        forget(writer, location)
    return left


def _is_gone(source: Source, folders: Collection[Path], read: Collection[str]) -> bool:
    path = source.path
    if path is None or source.location in read or not any(path.is_relative_to(folder) for folder in folders):
        return False
    try:
        return not path.exists()
    except OSError:
        return False  # nobody can tell


def settle_orphans(writer: Writer, storing: Storing, *, delete: bool) -> list[Remark]:
    """Mark or delete what is left over and was not taken by another file; a word about each."""
    remarks: list[Remark] = []
    for location, left in storing.left.items():
        places = places_of(writer, left)
        refs = list(_without_generated(writer, storing, location, left, places))
        if delete:
            remarks += _delete(writer, [ref for ref in refs if places.get(ref) == location], location)
            continue
        told = []
        for ref in refs:
            if places.get(ref) != location or ref in storing.orphans or _is_retired(writer, ref):
                continue
            if _mark(writer, ref, location):
                storing.orphans.add(ref)
                storing.report.outcomes["updated"][writer.require(ref).kind] += 1
                told.append(_remark(ref, location, storing))
        add_problems(writer, location, told)
        if told:
            restamp(writer, location)
        remarks += told
    return remarks


def _without_generated(
    writer: Writer, storing: Storing, location: str, left: Iterable[str], places: Mapping[str, str | None]
) -> Iterator[str]:
    """What is left, without the entity that a file had of its own: nobody declared it, so it goes with the file."""
    own = f"location:default/{generated_name(location)}"
    for ref in left:
        if ref != own or location in storing.names or places.get(ref) != location:
            yield ref
            continue
        try:
            writer.delete(ref, reason=f"{_file(location)} is not read any more.")
        except NotAllowedError:
            yield ref


def _delete(writer: Writer, refs: Iterable[str], location: str) -> Iterator[Remark]:
    for ref in refs:
        try:
            writer.delete(ref, reason="Nothing declares it any more.")
        except NotAllowedError as error:
            yield Remark("warning", Problem(error.message, file=_file(location)), "orphan", ref)
            continue
        drop_problems(writer, "orphan", [ref])
        message = f"{ref} is no longer declared here; it was deleted, as the setting [catalog] orphans asks"
        yield Remark("note", Problem(message, file=_file(location)), "note", ref)


def _is_retired(writer: Writer, ref: str) -> bool:
    """Whether it is a unit that was retired: it stays for its history, and no file need declare it."""
    return ref.startswith("group:") and writer.require(ref).spec.get("lifecycle") == RETIRED


def _mark(writer: Writer, ref: str, location: str) -> bool:
    entity = writer.require(ref)
    annotations = {**(entity.metadata.get("annotations") or {}), ORPHAN: "true"}
    if annotations == entity.metadata.get("annotations"):
        return False
    document = {**entity.document, "metadata": {**entity.metadata, "annotations": annotations}}
    try:
        writer.put(document, location=location, validated=True)
    except NotAllowedError:
        return False
    writer.set_status(ref, ())
    return True


def _remark(ref: str, location: str, storing: Storing) -> Remark:
    kind = ref.partition(":")[0]
    like = [new for new in storing.created.get(location, ()) if new.partition(":")[0] == kind]
    hint = (
        f". {like[0]} was added there at the same time: if it was renamed, delete the old one"
        if len(like) == 1
        else ""
    )
    message = f"{ref} is no longer declared here; it is kept and marked as an orphan{hint}"
    return Remark("warning", Problem(message, file=_file(location)), "orphan", ref)


def _file(location: str) -> str:
    kind, _, target = location.partition(":")
    return shown_path(Path(target)) if kind == "file" else target
