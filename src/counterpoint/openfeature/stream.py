"""Reading server-sent events.

References:
    WHATWG HTML, section 9.2.6 "Interpreting an event stream".
"""

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Message", "Messages"]

MOST = 1024 * 1024
"""Bytes of one message; a stream that sends more without an end is none."""


class Message(NamedTuple):
    """One event of a stream."""

    event: str
    data: str
    id: str
    """The last id that the stream has named."""


class Messages:
    """Turns the bytes of a stream into messages, however they are cut."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry: float | None = None
        """Seconds that the server asks us to wait before we come back."""
        self._rest = b""
        self._first = True
        self._event = ""
        self._data: list[str] = []

    def feed(self, part: bytes) -> Iterator[Message]:
        """The messages that this part completes.

        Raises:
            ValueError: the message is longer than 1 MiB.
        """
        for line in self._lines(part):
            if (message := self._take(line)) is not None:
                yield message

    def _lines(self, part: bytes) -> list[str]:
        content = self._rest + part
        if self._first and len(content) >= 3:
            content, self._first = content.removeprefix(b"\xef\xbb\xbf"), False
        # A carriage return at the end may be half of the line's end.
        ends = content.endswith(b"\r")
        plain = (content[:-1] if ends else content).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = plain.split(b"\n")
        self._rest = rest + b"\r" if ends else rest
        if len(rest) + sum(map(len, self._data)) > MOST:
            raise ValueError(f"one message is longer than {MOST:,} bytes")
        return [line.decode("utf-8", "replace") for line in lines]

    def _take(self, line: str) -> Message | None:
        if not line:
            event, data = self._event or "message", self._data
            self._event, self._data = "", []
            return Message(event, "\n".join(data), self.last_id) if data else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self.last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value[:9]) / 1000
        return None
