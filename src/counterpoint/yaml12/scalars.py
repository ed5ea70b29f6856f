"""Plain scalars of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema).

PyYAML's own resolver speaks YAML 1.1, where `yes`, `2024-03-01`, `12:30:45` and `1_000` are no
strings and `012` is ten. Descriptors are read the way Backstage reads them: here all of these stay
what their author typed, and `012` is twelve.
"""

import math
import re

from counterpoint.javascript import js_text

__all__ = ["NULL", "STANDARD_TAGS", "ScalarError", "is_lost", "key_of", "plain", "tagged"]

Scalar = str | int | float | bool | None

NULL = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
INTEGER = re.compile(r"[-+]?[0-9]+")
OCTAL = re.compile(r"0o[0-7]+")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

WORD = 2**63
"""JSON's integers are kept exactly below this and as floats from here on, as other readers do."""

PREFIX = "tag:yaml.org,2002:"
STANDARD_TAGS = frozenset(PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))


class ScalarError(ValueError):
    """A scalar that the core schema cannot read; the message says why."""


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar.

    Infinity, not-a-number and numbers too large for either kind of number are null, as `JSON.stringify`
    writes them: JSON, which descriptors are exchanged in, has none of them. See `is_lost`.

    >>> [plain(text) for text in ("yes", "0089", "012", "0x1F", "1e3", "2024-03-01", "~", ".inf")]
    ['yes', 89, 12, 31, 1000.0, '2024-03-01', None, None]
    """
    if text in NULL:
        return None
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    if text[0] not in "-+.0123456789":
        return text
    if INTEGER.fullmatch(text):
        return _integer(text, 10)
    if OCTAL.fullmatch(text):
        return _integer(text[2:], 8)
    if HEXADECIMAL.fullmatch(text):
        return _integer(text[2:], 16)
    if FLOAT.fullmatch(text):
        return _finite(float(text))
    return None if NOT_FINITE.fullmatch(text) else text


def is_lost(text: str, value: Scalar) -> bool:
    """Whether an unquoted scalar is null although it says a number."""
    return value is None and text not in NULL


def key_of(text: str) -> str:
    """The key that an unquoted scalar stands for: its value as JavaScript writes it, and nothing for null.

    >>> [key_of(text) for text in ("name", "null", "True", "0x10", "2024-03-01", "1.0")]
    ['name', '', 'true', '16', '2024-03-01', '1']
    """
    if text in NULL:
        return ""
    if text in TRUE or text in FALSE or text[0] in "-+.0123456789":
        value = plain(text)
        return text if value is None else js_text(value)
    return text


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with one of the standard tags, such as `!!str 012`.

    Raises:
        ScalarError: the text is no value of that type.
    """
    if tag == PREFIX + "str":
        return text
    value = plain(text)
    if is_lost(text, value) and tag in (PREFIX + "float", PREFIX + "int"):
        return None
    if tag == PREFIX + "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}.get(tag.removeprefix(PREFIX))
    if wanted is None or type(value) is not wanted:
        raise ScalarError(f"{text!r} is no !!{tag.removeprefix(PREFIX)}")
    return value


def _integer(digits: str, base: int) -> int | float | None:
    if len(digits) > 400:  # beyond the largest float in any base; int() refuses 4,300 digits itself
        return None
    value = int(digits, base)
    return value if -WORD <= value < WORD else _finite(_as_float(value))


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value
