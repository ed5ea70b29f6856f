"""Two rankings in one list, and which of them people took from: far fewer listeners than a comparison of groups. Pure.

Team-draft interleaving (Radlinski, Kurup and Joachims 2008): in each round both teams add their best item that
is not there yet, a coin decides who goes first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import bdtr

from counterpoint.errors import InputError

__all__ = ["Interleaved", "Preference", "interleave", "preference"]

Team = Literal["one", "other"]


@dataclass(frozen=True, slots=True)
class Interleaved:
    """A list made of two, and who put each item in."""

    items: tuple[int, ...]
    teams: tuple[Team, ...]

    def credit(self, taken: Iterable[int]) -> int:
        """Items taken from the one less those from the other."""
        chosen = set(taken)
        counts = {
            team: sum(item in chosen for item, by in zip(self.items, self.teams, strict=True) if by == team)
            for team in ("one", "other")
        }
        return counts["one"] - counts["other"]


@dataclass(frozen=True, slots=True)
class Preference:
    """Which ranking listeners took more from."""

    wins: int
    losses: int
    ties: int
    p: float
    """Two-sided sign test over listeners who took more from one of them."""

    @property
    def share(self) -> float:
        """The share of listeners with a preference who took more from the one."""
        decided = self.wins + self.losses
        return self.wins / decided if decided else float("nan")


def interleave(one: Sequence[int], other: Sequence[int], count: int, *, seed: int) -> Interleaved:
    """The first `count` of both, drafted in turns; the same for a seed."""
    if count < 1:
        raise InputError(f"count == {count}, must be 1 or more")
    chance = np.random.default_rng(seed)
    queues: dict[Team, list[int]] = {"one": list(dict.fromkeys(one)), "other": list(dict.fromkeys(other))}
    items: list[int] = []
    teams: list[Team] = []
    while len(items) < count and (queues["one"] or queues["other"]):
        order: tuple[Team, Team] = ("one", "other") if chance.random() < 0.5 else ("other", "one")
        for team in order:
            queue = [item for item in queues[team] if item not in items]
            if queue and len(items) < count:
                items.append(queue[0])
                teams.append(team)
            queues[team] = queue[1:]
    return Interleaved(tuple(items), tuple(teams))


def preference(earned: Iterable[int]) -> Preference:
    """What the credits of many listeners, one number each, say together."""
    values = np.fromiter(earned, dtype=np.int64)
    wins, losses = int((values > 0).sum()), int((values < 0).sum())
    decided = wins + losses
    p = min(1.0, 2 * float(bdtr(min(wins, losses), decided, 0.5))) if decided else 1.0
    return Preference(wins, losses, len(values) - decided, p)
