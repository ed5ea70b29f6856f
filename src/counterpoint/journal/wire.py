"""Events as they come over HTTP: CloudEvents' JSON, its batch, NDJSON, and one event in headers. Pure."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from counterpoint.errors import InputError, Problem, TooLargeError
from counterpoint.journal.model.json import decode_json, items_of
from counterpoint.journal.model.outcome import Receipt
from counterpoint.journal.model.plain import BROKEN, MAX_EVENT, PlainJson
from counterpoint.journal.readers import line_of

__all__ = [
    "BATCH",
    "LINES",
    "MOST",
    "SINGLE",
    "TYPES",
    "Sent",
    "completed",
    "is_binary",
    "read_binary",
    "read_body",
]

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
LINES: Final = "application/x-ndjson"
TYPES: Final = (SINGLE, BATCH, LINES)
MOST: Final = 50_000
"""Events of one request."""
MARK: Final = b"\xef\xbb\xbf"
"""UTF-8's byte order mark, which some programs write first."""
FEW_COMMAS: Final = 20 * MOST
"""In a body with more, items are counted while they are read: a million nothings shall not become a million objects."""

_decode_batch = msgspec.json.Decoder(list[PlainJson]).decode
_decode_lines = msgspec.json.Decoder(PlainJson).decode_lines
_split_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode
_FAILURES: Final = (msgspec.MsgspecError, ValueError, RecursionError)


class Sent(NamedTuple):
    """The events of one request, for `Journal.submit`; whether each is one is seen there."""

    items: Sequence[Any]
    lines: Sequence[int] | None = None
    """The line that each is on, from 1, where lines say it best."""


def read_body(content_type: str, body: bytes) -> Sent:
    """The events in a request's body; `content_type` is one of TYPES.

    Raises:
        InputError: the body as a whole is no JSON of that shape; the problem names the line.
        TooLargeError: there are more than MOST.
    """
    body = body.removeprefix(MARK)
    if not body.strip():
        raise InputError(f"The body is empty; send {content_type}.")
    if content_type == LINES:
        return _lines(body)
    return Sent(_batch(body) if content_type == BATCH else [_single(body)])


def _single(body: bytes) -> Any:
    if len(body) > MAX_EVENT:
        raise TooLargeError(f"An event may have {MAX_EVENT:,} bytes as JSON.")
    found = _json(body)
    if isinstance(found, list):
        raise InputError(f"{SINGLE} is one event; send an array as {BATCH}.")
    return found


def _batch(body: bytes) -> Sequence[Any]:
    if body.count(b",") <= FEW_COMMAS:
        for decode in (_decode_batch, _split_batch):
            try:
                return _held(decode(body))
            except _FAILURES:
                continue
    if not body.lstrip().startswith(b"["):
        _json(body[:MAX_EVENT])
        raise InputError(f"{BATCH} is a JSON array of events; send one event as {SINGLE}.")
    try:
        # One that is broken costs the others nothing, as long as it is clear where it ends.
        return _held([msgspec.Raw(item) for item in islice(items_of(body), MOST + 1)])
    except ValueError as error:
        raise InputError("The body is not valid JSON.", [_told(body, str(error))]) from None


def _held(items: list[Any]) -> list[Any]:
    if len(items) > MOST:
        raise TooLargeError(f"A request may hold {MOST:,} events; send them in several.")
    return items


def _json(body: bytes) -> Any:
    try:
        return decode_json(body)
    except ValueError as error:
        problem = Problem(str(error), line=line_of(body, str(error)))
        raise InputError("The body is not valid JSON.", [problem]) from None


def _told(body: bytes, otherwise: str) -> Problem:
    """What is wrong with a body and where, as the decoder says it."""
    try:
        decode_json(body[: 2 * MAX_EVENT])
    except ValueError as error:
        return Problem(str(error), line=line_of(body, str(error)))
    return Problem(otherwise)


def _lines(body: bytes) -> Sent:
    stripped = body.strip()
    further = stripped.count(b"\n")
    first = body.count(b"\n", 0, len(body) - len(body.lstrip())) + 1
    if further < MOST and _one_on_each(stripped, further):
        try:
            found = _decode_lines(stripped)
        except _FAILURES:
            found = []
        if len(found) == further + 1:
            return Sent(found, range(first, first + len(found)))
    numbered = ((number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip())
    chosen = list(islice(numbered, MOST + 1))
    _held(chosen)
    return Sent([msgspec.Raw(line) for _, line in chosen], [number for number, _ in chosen])


def _one_on_each(body: bytes, further: int) -> bool:
    """Whether each line begins and ends as an object.

    An object cannot end and another begin within a value without a comma, so that no event goes over
    the end of a line; then as many events as lines are one on each.
    """
    ends = body.startswith(b"{") and body.endswith(b"}")
    return ends and further in (body.count(b"}\n{"), body.count(b"}\r\n{"))


def completed(receipt: Receipt, sent: Sent) -> Receipt:
    """The receipt with the lines of what is no JSON."""
    if sent.lines is None or not receipt.rejected:
        return receipt
    told = [
        msgspec.structs.replace(each, reason=f"line {sent.lines[each.index]} {each.reason[3:]}")
        if each.reason.startswith(BROKEN)
        else each
        for each in receipt.rejected
    ]
    return msgspec.structs.replace(receipt, rejected=tuple(told))


def is_binary(content_type: str, headers: Mapping[bytes, str]) -> bool:
    """Whether a request holds one event in CloudEvents' binary mode: its attributes in headers, its data as the body."""
    named = b"ce-specversion" in headers or b"ce-id" in headers
    return named and content_type not in TYPES


def read_binary(headers: Iterable[tuple[bytes, str]], body: bytes) -> Sent:
    """The event of a request in binary mode.

    References:
        CloudEvents 1.0.2, HTTP protocol binding, section 3.1.

    Raises:
        InputError: a header is there twice or holds no text, or the data is not what the content type says.
    """
    document: dict[str, Any] = {}
    for name, value in headers:
        attribute = "datacontenttype" if name == b"content-type" else name.decode("latin-1")
        if attribute.startswith("ce-"):
            attribute = attribute[3:]
        elif attribute != "datacontenttype":
            continue
        if attribute in document:
            raise InputError(
                f"The header {name.decode('latin-1')!r} is there twice; an attribute has one value."
            )
        if attribute in ("data", "data_base64"):
            raise InputError("Data goes into the body, not into a header.")
        document[attribute] = value if attribute == "datacontenttype" else _header_text(attribute, value)
    if body:
        document.update(_content(document.get("datacontenttype"), body))
    return Sent([document])


def _header_text(name: str, value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    try:
        # What is beyond ASCII comes percent-encoded, or as it is from those who do not know.
        return unquote_to_bytes(value.encode("latin-1")).decode("utf-8")
    except ValueError:
        raise InputError(f"The header 'ce-{name}' is not UTF-8 text.") from None


def _content(content_type: str | None, body: bytes) -> dict[str, Any]:
    """The data of a body: JSON as JSON, text as text, everything else as base64."""
    if len(body) > MAX_EVENT:
        raise TooLargeError(f"An event may have {MAX_EVENT:,} bytes.")
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    if kind.endswith(("/json", "+json")):
        return {"data": _json(body.removeprefix(MARK))}
    if kind.startswith("text/"):
        try:
            return {"data": body.decode("utf-8")}
        except ValueError:
            pass
    return {"data_base64": base64.b64encode(body).decode()}
