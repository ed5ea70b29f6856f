"""Numbers and texts as JavaScript has them: what Backstage's clients and servers see of a document."""

from decimal import Decimal
from math import isfinite
from typing import Any

__all__ = ["js_numbers", "js_text"]

LARGEST = 2**53
"""Up to here every whole number is a number of JavaScript."""


def js_text(value: Any) -> str:
    """A scalar as JavaScript's `String()` writes it."""
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) <= LARGEST:
        return str(value)
    try:
        return _number(float(value))
    except OverflowError:  # a whole number beyond every float
        return "Infinity" if value > 0 else "-Infinity"


def _number(value: float) -> str:
    if value == 0:
        return "0"
    if not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    digits, exponent = _shortest(value)
    sign = "-" if value < 0 else ""
    if -6 < exponent <= 21:
        if exponent <= 0:
            return f"{sign}0.{'0' * -exponent}{digits}"
        if exponent >= len(digits):
            return f"{sign}{digits}{'0' * (exponent - len(digits))}"
        return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{exponent - 1:+d}"


def _shortest(value: float) -> tuple[str, int]:
    """The shortest digits that stand for the number, and the place of the point before the first of them."""
    _, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    assert isinstance(exponent, int)  # noqa: S101 - a document holds no NaN
    return text, len(digits) + exponent


def js_numbers(value: Any) -> Any:
    """A JSON value whose numbers are those that JavaScript would write: `1.0` is 1, what is too long is rounded."""
    if isinstance(value, dict):
        return {name: js_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [js_numbers(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    text = js_text(value)
    return int(text) if text.removeprefix("-").isdecimal() else float(text)
