"""What Node says of a text that is no JSON: clients of Backstage show these texts, and scripts compare them.

The text has been refused already when this is asked, so it is read once more, sign by sign, up to the fault.

References:
    V8, src/json/json-parser.cc of version 11.3 (Node 20); express' body-parser takes objects and arrays only.
"""

import re
from collections.abc import Iterator

__all__ = ["json_fault"]

AROUND = 10
"""Signs before and after the fault that are shown of a long text."""
_BLANK = re.compile(r"[ \t\n\r]*")
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_ESCAPES = frozenset('"\\/bfnrt')
_HEX = frozenset("0123456789abcdefABCDEF")


class _FaultError(Exception):
    """The first fault, with the text about it."""


def json_fault(text: str, *, only_holders: bool = False) -> str | None:
    """The message of Node's `JSON.parse`; none where it takes the text.

    With `only_holders` texts that begin with neither `{` nor `[` are refused too, as body-parser does.

    >>> json_fault('{"a":1,}')
    'Expected double-quoted property name in JSON at position 7'
    >>> json_fault("plain")
    'Unexpected token \\'p\\', "plain" is not valid JSON'
    """
    units = "".join(_units(text))
    try:
        if only_holders:
            start = _blank(units, 0)
            if units[start : start + 1] not in ("{", "[", ""):
                raise _token(units, start, plain=True)
        _parse(units)
    except _FaultError as fault:
        return str(fault).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return None


def _units(text: str) -> Iterator[str]:
    """The units of UTF-16 in which JavaScript counts."""
    for sign in text:
        code = ord(sign)
        if code < 0x10000:
            yield sign
        else:
            code -= 0x10000
            yield chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def _parse(text: str) -> None:
    """Read one value and what is around it, without a stack of calls: nesting may be deep."""
    holders: list[str] = []
    at = _blank(text, 0)
    while True:
        sign = text[at : at + 1]
        if sign in ("{", "["):
            holders.append(sign)
            at = _blank(text, at + 1)
            if sign == "[" and text[at : at + 1] != "]":
                continue
            if sign == "{" and text[at : at + 1] != "}":
                at = _name(text, at, "Expected property name or '}'", first=True)
                continue
        else:
            at = _scalar(text, at)
        at = _after(text, at, holders)
        if not holders and at < 0:
            return


def _after(text: str, at: int, holders: list[str]) -> int:
    """Where the next value begins after one that ends at `at`; -1 where the text ends rightly."""
    while holders:
        at = _blank(text, at)
        sign = text[at : at + 1]
        in_object = holders[-1] == "{"
        if sign == ",":
            at = _blank(text, at + 1)
            return _name(text, at, "Expected double-quoted property name") if in_object else at
        if sign != ("}" if in_object else "]"):
            told = "'}' after property value" if in_object else "']' after array element"
            raise _FaultError(f"Expected ',' or {told} in JSON at position {at}")
        holders.pop()
        at += 1
    at = _blank(text, at)
    if at < len(text):
        raise _FaultError(f"Unexpected non-whitespace character after JSON at position {at}")
    return -1


def _name(text: str, at: int, told: str, *, first: bool = False) -> int:
    """Where the value begins whose name stands at `at`."""
    if text[at : at + 1] != '"':
        raise _FaultError(f"{told} in JSON at position {at}")
    at = _blank(text, _string(text, at))
    if text[at : at + 1] != ":":
        if not first:
            raise _token(text, at)
        raise _FaultError(f"Expected ':' after property name in JSON at position {at}")
    return _blank(text, at + 1)


def _scalar(text: str, at: int) -> int:
    sign = text[at : at + 1]
    if sign == '"':
        return _string(text, at)
    if sign in _LITERALS:
        for want in _LITERALS[sign]:
            if text[at : at + 1] != want:
                raise _token(text, at)
            at += 1
        return at
    if sign == "-" or _is_digit(sign):
        return _number(text, at)
    raise _token(text, at)


def _string(text: str, at: int) -> int:
    at += 1
    while at < len(text):
        sign = text[at]
        if sign == '"':
            return at + 1
        if sign < " ":
            raise _FaultError(f"Bad control character in string literal in JSON at position {at}")
        at += 1
        if sign == "\\":
            at = _escape(text, at)
    raise _FaultError(f"Unterminated string in JSON at position {at}")


def _escape(text: str, at: int) -> int:
    sign = text[at : at + 1]
    if not sign:
        raise _token(text, at)
    if sign in _ESCAPES:
        return at + 1
    if sign != "u":
        raise _FaultError(f"Bad escaped character in JSON at position {at}")
    for _ in range(4):
        at += 1
        if text[at : at + 1] not in _HEX:
            raise _FaultError(f"Bad Unicode escape in JSON at position {at}")
    return at + 1


def _number(text: str, at: int) -> int:
    if text[at] == "-":
        at += 1
        if not _is_digit(text[at : at + 1]):
            raise _FaultError(f"No number after minus sign in JSON at position {at}")
    if text[at] == "0":
        at += 1
        if _is_digit(text[at : at + 1]):
            raise _FaultError(f"Unexpected number in JSON at position {at}")
    at = _digits(text, at)
    if text[at : at + 1] == ".":
        at += 1
        if not _is_digit(text[at : at + 1]):
            raise _FaultError(f"Unterminated fractional number in JSON at position {at}")
        at = _digits(text, at)
    if text[at : at + 1] in ("e", "E"):
        at += 1
        at += text[at : at + 1] in ("+", "-")
        if not _is_digit(text[at : at + 1]):
            raise _FaultError(f"Exponent part is missing a number in JSON at position {at}")
        at = _digits(text, at)
    return at


def _digits(text: str, at: int) -> int:
    while _is_digit(text[at : at + 1]):
        at += 1
    return at


def _is_digit(sign: str) -> bool:
    return "0" <= sign <= "9" if sign else False


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


def _token(text: str, at: int, *, plain: bool = False) -> _FaultError:
    """The fault of a sign that begins no value, with what stands around it."""
    if at >= len(text):
        return _FaultError("Unexpected end of JSON input")
    if not plain and (text[at] == "-" or _is_digit(text[at])):
        return _FaultError(f"Unexpected number in JSON at position {at}")
    if not plain and text[at] == '"':
        return _FaultError(f"Unexpected string in JSON at position {at}")
    shown = f'"{text}"'
    if len(text) > 2 * AROUND:
        if at < AROUND:
            shown = f'"{text[: at + AROUND]}"...'
        elif at < len(text) - AROUND:
            shown = f'..."{text[at - AROUND : at + AROUND]}"...'
        else:
            shown = f'..."{text[at - AROUND :]}"'
    return _FaultError(f"Unexpected token '{text[at]}', {shown} is not valid JSON")
