"""JsonLogic with JavaScript's truthiness, equality and number coercion.

A rule is JSON: an object with exactly one member is an operation, everything else is a value. The rules
of the language are those of https://jsonlogic.com/operations.html.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from counterpoint.flags.arithmetic import ARITHMETIC, Operator, at
from counterpoint.flags.costs import MAX_STEPS, SCALARS, cost
from counterpoint.flags.errors import RuleLimitError, UnknownOperatorError
from counterpoint.flags.javascript import (
    MAX_TEXT,
    SAFE_INTEGER,
    UNDEFINED,
    compare,
    is_array,
    joined,
    loosely_equal,
    number,
    strictly_equal,
    text,
    truthy,
    units,
)

__all__ = ["MAX_DEPTH", "MAX_STEPS", "OPERATORS", "Operator", "apply"]

MAX_DEPTH: Final = 256
"""Levels of operations and arrays in a rule."""
MAX_NAME: Final = 10_000
"""Characters of a name or path that `var` looks up, and of a text beyond ASCII that it takes one from."""
MAX_ITEMS: Final = 100_000
"""Elements of the longest array that a rule may build."""


def apply(rule: Any, data: Any = None, *, operators: Mapping[str, Operator] | None = None) -> Any:
    """The value of a rule for the data; JavaScript's `undefined` comes out as None.

    Args:
        rule: JSON, as Python's values.
        data: what `var` reads.
        operators: the operators on evaluated arguments, by name; default the standard ones and flagd's, with
            `fractional` in v2.

    Raises:
        UnknownOperatorError: the rule ran into an operator that does not exist.
        RuleLimitError: the rule nests deeper than `MAX_DEPTH`, takes more than `MAX_STEPS`, or builds a
            text or an array beyond the limits. Nothing else is raised, whatever the rule or the data.
    """
    if operators is None:
        from counterpoint.flags.operators import operators as flagd_operators  # which builds on this module

        operators = flagd_operators("v2")
    run = _Run(operators)
    try:
        result = run.value(rule, data, 0)
    except RecursionError as error:
        raise RuleLimitError("The rule nests too deeply for the stack that is left.") from error
    if isinstance(result, float) and result == 0:
        return 0  # also for negative zero, which JSON does not tell apart
    return None if result is UNDEFINED else result


class _Run:
    """One application of a rule, with what it may still spend."""

    __slots__ = ("operators", "steps")

    def __init__(self, operators: Mapping[str, Operator]) -> None:
        self.operators = operators
        self.steps = MAX_STEPS

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise RuleLimitError(f"The rule takes more than {MAX_STEPS:,} steps.")

    def value(self, rule: Any, data: Any, depth: int) -> Any:
        if isinstance(rule, list | tuple):
            self.enter(depth)
            if SCALARS.issuperset(map(type, rule)):
                self.spend(1 + len(rule) // 50)
                return list(rule)
            self.spend(1 + len(rule) // 4)
            built = []
            for item in rule:
                one = self.value(item, data, depth + 1)
                built.append(None if one is UNDEFINED else one)
            return built
        if not isinstance(rule, Mapping) or len(rule) != 1:
            return rule
        self.enter(depth)
        ((name, given),) = rule.items()
        arguments = given if isinstance(given, list | tuple) else (given,)
        self.spend(1 + len(arguments) // 4)
        if lazy := LAZY.get(name):
            return lazy(self, arguments, data, depth + 1)
        operator = self.operators.get(name)
        if operator is None:
            raise UnknownOperatorError(f"There is no operator {_named(name)}.")
        values = []
        for argument in arguments:
            values.append(self.value(argument, data, depth + 1))  # noqa: PERF401 - a comprehension is one more frame
        self.spend(cost(name, values))
        return operator(values, data)

    def enter(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise RuleLimitError(f"The rule nests deeper than {MAX_DEPTH} levels.")


def _named(name: Any) -> str:
    shown = str(name)
    return repr(shown if len(shown) <= 60 else shown[:59] + "…")


# Operators that decide themselves which of their arguments are evaluated, and with which data.


def _if(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> Any:
    for index in range(0, len(arguments) - 1, 2):
        if truthy(run.value(arguments[index], data, depth)):
            return run.value(arguments[index + 1], data, depth)
    return run.value(arguments[-1], data, depth) if len(arguments) % 2 else None


def _and(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> Any:
    current: Any = UNDEFINED
    for argument in arguments:
        current = run.value(argument, data, depth)
        if not truthy(current):
            return current
    return current


def _or(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> Any:
    current: Any = UNDEFINED
    for argument in arguments:
        current = run.value(argument, data, depth)
        if truthy(current):
            return current
    return current


def _items(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> Sequence[Any] | None:
    found = run.value(at(arguments, 0), data, depth)
    if not isinstance(found, list | tuple):
        return None
    run.spend(len(found))
    return found


def _map(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> list[Any]:
    rule = at(arguments, 1)
    mapped = []
    for item in _items(run, arguments, data, depth) or ():
        one = run.value(rule, item, depth)
        mapped.append(None if one is UNDEFINED else one)
    return mapped


def _filter(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> list[Any]:
    rule = at(arguments, 1)
    return [
        item for item in _items(run, arguments, data, depth) or () if truthy(run.value(rule, item, depth))
    ]


def _reduce(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> Any:
    items = _items(run, arguments, data, depth)
    rule, initial = at(arguments, 1), at(arguments, 2)
    accumulator = None if initial is UNDEFINED else run.value(initial, data, depth)
    for item in items or ():
        accumulator = run.value(rule, {"current": item, "accumulator": accumulator}, depth)
    return accumulator


def _all(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> bool:
    items = _items(run, arguments, data, depth)
    if not items:
        return False
    rule = at(arguments, 1)
    return all(truthy(run.value(rule, item, depth)) for item in items)


def _some(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> bool:
    return len(_filter(run, arguments, data, depth)) > 0


def _none(run: _Run, arguments: Sequence[Any], data: Any, depth: int) -> bool:
    return not _some(run, arguments, data, depth)


LAZY: Final[Mapping[str, Callable[[_Run, Sequence[Any], Any, int], Any]]] = {
    "if": _if,
    "?:": _if,
    "and": _and,
    "or": _or,
    "map": _map,
    "filter": _filter,
    "reduce": _reduce,
    "all": _all,
    "some": _some,
    "none": _none,
}


# Operators on evaluated arguments.


def _look_up(path: Any, data: Any, default: Any) -> Any:
    if path is UNDEFINED or path is None or path == "":
        return data
    path = text(path)
    if len(path) > MAX_NAME:
        raise RuleLimitError(f"A rule looks up a name of more than {MAX_NAME:,} characters.")
    for name in path.split("."):
        data = _member(data, name)
        if data is UNDEFINED:
            return default
    return data


def _member(data: Any, name: str) -> Any:
    """The member that JavaScript would find; never one of a prototype."""
    if isinstance(data, Mapping):
        return data.get(name, UNDEFINED)
    if isinstance(data, list | tuple | str):
        if isinstance(data, str) and len(data) > MAX_NAME and not data.isascii():
            raise RuleLimitError(f"A rule looks into a text of more than {MAX_NAME:,} characters.")
        length = len(units(data)) // 2 if isinstance(data, str) and not data.isascii() else len(data)
        if name == "length":
            return length
        if (
            name.isascii()
            and name.isdigit()
            and len(name) < 10
            and str(int(name)) == name
            and int(name) < length
        ):
            return _slice(data, int(name), 1) if isinstance(data, str) else data[int(name)]
    return UNDEFINED


def _var(arguments: Sequence[Any], data: Any) -> Any:
    default = at(arguments, 1)
    return _look_up(at(arguments, 0), data, None if default is UNDEFINED else default)


def _missing(arguments: Sequence[Any], data: Any) -> list[Any]:
    keys = arguments[0] if arguments and is_array(arguments[0]) else arguments
    absent = []
    for key in keys:
        found = _look_up(key, data, None)
        if found is None or (isinstance(found, str) and not found):
            absent.append(None if key is UNDEFINED else key)
    return absent


def _missing_some(arguments: Sequence[Any], data: Any) -> list[Any]:
    need, options = at(arguments, 0), at(arguments, 1)
    absent = _missing([options], data)
    present = len(options) - len(absent) if isinstance(options, list | tuple | str) else math.nan
    order = compare(present, need)
    return [] if order is not None and order >= 0 else absent


def _ordered(accept: Callable[[int], bool], *, between: bool = False) -> Operator:
    def operator(arguments: Sequence[Any], _: Any) -> bool:
        first, second, third = at(arguments, 0), at(arguments, 1), at(arguments, 2)
        order = compare(first, second)
        if order is None or not accept(order):
            return False
        if not between or third is UNDEFINED:
            return True
        order = compare(second, third)
        return order is not None and accept(order)

    return operator


def _in(arguments: Sequence[Any], _: Any) -> bool:
    wanted, container = at(arguments, 0), at(arguments, 1)
    if isinstance(container, str):
        return container != "" and text(wanted) in container
    if not isinstance(container, list | tuple):
        return False
    # What is in no sense equal for Python is not so for JavaScript, where integers are exact in both.
    if type(wanted) in SCALARS and (not isinstance(wanted, int | float) or abs(wanted) <= SAFE_INTEGER):
        with suppress(Exception):  # of an attribute that is no value of JSON
            if wanted not in container:
                return False
    return any(strictly_equal(item, wanted) for item in container)


def _cat(arguments: Sequence[Any], _: Any) -> str:
    parts = ["" if part is None or part is UNDEFINED else text(part) for part in arguments]
    if sum(map(len, parts)) > MAX_TEXT:
        raise RuleLimitError(f"A rule builds a text of more than {MAX_TEXT:,} characters.")
    return joined(parts)


def _substr(arguments: Sequence[Any], _: Any) -> str:
    source, start, end = text(at(arguments, 0)), at(arguments, 1), at(arguments, 2)
    tail = _slice(source, _whole(start), None)
    if end is UNDEFINED:
        return tail
    if compare(end, 0) == -1:
        # A negative end cuts from the end; a text would be appended to the length, which is no number.
        return _slice(tail, 0, len(units(tail)) // 2 + number(end)) if isinstance(end, int | float) else ""
    return _slice(tail, 0, _whole(end))


def _whole(value: Any) -> float:
    converted = number(value)
    return 0.0 if converted != converted else converted if math.isinf(converted) else math.trunc(converted)


def _slice(source: str, start: float, length: float | None) -> str:
    """`source.substr(start, length)` in UTF-16 units."""
    encoded = source if source.isascii() else units(source)
    width = 1 if encoded is source else 2
    total = len(encoded) // width
    begin = int(max(total + start, 0) if start < 0 else min(start, total))
    count = total - begin if length is None else int(min(max(length, 0), total - begin))
    part = encoded[width * begin : width * (begin + count)]
    return part if isinstance(part, str) else part.decode("utf-16-be", "surrogatepass")


def _merge(arguments: Sequence[Any], _: Any) -> list[Any]:
    merged: list[Any] = []
    for value in arguments:
        if isinstance(value, list | tuple):
            merged.extend(value)
        else:
            merged.append(None if value is UNDEFINED else value)
        if len(merged) > MAX_ITEMS:
            raise RuleLimitError(f"A rule builds an array of more than {MAX_ITEMS:,} elements.")
    return merged


OPERATORS: Final[Mapping[str, Operator]] = {
    "var": _var,
    "missing": _missing,
    "missing_some": _missing_some,
    "==": lambda arguments, _: loosely_equal(at(arguments, 0), at(arguments, 1)),
    "!=": lambda arguments, _: not loosely_equal(at(arguments, 0), at(arguments, 1)),
    "===": lambda arguments, _: strictly_equal(at(arguments, 0), at(arguments, 1)),
    "!==": lambda arguments, _: not strictly_equal(at(arguments, 0), at(arguments, 1)),
    "!": lambda arguments, _: not truthy(at(arguments, 0)),
    "!!": lambda arguments, _: truthy(at(arguments, 0)),
    "<": _ordered(lambda order: order < 0, between=True),
    "<=": _ordered(lambda order: order <= 0, between=True),
    ">": _ordered(lambda order: order > 0),
    ">=": _ordered(lambda order: order >= 0),
    "in": _in,
    "cat": _cat,
    "substr": _substr,
    **ARITHMETIC,
    "merge": _merge,
    "log": lambda arguments, _: at(arguments, 0),
}
"""The standard operators on evaluated arguments; `log` returns its argument and writes nothing."""
