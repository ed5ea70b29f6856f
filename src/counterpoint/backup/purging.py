"""Forgetting people in backups that exist: the archive is unpacked, purged, and replaced by one rename."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from counterpoint.backup.archive import open_archive, pack
from counterpoint.backup.making import scratch_folder
from counterpoint.backup.manifest import JournalPart, Manifest
from counterpoint.errors import ConflictError, CounterpointError, Said
from counterpoint.graph.actor import local_actor
from counterpoint.journal import Journal
from counterpoint.journal.backups import known_backups, purged
from counterpoint.journal.copying import copy_intake, held_files
from counterpoint.journal.forgotten import forgotten_hashes
from counterpoint.journal.residue import search
from counterpoint.journal.sought import Hashed, Named, digest
from counterpoint.workspace import JOURNAL

__all__ = ["Purged", "purge_backups"]


class Purged(msgspec.Struct, frozen=True):
    """What became of one backup."""

    id: str
    path: str
    events: int = 0
    """Events that were removed from it."""
    outstanding: Said = ""
    """Why it may still hold the people; nothing where it does not."""


def purge_backups(journal: Path, people: Sequence[Named], *, erasures: int) -> list[Purged]:
    """Remove people from every known backup that was made before an erasure and can be reached.

    With them go all whom the workspace has forgotten and the backup has not, so that it holds none of them.
    """
    done = []
    for backup in known_backups(journal, before=erasures):
        try:
            events = _purge(Path(backup.path), backup.id, journal, people)
        except CounterpointError as error:
            done.append(Purged(backup.id, backup.path, outstanding=error.message))
            continue
        purged(journal, backup.id, erasures=erasures)
        done.append(Purged(backup.id, backup.path, events))
    return done


def _purge(path: Path, id: str, journal: Path, people: Sequence[Named]) -> int:  # noqa: A002
    with held_files(journal), scratch_folder(journal) as home, open_archive(path) as archive:
        if archive.manifest.id != id:
            raise ConflictError(f"{path} is another backup now; where this one went, nobody has said.")
        archive.unpack(home)
        sought: list[Named | Hashed] = [*people, *_missed(journal, home / JOURNAL, people)]
        return _replace(path, archive.manifest, home, home / JOURNAL, sought)


def _missed(journal: Path, inner: Path, people: Sequence[Named]) -> list[Hashed]:
    """Whom else the workspace has forgotten and the backup has not: it could not be reached then, say."""
    known = set(forgotten_hashes(inner))
    return [
        each
        for each in forgotten_hashes(journal)
        if each not in known and all(digest(each.key, person.text) != each.hash for person in people)
    ]


def _replace(
    path: Path, manifest: Manifest, home: Path, inner: Path, people: Sequence[Named | Hashed]
) -> int:
    with Journal(inner) as opened:
        gone = opened.forget(people, actor=local_actor().ref)
    found = search(inner, [person.text for person in people if isinstance(person, Named)])
    if any(trace.values or trace.residue for trace in found.traces):
        raise ConflictError(f"{path} could not be purged; it is as it was.")
    numbers, segments = copy_intake(inner, home / "intake.db")
    kept = [part.name for part in manifest.files if not part.name.startswith(f"{JOURNAL}/")]
    files = [(name, home / name) for name in kept]
    files.append((f"{JOURNAL}/intake.db", home / "intake.db"))
    files += [(f"{JOURNAL}/{segment.path}", inner / segment.path) for segment in segments]
    # Its erasures are counted as before: the number that it gave this one may be another one's in the workspace.
    part = msgspec.structs.replace(JournalPart(*numbers), erasures=manifest.journal.erasures)
    changed = msgspec.structs.replace(manifest, journal=part)
    pack(path, files, changed, force=True)
    return gone.events
