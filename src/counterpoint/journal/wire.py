"""Events as they come over HTTP: CloudEvents' JSON, its batch, and NDJSON. Pure."""

from typing import Any, Final, NamedTuple

import msgspec

from counterpoint.errors import InputError, Problem
from counterpoint.journal.model.outcome import Receipt, Rejected
from counterpoint.journal.readers import decode_json, line_of

__all__ = ["BATCH", "LINES", "SINGLE", "TYPES", "Sent", "completed", "read_body"]

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
LINES: Final = "application/x-ndjson"
TYPES: Final = (SINGLE, BATCH, LINES)


class Sent(NamedTuple):
    """The documents of one request."""

    documents: list[Any]
    indexes: list[int]
    """The place of each document in what was sent, from 0."""
    broken: list[Rejected]
    """Lines that are no JSON."""


def read_body(content_type: str, body: bytes) -> Sent:
    """The documents in a request's body; `content_type` is one of TYPES.

    Raises:
        InputError: the body as a whole is no JSON of that shape; the problem names the line.
    """
    if not body.strip():
        raise InputError(f"The body is empty; send {content_type}.")
    if content_type == LINES:
        return _lines(body)
    found = _json(body)
    if content_type == BATCH:
        if not isinstance(found, list):
            raise InputError(f"{BATCH} is a JSON array of events; send one event as {SINGLE}.")
        return Sent(found, list(range(len(found))), [])
    if isinstance(found, list):
        raise InputError(f"{SINGLE} is one event; send an array as {BATCH}.")
    return Sent([found], [0], [])


def _json(body: bytes) -> Any:
    try:
        return decode_json(body)
    except ValueError as error:
        raise InputError(
            "The body is not valid JSON.", [Problem(str(error), line=line_of(body, str(error)))]
        ) from None


def _lines(body: bytes) -> Sent:
    sent = Sent([], [], [])
    index = 0
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            sent.documents.append(decode_json(line))
            sent.indexes.append(index)
        except ValueError as error:
            sent.broken.append(Rejected(index, f"line {number} is not valid JSON: {error}"))
        index += 1
    return sent


def completed(receipt: Receipt, sent: Sent) -> Receipt:
    """The receipt with the places of what was sent, and the broken lines among the rejected."""
    refused = [msgspec.structs.replace(each, index=sent.indexes[each.index]) for each in receipt.rejected]
    rejected = sorted([*sent.broken, *refused], key=lambda each: each.index)
    return Receipt(receipt.accepted, receipt.duplicates, tuple(rejected))
