"""Filters as requests write them, turned into the index's conditions: `filter` parameters and JSON predicates.

A `filter` parameter becomes a predicate first, as in Backstage, since cursors hold predicates.

References:
    backstage/backstage, packages/filter-predicates;
    plugins/catalog-backend/src/service/request/{parseEntityFilterParams,applyPredicateEntityFilterToQuery}.ts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from counterpoint.catalog.api.predicate_texts import FIELD, refused_by_zod
from counterpoint.errors import InputError
from counterpoint.graph.index.filters import AllOf, AnyOf, Equals, Exists, Filter, Not, Prefix, size_of
from counterpoint.javascript import js_text

__all__ = ["CONDITIONS", "DEPTH", "Predicate", "filter_of", "predicate_of"]

Predicate: TypeAlias = dict[str, Any]

CONDITIONS = 10_000
"""Conditions and values of one query; clients send a few hundred at most."""
DEPTH = 60
"""Levels of `$all`, `$any` and `$not` inside each other."""
_WAYS = "a primitive value, $exists, $in, $hasPrefix, or $contains operator"


def predicate_of(filters: Sequence[str] | None) -> Predicate | None:
    """What `filter` parameters mean; None where they say nothing.

    Inside one, different keys must all hold, and a key that is repeated may have any of its values;
    between several, one is enough.

    Raises:
        InputError: a key is empty.
    """
    found = [inner for text in filters or () if (inner := _conditions(text))]
    outer = [inner[0] if len(inner) == 1 else {"$all": inner} for inner in found]
    if not outer:
        return None
    return outer[0] if len(outer) == 1 else {"$any": outer}


def _conditions(text: str) -> list[Predicate]:
    values: dict[str, list[str] | None] = {}
    for statement in filter(None, map(str.strip, text.split(","))):
        key, equals, value = statement.partition("=")
        if not (key := key.strip()):
            raise InputError(
                f"Invalid filter, '{statement}' is not a valid statement (expected a string on the form a=b or a= or a)"
            )
        held = values.setdefault(key, None)
        if equals:
            values[key] = [*(held or ()), value.strip()]
    return [
        {key: {"$exists": True} if held is None else held[0] if len(held) == 1 else {"$in": held}}
        for key, held in values.items()
    ]


def filter_of(
    predicate: Any, *, root: str = "Invalid query: ", place: str = "", strict: bool = False
) -> Filter:
    """The conditions of a predicate. `root` begins a refusal, `place` is where the predicate stood.

    With `strict`, a refusal tells all that Backstage tells.

    Raises:
        InputError: it is none, nests too deeply, or has too many conditions.
    """
    try:
        found = _read(predicate, place, root, 0)
    except InputError as error:
        text = refused_by_zod(predicate, place) if strict else None
        if text is None:
            raise
        raise InputError(root + text) from error
    if (size := size_of(found)) > CONDITIONS:
        raise InputError(f"{root}It has {size} conditions and values; {CONDITIONS} are the most.")
    return found


def _read(predicate: Any, place: str, root: str, depth: int) -> Filter:
    if depth > DEPTH:
        raise InputError(f"{root}It nests more than {DEPTH} levels deep.")
    if _is_primitive(predicate):
        raise InputError(
            "Invalid filter predicate: top-level primitive values are not supported. "
            f'Wrap the value in a field expression, e.g. {{ "kind": {_json(predicate)} }}'
        )
    if not isinstance(predicate, dict):
        raise _invalid(root, place, "expected an object")
    operator = next((name for name in ("$all", "$any", "$not") if name in predicate), None)
    if operator is None:
        return _fields(predicate, place, root)
    value = predicate[operator]
    inner = f"{place}.{operator}" if place else operator
    if operator != "$not" and not isinstance(value, list):
        raise _invalid(root, inner, "expected an array")
    if len(predicate) > 1:
        others = ", ".join(f"'{name}'" for name in predicate if name != operator)
        raise InputError(
            f"{root}Validation error: Unrecognized key(s) in object: {others}"
            + (f' at "{place}"' if place else "")
        )
    if operator == "$not":
        return Not(_read(value, inner, root, depth + 1))
    parts = tuple(_read(item, f"{inner}[{index}]", root, depth + 1) for index, item in enumerate(value))
    return AllOf(parts) if operator == "$all" else AnyOf(parts)


def _fields(predicate: Mapping[str, Any], place: str, root: str) -> Filter:
    parts: list[Filter] = []
    for name, value in predicate.items():
        inner = f"{place}.{name}" if place else name
        if not FIELD.fullmatch(name):
            raise _invalid(root, inner)
        parts.append(_field(name.lower(), value, inner, root))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _field(key: str, value: Any, place: str, root: str) -> Filter:
    """The condition on one field. Of several operators the first in the order of Backstage's schema counts."""
    if _is_primitive(value):
        return Equals(key, (_lower(value),))
    if not isinstance(value, dict):
        raise _invalid(root, place, f"expected {_WAYS}")
    exists, among, target, prefix = (
        value.get(name) for name in ("$exists", "$in", "$contains", "$hasPrefix")
    )
    if isinstance(exists, bool):
        return Exists(key) if exists else Not(Exists(key))
    if isinstance(among, list) and all(map(_is_primitive, among)):
        return Equals(key, tuple(map(_lower, among)))
    if _is_primitive(target):
        return Equals(key, (_lower(target),))
    if isinstance(target, dict):
        if key == "relations":
            return _relation(target)
        raise InputError(f'Object form of $contains is not supported for field "{key}"')
    if isinstance(prefix, str):
        return Prefix(key, prefix.lower())
    raise _invalid(root, place, f"expected {_WAYS}")


def _relation(target: Mapping[str, Any]) -> Filter:
    """`{"$contains": {"type": ..., "targetRef": ...}}` on `relations`; the names are read in any case."""
    given: dict[str, Any] = {}
    for name, value in target.items():
        key = name.lower()
        if key not in ("type", "targetref"):
            raise InputError(
                f'Unsupported key "{name}" in $contains for "relations". Only "type" and "targetRef" are supported'
            )
        if key in given:
            raise InputError(f'Duplicate key "{name}" in $contains for "relations"')
        given[key] = value
    kind = given.get("type")
    if not isinstance(kind, str) or not kind:
        raise InputError('The $contains operator for "relations" requires a "type" string property')
    key = f"relations.{kind.lower()}"
    return Equals(key, _targets(given["targetref"])) if "targetref" in given else Exists(key)


def _targets(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value.lower(),)
    among = value.get("$in") if isinstance(value, dict) else None
    if isinstance(among, list) and all(isinstance(item, str) for item in among):
        if not among:
            raise InputError('Empty "$in" array for $contains on "relations" is not allowed')
        return tuple(item.lower() for item in among)
    raise InputError(
        'Unsupported value in $contains for "relations": expected a string or { "$in": [strings] }, '
        f"but got {_json(value)}"
    )


def _invalid(root: str, place: str, reason: str = "") -> InputError:
    return InputError(f'{root}Validation error: Invalid at "{place}"' + (f"; {reason}" if reason else ""))


def _is_primitive(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _lower(value: Any) -> str:
    return js_text(value).lower()


def _json(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else f"{text[:197]}..."
