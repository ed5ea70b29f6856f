"""Feedback from CSV: each line by itself, with what is wrong in it."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from counterpoint.errors import InputError, Problem
from counterpoint.spelling import near, quoted

__all__ = ["COLUMNS", "Line", "read_lines"]

COLUMNS = ("text", "giver", "contact", "bet", "received")
MOST_BYTES = 20 * 1024 * 1024
LONGEST = 5_000


class Line(msgspec.Struct, frozen=True):
    """One piece of feedback as a line says it."""

    number: int
    text: str
    giver: str = ""
    contact: str = ""
    bet: str = ""
    received: date | None = None


def read_lines(path: Path) -> tuple[list[Line], list[Problem]]:
    """The lines that can be taken, and a problem for each that cannot, or for a column that nobody knows.

    Comma, semicolon or tab; UTF-8, with or without a mark. The first line names the columns, of which `text` must be one.

    Raises:
        InputError: the file cannot be read, or has no column `text`.
    """
    name = str(path)
    rows = _rows(_text(path), name)
    first = next(rows, None)
    columns = [cell.strip().lower() for cell in first[1]] if first else []
    if "text" not in columns:
        there = quoted([each for each in columns if each]) or "none"
        message = f"There is no column text; the first line names the columns, and has {there}."
        raise InputError("No feedback was read.", [Problem(message, file=name, line=1)])
    problems = [
        Problem(
            f"Nobody knows the column {each!r}{near(each, list(COLUMNS))}; it is left aside.",
            file=name,
            line=1,
        )
        for each in columns
        if each and each not in COLUMNS
    ]
    found: list[Line] = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        given = {key: cell.strip() for key, cell in zip(columns, cells, strict=False)}
        if len(cells) > len(columns):
            problems.append(
                Problem(
                    f"It has {len(cells)} cells, and there are {len(columns)} columns; quote the text.",
                    file=name,
                    line=number,
                )
            )
        elif isinstance(line := _line(number, given), str):
            problems.append(Problem(line, file=name, line=number))
        else:
            found.append(line)
    return found, problems


def _line(number: int, given: dict[str, str]) -> Line | str:
    text = given.get("text", "").replace("\x00", "")
    if not text:
        return "The text is empty; write what was said, or leave the line out."
    if len(text) > LONGEST:
        return f"The text has {len(text)} characters; {LONGEST} are the most."
    try:
        received = date.fromisoformat(given["received"]) if given.get("received") else None
    except ValueError:
        return f"received is {given['received'][:40]!r}; write a date as 2026-12-31."
    return Line(
        number,
        text,
        given.get("giver", "")[:200],
        given.get("contact", "")[:200],
        given.get("bet", ""),
        received,
    )


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > MOST_BYTES:
        raise InputError(f"{path} has {len(raw)} bytes; {MOST_BYTES} are the most.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}); save it as CSV UTF-8.") from error


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for cells in reader:
            yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError("No feedback was read.", [Problem(f"{error}.", file=name, line=start)]) from error
