"""Sorted texts in two buffers: how an index keeps the values of a key, in memory or in a mapped file."""

import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Strings", "lowered", "pack", "plain", "sorted_order"]

Ints = npt.NDArray[np.int64]
MANY = 1_000
"""Texts from which Arrow sorts faster than Python, the conversion included."""
VERY_MANY = 100_000
"""Texts from which it is faster even where it must be loaded first."""


class Strings:
    """Texts in the order of their code points, which is that of their UTF-8 bytes."""

    def __init__(self, offsets: Ints, data: npt.NDArray[np.uint8]) -> None:
        """Take the buffers: text `i` is `data[offsets[i]:offsets[i + 1]]` in UTF-8."""
        self.offsets = offsets
        self.data = data
        self._at = plain(offsets)
        self._bytes = plain(data)

    def __len__(self) -> int:
        return len(self._at) - 1

    def raw(self, index: int) -> bytes:
        """One text as UTF-8."""
        return bytes(self._bytes[self._at[index] : self._at[index + 1]])

    def __getitem__(self, index: int) -> str:
        return str(self._bytes[self._at[index] : self._at[index + 1]], "utf-8")

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def bisect(self, text: bytes, low: int = 0, high: int | None = None) -> int:
        """The first place whose text is not before `text`, from `low` up to `high`."""
        at, data = self._at, self._bytes
        end = len(self) if high is None else high
        while low < end:
            middle = (low + end) // 2
            if bytes(data[at[middle] : at[middle + 1]]) < text:
                low = middle + 1
            else:
                end = middle
        return low

    def find(self, text: bytes, low: int = 0, high: int | None = None) -> int | None:
        """The place of a text, or None."""
        end = len(self) if high is None else high
        place = self.bisect(text, low, end)
        return place if place < end and self.raw(place) == text else None

    def prefixed(self, text: bytes, low: int = 0, high: int | None = None) -> tuple[int, int]:
        """The places of the texts that begin with `text`, as a half-open range."""
        end = len(self) if high is None else high
        first = self.bisect(text, low, end)
        beyond = _successor(text)
        return first, end if beyond is None else self.bisect(beyond, first, end)

    def texts(self, first: int, last: int, skip: int = 0) -> list[str]:
        """The texts from one place up to another, each without so many bytes at its beginning."""
        at = self.offsets[first : last + 1]
        start = int(at[0])
        data = bytes(self._bytes[start : int(at[-1])])
        bounds = (at - start).tolist()
        if data.isascii():
            joined = data.decode("ascii")
            return [joined[low + skip : high] for low, high in pairwise(bounds)]
        return [str(data[low + skip : high], "utf-8") for low, high in pairwise(bounds)]

    def some(self, places: list[int], skip: int = 0) -> list[str]:
        """The texts at some places, each without so many bytes at its beginning."""
        at, data = self._at, self._bytes
        return [str(data[at[place] + skip : at[place + 1]], "utf-8") for place in places]

    def arrow(self) -> Any:
        """The same texts as an Arrow array, without copying."""
        import pyarrow as pa

        buffers = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(pa.large_string(), len(self), buffers)


def plain(values: Any) -> Any:
    """The memory of an array, without a copy: one item of it is read several times faster than of the array."""
    return memoryview(values)


def pack(texts: Sequence[str]) -> tuple[Ints, npt.NDArray[np.uint8]]:
    """Texts as buffers, in the order in which they come."""
    joined = "".join(texts)
    pieces: Sequence[str | bytes] = texts if joined.isascii() else [text.encode() for text in texts]
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, pieces), dtype=np.int64, count=len(texts)), out=offsets[1:])
    return offsets, np.frombuffer(joined.encode(), dtype=np.uint8)


def lowered(texts: list[str]) -> list[str]:
    """The texts in lower case; the list itself where they are."""
    joined = "\x00".join(texts)
    if joined == joined.lower():  # all at once, since nearly always it is so
        return texts
    return [text.lower() for text in texts]


def sorted_order(texts: Sequence[str]) -> Ints:
    """The order of texts by code point, as indices."""
    if len(texts) < (MANY if "pyarrow.compute" in sys.modules else VERY_MANY):
        return np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
    import pyarrow as pa
    import pyarrow.compute as pc

    order = pc.array_sort_indices(pa.array(texts, type=pa.large_string()))
    return np.asarray(order).astype(np.int64)


def _successor(prefix: bytes) -> bytes | None:
    """The first bytes that are after everything with the prefix; none where there is no such."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else None
