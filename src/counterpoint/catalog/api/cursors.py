"""Cursors of `by-query`, and the `after` of `/entities`: base64 of JSON with Backstage's own fields.

The npm client decodes a cursor: where it holds a `query`, the next page is asked for by POST, else by GET.

References:
    backstage/backstage, plugins/catalog-backend/src/service/util.ts, cursorParser.
"""

import base64
import re
from typing import Any

import msgspec

from counterpoint.catalog.api.issues import invalid_type, issues_text, json_type
from counterpoint.catalog.json_faults import json_fault
from counterpoint.errors import InputError

__all__ = ["Cursor", "FullText", "OrderField", "read_after", "read_cursor", "write_after", "write_cursor"]

FIELDS = {"orderFields": "array", "orderFieldValues": "array", "isPrevious": "boolean"}
"""What every cursor holds, in the order in which Backstage checks it."""
TOLD = 100_000
"""Bytes of a broken cursor in which its fault is looked for."""
UNSET = msgspec.UNSET
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


class OrderField(msgspec.Struct, frozen=True):
    """By what a list is ordered, and which way round."""

    field: str
    order: str = "asc"

    def __post_init__(self) -> None:
        if self.order not in ("asc", "desc"):
            raise ValueError("order must be asc or desc")


class FullText(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text that one of the fields must hold."""

    term: str
    fields: list[str] | None = None


class Cursor(msgspec.Struct, frozen=True, rename="camel"):
    """Where a page starts, and everything that the pages before it were asked for."""

    order_fields: list[OrderField]
    order_field_values: list[str | None]
    is_previous: bool
    query: Any = msgspec.UNSET
    filter: Any = msgspec.UNSET
    """The older form of a query, which clients may still hold."""
    full_text_filter: FullText | msgspec.UnsetType = msgspec.UNSET
    first_sort_field_values: list[str | None] | msgspec.UnsetType = msgspec.UNSET
    total_items: float | msgspec.UnsetType = msgspec.UNSET


def write_cursor(cursor: Cursor) -> str:
    """The text of a cursor."""
    return base64.b64encode(msgspec.json.encode(cursor)).decode()


def read_cursor(text: str) -> Cursor:
    """The cursor of a text.

    Raises:
        InputError: it is none.
    """
    content = _decoded(text)
    try:
        cursor = msgspec.json.decode(content, type=Cursor)
        _check(cursor)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"Malformed cursor: {_told(content, error)}") from error
    return cursor


def _told(content: bytes, error: Exception) -> str:
    """What Backstage says of what lacks or mistakes one of the three fields that every cursor has."""
    fault = json_fault(content[:TOLD].decode("utf-8", "replace"))
    if fault is not None:
        return f"SyntaxError: {fault}"
    try:
        held = msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError):
        return str(error)
    if isinstance(held, dict):
        issues = [
            invalid_type(kind, held.get(name, UNSET), [name])
            for name, kind in FIELDS.items()
            if json_type(held.get(name, UNSET)) != kind
        ]
    else:
        issues = [invalid_type("object", held, [])]
    return f"InputError: Malformed cursor: {issues_text(issues)}" if issues else str(error)


def _check(cursor: Cursor) -> None:
    places = 2 if cursor.order_fields else 1
    if not cursor.order_fields and not cursor.order_field_values:
        return  # from the start, as Backstage reads it
    if len(cursor.order_field_values) != places:
        raise ValueError(f"orderFieldValues has {len(cursor.order_field_values)} values, it needs {places}")


def write_after(limit: int | None, offset: int) -> str:
    """The `after` of the next page of `/entities`."""
    return base64.b64encode(msgspec.json.encode({"limit": limit, "offset": offset})).decode()


def read_after(text: str) -> tuple[int | None, int | None]:
    """Limit and offset of an `after`; None where it says nothing of one.

    Raises:
        InputError: it is none.
    """
    try:
        found = msgspec.json.decode(_decoded(text))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError("Malformed after cursor, could not be parsed") from error
    if found is None:
        raise InputError("Malformed after cursor, could not be parsed")
    given = found if isinstance(found, dict) else {}
    limit, offset = (_whole(given.get(name)) for name in ("limit", "offset"))
    if limit is False:
        raise InputError("Malformed after cursor, limit was not an number")
    if offset is False or (offset is not None and offset < 0):
        raise InputError("Malformed after cursor, offset was not a number")
    return limit, offset


def _whole(value: Any) -> int | bool | None:
    """The whole number; None where there is none, False where there is something else."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else False


def _decoded(text: str) -> bytes:
    """The bytes of base64, read as leniently as Node reads it: either alphabet, padding or not."""
    plain = _NO_BASE64.sub("", text.partition("=")[0].replace("-", "+").replace("_", "/"))
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    return base64.b64decode(plain + "=" * (-len(plain) % 4))
