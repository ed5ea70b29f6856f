"""Differences as people read them: the field in words, lists by what came and went, long texts line by line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import msgspec

from counterpoint.graph.comparison import Change, gained_and_lost
from counterpoint.yaml12.writing import yaml_text

__all__ = ["Line", "Row", "rows_of"]

LINES = 400
"""Lines of a text on either side up to which it is compared line by line; comparing more could take long."""
AROUND = 3
"""Lines that are the same which are shown around a changed one."""
SHORT = 100
"""Characters up to which a text is one value."""
ROWS = 500
"""Changes that are shown; the API has all of them."""
ITEMS = 200
"""Items of a list that are shown as gained, and as lost."""
CHARACTERS = 20_000
"""Characters of one value that are shown."""
PAIRS = LINES * LINES
"""Pairs of lines that are compared for all changes together, so that many long texts cost no more than one."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a long text; `gap` stands for lines that are the same and left out."""

    kind: Literal["same", "added", "removed", "gap"]
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One change as the page shows it."""

    field: str
    pointer: str
    action: Literal["added", "removed", "changed"]
    before: str | None = None
    """Text of the value; none where it was not there, or where items or lines tell it."""
    after: str | None = None
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()


def rows_of(changes: Sequence[Change]) -> list[Row]:
    """The first changes as rows, `ROWS` at most; what is too long to be read is cut, and says so."""
    pairs = PAIRS
    rows = []
    for change in changes[:ROWS]:
        row, cost = _row(change, pairs)
        pairs -= cost
        rows.append(row)
    return rows


def _row(change: Change, pairs: int) -> tuple[Row, int]:
    """A change as a row, and how many pairs of lines were compared for it: `pairs` at most."""
    field = _field(change.pointer)
    items = gained_and_lost(change)
    if items is not None and (items[0] or items[1]):
        gained, lost = (_items(part) for part in items)
        return Row(field, change.pointer, change.action, gained=gained, lost=lost), 0
    before = None if change.action == "added" else _text(change.before)
    after = None if change.action == "removed" else _text(change.after)
    if before is not None and after is not None and _is_long(before, after):
        old, new = before.splitlines(), after.splitlines()
        if len(old) * len(new) <= pairs:
            lines = tuple(_lines(old, new))
            if lines:
                return Row(field, change.pointer, change.action, lines=lines), len(old) * len(new)
    return Row(field, change.pointer, change.action, before, after), 0


def _items(values: Sequence[Any]) -> tuple[str, ...]:
    shown = tuple(_text(value) for value in values[:ITEMS])
    return (*shown, f"… and {len(values) - ITEMS:,} more") if len(values) > ITEMS else shown


def _field(pointer: str) -> str:
    """A pointer as people write a path: `spec.checks[0].title`."""
    found = ""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found += f"[{name}]" if name.isdigit() and found else f".{name}" if found else name
    return found


def _text(value: Any) -> str:
    text = _whole_text(value)
    return (
        text
        if len(text) <= CHARACTERS
        else f"{text[:CHARACTERS]}\n… {len(text) - CHARACTERS:,} more characters"
    )


def _whole_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list) and value:
        if len(compact := msgspec.json.encode(value)) > CHARACTERS:  # writing it as YAML would take seconds
            return compact.decode()
        return yaml_text(value) if isinstance(value, dict) else yaml_text({"items": value}).partition("\n")[2]
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value)) if _is_word(value) else str(value)
    )


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _is_long(before: str, after: str) -> bool:
    several = "\n" in before or "\n" in after
    return several and max(before.count("\n"), after.count("\n")) < LINES and len(before) + len(after) > SHORT


def _lines(before: list[str], after: list[str]) -> Iterator[Line]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes(AROUND):
        if group[0][1] > 0:
            yield Line("gap", "")
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                yield from (Line("same", text) for text in before[start:end])
                continue
            yield from (Line("removed", text) for text in before[start:end])
            yield from (Line("added", text) for text in after[new_start:new_end])
