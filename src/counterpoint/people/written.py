"""Writes the rows of a file: units, people, their memberships and line managers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import PurePath
from typing import Any, Protocol

import msgspec

from counterpoint.errors import CounterpointError, InputError, Problem
from counterpoint.graph import formats
from counterpoint.graph.entity import Entity
from counterpoint.graph.writer import Writer
from counterpoint.people.dates import When, read_edge
from counterpoint.people.directory import Directory, email_of, name_from
from counterpoint.people.managers import lines, set_manager
from counterpoint.people.memberships import DOCUMENT, effective, end, enrol, moment_of_writing, recorded
from counterpoint.people.model import ManagerLine, Membership, wrong_with
from counterpoint.people.roles import read_share, role_key
from counterpoint.people.sheets import Row, Table

__all__ = ["write_people", "write_units"]

BACKSTAGE = "backstage.io/v1alpha1"


class Report(Protocol):
    """What the writing tells."""

    @property
    def failed(self) -> bool: ...
    def count(self, outcome: str, noun: str) -> None: ...
    def refuse(self, problem: Problem) -> None: ...
    def warn(self, problem: Problem) -> None: ...


def write_units(writer: Writer, table: Table, report: Report) -> None:
    """Write a file of units: their titles, types and parents."""
    units = Directory(writer, "Group")
    named: list[tuple[Row, str]] = []
    for row in table.rows:
        ref = _unit_name(row, units)
        if ref is None:
            report.refuse(row.problem("names no unit; fill in the column unit or title", "title"))
        else:
            named.append((row, ref))
    refs = {ref for _, ref in named} | units.by_ref.keys()
    titles = {row.text("title").casefold(): ref for row, ref in named if row.text("title")}
    above = {ref: each.targets("childOf")[0] for ref, each in units.by_ref.items() if each.targets("childOf")}
    for row, ref in named:
        try:
            parent = _parent(row, ref, units, refs, titles, above)
            _write_unit(writer, row, ref, parent, units, report)
        except CounterpointError as error:
            _refuse(report, row, error)


def _unit_name(row: Row, units: Directory) -> str | None:
    given = row.text("unit") or row.text("title")
    found = units.find(given) if given else None
    if found is not None:
        return found.ref
    name = (
        given
        if formats.is_name(given)
        else name_from([row.text("unit"), row.text("title")]).replace(".", "-")
    )
    return f"group:default/{name.lower()}" if name else None


def _parent(
    row: Row, ref: str, units: Directory, refs: set[str], titles: dict[str, str], above: dict[str, str]
) -> str | None:
    text = row.text("parent")
    if not text:
        return None
    found = units.find(text)
    parent = found.ref if found else titles.get(text.casefold()) or f"group:default/{text.lower()}"
    if parent not in refs:
        raise InputError("", [row.problem(units.missing(text, "unit"), "parent")])
    above[ref], here = parent, parent
    for _ in range(len(refs) + 1):
        if here == ref:
            del above[ref]
            raise InputError(
                "", [row.problem(f"{text!r} lies in this unit itself, so it cannot be its parent", "parent")]
            )
        if here not in above:
            return parent
        here = above[here]
    return parent


def _write_unit(
    writer: Writer, row: Row, ref: str, parent: str | None, units: Directory, report: Report
) -> None:
    old = units.by_ref.get(ref)
    _, _, name = ref.partition("/")
    metadata: dict[str, Any] = dict(old.metadata) if old else {"name": name}
    spec: dict[str, Any] = dict(old.spec) if old else {"type": "", "children": []}
    metadata |= {key: row.text(key) for key in ("title", "description") if row.text(key)}
    spec |= {key: row.text(key) for key in ("type", "mission") if row.text(key)}
    if row.text("email"):
        spec["profile"] = {**(spec.get("profile") or {}), "email": row.text("email")}
    if parent is not None:
        spec["parent"] = parent.removeprefix("group:default/")
    if not spec["type"]:
        raise InputError("", [row.problem("has no type; fill in the column type", "type")])
    _put(
        writer,
        row,
        old,
        {"apiVersion": BACKSTAGE, "kind": "Group", "metadata": metadata, "spec": spec},
        units,
        report,
    )


def _put(
    writer: Writer, row: Row, old: Entity | None, document: dict[str, Any], known: Directory, report: Report
) -> Entity:
    noun = "units" if known.kind == "Group" else "people"
    if old is not None:
        document = {**document, "apiVersion": old.document["apiVersion"]}
        if old.location is not None and document != old.document:
            place = old.location.removeprefix("file:")
            report.warn(
                row.problem(f"{old.ref} is declared in {place}, which stays as it is; change it there")
            )
            report.count("unchanged", noun)
            return old
        if document == old.document:
            report.count("unchanged", noun)
            return old
    put = writer.put(document)
    report.count(put.outcome, noun)
    known.add(put.entity)
    return put.entity


def write_people(writer: Writer, table: Table, report: Report, *, complete: bool) -> None:
    """Write a file of people: first the people, then who is in which unit, then who manages whom."""
    people, units = Directory(writer, "User"), Directory(writer, "Group")
    source = f"import:{PurePath(table.file).name}"
    taken: list[tuple[Row, Entity, Membership | None]] = []
    counted: set[str] = set()
    for row in table.rows:
        try:
            membership = _membership(row, units, source)
            once = _Once(report, counted)
            entity = _write_person(writer, row, people, once)
            taken.append((row, entity, membership))
        except CounterpointError as error:
            _refuse(report, row, error)
    listed = _write_memberships(writer, taken, report)
    if complete and report.failed:  # a row that was refused may be the one that lists a membership
        message = "something was refused, so nothing was ended; mend it and import the file again"
        report.warn(Problem(message, file=table.file))
    elif complete:
        _end_others(writer, source, listed, report)
    _write_managers(writer, [(row, entity) for row, entity, _ in taken], people, source, report)


class _Once:
    """Counts a person once however many rows they have, as what the first one that changed them did."""

    def __init__(self, report: Report, counted: set[str]) -> None:
        self.report, self.counted, self.ref = report, counted, ""

    @property
    def failed(self) -> bool:
        return self.report.failed

    def count(self, outcome: str, noun: str) -> None:
        if self.ref not in self.counted:
            self.report.count(outcome, noun)
            self.counted.add(self.ref)

    def refuse(self, problem: Problem) -> None:
        self.report.refuse(problem)

    def warn(self, problem: Problem) -> None:
        if self.ref not in self.counted:
            self.report.warn(problem)


def _membership(row: Row, units: Directory, source: str) -> Membership | None:
    """The membership that a row means, checked; the person is filled in later."""
    if not row.text("unit"):
        wrong = next((key for key in ("role", "from", "to", "share") if row.text(key)), None)
        if wrong:
            raise InputError(
                "", [row.problem(f"{wrong} is given without a unit; fill in the column unit", wrong)]
            )
        return None
    unit = units.find(row.text("unit"))
    if unit is None:
        raise InputError("", [row.problem(units.missing(row.text("unit"), "unit"), "unit")])
    made = Membership(
        person="",
        unit=unit.ref,
        role=role_key(row.text("role")),
        start=_edge(row, "from"),
        end=_edge(row, "to"),
        share=_share(row),
        source=source,
    )
    if wrong := wrong_with(made):  # before the person is written: a row is refused as a whole
        raise InputError("", [row.problem(wrong, "from")])
    return made


def _edge(row: Row, column: str) -> date | None:
    if not row.text(column):
        return None
    try:
        return read_edge(row.text(column))
    except InputError as error:
        raise InputError("", [row.problem(error.problems[0].message, column)]) from None


def _share(row: Row) -> float | None:
    try:
        return read_share(row.text("share"))
    except InputError as error:
        raise InputError("", [row.problem(error.problems[0].message, "share")]) from None


def _write_person(writer: Writer, row: Row, people: Directory, report: _Once) -> Entity:
    person, name, email = row.text("person").rpartition("/")[2], row.text("name"), row.text("email")
    if not person and formats.is_name(name) and name == name.lower():
        person, name = name, ""
    old = (people.by_email(email) if email else None) or (people.find(person) if person else None)
    wanted = name_from([person, email, name])
    if not wanted:
        raise InputError("", [row.problem("names nobody; fill in person, email or name", "name")])
    if old is None and not person:
        same = people.by_ref.get(f"user:default/{wanted}")
        old = same if same is not None and not (email and email_of(same)) else None
    metadata: dict[str, Any] = dict(old.metadata) if old else {"name": people.free_name(wanted)}
    spec: dict[str, Any] = dict(old.spec) if old else {"memberOf": []}
    if row.text("title"):
        metadata["description"] = row.text("title")
    told = {key: value for key, value in (("displayName", name), ("email", email)) if value}
    if told:
        spec["profile"] = {**(spec.get("profile") or {}), **told}
    report.ref = old.ref if old else f"user:default/{metadata['name']}".lower()
    document = {"apiVersion": BACKSTAGE, "kind": "User", "metadata": metadata, "spec": spec}
    return _put(writer, row, old, document, people, report)


def _write_memberships(
    writer: Writer, taken: list[tuple[Row, Entity, Membership | None]], report: Report
) -> set[str]:
    """Record the memberships; returned are the ids of those that the file lists."""
    present = When(moment_of_writing(writer))
    plain = {(each.person, each.unit) for each in effective(writer, present) if each.source == DOCUMENT}
    held: dict[tuple[str, str], list[Membership]] = {}
    for each in recorded(writer):
        held.setdefault((each.person, each.unit), []).append(each)
    allowed: dict[str, Entity] = {}
    listed: set[str] = set()
    for row, entity, membership in taken:
        if membership is None:
            continue
        said = any(row.text(key) for key in ("role", "from", "to", "share"))
        if not said and (entity.ref, membership.unit) in plain:
            report.count("unchanged", "memberships")
            continue
        try:
            if membership.unit not in allowed:
                writer.require_write(membership.unit)
                allowed[membership.unit] = writer.require(membership.unit)
            others = held.setdefault((entity.ref, membership.unit), [])
            made, new = enrol(writer, _of(membership, entity.ref), allowed[membership.unit], others)
            held[entity.ref, membership.unit] = [made, *(each for each in others if each.id != made.id)]
        except CounterpointError as error:
            _refuse(report, row, error, "from")
            continue
        listed.add(str(made.id))
        report.count(
            ("created" if made.recorded_at == present.moment else "updated") if new else "unchanged",
            "memberships",
        )
    return listed


def _of(membership: Membership, person: str) -> Membership:
    return msgspec.structs.replace(membership, person=person)


def _end_others(writer: Writer, source: str, listed: set[str], report: Report) -> None:
    moment = moment_of_writing(writer)
    for each in recorded(writer):
        if each.source == source and each.id not in listed and each.end is None:
            end(writer, str(each.id), moment, reason=f"{source.removeprefix('import:')} lists it no more.")
            report.count("ended", "memberships")


def _write_managers(
    writer: Writer, rows: Iterable[tuple[Row, Entity]], people: Directory, source: str, report: Report
) -> None:
    known: dict[str, list[ManagerLine]] = {}
    for line in lines(writer):
        known.setdefault(line.person, []).append(line)
    for row, entity in rows:
        text = row.text("manager")
        if not text:
            continue
        manager = people.find(text)
        if manager is None:
            report.refuse(
                row.problem(
                    f"{people.missing(text, 'person')}; no line manager was recorded, the rest of the row was",
                    "manager",
                )
            )
            continue
        try:
            start = _edge(row, "manager from")
            wanted = ManagerLine(person=entity.ref, manager=manager.ref, start=start, source=source)
            _, new = set_manager(writer, wanted, known=known)
        except CounterpointError as error:
            _refuse(report, row, error, "manager", "no line manager was recorded, the rest of the row was")
            continue
        known[entity.ref] = lines(writer, person=entity.ref)
        report.count("created" if new else "unchanged", "managers")


def _refuse(report: Report, row: Row, error: CounterpointError, column: str = "", kept: str = "") -> None:
    """Say why a row was not taken, at its place; `kept` says what was taken of it all the same."""
    for problem in error.problems or (Problem(error.message),):
        placed = problem if problem.file else row.problem(problem.message, column)
        if kept:
            placed = replace(placed, message=f"{placed.message.rstrip('.')}; {kept}")
        report.refuse(placed)
