"""A taste profile: what a listener's listening says of their taste, in words that they can read and correct. Pure.

For each facet (artist, genre, era, mood) the shares of listening are estimated with how sure they are: counts
are Dirichlet with what all listeners like as the prior, worth some plays, so that three plays make no fan
(Gelman et al., Bayesian Data Analysis, 3.4). How many plays is a matter of the listener: one who is far from
everybody is believed sooner (`_worth_of_prior`). Older listening counts less, by halves. "Not my taste" takes a
word, an item or a time out of everything that follows from the profile; the listener's word outranks their plays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
from scipy.special import betainc, betaincinv, gammaln

from counterpoint.errors import InputError
from counterpoint.stats.checks import positive

__all__ = [
    "CONTEXTS",
    "Corrections",
    "Facet",
    "Listening",
    "Taste",
    "Trait",
    "context_of",
    "relevance",
    "taste_of",
]

PRIOR = 10.0
"""Plays that what everybody likes counts for, until listening says that it is worth less."""
STRENGTHS = {PRIOR: 0.85, 3.0: 0.12, 1.0: 0.03}
"""What it may be worth, and how likely that is before anything was heard."""
HALF_LIFE = timedelta(days=90)
MOST = 50.0
"""Plays of one item that always count: a song left on repeat is no wider taste."""
DAILY = 10.0
"""Plays of one item that count for each day on which it was heard, beyond those."""
BREADTH = 0.5
"""The share of all that is played, each item for at most `MOST`, that one item may count for however often it came."""
CONTEXTS = ("weekday mornings", "weekdays", "weekday evenings", "nights", "weekends")


@dataclass(frozen=True, slots=True)
class Listening:
    """One play, save, follow or skip of an item."""

    item: str
    at: datetime
    weight: float = 1.0
    """What it says: 1 for a play, more for a save, below 0 for a skip in the first seconds."""
    private: bool = False
    """Heard in a private session: it says nothing to anybody, ever."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """What the listener said themselves."""

    items: frozenset[str] = frozenset()
    """Not my taste, item by item."""
    traits: frozenset[tuple[str, str]] = frozenset()
    """Not my taste: facet and value, such as ("genre", "polka")."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One value of a facet with its share of the listener's listening."""

    value: str
    share: float
    low: float
    high: float
    """The 90 % interval of the share."""
    lift: float
    """The share beside that of everybody: 2 is twice as much as others."""
    surely: float
    """The probability that the share is above everybody's."""
    reasons: tuple[str, ...] = ()
    """Items that said it, the ones that said most first."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet of the taste."""

    name: str
    traits: tuple[Trait, ...]
    """The largest share first."""
    plays: float
    """Effective plays that it rests on."""
    drift: float
    """How far the last weeks are from before, from 0 (the same) to 1 (nothing in common): half the L1 distance."""
    drifted: bool
    """Whether chance alone would hardly (5 %) give so much."""

    def weights(self) -> dict[str, float]:
        """The share of each value."""
        return {each.value: each.share for each in self.traits}


@dataclass(frozen=True, slots=True)
class Taste:
    """What listening says of a taste."""

    facets: Mapping[str, Facet]
    plays: float
    discovery: tuple[float, float, float]
    """How much of the listening is new to the listener: mean and 90 % interval. The rest is what they knew."""
    contexts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """For each context with enough listening, the lift of each genre in it beside the listener's own."""


def context_of(at: datetime) -> str:
    """Which of `CONTEXTS` a moment belongs to, by the clock that it is given in."""
    if at.hour < 5 or at.hour >= 23:
        return "nights"
    if at.weekday() >= 5:
        return "weekends"
    return "weekday mornings" if at.hour < 10 else "weekday evenings" if at.hour >= 17 else "weekdays"


def taste_of(
    listening: Iterable[Listening],
    attributes: Mapping[str, Mapping[str, Sequence[str]]],
    everybody: Mapping[str, Mapping[str, float]],
    *,
    now: datetime,
    corrections: Corrections | None = None,
    half_life: timedelta = HALF_LIFE,
    recent: timedelta = timedelta(days=28),
) -> Taste:
    """The profile at a moment; what is later than `now`, private or taken out says nothing.

    `attributes` gives the values of each facet for each item; `everybody` the share of each value over all listeners.
    Raises `InputError` for a half-life that is not above nothing, or weights that are not finite.
    """
    positive("half_life", half_life.total_seconds())
    told = corrections or Corrections()
    heard = sorted(
        (each for each in listening if each.at <= now and not each.private and each.item not in told.items),
        key=lambda each: (each.at, each.item),
    )
    if not all(np.isfinite(each.weight) for each in heard):
        raise InputError("weights of listening must be finite numbers")
    counted = _counted(heard, now, half_life)
    facets = {
        name: _facet(name, counted, heard, attributes, shares, told, now - recent)
        for name, shares in everybody.items()
    }
    return Taste(
        facets, sum(counted.values()), _discovery(heard), _contexts(heard, attributes, facets.get("genre"))
    )


def _counted(heard: Sequence[Listening], now: datetime, half_life: timedelta) -> dict[str, float]:
    """Effective plays of each item, older ones less, bounded; nothing below nothing."""
    found: dict[str, float] = {}
    days: dict[str, set[date]] = {}
    for each in heard:
        found[each.item] = found.get(each.item, 0.0) + each.weight * 0.5 ** ((now - each.at) / half_life)
        days.setdefault(each.item, set()).add(each.at.date())
    most = BREADTH * sum(min(count, MOST) for count in found.values() if count > 0)
    return {
        item: min(count, max(MOST, min(DAILY * len(days[item]), most)))
        for item, count in found.items()
        if count > 0
    }


def _facet(
    name: str,
    counted: Mapping[str, float],
    heard: Sequence[Listening],
    attributes: Mapping[str, Mapping[str, Sequence[str]]],
    shares: Mapping[str, float],
    told: Corrections,
    since: datetime,
) -> Facet:
    out = {value for facet, value in told.traits if facet == name}
    counts: dict[str, float] = {}
    said: dict[str, list[tuple[float, str]]] = {}
    for item, count in counted.items():
        values = [value for value in attributes.get(item, {}).get(name, ()) if value not in out]
        for value in values:
            counts[value] = counts.get(value, 0.0) + count / len(values)
            said.setdefault(value, []).append((-count / len(values), item))
    total = sum(counts.values())
    prior = {value: share for value, share in shares.items() if value not in out}
    scale = sum(prior.values())
    # What nobody else hears is rare, not impossible.
    bases = {value: max(prior.get(value, 0.0) / scale if scale else 0.0, 1e-4) for value in counts}
    worth = _worth_of_prior(counts, bases)
    traits = []
    for value, count in counts.items():
        base = bases[value]
        a, b = count + worth * base, total - count + worth * (1 - base)
        low, high = betaincinv(a, b, [0.05, 0.95])
        reasons = tuple(item for _, item in sorted(said[value])[:3])
        traits.append(
            Trait(
                value,
                a / (a + b),
                float(low),
                float(high),
                a / (a + b) / base,
                float(1 - betainc(a, b, base)),
                reasons,
            )
        )
    traits.sort(key=lambda each: (-each.share, each.value))
    return Facet(name, tuple(traits), total, *_drift(name, heard, attributes, out, since))


def _worth_of_prior(counts: Mapping[str, float], bases: Mapping[str, float]) -> float:
    """Plays that everybody's taste counts for beside this listening: the mean over `STRENGTHS`, on the scale of logarithms.

    Each is weighed by how likely it makes the counts, which are Dirichlet-multinomial (Minka 2000, "Estimating a
    Dirichlet distribution"): listening that everybody's taste would hardly give says that it is worth little here.
    """
    if not counts:
        return PRIOR
    heard = np.fromiter(counts.values(), dtype=np.float64)
    shares = np.fromiter((bases[value] for value in counts), dtype=np.float64)
    strengths = np.array(list(STRENGTHS))
    prior = strengths[:, None] * shares
    likely = gammaln(strengths) - gammaln(strengths + heard.sum())
    likely += (gammaln(prior + heard) - gammaln(prior)).sum(axis=1)
    weights = np.array(list(STRENGTHS.values())) * np.exp(likely - likely.max())
    return float(np.exp((weights * np.log(strengths)).sum() / weights.sum()))


def _drift(
    name: str,
    heard: Sequence[Listening],
    attributes: Mapping[str, Mapping[str, Sequence[str]]],
    out: set[str],
    since: datetime,
) -> tuple[float, bool]:
    """Half the L1 distance of recent from earlier listening, and whether it is more than chance gives.

    Under no drift the distance of two samples of n and m plays over shares s is about
    Σ sqrt(2 s (1 - s) / π · (1/n + 1/m)) / 2 (the mean of half-normals); twice that is hardly ever reached.
    """
    before, after = (
        _spread(heard, attributes, name, out, None, since),
        _spread(heard, attributes, name, out, since, None),
    )
    n, m = sum(before.values()), sum(after.values())
    if n < 5 or m < 5:
        return 0.0, False
    values = sorted({*before, *after})
    one = np.array([before.get(value, 0.0) / n for value in values])
    other = np.array([after.get(value, 0.0) / m for value in values])
    pooled = (one * n + other * m) / (n + m)
    chance = float(np.sqrt(2 * pooled * (1 - pooled) / np.pi * (1 / n + 1 / m)).sum() / 2)
    distance = float(np.abs(one - other).sum() / 2)
    return distance, distance > 2 * chance


def _spread(
    heard: Sequence[Listening],
    attributes: Mapping[str, Mapping[str, Sequence[str]]],
    name: str,
    out: set[str],
    start: datetime | None,
    end: datetime | None,
) -> dict[str, float]:
    """Plays of each value in a stretch of time, undecayed: a play is a play, so that chance can be reckoned with."""
    found: dict[str, float] = {}
    for each in heard:
        if each.weight <= 0 or (start and each.at < start) or (end and each.at >= end):
            continue
        values = [value for value in attributes.get(each.item, {}).get(name, ()) if value not in out]
        for value in values:
            found[value] = found.get(value, 0.0) + 1 / len(values)
    return found


def _discovery(heard: Sequence[Listening]) -> tuple[float, float, float]:
    """The share of plays that were an item's first, after the first ten plays, in which everything is new."""
    known: set[str] = set()
    new = plays = 0
    for number, each in enumerate(heard):
        if number >= 10 and each.weight > 0:
            plays += 1
            new += each.item not in known
        known.add(each.item)
    a, b = new + 1.0, plays - new + 1.0
    low, high = betaincinv(a, b, [0.05, 0.95])
    return a / (a + b), float(low), float(high)


def _contexts(
    heard: Sequence[Listening], attributes: Mapping[str, Mapping[str, Sequence[str]]], genres: Facet | None
) -> dict[str, dict[str, float]]:
    """Genres that a context has more or less of than the listener has over all, with 20 plays or more in it."""
    if genres is None:
        return {}
    own = genres.weights()
    found: dict[str, dict[str, float]] = {}
    for context in CONTEXTS:
        inside = [each for each in heard if each.weight > 0 and context_of(each.at) == context]
        if len(inside) < 20:
            continue
        counts = _spread(inside, attributes, "genre", set(), None, None)
        total = sum(counts.values()) + PRIOR
        found[context] = {
            value: (counts.get(value, 0.0) + PRIOR * share) / total / share
            for value, share in own.items()
            if share > 0.02
        }
    return found


def relevance(taste: Taste, values: Mapping[str, Sequence[str]]) -> float:
    """How well something with these values fits a taste: the mean share of its values over the facets it has."""
    fits: list[float] = []
    for name, listed in values.items():
        facet = taste.facets.get(name)
        if facet is not None and listed:
            weights = facet.weights()
            fits.append(float(np.mean([weights.get(value, 0.0) for value in listed])))
    return float(np.mean(fits)) if fits else 0.0
