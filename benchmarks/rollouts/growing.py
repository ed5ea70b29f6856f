"""Whether an anytime-valid guardrail keeps its error where the values of the same users go on growing between checks.

    python benchmarks/rollouts/growing.py [RUNS]

In each arm so many users come, and each then has events at a rate of their own (gamma) for a thousand times as long as
until the first check: 400 checks, at times that grow by a constant factor. Both arms are alike and the margin is 0, the
worst change that may not be stopped. The value of a user is the sum of their events, or their events in a unit of time
(which settles). Told are the rates of crossing either boundary below, at a one-sided level of 2.5 %: with the number of
users as its clock, which stands still once all have come, and with the clock of `judging.clock_of`.

The second table is of means that settle while users come all the while, which the argument of `judging` does not cover:
the newest users vary most, so that the figures forget faster than either clock says. Each user has one event an hour, and
each hour's users are one normal draw; `REALISTIC` has the users of each arm and the hours of each step.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from counterpoint.rollouts.judging import clock_of
from counterpoint.rollouts.vectors import anytime_boundaries

LEVEL, TUNED_AT, CHECKS, USERS, LAST = 0.025, 400, 400, 200, 1_000.0
"""One-sided level, users that the boundary is tuned at, checks, users in each arm, and the time of the last check."""
LEAST, USUAL = 100, 5_000
"""Users of an arm before anything is judged, and users that boundaries are tuned at, as delivered."""
REALISTIC = ((5, 24), (25, 48), (125, 48), (250, 72))
BETWEEN = (0.0, 0.1, 0.3, 1.0, 3.0)
"""Variance between users, in variances of one event of a user."""
WORLDS = (
    ("sums, users alike", 0.0, False, False),
    ("sums, users differ by half their mean", 0.5, False, False),
    ("sums, users differ as much as their mean", 1.0, False, False),
    ("sums, users come all the while", 0.5, True, False),
    ("events a day, users alike", 0.0, False, True),
    ("events a day, users differ by half their mean", 0.5, False, True),
)


def crossings(differ: float, *, come: bool, settles: bool, runs: int, seed: int) -> tuple[float, float]:
    """The shares of runs that cross at any check, by the number of users and by the clock."""
    rng = np.random.default_rng(seed)
    shape = (2, runs, USERS)
    rates = rng.gamma(1 / differ**2, differ**2, shape) if differ else np.ones(shape)
    # Half are there at the first check, where some come later; the rest evenly in the logarithm of time.
    begin = (
        np.where(np.arange(USERS) < USERS // 2, 0.0, LAST ** ((np.arange(USERS) / USERS - 0.5) * 2))
        if come
        else np.zeros(USERS)
    )
    sums, before, first = np.zeros(shape), 0.0, np.full(runs, np.nan)
    crossed = np.zeros((2, runs), bool)
    for now in np.geomspace(1.0, LAST, CHECKS):
        lasts = np.clip(now - np.maximum(begin, before), 0.0, None)
        sums += rng.poisson(rates * lasts)
        there = begin < now
        values = sums[..., there] / (now - begin[there]) if settles else sums[..., there]
        users = 2 * int(there.sum())
        means, variances = values.mean(axis=2), values.var(axis=2, ddof=1)
        error = np.sqrt(variances.sum(axis=0) / (users / 2))
        variance = users * error**2
        first = np.where(np.isnan(first), variance, first)
        statistic = (means[1] - means[0]) / error
        clocks = (np.full(runs, float(users)), clock_of(users, variance, first))
        for which, clock in enumerate(clocks):
            crossed[which] |= statistic <= -anytime_boundaries(clock, LEVEL, TUNED_AT)
        before = now
    by_users, by_clock = crossed.mean(axis=1)
    return float(by_users), float(by_clock)


def settling(between: float, *, runs: int, seed: int) -> tuple[float, float]:
    """The same shares for means of users' events, where users come in steps and are checked each hour."""
    rng = np.random.default_rng(seed)
    come = np.repeat([each for each, _ in REALISTIC], [hours for _, hours in REALISTIC]).astype(float)
    own, noise = rng.standard_normal((runs, len(come))), np.zeros((runs, len(come)))
    crossed, first = np.zeros((2, runs), bool), None
    for hour in range(1, len(come) + 1):
        noise[:, :hour] += rng.standard_normal((runs, hour))
        users, events = come[:hour], hour - np.arange(hour)
        if (arm := users.sum()) < LEAST:
            continue
        means = np.sqrt(between) * own[:, :hour] + noise[:, :hour] / events
        spread = float((users * (between + 1 / events)).sum())
        statistic = (means * np.sqrt(users)).sum(axis=1) / np.sqrt(spread)
        first = first or spread / arm
        clocks = (2 * arm, float(clock_of(2 * arm, spread / arm, first)))
        for which, clock in enumerate(clocks):
            crossed[which] |= statistic <= -anytime_boundaries(np.array([clock]), LEVEL, USUAL)[0]
    by_users, by_clock = crossed.mean(axis=1)
    return float(by_users), float(by_clock)


def main(runs: int) -> None:
    """Print the table of `docs/rollouts.md`."""
    print("| values | crossed, by users | crossed, by the clock |\n| --- | --- | --- |")
    for name, differ, come, settles in WORLDS:
        _row(name, runs, partial(crossings, differ, come=come, settles=settles, runs=runs, seed=3))
    print("\n| variance between users | crossed, by users | crossed, by the clock |\n| --- | --- | --- |")
    for between in BETWEEN:
        _row(f"{between:g} of an event's", runs, partial(settling, between, runs=runs, seed=3))


def _row(name: str, runs: int, found_by: Callable[[], tuple[float, float]]) -> None:
    begun = time.process_time()
    cells = [
        f"{100 * share:.1f} % (± {196 * (share * (1 - share) / runs) ** 0.5:.1f})" for share in found_by()
    ]
    print(f"| {name} | {cells[0]} | {cells[1]} |", flush=True)
    print(f"{time.process_time() - begun:.0f} s CPU", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
