"""The common shape of an event, and the short way from documents of that shape to rows.

An event has a handful of attributes and small data. Those are read into a struct by msgspec, checked with
few steps, and laid out at once. Whatever is not plain beyond doubt goes the long way, `read_event` and
`row_of`, whose word counts: both ways give the same rows, and only the long one refuses anything.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any, Final, Literal, NamedTuple

import msgspec

from counterpoint.journal.model.event import (
    EXPOSURE,
    INTEGERS,
    MAX_ATTRIBUTE,
    MAX_DATA,
    MAX_DEPTH,
    MAX_EXTENSIONS,
    MAX_NAME,
    PERSONAL,
    RESERVED,
    Event,
    Refusal,
    check_json,
    is_attribute,
    read_event,
)
from counterpoint.journal.model.json import decode_json
from counterpoint.journal.model.outcome import Rejected
from counterpoint.journal.model.row import COLUMNS, Row, identity, row_of
from counterpoint.moments import to_micros

__all__ = ["BROKEN", "MAX_EVENT", "Plain", "PlainJson", "rows_of"]

BROKEN: Final = "it is not valid JSON: "
"""How the reason begins for what is no JSON; a door that knows lines names the line there."""
MAX_EVENT: Final = 8 * 2**20
"""Bytes of one event as JSON: what its limits allow with everything escaped, and no more."""
MOST_REFUSED: Final = 1_000
MOST_TIME: Final = 64
"""Characters of a time at most."""
LOWEST, HIGHEST = INTEGERS[0], INTEGERS[-1]
SIMPLE: Final = frozenset({str, bool, type(None)})

NO_DATA: Final = msgspec.Raw(b"null")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Common(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A document with no attributes but these and data. Nothing beyond the types is checked yet."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None


class Plain(_Common, forbid_unknown_fields=True, gc=False):
    """Such a document out of Python."""

    data: Any = None


class PlainJson(_Common, forbid_unknown_fields=True, gc=False):
    """Such a document out of JSON. The data waits as it came, so that of a batch one is in memory at a time."""

    data: msgspec.Raw = NO_DATA


_TYPE: Final = COLUMNS.index("type")
FIELDS: Final = frozenset(Plain.__struct_fields__)

_decode_plain = msgspec.json.Decoder(PlainJson).decode


class Read(NamedTuple):
    """What items became."""

    rows: list[Row]
    rejected: list[Rejected]
    refused: list[Any]
    """The documents of the rejected, as far as they can be read; of the first MOST_REFUSED, since they are in memory."""


def rows_of(items: Iterable[Any], *, received: datetime, personal: bool = True) -> Read:
    """The rows of those items that are events, and why the others are none.

    An item is a document, an `Event`, a `PlainJson`, or JSON that is to be read yet (`msgspec.Raw`). Without `personal`
    those are refused that speak for a listener (`PERSONAL`).
    """
    read = Read([], [], [])
    reader = _Reader(received)
    for index, item in enumerate(items):
        row = reader.row(item)
        if not personal and not isinstance(row, Refusal) and row[_TYPE].startswith(PERSONAL):
            row = Refusal(
                f"type {row[_TYPE]!r} is a listener's own word, which nobody who is signed in gives for them"
            )
        if isinstance(row, Refusal):
            read.rejected.append(Rejected(index, row.reason))
            read.refused.append(_readable(item) if len(read.refused) < MOST_REFUSED else None)
        else:
            read.rows.append(row)
    return read


class _Reader:
    """Makes the rows of one append."""

    def __init__(self, received: datetime) -> None:
        self._received = received
        self._micros = to_micros(received)
        self._known: set[str] = set()
        """Sources and types that are allowed; most events of an append share them."""
        self._plain = True
        """Whether the last document that was read had no extension attributes."""

    def row(self, item: Any) -> Row | Refusal:
        """The row of one item, or why it has none."""
        if type(item) is PlainJson:
            try:
                row = self._quick(item, _decode(item.data))
            except (msgspec.MsgspecError, ValueError, RecursionError):
                row = None
            if row is not None:
                return row
        return self._slowly(item)

    def _slowly(self, item: Any) -> Row | Refusal:
        data = None
        try:
            if type(item) is msgspec.Raw:
                item = _read(item, plain=self._plain)
                # The next ones are likely to be like it.
                self._plain = type(item) is PlainJson
            if type(item) is PlainJson:
                data = decode_json(item.data)
        except ValueError as error:
            return Refusal(f"{BROKEN}{error}")
        if type(item) is PlainJson:
            row = self._quick(item, data)
            if row is not None:
                return row
        elif (found := _plain(item)) is not None:
            plain, attributes = found
            row = self._quick(plain, plain.data, attributes)
            if row is not None:
                return row
        event = read_event(_document(item, data), received=self._received)
        return row_of(event) if isinstance(event, Event) else event

    def _quick(self, event: _Common, data: Any, attributes: str | None = None) -> Row | None:
        """The row, or None where there is anything to look at more closely; `attributes` are the checked ones as JSON."""
        source, id_, type_, subject = event.source, event.id, event.type, event.subject
        if not (id_.isprintable() and 0 < len(id_) <= MAX_ATTRIBUTE):
            return None
        if not (source in self._known and type_ in self._known) and not self._learns(source, type_):
            return None
        if subject is None:
            if type_ == EXPOSURE:
                return None  # the data may name it
        elif not (subject.isprintable() and 0 < len(subject) <= MAX_ATTRIBUTE):
            return None
        time = self._micros if event.time is None else _micros(event.time)
        text = None if data is None else _text(data)
        if time is None or (text is None and data is not None):
            return None
        flag_set = flag = variant = value = None
        if type(data) is dict:
            if type_ == EXPOSURE:
                flag_set = _named(data, "feature_flag.set.id")
                flag = _named(data, "feature_flag.key")
                variant = _named(data, "feature_flag.result.variant")
            if isinstance(found := data.get("value"), int | float):
                value = float(found)
        if event.datacontenttype is not None:
            attributes = _attributes(event.datacontenttype)
            if attributes is None:
                return None
        return (
            source, id_, type_, subject, time, self._micros, flag_set, flag, variant, value,
            text, attributes, identity(source, id_),
        )  # fmt: skip

    def _learns(self, source: str, type_: str) -> bool:
        if not (is_attribute(source) and is_attribute(type_)):
            return False
        self._known |= {source, type_}
        return True


def _read(raw: msgspec.Raw, *, plain: bool) -> Any:
    """One item of a batch in which not all are plain: as the struct where it is, and was likely to be; else as any JSON.

    Raises:
        ValueError: it is not valid JSON, or too large.
    """
    if len(memoryview(raw)) > MAX_EVENT:
        raise ValueError(f"it is larger than {MAX_EVENT:,} bytes")
    if plain:
        try:
            return _decode_plain(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
    return decode_json(raw)


def _plain(item: Any) -> tuple[Plain, str | None] | None:
    """A document as the struct, with its extension attributes as JSON, where it has that shape."""
    if type(item) is not dict:
        return None
    attributes = None
    if not item.keys() <= FIELDS:
        found = _extended(item)
        if found is None:
            return None
        item, attributes = found
    try:
        return msgspec.convert(item, Plain), attributes
    except (msgspec.ValidationError, ValueError, TypeError):
        return None


def _extended(item: dict[Any, Any]) -> tuple[dict[str, Any], str] | None:
    """The attributes that the struct has, and as JSON the others with the content type, if all are plain."""
    own: dict[str, Any] = {}
    others: dict[str, str | int | bool] = {}
    kind = item.get("datacontenttype")
    if kind is not None:
        if type(kind) is not str or not is_attribute(kind):
            return None
        others["datacontenttype"] = kind
    for name, value in item.items():
        if name in FIELDS:
            if name != "datacontenttype":
                own[name] = value
        elif _is_extension(name, value):
            others[name] = value
        else:
            return None
    return None if len(others) > MAX_EXTENSIONS else (own, _encode(others).decode())


def _is_extension(name: Any, value: Any) -> bool:
    if type(name) is not str or name in RESERVED or not (name.isprintable() and 0 < len(name) <= MAX_NAME):
        return False
    kind = type(value)
    if kind is str:
        return len(value) <= MAX_ATTRIBUTE and value.isprintable()
    return kind is bool or (kind is int and LOWEST <= value <= HIGHEST)


def _readable(item: Any) -> Any:
    """A refused item as a document, or None; its data is not looked at once more."""
    try:
        item = _read(item, plain=False) if type(item) is msgspec.Raw else item
    except ValueError:
        return None
    return _document(item, item.data) if isinstance(item, PlainJson) else _document(item, None)


def _document(item: Any, data: Any) -> Any:
    """An item as the long way takes it."""
    if isinstance(item, PlainJson):
        return {**{name: getattr(item, name) for name in _Common.__struct_fields__}, "data": data}
    return item.document() if isinstance(item, Event) else item


@lru_cache(maxsize=4096)
def _micros(text: str) -> int | None:
    """The microseconds since 1970 of a time in UTC; None where anything is unusual about it."""
    if len(text) > MOST_TIME or ":60" in text:
        return None
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    return to_micros(found) if found.tzinfo is UTC else None


@lru_cache(maxsize=256)
def _attributes(datacontenttype: str) -> str | None:
    if not is_attribute(datacontenttype):
        return None
    return _encode({"datacontenttype": datacontenttype}).decode()


def _text(data: Any) -> str | None:
    """The data as JSON, where JSON can say it and it is not too large."""
    try:
        if type(data) is dict:
            for key, value in data.items():
                kind = type(value)
                # Halves of surrogate pairs are not looked for here: the encoder refuses them.
                if type(key) is str and (
                    kind in SIMPLE
                    or (kind is int and LOWEST <= value <= HIGHEST)
                    or (kind is float and isfinite(value))
                ):
                    continue
                check_json(data, MAX_DEPTH)
                break
        else:
            check_json(data, MAX_DEPTH)
        text = _encode(data).decode()
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return text if len(text) <= MAX_DATA else None


def _named(data: dict[str, Any], key: str) -> str | None:
    found = data.get(key)
    return found if isinstance(found, str) else None
