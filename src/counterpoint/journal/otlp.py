"""Flag evaluations out of OpenTelemetry's logs (OTLP/HTTP, JSON) into event documents. Pure.

References:
    OTLP 1.x: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
    Semantic conventions for feature flags in logs, and `log.record.uid`.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from counterpoint.errors import InputError, TooLargeError
from counterpoint.journal.model.event import EXPOSURE, MAX_DEPTH
from counterpoint.moments import rfc3339

__all__ = ["MOST_REASONS", "Logs", "answer", "read_logs"]

DEFAULT_SET: Final = "default"
MOST: Final = 50_000
"""Records of one request."""
MOST_REASONS: Final = 3
"""Reasons that an answer names; it counts all."""
UID: Final = "log.record.uid"
"""OpenTelemetry's attribute for what tells a repeated record."""

TEXTS: Final = {
    "feature_flag.key": "feature_flag.key",
    "feature_flag.set.id": "feature_flag.set.id",
    "feature_flag.result.variant": "feature_flag.result.variant",
    "feature_flag.result.reason": "feature_flag.result.reason",
    "feature_flag.context.id": "feature_flag.context.id",
    "feature_flag.provider.name": "feature_flag.provider.name",
    "feature_flag.version": "feature_flag.version",
    "error.type": "error.type",
    "error.message": "error.message",
    # Names of before 2025, which SDKs still write.
    "feature_flag.variant": "feature_flag.result.variant",
    "feature_flag.evaluation.reason": "feature_flag.result.reason",
    "feature_flag.provider_name": "feature_flag.provider.name",
    "feature_flag.evaluation.error.message": "error.message",
}
"""Attributes that are kept, by the names under which they may come; others may hold what concerns nobody."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Logs(NamedTuple):
    """The records of one request."""

    documents: list[dict[str, Any]]
    """Those that are flag evaluations, as event documents."""
    rejected: list[str]
    """Why each of the others is not taken."""


class _Odd(Exception):  # noqa: N818 - control flow of this module only
    """A record that is not taken."""


def read_logs(body: bytes) -> Logs:
    """The flag evaluations of an ExportLogsServiceRequest in JSON. Each record stands for itself.

    Raises:
        InputError: the body as a whole is no such request.
        TooLargeError: it has more than MOST records.
    """
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InputError(f"The body is not valid JSON: {error}.") from None
    if not isinstance(request, dict):
        raise InputError('The body is no ExportLogsServiceRequest; send {"resourceLogs": [...]}.')
    logs = Logs([], [])
    for number, (place, resource, record) in enumerate(_records(request), 1):
        if number > MOST:
            raise TooLargeError(f"A request may hold {MOST:,} log records; send them in several.")
        try:
            logs.documents.append(_document(resource, record))
        except _Odd as odd:
            logs.rejected.append(f"{place}: {odd}")
    return logs


def answer(rejected: list[str]) -> dict[str, Any]:
    """What OTLP answers: nothing where all was taken, else how many were not and why."""
    if not rejected:
        return {}
    message = "; ".join(rejected[:MOST_REASONS])
    if len(rejected) > MOST_REASONS:
        message += f"; and {len(rejected) - MOST_REASONS:,} more"
    return {"partialSuccess": {"rejectedLogRecords": str(len(rejected)), "errorMessage": message}}


def _records(request: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for first, of_resource in _each(request, "resourceLogs", ""):
        resource = of_resource.get("resource")
        for second, of_scope in _each(of_resource, "scopeLogs", first):
            for third, record in _each(of_scope, "logRecords", second):
                yield third, resource, record


def _each(holder: Mapping[str, Any], name: str, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    found = holder.get(name)
    if found is None:
        return
    if not isinstance(found, list):
        raise InputError(f"{place}/{name} is no list.")
    for index, each in enumerate(found):
        pointer = f"{place}/{name}/{index}"
        if not isinstance(each, dict):
            raise InputError(f"{pointer} is no object.")
        yield pointer, each


def _document(resource: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    found = _attributes(record)
    name = record.get("eventName") or found.get("event.name")
    if name != EXPOSURE:
        shown = repr(name)[:60] if name else "without a name"
        raise _Odd(f"a record {shown} is not kept; only the event {EXPOSURE!r} is, others go to /api/events")
    data = _data(found)
    flag_set = data["feature_flag.set.id"]
    at = _time(record)
    document = {
        "specversion": "1.0",
        "id": found.get(UID) or _identity(resource, data, at),
        "source": f"/api/flags/sets/{quote(flag_set, safe='')}",
        "type": EXPOSURE,
        "data": data,
    }
    if at is not None:
        document["time"] = rfc3339(at)
    if subject := data.get("feature_flag.context.id"):
        document["subject"] = subject
    return document


def _data(found: Mapping[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {"feature_flag.key": None, "feature_flag.set.id": DEFAULT_SET}
    for name, kept in TEXTS.items():
        value = found.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise _Odd(f"{name} is no text")
        if name == kept or not data.get(kept):
            data[kept] = value
    if data["feature_flag.key"] is None:
        raise _Odd("feature_flag.key is missing")
    if reason := data.get("feature_flag.result.reason"):
        data["feature_flag.result.reason"] = reason.lower()
    if found.get("feature_flag.result.value") is not None:
        data["feature_flag.result.value"] = found["feature_flag.result.value"]
    return data


def _attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    pairs = record.get("attributes") or []
    if not isinstance(pairs, list):
        raise _Odd("attributes is no list")
    found: dict[str, Any] = {}
    for pair in pairs:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise _Odd("an attribute is no object with a key")
        found[pair["key"]] = _value(pair.get("value"), MAX_DEPTH)
    return found


def _value(value: Any, depth: int) -> Any:
    """An AnyValue as plain JSON."""
    if value is None or value == {}:
        return None
    if not isinstance(value, dict) or len(value) != 1 or depth == 0:
        raise _Odd("an attribute's value is no AnyValue")
    ((kind, content),) = value.items()
    if kind == "stringValue" and isinstance(content, str):
        return content
    if kind == "boolValue" and isinstance(content, bool):
        return content
    if kind in ("intValue", "doubleValue"):
        return _number(kind, content)
    if kind == "bytesValue" and isinstance(content, str):
        with _odd_as("bytesValue is no base64"):
            base64.b64decode(content, validate=True)
        return content
    items = content.get("values") if isinstance(content, dict) else None
    if kind == "arrayValue" and isinstance(items, list | None):
        return [_value(item, depth - 1) for item in items or ()]
    if kind == "kvlistValue" and isinstance(items, list | None):
        return _attributes({"attributes": items})
    raise _Odd("an attribute's value is no AnyValue")


class _odd_as:  # noqa: N801 - reads as the function that it replaces
    """Turns a ValueError into a record that is not taken."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError | OverflowError | binascii.Error):
            raise _Odd(self._message) from None


def _number(kind: str, content: Any) -> int | float:
    """A number, which JSON Protobuf may write as a text."""
    with _odd_as(f"{kind} is no number"):
        return float(content) if kind == "doubleValue" and _is_number(content) else _whole(content)


def _is_number(content: Any) -> bool:
    return isinstance(content, str | int | float) and not isinstance(content, bool)


def _whole(content: Any) -> int:
    if not _is_number(content) or (isinstance(content, str) and len(content) > 20):
        raise ValueError
    return int(content)


def _time(record: Mapping[str, Any]) -> datetime | None:
    """When it happened, else when it was observed; None where the record says neither."""
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        if record.get(name) in (None, "", 0, "0"):
            continue
        with _odd_as(f"{name} is no time in nanoseconds since 1970"):
            written = record[name]
            # A float has lost some nanoseconds already; the nearest microsecond is what was meant.
            micros = round(written / 1000) if isinstance(written, float) else _whole(written) // 1000
            if micros < 0:
                raise ValueError
            return _EPOCH + timedelta(microseconds=micros)
    return None


def _identity(resource: Any, data: Mapping[str, Any], at: datetime | None) -> str:
    """An id that a repeated record has again: of who sent it, what it says and when."""
    told = msgspec.json.encode([resource, data, at], order="deterministic")
    return blake2b(told, digest_size=16).hexdigest()
