"""One final entity out of the rows that make it, and how far the graph had come then; without its database."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from counterpoint.graph.final import final_entity
from counterpoint.javascript import js_numbers

__all__ = ["Mark", "stitched"]

_UNUSUAL = re.compile(r"[:,\[]-?\d+(?:[.eE]|\d{15})")
"""Numbers that JavaScript may write otherwise; that some text looks alike does no harm."""
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the graph had come when it was read."""

    seq: int = 0
    """Number of the newest change."""
    at: int = 0
    """When that was, in microseconds since 1970: nothing later happened in the graph."""
    relation: int = 0
    """Number of the newest relation."""


def stitched(
    text: str, uid: str, etag: str, edges: Iterable[tuple[str, str]], status: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The final entity of a stored document, given as its JSON."""
    document = _decode(text)
    if _UNUSUAL.search(text):
        document = js_numbers(document)
    return final_entity(document, uid=uid, etag=etag, relations=edges, status=status)
