"""A segment in a file: written once, mapped by every process that opens the workspace.

The file is a header (JSON), the buffers, each aligned, and a checksum of everything. It is an extract of the
graph: what is damaged, of another version or of another graph is thrown away and made again.
"""

import mmap
import os
import struct
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from counterpoint.graph.index.segment import Built, Segment, document_offsets
from counterpoint.graph.index.stitched import Mark

__all__ = ["read_segment", "write_segment"]

MAGIC = b"counterpoint index 1\n"
"""Raise the number when the layout or the meaning of a buffer changes."""
ALIGNED = 64
ABANDONED = 3_600
"""Seconds since its last write after which nobody writes a draft any more; the largest take some seconds."""
PIECE = 1 << 24
_TAIL = struct.Struct("<II")
"""Checksum and, so that a file that was cut is recognised, the length of the header."""


class _Header(msgspec.Struct):
    mark: tuple[int, int, int]
    keys: tuple[str, ...]
    buffers: dict[str, tuple[str, int, int]]
    """Type, place behind the header, and number of items."""


class _Summed:
    """Writes and keeps the checksum of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.sum, self.size = file, 0, 0

    def write(self, content: Any) -> None:
        view = memoryview(content).cast("B")
        self.file.write(view)
        self.sum = zlib.crc32(view, self.sum)
        self.size += len(view)


def write_segment(file: Path, built: Built, mark: Mark) -> None:
    """Write a segment beside the file and put it in its place at once.

    Raises:
        OSError: the folder cannot be written.
    """
    file.parent.mkdir(exist_ok=True)
    _sweep(file)
    draft = file.with_name(f"{file.name}.{os.getpid()}.draft")
    arrays = {**built.arrays, "document/offsets": document_offsets(built.documents)}
    placed, size = _places(arrays, sum(map(len, built.documents)) + len(built.documents))
    header = msgspec.json.encode(_Header((mark.seq, mark.at, mark.relation), built.keys, placed))
    try:
        with draft.open("wb") as handle:
            summed = _Summed(handle)
            summed.write(MAGIC + struct.pack("<I", len(header)) + header)
            _pad(summed)
            for values in arrays.values():
                summed.write(np.ascontiguousarray(values))
                _pad(summed)
            for part in _with_commas(built.documents):
                summed.write(part)
            handle.write(_TAIL.pack(summed.sum, size & 0xFFFFFFFF))
        draft.replace(file)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _sweep(file: Path) -> None:
    """Remove drafts of processes that were killed while they wrote one."""
    for draft in file.parent.glob(f"{file.name}.*.draft"):
        with suppress(OSError):  # another process may sweep as well
            if time.time() - draft.stat().st_mtime > ABANDONED:
                draft.unlink()


def read_segment(file: Path, *, fresh: bool = False) -> tuple[Segment, Mark] | None:
    """The segment of a file; None where there is none that can be trusted.

    A `fresh` file, which was put in its place a moment ago, is taken without looking through all of it.
    """
    try:
        with file.open("rb") as handle:
            content = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # there is none, or it is empty
        return None
    try:
        return _opened(content, fresh=fresh)
    except (ValueError, KeyError, struct.error, msgspec.MsgspecError, TypeError):
        return None


def _opened(content: mmap.mmap, *, fresh: bool) -> tuple[Segment, Mark] | None:
    if content[: len(MAGIC)] != MAGIC or not (fresh or _is_whole(content)):
        return None
    (length,) = struct.unpack_from("<I", content, len(MAGIC))
    start = len(MAGIC) + 4
    header = msgspec.json.decode(content[start : start + length], type=_Header)
    base = _aligned(start + length)
    arrays = {
        name: np.frombuffer(content, dtype=np.dtype(kind), count=count, offset=base + place)
        for name, (kind, place, count) in header.buffers.items()
    }
    return Segment(arrays, header.keys), Mark(*header.mark)


def _is_whole(content: mmap.mmap) -> bool:
    found, view = 0, memoryview(content)
    end = len(view) - _TAIL.size
    for start in range(0, end, PIECE):
        found = zlib.crc32(view[start : min(end, start + PIECE)], found)
    return end > 0 and _TAIL.unpack_from(view, end)[0] == found


def _places(arrays: dict[str, Any], documents: int) -> tuple[dict[str, tuple[str, int, int]], int]:
    placed, place = {}, 0
    for name, values in arrays.items():
        placed[name] = (values.dtype.str, place, len(values))
        place = _aligned(place + values.nbytes)
    placed["document/data"] = ("|u1", place, documents)
    return placed, place + documents


def _aligned(place: int) -> int:
    return -(-place // ALIGNED) * ALIGNED


def _pad(summed: _Summed) -> None:
    missing = _aligned(summed.size) - summed.size
    if missing:
        summed.write(bytes(missing))


def _with_commas(documents: Iterable[bytes | memoryview]) -> Iterable[bytes]:
    held: list[bytes | memoryview] = []
    size = 0
    for document in documents:
        held.append(document)
        size += len(document)
        if size >= PIECE:
            yield b",".join(held) + b","
            held, size = [], 0
    if held:
        yield b",".join(held) + b","
