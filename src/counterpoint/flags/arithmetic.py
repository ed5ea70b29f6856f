"""JsonLogic's arithmetic: numbers as JavaScript takes them from any value, and rounds them at each step."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, Final, TypeAlias

from counterpoint.flags.javascript import UNDEFINED, number, parse_float, settled

__all__ = ["ARITHMETIC", "Operator", "at"]

Operator: TypeAlias = Callable[[Sequence[Any], Any], Any]
"""Takes the evaluated arguments and the data; returns the result."""


def at(arguments: Sequence[Any], index: int) -> Any:
    """An argument, as JavaScript has it: undefined where it is missing."""
    return arguments[index] if index < len(arguments) else UNDEFINED


def _add(arguments: Sequence[Any], _: Any) -> int | float:
    # Not `sum`, which rounds only once from Python 3.12 on; JavaScript rounds at each step.
    return settled(reduce(add, map(parse_float, arguments), 0.0))


def _multiply(arguments: Sequence[Any], _: Any) -> Any:
    if len(arguments) == 1:
        return arguments[0]
    return settled(math.prod(parse_float(value) for value in arguments))


def _subtract(arguments: Sequence[Any], _: Any) -> int | float:
    if at(arguments, 1) is UNDEFINED:
        return settled(-number(at(arguments, 0)))
    return settled(number(arguments[0]) - number(arguments[1]))


def _divide(arguments: Sequence[Any], _: Any) -> int | float:
    over, under = number(at(arguments, 0)), number(at(arguments, 1))
    if under == 0:
        sign = math.copysign(1, over) * math.copysign(1, under)
        return math.nan if over == 0 or over != over else sign * math.inf
    return settled(over / under)


def _modulo(arguments: Sequence[Any], _: Any) -> int | float:
    over, under = number(at(arguments, 0)), number(at(arguments, 1))
    if math.isinf(over) or under == 0 or over != over or under != under:
        return math.nan
    return settled(math.fmod(over, under))


def _extreme(choose: Callable[[list[float]], float], empty: float) -> Operator:
    def operator(arguments: Sequence[Any], _: Any) -> int | float:
        numbers = [number(value) for value in arguments]
        if any(value != value for value in numbers):
            return math.nan
        return settled(choose(numbers)) if numbers else empty

    return operator


ARITHMETIC: Final[Mapping[str, Operator]] = {
    "+": _add,
    "*": _multiply,
    "-": _subtract,
    "/": _divide,
    "%": _modulo,
    "min": _extreme(min, math.inf),
    "max": _extreme(max, -math.inf),
}
"""The operators by name."""
