"""A change of a flag set before it is made: who would get what."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from counterpoint.flags.columns import Columns, NotColumnarError
from counterpoint.flags.flag import Flag, variant_name
from counterpoint.flags.model import FlagSet
from counterpoint.flags.population import SUBJECT, Column, Population, invented
from counterpoint.flags.ruletree import tree_of
from counterpoint.flags.samples import MISSING

__all__ = [
    "Change",
    "Example",
    "Outcome",
    "Segment",
    "Transition",
    "changed_flags",
    "outcomes_for",
    "population_for",
    "simulate",
]

EXAMPLES: Final = 5
MOST_SEGMENT_VALUES: Final = 30
"""Values of an attribute that are told apart in the counts by segment."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What somebody gets from a flag."""

    variant: str | None = None
    """None with no error: the default of the code."""
    error: str | None = None
    """FLAG_NOT_FOUND, PARSE_ERROR or GENERAL."""


@dataclass(frozen=True, slots=True)
class Transition:
    """How many come from one outcome to another."""

    before: Outcome
    after: Outcome
    users: int
    changes: bool
    """Whether they get something else: another outcome, or another value under the same name."""


@dataclass(frozen=True, slots=True)
class Example:
    """One context whose outcome changes."""

    context: dict[str, Any]
    before: Outcome
    after: Outcome


@dataclass(frozen=True, slots=True)
class Segment:
    """Those whose attribute has one value."""

    attribute: str
    value: Any
    """None also where they have none."""
    users: int
    changed: int


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one flag."""

    key: str
    users: int
    changed: int
    """Users who get something else."""
    transitions: tuple[Transition, ...]
    """The whole matrix, the most frequent first; those who stay as well."""
    examples: tuple[Example, ...]
    segments: tuple[Segment, ...]

    @property
    def percent(self) -> float:
        """Percent of the users who get something else."""
        return 100 * self.changed / self.users if self.users else 0.0

    def counts(self, *, after: bool) -> dict[Outcome, int]:
        """How many get each outcome, before or after."""
        found: dict[Outcome, int] = {}
        for one in self.transitions:
            outcome = one.after if after else one.before
            found[outcome] = found.get(outcome, 0) + one.users
        return found


def changed_flags(before: FlagSet, after: FlagSet) -> list[str]:
    """Keys of the flags that do not answer by the same definition in both sets."""
    keys = dict.fromkeys((*before.flags, *after.flags))
    same_hash = before.bucketing == after.bucketing
    return [key for key in keys if not (same_hash and _alike(before.flags.get(key), after.flags.get(key)))]


def _alike(one: Flag | None, other: Flag | None) -> bool:
    if one is None or other is None:
        return one is other
    same = (one.enabled, one.variants, one.default, one.fault) == (
        other.enabled,
        other.variants,
        other.default,
        other.fault,
    )
    # repr tells 1 from true, and keeps the order of shares
    return same and repr((one.targeting, one.variants)) == repr((other.targeting, other.variants))


def population_for(before: FlagSet, after: FlagSet, users: int, *, seed: int = 0) -> Population:
    """Invented users, whose attributes take the values that the flags which differ ask for."""
    trees = [
        tree
        for flags in (before, after)
        for key in changed_flags(before, after)
        if (flag := flags.flags.get(key)) and (tree := tree_of(flags, flag))
    ]
    return invented(users, trees, seed=seed)


def simulate(
    before: FlagSet,
    after: FlagSet,
    population: Population,
    *,
    now: float | None = None,
    keys: Sequence[str] | None = None,
) -> list[Change]:
    """For each flag that differs between two sets: who gets what, and who gets something else.

    Args:
        before: the set as it is.
        after: the set as it is to be.
        population: who asks.
        now: Unix seconds for `$flagd.timestamp`, for all alike; default the clock.
        keys: the flags; default those whose definitions differ.
    """
    columns = Columns(population, now=int(time.time() if now is None else now))
    return [
        _change(before, after, key, columns)
        for key in (changed_flags(before, after) if keys is None else keys)
    ]


def outcomes_for(flags: FlagSet, key: str, columns: Columns) -> Column:
    """The outcome of a flag for each context of a population."""
    flag = flags.flags.get(key)
    everybody = columns.constant
    if flag is None:
        return everybody(Outcome(error="FLAG_NOT_FOUND"))
    if not flag.enabled:
        return everybody(Outcome())
    if flag.targeting is None:
        return everybody(Outcome(flag.default))
    tree = tree_of(flags, flag)
    if tree is None:
        return everybody(Outcome(error="PARSE_ERROR"))
    try:
        found = columns.results(key, tree, flags.bucketing)
    except NotColumnarError:
        return _one_by_one(flags, key, columns)
    return Column([_outcome(flag, value) for value in found.values], found.codes)


def _outcome(flag: Flag, result: Any) -> Outcome:
    """What a rule's result is answered with.

    References:
        flagd's specification of providers, as `FlagSet.evaluate` follows it.
    """
    if result is None:
        return Outcome(flag.default)
    name = variant_name(0 if isinstance(result, float) and result == 0 else result)
    return Outcome(name) if name in flag.variants else Outcome(error="GENERAL")


def _one_by_one(flags: FlagSet, key: str, columns: Columns) -> Column:
    numbers: dict[Outcome, int] = {}
    codes = np.empty(columns.population.size, dtype=np.int32)
    for row in range(columns.population.size):
        answer = flags.evaluate(key, columns.population.context(row), now=columns.now)
        codes[row] = numbers.setdefault(Outcome(answer.variant, answer.error_code), len(numbers))
    return Column(list(numbers), codes)


def _change(before: FlagSet, after: FlagSet, key: str, columns: Columns) -> Change:
    one, other = outcomes_for(before, key, columns), outcomes_for(after, key, columns)
    width = len(other.values)
    pairs = one.codes * np.int32(width) + other.codes
    counts = np.bincount(pairs, minlength=len(one.values) * width)
    merged: dict[tuple[Outcome, Outcome], int] = {}
    differs = np.zeros(len(counts), dtype=np.bool_)
    for pair, users in enumerate(counts.tolist()):
        outcomes = (one.values[pair // width], other.values[pair % width])
        differs[pair] = _differs(before, after, key, *outcomes)
        if users:
            merged[outcomes] = merged.get(outcomes, 0) + users
    transitions = [
        Transition(was, is_, users, _differs(before, after, key, was, is_))
        for (was, is_), users in merged.items()
    ]
    transitions.sort(key=lambda each: -each.users)
    changed = sum(each.users for each in transitions if each.changes)
    moved = differs[pairs] if changed else None
    return Change(
        key,
        columns.population.size,
        changed,
        tuple(transitions),
        tuple(_examples(columns.population, one, other, moved)),
        tuple(_segments(columns.population, moved)),
    )


def _differs(before: FlagSet, after: FlagSet, key: str, was: Outcome, becomes: Outcome) -> bool:
    if was != becomes or was.variant is None:
        return was != becomes
    return repr(before.flags[key].variants[was.variant]) != repr(after.flags[key].variants[was.variant])


def _examples(
    population: Population, one: Column, other: Column, moved: "NDArray[np.bool_] | None"
) -> Sequence[Example]:
    """Some of those who change, each from another transition first."""
    if moved is None:
        return ()
    rows = np.flatnonzero(moved)
    pairs = one.codes[rows] * len(other.values) + other.codes[rows]
    _, first = np.unique(pairs[:100_000], return_index=True)
    chosen = list(dict.fromkeys([*sorted(first.tolist()), *range(min(len(rows), EXAMPLES))]))[:EXAMPLES]
    return [
        Example(population.context(row), one.values[one.codes[row]], other.values[other.codes[row]])
        for row in rows[chosen].tolist()
    ]


def _segments(population: Population, moved: "NDArray[np.bool_] | None") -> Sequence[Segment]:
    """How many change among those with each value of each attribute that takes few."""
    found: list[Segment] = []
    columns: Mapping[str, Column] = population.columns if moved is not None else {}
    for name, column in columns.items():
        if name == SUBJECT or len(column.values) > MOST_SEGMENT_VALUES:
            continue
        size = len(column.values)
        users = np.bincount(column.codes, minlength=size).tolist()
        changed = np.bincount(column.codes[moved], minlength=size).tolist()
        found += [
            Segment(name, None if value is MISSING else value, users[index], changed[index])
            for index, value in enumerate(column.values)
        ]
    return found
