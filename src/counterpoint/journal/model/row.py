"""How an event is laid out in columns: one order for the intake, the segments and the snapshots."""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import msgspec

from counterpoint.journal.model.event import AHEAD, EARLIEST, MAX_DATA, Event, Refusal
from counterpoint.moments import to_datetime, to_micros

__all__ = ["COLUMNS", "Row", "event_of", "identity", "row_of", "wrong_clocks"]

COLUMNS: Final = (
    "source", "id", "type", "subject", "time", "received", "flag_set", "flag", "variant", "value", "data", "attributes",
)  # fmt: skip
"""Times are microseconds since 1970 in UTC; `data` and `attributes` are JSON text."""

Row = tuple[Any, ...]
"""The values of COLUMNS, and in the intake the identity after them."""

BINARY: Final = "data_base64"

_TIME, _RECEIVED = COLUMNS.index("time"), COLUMNS.index("received")
_AHEAD, _EARLIEST = AHEAD // timedelta(microseconds=1), to_micros(EARLIEST)

_encode = msgspec.json.Encoder().encode


def identity(source: str, id: str) -> bytes:  # noqa: A002 - CloudEvents' word
    """128 bits that stand for (source, id); the length keeps ("a", "bc") and ("ab", "c") apart."""
    hasher = _begun(source).copy()
    hasher.update(id.encode())
    return hasher.digest()


@lru_cache(maxsize=1024)
def _begun(source: str) -> "blake2b":
    """The hash of the source's part, since many events share their source."""
    return blake2b(f"{len(source)}:{source}".encode(), digest_size=16)


def row_of(event: Event) -> Row | Refusal:
    """The event's columns, followed by its identity; a refusal where its data is too large."""
    data = None
    if event.data is not None:
        data = _encode(event.data).decode()
        if len(data) > MAX_DATA:
            return Refusal(f"data is larger than {MAX_DATA:,} bytes")
    attributes: dict[str, Any] = dict(event.attributes)
    if event.data_base64 is not None:
        attributes[BINARY] = event.data_base64
    return (
        event.source, event.id, event.type, event.subject,
        to_micros(event.time), to_micros(event.received),
        event.flag_set, event.flag, event.variant, event.value,
        data, _encode(attributes).decode() if attributes else None,
        identity(event.source, event.id),
    )  # fmt: skip


def wrong_clocks(rows: Sequence[Row]) -> tuple[int, int]:
    """How many of the rows have a time that lies ahead of their arrival, or before clocks are set."""
    odd = [row[_TIME] for row in rows if not _EARLIEST <= row[_TIME] <= row[_RECEIVED] + _AHEAD]
    late = sum(time < _EARLIEST for time in odd)
    return len(odd) - late, late


def event_of(row: Row) -> Event:
    """The event of the columns that `row_of` made."""
    source, id_, type_, subject, time, received, _set, _flag, _variant, _value, data, attributes = row[
        : len(COLUMNS)
    ]
    kept: dict[str, Any] = msgspec.json.decode(attributes) if attributes else {}
    return Event(
        id=id_, source=source, type=type_, subject=subject,
        time=to_datetime(time), received=to_datetime(received),
        data=None if data is None else msgspec.json.decode(data),
        data_base64=kept.pop(BINARY, None), attributes=kept,
    )  # fmt: skip
