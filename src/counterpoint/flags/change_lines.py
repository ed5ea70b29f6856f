"""What changed of a flag set, as lines for a terminal."""

import json
from collections.abc import Iterator
from typing import Any

from counterpoint.graph.flag_changes import FlagChange, NamedChange, PartChange, SetChanges

__all__ = ["lines_of"]

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
WIDEST = 100
"""Characters of a value that a line shows."""
SHORT = frozenset({"state", "defaultVariant"})
"""Parts whose values are one word each."""


def lines_of(changes: SetChanges) -> list[str]:
    """A line for each flag, with its parts below it; then what the flags share. One line where nothing changed."""
    lines = [line for flag in changes.flags for line in _flag(flag)]
    if changes.bucketing:
        lines.append(f"~ bucketing {changes.bucketing[0]} -> {changes.bucketing[1]}")
    for noun, named in (
        ("shared rule", changes.evaluators),
        ("metadata of the set:", changes.metadata),
        ("member", changes.others),
    ):
        lines += [line for each in named for line in _named(noun, each)]
    lines += [f"{SIGNS[each.action]} {each.pointer}" for each in changes.descriptor]
    return lines or ["Nothing differs."]


def _flag(flag: FlagChange) -> Iterator[str]:
    yield f"{SIGNS[flag.action]} {flag.key}"
    if flag.action == "changed":
        for part in flag.parts:
            yield from _part(part)
        for name in flag.through:
            yield f"    uses the shared rule {name!r}, which changed"


def _part(part: PartChange) -> Iterator[str]:
    if part.part in SHORT:
        yield f"    {part.part}: {_word(part.before)} -> {_word(part.after)}"
        return
    yield f"    {part.part}:"
    yield from _values(part.before, part.after)


def _named(noun: str, change: NamedChange) -> Iterator[str]:
    yield f"{SIGNS[change.action]} {noun} {change.name!r}"
    if change.action == "changed":
        yield from _values(change.before, change.after)


def _values(before: Any, after: Any) -> Iterator[str]:
    yield f"      - {_short(before)}"
    yield f"      + {_short(after)}"


def _word(value: Any) -> str:
    return "none" if value is None else str(value)


def _short(value: Any) -> str:
    if value is None:
        return "none"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
