"""What deserves a look in a flag definition that can be used."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.flags.belonging import bets_of
from counterpoint.flags.flag import Flag, variant_name
from counterpoint.flags.levels import Level
from counterpoint.flags.lint_consumers import consumer_findings
from counterpoint.flags.lint_names import attribute_findings, neglect_findings, segment_findings
from counterpoint.flags.lint_rules import rule_findings
from counterpoint.flags.lint_splits import correlated_findings, split_findings
from counterpoint.flags.model import FlagSet
from counterpoint.flags.reach import Budget
from counterpoint.flags.ruletree import tree_of
from counterpoint.flags.targeting import outcomes, subrules
from counterpoint.graph.flagd import flags_by_key
from counterpoint.spelling import near

__all__ = ["Finding", "care_findings", "findings_in"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that deserves a look."""

    level: Level
    """error: the flag cannot answer; warning: it may not do what was meant; note: it is of no use."""
    problem: Problem


def findings_in(
    flags: FlagSet, *, bets: Collection[str] | None = None, attributes: Collection[str] = ()
) -> list[Finding]:
    """Everything that deserves a look: what is wrong with rules first, then with what is named.

    Args:
        flags: the flag set.
        bets: references of the bets that exist; None when that is not known.
        attributes: those that evaluations have carried, where that is known.
    """
    broken = {flag.fault for flag in flags if flag.fault}
    found = [
        Finding("error" if any(fault in warning.message for fault in broken) else "warning", warning)
        for warning in flags.warnings
    ]
    found += [
        Finding(level, flags.located(problem))
        for level, problem in dict.fromkeys(
            (
                *_of_targetings(flags),
                *_of_rules(flags, attributes),
                *_of_evaluators(flags),
                *_of_bets(flags, bets),
            )
        )
    ]
    return found


def care_findings(
    flags: FlagSet,
    *,
    bets: Collection[str] | None = None,
    attributes: Collection[str] = (),
    owner: str | None = None,
) -> list[Finding]:
    """What `findings_in` finds, and what the set lacks for whoever cares for it later.

    Args:
        flags: the flag set.
        bets: references of the bets that exist; None when that is not known.
        attributes: those that evaluations have carried, where that is known.
        owner: who owns the whole set.
    """
    neglected = (
        Finding(level, flags.located(problem)) for level, problem in neglect_findings(flags, owner=owner)
    )
    return [*findings_in(flags, bets=bets, attributes=attributes), *neglected]


def _of_rules(flags: FlagSet, attributes: Collection[str]) -> Iterator[tuple[Level, Problem]]:
    trees = {flag.key: tree for flag in flags if (tree := tree_of(flags, flag))}
    budget = Budget()
    for key, tree in trees.items():
        yield from rule_findings(key, tree, budget)
        yield from split_findings(key, tree)
    yield from attribute_findings(flags, trees, attributes)
    yield from segment_findings(trees)
    yield from correlated_findings(trees)
    yield from consumer_findings(flags, trees)


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
        like = near(name, list(flag.variants))
        message = f"{named} can come to {name!r}, which is none of its variants ({known}){like or '.'} It then answers an error."
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
