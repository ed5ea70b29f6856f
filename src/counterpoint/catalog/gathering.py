"""Reads one file or address and checks every document in it, before anything is written."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from counterpoint import __version__
from counterpoint.catalog.fetching import Fetcher
from counterpoint.catalog.locations import Source, annotations_of, follow
from counterpoint.catalog.placeholders import resolve_placeholders
from counterpoint.catalog.remarks import Remark
from counterpoint.errors import Problem
from counterpoint.graph.descriptor import ref_of, validate
from counterpoint.graph.ref import DEFAULT_NAMESPACE, Ref
from counterpoint.yaml12.reader import Document, UnreadError, read_bytes, read_data

__all__ = ["Declared", "Gathering", "Sheet"]

TOLD = 1_000
"""Problems of one file that are told one by one; there are more only where nobody reads them."""

REF_LENGTH = 400
"""Characters of a reference that a valid entity can have, and more."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A valid entity, as it will be written, with the place it was read from."""

    ref: str
    document: dict[str, Any]
    read: Document
    source: Source


@dataclass(slots=True)
class Sheet:
    """All that one file or address says."""

    source: Source
    content: str = ""
    """Hash of its bytes; empty where it must be read again in any case, since it leads to other files."""
    declared: dict[str, Declared] = field(default_factory=dict)
    """Valid entities by reference; the first that declares one has it."""
    named: dict[str, list[Problem]] = field(default_factory=dict)
    """Every reference that it names, valid or not, with what is wrong with it."""
    refused: list[str] = field(default_factory=list)
    """The kinds of entities that are not valid."""
    remarks: list[Remark] = field(default_factory=list)
    leads: list[Source] = field(default_factory=list)
    """Where its `Location` entities point to."""
    reads: dict[str, None] = field(default_factory=dict)
    """Locations of what its placeholders take in."""
    broken: Problem | None = None
    """Why a part of it could not be read, so that nobody knows all that it declares."""
    missing: bool = False
    """Whether there is no such file."""
    holds: bool = False
    """Whether it holds a document at all."""
    read_at: int = 0
    """When reading it began, in microseconds: what is saved later is not in it."""

    @property
    def uncertain(self) -> bool:
        """Whether something that it declares, or leads to, may be unknown."""
        return self.broken is not None or any(
            problems and ref.startswith("location:") for ref, problems in self.named.items()
        )


class Gathering:
    """Reads sources, each when asked."""

    def __init__(self, fetcher: Fetcher, *, unknown_kinds: bool = False) -> None:
        self.fetcher = fetcher
        self.unknown_kinds = unknown_kinds

    def bytes_of(self, source: Source) -> bytes:
        """The bytes of a file or address.

        Raises:
            UnreadError: they cannot be had.
        """
        path = source.path
        return self.fetcher.read(source.target) if path is None else read_bytes(path)

    def content_of(self, data: bytes) -> str:
        """The hash of what was read, and of what decides how it is read."""
        how = f"{__version__} {self.unknown_kinds}\n".encode()
        return hashlib.sha256(how + data).hexdigest()

    def unread(self, source: Source, error: UnreadError) -> Sheet:
        """What is known of a source that could not be read."""
        problem = Problem(str(error), file=source.shown)
        if error.missing and source.optional:
            return Sheet(source, missing=True)
        return Sheet(
            source,
            refused=["(not read)"],
            remarks=[Remark("error", problem, "unread")],
            broken=problem,
            missing=error.missing,
        )

    def sheet(self, source: Source, data: bytes) -> Sheet:
        """Take what a source holds."""
        sheet = Sheet(source, content=self.content_of(data))
        reading = read_data(data, name=source.shown)
        if reading.problems:
            sheet.broken = reading.problems[0]
            sheet.refused += ["(not YAML)"] * len(reading.problems)
            sheet.remarks += [Remark("error", problem, "syntax") for problem in reading.problems]
        for document in reading.documents:
            for found in self._take(document, sheet):
                sheet.remarks.append(found)
        sheet.holds = bool(reading.documents)
        if sheet.leads or sheet.reads:
            sheet.content = ""
        _shorten(sheet)
        return sheet

    def _take(self, document: Document, sheet: Sheet) -> Iterator[Remark]:
        """Take one document; what there is to say about it."""
        if not isinstance(document.value, dict):
            what = "a list" if isinstance(document.value, list) else "plain text"
            sheet.refused.append("(no entity)")
            problem = document.problem(f"is {what}; a descriptor has apiVersion, kind, metadata and spec")
            yield Remark("error", problem, "syntax")
            return
        value, remarks = resolve_placeholders(document, sheet.source, self.fetcher, sheet.reads.setdefault)
        problems = [remark.problem for remark in remarks if remark.level == "error"]
        if not problems:
            found = validate(value, unknown_kinds=self.unknown_kinds)
            problems = [document.problem(problem.message, problem.pointer) for problem in found]
            remarks += [Remark("error", problem, "invalid") for problem in problems]
        ref = _name_of(value)
        yield from (Remark(each.level, each.problem, each.code, ref) for each in remarks)
        if problems:
            kind = value.get("kind")
            sheet.refused.append(kind if isinstance(kind, str) and kind else "(no kind)")
            if ref is not None and ref not in sheet.named:
                sheet.named[ref] = problems
            return
        yield from self._declare(value, document, sheet)
        if value["kind"] == "Location":
            yield from _lead(follow(document, sheet.source, self.fetcher.hosts), sheet)

    def _declare(self, value: dict[str, Any], document: Document, sheet: Sheet) -> Iterable[Remark]:
        ref = str(ref_of(value))
        first = sheet.declared.get(ref)
        if first is not None:
            line = first.read.position("/metadata/name")[0]
            message = f"{ref} is declared twice; the one in {sheet.source.shown}:{line} is kept"
            sheet.refused.append(value["kind"])
            yield Remark("error", document.problem(message, "/metadata/name"), "conflict", ref)
            return
        metadata = value["metadata"]
        places = annotations_of(sheet.source.location, sheet.source.origin)
        own = metadata.get("annotations") or {}
        managed = {**places, **own, **{key: places[key] for key in list(places)[:2]}}
        sheet.named[ref] = []
        whole = {**value, "metadata": {**metadata, "annotations": managed}}
        sheet.declared[ref] = Declared(ref, whole, document, sheet.source)


def _lead(found: Iterable[Source | Remark], sheet: Sheet) -> Iterator[Remark]:
    for each in found:
        if isinstance(each, Source):
            sheet.leads.append(each)
        else:
            yield each


def _shorten(sheet: Sheet) -> None:
    more = len(sheet.remarks) - TOLD
    if more > 0:
        del sheet.remarks[TOLD:]
        problem = Problem(
            f"has {more:,} more problems than the {TOLD:,} that are told", file=sheet.source.shown
        )
        sheet.remarks.append(Remark("error", problem, "invalid"))


def _name_of(value: dict[str, Any]) -> str | None:
    """The reference that a document means to declare, valid or not."""
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return None
    kind, name = value.get("kind"), metadata.get("name")
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE
    if isinstance(kind, str) and isinstance(name, str) and isinstance(namespace, str):
        ref = str(Ref(kind, namespace, name))
        return ref if len(ref) <= REF_LENGTH and "\0" not in ref else None
    return None
