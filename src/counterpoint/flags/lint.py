"""What deserves a look in a flag definition that can be used."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from counterpoint.errors import Problem, escape
from counterpoint.flags.belonging import bets_of
from counterpoint.flags.flag import Flag, variant_name
from counterpoint.flags.model import FlagSet
from counterpoint.flags.targeting import outcomes, subrules
from counterpoint.graph.flagd import flags_by_key

__all__ = ["Finding", "findings_in"]


Level: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that deserves a look."""

    level: Level
    """error: the flag cannot answer; warning: it may not do what was meant; note: it is of no use."""
    problem: Problem


def findings_in(flags: FlagSet, *, bets: Collection[str] | None = None) -> list[Finding]:
    """Everything that deserves a look: what is wrong with rules first, then with what is named.

    Args:
        flags: the flag set.
        bets: references of the bets that exist; None when that is not known.
    """
    broken = {flag.fault for flag in flags if flag.fault}
    found = [
        Finding("error" if any(fault in warning.message for fault in broken) else "warning", warning)
        for warning in flags.warnings
    ]
    found += [
        Finding(level, flags.located(problem))
        for level, problem in (*_of_targetings(flags), *_of_evaluators(flags), *_of_bets(flags, bets))
    ]
    return found


def _of_targetings(flags: FlagSet) -> Iterator[tuple[Level, Problem]]:
    for flag in flags:
        if flag.targeting is not None and not flag.fault:
            yield from _of_targeting(flag)


def _of_evaluators(flags: FlagSet) -> Iterator[tuple[Level, Problem]]:
    used = {
        given for _, name, given in subrules(_targetings(flags)) if name == "$ref" and isinstance(given, str)
    }
    for name in flags.definition.get("$evaluators") or {}:
        if name not in used:
            yield (
                "note",
                Problem(f"No flag refers to the evaluator {name!r}.", f"/$evaluators/{escape(name)}"),
            )


def _of_bets(flags: FlagSet, bets: Collection[str] | None) -> Iterator[tuple[Level, Problem]]:
    if bets is None:
        return
    for key, bet in bets_of(flags).items():
        if bet not in bets:
            message = f"The flag {key!r} belongs to {bet}, which does not exist."
            yield "warning", Problem(message, f"{flags.flags[key].pointer}/metadata/bet")


def _targetings(flags: FlagSet) -> list[Any]:
    return [flag.get("targeting") for flag in flags_by_key(flags.definition).values()]


def _of_targeting(flag: Flag) -> Iterator[tuple[Level, Problem]]:
    place, named = f"{flag.pointer}/targeting", f"The targeting of {flag.key!r}"
    values, complete = outcomes(flag.targeting)
    names = {variant_name(value) for value in values} - {None}
    known = ", ".join(map(repr, flag.variants))
    for name in sorted(str(name) for name in names - flag.variants.keys()):
        message = f"{named} can come to {name!r}, which is none of its variants ({known}). It then answers an error."
        yield "error", Problem(message, place)
    if any(isinstance(value, dict | list) for value in values):
        yield "error", Problem(f"{named} can come to a list or an object, which names no variant.", place)
    if not complete:
        return
    if None not in values and flag.default is not None and flag.default not in names:
        message = f"{named} always decides, so that its default {flag.default!r} is never served."
        yield "note", Problem(message, f"{flag.pointer}/defaultVariant")
    for name in flag.variants:
        if name not in names and name != flag.default:
            message = f"No rule of {flag.key!r} leads to the variant {name!r}."
            yield "note", Problem(message, f"{flag.pointer}/variants/{escape(name)}")
