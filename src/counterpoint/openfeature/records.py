"""How exposures and tracked events are written: OpenTelemetry's log records, and CloudEvents.

References:
    OpenTelemetry semantic conventions, "Semantic conventions for feature flags in logs".
    OTLP 1.x, JSON Protobuf encoding: names in lowerCamelCase, 64-bit integers as texts.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from openfeature.evaluation_context import EvaluationContext
from openfeature.track import TrackingEventDetails

from counterpoint import __version__
from counterpoint.flags.exposure_event import Exposure, event_of
from counterpoint.moments import rfc3339
from counterpoint.openfeature.answers import plain

__all__ = [
    "LOGS",
    "PROVIDER",
    "Noted",
    "export_request",
    "identity_of",
    "log_record",
    "noted_event",
    "tracked_event",
]

PROVIDER = "Counterpoint"
LOGS = "/v1/logs"
INFO = 9
"""OpenTelemetry's number of the severity INFO."""


class Noted(NamedTuple):
    """That a subject was given a variant, as it waits to be reported."""

    flag_set: str
    flag: str
    variant: str
    subject: str
    reason: str
    version: str
    """The version that the flag's metadata names; empty where it names none."""
    at: float
    """Unix seconds."""
    window: int
    """The number of the window within which it is reported once."""


def identity_of(noted: Noted, run: bytes) -> str:
    """An id that is the same however often it is computed in one window of one run."""
    told = (noted.flag_set, noted.flag, noted.variant, noted.subject, str(noted.window))
    parts = b"".join(len(part := text.encode("utf-8", "replace")).to_bytes(4, "big") + part for text in told)
    return blake2b(parts, digest_size=16, key=run).hexdigest()


def log_record(noted: Noted, identity: str) -> dict[str, Any]:
    """The exposure as a log record `feature_flag.evaluation`."""
    attributes = {
        "feature_flag.key": noted.flag,
        "feature_flag.set.id": noted.flag_set,
        "feature_flag.result.variant": noted.variant,
        "feature_flag.result.reason": noted.reason.lower(),
        "feature_flag.context.id": _text(noted.subject),
        "feature_flag.provider.name": PROVIDER,
        "log.record.uid": identity,
    }
    if noted.version:
        attributes["feature_flag.version"] = noted.version
    return {
        "timeUnixNano": str(int(noted.at * 1_000_000) * 1000),
        "severityNumber": INFO,
        "eventName": "feature_flag.evaluation",
        "attributes": _pairs(attributes.items()),
    }


def export_request(records: Sequence[Mapping[str, Any]], service: str) -> bytes:
    """An ExportLogsServiceRequest of one service's records, as JSON."""
    scope = {"name": "counterpoint.openfeature", "version": __version__}
    resource = {"attributes": _pairs([("service.name", service)])}
    return msgspec.json.encode(
        {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": records}]}]}
    )


def noted_event(noted: Noted, identity: str) -> dict[str, Any]:
    """The exposure as a CloudEvent, for those who take it in this process."""
    exposure = Exposure(
        noted.flag_set, noted.flag, noted.variant, _text(noted.subject), noted.reason, noted.at
    )
    return event_of(exposure, identity)


def tracked_event(
    name: str,
    context: EvaluationContext | None,
    details: TrackingEventDetails | None,
    *,
    identity: str,
    service: str,
) -> dict[str, Any]:
    """What `track` was told, as a CloudEvent: the value is what metrics add up."""
    data = {str(key): plain(value) for key, value in (details.attributes if details else {}).items()}
    if details is not None and details.value is not None:
        data["value"] = details.value
    event = {
        "specversion": "1.0",
        "id": identity,
        "source": f"/openfeature/{quote(service, safe='')}",
        "type": name,
        "time": rfc3339(datetime.fromtimestamp(time.time(), UTC)),
        "data": data,
    }
    if context is not None and context.targeting_key:
        event["subject"] = _text(context.targeting_key)
    return event


def _pairs(attributes: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes]


def _text(subject: str) -> str:
    """A text that UTF-8 can hold."""
    return subject if subject.isascii() else subject.encode("utf-8", "replace").decode()
