"""People and units out: Backstage's documents as YAML, memberships and line managers as CSV."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from counterpoint.errors import InputError
from counterpoint.graph.reader import Reader
from counterpoint.people.columns import COLUMNS
from counterpoint.people.dates import When, edge_text
from counterpoint.people.directory import email_of
from counterpoint.people.managers import lines
from counterpoint.people.memberships import DOCUMENT, effective, recorded
from counterpoint.people.model import MEMBER, ManagerLine, Membership
from counterpoint.yaml12.writing import yaml_texts

__all__ = ["FORMATS", "Format", "as_csv", "documents", "export"]

Format = Literal["yaml", "csv"]
FORMATS: tuple[Format, ...] = ("yaml", "csv")
MEDIA = {"yaml": "application/yaml", "csv": "text/csv"}
KINDS = ("UnitType", "RoleKind", "Group", "User")
ASSIGNED = frozenset(
    {
        "backstage.io/managed-by-location",
        "backstage.io/managed-by-origin-location",
        "backstage.io/orphan",
    }
)
"""Annotations that whoever reads the file gives anew."""
FORMULA = re.compile(r"[=+\-@\t\r]|'[=+\-@\t\r]")
"""How a text begins that a spreadsheet would run as a formula, or that looks guarded already."""


def export(reader: Reader, format_: str, when: When) -> str:
    """All people and units of a date in one of the formats.

    Raises:
        InputError: there is no such format.
    """
    if format_ == "yaml":
        return yaml_texts(documents(reader, when))
    if format_ == "csv":
        return as_csv(reader, when)
    raise InputError(f"There is no format {format_[:40]!r}; write {' or '.join(FORMATS)}.")


def documents(reader: Reader, when: When) -> list[dict[str, Any]]:
    """The documents of unit types, roles, units and people as they were given, by kind and reference."""
    found = []
    for kind in KINDS:
        found += [_given(entity.document) for entity in reader.all(kind=kind, at=when.at)]
    return found


def _given(document: Mapping[str, Any]) -> dict[str, Any]:
    metadata = dict(document["metadata"])
    kept = {key: text for key, text in (metadata.get("annotations") or {}).items() if key not in ASSIGNED}
    if kept:
        metadata["annotations"] = kept
    elif metadata.get("annotations"):
        del metadata["annotations"]
    return {**document, "metadata": metadata}


def as_csv(reader: Reader, when: When) -> str:
    """A line for each membership, with the columns that `import people` reads; people without any have one line.

    Dated memberships are listed over all time, those of documents as they are at the date. The line
    managers stand in the first lines of a person.
    """
    people = reader.all(kind="User", at=when.at)
    spans = _grouped(recorded(reader, when=when))
    for each in effective(reader, when):
        if each.source == DOCUMENT:
            spans.setdefault(each.person, []).append(each)
    bosses = _grouped(lines(reader, when=when))
    known = set(spans) | set(bosses)
    titles = {entity.ref: entity for entity in people}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(COLUMNS["people"]), lineterminator="\r\n")
    writer.writeheader()
    for ref in sorted(titles.keys() | known):
        entity = titles.get(ref)
        once = {"person": _short(ref)}
        if entity is not None:
            profile = entity.spec.get("profile")
            name = profile.get("displayName") if isinstance(profile, dict) else ""
            once |= {"name": str(name or ""), "email": email_of(entity), "title": entity.description}
        rows = [_membership_cells(each) for each in sorted(spans.get(ref, []), key=_order)]
        managed = [_manager_cells(each) for each in sorted(bosses.get(ref, []), key=_order)]
        for number in range(max(len(rows), len(managed), 1)):
            cells = dict(once)
            cells |= rows[number] if number < len(rows) else {}
            cells |= managed[number] if number < len(managed) else {}
            writer.writerow({key: _guarded(text) for key, text in cells.items()})
    return out.getvalue()


def _grouped(spans: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for each in spans:
        found.setdefault(each.person, []).append(each)
    return found


def _order(span: Membership | ManagerLine) -> tuple[str, str]:
    return edge_text(span.start) if span.start else "", getattr(span, "unit", "")


def _membership_cells(each: Membership) -> dict[str, str]:
    bare = each.source == DOCUMENT
    return {
        "unit": _short(each.unit),
        "role": "" if bare or each.role == MEMBER else each.role,
        "from": edge_text(each.start) if each.start else "",
        "to": edge_text(each.end) if each.end else "",
        "share": f"{each.share:.6g}" if each.share is not None else "",
    }


def _manager_cells(each: ManagerLine) -> dict[str, str]:
    return {
        "manager": _short(each.manager),
        "manager from": edge_text(each.start) if each.start else "",
    }


def _short(ref: str) -> str:
    """A reference as short as it can be read back."""
    return ref.partition(":")[2].removeprefix("default/")


def _guarded(text: str) -> str:
    """A text that no spreadsheet runs as a formula; `import people` takes the guard away again."""
    return f"'{text}" if FORMULA.match(text) else text
