"""Reads CSV and YAML files of people and units into rows whose every cell knows its line and column.

CSV as Excel, LibreOffice and personnel systems write it: comma, semicolon or tab, UTF-8 with or without
a mark, quotes that hold line breaks. YAML's values stay texts as they were typed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterpoint.errors import InputError, Problem, escape
from counterpoint.people.columns import COLUMNS, Sheet, column_of, sheet_of, wrong_columns
from counterpoint.spelling import quoted
from counterpoint.yaml12.reader import Document, read_text

__all__ = ["Cell", "Row", "Table", "read_sheets"]

MAX_BYTES = 20 * 1024 * 1024
"""Largest file that is read."""
GUARDED = re.compile(r"'[=+\-@\t\r]")
"""How our own export guards a text that a spreadsheet would run as a formula."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its place."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of a file says, by column; empty cells are left out."""

    file: str
    line: int
    cells: dict[str, Cell]

    def text(self, column: str) -> str:
        """The text of a column; empty where there is none."""
        cell = self.cells.get(column)
        return cell.text if cell is not None else ""

    def problem(self, message: str, column: str = "") -> Problem:
        """A problem with this row, at a column where one is given."""
        cell = self.cells.get(column)
        place = (cell.line, cell.column) if cell is not None else (self.line, 1)
        return Problem(message, file=self.file, line=place[0], column=place[1])


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one sheet of a file."""

    file: str
    sheet: Sheet
    rows: tuple[Row, ...]
    remarks: tuple[Problem, ...] = ()
    """What was left aside, such as columns that nobody knows."""


def read_sheets(path: Path, name: str | None = None) -> list[Table]:
    """The tables of a file: one of a CSV file, those of `units` and of `people` of a YAML file.

    Raises:
        InputError: the file cannot be read, or is neither; the problem names the place.
    """
    name = name or str(path)
    text = _text_of(path, name)
    if path.suffix.lower() in {".yaml", ".yml", ".json"}:
        return _from_yaml(text, name)
    return [_from_csv(text, name)]


def _text_of(path: Path, name: str) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refusal(f"cannot be read: {error.strerror or error}", name) from error
    if len(data) > MAX_BYTES:
        raise _refusal(f"is larger than {MAX_BYTES // 1024**2} MiB; split it", name)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(
            f"byte {error.start + 1} is not UTF-8; save the file as CSV UTF-8", name, line
        ) from error
    if "\x00" in text:
        raise _refusal("holds NUL characters, so it is no text; export it as CSV", name)
    return text


def _refusal(message: str, file: str, line: int | None = None, column: int | None = None) -> InputError:
    return InputError(f"{file} is not read.", [Problem(message, file=file, line=line, column=column)])


def _from_csv(text: str, name: str) -> Table:
    lines = list(_lines(text, _delimiter(text), name))
    while lines and not any(cell.text for cell in lines[0]):
        lines.pop(0)
    if not lines:
        raise _refusal("is empty; its first line names the columns", name)
    header, body = lines[0], lines[1:]
    sheet = sheet_of([cell.text for cell in header])
    if sheet is None:
        known = quoted(COLUMNS["people"])
        raise _refusal(
            f"names neither people nor units in its first line; known columns are {known} and, for units, {quoted(COLUMNS['units'])}",
            name,
            header[0].line,
        )
    columns = [column_of(cell.text, sheet) for cell in header]
    remarks = []
    for cell, (message, fatal) in wrong_columns(header, sheet):
        problem = Problem(message, file=name, line=cell.line, column=cell.column)
        if fatal:
            raise InputError(f"{name} is not read.", [problem])
        remarks.append(problem)
    rows = []
    for cells in body:
        if not any(cell.text for cell in cells):
            continue
        if len(cells) > len(columns) and any(cell.text for cell in cells[len(columns) :]):
            extra = cells[len(columns)]
            message = f"the line has {len(cells)} cells and the first one {len(columns)}; put a text that holds the separator in quotes"
            remarks.append(Problem(message, file=name, line=extra.line, column=extra.column))
            continue
        found = {column: cell for column, cell in zip(columns, cells, strict=False) if column and cell.text}
        rows.append(Row(name, cells[0].line, found))
    return Table(name, sheet, tuple(rows), tuple(remarks))


def _delimiter(text: str) -> str:
    """The separator that the first line uses most, outside of quotes."""
    first = re.sub(r'"[^"]*"', "", next((line for line in text.splitlines() if line.strip()), ""))
    return max(",;\t", key=first.count)


def _lines(text: str, delimiter: str, name: str) -> Iterator[list[Cell]]:
    """The cells of each line, as RFC 4180 has them, with their places."""
    at, line, start_of_line, size = 0, 1, 0, len(text)
    cells: list[Cell] = []
    while at < size or cells:
        begun, column = line, at - start_of_line + 1
        if text[at : at + 1] == '"':
            value, after = _quoted(text, at, name, begun, column)
            inner = text[at:after]
            if "\n" in inner:
                line += inner.count("\n")
                start_of_line = at + inner.rindex("\n") + 1
            at = after
        else:
            after = at
            while after < size and text[after] not in (delimiter, "\n", "\r"):
                after += 1
            value, at = text[at:after], after
        cells.append(Cell(_plain(value), begun, column))
        if text[at : at + 1] == delimiter:
            at += 1
            if at >= size:
                cells.append(Cell("", line, at - start_of_line + 1))
                yield cells
                return
            continue
        if at < size and text[at] not in "\r\n":
            raise _refusal(
                "a closing quote is followed by more text; double the quotes inside of a text",
                name,
                line,
                at - start_of_line + 1,
            )
        yield cells
        cells = []
        if at >= size:
            return
        at += 2 if text[at : at + 2] == "\r\n" else 1
        line, start_of_line = line + 1, at


def _quoted(text: str, at: int, name: str, line: int, column: int) -> tuple[str, int]:
    """The text of a quoted cell, and where it ends."""
    parts, start = [], at + 1
    while True:
        end = text.find('"', start)
        if end < 0:
            raise _refusal("a quote is opened and never closed", name, line, column)
        parts.append(text[start:end])
        if text[end + 1 : end + 2] != '"':
            return '"'.join(parts), end + 1
        start = end + 2


def _plain(text: str) -> str:
    text = text.strip()
    return text[1:] if GUARDED.match(text) else text


def _from_yaml(text: str, name: str) -> list[Table]:
    reading = read_text(text, name=name, typed=False)
    if reading.problems:
        raise InputError(f"{name} is not read.", reading.problems)
    tables: dict[Sheet, list[Row]] = {"units": [], "people": []}
    remarks: dict[Sheet, list[Problem]] = {"units": [], "people": []}
    for document in reading.documents:
        _read_document(document, name, tables, remarks)
    found: tuple[Sheet, ...] = ("units", "people")
    return [
        Table(name, sheet, tuple(tables[sheet]), tuple(remarks[sheet]))
        for sheet in found
        if tables[sheet] or remarks[sheet]
    ]


def _read_document(
    document: Document, name: str, tables: dict[Sheet, list[Row]], remarks: dict[Sheet, list[Problem]]
) -> None:
    for key, value in _entries(document, "", "the file is a mapping with `units:` and `people:`").items():
        place = f"/{escape(key)}"
        if key == "apiVersion":
            command = f"counterpoint import catalog {name}"
            raise _wrong(document, "", f"is a Backstage descriptor; read it with {command}")
        if key not in ("units", "people"):
            raise _wrong(document, place, f"{key!r} is not known here; write `units:` or `people:`")
        if not isinstance(value, list):
            raise _wrong(document, place, f"{key} is no list; begin each entry with a dash")
        sheet: Sheet = "units" if key == "units" else "people"
        for index in range(len(value)):
            try:
                tables[sheet] += list(_rows_of(document, f"{place}/{index}", sheet, name))
            except InputError as error:
                remarks[sheet] += error.problems


def _rows_of(document: Document, place: str, sheet: Sheet, name: str) -> Iterator[Row]:
    """The rows of one entry: one for each membership of a person."""
    entries = _entries(document, place, "each entry is a mapping")
    listed = entries.pop("memberships", None) if sheet == "people" else None
    cells = _cells_of(document, place, entries, sheet)
    if not listed:
        yield Row(name, document.position(place)[0], cells)
        return
    if not isinstance(listed, list):
        raise _wrong(document, f"{place}/memberships", "memberships is no list; begin each with a dash")
    once = {"manager", "manager from"}
    for number in range(len(listed)):
        here = f"{place}/memberships/{number}"
        own = _cells_of(document, here, _entries(document, here, "each membership is a mapping"), sheet)
        shared = {key: cell for key, cell in cells.items() if number == 0 or key not in once}
        yield Row(name, document.position(here)[0], shared | own)


def _cells_of(document: Document, place: str, entries: dict[str, Any], sheet: Sheet) -> dict[str, Cell]:
    found = {}
    for key, value in entries.items():
        here = f"{place}/{escape(key)}"
        column = column_of(key, sheet)
        if column is None:
            known = [
                *COLUMNS[sheet],
                *(["memberships"] if sheet == "people" and "/memberships/" not in place else []),
            ]
            raise _wrong(document, here, f"{key!r} is not known; there are {quoted(known)}")
        if value is not None and not isinstance(value, str):
            raise _wrong(document, here, f"{key} is no text")
        if value is not None and value.strip():
            found[column] = Cell(value.strip(), *document.position(here))
    return found


def _entries(document: Document, place: str, rule: str) -> dict[str, Any]:
    value = document.value
    for part in place.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    if not isinstance(value, dict):
        raise _wrong(document, place, rule)
    return dict(value)


def _wrong(document: Document, place: str, message: str) -> InputError:
    return InputError("The file is not read.", [document.problem(message, place)])
