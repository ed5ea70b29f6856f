"""Reads one file or address and checks every document in it, before anything is written."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from counterpoint import __version__
from counterpoint.catalog.fetching import Fetcher
from counterpoint.catalog.locations import Source, annotations_of, follow
from counterpoint.catalog.placeholders import resolve_placeholders
from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.verdicts import Fault, envelope_fault, ref_text, unrecognised, verdict
from counterpoint.errors import Problem
from counterpoint.graph.descriptor import ref_of, validate
from counterpoint.graph.kinds import KINDS, canonical_kind
from counterpoint.graph.ref import DEFAULT_NAMESPACE, Ref
from counterpoint.yaml12.reader import Document, Reading, UnreadError, read_bytes, read_data

__all__ = ["Declared", "Gathering", "Sheet"]

TOLD = 1_000
"""Problems of one file that are told one by one; there are more only where nobody reads them."""

AHEAD = 200
"""Files that are kept after they were read ahead, so that they are not parsed twice."""

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
    leads: dict[str, list[Source]] = field(default_factory=dict)
    """Where each of its `Location` entities points to."""
    faults: list[Fault] = field(default_factory=list)
    """What is wrong with the file as a whole: whatever is no entity that has a name and a known kind."""
    ailing: dict[str, list[Fault]] = field(default_factory=dict)
    """What is wrong with an entity, as its status says it: that it is not valid, or that a target cannot be read."""
    reads: dict[str, None] = field(default_factory=dict)
    """Locations of what its placeholders take in."""
    broken: Problem | None = None
    """Why a part of it could not be read, so that nobody knows all that it declares."""
    missing: bool = False
    """Whether there is no such file."""
    holds: bool = False
    """Whether it holds a document at all."""
    strict: bool = False
    """Whether it was taken as a whole or not at all."""
    slips: list[Remark] = field(default_factory=list)
    """What deserves a look in entities that are valid, where another process has looked."""
    read_at: int = 0
    """When reading it began, in microseconds: what is saved later is not in it."""

    @property
    def uncertain(self) -> bool:
        """Whether something that it declares, or leads to, may be unknown."""
        return self.broken is not None or any(ref.startswith("location:") for ref in self.ailing)


class Gathering:
    """Reads sources, each when asked."""

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        unknown_kinds: bool = False,
        strict: bool = False,
        read: Callable[[bytes, str], Reading] | None = None,
        told: Callable[[Declared], None] | None = None,
    ) -> None:
        """Begin.

        Args:
            fetcher: reads addresses.
            unknown_kinds: take entities of kinds that nobody has registered.
            strict: a file is taken as a whole or not at all, as Backstage takes it.
            read: reads the documents of a file that has a name.
            told: given each entity as soon as it is declared; without `strict` it then stays so.
        """
        self.fetcher = fetcher
        self._read = read or (lambda data, name: read_data(data, name=name))
        self._told = told
        self.unknown_kinds = unknown_kinds
        self.strict = strict
        self._ahead: dict[str, Sheet] = {}
        """What was read ahead, to know whether a `Location` is good, and is soon wanted itself."""

    def bytes_of(self, source: Source) -> bytes:
        """The bytes of a file or address.

        Raises:
            UnreadError: they cannot be had.
        """
        path = source.path
        return self.fetcher.read(source.target) if path is None else read_bytes(path)

    def content_of(self, data: bytes) -> str:
        """The hash of what was read, and of what decides how it is read."""
        how = f"{__version__} {self.unknown_kinds} {self.strict}\n".encode()
        return hashlib.sha256(how + data).hexdigest()

    def unread(self, source: Source, error: UnreadError) -> Sheet:
        """What is known of a source that could not be read."""
        problem = Problem(str(error), file=source.shown)
        if error.missing and source.optional:
            return Sheet(source, missing=True, strict=self.strict)
        fault = _unread(source, error)
        return Sheet(
            source,
            refused=["(not read)"],
            remarks=[Remark("error", problem, "unread", fault=fault)],
            faults=[fault if error.missing else self._worded(fault, problem)],
            broken=problem,
            missing=error.missing,
            strict=self.strict,
        )

    def sheet(self, source: Source, data: bytes) -> Sheet:
        """Take what a source holds."""
        ahead = self._ahead.pop(source.location, None)
        content = self.content_of(data)
        sheet = (
            ahead if ahead is not None and ahead.content == content else self._taken(source, data, content)
        )
        leads = bool(sheet.leads)
        if self.strict and not sheet.faults:
            for ref in list(sheet.leads):
                self._look_ahead(ref, sheet)
        if leads or sheet.reads or sheet.faults:
            sheet.content = ""
        _shorten(sheet)
        return sheet

    def _taken(self, source: Source, data: bytes, content: str) -> Sheet:
        sheet = Sheet(source, content=content, strict=self.strict)
        reading = self._read(data, source.shown)
        if reading.problems:
            sheet.broken = reading.problems[0]
            sheet.refused += ["(not YAML)"] * len(reading.problems)
        for problem in reading.problems:
            fault = Fault("Error", f"YAML error at {source.location}, YAMLParseError: {problem.message}")
            sheet.remarks.append(Remark("error", problem, "syntax", fault=fault))
            sheet.faults.append(self._worded(fault, problem))
        for document in reading.documents:
            sheet.remarks += [Remark("warning", doubt, "syntax") for doubt in document.doubts]
            sheet.remarks += self._take(document, sheet)
        sheet.holds = bool(reading.documents)
        if self.strict and sheet.faults:
            sheet.broken = sheet.broken or Problem(sheet.faults[0].message, file=source.shown)
            sheet.refused += [each.document["kind"] for each in sheet.declared.values()]
            sheet.declared.clear()
            sheet.leads.clear()
            sheet.ailing.clear()
            sheet.named = {ref: [] for ref in sheet.named}
        return sheet

    def _worded(self, fault: Fault, problem: Problem) -> Fault:
        """A fault in Backstage's words where those are wanted, else in ours, with file and line."""
        return fault if self.strict else Fault(fault.name, str(problem))

    def _take(self, document: Document, sheet: Sheet) -> Iterator[Remark]:
        """Take one document; what there is to say about it."""
        if not isinstance(document.value, dict):
            a_list = isinstance(document.value, list)
            what = "a list" if a_list else "plain text"
            sheet.refused.append("(no entity)")
            problem = document.problem(f"is {what}; a descriptor has apiVersion, kind, metadata and spec")
            fault = Fault("Error", f"Expected object at root, got {_js_type(document.value)}")
            sheet.faults.append(self._worded(fault, problem))
            sheet.broken = sheet.broken or problem
            yield Remark("error", problem, "syntax", fault=fault)
            return
        value: dict[str, Any] = document.value
        remarks: list[Remark] = []
        if not document.is_plain:
            value, remarks = resolve_placeholders(
                document, sheet.source, self.fetcher, sheet.reads.setdefault, strict=self.strict
            )
        problems = [remark.problem for remark in remarks if remark.level == "error"]
        if not problems:
            found = validate(value, unknown_kinds=self.unknown_kinds, is_plain=document.is_plain)
            problems = [document.problem(problem.message, problem.pointer) for problem in found]
            remarks += [Remark("error", problem, "invalid") for problem in problems]
        ref = _name_of(value)
        yield from (replace(each, ref=ref) for each in remarks)
        if problems:
            self._refuse(value, ref, problems, [each.fault for each in remarks if each.fault], sheet)
            return
        yield from self._declare(value, document, sheet)
        if value["kind"] == "Location" and str(ref) in sheet.declared:
            yield from self._lead(str(ref), document, sheet)

    def _refuse(
        self, value: dict[str, Any], ref: str | None, problems: list[Problem], told: list[Fault], sheet: Sheet
    ) -> None:
        """Note an entity that is not taken: it ails, or the whole file does where it is none at all."""
        kind = value.get("kind")
        sheet.refused.append(kind if isinstance(kind, str) and kind else "(no kind)")
        whole = self._fault_of_file(value, sheet.source)
        if whole is not None:
            sheet.faults.append(self._worded(whole, problems[0]))
        if ref is None or (ref in sheet.named and not self.strict):
            return
        sheet.named[ref] = problems
        if whole is None:
            fault = told[0] if told else verdict(_bare(value)) or unrecognised(ref)
            ours = "; ".join(str(problem) for problem in problems[:20])
            sheet.ailing[ref] = [fault if self.strict else fault.reworded(ours)]
        if self.strict:
            sheet.declared.pop(ref, None)  # the last document of a name counts
            sheet.leads.pop(ref, None)

    def _fault_of_file(self, value: dict[str, Any], source: Source) -> Fault | None:
        """What keeps a document from being an entity that could ail itself: no name, or no kind that is known."""
        fault = envelope_fault(value)
        if fault is not None:
            return fault
        annotations = value["metadata"].get("annotations") or {}
        if not isinstance(annotations, dict):
            return Fault("Error", "metadata.annotations must be a valid object")
        if self.unknown_kinds or canonical_kind(value["kind"]) in KINDS:
            return None
        place, origin = source.location, source.origin
        what = f"Entity {ref_text(value)} at {place}, originated at {origin}, is not of an allowed kind for that location"
        return Fault("NotAllowedError", what)

    def _declare(self, value: dict[str, Any], document: Document, sheet: Sheet) -> Iterable[Remark]:
        ref = str(ref_of(value))
        first = sheet.declared.get(ref)
        if first is not None and not self.strict:
            line = first.read.line("/metadata/name")
            message = f"{ref} is declared twice; the one in line {line} of this file is kept"
            sheet.refused.append(value["kind"])
            yield Remark("error", document.problem(message, "/metadata/name"), "conflict", ref)
            return
        if first is not None:
            message = f"{ref} is declared twice in this file; the last one counts"
            yield Remark("warning", document.problem(message, "/metadata/name"), "conflict", ref)
        metadata = value["metadata"]
        places = annotations_of(sheet.source.location, sheet.source.origin)
        own = metadata.get("annotations") or {}
        managed = {**places, **own, **{key: places[key] for key in list(places)[:2]}}
        sheet.named[ref] = []
        sheet.ailing.pop(ref, None)
        whole = {**value, "metadata": {**metadata, "annotations": managed}}
        declared = sheet.declared[ref] = Declared(ref, whole, document, sheet.source)
        if self._told is not None:
            self._told(declared)

    def _lead(self, ref: str, document: Document, sheet: Sheet) -> Iterator[Remark]:
        """Where a `Location` leads, and which of its targets cannot be read."""
        leads: list[Source] = []
        faults: list[Fault] = []
        for each in follow(document, sheet.source, self.fetcher.hosts, strict=self.strict):
            if isinstance(each, Source):
                leads.append(each)
                continue
            yield replace(each, ref=ref)
            if each.level == "error" or (self.strict and each.fault is not None):
                faults.append(
                    self._worded(each.fault or Fault("InputError", each.problem.message), each.problem)
                )
        sheet.leads[ref] = leads
        if faults:
            sheet.ailing[ref] = faults

    def _look_ahead(self, ref: str, sheet: Sheet) -> None:
        """Take a `Location` only if every one of its targets can be taken."""
        faults = list(sheet.ailing.get(ref, ()))
        for source in sheet.leads[ref]:
            faults += self._faults_at(source)
        if not faults:
            return
        declared = sheet.declared.pop(ref)
        message = f"{ref} is not taken, since a target of it is not: {faults[0].message}"
        problem = declared.read.problem(message[:500], "/spec")
        sheet.refused.append("Location")
        sheet.remarks.append(Remark("error", problem, "target", ref))
        sheet.named[ref] = [problem]
        sheet.ailing[ref] = faults
        for source in sheet.leads.pop(ref):
            self._ahead.pop(source.location, None)

    def _faults_at(self, source: Source) -> list[Fault]:
        try:
            data = self.bytes_of(source)
        except UnreadError as error:
            return self.unread(source, error).faults
        ahead = self._ahead.get(source.location)
        if ahead is None:
            ahead = self._taken(source, data, self.content_of(data))
            if len(self._ahead) < AHEAD:
                self._ahead[source.location] = ahead
        return ahead.faults


def _unread(source: Source, error: UnreadError) -> Fault:
    """What Backstage says of a file or address that cannot be read."""
    target = source.target
    if source.path is not None:
        if error.missing:
            return Fault("NotFoundError", f"file {target} does not exist")
        return Fault("Error", f"file {target} could not be read, {error}")
    if error.missing:
        return Fault("NotFoundError", f"Unable to read url, no matching files found for {target}")
    return Fault("Error", f"Unable to read url, {error.told or f'{target} {error}'}")


def _bare(value: dict[str, Any]) -> dict[str, Any]:
    """An entity as its checks see it: without annotations where it brings none, not even an object."""
    metadata = value["metadata"]
    if metadata.get("annotations", True):
        return value
    return {**value, "metadata": {key: each for key, each in metadata.items() if key != "annotations"}}


def _js_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "number", float: "number"}.get(type(value), "object")


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
