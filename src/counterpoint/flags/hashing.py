"""MurmurHash3 of a million texts at once."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Texts", "hashes_of"]

Bytes: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint32]

_C1, _C2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Texts as the bytes of their UTF-8, one in a row; what is beyond a row's length does not count."""

    content: Bytes
    """Of shape (texts, bytes of the longest)."""
    lengths: NDArray[np.int64]
    """Bytes of each text."""

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> str:
        return bytes(self.content[index, : self.lengths[index]]).decode("utf-8", "replace")

    @classmethod
    def of(cls, encoded: "list[bytes]") -> "Texts":
        """The texts of a list."""
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        width = max(int(lengths.max(initial=0)), 1)
        # A text may end in zero bytes, which this type drops and the lengths keep.
        padded = np.array(encoded, dtype=f"S{width}")
        return cls(padded.view(np.uint8).reshape(len(encoded), width), lengths)

    def between(self, before: bytes, after: bytes) -> "Texts":
        """Each text with the same bytes before and after it."""
        if not before and not after:
            return self
        rows, width = self.content.shape
        made = np.zeros((rows, len(before) + width + len(after)), dtype=np.uint8)
        made[:, : len(before)] = np.frombuffer(before, dtype=np.uint8)
        made[:, len(before) : len(before) + width] = self.content
        lengths = self.lengths + len(before)
        if after:
            for length in np.unique(lengths):
                rows_of = lengths == length
                made[rows_of, length : length + len(after)] = np.frombuffer(after, dtype=np.uint8)
        return Texts(made, lengths + len(after))


def hashes_of(texts: Texts) -> Words:
    """MurmurHash3 (x86, 32 bits, seed 0) of each text, unsigned.

    References:
        Austin Appleby, smhasher, MurmurHash3_x86_32.
    """
    lengths = np.unique(texts.lengths)
    if len(lengths) == 1:
        return _of_length(texts.content, int(lengths[0]))
    found = np.empty(len(texts), dtype=np.uint32)
    for length in lengths:
        rows = texts.lengths == length
        found[rows] = _of_length(texts.content[rows], int(length))
    return found


def _of_length(content: Bytes, length: int) -> Words:
    rows, blocks = len(content), length // 4
    hashed = np.zeros(rows, dtype=np.uint32)
    if blocks:
        words = np.ascontiguousarray(content[:, : 4 * blocks]).view("<u4").astype(np.uint32, copy=False)
        for block in range(blocks):
            hashed ^= _mixed(words[:, block].copy())
            hashed = _rotated(hashed, 13)
            hashed *= np.uint32(5)
            hashed += np.uint32(0xE6546B64)
    if rest := length % 4:
        tail = np.zeros(rows, dtype=np.uint32)
        for index in range(rest):
            tail |= content[:, 4 * blocks + index].astype(np.uint32) << np.uint32(8 * index)
        hashed ^= _mixed(tail)
    return _finished(hashed ^ np.uint32(length))


def _mixed(word: Words) -> Words:
    word *= _C1
    word = _rotated(word, 15)
    word *= _C2
    return word


def _rotated(word: Words, by: int) -> Words:
    rotated: Any = (word << np.uint32(by)) | (word >> np.uint32(32 - by))
    return rotated  # type: ignore[no-any-return]


def _finished(hashed: Words) -> Words:
    hashed ^= hashed >> np.uint32(16)
    hashed *= np.uint32(0x85EBCA6B)
    hashed ^= hashed >> np.uint32(13)
    hashed *= np.uint32(0xC2B2AE35)
    hashed ^= hashed >> np.uint32(16)
    return hashed
