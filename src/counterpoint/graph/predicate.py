"""Predicates over an entity: Backstage's query language, with comparisons of numbers added.

`{"spec.type": "service", "$not": ...}`: pairs of a key and what its values must be, all of which hold;
`$all`, `$any` and `$not` stand alone in their object. A key is what Backstage indexes: the dotted path of
a scalar, `metadata.tags` for each tag, `metadata.tags.java` for the presence of one, `relations.ownedBy`.
Keys and texts are compared in lower case. What a predicate is asked of is a mapping of such keys to the
texts that stand there; an empty set is a key with no value, which exists and equals nothing.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.javascript import js_text

__all__ = ["Keys", "Predicate", "check_predicate", "compile_predicate", "keys_of", "size_of", "text_of"]

Keys = Mapping[str, Collection[str]]
"""The values of each key, all in lower case."""
Test = Callable[[Keys], bool]

DEPTH = 12
"""How deep objects may be nested, and `PARTS` how many conditions one predicate may have."""
PARTS = 200
VALUES = 200
"""Values of one `$in`."""
LENGTH = 200
"""Characters of a key and of a value: longer ones are not kept by Backstage's index, so nothing could match."""
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "$gt": lambda value, bound: value > bound,
    "$gte": lambda value, bound: value >= bound,
    "$lt": lambda value, bound: value < bound,
    "$lte": lambda value, bound: value <= bound,
}
TOGETHER = ("$all", "$any", "$not")
OPERATORS = ("$exists", "$in", "$hasPrefix", "$contains", *COMPARISONS)
UNREAD = frozenset({"metadata.etag"})
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Predicate:
    """A checked predicate, ready to be asked."""

    holds: Test
    keys: frozenset[str]
    """The keys that it looks at, in lower case; `relations` with a type reads `relations.<type>`."""


def text_of(value: Any) -> str | None:
    """A scalar as predicates compare it; none for null and for what is no scalar."""
    return js_text(value).lower() if isinstance(value, str | bool | int | float) else None


def keys_of(document: Mapping[str, Any], relations: Collection[tuple[str, str]] = ()) -> dict[str, set[str]]:
    """The keys of an entity with their values, as Backstage's search index has them.

    `relations` are pairs of type and target.
    """
    found: dict[str, set[str]] = {}
    _walk(document, "", found)
    for name in UNREAD:
        found.pop(name, None)
    for kind, target in relations:
        found.setdefault(f"relations.{kind}".lower(), set()).add(target.lower())
    return found


def _walk(value: Any, path: str, found: dict[str, set[str]]) -> None:
    if isinstance(value, dict):
        start = f"{path}." if path else ""
        for key, item in value.items():
            _walk(item, start + key.lower(), found)
    elif isinstance(value, list):
        for item in value:
            _walk(item, path, found)
            if isinstance(item, str) and len(path) + len(item) < LENGTH:
                found.setdefault(f"{path}.{item.lower()}", set()).add("true")
    elif len(path) <= LENGTH:
        values = found.setdefault(path, set())
        text = text_of(value)
        if text is not None and len(text) <= LENGTH:
            values.add(text)


def check_predicate(value: Any, pointer: str) -> Iterator[Problem]:
    """What is wrong with a predicate, each with its place; hostile ones are refused before they cost anything."""
    count = [0]
    yield from _check(value, pointer, 0, count)
    if count[0] > PARTS:
        yield Problem(f"The predicate has more than {PARTS} conditions; split the check.", pointer)


def _check(value: Any, pointer: str, depth: int, count: list[int]) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem("A predicate is an object such as {spec.type: service}.", pointer)
        return
    if depth > DEPTH:
        yield Problem(f"The predicate is nested more than {DEPTH} levels deep.", pointer)
        return
    for key, item in value.items():
        count[0] += 1
        if count[0] > PARTS:
            return
        place = f"{pointer}/{escape(key)}"
        if key in TOGETHER:
            if len(value) > 1:
                yield Problem(f"{key} must be the only key of its object; put the others into $all.", pointer)
            yield from _check_together(key, item, place, depth, count)
        elif key.startswith("$"):
            yield Problem(f"{key} is no operator here; there are {', '.join(TOGETHER)}.", place)
        elif not key or len(key) > LENGTH:
            yield Problem(f"A key has 1 to {LENGTH} characters, such as spec.lifecycle.", place)
        else:
            yield from _check_match(key, item, place)


def _check_together(key: str, item: Any, place: str, depth: int, count: list[int]) -> Iterator[Problem]:
    if key == "$not":
        yield from _check(item, place, depth + 1, count)
    elif not isinstance(item, list):
        yield Problem(f"{key} takes a list of predicates.", place)
    else:
        for index, inner in enumerate(item):
            count[0] += 1
            if count[0] > PARTS:
                return
            yield from _check(inner, f"{place}/{index}", depth + 1, count)


def _check_match(key: str, match: Any, place: str) -> Iterator[Problem]:
    if not isinstance(match, dict):
        yield from _check_value(match, place)
        return
    if len(match) != 1 and not (match and match.keys() <= COMPARISONS.keys()):
        yield Problem(f"Give one of {', '.join(OPERATORS)} (only comparisons go together).", place)
        return
    for operator, operand in match.items():
        here = f"{place}/{escape(operator)}"
        if operator == "$exists":
            if not isinstance(operand, bool):
                yield Problem("$exists is true or false.", here)
        elif operator == "$in":
            yield from _check_values(operand, here)
        elif operator == "$hasPrefix":
            if not isinstance(operand, str) or len(operand) > LENGTH:
                yield Problem(f"$hasPrefix takes a text of up to {LENGTH} characters.", here)
        elif operator == "$contains" and isinstance(operand, dict):
            yield from _check_relation(key, operand, here)
        elif operator == "$contains":
            yield from _check_value(operand, here)
        elif operator in COMPARISONS:
            if isinstance(operand, bool) or not isinstance(operand, int | float):
                yield Problem(f"{operator} takes a number.", here)
        else:
            yield Problem(f"{operator} is no operator; there are {', '.join(OPERATORS)}.", here)


def _check_value(value: Any, place: str) -> Iterator[Problem]:
    if value is None:
        yield Problem("Nothing equals null; write {$exists: false} for what is missing.", place)
    elif not isinstance(value, str | int | float):
        yield Problem("A value is a text, a number, true or false.", place)
    elif isinstance(value, str) and len(value) > LENGTH:
        yield Problem(f"The value has {len(value):,} characters; {LENGTH} are the most.", place)


def _check_values(values: Any, place: str) -> Iterator[Problem]:
    if not isinstance(values, list) or len(values) > VALUES:
        yield Problem(f"$in takes a list of up to {VALUES} values.", place)
        return
    for index, value in enumerate(values):
        yield from _check_value(value, f"{place}/{index}")


def _check_relation(key: str, operand: Mapping[str, Any], place: str) -> Iterator[Problem]:
    if key.lower() != "relations":
        yield Problem("Only relations contain objects: {relations: {$contains: {type: ownedBy}}}.", place)
        return
    if not isinstance(operand.get("type"), str) or not operand.keys() <= {"type", "targetRef"}:
        yield Problem("Give type and, where it matters, targetRef.", place)
    target = operand.get("targetRef")
    if isinstance(target, dict):
        if target.keys() != {"$in"}:
            yield Problem("targetRef is a reference or {$in: [...]}.", f"{place}/targetRef")
        else:
            yield from _check_values(target["$in"], f"{place}/targetRef/$in")
    elif target is not None and not isinstance(target, str):
        yield Problem("targetRef is a reference or {$in: [...]}.", f"{place}/targetRef")


def size_of(value: Any) -> int:
    """How many conditions a checked predicate has."""
    if isinstance(value, list):
        return sum(map(size_of, value))
    return sum(size_of(item) if key in TOGETHER else 1 for key, item in value.items())


def compile_predicate(value: Mapping[str, Any]) -> Predicate:
    """The predicate that a checked value describes."""
    keys: set[str] = set()
    return Predicate(_compile(value, keys), frozenset(keys))


def _compile(value: Mapping[str, Any], keys: set[str]) -> Test:
    tests = [_part(key, item, keys) for key, item in value.items()]
    return tests[0] if len(tests) == 1 else lambda subject: all(test(subject) for test in tests)


def _part(key: str, item: Any, keys: set[str]) -> Test:
    if key == "$not":
        inner = _compile(item, keys)
        return lambda subject: not inner(subject)
    if key in TOGETHER:
        parts = [_compile(each, keys) for each in item]
        if key == "$all":
            return lambda subject: all(part(subject) for part in parts)
        return lambda subject: any(part(subject) for part in parts)
    name = key.lower()
    if not isinstance(item, dict):
        keys.add(name)
        return _one_of(name, [item])
    if item.keys() <= COMPARISONS.keys():
        keys.add(name)
        return _compares(name, item)
    ((operator, operand),) = item.items()
    if operator == "$contains" and isinstance(operand, dict):
        name = f"relations.{operand['type'].lower()}"
        keys.add(name)
        return _relates(name, operand.get("targetRef"))
    keys.add(name)
    if operator == "$exists":
        return (lambda subject: name in subject) if operand else (lambda subject: name not in subject)
    if operator == "$hasPrefix":
        start = operand.lower()
        return lambda subject: any(value.startswith(start) for value in subject.get(name, ()))
    return _one_of(name, operand if operator == "$in" else [operand])


def _one_of(name: str, values: Collection[Any]) -> Test:
    wanted = {text_of(value) for value in values}
    if len(wanted) == 1:
        (only,) = wanted
        return lambda subject: only in subject.get(name, ())
    return lambda subject: any(value in wanted for value in subject.get(name, ()))


def _compares(name: str, bounds: Mapping[str, float]) -> Test:
    pairs = [(COMPARISONS[operator], float(bound)) for operator, bound in bounds.items()]

    def holds(subject: Keys) -> bool:
        for text in subject.get(name, ()):
            if _NUMBER.fullmatch(text):  # float() also reads "nan", "infinity" and "1_000"
                value = float(text)
                if all(compare(value, bound) for compare, bound in pairs):
                    return True
        return False

    return holds


def _relates(name: str, target: Any) -> Test:
    if target is None:
        return lambda subject: name in subject
    return _one_of(name, target["$in"] if isinstance(target, dict) else [target])
