"""A targeting rule in words: who gets what, in the order in which the rule decides."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from counterpoint.flags.flag import Flag
from counterpoint.flags.targeting import is_rule
from counterpoint.said import Said

__all__ = ["Share", "Step", "condition", "constant", "steps_of"]

MAX_STEPS: Final = 50
MAX_WORDS: Final = 240


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a split."""

    variant: str
    weight: str
    percent: float | None
    """Of the whole; None where a weight is computed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One decision: under this condition, that answer."""

    when: str
    """The condition in words; empty where there is none."""
    then: Said
    """The variant, or what is done instead."""
    shares: tuple[Share, ...] = ()
    """The parts, where the answer is a split."""


def steps_of(flag: Flag) -> list[Step]:
    """How a flag decides, one step a line; the last one is what everybody else gets."""
    default = f"{flag.default}" if flag.default is not None else "the default in the code"
    if not flag.enabled:
        return [Step("", "the default in the code, since the flag is disabled")]
    if flag.targeting is None:
        return [Step("", default)]
    if flag.fault:
        return [Step("", f"an error: {flag.fault}")]
    found: list[Step] = []
    _decide(flag.targeting, [], default, found)
    return found


def _decide(rule: Any, conditions: list[str], default: str, found: list[Step]) -> None:
    if len(found) >= MAX_STEPS:
        return
    if is_rule(rule):
        ((name, given),) = rule.items()
        arguments = given if isinstance(given, list) else [given]
        if name in ("if", "?:") and len(conditions) < 5:
            for index in range(0, len(arguments) - 1, 2):
                _decide(arguments[index + 1], [*conditions, condition(arguments[index])], default, found)
            _decide(arguments[-1] if len(arguments) % 2 else None, conditions, default, found)
            return
        if name == "fractional" and (step := _split(arguments, conditions)):
            found.append(step)
            return
    found.append(Step(_joined(conditions), default if rule is None else _answer(rule)))


def _answer(rule: Any) -> str:
    if isinstance(rule, bool):
        return "true" if rule else "false"
    if isinstance(rule, str):
        return rule
    return f"true or false: {condition(rule)}" if _is_test(rule) else f"what comes of {condition(rule)}"


def _is_test(rule: Any) -> bool:
    return is_rule(rule) and next(iter(rule)) in {
        *_BETWEEN,
        "in",
        "!",
        "!!",
        "and",
        "or",
        "starts_with",
        "ends_with",
        "sem_ver",
    }


def _split(arguments: list[Any], conditions: list[str]) -> Step | None:
    by = "flag and targeting key"
    entries = arguments
    if arguments and not isinstance(arguments[0], list):
        by, entries = condition(arguments[0]), arguments[1:]
    if not entries or not all(isinstance(entry, list) and 1 <= len(entry) <= 2 for entry in entries):
        return None
    weights = [entry[1] if len(entry) == 2 else 1 for entry in entries]
    plain = [
        max(weight, 0) if isinstance(weight, int | float) and not isinstance(weight, bool) else None
        for weight in weights
    ]
    total = sum(weight for weight in plain if weight is not None) if None not in plain else 0
    shares = tuple(
        Share(
            "the default" if entry[0] is None else _answer(entry[0]),
            str(weight) if number is not None else condition(weight),
            100 * number / total if total and number is not None else None,
        )
        for entry, weight, number in zip(entries, weights, plain, strict=True)
    )
    return Step(_joined(conditions), f"a split by {by}", shares)


def _joined(conditions: list[str]) -> str:
    return " and ".join(
        f"({part})" if " or " in part and len(conditions) > 1 else part for part in conditions
    )


_BETWEEN: Final[Mapping[str, str]] = {
    "==": "is",
    "===": "is exactly",
    "!=": "is not",
    "!==": "is not exactly",
    "<": "is less than",
    "<=": "is at most",
    ">": "is more than",
    ">=": "is at least",
    "starts_with": "starts with",
    "ends_with": "ends with",
}
_VERSIONS: Final[Mapping[str, str]] = {
    **{sign: sign for sign in ("=", "!=", "<", "<=", ">", ">=")},
    "~": "has the major and minor version of",
    "^": "has the major version of",
}
_ARITHMETIC: Final = frozenset("+-*/%")


def condition(rule: Any) -> str:
    """A rule as a phrase, shortened where it is long."""
    phrase = _phrase(rule, 0)
    return phrase if len(phrase) <= MAX_WORDS else phrase[: MAX_WORDS - 1] + "…"


def _phrase(rule: Any, depth: int) -> str:
    if not is_rule(rule) or depth > 12:
        return constant(rule)
    ((name, given),) = rule.items()
    arguments = given if isinstance(given, list) else [given]
    parts = [_phrase(argument, depth + 1) for argument in arguments[:20]]
    match name, parts:
        case "var", [str(), *_]:
            return _variable(arguments[0])
        case (("and" | "or"), [_, *_]):
            return f" {name} ".join(
                f"({part})" if " or " in part or " and " in part else part for part in parts
            )
        case "!", [one]:
            return f"not ({one})"
        case "!!", [one]:
            return f"{one} is set"
        case "in", [one, _]:
            known = arguments[1]
            return (
                f"{one} is one of {', '.join(map(constant, known))}"
                if isinstance(known, list)
                else f"{parts[1]} contains {one}"
            )
        case "sem_ver", [one, _, other]:
            relation = _VERSIONS.get(str(arguments[1]), parts[1])
            return f"{one} {relation} {arguments[2] if isinstance(arguments[2], str) else other}"
        case _, [one, other] if name in _BETWEEN:
            return f"{one} {_BETWEEN[name]} {other}"
        case (("<" | "<="), [low, middle, high]):
            return f"{middle} is between {low} and {high}{' exclusive' if name == '<' else ''}"
        case "cat", [_, *_]:
            return " joined with ".join(parts)
        case _, [one, other] if name in _ARITHMETIC:
            return f"{one} {name} {other}"
    return f"{name}({', '.join(parts)})"


def _variable(path: Any) -> str:
    match path:
        case "targetingKey":
            return "targeting key"
        case "$flagd.flagKey":
            return "flag key"
        case "$flagd.timestamp":
            return "time"
        case str() if path:
            return path
    return "it" if path in ("", None) else constant(path)


def constant(value: Any) -> str:
    """A value as it is written, shortened where it is long."""
    written = json.dumps(value, ensure_ascii=False, default=str)
    return written if len(written) <= 80 else written[:79] + "…"
