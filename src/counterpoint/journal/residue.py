"""The proof of an erasure: every byte under a folder is read, and every value in it, for some texts.

Compression hides text, so Parquet files are read both ways: their bytes, and every column decompressed.
A database is read value by value and page by page, for deleted rows can live on in its pages and its log.
What no value of today accounts for is residue.
"""

import os
import sqlite3
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from counterpoint.errors import WorkspaceError

__all__ = ["Finder", "Residue", "Trace", "search"]

BLOCK: Final = 4 * 2**20
"""Bytes of a file that are looked at in one go."""
FEW: Final = 8
"""Texts that are looked for one after the other; of more, the first four bytes are looked for at once."""
WORD: Final = 4
SURE: Final = 6
"""Bytes of a text that compressed data does not hold by chance."""
AROUND: Final = 16
"""Bytes beside a text that must be those of a known value that holds it."""
HALF: Final = AROUND // 2
MOST: Final = 100_000
"""Longer values that are remembered; a text that is part of more is too common to tell residue by bytes."""
ROWS: Final = 50_000
AT_ONCE: Final = 16 * 2**20
"""Bytes of values that are looked at in one go, about."""
SQLITE: Final = b"SQLite format 3\x00"


class Trace(msgspec.Struct, frozen=True):
    """Where a text was found."""

    file: str
    """Relative to the folder that was searched."""
    values: int
    """Values that are the text, and nothing else."""
    within: int
    """Values that hold it as a part of something longer, such as user-77 for user-7."""
    residue: int
    """Places in the file's bytes that no value of today accounts for."""


class Residue(msgspec.Struct, frozen=True):
    """What was read, and where something was found."""

    files: int
    bytes: int
    traces: tuple[Trace, ...] = ()
    common: bool = False
    """A text is part of so many others that bytes cannot tell what is left of it."""


def search(folder: Path, texts: Sequence[str], *, skip: Sequence[str] = (), whole: bool = False) -> Residue:
    """Read every file under `folder`, but for the folders in it named in `skip`.

    With `whole` a short text counts only as a whole value, also one of a JSON text: it is in many words by chance.

    Files that vanish meanwhile held nothing that stays.

    Raises:
        WorkspaceError: a file cannot be read.
    """
    # By another process: SQLite's locks are a process's own, and go when it closes any other handle of the
    # file (https://sqlite.org/howtocorrupt.html, 2.2), so a process must not read a database that it has open.
    order = _Order(
        os.fspath(folder.absolute()), [text for text in dict.fromkeys(texts) if text], list(skip), whole
    )
    done = subprocess.run(
        [sys.executable, "-c", "from counterpoint.journal.residue import main; main()"],
        input=msgspec.json.encode(order), capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise WorkspaceError(f"{folder} could not be read through: {lines[-1] if lines else 'killed'}.")
    return msgspec.json.decode(done.stdout, type=Residue)


class _Order(msgspec.Struct, frozen=True):
    """What the reading process is told, on its standard input: whom to look for is no argument that others see."""

    folder: str
    texts: list[str]
    skip: list[str]
    whole: bool


def main() -> None:
    """Read what the order on the standard input says, and write a Residue."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=_Order)
    folder = Path(order.folder)
    needles = [text.encode() for text in order.texts]
    found = _Search(folder, needles, order.skip, whole=order.whole).run()
    if any(trace.residue for trace in found.traces):
        # Events that came while the files were read are in the bytes but not among the values: look again.
        found = _Search(folder, needles, order.skip, whole=order.whole).run()
    sys.stdout.buffer.write(msgspec.json.encode(found))


class _Search:
    def __init__(
        self, folder: Path, needles: Sequence[bytes], skip: Sequence[str], *, whole: bool = False
    ) -> None:
        self._folder = folder
        self._whole = whole
        self._finder = Finder(needles)
        self._skip = frozenset(skip)
        self._known = _Surroundings()

    def run(self) -> Residue:
        files = [file for file in sorted(self._folder.rglob("*")) if self._is_wanted(file)]
        counted = {file: self._count(_values(file)) for file in files}
        traces = []
        size = 0
        for file in files:
            values, within = counted[file]
            size += _size(file)
            residue = 0 if self._known.full else self._residue(file, held=bool(values or within))
            if values or within or residue:
                traces.append(Trace(file.relative_to(self._folder).as_posix(), values, within, residue))
        return Residue(len(files), size, tuple(traces), common=self._known.full)

    def _is_wanted(self, file: Path) -> bool:
        return (
            file.relative_to(self._folder).parts[0] not in self._skip
            and file.is_file()
            and not file.is_symlink()
        )

    def _count(self, batches: Iterable[list[bytes]]) -> tuple[int, int]:
        """How many values are one of the texts, and how many hold one."""
        values = within = 0
        for batch in batches:
            starts = [0]
            for value in batch:
                starts.append(starts[-1] + len(value) + 1)
            seen: set[int] = set()
            for place, needle in self._finder.places(b"\x00".join(batch)):
                row = bisect_right(starts, place) - 1
                value, at = batch[row], place - starts[row]
                if at + len(needle) > len(value) or self._is_chance(needle, value, at):
                    continue
                self._known.add(needle, value, at)
                if row not in seen:
                    seen.add(row)
                    values += value == needle
                    within += value != needle
        return values, within

    def _is_chance(self, needle: bytes, value: bytes, at: int) -> bool:
        """Whether a short text stands in the midst of another, where only whole ones are asked for."""
        if not self._whole or len(needle) >= SURE or value == needle:
            return False
        end = at + len(needle)
        return value[max(0, at - 1) : at] != b'"' or value[end : end + 1] != b'"'

    def _residue(self, file: Path, *, held: bool) -> int:
        """Places in the file's bytes that no value accounts for."""
        if file.suffix == ".parquet":
            if held:
                return 0  # its values have been counted, and compression may cut one off anywhere
            return sum(len(needle) >= SURE for _, _, _, needle in self._in_file(file))
        pages = _pages(file)
        if pages is None:
            return sum(1 for _ in self._in_file(file))
        return sum(
            not self._known.explain(block, place, needle, *pages.room(offset + place, len(needle)))
            for offset, block, place, needle in self._in_file(file)
        )

    def _in_file(self, file: Path) -> Iterator[tuple[int, bytes, int, bytes]]:
        """Each block with its offset, a place in it and the text that stands there."""
        try:
            source = file.open("rb")
        except FileNotFoundError:
            return
        overlap = self._finder.longest + 2 * AROUND
        with source:
            block = b""
            offset = counted = 0
            while read := source.read(BLOCK):
                offset += max(0, len(block) - overlap)
                block = block[-overlap:] + read
                last = len(read) < BLOCK
                # What is near the end is counted with the next block, which knows what follows it.
                end = offset + len(block) - (0 if last else self._finder.longest + AROUND)
                for place, needle in self._finder.places(block):
                    if self._whole and len(needle) < SURE:
                        continue
                    if counted <= offset + place < end:
                        yield offset, block, place, needle
                counted = end


class _Surroundings:
    """What stands around the texts in the values of today that hold them."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[bytes, int, int], set[tuple[bytes, bytes]]] = {}
        self._count = 0
        self.full = False
        """There are too many: bytes tell nothing any more."""

    def add(self, needle: bytes, value: bytes, at: int) -> None:
        """Remember one place in a value."""
        head, tail = value[max(0, at - AROUND) : at], value[at + len(needle) :][:AROUND]
        pieces = self._pieces.setdefault((needle, len(head), len(tail)), set())
        before = len(pieces)
        pieces.add((head, tail))
        self._count += len(pieces) - before
        self.full = self._count > MOST

    def explain(self, block: bytes, place: int, needle: bytes, room_before: int, room_after: int) -> bool:
        """Whether the text stands here as in a value of today, as far as the page reaches on either side."""
        end = place + len(needle)
        for (known, before, after), pieces in self._pieces.items():
            if known != needle:
                continue
            head = block[max(0, place - min(before, room_before)) : place]
            tail = block[end : end + min(after, room_after)]
            if (head, tail) in pieces:
                return True
            if (before > room_before or after > room_after) and any(
                one.endswith(head) and other.startswith(tail) for one, other in pieces
            ):
                return True
            # A long value is cut off anywhere in its first page, and continues in another.
            if before == after == AROUND and any(
                head[-HALF:] == one[-HALF:] or tail[:HALF] == other[:HALF] for one, other in pieces
            ):
                return True
        return False


class _Pages(NamedTuple):
    """How the pages of a database lie in its file or in its log."""

    size: int
    first: int
    """Bytes before the first page's own header."""
    header: int
    """Bytes before each page."""

    def room(self, place: int, length: int) -> tuple[int, int]:
        """Bytes of the same page before a text at this place of the file, and after it."""
        within = (place - self.first) % (self.size + self.header) - self.header
        return max(0, within - 4), max(0, self.size - within - length)  # 4: the number of the next page


def _pages(file: Path) -> _Pages | None:
    try:
        with file.open("rb") as source:
            head = source.read(32)
    except FileNotFoundError:
        return None
    if head.startswith(SQLITE):
        size = int.from_bytes(head[16:18], "big")
        return _Pages(65_536 if size == 1 else size, 0, 0)
    if file.name.endswith("-wal") and len(head) == 32:
        return _Pages(int.from_bytes(head[8:12], "big") or 4096, 32, 24)
    return None


class Finder:
    """Finds texts in bytes."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._needles = tuple(needles)
        self.longest = max(map(len, needles), default=1)
        self._short = [needle for needle in needles if len(needle) < WORD or len(needles) <= FEW]
        self._by_prefix: dict[bytes, dict[int, set[bytes]]] = {}
        """By their first bytes and their length: most people's texts begin alike."""
        for needle in set(needles).difference(self._short):
            self._by_prefix.setdefault(needle[:WORD], {}).setdefault(len(needle), set()).add(needle)

    def places(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Every place of every text, in no order."""
        for needle in self._short:
            place = block.find(needle)
            while place >= 0:
                yield place, needle
                place = block.find(needle, place + 1)
        if self._by_prefix and len(block) >= WORD:
            yield from self._at_once(block)

    def _at_once(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        import numpy as np

        prefixes = np.frombuffer(b"".join(self._by_prefix), dtype="<u4")
        for shift in range(WORD):
            words = np.frombuffer(
                block[shift:] if shift else block, dtype="<u4", count=(len(block) - shift) // WORD
            )
            for word in np.flatnonzero(np.isin(words, prefixes)).tolist():
                place = word * WORD + shift
                for length, known in self._by_prefix[block[place : place + WORD]].items():
                    if (found := block[place : place + length]) in known:
                        yield place, found


def _values(file: Path) -> Iterator[list[bytes]]:
    """The texts and blobs of a file that has values."""
    if file.suffix == ".parquet":
        return _parquet_values(file)
    if _begins(file, SQLITE):
        return _sqlite_values(file)
    return iter(())


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _begins(file: Path, magic: bytes) -> bool:
    try:
        with file.open("rb") as source:
            return source.read(len(magic)) == magic
    except FileNotFoundError:
        return False


def _parquet_values(file: Path) -> Iterator[list[bytes]]:
    """Every text of every column, decompressed; a file that is no Parquet has bytes only."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            size = sum(
                parquet.metadata.row_group(each).total_byte_size for each in range(parquet.num_row_groups)
            )
            rows = max(1, min(ROWS, AT_ONCE * parquet.metadata.num_rows // max(size, 1)))
            for batch in parquet.iter_batches(batch_size=rows):
                for column in batch.columns:
                    if pa.types.is_dictionary(column.type):
                        column = column.dictionary_decode()  # noqa: PLW2901
                    if pa.types.is_nested(column.type):
                        yield [str(value).encode("utf-8", "replace") for value in column.to_pylist()]
                    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                        yield [value for value in column.cast(pa.large_binary()).to_pylist() if value]
                    elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
                        yield [value for value in column.to_pylist() if value]
    except (FileNotFoundError, pa.ArrowInvalid):
        return


def _sqlite_values(file: Path) -> Iterator[list[bytes]]:
    """Every text and blob of every table."""
    address = f"{file.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=30)) as database:
        database.text_factory = bytes
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            quoted = name.decode().replace('"', '""')
            cursor = database.execute(f'SELECT * FROM "{quoted}"')
            values: list[bytes] = []
            size = 0
            for row in cursor:
                values += [value for value in row if isinstance(value, bytes) and value]
                size += sum(len(value) for value in row if isinstance(value, bytes))
                if size > AT_ONCE:
                    yield values
                    values, size = [], 0
            yield values
