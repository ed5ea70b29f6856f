"""Whether guardrails keep their error where the values of the same users go on changing between checks, and what it costs.

    python benchmarks/rollouts/growing.py [RUNS] [METRIC[/COME]...]

METRIC is `mean` (of a user's events, which settles), `sum` (which grows) or `share` (of users who ever had an event);
COME is one of the ways in which users come, instead of all.
Simulated are 192 hours with a check each hour, in worlds that differ in

- how users come: as a rollout does (5, 25, 125 and 250 an hour in each arm for 24, 48, 48 and 72 hours), 2,000 in each
  arm at once, 25 an hour, or 500 each midnight;
- how much users differ: not at all, as much as one event of a user, or three times as much (standard deviation);
- what changes from day to day: nothing, half as many events again, or values that are larger by a fifth.

Each user has one event an hour at first, whose value has the mean 1 and the standard deviation 0.375. Both arms are alike
and the margin is 0, the worst change that may not be stopped: told is how often it is, at two one-sided levels. Then the
treatment is worse by 5 and by 20 % where the margin is 2 %: told are the mean hours until that is found, with 192 where
it is not. All users of an hour are one normal draw (of a share they are drawn one by one), so that 10,000 runs take
minutes; the boundaries are those of `rollouts.looks`.

"Before" is how it was until 27 November 2026: an anytime-valid guardrail was looked at at each check by a clock made of
users and of how their variance had moved, and a group sequential one by the number of users alone.
"""

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from counterpoint.experiments.model import Metric
from counterpoint.rollouts.looks import spacing
from counterpoint.rollouts.model import Guardrail
from counterpoint.rollouts.vectors import anytime_boundaries, looks_of

HOURS: Final = 192
LEVELS: Final = (0.025, 0.05)
REGRESSIONS: Final = (0.05, 0.20)
MARGIN: Final = 0.02
LEAST, TUNED_AT = 100, 5_000
"""Users of an arm before anything is judged, and users that boundaries are tuned at, as delivered."""
NOISE: Final = 0.375**2
"""Variance of the value of one event."""
HAZARD: Final = 0.01
"""Of a share: the chance of a user without an event to have the first one in an hour."""
COME: Final = {
    "as a rollout has them": np.repeat([5.0, 25.0, 125.0, 250.0], [24, 48, 48, 72]),
    "all at once": np.where(np.arange(HOURS) == 0, 2_000.0, 0.0),
    "steadily": np.full(HOURS, 25.0),
    "in bursts": np.where(np.arange(HOURS) % 24 == 0, 500.0, 0.0),
}
DIFFER: Final = (0.0, 1.0, 9.0)
"""Variance between users, in variances of one event."""
GROWS: Final = {"nothing": (1.0, 1.0), "more events": (1.5, 1.0), "larger values": (1.0, 1.2)}
"""By which factor the events of a user and their values grow each day."""
WAYS: Final = ("before", "now", "before, sequential", "now, sequential")
METRIC: Final = Metric(name="metric", event="event", aggregation="mean", direction="decrease")
SEQUENTIAL: Final = Guardrail(metric=METRIC, margin=0.0, test="group-sequential", looks=20, maximum=8_000)
ONCE: Final = Guardrail(
    metric=Metric(name="metric", event="event", aggregation="mean", direction="decrease", window_days=1),
    margin=0.0,
    test="group-sequential",
    looks=20,
    maximum=8_000,
)


@dataclass(frozen=True)
class Check:
    """One check of all runs."""

    hour: int
    users: float
    statistic: np.ndarray
    """Of each run, where both arms are alike."""
    worse: np.ndarray
    """By how much it falls where the treatment is worse by the whole mean of the metric; its square is the precision."""
    spread: np.ndarray
    """Users times the squared standard error of the difference."""


def checks(
    metric: str, come: np.ndarray, differ: float, grows: tuple[float, float], runs: int
) -> Iterator[Check]:
    """All checks of one world, once there are users enough."""
    rng = np.random.default_rng(3)
    if metric == "share":
        yield from shares(come, grows[0], runs, rng)
        return
    days = np.arange(HOURS) / 24
    rates, values = grows[0] ** days, grows[1] ** days
    cohorts = np.flatnonzero(come)
    own = normal(rng, runs, np.sqrt(2 * come * differ * NOISE))
    unequal = normal(rng, runs, np.sqrt(2 * come))  # the arms' users of an hour are not as many
    noise, added = np.zeros((runs, HOURS), np.float32), np.zeros(runs)
    had, sums, squares = np.zeros(HOURS), np.zeros(HOURS), np.zeros(HOURS)
    for hour in range(HOURS):
        on = cohorts[cohorts <= hour]
        rate, value, size = rates[hour], values[hour], come[on]
        had[on] += rate
        sums[on] += rate * value
        squares[on] += rate * value**2
        arm = size.sum()
        if metric == "mean":
            noise[:, on] += normal(rng, runs, np.sqrt(2 * size * rate * NOISE))
            level, weight = sums[on] / had[on], 1 / had[on]
            spread = differ * NOISE + NOISE / had[on]
            moved = own[:, on].sum(axis=1) + noise[:, on] @ weight.astype(np.float32)
        else:
            added += rng.standard_normal(runs) * math.sqrt(2 * arm * rate * (NOISE + value**2))
            level = sums[on]
            spread = differ * NOISE * had[on] ** 2 + NOISE * had[on] + squares[on]
            moved = own[:, on] @ had[on].astype(np.float32) + added
        mean = (size * level).sum() / arm
        moved = (moved + unequal[:, on] @ (level - mean).astype(np.float32)) / arm
        variance = (size * (spread + (level - mean) ** 2)).sum() / arm
        error = math.sqrt(2 * variance / arm)
        if arm >= LEAST:
            yield Check(hour, 2 * arm, moved / error, np.array([mean / error]), np.array([4 * variance]))


def shares(come: np.ndarray, grows: float, runs: int, rng: np.random.Generator) -> Iterator[Check]:
    """Checks of a share of users, with every user's first event drawn."""
    cohorts = np.flatnonzero(come)
    had = np.zeros((2, runs, len(cohorts)))
    for hour in range(HOURS):
        on = np.flatnonzero(cohorts <= hour)
        size = come[cohorts[on]]
        left = (size - had[..., on]).astype(np.int64)
        had[..., on] += rng.binomial(left, min(HAZARD * grows ** (hour / 24), 1.0))
        arm, counts = size.sum(), had[..., on].sum(axis=2)
        means = counts / arm
        error = np.sqrt(np.maximum((means * (1 - means)).sum(axis=0), 1e-12) / (arm - 1))
        if arm >= LEAST:
            worse = means.mean(axis=0) / error
            yield Check(hour, 2 * arm, (means[0] - means[1]) / error, worse, 2 * arm * error**2)


def normal(rng: np.random.Generator, runs: int, deviations: np.ndarray) -> np.ndarray:
    """Normal draws, a row for each run."""
    return rng.standard_normal((runs, len(deviations)), dtype=np.float32) * deviations.astype(np.float32)


def found_at(path: list[Check], level: float, worse: float) -> np.ndarray:
    """The hour at which each way finds harm in each run, `HOURS` where it does not: a row for each of `WAYS`."""
    runs = len(path[0].statistic)
    when = np.full((len(WAYS), runs), HOURS)
    first, looked = path[0], np.zeros(runs)
    sequential = {
        2: (looks_of(ONCE, level), np.zeros(runs)),
        3: (looks_of(SEQUENTIAL, level), np.zeros(runs)),
    }
    begun = None  # users and precision at the first look of the sequential guardrail
    for check in path:
        statistic = check.statistic - worse * check.worse
        ratio = check.spread / first.spread
        clock = check.users * np.maximum(ratio, 1 / ratio)
        size = np.broadcast_to(sizes(check, first), runs)
        due = size >= spacing(level) * looked
        looked = np.where(due, size, looked)
        bounds = [
            anytime_boundaries(clock, level, TUNED_AT),
            np.where(due, anytime_boundaries(size, level, TUNED_AT), np.inf),
        ]
        for way, (planned, newest) in sequential.items():
            units = np.full(runs, check.users) if way == 2 or begun is None else sizes(check, begun)
            number = np.minimum(np.floor(units / SEQUENTIAL.maximum * len(planned) + 1e-9), len(planned))
            number = np.broadcast_to(number, runs).astype(int)
            bounds.append(np.where(number > newest, planned[number - 1], np.inf))
            newest[:] = np.maximum(newest, number)
        if begun is None and check.users * len(planned) >= SEQUENTIAL.maximum:
            begun = check
        for way, boundary in enumerate(bounds):
            hit = (statistic <= -boundary) & (when[way] == HOURS)
            when[way][hit] = check.hour
    return when


def sizes(check: Check, first: Check) -> np.ndarray:
    """`looks.size_of` of each run."""
    return np.fmax(check.users, first.users * (check.worse / first.worse) ** 2)


def main(runs: int, metrics: list[str]) -> None:
    """Print a row for each world, and the highest false alarms of each way."""
    print(
        "| metric | users come | they differ | each day | " + " | ".join(WAYS) + " |\n" + "| --- " * 8 + "|"
    )
    highest = np.zeros((len(LEVELS), len(WAYS)))
    asked = [each.partition("/")[::2] for each in metrics]
    worlds = [(metric, come) for metric, only in asked for come in COME if only in ("", come)]
    for (metric, come), differ, grows in product(worlds, DIFFER, GROWS):
        is_share = metric == "share"
        if is_share and (differ or grows == "larger values" or (COME[come] > 0).sum() > 8):
            continue
        path = list(checks(metric, COME[come], differ, GROWS[grows], runs))
        alarms = np.array([(found_at(path, level, 0.0) < HOURS).mean(axis=1) for level in LEVELS])
        scale = 5 if is_share else 1
        hours = [found_at(path, LEVELS[0], scale * (each - MARGIN)).mean(axis=1) for each in REGRESSIONS]
        highest = np.maximum(highest, alarms)
        cells = [
            f"{' / '.join(f'{100 * each:.2f}' for each in alarms[:, way])} %; {' / '.join(f'{each[way]:.0f}' for each in hours)} h"
            for way in range(len(WAYS))
        ]
        print(f"| {metric} | {come} | {math.sqrt(differ):g} | {grows} | {' | '.join(cells)} |", flush=True)
    for level, row in zip(LEVELS, highest, strict=True):
        print(
            f"\nhighest at {100 * level:g} %: "
            + ", ".join(f"{way} {100 * each:.2f} %" for way, each in zip(WAYS, row, strict=True))
        )
    print(f"\n{time.process_time():.0f} s CPU", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, sys.argv[2:] or ["mean", "sum", "share"])
