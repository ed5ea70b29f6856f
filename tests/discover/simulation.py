"""Listeners whose tastes are known and lists whose rewards are: what profiles and off-policy estimates must find. For tests and benchmarks.

A taste is a distribution over genres; plays are drawn from it, some items more often than others. A reward is a listener's
chance of keeping an item, known for every pair, and drawn for what a weekly playlist put into its explored places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.arranging import Arrangement
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.offpolicy import OffPolicy, off_policy
from counterpoint.discover.taste import Listening, taste_of
from counterpoint.discover.weekly import Catalogue, WeeklyOptions, weekly
from tests.discover.planted import tastes

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
GENRES, OF_EACH = 10, 40
SHARES = 1 / (1 + np.arange(GENRES)) / (1 / (1 + np.arange(GENRES))).sum()
"""What everybody listens to."""
ITEMS = {f"{genre}-{item}": {"genre": (str(genre),)} for genre in range(GENRES) for item in range(OF_EACH)}
EVERYBODY = {"genre": {str(genre): float(share) for genre, share in enumerate(SHARES)}}
TASTES = ("near everybody's", "far from everybody's", "three genres")
"""How tastes are planted: around everybody's, closely or loosely, or three genres of any and hardly anything else."""
GREED = 0.5
"""How likely the best candidate is in what is logged; with it or more, a propensity is the best candidate's."""
PLACES, EXPLORED = 8, 2


@dataclass(frozen=True)
class Found:
    """How often a profile has what was planted."""

    first: float
    """Listeners whose first genre is the planted first."""
    covered: float
    """Traits whose 90 % interval has the planted share."""
    error: float
    """Mean distance of a share from the planted one."""


def profiles(kind: str, plays: int, *, listeners: int, days: float = 60.0, seed: int = 0) -> Found:
    """Profiles of listeners of one kind after so many plays over so many days."""
    chance = np.random.default_rng(seed)
    often = 1 / (1 + np.arange(OF_EACH)) ** 1.2
    first, covered, errors = [], [], []
    for _ in range(listeners):
        taste = planted(kind, chance)
        genres = chance.choice(GENRES, size=plays, p=taste)
        items = chance.choice(OF_EACH, size=plays, p=often / often.sum())
        ago = chance.random(plays) * days
        heard = [
            Listening(f"{genre}-{item}", NOW - timedelta(days=float(each)))
            for genre, item, each in zip(genres, items, ago, strict=True)
        ]
        traits = taste_of(heard, ITEMS, EVERYBODY, now=NOW).facets["genre"].traits
        first.append(int(traits[0].value) == int(taste.argmax()))
        for trait in traits:
            share = float(taste[int(trait.value)])
            covered.append(trait.low <= share <= trait.high)
            errors.append(abs(trait.share - share))
    return Found(float(np.mean(first)), float(np.mean(covered)), float(np.mean(errors)))


def planted(kind: str, chance: np.random.Generator) -> np.ndarray:
    """One listener's taste."""
    if kind == TASTES[2]:
        taste = np.full(GENRES, 0.05 / (GENRES - 3))
        taste[chance.choice(GENRES, 3, replace=False)] = 0.55, 0.28, 0.12
        return taste
    return chance.dirichlet((10.0 if kind == TASTES[0] else 3.0) * SHARES)


class Station:
    """Weekly playlists for a few listeners, and what each item is worth to each of them."""

    def __init__(self, listeners: int, seed: int = 0) -> None:
        """Fits a model to planted tastes."""
        matrix, _, item = tastes(listeners=200, items=120, seed=seed)
        self.histories = [sp.csr_matrix(matrix[row]) for row in range(listeners)]
        self.model = ItemGraph.fit(matrix, ItemGraphOptions(rank=8))
        self.catalogue = Catalogue(np.eye(4)[item], np.arange(120) // 4, np.arange(120) < 12)
        self.rewards = 0.3 * np.random.default_rng(seed + 1).random((listeners, 120))
        for listener in range(listeners):
            for item, _ in self.explored(listener, "any", 1.0):
                self.rewards[listener, item] += (
                    0.5  # so that always taking the best earns more than what is logged
                )

    def explored(self, listener: int, week: str, greed: float) -> list[tuple[int, float]]:
        """Items of the explored places of one playlist, with their propensities."""
        options = WeeklyOptions(
            arrangement=Arrangement(places=PLACES), candidates=40, explored=EXPLORED, greed=greed
        )
        found = weekly(
            self.model,
            self.histories[listener],
            self.catalogue,
            listener=str(listener),
            week=week,
            options=options,
        )
        return [(each.item, each.propensity) for each in found.tracks if each.explored]

    def worth(self, greed: float, weeks: Sequence[str]) -> float:
        """What explored places earn with that greed: the mean of the true rewards over these weeks."""
        return float(
            np.mean(
                [
                    self.rewards[listener, item]
                    for week in weeks
                    for listener in range(len(self.histories))
                    for item, _ in self.explored(listener, week, greed)
                ]
            )
        )

    def estimates(self, week: str, greed: float, chance: np.random.Generator) -> Mapping[str, OffPolicy]:
        """What one logged week says of another greed, by each method.

        The other probability follows from the logged one p: of the best candidate p = g + (1 - g) s with its softmax s,
        of any other p = (1 - g) s.
        """
        items, logged, rewards = [], [], []
        for listener in range(len(self.histories)):
            for item, propensity in self.explored(listener, week, GREED):
                items.append(item)
                logged.append(propensity)
                rewards.append(float(chance.random() < self.rewards[listener, item]))
        chances = np.array(logged)
        best = chances >= GREED
        soft = (chances - GREED * best) / (1 - GREED)
        target = greed * best + (1 - greed) * soft
        guess = np.full(len(items), 0.3)  # a model that is wrong: propensities put it right
        return {
            method: off_policy(rewards, chances, target, method=method, modelled=guess, expected=guess)
            for method in ("ips", "snips", "dr")
        }
