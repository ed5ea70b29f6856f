"""What Backstage says of a predicate that it refuses, for `strict`: every form that the predicate might have had.

Backstage checks predicates with zod and shows its findings by zod-validation-error: a union that nothing fits
tells what is wrong with each of its branches, each text once. An issue that leaves a value usable (a name, a
key too many) is all that is told of its union.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

__all__ = ["FIELD", "refused_by_zod"]

LONGEST = 10_000
"""Bytes of a predicate about which everything is told."""
FIELD = re.compile(r"(?:[^$\n\r][^\n\r\u2028\u2029]*)?")
"""Names of fields; all others are refused."""
OPERATOR = re.compile(r"\$.*", re.DOTALL)
PLAIN = re.compile(r"[$_]|\w")
"""What has such a character is written into a path as it is."""

Path = tuple[str | int, ...]


class _Found(NamedTuple):
    """The texts of issues, and whether the value is of no use."""

    texts: tuple[str, ...] = ()
    useless: bool = False


Check = Callable[[Any, Path], _Found]
GOOD = _Found()


def refused_by_zod(predicate: Any, place: str = "") -> str | None:
    """The text for a predicate that zod refuses; None for others, and for very long ones. `place` is where it stood."""
    if len(msgspec.json.encode(predicate)) > LONGEST:
        return None
    found = _predicate(predicate, (place,) if place else ())
    return "Validation error: " + "; ".join(found.texts) if found.texts else None


def _predicate(value: Any, path: Path) -> _Found:
    return _union(
        (
            lambda given, at: _record(given, at, FIELD, _condition),
            lambda given, at: _record(given, at, OPERATOR, _never),
            *PRIMITIVES,
            lambda given, at: _object(given, at, "$all", _predicates, strict=True),
            lambda given, at: _object(given, at, "$any", _predicates, strict=True),
            lambda given, at: _object(given, at, "$not", _predicate, strict=True),
        ),
        value,
        path,
    )


def _condition(value: Any, path: Path) -> _Found:
    return _union(
        (
            *PRIMITIVES,
            lambda given, at: _object(given, at, "$exists", PRIMITIVES[2]),
            lambda given, at: _object(given, at, "$in", _primitives),
            lambda given, at: _object(given, at, "$contains", _predicate),
            lambda given, at: _object(given, at, "$hasPrefix", PRIMITIVES[0]),
        ),
        value,
        path,
    )


def _union(branches: tuple[Check, ...], value: Any, path: Path) -> _Found:
    found = [branch(value, path) for branch in branches]
    if GOOD in found:
        return GOOD
    for each in found:
        if not each.useless:
            return each
    texts = dict.fromkeys("; ".join(each.texts) for each in found)
    return _Found((", or ".join(texts),), useless=True)


def _all_of(parts: list[_Found]) -> _Found:
    texts = tuple(text for part in parts for text in part.texts)
    return _Found(texts, useless=any(part.useless for part in parts))


def _record(value: Any, path: Path, names: re.Pattern[str], check: Check) -> _Found:
    if not isinstance(value, dict):
        return _unexpected("object", value, path)
    parts: list[_Found] = []
    for name, inner in value.items():
        at = (*path, name)
        if names.fullmatch(name) is None:
            parts.append(_Found((f"Invalid{_at(at)}",)))
        parts.append(check(inner, at))
    return _all_of(parts)


def _object(value: Any, path: Path, name: str, check: Check, *, strict: bool = False) -> _Found:
    if not isinstance(value, dict):
        return _unexpected("object", value, path)
    at = (*path, name)
    parts = [check(value[name], at) if name in value else _Found((f"Required{_at(at)}",), useless=True)]
    others = [f"'{other}'" for other in value if other != name]
    if strict and others:
        parts.append(_Found((f"Unrecognized key(s) in object: {', '.join(others)}{_at(path)}",)))
    return _all_of(parts)


def _array(value: Any, path: Path, check: Check) -> _Found:
    if not isinstance(value, list):
        return _unexpected("array", value, path)
    return _all_of([check(item, (*path, index)) for index, item in enumerate(value)])


def _predicates(value: Any, path: Path) -> _Found:
    return _array(value, path, _predicate)


def _primitives(value: Any, path: Path) -> _Found:
    return _array(value, path, lambda item, at: _union(PRIMITIVES, item, at))


def _of_type(name: str) -> Check:
    return lambda value, path: GOOD if _type_of(value) == name else _unexpected(name, value, path)


PRIMITIVES = (_of_type("string"), _of_type("number"), _of_type("boolean"))


def _never(value: Any, path: Path) -> _Found:
    return _unexpected("never", value, path)


def _unexpected(expected: str, value: Any, path: Path) -> _Found:
    return _Found((f"Expected {expected}, received {_type_of(value)}{_at(path)}",), useless=True)


TYPES: Mapping[type, str] = {
    str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object",
}  # fmt: skip


def _type_of(value: Any) -> str:
    return "null" if value is None else TYPES[type(value)]


def _at(path: Path) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif '"' in part or PLAIN.search(part) is None:
            escaped = part.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{part}" if text else part
    return f' at "{text}"' if path else ""
