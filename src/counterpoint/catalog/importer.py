"""Brings descriptors into the graph: all files are read and checked first, then written in one transaction.

What is good is kept whatever stands beside it; everything else is named with its file and line.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counterpoint.catalog.gathering import Declared, Gathered, gather
from counterpoint.catalog.locations import generated_location, location_of
from counterpoint.catalog.ownership import check_references
from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.slips import check_slips
from counterpoint.errors import NotAllowedError, Problem
from counterpoint.graph import Actor, Entity, Graph, Writer

__all__ = ["ImportReport", "import_targets"]

ORPHAN = "backstage.io/orphan"
ORIGIN = "backstage.io/managed-by-origin-location"
FILE = "file:"

Progress = Callable[[float, float], None]


@dataclass(slots=True)
class ImportReport:
    """What became of an import: entities by outcome, and everything there is to say about the input."""

    outcomes: dict[str, Counter[str]] = field(
        default_factory=lambda: {each: Counter() for each in ("created", "updated", "unchanged", "refused")}
    )
    """Outcome to kind to number."""
    remarks: list[Remark] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    """References of the entities that the graph now holds from these files."""
    files: int = 0

    @property
    def failed(self) -> bool:
        """Whether something given was refused, or is owned by nobody who exists."""
        return any(remark.level == "error" for remark in self.remarks)

    def total(self, outcome: str) -> int:
        """How many entities had an outcome."""
        return self.outcomes[outcome].total()

    def record(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            **{outcome: kinds.total() for outcome, kinds in self.outcomes.items()},
            "kinds": {outcome: dict(sorted(kinds.items())) for outcome, kinds in self.outcomes.items()},
            "files": self.files,
            "problems": [remark.record() for remark in self.remarks],
            "entities": self.refs,
        }


def import_targets(
    graph: Graph,
    actor: Actor,
    targets: Iterable[str],
    *,
    dry_run: bool = False,
    reading: Progress | None = None,
    writing: Progress | None = None,
) -> ImportReport:
    """Import files, folders, patterns and checkouts.

    Args:
        graph: where the entities go.
        actor: in whose name they are written.
        targets: what to import.
        dry_run: do everything but keep nothing.
        reading: told how many of the known files are read.
        writing: told how many of the entities are written.

    Returns:
        The report; input that is not valid is named there and raises nothing.
    """
    gathered = gather(targets, reading)
    report = ImportReport(remarks=list(gathered.remarks), files=len(gathered.files))
    for kind in gathered.refused:
        report.outcomes["refused"][kind] += 1
    try:
        with graph.write(actor) as writer:
            _write(writer, gathered, report, writing)
            if dry_run:
                raise _UndoError
    except _UndoError:
        pass
    report.refs.sort()
    report.remarks.sort(key=_place)
    return report


class _UndoError(Exception):
    """Ends the transaction of a dry run."""


def _place(remark: Remark) -> tuple[str, int, int]:
    problem = remark.problem
    return problem.file or "", problem.line or 0, problem.column or 0


def _write(writer: Writer, gathered: Gathered, report: ImportReport, progress: Progress | None) -> None:
    written: list[Declared] = []
    stored = writer.get_many(gathered.declared)
    writer.preload(gathered.declared)
    total = len(gathered.declared)
    for done, (ref, declared) in enumerate(gathered.declared.items(), start=1):
        conflict = _conflict(stored.get(ref), declared, gathered)
        if conflict is not None:
            _refuse(report, declared, conflict)
        elif _put(writer, declared.document, location_of(declared.source.path), report, declared):
            written.append(declared)
            report.refs.append(ref)
        if progress is not None and (done % 50 == 0 or done == total):
            progress(done, total)
    for path in gathered.roots:
        document = generated_location(path)
        if _put(writer, document, location_of(path), report, None):
            report.refs.append(f"location:default/{document['metadata']['name']}")
    report.remarks += check_references(writer, written)
    report.remarks += check_slips(written)
    for orphan in _orphans(writer, gathered):
        _mark_orphan(writer, orphan, report)


def _put(
    writer: Writer, document: dict[str, Any], location: str, report: ImportReport, declared: Declared | None
) -> bool:
    try:
        put = writer.put(document, location=location)
    except NotAllowedError as error:
        if declared is not None:
            _refuse(report, declared, error.message)
        return False
    report.outcomes[put.outcome][document["kind"]] += 1
    return True


def _refuse(report: ImportReport, declared: Declared, message: str) -> None:
    report.outcomes["refused"][declared.document["kind"]] += 1
    report.remarks.append(Remark("error", declared.read.problem(message, "/metadata/name")))


def _conflict(stored: Entity | None, declared: Declared, gathered: Gathered) -> str | None:
    """Why an entity stays with the file it is managed by; none where this file may have it."""
    place = stored.location if stored is not None else None
    if stored is None or place is None or place == location_of(declared.source.path):
        return None
    if not place.startswith(FILE):
        return f"{stored.ref} is managed by {place}; that one is kept"
    other = Path(place.removeprefix(FILE))
    moved = not other.exists() or (other in gathered.files and stored.ref not in gathered.files[other])
    if moved:
        return None
    return (
        f"{stored.ref} is managed by {other} already; that one is kept. Remove it from one of the two files"
    )


def _orphans(writer: Writer, gathered: Gathered) -> list[Entity]:
    """Entities that came from what was imported and that nothing declares any more."""
    found = [
        entity
        for entity in writer.all(location=[location_of(path) for path in gathered.files])
        if entity.ref not in gathered.declared and entity.ref not in gathered.files[_file(entity)]
    ]
    known = {location_of(path) for path in gathered.files}
    places = [place for place, _count in writer.facets("location") if place not in known]
    roots = {location_of(path) for path in gathered.roots}
    candidates = [place for place in places if _below(place, gathered.folders)]
    for entity in writer.all(location=candidates) if candidates else ():
        origin = (entity.metadata.get("annotations") or {}).get(ORIGIN)
        gone = not _file(entity).exists() and _below(entity.location or "", gathered.targets)
        if entity.ref not in gathered.declared and (gone or origin in roots):
            found.append(entity)
    generated = {
        f"location:default/{generated_location(path)['metadata']['name']}" for path in gathered.roots
    }
    return [
        entity for entity in found if entity.ref not in generated and not gathered.is_uncertain(_file(entity))
    ]


def _file(entity: Entity) -> Path:
    return Path((entity.location or "").removeprefix(FILE))


def _below(place: str, folders: Iterable[Path]) -> bool:
    return place.startswith(FILE) and any(
        Path(place.removeprefix(FILE)).is_relative_to(each) for each in folders
    )


def _mark_orphan(writer: Writer, entity: Entity, report: ImportReport) -> None:
    annotations = {**(entity.metadata.get("annotations") or {}), ORPHAN: "true"}
    if annotations == entity.metadata.get("annotations"):
        return
    document = {**entity.document, "metadata": {**entity.metadata, "annotations": annotations}}
    if _put(writer, document, entity.location or "", report, None):
        message = f"{entity.ref} is no longer declared here; it is kept and marked as an orphan. Delete it if it is gone"
        report.remarks.append(Remark("warning", Problem(message, file=str(_file(entity)))))
