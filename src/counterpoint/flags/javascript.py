"""JavaScript's coercions, on which JsonLogic is defined, over Python's JSON values.

References:
    ECMA-262, sections 7.1 (type conversion) and 7.2 (testing and comparison).
    https://jsonlogic.com/truthy.html for the one deviation: an empty array is falsy.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from counterpoint.flags.errors import RuleLimitError

__all__ = [
    "SAFE_INTEGER",
    "UNDEFINED",
    "compare",
    "is_array",
    "joined",
    "kind_of",
    "loosely_equal",
    "number",
    "parse_float",
    "settled",
    "strictly_equal",
    "text",
    "truthy",
    "units",
]

MAX_TEXT: Final = 100_000
"""Characters of the longest text that a rule may build."""
MAX_NESTING: Final = 200
"""Levels of arrays that are turned into text."""
SAFE_INTEGER: Final = 2**53 - 1


class _Undefined:
    """JavaScript's `undefined`: an argument that was not given, a member that does not exist."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = _Undefined()

_SPACE = "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_RADIX = re.compile(r"0(?:[xX](?P<x>[0-9a-fA-F]+)|[oO](?P<o>[0-7]+)|[bB](?P<b>[01]+))")
_BASES = {"x": 16, "o": 8, "b": 2}


def is_array(value: Any) -> bool:
    """Whether the value is a JSON array."""
    return isinstance(value, list | tuple)


def truthy(value: Any) -> bool:
    """JsonLogic's truth: JavaScript's, and an empty array is false."""
    if value is None or value is UNDEFINED or value is False:
        return False
    if isinstance(value, int | float):
        return value == value and value != 0
    if isinstance(value, str | list | tuple):
        return len(value) > 0
    return True


def number(value: Any) -> float:
    """`Number(value)`; NaN where there is none."""
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, int | float):
        return _double(value)
    if isinstance(value, str):
        return _number_in(value)
    if value is None:
        return 0.0
    if is_array(value):
        return _number_in(text(value))
    return math.nan


def parse_float(value: Any) -> float:
    """`parseFloat(value)`: the number with which the text begins, else NaN."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _double(value)
    found = _DECIMAL.match(text(value).lstrip(_SPACE))
    return float(found[0]) if found else math.nan


def settled(value: float) -> int | float:
    """A whole number that a double holds exactly as `int`, as JSON writes it; else the float."""
    if (
        value == value
        and abs(value) <= SAFE_INTEGER
        and value == int(value)
        and (value != 0 or math.copysign(1, value) > 0)
    ):
        return int(value)
    return value


def text(value: Any) -> str:
    """`String(value)`.

    Raises:
        RuleLimitError: the text would be longer than a rule may build.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    if value is None:
        return "null"
    if value is UNDEFINED:
        return "undefined"
    if is_array(value):
        return _joined(value)
    return "[object Object]"


def strictly_equal(left: Any, right: Any) -> bool:
    """`left === right`; arrays and objects are equal only to themselves."""
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    if kind == "number":
        return _double(left) == _double(right)
    return left is right if kind == "object" else bool(left == right)


def loosely_equal(left: Any, right: Any) -> bool:
    """`left == right`, with JavaScript's coercions."""
    one, other = kind_of(left), kind_of(right)
    if one == other:
        return strictly_equal(left, right)
    if {one, other} & {"null", "undefined"}:
        return {one, other} == {"null", "undefined"}
    if one == "object":
        return loosely_equal(text(left), right)
    if other == "object":
        return loosely_equal(left, text(right))
    return number(left) == number(right)


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 as `left` is less than, equal to or greater than `right`; None where NaN forbids it."""
    one, other = _primitive(left), _primitive(right)
    if isinstance(one, str) and isinstance(other, str):
        if one.isascii() and other.isascii():
            return (one > other) - (one < other)
        first, second = units(one), units(other)
        return (first > second) - (first < second)
    a, b = number(one), number(other)
    return None if a != a or b != b else (a > b) - (a < b)


def units(value: str) -> bytes:
    """The text as big-endian UTF-16, two bytes a unit: JavaScript's order and its positions."""
    return value.encode("utf-16-be", "surrogatepass")


def joined(parts: Iterable[str]) -> str:
    """The texts in a row; halves of a character that meet become the character, as in UTF-16."""
    whole = "".join(parts)
    if whole.isascii():
        return whole
    try:
        whole.encode()
    except UnicodeEncodeError:
        return units(whole).decode("utf-16-be", "surrogatepass")
    return whole


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def kind_of(value: Any) -> str:
    """The name of a value's type; null has its own here, where `typeof` says object."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "undefined" if value is UNDEFINED else "object"


def _primitive(value: Any) -> Any:
    return text(value) if is_array(value) or isinstance(value, Mapping) else value


def _number_in(value: str) -> float:
    stripped = value.strip(_SPACE)
    if not stripped:
        return 0.0
    if _DECIMAL.fullmatch(stripped):
        return float(stripped)
    if radix := _RADIX.fullmatch(stripped):
        base = str(radix.lastgroup)
        return _double(int(radix[base], _BASES[base]))
    return math.nan


def _number_text(value: float) -> str:
    if isinstance(value, int) and abs(value) <= SAFE_INTEGER:
        return str(value)
    double = _double(value)
    if double != double:
        return "NaN"
    if math.isinf(double):
        return "Infinity" if double > 0 else "-Infinity"
    if double == 0:
        return "0"
    # repr gives the shortest digits that round-trip, as JavaScript does; only the notation differs.
    mantissa, _, exponent = repr(abs(double)).partition("e")
    sign = "-" if double < 0 else ""
    if not exponent:
        return sign + mantissa.removesuffix(".0")
    digits, power = mantissa.replace(".", ""), int(exponent)
    if 0 <= power < 21:
        return sign + digits.ljust(power + 1, "0")
    if -7 < power < 0:
        return sign + "0." + "0" * (-power - 1) + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'+' if power > 0 else '-'}{abs(power)}"


def _joined(values: Any) -> str:
    """`Array.prototype.join(",")` with nested arrays, bounded in depth and length."""
    parts: list[str] = []
    length = 0
    inside = [iter(values)]
    first = True
    while inside:
        for value in inside[-1]:
            if not first:
                parts.append(",")
                length += 1
            first = False
            if isinstance(value, list | tuple):
                inside.append(iter(value))
                first = True
                break
            if value is not None and value is not UNDEFINED:
                parts.append(value if isinstance(value, str) else text(value))
                length += len(parts[-1])
            if length > MAX_TEXT:
                raise RuleLimitError(f"A rule builds a text of more than {MAX_TEXT:,} characters.")
        else:
            inside.pop()
            first = False
        if len(inside) > MAX_NESTING:
            raise RuleLimitError(f"An array nests deeper than {MAX_NESTING} levels.")
    return joined(parts)
