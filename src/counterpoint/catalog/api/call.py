"""One request to the catalog API and its answer, without ASGI: what operations take and give."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from counterpoint.graph.actor import Actor
from counterpoint.workspace import Workspace

__all__ = ["Answer", "Call", "empty", "json_answer", "raw_answer", "weak_etag"]

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose parameters and body have passed the operation's checks."""

    workspace: Workspace
    actor: Actor
    url: str
    """Path and query below `/api/catalog`, as they came."""
    path: Mapping[str, str] = field(default_factory=dict)
    """Values of the path's `{names}`, decoded."""
    query: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that were given: text, a list of texts, or a whole number, by the operation's table."""
    body: Any = None
    """The decoded JSON; None where none was sent."""

    @property
    def strict(self) -> bool:
        """Whether Backstage's quirks are wanted (`[catalog] strict`)."""
        return self.workspace.settings.catalog.strict


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int = 200
    content: bytes | Iterable[bytes] = b""
    """All of it, or parts that are sent one after the other without ever being held together."""
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    """With an etag, a GET whose `If-None-Match` names it is answered with 304."""


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An object as JSON with the weak etag that Backstage gives to it."""
    content = msgspec.json.encode(value)
    return Answer(status, content, {"content-type": JSON, **(headers or {})}, weak_etag(content))


def raw_answer(content: bytes | Iterable[bytes], headers: Mapping[str, str] | None = None) -> Answer:
    """JSON that is serialised already; Backstage gives no etag to it."""
    return Answer(200, content, {"content-type": JSON, **(headers or {})})


def empty(status: int) -> Answer:
    """An answer without content."""
    return Answer(status)


def weak_etag(content: bytes) -> str:
    """The etag that express makes of a body: its length and the start of its SHA-1 in base64."""
    digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    return f'W/"{len(content):x}-{digest[:27]}"'
