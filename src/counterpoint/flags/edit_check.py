"""What is wrong with a text that somebody types as a flag, or as a whole set: problems with line and column.

Fast enough to be asked at every pause: the linter looks at the flags that differ from what is stored, no more.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from counterpoint.errors import Problem, escape
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.definition import read
from counterpoint.flags.editing import with_flag
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.lint import findings_in
from counterpoint.flags.model import FlagSet
from counterpoint.flags.places import locate
from counterpoint.graph.flagd import flags_by_key
from counterpoint.said import Said

__all__ = ["Remark", "Typed", "typed"]

LINTED: Final = 50
"""Changed flags up to which the linter is asked."""
TOLD: Final = 100
"""Remarks that are told."""


class Remark(msgspec.Struct, frozen=True):
    """One thing about a text."""

    level: str
    """error: it cannot be saved; warning: it may not do what was meant; note: it is of no use."""
    message: Said
    pointer: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """A text as it was understood."""

    definition: dict[str, Any] | None
    """The whole set with it; None where it cannot be saved."""
    remarks: tuple[Remark, ...]


def typed(
    text: str,
    stored: Mapping[str, Any],
    *,
    key: str | None,
    bucketing: Bucketing,
    bets: Collection[str] | None = None,
    attributes: Collection[str] = (),
) -> Typed:
    """Understand a text as a set, or as one flag of it.

    Args:
        text: what was typed.
        stored: the definition as it is stored.
        key: the flag that the text is; None where it is the whole definition.
        bucketing: of the set.
        bets: those that exist, for the linter.
        attributes: those that evaluations have carried, for the linter.
    """
    try:
        document = read(text.encode("utf-8", "surrogatepass")).document
    except FlagSetError as error:
        return Typed(None, tuple(_remarks(error.problems, "error", text, "")))
    if not isinstance(document, dict):
        told = (
            "A flag is a JSON object." if key is not None else "A definition is a JSON object with `flags`."
        )
        return Typed(None, (Remark("error", told, "", 1, 1),))
    whole = document if key is None else with_flag(stored, key, document)
    base = "" if key is None else f"/flags/{escape(key)}"
    part = _differing(stored, whole) if key is None else {**stored, "flags": {key: document}}
    try:
        # A flag is looked at by itself, and a whole definition as a whole.
        flags = FlagSet.from_flagd(part if key is not None else whole, bucketing)
    except FlagSetError as error:
        return Typed(None, tuple(_remarks(error.problems, "error", text, base)))
    found = [
        Remark(
            "warning",
            f"{pointer.rpartition('/')[2]!r} is given more than once; the last one counts.",
            pointer,
            *(places.of(pointer) or (None, None)),
        )
        for places in [locate(text)]
        for pointer in places.repeated
    ]
    looked = flags if key is not None else FlagSet.from_flagd(part, bucketing)
    if len(looked) <= LINTED:
        for finding in findings_in(looked, bets=bets, attributes=attributes):
            if finding.problem.pointer.startswith("/$evaluators") and key is not None:
                continue  # whether others use a shared rule is not seen from here
            found += _remarks([finding.problem], finding.level, text, base)
    else:
        found += _remarks(flags.warnings, "warning", text, base)
    order = ("error", "warning", "note")
    found = [
        msgspec.structs.replace(each, level="warning") if each.level == "error" else each for each in found
    ]
    return Typed(whole, tuple(sorted(found, key=lambda each: order.index(each.level))[:TOLD]))


def _differing(stored: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """The definition with only those flags that are not as they are stored."""
    old = flags_by_key(stored)
    new = whole.get("flags")
    if isinstance(new, list):
        kept: Any = [
            each for each in new if not isinstance(each, Mapping) or each != old.get(str(each.get("key")))
        ]
    else:
        kept = {name: each for name, each in (new or {}).items() if _json(each) != _json(old.get(name))}
    return {**whole, "flags": kept}


def _json(value: Any) -> str:
    return json.dumps(value)


def _remarks(problems: Collection[Problem], level: str, text: str, base: str) -> Iterator[Remark]:
    places = None
    for problem in list(problems)[:TOLD]:
        pointer = problem.pointer.removeprefix(base) if problem.pointer.startswith(base) else problem.pointer
        line, column = problem.line, problem.column
        if line is None or base:
            try:
                places = places or locate(text)
                line, column = places.of(pointer) or (None, None)
            except (IndexError, ValueError):  # of a text that is no JSON the problem itself names the place
                line, column = problem.line, problem.column
        yield Remark(level, problem.message, pointer, line, column)
