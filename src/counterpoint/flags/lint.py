"""What deserves a look in a flag definition that can be used."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from counterpoint.flags.flag import Flag
from counterpoint.flags.javascript import text
from counterpoint.flags.model import FlagSet
from counterpoint.flags.places import escape
from counterpoint.flags.store import bets_of
from counterpoint.flags.targeting import outcomes, subrules

__all__ = ["Finding", "findings_in"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that deserves a look."""

    level: Literal["error", "warning", "note"]
    """error: the flag cannot answer; warning: it may not do what was meant; note: it is of no use."""
    pointer: str
    message: str
    line: int | None = None


def findings_in(flags: FlagSet, *, bets: Collection[str] | None = None) -> list[Finding]:
    """Everything that deserves a look, in the order of the definition.

    Args:
        flags: the flag set.
        bets: references of the bets that exist; None when that is not known.
    """
    found = [
        Finding(
            "error" if "PARSE_ERROR" in warning.message else "warning",
            warning.pointer,
            warning.message,
            warning.line,
        )
        for warning in flags.warnings
    ]
    used: set[str] = set()
    for flag in flags:
        found += _of_targeting(flag)
    for pointer, name, given in subrules(_targetings(flags)):
        if name == "$ref" and pointer and isinstance(given, str):
            used.add(given)
    evaluators = flags.definition.get("$evaluators") or {}
    found += [
        Finding("note", f"/$evaluators/{escape(name)}", f"No flag refers to the evaluator {name!r}.")
        for name in evaluators
        if name not in used
    ]
    if bets is not None:
        named = bets_of(flags)
        found += [
            Finding(
                "warning",
                f"{flags.flags[key].pointer}/metadata/bet",
                f"The flag {key!r} belongs to {bet}, which does not exist.",
            )
            for key, bet in named.items()
            if bet not in bets
        ]
    return found


def _targetings(flags: FlagSet) -> list[Any]:
    definition = flags.definition.get("flags") or {}
    entries = definition.values() if isinstance(definition, dict) else definition
    return [entry.get("targeting") for entry in entries if isinstance(entry, dict)]


def _of_targeting(flag: Flag) -> Iterator[Finding]:
    if flag.targeting is None or flag.fault:
        return
    place = f"{flag.pointer}/targeting"
    values, complete = outcomes(flag.targeting)
    names = {
        text(value) if isinstance(value, bool | int | float) else value
        for value in values
        if isinstance(value, str | bool | int | float)
    }
    known = ", ".join(map(repr, flag.variants))
    for name in sorted(names - flag.variants.keys()):
        yield Finding(
            "error",
            place,
            f"The targeting of {flag.key!r} can come to {name!r}, which is none of its variants ({known}).",
        )
    if any(isinstance(value, dict | list) for value in values):
        yield Finding(
            "error",
            place,
            f"The targeting of {flag.key!r} can come to a list or an object, which names no variant.",
        )
    if not complete:
        return
    if None not in values and flag.default is not None and flag.default not in names:
        yield Finding(
            "note",
            f"{flag.pointer}/defaultVariant",
            f"The targeting of {flag.key!r} always decides, so its default {flag.default!r} is never served.",
        )
    for name in flag.variants:
        if name not in names and name != flag.default:
            yield Finding(
                "note",
                f"{flag.pointer}/variants/{escape(name)}",
                f"No rule of {flag.key!r} leads to the variant {name!r}.",
            )
