"""What imported entities refer to and that nobody has declared."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from counterpoint.catalog.added import Added
from counterpoint.catalog.gathering import Declared
from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.sources import places_of
from counterpoint.catalog.tables import PROBLEMS
from counterpoint.errors import escape
from counterpoint.graph import Writer
from counterpoint.graph.descriptor import ref_of
from counterpoint.graph.fields import references
from counterpoint.graph.kinds import canonical_kind, kind_of
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.graph.tables import revision
from counterpoint.spelling import near

__all__ = ["Missing"]

OWNER = "ownedBy"
SPEC = "/spec"
NAMES = 20_000
"""Entities of a kind among which a name that was meant is looked for; among more it would take seconds."""
COMPARED = 200_000
"""Names that are compared in one import, about a second of work: a thousand slips are seldom typed one by one."""
KEPT = 100_000
"""Missing references that are told at the end; each is kept with its file in any case."""


class Missing:
    """References whose target the graph did not hold when their file was stored; a later file may bring it."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._open: list[tuple[str, Remark, Ref]] = []

    def check(self, reader: Reader, written: Sequence[Declared]) -> list[Remark]:
        """A remark for each reference of a file whose target does not exist yet: an error for owners,
        since everything has exactly one owner; a warning for the rest."""
        self._known.update(declared.ref for declared in written)
        mentions = [(declared, list(_mentions(declared.document))) for declared in written]
        targets = {str(target) for _, each in mentions for _, _, target in each} - self._known
        self._known |= places_of(reader, targets).keys()
        found = []
        for declared, each in mentions:
            missed = [one for one in each if str(one[2]) not in self._known]
            places = dict(_places(declared.read.value.get("spec"))) if missed else {}
            for text, relation, target in missed:
                pointer = places.get(text)
                if pointer is None:
                    continue  # a default that the file does not name, such as the flag set of an experiment
                remark = _remark(declared, pointer, relation, str(target))
                found.append(remark)
                if len(self._open) < KEPT:
                    self._open.append((declared.source.location, remark, target))
        return found

    def check_added(self, reader: Reader, added: Added) -> list[Remark]:
        """The same for new entities that are written already; hardly any need be looked at."""
        self._known.update(added.refs)
        targets = added.targets - self._known
        self._known |= places_of(reader, targets).keys()
        missed = targets - self._known
        return self.check(reader, added.naming(missed)) if missed else []

    def settle(self, writer: Writer) -> list[Remark]:
        """The remarks that still hold now that every file is stored, with what may have been meant."""
        there = places_of(writer, {str(target) for _, _, target in self._open})
        spellings = _Spellings(writer)
        remarks = []
        for location, remark, target in self._open:
            if str(target) in there:
                continue
            hint = spellings.near(target)
            if hint:
                whole = replace(
                    remark, problem=replace(remark.problem, message=remark.problem.message + hint)
                )
                _reword(writer, location, remark, whole)
                remark = whole  # noqa: PLW2901 - the same remark, in more words
            remarks.append(remark)
        return remarks


def _remark(declared: Declared, pointer: str, relation: str, target: str) -> Remark:
    is_owner = relation == OWNER
    message = f"{'the owner ' if is_owner else ''}{target} does not exist"
    return Remark(
        "error" if is_owner else "warning",
        declared.read.problem(message, pointer),
        "owner" if is_owner else "reference",
        declared.ref,
        target,
    )


def _reword(writer: Writer, location: str, before: Remark, after: Remark) -> None:
    writer.connection.execute(
        sa.update(PROBLEMS)
        .where(
            PROBLEMS.c.location == location,
            PROBLEMS.c.ref == before.ref,
            PROBLEMS.c.target == before.target,
            PROBLEMS.c.message == before.problem.message,
        )
        .values(message=after.problem.message)
    )


def _mentions(document: dict[str, Any]) -> Iterator[tuple[str, str, Ref]]:
    """Every reference that a valid document makes: its text, the relation, the target."""
    namespace = ref_of(document).namespace
    for text, reference in references(kind_of(document["kind"]).fields, document.get("spec") or {}):
        target = parse_ref(text, default_kind=reference.default_kind, default_namespace=namespace)
        if not reference.kinds or target.kind in reference.kinds:
            yield text, reference.relation, target


def _places(value: Any, pointer: str = SPEC) -> Iterator[tuple[str, str]]:
    """Every text of a spec with where it stands, the last first: made a mapping, the first place of each counts.

    One walk for all texts, since a spec may name ten thousand.
    """
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        items = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, item in reversed(items):
        place = f"{pointer}/{escape(str(key))}"
        if isinstance(item, str):
            yield item, place
        else:
            yield from _places(item, place)


class _Spellings:
    """Names that exist, by kind, read when the first one is missing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._names: dict[str, dict[str, str]] = {}
        self._hints: dict[Ref, str] = {}
        self._left = COMPARED

    def near(self, target: Ref) -> str:
        """An ending for a message that names what may have been meant; empty where nothing is near."""
        if target not in self._hints:
            names = self._of(target.kind)
            self._left -= len(names)
            if self._left < 0:
                return ""
            self._hints[target] = near(target.name, names, cutoff=0.7)
        return self._hints[target]

    def _of(self, kind: str) -> dict[str, str]:
        if kind not in self._names:
            kinds = ["Group", "User"] if kind == "group" else [canonical_kind(kind)]
            query = sa.select(revision.c.name, revision.c.ref).where(
                revision.c.kind.in_(kinds), revision.c.valid_to.is_(None)
            )
            rows = self._reader.connection.execute(query.limit(NAMES + 1)).all()
            self._names[kind] = dict(rows) if len(rows) <= NAMES else {}
        return self._names[kind]
