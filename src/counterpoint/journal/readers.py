"""Events out of files: NDJSON and JSON, CSV and Parquet, a batch at a time.

A file is checked when it is opened, so that one that does not fit its mapping is refused before
anything is written; what is wrong with single lines becomes a problem that costs the others nothing.
"""

import csv
import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Protocol

import msgspec

from counterpoint.errors import InputError, Problem, UsageError
from counterpoint.journal.model.json import decode_json
from counterpoint.journal.model.mapping import EventMapping
from counterpoint.journal.model.plain import BROKEN
from counterpoint.journal.table import RowError, Table

__all__ = ["STDIN", "Batch", "EventFile", "line_of", "open_events"]

ROWS: Final = 2_000
"""Lines of a batch."""
LINE: Final = 8 * 2**20
"""Bytes of one line of NDJSON at most, which is one event."""
ARRAY: Final = 2**30
"""Bytes of a JSON array at most; it is read in one piece."""
STDIN: Final = Path("-")
GZIP: Final = b"\x1f\x8b"
MARK: Final = b"\xef\xbb\xbf"
SPACE: Final = MARK + b" \t\r\n"
TABLES: Final = (".csv", ".tsv", ".parquet")


class Batch(NamedTuple):
    """Some events of a file, in its order."""

    documents: list[Any]
    places: list[int]
    """The line (of a Parquet file: the row, of a JSON array: the item) that each document came from, from 1."""
    problems: list[Problem]
    """What was wrong with lines of this stretch that made no document."""
    done: int
    """Bytes (of a Parquet file: rows) read so far."""


class EventFile(Protocol):
    """A file that was opened and fits."""

    @property
    def size(self) -> int:
        """What `Batch.done` will reach."""

    def batches(self) -> Iterator[Batch]:
        """The file's events, once."""

    def problem(self, place: int, message: str) -> Problem:
        """What is wrong at a line or row."""


def open_events(file: Path, mapping: EventMapping | None) -> EventFile:
    """Open a file by its kind; `-` is NDJSON from standard input.

    Raises:
        InputError: it cannot be read or does not fit the mapping.
        UsageError: it needs a mapping and has none, or the other way round.
    """
    if file == STDIN:
        if mapping is not None:
            raise UsageError("Tables are read from files; standard input takes CloudEvents as NDJSON.")
        return JsonFile(file)
    head = _head(file)
    if head.startswith(GZIP):
        return _open_gzip(file, mapping)
    if head.startswith(b"PAR1") or file.suffix.lower() in TABLES:
        if mapping is None:
            raise UsageError(
                f"{file} is a table; say with --mapping FILE which columns become which events (docs/events.md)."
            )
        parquet = head.startswith(b"PAR1") or file.suffix.lower() == ".parquet"
        return ParquetFile(file, mapping) if parquet else CsvFile(file, head, mapping)
    if head.lstrip(SPACE)[:1] in (b"{", b"["):
        if mapping is not None:
            raise UsageError(
                f"{file} holds CloudEvents as JSON, which need no --mapping; give the tables and the events in two calls."
            )
        return JsonFile(file)
    if mapping is not None:
        return CsvFile(file, head, mapping)
    raise InputError(
        f"{file} holds no CloudEvents: a line of NDJSON begins with {{. A CSV file needs the ending .csv and --mapping FILE."
    )


def _open_gzip(file: Path, mapping: EventMapping | None) -> "JsonFile":
    if mapping is not None:
        raise UsageError(f"{file} is compressed; unpack tables before they are imported (gunzip).")
    try:
        with gzip.open(file) as source:
            head = source.read(65_536)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file} cannot be unpacked: {error}.") from error
    if head.lstrip(SPACE)[:1] not in (b"{", b"["):
        raise InputError(f"{file} holds no CloudEvents: a line of NDJSON begins with {{.")
    return JsonFile(file, packed=True)


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            head = source.read(65_536)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    if not head.strip():
        raise InputError(f"{file} is empty.")
    return head


class JsonFile:
    """CloudEvents: one on each line, or all in one array; in a file, a file packed with gzip, or standard input."""

    def __init__(self, file: Path, *, packed: bool = False) -> None:
        self.file = file
        self.size = 0 if file == STDIN else file.stat().st_size
        self._name = "standard input" if file == STDIN else str(file)
        self._packed = packed
        self._is_array = False

    def problem(self, place: int, message: str) -> Problem:
        message = message.removeprefix("it is ") if message.startswith(BROKEN) else message
        if self._is_array:  # the place is an item, and an item may have many lines
            return Problem(message, pointer=f"/{place - 1}", file=self._name)
        return Problem(message, file=self._name, line=place)

    def batches(self) -> Iterator[Batch]:
        with self._open() as raw:
            source: Any = gzip.GzipFile(fileobj=raw) if self._packed else raw
            first = source.peek(1)[:65_536].lstrip(SPACE)
            self._is_array = first.startswith(b"[")
            yield from self._array(source, raw) if self._is_array else self._lines(source, raw)

    def _open(self) -> AbstractContextManager[Any]:
        return nullcontext(sys.stdin.buffer) if self.file == STDIN else self.file.open("rb")

    def _done(self, raw: IO[bytes]) -> int:
        return 0 if self.file == STDIN else raw.tell()

    def _array(self, source: IO[bytes], _: IO[bytes]) -> Iterator[Batch]:
        raw = source.read(ARRAY + 1)
        if len(raw) > ARRAY:
            message = f"an array may have {ARRAY:,} bytes; write one event on each line (NDJSON)"
            yield Batch([], [], [Problem(message, file=self._name)], self.size)
            return
        raw = raw.removeprefix(MARK)
        try:
            items = decode_json(raw)
        except ValueError as error:
            problem = Problem(f"not valid JSON: {error}", file=self._name, line=line_of(raw, str(error)))
            yield Batch([], [], [problem], self.size)
            return
        for start in range(0, len(items), ROWS):
            part = items[start : start + ROWS]
            places = list(range(start + 1, start + 1 + len(part)))
            yield Batch(part, places, [], self.size * (start + len(part)) // len(items))

    def _lines(self, source: IO[bytes], raw: IO[bytes]) -> Iterator[Batch]:
        documents: list[Any] = []
        places: list[int] = []
        problems: list[Problem] = []
        number = 0
        try:
            while line := source.readline(LINE + 1):
                number += 1
                if len(line) > LINE:
                    problems.append(self.problem(number, f"the line has more than {LINE:,} bytes"))
                    _skip_line(source)
                elif line.removeprefix(MARK).strip():
                    # Read further on, where most lines go the short way.
                    documents.append(msgspec.Raw(line.removeprefix(MARK) if number == 1 else line))
                    places.append(number)
                if len(documents) + len(problems) >= ROWS:
                    yield Batch(documents, places, problems, self._done(raw))
                    documents, places, problems = [], [], []
        except (EOFError, OSError, zlib.error) as error:
            problems.append(self.problem(number + 1, f"the file cannot be read from here on: {error}"))
        yield Batch(documents, places, problems, self.size)


def _skip_line(source: IO[bytes]) -> None:
    while (rest := source.readline(LINE)) and not rest.endswith(b"\n"):
        pass


def line_of(raw: bytes, message: str) -> int | None:
    """The line that a message of msgspec means by `(byte 12)`; the last one where the text ends too early."""
    _, found, rest = message.rpartition("(byte ")
    if "too early" in message:
        return raw.rstrip().count(b"\n") + 1
    return raw.count(b"\n", 0, int(rest.rstrip(")"))) + 1 if found else None


class CsvFile:
    """A CSV file with a header, read by a mapping."""

    def __init__(self, file: Path, head: bytes, mapping: EventMapping) -> None:
        if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head:
            raise InputError(f"{file} is no UTF-8 text (UTF-16 or binary); save it as CSV in UTF-8.")
        self.file = file
        self.size = file.stat().st_size
        self._delimiter = mapping.delimiter or _delimiter(file, head)
        with self._open() as source:
            try:
                header: list[str] = next(self._reader(source), [])
            except csv.Error as error:
                raise InputError("The header cannot be read.", [self.problem(1, str(error))]) from error
        if _not_utf8(header):
            raise InputError(
                "The header cannot be read.",
                [self.problem(1, "it is not UTF-8 text; save the file as UTF-8")],
            )
        self._width = len(header)
        self._table = Table(mapping, header, file=str(file))

    def problem(self, place: int, message: str) -> Problem:
        return Problem(message, file=str(self.file), line=place)

    def batches(self) -> Iterator[Batch]:
        documents: list[Any] = []
        places: list[int] = []
        problems: list[Problem] = []
        with self._open() as source:
            for rows, (line, row) in enumerate(self._rows(source), 1):
                if isinstance(row, str):
                    problems.append(self.problem(line, row))
                else:
                    try:
                        found = self._table.events(self._checked(row))
                        documents += found
                        places += [line] * len(found)
                    except RowError as error:
                        problems.append(self.problem(line, str(error)))
                if rows % ROWS == 0:
                    yield Batch(documents, places, problems, source.buffer.tell())
                    documents, places, problems = [], [], []
        yield Batch(documents, places, problems, self.size)

    def _rows(self, source: Any) -> Iterator[tuple[int, list[str] | str]]:
        """The rows after the header with the line each begins on; a text is what is wrong with that row."""
        reader = self._reader(source)
        next(reader)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, f"the row cannot be read: {error} (is a quote not closed?)"
                continue
            if row:
                yield line, row

    def _checked(self, row: list[str]) -> Sequence[str]:
        if len(row) != self._width:
            raise RowError(f"the row has {len(row)} fields, the header has {self._width}")
        if _not_utf8(row):
            raise RowError("the row is not UTF-8 text; save the file as UTF-8")
        return row

    def _open(self) -> Any:
        # Bytes that are no UTF-8 come through as lone surrogates, so that they cost one row and not the file.
        return self.file.open(encoding="utf-8-sig", errors="surrogateescape", newline="")

    def _reader(self, source: Any) -> Any:
        return csv.reader(source, delimiter=self._delimiter, strict=True)


def _not_utf8(row: Sequence[str]) -> bool:
    joined = "".join(row)
    return not joined.isascii() and any("\udc80" <= char <= "\udcff" for char in joined)


def _delimiter(file: Path, head: bytes) -> str:
    header = head.split(b"\n", 1)[0]
    if file.suffix.lower() == ".tsv":
        return "\t"
    return max(",;\t", key=lambda mark: header.count(mark.encode()))  # of equals the first


class ParquetFile:
    """A Parquet file, read by a mapping."""

    def __init__(self, file: Path, mapping: EventMapping) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self._parquet = pq.ParquetFile(file)
            self._broken = (pa.ArrowException, OSError)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{file} cannot be read as Parquet: {error}") from error
        self.file = file
        self.size = int(self._parquet.metadata.num_rows)
        self._table = Table(mapping, self._parquet.schema_arrow.names, file=str(file))

    def problem(self, place: int, message: str) -> Problem:
        return Problem(f"row {place}: {message}", file=str(self.file))

    def batches(self) -> Iterator[Batch]:
        parts = self._parquet.iter_batches(batch_size=ROWS)
        done = 0
        try:
            while part := next(parts, None):
                rows = zip(*(column.to_pylist() for column in part.columns), strict=True)
                batch = self._batch(rows, done)
                done += part.num_rows
                yield batch
        except self._broken as error:
            message = f"the file cannot be read after row {done}: {error}"
            yield Batch([], [], [Problem(message, file=str(self.file))], self.size)
        finally:
            self._parquet.close()

    def _batch(self, rows: Iterable[Sequence[Any]], before: int) -> Batch:
        batch = Batch([], [], [], before)
        for number, row in enumerate(rows, before + 1):
            try:
                found = self._table.events(row)
                batch.documents.extend(found)
                batch.places.extend([number] * len(found))
            except RowError as error:
                batch.problems.append(self.problem(number, str(error)))
        return batch
