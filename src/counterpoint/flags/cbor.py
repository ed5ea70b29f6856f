"""CBOR in its deterministic encoding, as far as JSON's values go.

References:
    RFC 8949, section 4.2.1 (core deterministic encoding); flagd's decision "fractional-non-string-rand-units"
    for whole floats, which become integers within 64 bits.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["encode"]

MAX_NESTING: Final = 100


def encode(value: Any) -> bytes:
    """The deterministic encoding of a JSON value.

    Raises:
        ValueError: the value is none of JSON's, or nests deeper than 100 levels.
    """
    return _encode(value, 0)


def _encode(value: Any, depth: int) -> bytes:
    if isinstance(value, str):
        return text(value)
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _float(value)
    if depth >= MAX_NESTING:
        raise ValueError(f"nests deeper than {MAX_NESTING} levels")
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(_encode(item, depth + 1) for item in value)
    if isinstance(value, Mapping):
        pairs = sorted((_encode(key, depth + 1), _encode(item, depth + 1)) for key, item in value.items())
        return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise ValueError(f"{type(value).__name__} is no value of JSON")


def text(value: str) -> bytes:
    """The encoding of a text; a lone surrogate becomes U+FFFD, as JavaScript's encoder has it."""
    encoded = utf8(value)
    return _head(3, len(encoded)) + encoded


def utf8(value: str) -> bytes:
    """The text in UTF-8, lone surrogates replaced by U+FFFD."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _head(major: int, size: int) -> bytes:
    first = major << 5
    if size < 24:
        return bytes((first | size,))
    for extra, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if size < 1 << (8 * width):
            return bytes((first | extra,)) + size.to_bytes(width, "big")
    raise ValueError("a size of more than 64 bits")


def _integer(value: int) -> bytes:
    size = value if value >= 0 else -1 - value
    if size < 1 << 64:
        return _head(0 if value >= 0 else 1, size)
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return (b"\xc2" if value >= 0 else b"\xc3") + _head(2, len(digits)) + digits


def _float(value: float) -> bytes:
    if value.is_integer() and -(2.0**63) <= value < 2.0**64:
        return _integer(int(value))
    if math.isnan(value):
        return b"\xf9\x7e\x00"
    for lead, layout in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            packed = struct.pack(layout, value)
        except OverflowError:
            continue
        if struct.unpack(layout, packed)[0] == value:
            return lead + packed
    return b"\xfb" + struct.pack(">d", value)
