"""Placeholders: `$text: ./file` stands for the content of a file beside the descriptor."""

import json
from pathlib import Path
from typing import Any

from counterpoint.catalog.locations import Source, is_address, is_inside
from counterpoint.catalog.reader import MAX_BYTES, Document, read_text
from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.scalars import plain
from counterpoint.errors import escape

__all__ = ["resolve_placeholders"]

TEXTS = frozenset({"$text", "$openapi", "$asyncapi"})
"""Backstage's `$openapi` also pulls in what the file refers to; here the file is taken as it is."""
KEYS = TEXTS | {"$json", "$yaml"}


def resolve_placeholders(document: Document, source: Source) -> tuple[Any, list[Remark]]:
    """The document's value with the content of files in place of placeholders, and what went wrong.

    The value given is left as it is. A placeholder that cannot be resolved stays, and is an error; one
    that names an address is replaced by the address itself, with a warning.
    """
    remarks: list[Remark] = []
    return _resolve(document.value, "", document, source, remarks), remarks


def _resolve(value: Any, pointer: str, document: Document, source: Source, remarks: list[Remark]) -> Any:
    if isinstance(value, list):
        return [_resolve(each, f"{pointer}/{i}", document, source, remarks) for i, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (key := next(iter(value))) in KEYS and isinstance(value[key], str):
        try:
            return _content(key, value[key], source)
        except _UnreadError as error:
            remarks.append(Remark(error.level, document.problem(str(error), f"{pointer}/{key}")))
            return value[key] if error.level == "warning" else value
    return {
        key: _resolve(each, f"{pointer}/{escape(key)}", document, source, remarks)
        for key, each in value.items()
    }


class _UnreadError(Exception):
    """A placeholder's file was not read; the message says why."""

    def __init__(self, message: str, level: Any = "error") -> None:
        super().__init__(message)
        self.level = level


def _content(key: str, target: str, source: Source) -> Any:
    if is_address(target):
        raise _UnreadError(
            f"{target} was not read: addresses are not read yet; the address stands in its place", "warning"
        )
    path = source.path.parent / target
    if not is_inside(path, source.root):
        raise _UnreadError(
            f"{target} leads out of {source.root}, the folder that is imported; it was not read"
        )
    text = _text(path, target)
    if key in TEXTS:
        if "\0" in text:
            raise _UnreadError(f"{target} holds a NUL character, which cannot be stored")
        return text
    if key == "$json":
        try:
            return json.loads(text, parse_int=plain)
        except (ValueError, RecursionError) as error:
            raise _UnreadError(f"{target} is not valid JSON: {error}") from None
    reading = read_text(text, name=target)
    if reading.problems:
        raise _UnreadError(str(reading.problems[0]))
    if len(reading.documents) != 1:
        raise _UnreadError(f"{target} holds {len(reading.documents)} documents; $yaml takes a file with one")
    return reading.documents[0].value


def _text(path: Path, target: str) -> str:
    if not path.is_file():
        raise _UnreadError(f"{target} does not exist beside this file, or is no file")
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _UnreadError(f"{target} cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise _UnreadError(f"{target} is larger than {MAX_BYTES // 1024**2} MB, the most a file may have")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _UnreadError(f"{target} is not UTF-8; save it as UTF-8") from None
