"""Guardrails whose values go on keep their level where nothing is known of how alike their figures are."""

import math

import numpy as np
import pytest

from counterpoint.rollouts.looks import LATEST, size_of, spacing
from counterpoint.rollouts.model import LookTaken
from counterpoint.rollouts.vectors import anytime_boundaries

LEVEL, TUNED_AT, RUNS, HOURS, EACH = 0.05, 5_000, 2_000, 96, 25


def crossings() -> tuple[float, float]:
    """How often means of users' events cross the boundary at any hour, and at any look, of two arms that are alike.

    Each hour 25 users come to each arm, who do not differ but by chance, and have an event an hour: the newest vary most.
    """
    rng = np.random.default_rng(7)
    noise = np.zeros((RUNS, HOURS), np.float32)
    crossed, looked, first = np.zeros((2, RUNS), bool), 0.0, None
    for hour in range(HOURS):
        there = slice(0, hour + 1)
        noise[:, there] += rng.standard_normal((RUNS, hour + 1), dtype=np.float32)
        had = np.arange(hour + 1, 0, -1)
        users, spread = 2 * EACH * (hour + 1), (1 / had).sum()
        statistic = (noise[:, there] / had).sum(axis=1) / math.sqrt(spread)
        if users < 200:
            continue
        precision = (hour + 1) ** 2 / spread
        first = first or look(users, precision)
        size = size_of(users, precision, first)
        crossed[0] |= statistic <= -anytime_boundaries(np.array([float(users)]), LEVEL, TUNED_AT)[0]
        if size >= spacing(LEVEL) * looked:
            looked = size
            crossed[1] |= statistic <= -anytime_boundaries(np.array([size]), LEVEL, TUNED_AT)[0]
    every, some = crossed.mean(axis=1)
    return float(every), float(some)


def look(users: int | None, precision: float | None) -> LookTaken:
    return LookTaken(
        metric="m",
        index=1,
        information=0.0,
        spent=0.0,
        boundary=3.0,
        statistic=0.0,
        verdict="inconclusive",
        users=users,
        precision=precision,
    )


def test_means_that_settle_while_users_come_keep_their_level_by_looks_and_not_by_every_check() -> None:
    every, some = crossings()
    error = math.sqrt(LEVEL * (1 - LEVEL) / RUNS)
    assert every > LEVEL + 4 * error
    assert some <= LEVEL


@pytest.mark.parametrize(
    ("users", "precision", "first", "size"),
    [
        (500, 10.0, None, 500),
        (500, None, look(400, 8.0), 500),
        (500, 10.0, look(400, None), 500),  # written before precision was kept
        (500, 10.0, look(None, 8.0), 500),
        (500, 10.0, look(400, 8.0), 500),  # as the users have grown
        (400, 16.0, look(400, 8.0), 800),  # twice as much is known of the same users
        (300, 4.0, look(400, 8.0), 300),
        (400, 1e300, look(400, 1e-300), LATEST),
    ],
)
def test_what_is_known_better_counts_as_more_users(
    users: int, precision: float | None, first: LookTaken | None, size: float
) -> None:
    assert size_of(users, precision, first) == pytest.approx(size)
