"""Reads every file of an import and checks every document, before anything is written."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counterpoint.catalog.locations import Source, annotations_of, find_sources, follow, unread_descriptors
from counterpoint.catalog.placeholders import resolve_placeholders
from counterpoint.catalog.reader import Document, read_file
from counterpoint.catalog.remarks import Remark
from counterpoint.errors import Problem
from counterpoint.graph.descriptor import ref_of, validate
from counterpoint.graph.ref import DEFAULT_NAMESPACE, Ref

__all__ = ["Declared", "Gathered", "gather"]

NAMED = 5
"""Files that a remark names before it only counts."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A valid entity, as it will be written, with the place it was read from."""

    ref: str
    document: dict[str, Any]
    read: Document
    source: Source


@dataclass(slots=True)
class Gathered:
    """All that the files say."""

    declared: dict[str, Declared] = field(default_factory=dict)
    """Valid entities by reference; the first that declares a reference has it."""
    files: dict[Path, set[str]] = field(default_factory=dict)
    """Files that were read, each with every reference that it names, valid or not."""
    roots: list[Path] = field(default_factory=list)
    """Files that the user named and that hold something; each becomes a location."""
    folders: set[Path] = field(default_factory=set)
    """Folders that were imported or that hold imported files."""
    targets: set[Path] = field(default_factory=set)
    """Folders that the user named."""
    refused: list[str] = field(default_factory=list)
    """The kinds of entities that are not valid."""
    remarks: list[Remark] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)

    def is_uncertain(self, path: Path) -> bool:
        """Whether a part of a file could not be read, so that nobody knows what it declares."""
        return path in self.broken


def gather(targets: Iterable[str], progress: Callable[[float, float], None] | None = None) -> Gathered:
    """Read targets and what their `Location` entities point to, each file once."""
    gathered = Gathered()
    queue: deque[Source] = deque()
    for target in targets:
        _named(target, gathered, queue)
    roots = {source.path for source in queue}
    seen: set[Path] = set()
    while queue:
        source = queue.popleft()
        if source.path in seen:
            continue
        seen.add(source.path)
        gathered.folders.add(source.root)
        held = _read(source, gathered, queue)
        if held and source.path in roots:
            gathered.roots.append(source.path)
        if progress is not None:
            progress(len(seen), len(seen) + len(queue))
    for folder in sorted(gathered.targets):
        _note_unread(folder, gathered, seen)
    return gathered


def _named(target: str, gathered: Gathered, queue: deque[Source]) -> None:
    for found in find_sources(target):
        if isinstance(found, Remark):
            gathered.remarks.append(found)
        else:
            queue.append(found)
            if Path(target).expanduser().is_dir():
                gathered.targets.add(found.root)


def _note_unread(folder: Path, gathered: Gathered, seen: set[Path]) -> None:
    unread = unread_descriptors(folder, dict.fromkeys(seen))
    if unread:
        names = ", ".join(str(path.relative_to(folder)) for path in unread[:NAMED])
        more = f" and {len(unread) - NAMED} more" if len(unread) > NAMED else ""
        message = f"also holds descriptors that no catalog-info.yaml refers to and that were not read: {names}{more}"
        gathered.remarks.append(Remark("note", Problem(message, file=str(folder))))


def _read(source: Source, gathered: Gathered, queue: deque[Source]) -> bool:
    """Take one file; whether it holds a document at all."""
    reading = read_file(source.path, name=_shown(source.path))
    if reading.problems:
        gathered.broken.add(source.path)
        gathered.refused += ["(not YAML)"] * len(reading.problems)
        gathered.remarks += [Remark("error", problem) for problem in reading.problems]
    gathered.files[source.path] = set()
    for document in reading.documents:
        for found in _take(document, source, gathered):
            if isinstance(found, Remark):
                gathered.remarks.append(found)
            else:
                queue.append(found)
    return bool(reading.documents)


def _take(document: Document, source: Source, gathered: Gathered) -> Iterable[Source | Remark]:
    """Take one document; what there is to say about it, and the files that it points to."""
    if not isinstance(document.value, dict):
        what = "a list" if isinstance(document.value, list) else "plain text"
        gathered.refused.append("(no entity)")
        yield Remark(
            "error", document.problem(f"is {what}; a descriptor has apiVersion, kind, metadata and spec")
        )
        return
    value, remarks = resolve_placeholders(document, source)
    yield from remarks
    named = _name_of(value)
    if named is not None:
        gathered.files[source.path].add(str(named))
    problems = [] if any(remark.level == "error" for remark in remarks) else validate(value)
    yield from (Remark("error", document.problem(problem.message, problem.pointer)) for problem in problems)
    if problems or any(remark.level == "error" for remark in remarks):
        kind = value.get("kind")
        gathered.refused.append(kind if isinstance(kind, str) and kind else "(no kind)")
        return
    yield from _declare(value, document, source, gathered)
    if value["kind"] == "Location":
        yield from follow(document, source)


def _declare(
    value: dict[str, Any], document: Document, source: Source, gathered: Gathered
) -> Iterable[Remark]:
    ref = str(ref_of(value))
    first = gathered.declared.get(ref)
    if first is not None:
        place = first.read.problem("").file, first.read.position("/metadata/name")[0]
        message = f"{ref} is declared twice; the one in {place[0]}:{place[1]} is kept"
        gathered.refused.append(value["kind"])
        yield Remark("error", document.problem(message, "/metadata/name"))
        return
    metadata = value["metadata"]
    annotations = {**(metadata.get("annotations") or {}), **annotations_of(source.path, source.origin)}
    managed = {**value, "metadata": {**metadata, "annotations": annotations}}
    gathered.declared[ref] = Declared(ref, managed, document, source)


def _name_of(value: dict[str, Any]) -> Ref | None:
    """The reference that a document means to declare, valid or not."""
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return None
    kind, name = value.get("kind"), metadata.get("name")
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE
    if isinstance(kind, str) and isinstance(name, str) and isinstance(namespace, str):
        return Ref(kind, namespace, name)
    return None


def _shown(path: Path) -> str:
    """A path as people write it: from the current folder where it is below that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
