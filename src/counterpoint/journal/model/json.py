"""JSON as it comes from outside: a document, or the items of an array of which some are broken. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

__all__ = ["decode_json", "items_of"]

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def decode_json(raw: "bytes | msgspec.Raw") -> Any:
    """A JSON document; of a key that is there twice, the last value counts.

    Raises:
        ValueError: it is not valid; the message says where.
    """
    try:
        return msgspec.json.decode(raw)
    except msgspec.MsgspecError as error:
        raise ValueError(_reason(bytes(raw), str(error))) from None
    except RecursionError:
        raise ValueError("it nests too deep") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text ({error.reason})") from None


def _reason(raw: bytes, said: str) -> str:
    if ("truncated" in said or "surrogate" in said) and _HALF.search(raw) and _is_python_json(raw):
        return "it holds half of a surrogate pair, which is no text"
    return said.replace("Input data was truncated", "it ends too early")


def _is_python_json(raw: bytes) -> bool:
    """Whether the standard library reads it, which lets halves of surrogate pairs pass."""
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


def items_of(array: bytes) -> Iterator[bytes]:
    """The items of a JSON array as they are written, by its brackets, strings and commas alone.

    What is wrong within an item, its reader will find; so one that is broken costs the others nothing.

    Raises:
        ValueError: the brackets do not match, so that nobody can say where an item ends.
    """
    array = array.strip()
    if not array.startswith(b"["):
        raise ValueError("it is no array")
    opened: list[bytes] = []
    start = 1
    for token in _TOKEN.finditer(array):
        mark = token.group()[:1]
        if mark in b"[{":
            opened.append(b"]" if mark == b"[" else b"}")
        elif mark in b"]}":
            if not opened or opened.pop() != mark:
                raise ValueError("its brackets do not match")
        elif mark == b"," and len(opened) == 1:
            yield array[start : token.start()]
            start = token.end()
        if not opened:
            if token.end() != len(array):
                raise ValueError("there is more after the array")
            if start > 1 or array[start : token.start()].strip():
                yield array[start : token.start()]
            return
    raise ValueError("it ends too early")
