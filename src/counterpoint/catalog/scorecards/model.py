"""Scorecards as values: checks, exemptions, outcomes and what comes next. Everything here is pure.

An outcome says of one check whether it passes, or is not asked for until a date. There is no score and no
rank: outcomes of different checks are never added up for an entity or an owner, they are listed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from counterpoint.graph.predicate import Keys, Predicate

__all__ = [
    "Check",
    "Exemption",
    "Outcome",
    "Outcomes",
    "Scorecard",
    "Tally",
    "evaluate",
    "exempt_until",
    "expired",
    "next_checks",
    "tally",
]

Outcome = Literal["passes", "fails", "exempt"]
Outcomes = Mapping[str, Outcome]
"""The outcome of each check that was asked, by its id, in the order of the scorecard."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that should be so, and what to do where it is not."""

    id: str
    title: str
    predicate: Predicate
    level: str | None = None
    why: str = ""
    remedy: str = ""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """A check (or, without one, every check) that is not asked of an entity up to and including a day."""

    entity: str
    reason: str
    until: date
    check: str | None = None

    def covers(self, check: str) -> bool:
        """Whether it is about this check."""
        return self.check is None or self.check == check


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Checks that belong together, and the entities that they are about."""

    ref: str
    title: str
    owner: str | None
    description: str
    checks: tuple[Check, ...]
    levels: tuple[str, ...] = ()
    about: Predicate | None = None
    """Which entities; none means all."""
    kinds: frozenset[str] | None = None
    """The kinds, in lower case, that `about` can let through; none where it does not say."""
    exemptions: Mapping[str, tuple[Exemption, ...]] = field(default_factory=dict)
    """By the entity that they are about."""

    @property
    def keys(self) -> frozenset[str]:
        """Every key that its predicates look at."""
        asked = [check.predicate.keys for check in self.checks]
        return frozenset().union(*asked, self.about.keys if self.about else ())

    @property
    def ordered(self) -> tuple[Check, ...]:
        """The checks by level, those without one first; in a level as they are written."""
        places = {level: place for place, level in enumerate(self.levels)}
        return tuple(sorted(self.checks, key=lambda check: places.get(check.level or "", -1)))

    def check(self, name: str) -> Check | None:
        """The check with this id."""
        return next((check for check in self.checks if check.id == name), None)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many entities each outcome of one check has."""

    passes: int = 0
    fails: int = 0
    exempt: int = 0

    @property
    def asked(self) -> int:
        """Entities that the check is asked of, those exempt left out."""
        return self.passes + self.fails


def evaluate(scorecard: Scorecard, ref: str, keys: Keys, today: date) -> dict[str, Outcome] | None:
    """The outcome of every check for an entity; none where the scorecard is not about it.

    A check that passes passes, exempt or not. `today` decides which exemptions still hold.
    """
    if scorecard.about is not None and not scorecard.about.holds(keys):
        return None
    found: dict[str, Outcome] = {}
    exemptions = scorecard.exemptions.get(ref)
    for check in scorecard.checks:
        if check.predicate.holds(keys):
            found[check.id] = "passes"
        elif exemptions and exempt_until(exemptions, check.id, today) is not None:
            found[check.id] = "exempt"
        else:
            found[check.id] = "fails"
    return found


def exempt_until(exemptions: Iterable[Exemption], check: str, today: date) -> Exemption | None:
    """The exemption that holds longest for a check today; none where there is none any more."""
    holding = [each for each in exemptions if each.covers(check) and each.until >= today]
    return max(holding, key=lambda each: each.until, default=None)


def expired(exemptions: Iterable[Exemption], check: str, today: date) -> Exemption | None:
    """The exemption for a check that ended last, where none holds today."""
    mine = [each for each in exemptions if each.covers(check)]
    if any(each.until >= today for each in mine):
        return None
    return max(mine, key=lambda each: each.until, default=None)


def next_checks(scorecard: Scorecard, outcomes: Outcomes) -> tuple[Check, ...]:
    """What to do next: the failing checks of the first level that has any. Later levels wait."""
    failing = [check for check in scorecard.ordered if outcomes.get(check.id) == "fails"]
    return tuple(check for check in failing if check.level == failing[0].level)


def tally(outcomes: Iterable[Outcomes]) -> dict[str, Tally]:
    """The outcomes of each check over entities, by its id."""
    alike: dict[int, tuple[Outcomes, int]] = {}
    for each in outcomes:  # thousands of entities share one mapping, so equal ones are counted together
        alike[id(each)] = (each, alike.get(id(each), (each, 0))[1] + 1)
    counts: dict[str, dict[Outcome, int]] = {}
    for each, number in alike.values():
        for check, outcome in each.items():
            row = counts.setdefault(check, {"passes": 0, "fails": 0, "exempt": 0})
            row[outcome] += number
    return {check: Tally(**row) for check, row in counts.items()}
