"""All flags of a set at once: one content with its ETag, kept for as long as it cannot change."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from counterpoint.flags.flag import Evaluation
from counterpoint.flags.model import FlagSet

__all__ = ["Bulk", "Content"]

MOST: Final = 32 * 1024 * 1024
"""Bytes of contents that are kept."""
OVERHEAD: Final = 600
"""Bytes that a kept content takes beside itself, about."""
INACTIVITY: Final = 120
"""Seconds after which a client in the background may leave its stream."""


class Content(NamedTuple):
    """What is answered."""

    body: bytes
    etag: str
    """Of the body, in quotes: rules read attributes and the time, which no version of a set shows."""

    def is_known(self, if_none_match: str) -> bool:
        """Whether a client that sends this header has it."""
        known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return self.etag in known or "*" in known


class Bulk:
    """Answers for all flags of a set. For use on one thread, the event loop's.

    Contents are kept by set, context and stream, unless a rule of the set reads the time; a changed set is
    another object, so that nothing old is ever found.
    """

    def __init__(self, shape: Callable[[str, Evaluation], dict[str, Any]], *, most: int = MOST) -> None:
        """Take how one evaluation is written, and how many bytes may be kept."""
        self._shape = shape
        self._most = most
        self._size = 0
        self._kept: OrderedDict[bytes, tuple[weakref.ref[FlagSet], Content]] = OrderedDict()

    def content(self, flags: FlagSet | None, context: Mapping[str, Any], stream: str) -> Content:
        """The answers for a context, and the address of the stream that tells when they may have changed."""
        if flags is None or flags.reads_time:
            return self._made(flags, context, stream)
        try:
            told = msgspec.json.encode((id(flags), stream, context), order="deterministic")
        except (TypeError, ValueError, RecursionError):  # such as half a character, which JSON can hold
            return self._made(flags, context, stream)
        key = blake2b(told, digest_size=16).digest()
        kept = self._kept.get(key)
        if kept is not None and kept[0]() is flags:
            self._kept.move_to_end(key)
            return kept[1]
        content = self._made(flags, context, stream)
        self._keep(key, flags, content)
        return content

    def _made(self, flags: FlagSet | None, context: Mapping[str, Any], stream: str) -> Content:
        shape = self._shape
        answers = flags.evaluate_all(context) if flags is not None else {}
        body = msgspec.json.encode(
            {
                "flags": [shape(key, found) for key, found in answers.items()],
                "metadata": dict(flags.metadata) if flags is not None else {},
                "eventStreams": [
                    {"type": "sse", "endpoint": {"requestUri": stream}, "inactivityDelaySec": INACTIVITY}
                ],
            }
        )
        return Content(body, f'"{blake2b(body, digest_size=16).hexdigest()}"')

    def _keep(self, key: bytes, flags: FlagSet, content: Content) -> None:
        size = len(content.body) + OVERHEAD
        if size * 16 > self._most:
            return  # one that pushes out all others
        if (old := self._kept.pop(key, None)) is not None:
            self._size -= len(old[1].body) + OVERHEAD
        self._kept[key] = weakref.ref(flags), content
        self._size += size
        while self._size > self._most:
            _, (_, gone) = self._kept.popitem(last=False)
            self._size -= len(gone.body) + OVERHEAD
