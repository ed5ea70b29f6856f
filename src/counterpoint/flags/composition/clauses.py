"""Pieces of JsonLogic that the published flagd packages answer alike, whatever the context holds.

npm's flagd-core 4.0.1 raises on arithmetic and loose equality of what is no number; PyPI's 2.0.0 writes
true as "True"; a bucketing expression that is null or a number buckets in one and not in the other. So
whatever is hashed here is a text joined of a salt and a value, and only behind `usable`, which asks
nothing of a value that any of them answers differently.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from counterpoint.flags.composition.plan import SUBJECT, TOTAL

__all__ = ["TIME", "all_of", "any_of", "draw", "drawn_within", "negated", "size_of", "usable"]

TIME: Final = {"var": "$flagd.timestamp"}
MOST_NUMBER: Final = 999_999_999_999_999
"""Whole numbers up to here are written alike by every engine, as 15 digits."""


def usable(path: str) -> Any:
    """Whether the attribute can be drawn: a text that is not empty; of attributes other than the subject
    also a whole number from 1 to 10^15 - 1, which is drawn as its decimal text."""
    value = {"var": path}
    text = {"and": [value, {"===": [value, {"cat": [value]}]}]}
    if path == SUBJECT:
        return text
    number = {
        "and": [
            value,
            {"in": [value, {"merge": [value]}]},  # no list
            {"!": [{"in": [{"cat": [value]}, ["true", "True", "[object Object]"]]}]},
            {"<=": [1, value, MOST_NUMBER]},
            {"==": [{"%": [value, 1]}, 0]},
        ]
    }
    return {"or": [text, number]}


def draw(salt: str, path: str, entries: Sequence[tuple[Any, int]]) -> Any:
    """A split of the attribute's values, each entry an answer with its weight."""
    seed = {"cat": [salt, {"var": path}]}
    return {"fractional": [seed, *([answer, weight] for answer, weight in entries)]}


def drawn_within(salt: str, path: str, start: int, end: int) -> Any:
    """Whether the attribute's value is drawn into [start, end) of `TOTAL`; True or False where that is known."""
    if (start, end) == (0, TOTAL):
        return True
    if start >= end:
        return False
    entries = [("before", start), ("in", end - start), ("after", TOTAL - end)]
    return {"===": [draw(salt, path, [entry for entry in entries if entry[1]]), "in"]}


def all_of(conditions: Iterable[Any]) -> Any:
    """Whether all are true, each said once; True or False where that is known."""
    kept: list[Any] = []
    for condition in conditions:
        if condition is False:
            return False
        if condition is True:
            continue
        within = condition.get("and") if isinstance(condition, dict) and len(condition) == 1 else None
        for part in within if isinstance(within, list) and within else [condition]:
            if part not in kept:
                kept.append(part)
    if not kept:
        return True
    return kept[0] if len(kept) == 1 else {"and": kept}


def any_of(conditions: Sequence[Any]) -> Any:
    """Whether one of them is true."""
    return conditions[0] if len(conditions) == 1 else {"or": list(conditions)}


def negated(condition: Any) -> Any:
    """Whether it is not true; True or False where that is known."""
    return not condition if isinstance(condition, bool) else {"!": [condition]}


def size_of(rule: Any) -> tuple[int, int]:
    """How many values a rule has when it is written out, and how many levels. Parts that are shared in
    memory are counted each time but visited once, so that a rule that blows up is measured at once."""
    known: dict[int, tuple[int, int]] = {}

    def measured(value: Any) -> tuple[int, int]:
        if not isinstance(value, dict | list):
            return 1, 0
        if id(value) not in known:
            below = [measured(item) for item in (value.values() if isinstance(value, dict) else value)]
            known[id(value)] = (
                1 + sum(size for size, _ in below),
                1 + max((depth for _, depth in below), default=0),
            )
        return known[id(value)]

    return measured(rule)
