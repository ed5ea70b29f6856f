"""Where flagd-core of npm and of PyPI part from JsonLogic or from flagd's reference, each by its name.

A comparison leaves out what comes to one of these, and nothing else. `docs/flags.md` tells users of them.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from counterpoint.flags import jsonlogic
from counterpoint.flags.errors import RuleError
from counterpoint.flags.javascript import UNDEFINED, compare, number, text
from counterpoint.flags.jsonlogic import apply
from counterpoint.flags.operators import operators
from counterpoint.flags.targeting import subrules

from .engines import NOW
from .rules import EVALUATORS

__all__ = ["met"]

ARITHMETIC = {"+", "-", "*", "/", "%", "min", "max"}
ORDER = {"<", "<=", ">", ">="}
LOOSE = {"==", "!="}
STRICT = {"===", "!=="}


def _numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _texts(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _written_alike(values: Sequence[Any]) -> bool:
    """Whether Python writes the values as JavaScript does."""
    return all(isinstance(value, str) or (type(value) is int and abs(value) < 2**53) for value in values)


def _default_for_null(values: Sequence[Any], data: Any) -> bool:
    return len(values) > 1 and values[1] is not None and jsonlogic.OPERATORS["var"]([values[0], UNDEFINED], data) is None and jsonlogic.OPERATORS["var"](values, data) is None  # fmt: skip


def npm(name: str, values: Sequence[Any], data: Any, result: Any) -> Iterator[str]:
    """What flagd-core 4.0.1 of npm does otherwise at an operation."""
    if name in ARITHMETIC and not (_numbers([*values, result]) and math.isfinite(result)):
        yield "arithmetic that comes to no number is an error"
    if name in ORDER | LOOSE:
        pairs = list(pairwise(values))
        if any(isinstance(value, list | dict) for value in values):
            yield "lists and objects are compared with nothing"
        elif any(
            type(a) is not type(b) and None not in (a, b) and math.isnan(number(a) + number(b))
            for a, b in pairs
        ):
            yield "a number and a text that is none are compared with an error"  # fmt: skip
        elif name in ORDER and any(None in (a, b) and compare(a, b) is None for a, b in pairs):
            yield "a number and a text that is none are compared with an error"
        elif name in LOOSE and any(None in (a, b) and a != b and not (a or b) for a, b in pairs):
            yield "null equals 0 and false"
    if name in ("!", "!!") and isinstance(values[0], list):
        yield "the truth of a list is that of its first element"
    if name == "cat" and None in values:
        yield "null is written as null"
    if name == "var" and _default_for_null(values, data):
        yield "a default stands in for null"
    if name == "substr" and not isinstance(values[0], str):
        yield "substr of what is no text is an error"
    if name == "in" and not isinstance(values[1], str | list | None):
        yield "what can hold nothing is an error"
    if name == "fractional" and not isinstance(values[0], list) and values[0] is None:
        yield "a null expression gives null"


def pypi(name: str, values: Sequence[Any], data: Any, result: Any) -> Iterator[str]:
    """What flagd-core 2.0.0 of PyPI does otherwise at an operation."""
    if name in ARITHMETIC and not (_numbers([*values, result]) and math.isfinite(result)):
        yield "arithmetic on what is no number"
    if name == "%" and _numbers(values):
        yield "the remainder of fractions"
    if name in ("cat", "substr") and not _written_alike(values if name == "cat" else values[:1]):
        yield "truth, null and fractions are written as in Python"
    if name == "in" and isinstance(values[1], str) and not isinstance(values[0], str):
        yield "truth, null and fractions are written as in Python"
    if name == "in" and values[1] == values[0] == "":
        yield "the empty text holds itself"
    if name == "in" and isinstance(values[1], list) and any(
        isinstance(one, bool) != isinstance(values[0], bool) and one == values[0] for one in values[1]
    ):  # fmt: skip
        yield "1 is true"
    if (
        name in STRICT
        and isinstance(values[0], bool) != isinstance(values[1], bool)
        and values[0] == values[1]
    ):
        yield "1 is true"
    if name in ORDER | LOOSE and not (_texts(values) or _numbers(values)):
        yield "values of two types are compared as in Python"
    if name == "var" and _default_for_null(values, data):
        yield "a default stands in for null"
    if name == "fractional" and any(
        isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], float) for entry in values
    ):
        yield "a weight of 5.0 is none"
    if name == "sem_ver" and any("-" in text(value) and text(value).count(".") < 2 for value in values[::2]):
        yield "a pre-release needs no three numbers"


def _compiled_wrongly(operation: tuple[str, str, Any]) -> Iterator[str]:
    """What the JavaScript that npm's engine generates makes of an operation, whatever the data."""
    _, name, arguments = operation
    given = arguments if isinstance(arguments, list) else [arguments]
    if name in ORDER | LOOSE | STRICT and any(inner != "var" for _, inner, _ in subrules(given[1:])):
        yield "a comparison forgets its first operand while it works out the second"
    if name in ("cat", "in") and any(isinstance(one, dict) and {"and", "or"} & set(one) for one in given):
        yield "and, or within cat and in lose their brackets"


def met(
    peer: Callable[[str, Sequence[Any], Any, Any], Iterator[str]],
    definition: Mapping[str, Any],
    key: str,
    context: Mapping[str, Any],
) -> set[str]:
    """The deviations of a peer that an evaluation comes to."""
    found: set[str] = set()

    def watched(name: str, run: jsonlogic.Operator) -> jsonlogic.Operator:
        def operator(values: Sequence[Any], data: Any) -> Any:
            result = run(values, data)
            found.update(peer(name, values, data, result))
            return result

        return operator

    items = jsonlogic._items

    def iterated(run: Any, arguments: Sequence[Any], data: Any, depth: int) -> Any:
        listed = items(run, arguments, data, depth)
        if listed is None and peer is npm:
            found.add("what is no list is gone through with an error")
        return listed

    rule = put_in(definition["flags"][key].get("targeting"))
    if peer is npm:
        found.update(name for operation in subrules(rule) for name in _compiled_wrongly(operation))
    known = operators("v2" if peer is npm else "v3")
    with patch.object(jsonlogic, "_items", iterated):
        try:
            result = apply(
                rule,
                {**context, "$flagd": {"flagKey": key, "timestamp": NOW}},
                operators={name: watched(name, run) for name, run in known.items()},
            )
        except RuleError:
            return found
    if isinstance(result, list) and peer is npm:
        found.add("a list names a variant")
    if isinstance(result, int | float) and peer is pypi:
        found.add("truth, null and fractions are written as in Python")
    return found


def put_in(rule: Any) -> Any:
    """The rule with the shared evaluators in their places."""
    if isinstance(rule, list):
        return [put_in(one) for one in rule]
    if isinstance(rule, dict):
        return (
            EVALUATORS[rule["$ref"]] if "$ref" in rule else {name: put_in(one) for name, one in rule.items()}
        )
    return rule
