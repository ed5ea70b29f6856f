"""Writes what one file or address declares, in one transaction: entities, what is wrong, and what is left over."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from counterpoint.catalog.added import Added
from counterpoint.catalog.gathering import Declared, Sheet
from counterpoint.catalog.locations import Source, generated_location, generated_name
from counterpoint.catalog.ownership import Missing
from counterpoint.catalog.problems import drop_problems, write_problems
from counterpoint.catalog.remarks import Code, Remark
from counterpoint.catalog.report import ImportReport
from counterpoint.catalog.slips import check_slips
from counterpoint.catalog.sources import counts_at, places_of, refs_at, remember
from counterpoint.catalog.verdicts import Fault
from counterpoint.errors import InputError, NotAllowedError
from counterpoint.graph import Writer
from counterpoint.graph.tables import status

__all__ = ["Storing"]

STATUS = "backstage.io/catalog-processing"
Claim = Literal["free", "moved", "taken", "unknown"]


class Storing:
    """What an import has stored so far; one sheet after the other."""

    def __init__(
        self, report: ImportReport, orphans: set[str], names: Mapping[str, str], *, seize: bool = False
    ) -> None:
        """Begin.

        Args:
            report: what becomes of it all.
            orphans: the orphans that are known.
            names: the names of the entities of registered locations.
            seize: write entities that another place has as well, to see what they would be alone.
        """
        self.report = report
        self.seize = seize
        self.orphans = orphans
        self.names = names
        self.named: dict[str, set[str] | None] = {}
        """Every place that was read, with the references that it names; none where it is as it was."""
        self.first: dict[str, tuple[Source, int]] = {}
        """Where each entity that was written stands: its file and line. No more is kept of it."""
        self.waiting: list[Declared] = []
        """Entities that another file has, which is read only later."""
        self.left: dict[str, list[str]] = {}
        """By place, entities that were read from there and are named there no more."""
        self.created: dict[str, list[str]] = defaultdict(list)
        """By place, entities that are new."""
        self.faults: dict[str, list[Fault]] = {}
        """By place, what is wrong with a file as a whole."""
        self.led: dict[str, list[Fault]] = {}
        """By reference of a `Location`, what is wrong with its targets before they are read."""
        self.missing = Missing()

    def skip(self, writer: Any, location: str) -> None:
        """Take a source as it was: nothing changed, neither in the file nor in the graph."""
        self.named[location] = None
        kinds = counts_at(writer, location)
        self.report.outcomes["unchanged"].update(kinds)
        self.report.refs += refs_at(writer, location)

    def store(self, writer: Writer, sheet: Sheet, added: Added | None = None) -> None:
        """Write what a sheet declares, and what is wrong in it; `added` are new entities of it that are written."""
        location = sheet.source.location
        self.named[location] = set(sheet.named)
        for kind in sheet.refused:
            self.report.outcomes["refused"][kind] += 1
        places = places_of(writer, sheet.named if added is None else sheet.ailing)
        written: list[Declared] = []
        remarks = sheet.slips
        if added is None:
            written, remarks = self._declared(writer, sheet, places)
        else:
            self._note(sheet, added)
        generated = self._generated(writer, sheet)
        self._judge(writer, sheet, places)
        self.faults[location] = sheet.faults
        self.report.faults += sheet.faults
        for faults in sheet.ailing.values():
            self.report.faults += faults
        self.report.held[location] = list(sheet.declared if added is None else added.refs)
        for ref, leads in sheet.leads.items():
            self.report.leads[ref] = [lead.location for lead in leads]
            self.led[ref] = sheet.ailing.get(ref, [])
        if generated is not None:
            sheet.named[generated] = []
            writer.set_status(generated, _items(sheet.faults))
        if added is None:
            remarks += self.missing.check(writer, written)
            remarks += check_slips(written)
        else:
            remarks += self.missing.check_added(writer, added)
        self._leave(writer, sheet)
        told = sorted(sheet.remarks + remarks, key=_place)
        if any(remark.code in {"conflict", "forbidden"} for remark in told):
            sheet.content = ""
        self.report.remarks += [each for each in told if each.target is None]
        write_problems(writer, location, told)
        remember(writer, sheet)

    def judge_locations(self, writer: Writer) -> None:
        """Say at each `Location` which of its targets could not be taken, once all of them were read."""
        there = places_of(writer, self.led)
        for ref, faults in self.led.items():
            if ref in there:
                below = [fault for place in self.report.leads[ref] for fault in self.faults.get(place, ())]
                writer.set_status(ref, _items([*faults, *below]))

    def settle(self, writer: Writer, declared: Declared) -> list[Remark]:
        """Decide on an entity that another file had when its own was read; what there is to say."""
        place = places_of(writer, [declared.ref]).get(declared.ref)
        claim = self._claim(declared, place)
        if claim not in {"free", "moved"}:
            return [self._conflict(declared, place)]
        refusal = self._put(writer, declared.document, declared.source.location, declared)
        if refusal is not None:
            return [refusal]
        moved = [self._moved(declared, place)] if claim == "moved" else []
        return moved + self.missing.check(writer, [declared])

    def _note(self, sheet: Sheet, added: Added) -> None:
        """Account for entities that are written already."""
        self.report.outcomes["created"].update(added.kinds)
        self.report.refs += added.refs
        self.created[sheet.source.location] += added.refs
        for ref, line in added.lines():
            self.first.setdefault(ref, (sheet.source, line))

    def _declared(
        self, writer: Writer, sheet: Sheet, places: Mapping[str, str | None]
    ) -> tuple[list[Declared], list[Remark]]:
        written: list[Declared] = []
        remarks: list[Remark] = []
        writer.preload(sheet.declared)
        for ref, declared in sheet.declared.items():
            place = places.get(ref)
            claim = self._claim(declared, place)
            if claim == "unknown":
                self.waiting.append(declared)
                sheet.content = ""
                continue
            refusal = (
                self._conflict(declared, place)
                if claim == "taken"
                else self._put(writer, declared.document, declared.source.location, declared)
            )
            if refusal is not None:
                remarks.append(refusal)
                continue
            self.first.setdefault(ref, (sheet.source, _line(declared)))
            written.append(declared)
            if claim == "moved":
                remarks.append(self._moved(declared, place))
        again = self.orphans.intersection(sheet.declared)
        if again:
            drop_problems(writer, "orphan", again)
            self.orphans -= again
        return written, remarks

    def _claim(self, declared: Declared, place: str | None) -> Claim:
        """Whether a file may have an entity that was read from another place."""
        ref = declared.ref
        if place is None or place == declared.source.location or self.seize:
            return "free"
        if ref in self.orphans:
            return "moved"
        if place in self.named:
            named = self.named[place]
            return "moved" if named is not None and ref not in named else "taken"
        if place.startswith("file:"):
            return "unknown" if _exists(Path(place.removeprefix("file:"))) else "moved"
        return "unknown"

    def _conflict(self, declared: Declared, place: str | None) -> Remark:
        first = self.first.get(declared.ref)
        if first is not None:
            message = f"{declared.ref} is declared twice; the one in {first[0].target}:{first[1]} is kept"
        else:
            where = (place or "").removeprefix("file:").removeprefix("url:")
            message = f"{declared.ref} is managed by {where} already; that one is kept. Remove it from one of the two files"
        return self._refuse(declared, message, "conflict")

    def _moved(self, declared: Declared, place: str | None) -> Remark:
        where = (place or "").partition(":")[2]
        problem = declared.read.problem(f"{declared.ref} moved here from {where}", "/metadata/name")
        return Remark("note", problem, "moved", declared.ref)

    def _refuse(self, declared: Declared, message: str, code: Code) -> Remark:
        self.report.outcomes["refused"][declared.document["kind"]] += 1
        return Remark("error", declared.read.problem(message, "/metadata/name"), code, declared.ref)

    def _put(
        self, writer: Writer, document: dict[str, Any], location: str, declared: Declared | None
    ) -> Remark | None:
        """Write one entity; why it was not written, where it was not."""
        try:
            put = writer.put(document, location=location, validated=True)
        except (NotAllowedError, InputError) as error:
            if declared is None:
                return None
            message = error.problems[0].message if error.problems else error.message
            return self._refuse(
                declared, message, "forbidden" if isinstance(error, NotAllowedError) else "invalid"
            )
        self.report.outcomes[put.outcome][document["kind"]] += 1
        self.report.refs.append(put.ref)
        if put.outcome == "created":
            self.created[location].append(put.ref)
        return None

    def _generated(self, writer: Writer, sheet: Sheet) -> str | None:
        """The entity of the location itself, where it was named and can be read; where it could be once, it stays."""
        location = sheet.source.location
        if location != sheet.source.origin or (sheet.missing and sheet.broken is None):
            return None
        name = self.names.get(location)
        ref = f"location:default/{name or generated_name(location)}"
        nothing = sheet.broken is not None and not sheet.declared and (not name or sheet.strict)
        if nothing and (sheet.strict or not sheet.holds) and places_of(writer, [ref]).get(ref) is None:
            return None
        self._put(writer, generated_location(location, name), location, None)
        return ref

    def _judge(self, writer: Writer, sheet: Sheet, places: Mapping[str, str | None]) -> None:
        """Say of entities that once were good what is wrong with them now, and of others that all is well.

        What a `Location` leads to is read later: see `judge_locations`.
        """
        location = sheet.source.location
        for ref, faults in sheet.ailing.items():
            if ref not in sheet.leads and places.get(ref) == location:
                writer.set_status(ref, _items(faults))
        if writer.connection.execute(sa.select(status.c.ref).limit(1)).first() is None:
            return
        good = [ref for ref in sheet.declared if ref not in sheet.leads]
        for start in range(0, len(good), 500):
            query = sa.select(status.c.ref).where(status.c.ref.in_(good[start : start + 500]))
            for ref in writer.connection.execute(query).scalars().all():
                writer.set_status(ref, ())

    def _leave(self, writer: Writer, sheet: Sheet) -> None:
        """Note what the place held and does not name any more, unless nobody can know all that it declares."""
        if sheet.broken is not None:
            return
        location = sheet.source.location
        self.left[location] = [
            ref for ref in refs_at(writer, location) if ref not in sheet.named and ref not in self.orphans
        ]


def _place(remark: Remark) -> tuple[int, int]:
    return remark.problem.line or 0, remark.problem.column or 0


def _line(declared: Declared) -> int:
    return declared.read.line("/metadata/name")


def _items(faults: list[Fault]) -> list[dict[str, Any]]:
    """Backstage's status items."""
    return [
        {"type": STATUS, "level": "error", "message": fault.text, "error": msgspec.to_builtins(fault)}
        for fault in faults[:20]
    ]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # nobody can tell
