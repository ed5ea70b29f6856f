"""Writes what one file or address declares, in one transaction: entities, what is wrong, and what is left over."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from counterpoint.catalog.gathering import Declared, Sheet
from counterpoint.catalog.locations import Source, generated_location, generated_name
from counterpoint.catalog.ownership import Missing
from counterpoint.catalog.problems import drop_problems, write_problems
from counterpoint.catalog.remarks import Code, Remark
from counterpoint.catalog.report import ImportReport
from counterpoint.catalog.slips import check_slips
from counterpoint.catalog.sources import counts_at, forget, places_of, refs_at, remember
from counterpoint.errors import InputError, NotAllowedError, Problem
from counterpoint.graph import Writer
from counterpoint.graph.tables import status

__all__ = ["Storing"]

STATUS = "backstage.io/catalog-processing"
Claim = Literal["free", "moved", "taken", "unknown"]


class Storing:
    """What an import has stored so far; one sheet after the other."""

    def __init__(self, report: ImportReport, orphans: set[str], names: Mapping[str, str]) -> None:
        """Begin; `orphans` are those known, `names` the names of the entities of registered locations."""
        self.report = report
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
        self.missing = Missing()

    def skip(self, writer: Any, location: str) -> None:
        """Take a source as it was: nothing changed, neither in the file nor in the graph."""
        self.named[location] = None
        kinds = counts_at(writer, location)
        self.report.outcomes["unchanged"].update(kinds)
        self.report.refs += refs_at(writer, location)

    def store(self, writer: Writer, sheet: Sheet) -> None:
        """Write what a sheet declares, and what is wrong in it."""
        location = sheet.source.location
        self.named[location] = set(sheet.named)
        for kind in sheet.refused:
            self.report.outcomes["refused"][kind] += 1
        places = places_of(writer, sheet.named)
        written, remarks = self._declared(writer, sheet, places)
        generated = self._generated(writer, sheet)
        self._judge(writer, sheet, places)
        if generated is not None:
            sheet.named[generated] = []
            writer.set_status(generated, _items([sheet.broken] if sheet.broken else []))
        remarks += self.missing.check(writer, written)
        remarks += check_slips(written)
        self._leave(writer, sheet)
        told = sorted(sheet.remarks + remarks, key=_place)
        if any(remark.code in {"conflict", "forbidden"} for remark in told):
            sheet.content = ""
        self.report.remarks += [each for each in told if each.target is None]
        if sheet.missing and sheet.source.path is not None:
            forget(writer, location)  # the orphans that it leaves say all there is to say
            return
        write_problems(writer, location, told)
        remember(writer, sheet)

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
        if place is None or place == declared.source.location:
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
            message = f"{declared.ref} is declared twice; the one in {first[0].shown}:{first[1]} is kept"
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
        """The entity of the location itself, where it was named and holds something."""
        location = sheet.source.location
        name = self.names.get(location)
        if location != sheet.source.origin or not (sheet.holds or name):
            return None
        self._put(writer, generated_location(location, name), location, None)
        return f"location:default/{name or generated_name(location)}"

    def _judge(self, writer: Writer, sheet: Sheet, places: Mapping[str, str | None]) -> None:
        """Say of entities that once were good what is wrong with them now, and of others that all is well."""
        location = sheet.source.location
        for ref, problems in sheet.named.items():
            if problems and places.get(ref) == location:
                writer.set_status(ref, _items(problems))
        if writer.connection.execute(sa.select(status.c.ref).limit(1)).first() is None:
            return
        good = list(sheet.declared)
        for start in range(0, len(good), 500):
            query = sa.select(status.c.ref).where(status.c.ref.in_(good[start : start + 500]))
            for ref in writer.connection.execute(query).scalars().all():
                writer.set_status(ref, ())

    def _leave(self, writer: Writer, sheet: Sheet) -> None:
        """Note what the place held and does not name any more; where nobody can know, say so at each entity."""
        location = sheet.source.location
        left = [
            ref for ref in refs_at(writer, location) if ref not in sheet.named and ref not in self.orphans
        ]
        if sheet.broken is None or sheet.missing:
            self.left[location] = left
            return
        for ref in left:
            writer.set_status(ref, _items([sheet.broken]))


def _place(remark: Remark) -> tuple[int, int]:
    return remark.problem.line or 0, remark.problem.column or 0


def _line(declared: Declared) -> int:
    return declared.read.position("/metadata/name")[0]


def _items(problems: list[Problem]) -> list[dict[str, Any]]:
    """Backstage's status items."""
    return [
        {
            "type": STATUS,
            "level": "error",
            "message": f"InputError: {problem}",
            "error": {"name": "InputError", "message": str(problem)},
        }
        for problem in problems[:20]
    ]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # nobody can tell
