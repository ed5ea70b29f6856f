"""What differs between two versions of a flag set, in words: flag by flag, both sides of every part. Pure."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from counterpoint.flags.composition import CompositionError, difference, read_composition
from counterpoint.flags.flag import Flag
from counterpoint.flags.sentences import Step, constant, steps_of
from counterpoint.flags.targeting import expand
from counterpoint.graph.flag_changes import FlagChange, NamedChange, PartChange, SetChanges
from counterpoint.graph.flagd import flags_by_key
from counterpoint.said import Said

__all__ = ["FlagWords", "Line", "PartWords", "flag_words", "lines_between", "plan_sentences", "shared_words"]

Document: TypeAlias = Mapping[str, Any] | None
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


def flag_words(changes: SetChanges, before: Document, after: Document) -> list[FlagWords]:
    """Every flag that differs, in the order of the changes.

    Args:
        changes: what differs.
        before: the old document of the FlagSet; None where there was none.
        after: the new one.
    """
    old, new = _definition(before), _definition(after)
    was, now = flags_by_key(old), flags_by_key(new)
    planned = plan_sentences(before, after)
    found = []
    for change in changes.flags:
        sides = was.get(change.key), now.get(change.key)
        parts = tuple(_part(change, part, old, new, sides) for part in change.parts if part.part != "state")
        said = (*planned.get(change.key, ()), *_said(change))
        found.append(FlagWords(change.key, change.action, said, parts, tuple(lines_between(*sides))))
    shown = {each.key for each in found}
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


def _said(change: FlagChange) -> Iterator[str]:
    if change.action != "changed":
        return
    for part in change.parts:
        if part.part == "state":
            yield (
                "Turned on."
                if part.after == "ENABLED"
                else "Turned off: everybody gets the default in the code."
            )
    for name in change.through:
        yield f"It uses the shared rule {name!r}, which changed."


def _part(
    change: FlagChange,
    part: PartChange,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    sides: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
) -> PartWords:
    match part.part:
        case "targeting":
            before = _steps(change.key, sides[0], old) if sides[0] else ()
            after = _steps(change.key, sides[1], new) if sides[1] else ()
            return PartWords("Rule", steps_before=before, steps_after=after)
        case "defaultVariant":
            return PartWords("Default variant", _word(part.before), _word(part.after))
        case "variants" | "metadata" | "other":
            label = "Other parts" if part.part == "other" else part.part.capitalize()
            return PartWords(label, *_members(part.before, part.after))
    return PartWords(part.part, _word(part.before), _word(part.after))


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
