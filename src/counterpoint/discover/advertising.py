"""Advertising from the same taste: relevance times declared consent, capped, paced, and measured by a holdout. Pure.

Who has not consented to advertising by taste is shown by context alone; categories that are sensitive are never
matched to a taste. A holdout of listeners who are never shown a campaign says what it changed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from counterpoint.discover.taste import Taste, relevance
from counterpoint.errors import InputError
from counterpoint.stats.checks import positive, share, whole

__all__ = ["SENSITIVE", "Campaign", "Choice", "Seen", "choose", "held_out", "pace"]

SENSITIVE = frozenset(
    {"health", "religion", "politics", "ethnicity", "sexuality", "union", "biometrics", "children"}
)
"""Categories that say what European law protects most (GDPR article 9), and children: never matched to a taste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Something to advertise, within a budget and a time."""

    name: str
    values: Mapping[str, Sequence[str]]
    """Facets of taste that it fits, such as {"genre": ["jazz"]}."""
    start: datetime
    end: datetime
    budget: int
    """Showings in all."""
    cap: int = 3
    """Showings to one listener in `window` at most."""
    window: timedelta = timedelta(days=1)
    holdout: float = 0.1
    """The share of listeners who are never shown it."""
    categories: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        whole("budget", self.budget, least=1)
        whole("cap", self.cap, least=1)
        share("holdout", self.holdout)
        positive("window", self.window.total_seconds())
        if self.end <= self.start:
            raise InputError(f'campaign "{self.name}" ends {self.end}, must be after its start {self.start}')


@dataclass(frozen=True, slots=True)
class Seen:
    """What a listener was shown."""

    campaign: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """The campaign to show, and why; None where none may be."""

    campaign: str | None
    relevance: float
    by_taste: bool
    """Whether the taste was used: only with consent."""
    reason: str


def choose(
    campaigns: Sequence[Campaign],
    taste: Taste | None,
    *,
    listener: str,
    consented: bool,
    seen: Sequence[Seen],
    shown: Mapping[str, int],
    now: datetime,
) -> Choice:
    """Which campaign a listener may be shown now.

    `consented` is the declared consent to advertising by taste; `shown` how often each campaign was shown to anybody.
    Among those that may be shown the most relevant comes; without consent the one furthest behind its pace.
    """
    open_ = [
        each
        for each in campaigns
        if each.start <= now < each.end
        and not held_out(each, listener)
        and shown.get(each.name, 0) < pace(each, now)
        and sum(one.campaign == each.name and one.at > now - each.window for one in seen) < each.cap
    ]
    if not open_:
        return Choice(
            None, 0.0, by_taste=False, reason="no campaign is running that is within its pace and caps"
        )
    matched = [
        (relevance(taste, each.values), each)
        for each in open_
        if consented and taste is not None and not each.categories & SENSITIVE
    ]
    fitting = [(worth, each) for worth, each in matched if worth > 0]
    if fitting:
        worth, best = min(fitting, key=lambda pair: (-pair[0], pair[1].name))
        return Choice(
            best.name,
            worth,
            by_taste=True,
            reason="fits what you listen to; you agreed to advertising by taste",
        )
    behind = min(open_, key=lambda each: (shown.get(each.name, 0) / pace(each, now), each.name))
    return Choice(
        behind.name, 0.0, by_taste=False, reason="shown to anybody at this time; your taste was not used"
    )


def pace(campaign: Campaign, now: datetime) -> int:
    """Showings that a campaign may have had by now: its budget spread evenly over its time, at least one."""
    passed = (now - campaign.start) / (campaign.end - campaign.start)
    return max(1, int(campaign.budget * min(max(passed, 0.0), 1.0)))


def held_out(campaign: Campaign, listener: str) -> bool:
    """Whether a listener is in the campaign's holdout: the same for ever, and another one for each campaign."""
    digest = hashlib.sha256(f"{campaign.name}\0{listener}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < campaign.holdout
