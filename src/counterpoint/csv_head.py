"""What the beginning of a CSV file says: its delimiter and columns; and what keeps it from being read."""

import csv
import gzip
from pathlib import Path

from counterpoint.errors import InputError, Problem

__all__ = ["columns_and_delimiter", "zipped"]

HEAD_BYTES = 256 * 1024
"""Bytes that are looked at; a first line is shorter."""
DELIMITERS = (",", ";", "\t", "|")
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def columns_and_delimiter(file: Path, *, encoding: str, delimiter: str | None) -> tuple[list[str], str]:
    """The names in the first line, and what parts them.

    Raises:
        InputError: the file is empty, no text, or in another encoding; its first line is no row of names.
    """
    text = _head(file, encoding).lstrip("\r\n")
    if not text.strip():
        raise InputError(
            f"{file} is empty. Export the table again, with the names of the columns in the first line."
        )
    first = text.split("\n", 1)[0].rstrip("\r")
    if "\r" in first:
        raise InputError(
            "The table cannot be read.",
            [Problem("The lines end with a carriage return alone, as on old Macs; save the file with line feeds.", file=str(file), line=1)],
        )  # fmt: skip
    if delimiter is not None and len(delimiter) != 1:
        raise InputError(
            f"The delimiter is {delimiter!r}; it is one sign, such as ';', or comma, semicolon, tab or pipe."
        )
    if first.count('"') % 2:
        raise InputError(
            "The table cannot be read.",
            [Problem("A quoted name of a column goes on in the next line; write it on one line.", file=str(file), line=1)],
        )  # fmt: skip
    delimiter = delimiter or _delimiter(first)
    names = next(csv.reader([first], delimiter=delimiter))
    problems = []
    for number, name in enumerate(names, 1):
        if not name.strip():
            problems.append(
                Problem(f"Column {number} has no name; write one in the first line.", file=str(file), line=1)
            )
        elif names.index(name) != number - 1:
            problems.append(
                Problem(f"Two columns are named {name!r}; rename one of them.", file=str(file), line=1)
            )
    if problems:
        raise InputError("The first line names the columns, each by a name of its own.", problems)
    return names, delimiter


def _delimiter(line: str) -> str:
    """What parts the line into most names; quotes hide what is between them."""
    return max(DELIMITERS, key=lambda each: len(next(csv.reader([line], delimiter=each))))


def zipped(file: Path) -> bool:
    """Whether it is packed by gzip, whatever its name says."""
    with file.open("rb") as plain:
        return plain.read(2) == b"\x1f\x8b"


def _head(file: Path, encoding: str) -> str:
    try:
        with gzip.open(file) if zipped(file) else file.open("rb") as stream:
            raw = stream.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise InputError(f"{file} cannot be unpacked ({error}). Export it again.") from error
    if raw[:2] in UTF16 and encoding != "utf-16":
        raise InputError("The table cannot be read.", [
            Problem("This is UTF-16; save the file as UTF-8, or say encoding: utf-16.", file=str(file), line=1)])  # fmt: skip
    if raw[:4] == b"PK\x03\x04":
        raise InputError(f"{file} is a spreadsheet or an archive. Export the sheet as CSV (UTF-8).")
    if encoding != "utf-16" and b"\0" in raw:
        raise InputError(
            f"{file} is no text: byte {raw.index(0)} is NUL. Export the table as CSV or Parquet."
        )
    try:
        return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        if error.start >= len(raw) - 4 and len(raw) == HEAD_BYTES:  # cut within a letter
            return raw[: error.start].decode(error.encoding)
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"Byte 0x{raw[error.start]:02X} is not {encoding}; save the file as UTF-8, or say its encoding (latin-1 is common in older exports)."
        raise InputError(
            "The table cannot be read.", [Problem(message, file=str(file), line=line)]
        ) from error
