"""A targeting rule in words: who gets what, in the order in which the rule decides."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from counterpoint.flags.flag import Flag
from counterpoint.flags.targeting import is_rule
from counterpoint.said import Said

__all__ = ["Share", "Step", "condition", "constant", "steps_of"]

_Words: TypeAlias = Callable[[list[Any], list[str]], str]
"""The phrase of an operator, from its arguments and their phrases, of which there is at least one."""
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
    if isinstance(rule, list) and depth <= 12:
        return f"[{', '.join(_phrase(item, depth + 1) for item in rule)}]"
    if not is_rule(rule) or depth > 12:
        return constant(rule)
    ((name, given),) = rule.items()
    arguments = given if isinstance(given, list) else [given]
    parts = [_phrase(argument, depth + 1) for argument in arguments[:20]]
    match name, parts:
        case "var", [one, *_] if is_rule(arguments[0]):
            return f"the attribute named by {one}"
        case "var", [str(), _] if arguments[1] is not None:
            return f"{_variable(arguments[0])} (or {parts[1]} where it has no value)"
        case "var", [str(), *_]:
            return _variable(arguments[0])
        case "and", [one, _] if arguments[1] == {"===": [arguments[0], {"cat": [arguments[0]]}]}:
            return f"{one} is a text"  # that is not empty: how plans ask whether somebody can be drawn
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
                f"{one} is one of {', '.join(_phrase(item, depth + 1) for item in known)}"
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
        case _, [one, other] if name in _ARITHMETIC:
            return f"{one} {name} {other}"
    if parts and (told := _WORDS.get(name)):
        return told(arguments, parts)
    return f"{name}({', '.join(parts)})"


def _missing(arguments: list[Any], parts: list[str]) -> str:
    names = _flat(arguments)
    return f"{names[0]} is missing" if len(names) == 1 else f"any of {', '.join(names)} is missing"


def _missing_some(arguments: list[Any], parts: list[str]) -> str:
    names = ", ".join(_flat(arguments[1:]))
    return f"fewer than {parts[0]} of {names} have a value"


def _flat(arguments: list[Any]) -> list[str]:
    """The names of attributes in lists and beside them; one that is computed as its phrase."""
    names = [name for given in arguments for name in (given if isinstance(given, list) else [given])]
    return [f"what {_phrase(name, 1)} names" if is_rule(name) else _variable(name) for name in names]


def _choice(arguments: list[Any], parts: list[str]) -> str:
    told = [f"{then} if {when}" for when, then in zip(parts[:-1:2], parts[1::2], strict=False)]
    return ", ".join([*told, f"otherwise {parts[-1] if len(parts) % 2 else 'nothing'}"])


def _substr(arguments: list[Any], parts: list[str]) -> str:
    start = arguments[1] if len(arguments) > 1 else 0
    if len(parts) == 2 and isinstance(start, int) and start < 0:
        return f"the last {-start} characters of {parts[0]}"
    if len(parts) == 3 and start == 0:
        return f"the first {parts[2]} characters of {parts[0]}"
    length = f", {parts[2]} of them" if len(parts) > 2 else ""
    return f"the characters of {parts[0]} from number {parts[1] if len(parts) > 1 else 0} on{length}"


def _sign(word: str, alone: str) -> _Words:
    return lambda arguments, parts: f"{alone} {parts[0]}" if len(parts) == 1 else f" {word} ".join(parts)


def _of_items(told: str) -> _Words:
    """A phrase of a list and what is done with each of its items."""
    return lambda arguments, parts: told.format(*parts, *["nothing"] * (2 - len(parts)))


def _share_words(arguments: list[Any], parts: list[str]) -> str:
    step = _split(arguments, [])
    if step is None:
        return "a split that decides nothing"
    return f"{step.then} ({', '.join(f'{share.variant} {share.weight}' for share in step.shares)})"


_WORDS: Final[Mapping[str, _Words]] = {
    "missing": _missing,
    "missing_some": _missing_some,
    "if": _choice,
    "?:": _choice,
    "substr": _substr,
    "cat": lambda arguments, parts: " joined with ".join(parts),
    "merge": lambda arguments, parts: f"the items of {', '.join(parts)} together",
    "min": lambda arguments, parts: f"the least of {', '.join(parts)}",
    "max": lambda arguments, parts: f"the greatest of {', '.join(parts)}",
    "+": _sign("+", "the number"),
    "-": _sign("-", "minus"),
    "*": _sign("*", ""),
    "and": lambda arguments, parts: parts[0],
    "or": lambda arguments, parts: parts[0],
    "log": lambda arguments, parts: parts[0],
    "some": _of_items("some item of {0} is such that {1}"),
    "all": _of_items("every item of {0} is such that {1}"),
    "none": _of_items("no item of {0} is such that {1}"),
    "map": _of_items("{1} for each item of {0}"),
    "filter": _of_items("the items of {0} such that {1}"),
    "reduce": _of_items("the items of {0} brought together by {1}"),
    "fractional": _share_words,
}
"""Operators whose phrase is more than their arguments with a word between."""


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
