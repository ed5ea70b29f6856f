"""Values of an attribute, one for each way in which comparisons with constants can answer."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, pairwise
from typing import Any, Final

from counterpoint.flags.javascript import number, text

__all__ = ["MISSING", "TIME", "samples_of"]

TIME: Final = "$flagd.timestamp"
MOST: Final = 4_000
"""Values of one attribute; where more are needed, no answer is given."""
MOST_NEEDLES: Final = 4
"""Texts that a value may or may not contain, each combination of which is a value."""
_GAP: Final = "\ue000"
"""Stands in no rule, so that texts put together begin, end and contain nothing else by chance."""
_VERSION: Final = re.compile(r"[vV]?(\d{1,9})(?:\.(\d{1,9})(?:\.(\d{1,9}))?)?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")


class _Missing:
    """No value at all."""

    def __repr__(self) -> str:
        return "no value"


MISSING: Final = _Missing()


@dataclass(slots=True)
class _Constants:
    """What the comparisons of one attribute compare it with."""

    plain: list[Any] = field(default_factory=list)
    ordered: list[Any] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    suffixes: list[str] = field(default_factory=list)
    needles: list[Any] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    complete: bool = True
    """False where the constants are such that no list of values can be complete."""

    def take(self, rule: Any) -> None:
        ((name, given),) = rule.items()
        arguments = given if isinstance(given, list) else [given]
        constants = [argument for argument in arguments if not isinstance(argument, dict)]
        first = isinstance(arguments[0], dict)
        if any(isinstance(constant, list) for constant in constants) and name != "in":
            self.complete = False
        elif name in ("==", "===", "!=", "!=="):
            self.plain += constants
        elif name in ("<", "<=", ">", ">="):
            self.ordered += constants
        elif name in ("starts_with", "ends_with"):
            self._affix(name, constants, first=first)
        elif name == "sem_ver":
            self._version(arguments)
        elif name == "in":
            self._in(constants, first=first)

    def _affix(self, name: str, constants: list[Any], *, first: bool) -> None:
        if not first or len(constants) != 1:
            self.complete = False
        elif isinstance(constants[0], str):
            (self.prefixes if name == "starts_with" else self.suffixes).append(constants[0])

    def _version(self, arguments: list[Any]) -> None:
        if len(arguments) == 3 and not isinstance(arguments[1], dict):
            self.versions += [str(argument) for argument in arguments[::2] if not isinstance(argument, dict)]
        elif any(isinstance(argument, dict) for argument in arguments[1:2]):
            self.complete = False

    def _in(self, constants: list[Any], *, first: bool) -> None:
        if not first:
            self.needles += constants[:1]
            self.complete &= not isinstance(constants[0], list)
        elif not constants or not isinstance(constants[0], list):
            self.complete = False  # a value within a text: any part of it
        else:
            self.plain += [item for item in constants[0] if not isinstance(item, dict | list)]
            self.complete &= not any(isinstance(item, dict | list) for item in constants[0])


def samples_of(path: str, rules: Sequence[Any]) -> list[Any] | None:
    """A value for each way in which the rules can answer together; None where no list would be complete.

    Args:
        path: the attribute; `$flagd.timestamp` has whole numbers only. A list counts only where a rule asks
            what it contains: that `["SE"]` loosely equals "SE" is nobody's intention.
        rules: comparisons of this attribute with constants.
    """
    constants = _Constants()
    for rule in rules:
        constants.take(rule)
    texts = [c for c in constants.ordered if isinstance(c, str) and number(c) != number(c)]
    affixed = bool(constants.prefixes or constants.suffixes or constants.needles)
    # Orders of texts and of versions say nothing of what a text begins or ends with.
    if (
        not constants.complete
        or ((texts or constants.versions) and affixed)
        or (texts and constants.versions)
    ):
        return None
    if len(set(map(repr, constants.needles))) > MOST_NEEDLES:
        return None
    if path == TIME:
        return [int(n) for n in _numbers([*constants.plain, *constants.ordered], whole=True) if n >= 0]
    if path == "$flagd.flagKey":
        return None
    found: list[Any] = [MISSING, None, True, False, "", [], {}, _GAP]
    found += constants.plain + constants.ordered
    numbers = list(_numbers([*constants.plain, *constants.ordered], whole=False))
    found += numbers + [text(n) for n in numbers]
    if constants.needles:
        found += [[constant] for constant in constants.plain]
    found += [made for one in texts for made in (one, one + "\0", one[:-1])]
    found += _versions(constants.versions)
    found += _texts(constants)
    for some in _subsets(constants.needles):
        found.append(some)
    return found if len(found) <= MOST else None


def _numbers(constants: Iterable[Any], *, whole: bool) -> Iterator[int | float]:
    """Each number, what lies between two, and what lies beyond all."""
    read = {number(one) for one in constants if not isinstance(one, list | dict)}
    known = sorted({n for n in read if n == n and abs(n) < 1e300} | {0.0, 1.0})
    yield from (int(n) if n == n // 1 else n for n in known if not whole or n == n // 1)
    if whole:
        yield from (n for one in known for n in (one // 1 - 1, one // 1, one // 1 + 1))
        return
    yield from (known[0] - 1, known[-1] + 1)
    yield from ((low + high) / 2 for low, high in pairwise(known))


def _versions(constants: Iterable[str]) -> Iterator[Any]:
    known = [found for one in set(constants) if (found := _VERSION.fullmatch(one))]
    for found in known:
        major, minor, patch = (int(found[part] or 0) for part in (1, 2, 3))
        yield found[0]
        yield from (major, float(f"{major}.{minor}"))
        before = [(major, minor, patch - 1), (major, minor - 1, 999_999_999), (major - 1, 999_999_999, 0)]
        after = [(major, minor, patch + 1), (major, minor + 1, 0), (major + 1, 0, 0), (major + 1, 1, 0)]
        for parts in [(major, minor, patch), *before, *after]:
            if min(parts) >= 0:
                written = ".".join(map(str, parts))
                yield from (written, f"{written}-0", f"{written}-zzzz")
        if found[4]:
            yield f"{major}.{minor}.{patch}-{found[4]}.0"
    if known:
        yield from ("0.0.0-0", "0.0.0", "999999999.0.0")


def _texts(constants: _Constants) -> Iterator[str]:
    """Texts that begin with each prefix, contain each combination of needles and end with each suffix."""
    prefixes, suffixes = (
        sorted({"", *constants.prefixes}),
        sorted({"", *constants.suffixes}),
    )
    yield from constants.prefixes + constants.suffixes
    for some in _subsets(constants.needles):
        inner = _GAP.join(text(one) for one in some)
        yield inner
        for prefix in prefixes:
            for suffix in suffixes:
                yield f"{prefix}{_GAP}{inner}{_GAP}{suffix}"


def _subsets(needles: Sequence[Any]) -> Iterator[list[Any]]:
    distinct = list({repr(one): one for one in needles}.values())
    for some in chain.from_iterable(combinations(distinct, size) for size in range(len(distinct) + 1)):
        yield list(some)
