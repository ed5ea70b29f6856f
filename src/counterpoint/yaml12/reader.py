"""Reads YAML 1.2 (and so JSON) into plain values, and remembers where each value stood.

libyaml's parser gives the events; the values, the schema and the limits are ours. One broken document
costs only itself: what stands before and after it in the same file is kept.
"""

import os
import re
import stat
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from counterpoint.errors import Problem
from counterpoint.yaml12.composer import Composed, Composer, Position, Refusal
from counterpoint.yaml12.plainly import NAME, Places, Plain, read_plain

__all__ = [
    "MAX_BYTES",
    "Document",
    "Reading",
    "UnreadError",
    "document_again",
    "read_bytes",
    "read_data",
    "read_file",
    "read_text",
]

MAX_BYTES = 10 * 1024 * 1024
"""Largest descriptor file that is read."""

MAX_VALUES = 1_500_000
"""Values of a file: a catalog of 10 MB has about a million, and each costs some hundred bytes of memory."""

MAX_BROKEN = 100
"""Broken documents of a file after which the rest is not tried: it is no YAML at all."""

SEPARATOR = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""What libyaml counts as the end of a line."""
CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML does not allow (https://yaml.org/spec/1.2.2/#51-character-set)."""
USUAL = b"\t\n\r" + bytes(range(0x20, 0x7F))
"""The characters of ASCII that YAML allows."""
SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
"""How JSON, and only JSON, escapes a character beyond U+FFFF."""


class UnreadError(Exception):
    """A file was not read; the message says why, in words that follow its name."""

    def __init__(self, message: str, *, missing: bool = False, told: str | None = None) -> None:
        super().__init__(message)
        self.missing = missing
        """Whether there is no such file, rather than one that cannot be had."""
        self.told = told
        """The same as Backstage says it, where its words are known."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: its value and the place of each part of it."""

    value: Any
    file: str | None
    index: int
    """Counted from 1, in the order of the file."""
    positions: Mapping[str, Position] = field(repr=False)
    doubts: tuple[Problem, ...] = ()
    """What was not taken as it was written, though nothing is wrong with the rest."""

    @property
    def is_plain(self) -> bool:
        """Whether it was read line by line: all its keys are words, and its texts are stored as they are."""
        return isinstance(self.positions, Places)

    def position(self, pointer: str) -> Position:
        """Where `pointer` stands; where it does not exist, the nearest part above it."""
        while pointer not in self.positions:
            pointer = pointer.rpartition("/")[0]
        return self.positions[pointer]

    def line(self, pointer: str) -> int:
        """The line of `position`; that of a name without looking for all the other places."""
        known = self.positions.lines.get(pointer) if isinstance(self.positions, Places) else None
        return self.position(pointer)[0] if known is None else known

    def problem(self, message: str, pointer: str = "") -> Problem:
        """A problem with this document, placed at `pointer`."""
        line, column = self.position(pointer)
        return Problem(message, pointer, self.file, line, column)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file held: the documents that could be read, and what was wrong with the others."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...] = ()


def read_file(path: Path, *, name: str | None = None) -> Reading:
    """Read one file; every problem, an unreadable file included, is in the result.

    Args:
        path: the file.
        name: what problems call it (default: the path).
    """
    name = str(path) if name is None else name
    try:
        data = read_bytes(path)
    except UnreadError as error:
        return Reading((), (Problem(str(error), file=name),))
    return read_data(data, name=name)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; never waits, as a pipe that nobody writes to would make it.

    Raises:
        UnreadError: it does not exist, may not be read, is no file, or is too large.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UnreadError("does not exist", missing=True) from None
    except (OSError, ValueError) as error:
        raise UnreadError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        with open(number, "rb") as stream:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise UnreadError("is no file")
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadError(f"cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise UnreadError(f"is larger than {MAX_BYTES // 1024**2} MB, the most a file may have; split it")
    return data


def read_data(data: bytes, *, name: str | None = None) -> Reading:
    """Read the documents of a file that was read already; see `read_text`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 (byte {error.start + 1}); save it as UTF-8"
        return Reading((), (Problem(message, file=name, line=line),))
    return read_text(text, name=name)


def read_text(text: str, *, name: str | None = None, typed: bool = True) -> Reading:
    """Read the documents of a YAML stream. Null documents are left out.

    Args:
        text: the stream.
        name: what problems call it.
        typed: whether unquoted scalars become numbers and truth values; if not, they stay as they were typed.
    """
    text = _joined(text)
    documents: list[Document] = []
    problems: list[Problem] = []
    values = 0
    found = _plainly(text) if typed else None
    for index, result in enumerate(found or _Stream(text, typed=typed).results(), start=1):
        if isinstance(result, Refusal):
            problems.append(Problem(result.message, result.pointer, name, *result.position))
        elif (values := values + len(result.positions)) > MAX_VALUES:
            message = f"has more than {MAX_VALUES:,} values up to here; the rest of the file is not read, so split it"
            problems.append(Problem(message, "", name, *result.positions[""]))
            break
        elif result.value is not None or result.doubts:
            doubts = tuple(
                Problem(each.message, each.pointer, name, *each.position) for each in result.doubts
            )
            documents.append(Document(result.value, name, index, result.positions, doubts))
    return Reading(tuple(documents), tuple(problems))


def document_again(
    data: bytes, span: tuple[int, int, int], *, name: str | None = None, index: int = 1
) -> Document:
    """One document of a file that was read before, by the `span` of its places: who keeps that need not keep the rest."""
    start, end, line = span
    composed = next(_compose(_joined(data.decode("utf-8-sig"))[start:end], Composer(line)))
    return Document(composed.value, name, index, composed.positions)


def _joined(text: str) -> str:
    """The text with the surrogate pairs of JSON joined."""
    return SURROGATES.sub(_character, text) if text.lstrip()[:1] in ("{", "[") else text


def _plainly(text: str) -> list[Composed] | None:
    """The documents of a stream whose plain ones are read line by line; None where one is refused, or none is plain.

    What is wrong with a stream is told by reading all of it in the one way that can tell.
    """
    documents = None if _has_control(text) else read_plain(text)
    if documents is None or not any(each.is_plain and each.value is not None for each in documents):
        return None
    starts = [0, *(match.start() for match in SEPARATOR.finditer(text)), len(text)]
    found: list[Composed] = []
    place = 0
    while place < len(documents):
        document = documents[place]
        if document.is_plain:
            if document.value is not None or document.is_separated:
                found.append(_found(document, text, starts[place], starts[place + 1]))
            place += 1
            continue
        after = place + 1
        while after < len(documents) and not documents[after].is_plain:
            after += 1
        composed = _composed(
            text[starts[place] : starts[after]], document.line, is_last=after == len(documents)
        )
        if composed is None:
            return None
        found += composed
        place = after
    return found


def _has_control(text: str) -> bool:
    """Whether `CONTROL` is found, twenty times as fast in the usual case."""
    return bool(text.encode().translate(None, USUAL)) if text.isascii() else CONTROL.search(text) is not None


def _found(document: Plain, text: str, start: int, end: int) -> Composed:
    def find() -> Mapping[str, Position]:
        return next(_compose(text[start:end], Composer(document.line))).positions

    lines = {} if document.name_line is None else {NAME: document.name_line}
    return Composed(document.value, Places(find, document.size, lines, (start, end, document.line)))


def _composed(text: str, line: int, *, is_last: bool) -> list[Composed] | None:
    """Some documents in a row; None where one is refused."""
    try:
        # What follows decides how a document ends: at a separator, or at the end of the stream.
        found = list(_compose(text if is_last else f"{text}---\n", Composer(line)))
    except _BrokenError:
        return None
    return found if is_last else found[:-1]


def _character(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return match[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


class _Stream:
    """A text with the places where reading can go on after something broken: `---` at the start of a
    line is never part of a value, so it begins a document whatever came before it."""

    def __init__(self, text: str, *, typed: bool) -> None:
        self._text, self._typed = text, typed
        self._starts = [match.start() for match in SEPARATOR.finditer(text)]
        self._lines = [match.end() for match in LINE_BREAK.finditer(text)]

    def results(self) -> Iterator[Composed | Refusal]:
        """Every document in its order, read or refused."""
        offset, refused = 0, 0
        while offset < len(self._text):
            if refused == MAX_BROKEN:
                message = (
                    f"{MAX_BROKEN} documents before this one are broken; the rest of the file is not read"
                )
                yield Refusal(message, "", self._place(offset))
                return
            control = CONTROL.search(self._text, offset)
            end = self._document_start(control.start(), offset) if control else len(self._text)
            if control and end == offset:
                code = f"U+{ord(control.group()):04X}"
                message = f"is not valid YAML: the control character {code} must be escaped or removed"
                yield Refusal(message, "", self._place(control.start()))
                refused, offset = refused + 1, self._next(control.start())
                continue
            try:
                yield from self._compose(self._text[offset:end], bisect_right(self._lines, offset))
                offset = end
            except _BrokenError as error:
                yield error.refusal
                refused, offset = refused + 1, self._next(offset + error.began)

    def _compose(self, text: str, base: int) -> Iterator[Composed]:
        return _compose(text, Composer(base, typed=self._typed))

    def _next(self, began: int) -> int:
        following = bisect_right(self._starts, began)
        return self._starts[following] if following < len(self._starts) else len(self._text)

    def _document_start(self, index: int, least: int) -> int:
        at = bisect_right(self._starts, index) - 1
        return max(self._starts[at], least) if at >= 0 else least

    def _place(self, index: int) -> Position:
        line = bisect_right(self._lines, index)
        return line + 1, index - (self._lines[line - 1] if line else 0) + 1


class _BrokenError(Exception):
    """The stream is not parsed further than this place."""

    def __init__(self, refusal: Refusal, began: int) -> None:
        super().__init__(refusal.message)
        self.refusal, self.began = refusal, began


def _compose(text: str, composer: Composer) -> Iterator[Composed]:
    """The documents of `text`; the composer knows in which line of the file it begins."""
    began = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                began = _index(event.start_mark)
            done = composer.feed(event)
            if composer.refusal is not None:
                # The parser stops here: what makes a document worth refusing can make it endless to parse.
                raise _BrokenError(composer.refusal, began)
            if done is not None:
                yield done
                # A document that fails before its first event begins no earlier than here.
                began = _index(event.end_mark) - 1
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = composer.position(mark)
        raise _BrokenError(Refusal(f"is not valid YAML: {_reason(error)}", "", position), began) from None


def _index(mark: Any) -> int:
    return int(mark.index)


def _reason(error: yaml.MarkedYAMLError) -> str:
    if error.problem and "cannot start any token" in error.problem:
        return f"{error.problem} (quote values that start with @, `, or %; indent with spaces, not tabs)"
    return ", ".join(part for part in (error.problem, error.context) if part)
