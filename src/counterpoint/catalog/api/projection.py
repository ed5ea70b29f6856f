"""The `fields` of a request: only those parts of each entity.

A path is followed part by part; a part that an object does not have is joined with the next one, so that keys
with dots are found (`metadata.annotations.github.com/project-slug`). What is missing is left out.

References:
    backstage/backstage, plugins/catalog-backend/src/service/request/parseEntityTransformParams.ts.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec

from counterpoint.errors import InputError

__all__ = ["FIELDS", "Projection", "projection_of"]

FIELDS = 1_000
"""Fields that one request may name."""
PARTS = 100
"""Parts of one path."""
Projection = Callable[[bytes], bytes]
"""From the JSON of an entity to the JSON of its parts."""
_MISSING = object()
ALWAYS = frozenset({"metadata.name", "metadata.namespace", "metadata.uid", "metadata.etag"})
"""Fields that every entity has."""
TOP = frozenset({"apiVersion", "kind", "metadata", "spec", "relations"})


def projection_of(*given: Sequence[str] | None) -> Projection | None:
    """What takes the fields out of an entity; None where none are named.

    Raises:
        InputError: a field names an item of a list, or there are too many.
    """
    named = (field.strip() for fields in given for field in fields or ())
    fields = list(dict.fromkeys(field for field in named if field))
    if not fields:
        return None
    wrong = next((field for field in fields if "[" in field), None)
    if wrong is not None:
        raise InputError(f'Invalid field "{wrong}", array type fields are not supported')
    if len(fields) > FIELDS or any(field.count(".") >= PARTS for field in fields):
        raise InputError(f"A request may name {FIELDS} fields, each with {PARTS} parts at most.")
    return _made(tuple(fields))


@lru_cache(maxsize=256)
def _made(fields: tuple[str, ...]) -> Projection:
    """Clients ask for the same few sets of fields again and again, and making one costs more than using it."""
    return _quick(fields) or _general(fields)


def _quick(fields: Sequence[str]) -> Projection | None:
    """The common case, in which every field is one that all entities have: nothing else is decoded."""
    top = [field for field in fields if field in TOP]
    inner = [field.partition(".")[2] for field in fields if field in ALWAYS]
    if len(top) + len(inner) != len(fields) or (inner and "metadata" in top):
        return None
    parts: list[tuple[str, Any, Any]] = [
        (name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in top
    ]
    if inner:
        metadata = msgspec.defstruct("Metadata", [(name, msgspec.Raw) for name in inner])
        parts.append(("metadata", metadata, None))
    decode = msgspec.json.Decoder(msgspec.defstruct("Parts", parts)).decode
    encode = msgspec.json.Encoder().encode
    return lambda content: encode(decode(content))


def _general(fields: Sequence[str]) -> Projection:
    paths = [field.split(".") for field in fields]

    def project(content: bytes) -> bytes:
        entity = msgspec.json.decode(content)
        output: dict[str, Any] = {}
        for parts in paths:
            path, value = _follow(entity, parts)
            if value is not _MISSING:
                _put(output, path, value)
        return msgspec.json.encode(output)

    return project


def _follow(value: Any, parts: Sequence[str]) -> tuple[list[str], Any]:
    path: list[str] = []
    joined: str | None = None
    for index, part in enumerate(parts):
        joined = part if joined is None else f"{joined}.{part}"
        inner = _inner(value, joined)
        if inner is not _MISSING:
            path.append(joined)
            value, joined = inner, None
        elif index == len(parts) - 1:
            return path, _MISSING
    return path, value


def _inner(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, _MISSING)
    if isinstance(value, list) and name.isdecimal() and str(int(name)) == name and int(name) < len(value):
        return value[int(name)]
    return _MISSING


def _put(output: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Put a value where it was; the items of a list before it become null."""
    holder: Any = output
    for name, following in pairwise(path):
        inner = _inner(holder, name)
        if not isinstance(inner, dict | list):
            inner = [] if following.isdecimal() else {}
            _set(holder, name, inner)
        holder = inner
    _set(holder, path[-1], value)


def _set(holder: Any, name: str, value: Any) -> None:
    if isinstance(holder, list):
        holder += [None] * (int(name) + 1 - len(holder))
        holder[int(name)] = value
    else:
        holder[name] = value
