"""Flags whose time is over: why, since when, whose they are, and what to do next."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, TypeAlias

from counterpoint.flags.belonging import bets_of, owner_of
from counterpoint.flags.flag import Flag, variant_name
from counterpoint.flags.lint_rules import branches_of
from counterpoint.flags.lint_splits import entries_of
from counterpoint.flags.model import FlagSet
from counterpoint.flags.reach import Condition, Reach
from counterpoint.flags.references import Place
from counterpoint.flags.ruletree import Node, tree_of
from counterpoint.said import Said

__all__ = ["DAYS", "Ended", "Known", "Only", "Reason", "Seen", "StaleFlag", "only_variant", "stale_flags"]

DAYS: Final = 30
"""Days without an exposure, or with exposures to one variant, after which a flag counts as stale."""
Only: TypeAlias = Callable[[FlagSet, Flag], str | None]
"""What finds the variant that everybody gets."""
Kind: TypeAlias = Literal["rolled-out", "one-variant", "unseen", "bet-ended", "experiment-ended", "expired"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the journal holds of a flag's exposures."""

    last: Mapping[str, datetime]
    """The last exposure to each variant, in UTC."""
    first: datetime
    """The first exposure of the flag."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A bet or an experiment that is over."""

    ref: str
    how: str
    """killed, retired or ended."""
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a flag is stale."""

    kind: Kind
    sentence: Said
    since: datetime | None = None
    """When it became so, where that is known."""


@dataclass(frozen=True, slots=True)
class StaleFlag:
    """A flag that can go."""

    set: str
    key: str
    owner: str | None
    reasons: tuple[Reason, ...]
    places: tuple[Place, ...]
    """Where code names it, as far as code was searched."""
    next_step: Said
    keeps: str | None
    """The variant whose branch of the code stays; None where that is to be decided."""

    @property
    def since(self) -> datetime | None:
        """Since when it has been stale, by the earliest of its reasons."""
        return min((reason.since for reason in self.reasons if reason.since), default=None)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the flags of one set beside their definition."""

    exposures: Mapping[str, Seen] = field(default_factory=dict)
    """By key."""
    since: datetime | None = None
    """The first exposure of the journal; None where it has none, or nobody looked."""
    changed: datetime | None = None
    """When the set was last written."""
    bets: Mapping[str, Ended] = field(default_factory=dict)
    """Bets that are over, by reference."""
    experiments: Mapping[str, Sequence[Ended | None]] = field(default_factory=dict)
    """The experiments on each flag, by key; None for one that is not over."""
    places: Mapping[str, Sequence[Place]] | None = None
    """Where code names each flag, none included; flags that were not searched for are not in it."""
    owner: str | None = None
    """Of the set."""
    waiting: Collection[str] = ()
    """Flags whose plan goes on from here although everybody gets the same now: killed, or nobody enrolled yet."""


def stale_flags(
    name: str,
    flags: FlagSet,
    known: Known,
    *,
    now: datetime,
    days: int = DAYS,
    only: Only | None = None,
) -> list[StaleFlag]:
    """The flags of a set that can go, in the order of its definition.

    A flag with `permanent` in its metadata is meant to stay, and only goes past its own date.

    Args:
        name: of the set.
        flags: the set.
        known: what is known beside the definition.
        now: the time, in UTC.
        days: see `DAYS`.
        only: what finds `only_variant`, for who has found it before.
    """
    bets = bets_of(flags)
    found = []
    for flag in flags:
        reasons = list(_expired(flag, now))
        keeps = (only or only_variant)(flags, flag)
        if not flag.metadata.get("permanent"):
            reasons += _rolled_out(flag, keeps) if flag.key not in known.waiting else []
            reasons += _shown(flag, known, now, days)
            reasons += _ended(flag, known, bets.get(flag.key))
        if reasons:
            places = tuple((known.places or {}).get(flag.key, ()))
            step = _next_step(flag, keeps, places, searched=flag.key in (known.places or {}))
            owner = owner_of(flag) or known.owner
            found.append(StaleFlag(name, flag.key, owner, tuple(reasons), places, step, keeps))
    return found


def only_variant(flags: FlagSet, flag: Flag) -> str | None:
    """The variant that everybody with a targeting key gets, proven from the rule; None where there are several."""
    if not flag.enabled or flag.fault:
        return None
    tree = tree_of(flags, flag)
    if tree is None:
        return flag.default
    results = _results(tree, Reach([branch.when for branch in branches_of(tree) if branch.when]))
    names = {flag.default if name is None else name for name in results or ()}
    only = names.pop() if len(names) == 1 else None
    return only if only in flag.variants else None


def _results(tree: Node, reach: Reach, before: tuple[Condition, ...] = ()) -> set[str | None] | None:
    """What a rule can come to, by variant; None where it is computed."""
    if tree.name is None:
        return (
            None
            if isinstance(tree.rule, list | dict)
            else {None if tree.rule is None else variant_name(tree.rule)}
        )
    if tree.name in ("if", "?:") and tree.parts:
        return _of_branches(tree, reach, before)
    if tree.name != "fractional":
        return None
    _, entries = entries_of(tree)
    found: set[str | None] = set()
    for entry in entries:
        weight = entry.parts[1].rule if len(entry.parts) == 2 else 1
        inner = _results(entry.parts[0], reach, before) if entry.parts else None
        if inner is None or not isinstance(weight, int | float):
            return None
        if weight > 0:
            found |= inner
    return found or {None}


def _of_branches(tree: Node, reach: Reach, before: tuple[Condition, ...]) -> set[str | None] | None:
    found: set[str | None] = set()
    for index in range(0, len(tree.parts) - 1, 2):
        when = tree.parts[index]
        if reach.possible((*before, Condition(when))):
            inner = _results(tree.parts[index + 1], reach, (*before, Condition(when)))
            if inner is None:
                return None
            found |= inner
        before = (*before, Condition(when, holds=False))
    if reach.possible(before):
        last = _results(tree.parts[-1], reach, before) if len(tree.parts) % 2 else {None}
        if last is None:
            return None
        found |= last
    return found


def _expired(flag: Flag, now: datetime) -> list[Reason]:
    written = flag.metadata.get("expires")
    try:
        day = date.fromisoformat(str(written)[:10]) if written else None
    except ValueError:
        day = None
    if day is None or day >= now.date():
        return []
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [Reason("expired", f"Its date, {day.isoformat()}, is past.", since)]


def _rolled_out(flag: Flag, keeps: str | None) -> list[Reason]:
    if keeps is None:
        return []
    how = "It has no rule" if flag.targeting is None else "Its rule leads nowhere else"
    return [Reason("rolled-out", f"{how}: everybody gets {keeps!r}.")]


def _shown(flag: Flag, known: Known, now: datetime, days: int) -> list[Reason]:
    """What exposures say, where the journal and the flag are old enough to tell."""
    start = now - timedelta(days=days)
    if not flag.enabled or known.since is None or known.since > start:
        return []
    seen = known.exposures.get(flag.key)
    lately = [variant for variant, at in seen.last.items() if at >= start] if seen else []
    if seen and len(lately) == 1 and seen.first <= start:
        since = max((at for variant, at in seen.last.items() if variant != lately[0]), default=seen.first)
        return [Reason("one-variant", f"For {days} days everybody who asked has got {lately[0]!r}.", since)]
    if lately or (known.changed and known.changed > start):
        return []
    last = max(seen.last.values(), default=None) if seen else None
    if last is None:
        return [Reason("unseen", "The journal has no exposure of it.", known.since)]
    return [Reason("unseen", f"Nobody has been shown it since {last.date().isoformat()}.", last)]


def _ended(flag: Flag, known: Known, bet: str | None) -> list[Reason]:
    found = []
    if bet and (over := known.bets.get(bet)):
        found.append(Reason("bet-ended", f"Its bet {over.ref!r} is {over.how}.", over.since))
    tests = known.experiments.get(flag.key, ())
    ended = [test for test in tests if test]
    if tests and len(ended) == len(tests):
        last = ended[-1]
        found.append(
            Reason("experiment-ended", f"The experiment {last.ref!r} on it has {last.how}.", last.since)
        )
    return found


def _next_step(flag: Flag, keeps: str | None, places: Sequence[Place], *, searched: bool) -> str:
    others = [name for name in flag.variants if name != keeps]
    if keeps is None:
        what = "Decide which variant stays, then remove the flag and the branches of the others"
    elif others:
        losing = ", ".join(map(repr, others[:5]))
        what = f"Keep the branch of {keeps!r}, and remove the flag and the branch{'es' if len(others) > 1 else ''} of {losing}"
    else:
        what = "Remove the flag"
    if places:
        listed = ", ".join(map(str, places[:5])) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
        return f"{what}; {len(places)} {'place' if len(places) == 1 else 'places'}: {listed}."
    if searched:
        return f"{what}. No code that was searched names it, so that it can leave the set at once."
    return f"{what}. Search the code for it with: counterpoint flags references PATH"
