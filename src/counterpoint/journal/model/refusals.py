"""Why events are refused, as a few classes with their remedies, and what may be kept of a refused one. Pure.

A refused event is not in the journal: nobody finds it there to delete it. So nothing of a person is kept of it.
`subject`, `id` and `data` are told by type and size alone, and so is every attribute that is not CloudEvents' own.
The reason, which may quote what was sent, is kept as its class.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from counterpoint.errors import Said

__all__ = ["REASONS", "REQUESTS", "Reason", "reason_of", "sample_of", "source_of"]

LONGEST_SAMPLE: Final = 300
"""Characters."""
LONGEST_VALUE: Final = 60
_UNREADABLE: Final = "(unreadable)"
_SHOWN: Final = ("specversion", "type", "source", "time", "datacontenttype", "dataschema")
"""What says who sends what, and when: a sender cannot be told what to mend without it."""
_CONTEXT: Final = (*_SHOWN, "id", "subject", "data", "data_base64")
_NAME: Final = re.compile(r"[a-z0-9]{1,20}\Z")
"""How CloudEvents lets an extension be named."""


class Reason(NamedTuple):
    """A class of reasons."""

    key: str
    title: Said
    remedy: Said
    pattern: str = ""
    """Begins a reason of this class."""


REASONS: Final = (
    Reason("json", "It is no JSON", "Look at what writes it: a line must be one whole JSON document in UTF-8, and no text may be put together by hand.",
           r"(line [\d,]+|it) is not valid JSON|not valid JSON|the line is not valid|.* is not UTF-8"),
    Reason("line-length", "The line is too long", "Send less data in one event; large things belong elsewhere, with their address in the event.",
           r"the line has more than"),
    Reason("no-object", "It is JSON, but no object", "Send each event as a JSON object with specversion, id, source and type.",
           r"an event (is|must be) a JSON object"),
    Reason("specversion", "Its specversion is not 1.0", 'Set specversion to "1.0"; other forms of CloudEvents are not read.',
           r"specversion "),
    Reason("missing", "An attribute is missing", "Every event needs specversion, id, source and type; the sample shows which one is not there.",
           r"(id|source|type|\S+) is (missing|empty);"),
    Reason("time", "Its time cannot be read", "Send time as RFC 3339 with a zone, such as 2026-05-03T12:00:00Z, or leave it out.",
           r"time is "),
    Reason("length", "An attribute is too long", "Attributes have 2,048 characters at most; put long texts into data.",
           r"\S+ has [\d,]+ characters|the attribute .* is too long"),
    Reason("characters", "An attribute holds characters that are not allowed", "Remove control characters, half surrogates and noncharacters from the attributes.",
           r"\S+ holds a character"),
    Reason("data-size", "Its data is too large", "Data may have 1 MiB; send less, or the address of what is large.",
           r"data(_base64)? is larger than"),
    Reason("data-depth", "Its data nests too deeply", "Data may nest 64 levels; send it flatter.",
           r"data nests deeper"),
    Reason("data-value", "Its data holds what JSON cannot say", "Send no NaN, no infinity, no half surrogates; integers beyond 64 bits go as text.",
           r"data holds "),
    Reason("data-base64", "Its data_base64 is no base64", "Encode binary data as base64, and give data or data_base64, not both.",
           r"data_base64 is |data and data_base64 "),
    Reason("attribute-name", "The name of an attribute is not allowed", "Extension attributes are named with lower-case letters and digits.",
           r"the attribute name "),
    Reason("extensions", "It has too many extension attributes", "An event may have 64; put the others into data.",
           r"an event may have "),
    Reason("extension", "An extension attribute has a value that is not allowed", "Extension attributes are text, integers or booleans; put lists and objects into data.",
           r"the extension attribute "),
    Reason("attribute", "An attribute has the wrong type", "id, source, type, subject and time are text in quotes.",
           r"\S+ is (text|true or false|a number|null|a list|an object|a \w+);"),
    Reason("log-event", "A log record is no flag evaluation", "Only the event feature_flag.evaluation is kept from logs; let the exporter send no others, or send them to /api/events.",
           r"(/\S*: )?a record .* is not kept"),
    Reason("log-record", "A log record cannot be read", "See OpenTelemetry's semantic conventions for feature flags: attributes as AnyValue, feature_flag.key as text.",
           r"/resourceLogs/"),
    Reason("row", "A row of a table does not fit its mapping", "Correct the row, or the mapping: `counterpoint import events` names file, line, column and value.",
           r""),
    Reason("other", "Another reason", "The answer to whoever sent it names the reason."),
)  # fmt: skip
"""The first whose pattern begins a reason has it; `row` is only asked for where rows are read."""

REQUESTS: Final = (
    Reason("request-json", "The whole request could not be read", "It was no JSON of its content type, or empty or cut off; the answer named the line."),
    Reason("request-content-type", "The request had a content type or an encoding that is not taken", "Send application/cloudevents+json, application/cloudevents-batch+json or application/x-ndjson; to /v1/logs application/json."),
    Reason("request-size", "The request was too large", "Send fewer events at once, or raise [server] max_body_mb."),
    Reason("request-queue", "Too many events waited for the disk", "Senders that wait for Retry-After and send again lose nothing. Where it lasts, send larger batches, use a faster disk, or raise [journal] queue."),
    Reason("request-storage", "The journal could not be written", "Free some space and see `counterpoint doctor`; what was not acknowledged has to be sent again."),
    Reason("request-access", "The sender was not let in", "Its token is missing, revoked or without the scope events:write: `counterpoint token create NAME --scope events:write`."),
)  # fmt: skip
"""Why whole requests are refused. How many events were in them, nobody knows."""
STATUSES: Final = {
    400: "request-json",
    401: "request-access",
    403: "request-access",
    413: "request-size",
    415: "request-content-type",
    422: "request-json",
    429: "request-queue",
    503: "request-storage",
    507: "request-storage",
}
"""The reason by the status of an answer."""

_PATTERNS: Final = [
    (each.key, re.compile(each.pattern, re.DOTALL)) for each in REASONS if each.pattern and each.key != "row"
]


def reason_of(reason: str) -> str:
    """The class of a reason; `other` where it is in none."""
    return next((key for key, pattern in _PATTERNS if pattern.match(reason)), "other")


def source_of(document: object) -> str:
    """The source of a refused event, where it has one that can be read."""
    found = document.get("source") if isinstance(document, Mapping) else None
    return found if isinstance(found, str) and found and found.isprintable() else ""


def sample_of(document: object) -> str:
    """The shape of a refused event as JSON, cut off after LONGEST_SAMPLE characters: names and types, and no values
    but those of _SHOWN, shortened."""
    if not isinstance(document, Mapping):
        return _cut(_shape(document))
    given = [name for name, value in document.items() if value is not None]  # null is as good as not there
    names = sorted(given, key=lambda name: _CONTEXT.index(name) if name in _CONTEXT else len(_CONTEXT))
    shape: dict[str, str] = {}
    for name in names[:40]:
        if name in _SHOWN:
            shape[name] = _value(document[name])
        elif name in _CONTEXT or (isinstance(name, str) and _NAME.match(name)):
            shape[name] = _shape(document[name])
        else:
            shape["(a name that is not allowed)"] = _shape(document[name])
    return _cut(msgspec.json.encode(shape).decode())


def _value(value: object) -> str:
    if not isinstance(value, str):
        return _shape(value)
    text = value if value.isprintable() else ascii(value)[1:-1]
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _shape(value: object) -> str:
    if value is None:
        return "(null)"
    if isinstance(value, bool):
        return "(true or false)"
    if isinstance(value, int | float):
        return "(a number)"
    if isinstance(value, str):
        odd = sorted({f"U+{ord(char):04X}" for char in value[:10_000] if not char.isprintable()})
        return f"(text of {len(value):,} characters{', with ' + ', '.join(odd[:3]) if odd else ''})"
    if isinstance(value, msgspec.Raw):
        return f"(JSON of {len(bytes(value)):,} bytes)"
    if isinstance(value, Mapping):
        return f"(an object of {len(value):,})"
    if isinstance(value, list | tuple):
        return f"(a list of {len(value):,})"
    return _UNREADABLE


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SAMPLE else text[: LONGEST_SAMPLE - 1] + "…"
