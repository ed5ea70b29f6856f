"""What becomes of a flag, part by part, as sentences that are true before a change is made and after it. Pure."""

import json
from collections.abc import Iterator
from typing import Any, Final

from counterpoint.graph.flag_changes import FlagChange, PartChange, SetChanges
from counterpoint.spelling import quoted

__all__ = ["CODE_DEFAULT", "shown", "words_of", "words_of_rest", "words_of_shared", "words_of_state"]

CODE_DEFAULT: Final = "the default in the code"


def words_of(flag: FlagChange) -> Iterator[str]:
    """What becomes of a flag: a sentence for each part that differs."""
    if flag.action != "changed":
        yield "It is new here." if flag.action == "added" else "It is removed."
        return
    for part in flag.parts:
        yield from _part(part)
    for name in flag.through:
        yield words_of_shared(name)


def words_of_shared(name: str) -> str:
    """That a flag is reached through a shared rule."""
    return f"The shared rule {name!r}, which it uses, changes."


def words_of_state(part: PartChange) -> str:
    """What turning a flag on or off does."""
    on = part.after == "ENABLED"
    return "It is turned on." if on else f"It is turned off: everybody gets {CODE_DEFAULT}."


def _part(part: PartChange) -> Iterator[str]:
    if part.part == "state":
        yield words_of_state(part)
    elif part.part == "defaultVariant":
        before, after = (CODE_DEFAULT if each is None else f"'{each}'" for each in (part.before, part.after))
        yield f"Its default is {after} instead of {before}."
    elif part.part == "variants":
        old, new = part.before or {}, part.after or {}
        for done, names in (
            ("gains", [name for name in new if name not in old]),
            ("loses", [name for name in old if name not in new]),
            (
                "changes the value of",
                [name for name in new if name in old and shown(new[name]) != shown(old[name])],
            ),
        ):
            if names:
                yield f"It {done} {quoted(names)}."
    elif part.part == "targeting":
        yield (
            "It loses its rule."
            if not part.after
            else "It gets a rule."
            if not part.before
            else "Its rule changes."
        )
    elif part.part == "metadata":
        yield "Its metadata change."
    else:
        yield "Something beside its rule changes."


def words_of_rest(changes: SetChanges) -> Iterator[str]:
    """What becomes of what the flags of a set share."""
    done = {"added": "is added", "removed": "is removed", "changed": "changes"}
    for each in changes.evaluators:
        yield f"The shared rule '{each.name}' {done[each.action]}."
    if changes.metadata:
        yield "The metadata of the set change."
    if changes.bucketing:
        yield f"The bucketing is {changes.bucketing[1]} instead of {changes.bucketing[0]}: everybody is drawn anew."
    if changes.others:
        yield "Other members of the definition change."


def shown(value: Any) -> str:
    """A value as JSON, in one line where it is short."""
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= 60 else json.dumps(value, indent=2, ensure_ascii=False)
