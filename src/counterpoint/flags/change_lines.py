"""What changed of a flag set, as lines for a terminal."""

import json
from collections.abc import Iterator
from typing import Any

from counterpoint.flags.effects import Effect, People
from counterpoint.graph.flag_changes import FlagChange, NamedChange, PartChange, SetChanges

__all__ = ["effect_lines", "lines_of"]

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
WIDEST = 100
"""Characters of a value that a line shows."""
MOST_STEPS = 4
"""Ways from one answer to another that a line names."""
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


def effect_lines(effect: Effect) -> Iterator[str]:
    """What a change does, in sentences: to each flag, and to how many people."""
    yield from (sentence[:1].upper() + sentence[1:] for sentence in effect.sentences)
    yield from effect.others
    for flag in effect.flags:
        who = f" {_people(flag.people)}" if flag.people else ""
        yield f"{flag.key}: {' '.join(flag.words)}{who}"
    if any(flag.people for flag in effect.flags):
        yield f"Asked of {effect.users:,} invented users, whose attributes take the values that the rules ask for."


def _people(people: People) -> str:
    if not people.changed:
        return "Nobody gets something else."
    ways = [f"{step.before} -> {step.after}: {step.users:,}" for step in people.steps[:MOST_STEPS]]
    if len(people.steps) > MOST_STEPS:
        ways.append(f"{len(people.steps) - MOST_STEPS} other ways")
    return f"{people.percent:.1f} % get something else ({'; '.join(ways)})."


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
