"""flagd's own operators; on bad input each is null, so that a flag falls to its default."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from counterpoint.flags.bucketing import BUCKETINGS
from counterpoint.flags.javascript import SAFE_INTEGER, text
from counterpoint.flags.jsonlogic import OPERATORS, Operator

__all__ = ["FLAGD_OPERATORS", "ends_with", "operators", "sem_ver", "starts_with"]

_VERSION = re.compile(
    r"[vV]?(?P<major>0|[1-9][0-9]*)"
    r"(?:\.(?P<minor>0|[1-9][0-9]*)"
    r"(?:\.(?P<patch>0|[1-9][0-9]*)"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?)?"
)
_LEADING_ZERO = re.compile(r"0[0-9]+")
MAX_VERSION: Final = 256
"""Characters of a version that is read at all."""

_Order: TypeAlias = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


def starts_with(arguments: Sequence[Any], _: Any) -> bool | None:
    """Whether the first text starts with the second; None unless there are exactly two texts."""
    match arguments:
        case [str(value), str(prefix)]:
            return value.startswith(prefix)
    return None


def ends_with(arguments: Sequence[Any], _: Any) -> bool | None:
    """Whether the first text ends with the second; None unless there are exactly two texts."""
    match arguments:
        case [str(value), str(suffix)]:
            return value.endswith(suffix)
    return None


def sem_ver(arguments: Sequence[Any], _: Any) -> bool | None:
    """Whether a version stands in the relation to another; None on bad input.

    The relations are = != < > <= >=, `~` (same major and minor) and `^` (same major).

    References:
        https://semver.org, section 11 for the precedence.
    """
    if len(arguments) != 3:
        return None
    one, other = _version(arguments[0]), _version(arguments[2])
    if one is None or other is None or not isinstance(arguments[1], str):
        return None
    match arguments[1]:
        case "=":
            return one == other
        case "!=":
            return one != other
        case "<":
            return one < other
        case "<=":
            return one <= other
        case ">":
            return one > other
        case ">=":
            return one >= other
        case "^":
            return one[0] == other[0]
        case "~":
            return one[:2] == other[:2]
    return None


def _version(value: Any) -> _Order | None:
    """A version as a tuple in semver's order, build metadata left out."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    written = text(value)
    found = _VERSION.fullmatch(written) if len(written) <= MAX_VERSION else None
    if not found:
        return None
    major, minor, patch = (int(found[part] or 0) for part in ("major", "minor", "patch"))
    before = (found["pre"] or "").split(".") if found["pre"] else []
    if max(major, minor, patch) > SAFE_INTEGER or any(_LEADING_ZERO.fullmatch(part) for part in before):
        return None
    # A release comes after its pre-releases; numbers come before texts, and fewer parts before more.
    ranked = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in before)
    return major, minor, patch, ranked or ((2, 0, ""),)


FLAGD_OPERATORS: Final[Mapping[str, Operator]] = {
    "starts_with": starts_with,
    "ends_with": ends_with,
    "sem_ver": sem_ver,
}

_BY_BUCKETING: Final = {
    name: {**OPERATORS, **FLAGD_OPERATORS, "fractional": fractional}
    for name, fractional in BUCKETINGS.items()
}


def operators(bucketing: str) -> Mapping[str, Operator]:
    """The standard operators and flagd's, with `fractional` in the bucketing named."""
    return _BY_BUCKETING[bucketing]
