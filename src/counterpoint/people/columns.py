"""The columns of files of people and units, and the other names under which they are known."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol, TypeVar

from counterpoint.spelling import near, quoted

__all__ = ["COLUMNS", "Sheet", "column_of", "sheet_of", "wrong_columns"]

Sheet = Literal["people", "units"]

COLUMNS: dict[Sheet, dict[str, tuple[str, ...]]] = {
    "people": {
        "person": ("username", "user name", "user", "login", "id", "employee", "handle"),
        "name": ("full name", "display name", "displayname", "employee name"),
        "email": ("e mail", "mail", "work email", "email address", "upn", "user principal name"),
        "title": ("job title", "position", "description", "job"),
        "unit": (
            "team",
            "group",
            "department",
            "squad",
            "tribe",
            "chapter",
            "guild",
            "org unit",
            "member of",
        ),
        "role": ("role in unit", "function"),
        "from": ("start", "start date", "since", "valid from", "joined"),
        "to": ("end", "end date", "until", "valid to", "left"),
        "share": ("fte", "allocation", "percent", "percentage", "part"),
        "manager": ("line manager", "reports to", "boss", "supervisor", "manager email"),
        "manager from": ("manager since", "reports since", "manager start"),
    },
    "units": {
        "unit": ("key", "id", "group", "team", "ref"),
        "title": ("name", "display name", "displayname", "unit name"),
        "type": ("kind", "unit type", "level"),
        "parent": ("part of", "parent unit", "belongs to"),
        "description": ("about",),
        "mission": ("purpose",),
        "email": ("e mail", "mail"),
    },
}
"""Each column with its other names, in lower case and with single spaces."""
PEOPLE_ONLY = frozenset({"person", "email", "manager", "role", "share", "unit"})
UNITS_ONLY = frozenset({"type", "parent"})


class _Placed(Protocol):
    @property
    def text(self) -> str: ...


Placed = TypeVar("Placed", bound=_Placed)


def column_of(text: str, sheet: Sheet) -> str | None:
    """The column that a heading means; None where nobody knows it."""
    wanted = _plain(text)
    for column, others in COLUMNS[sheet].items():
        if wanted == column or wanted in others:
            return column
    return None


def sheet_of(header: Sequence[str]) -> Sheet | None:
    """What a file with these headings lists; None where it is neither people nor units."""
    people = {column_of(text, "people") for text in header}
    units = {column_of(text, "units") for text in header}
    if people & {"person", "name", "email"} and people & PEOPLE_ONLY and not units >= UNITS_ONLY:
        exact = {_plain(text) for text in header}
        if not ("type" in units and not exact & {"email", "person", "manager", "role", "share"}):
            return "people"
    if units & {"unit", "title"} and units & UNITS_ONLY:
        return "units"
    return "people" if people & {"person", "name", "email"} else None


def wrong_columns(header: Sequence[Placed], sheet: Sheet) -> Iterator[tuple[Placed, tuple[str, bool]]]:
    """Headings that are not known, and those that stand twice, which is fatal; each with a message."""
    seen: dict[str, str] = {}
    for cell in header:
        column = column_of(cell.text, sheet)
        if column is None:
            if cell.text:
                hint = near(_plain(cell.text), COLUMNS[sheet]) or f"; there are {quoted(COLUMNS[sheet])}"
                yield cell, (f"the column {cell.text!r} is not known and is left aside{hint}", False)
        elif column in seen:
            yield cell, (f"{cell.text!r} and {seen[column]!r} are both the column {column}; keep one", True)
        else:
            seen[column] = cell.text


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.strip().lower())
