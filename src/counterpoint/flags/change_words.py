"""What differs between two versions of a flag set, in words: flag by flag, both sides of every part. Pure."""

import difflib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from counterpoint.flags.composition import CompositionError, FlagPlan, difference, read_composition
from counterpoint.flags.flag import Flag
from counterpoint.flags.part_words import words_of_shared, words_of_state
from counterpoint.flags.plan_words import plan_parts
from counterpoint.flags.sentences import Step, constant, steps_of
from counterpoint.flags.targeting import expand
from counterpoint.graph.flag_changes import FlagChange, NamedChange, PartChange, SetChanges
from counterpoint.graph.flagd import flags_by_key
from counterpoint.said import Said

__all__ = [
    "Document",
    "FlagWords",
    "Line",
    "PartWords",
    "flag_words",
    "lines_between",
    "plan_sentences",
    "shared_words",
]

Document: TypeAlias = Mapping[str, Any] | None
T = TypeVar("T")
Pair: TypeAlias = tuple[T, T]
"""Something before and after."""
MOST_FLAGS: Final = 100
MOST_LINES: Final = 400
"""Lines of JSON that one difference shows."""
CONTEXT: Final = 3
"""Lines around each difference."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of JSON, and whether it went, came or stayed; a gap stands for lines that are left out."""

    kind: str
    """`-`, `+`, a space, or `gap`."""
    text: str


@dataclass(frozen=True, slots=True)
class PartWords:
    """One part of a flag, before and after."""

    label: str
    """rule, default variant, variants, metadata, ...; what people call it."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    steps_before: tuple[Step, ...] = ()
    """Of a rule."""
    steps_after: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagWords:
    """What became of one flag."""

    key: str
    action: str
    """added, removed or changed."""
    said: tuple[Said, ...]
    """Short sentences: what was switched, what happens to people."""
    parts: tuple[PartWords, ...]
    lines: tuple[Line, ...]
    """The flag as JSON, line by line."""


def flag_words(
    changes: SetChanges, before: Document, after: Document, *, most: int = MOST_FLAGS
) -> list[FlagWords]:
    """Every flag that differs, in the order of the changes, `most` of them; then those of which only the plan differs.

    Args:
        changes: what differs.
        before: the old document of the FlagSet; None where there was none.
        after: the new one.
    """
    old, new = _definition(before), _definition(after)
    was, now = flags_by_key(old), flags_by_key(new)
    planned = plan_sentences(before, after)
    plans = _plans(before), _plans(after)
    found = []
    for change in changes.flags[:most]:
        sides = was.get(change.key), now.get(change.key)
        driven = plans[0].get(change.key), plans[1].get(change.key)
        parts = tuple(
            each
            for part in change.parts
            for each in (
                _rule(change.key, sides, (old, new), driven)
                if part.part == "targeting"
                else [_part(part)]
                if part.part != "state"
                else []
            )
        )
        said = (*planned.get(change.key, ()), *_said(change, driven))
        found.append(FlagWords(change.key, change.action, said, parts, tuple(lines_between(*sides))))
    shown = {change.key for change in changes.flags}
    for key, sentences in planned.items():
        if key not in shown:
            found.append(FlagWords(key, "changed", sentences, (), ()))
    return found


def plan_sentences(before: Document, after: Document) -> dict[str, tuple[Said, ...]]:
    """What changes of plans do to people, by flag; nothing where a side has no plans that can be read."""
    try:
        sides = [read_composition(_spec(side).get("composition") or {}) for side in (before, after)]
    except CompositionError:
        return {}
    return {change.key: tuple(map(_capital, change.sentences)) for change in difference(*sides)}


def _plans(document: Document) -> Mapping[str, FlagPlan]:
    with suppress(CompositionError):
        return read_composition(_spec(document).get("composition") or {}).flags
    return {}


def shared_words(changes: SetChanges) -> list[tuple[str, str, tuple[Line, ...]]]:
    """What else differs: what it is, what was done, and its JSON line by line."""
    found = []
    for noun, named in (
        ("Shared rule", changes.evaluators),
        ("Metadata of the set", changes.metadata),
        ("Member", changes.others),
    ):
        found += [_named(noun, change) for change in named]
    if changes.bucketing:
        found.append(("Bucketing", f"from {changes.bucketing[0]} to {changes.bucketing[1]}", ()))
    return found


def lines_between(before: Any, after: Any) -> Iterator[Line]:
    """Two values as indented JSON, line by line, with what is far from every difference left out."""
    old, new = (_pretty(side) for side in (before, after))
    shown = 0
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        if group[0][1] > 0 or group[0][3] > 0:
            yield Line("gap", "…")
        for tag, old_start, old_end, new_start, new_end in group:
            sides = (
                [(" ", old[old_start:old_end])]
                if tag == "equal"
                else [("-", old[old_start:old_end]), ("+", new[new_start:new_end])]
            )
            for kind, lines in sides:
                for line in lines:
                    if shown >= MOST_LINES:
                        yield Line("gap", "… and more lines")
                        return
                    shown += 1
                    yield Line(kind, line)


def _pretty(value: Any) -> list[str]:
    return [] if value is None else json.dumps(value, indent=2, ensure_ascii=False).splitlines()


def _spec(document: Document) -> Mapping[str, Any]:
    spec = (document or {}).get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _definition(document: Document) -> Mapping[str, Any]:
    definition = _spec(document).get("definition")
    return definition if isinstance(definition, Mapping) else {}


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _said(change: FlagChange, driven: Pair[FlagPlan | None]) -> Iterator[str]:
    if change.action != "changed":
        return
    for part in change.parts:
        if part.part == "state":
            yield words_of_state(part)
        elif part.part == "targeting" and driven[0] is not None and driven[0] == driven[1]:
            yield "Its plan is as it was; it was compiled anew, since something that it builds on has changed."
    if driven[1] is None:
        for name in change.through:
            yield words_of_shared(name)


def _rule(
    key: str,
    sides: Pair[Mapping[str, Any] | None],
    definitions: Pair[Mapping[str, Any]],
    driven: Pair[FlagPlan | None],
) -> Iterator[PartWords]:
    """How the flag decides, before and after: the parts of its plan that differ, or its rule."""
    old, new = (plan_parts(plan) if plan else {} for plan in driven)
    if driven[0] and driven[1]:
        for label in {**old, **new}:
            if old.get(label) != new.get(label):
                yield PartWords(label, _word(old.get(label)), _word(new.get(label)))
        return
    lines = [tuple(f"{label}: {words}" for label, words in each.items()) for each in (old, new)]
    steps = [
        () if plan or not side else _steps(key, side, definition)
        for plan, side, definition in zip(driven, sides, definitions, strict=True)
    ]
    yield PartWords("Plan" if driven[0] or driven[1] else "Rule", lines[0], lines[1], steps[0], steps[1])


def _part(part: PartChange) -> PartWords:
    if part.part == "defaultVariant":
        return PartWords("Default variant", _word(part.before), _word(part.after))
    label = "Other parts" if part.part == "other" else part.part.capitalize()
    return PartWords(label, *_members(part.before, part.after))


def _word(value: Any) -> tuple[str, ...]:
    return () if value is None else (value if isinstance(value, str) else constant(value),)


def _members(before: Any, after: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The members of two objects that differ, each as "name: value"."""
    if not isinstance(before or {}, Mapping) or not isinstance(after or {}, Mapping):
        return _word(before), _word(after)
    old, new = before or {}, after or {}
    names = [name for name in {**old, **new} if name not in old or name not in new or old[name] != new[name]]
    sides = [
        tuple(f"{name}: {constant(side[name])}" for name in names if name in side) for side in (old, new)
    ]
    return sides[0], sides[1]


def _steps(key: str, flag: Mapping[str, Any], definition: Mapping[str, Any]) -> tuple[Step, ...]:
    """How a flag decides, in words."""
    rule = flag.get("targeting") or None
    given = definition.get("$evaluators")
    whole = expand(rule, given if isinstance(given, Mapping) else {})
    default = flag.get("defaultVariant")
    made = Flag(key, True, flag.get("variants") or {}, default if isinstance(default, str) else None, whole)  # noqa: FBT003
    return tuple(steps_of(made))


def _named(noun: str, change: NamedChange) -> tuple[str, str, tuple[Line, ...]]:
    return f"{noun} {change.name}", change.action, tuple(lines_between(change.before, change.after))
