"""False alarms and power of group sequential tests by simulation, beside the exact recursion.

Two million runs for each row. Plans are kept, overshot, ended early and looked at more often than
planned; each boundary comes from the looks that were made, as in an experiment. In the last rows the outcomes are
skewed (exponential) and the variance is estimated, as in life.
"""

import json
import math
import time
from collections.abc import Sequence

import numpy as np

from counterpoint.stats import Look, Spending, crossing, inflation, next_boundary

RUNS = 2_000_000
BATCH = 100_000
ALPHA, BETA = 0.05, 0.2

SCHEDULES: dict[str, list[float]] = {
    "14 looks": [(k + 1) / 14 for k in range(14)],
    "14 looks, overshot to 1.4": [1.4 * (k + 1) / 14 for k in range(14)],
    "14 looks, ended at 0.8": [0.8 * (k + 1) / 14 for k in range(14)],
    "slow start, many late looks": [0.02, 0.03, 0.05, 0.3, 0.8, 0.81, 0.82, 0.9, 0.99, 1.0],
}
FAMILIES = (Spending(), Spending("obrien-fleming"), Spending("pocock"), Spending("hwang-shih-decani", -4.0))


def looked(information: Sequence[float], spending: Spending) -> list[float]:
    """The boundaries as they come one after the other, the last of which spends the rest."""
    past: list[Look] = []
    for place, share in enumerate(information):
        past.append(
            next_boundary(past, share, alpha=ALPHA, spending=spending, last=place == len(information) - 1)
        )
    return [look.boundary for look in past]


def simulated(
    information: Sequence[float], bounds: Sequence[float], drift: float, seed: int
) -> tuple[float, float]:
    """The share of runs that cross at all, and that cross upwards first."""
    times = np.array(information)
    steps = np.diff(times, prepend=0.0)
    random, crossed, upwards = np.random.default_rng(seed), 0, 0
    for _ in range(RUNS // BATCH):
        scores = (random.standard_normal((BATCH, len(times))) * np.sqrt(steps) + drift * steps).cumsum(axis=1)
        z = scores / np.sqrt(times)
        out = np.abs(z) >= bounds
        stopped = out.any(axis=1)
        first = out.argmax(axis=1)
        crossed += int(stopped.sum())
        upwards += int((stopped & (z[np.arange(BATCH), first] > 0)).sum())
    return crossed / RUNS, upwards / RUNS


def skewed(
    information: Sequence[float], bounds: Sequence[float], units: int, seed: int, runs: int = 20_000
) -> float:
    """False alarms where outcomes are exponential and the variance is that of the units so far."""
    random, crossed = np.random.default_rng(seed), 0
    at = np.round(np.array(information) * units).astype(int)
    for _ in range(runs // 500):
        sums = np.zeros((2, 2, 500, len(at)))
        for arm in range(2):
            outcome = random.exponential(size=(500, at[-1]))
            sums[arm, 0] = outcome.cumsum(axis=1)[:, at - 1]
            sums[arm, 1] = (outcome**2).cumsum(axis=1)[:, at - 1]
        means = sums[:, 0] / at
        variances = (sums[:, 1] - at * means**2) / (at - 1)
        z = (means[1] - means[0]) / np.sqrt(variances.sum(axis=0) / at)
        crossed += int((np.abs(z) >= bounds).any(axis=1).sum())
    return crossed / runs


def measure() -> dict[str, object]:
    """Rates by schedule and family: simulated, exact, and the noise of the simulation."""
    figures: dict[str, object] = {}
    started = time.process_time()
    fixed = 1.959963984540054 + 0.8416212335729143
    for name, information in SCHEDULES.items():
        for place, spending in enumerate(FAMILIES):
            bounds = looked(information, spending)
            drift = fixed * math.sqrt(
                inflation(SCHEDULES["14 looks"], alpha=ALPHA, beta=BETA, spending=spending)
            )
            false, _ = simulated(information, bounds, 0.0, seed=place)
            _, power = simulated(information, bounds, drift, seed=100 + place)
            label = f"{name}, {spending.family}" + (
                f" {spending.parameter}" if "hwang" in spending.family else ""
            )
            figures[label] = {
                "false alarms": false,
                "exact": round(crossing(information, bounds).total, 6),
                "power": power,
                "exact power": round(math.fsum(crossing(information, bounds, drift=drift).upper), 6),
            }
    figures["two standard errors of false alarms, of power"] = [
        round(2 * math.sqrt(rate * (1 - rate) / RUNS), 6) for rate in (ALPHA, BETA)
    ]
    bounds = looked(SCHEDULES["14 looks"], Spending())
    for units in (280, 2_800):
        figures[f"exponential outcomes, {units} units in each arm, 20,000 runs: false alarms"] = skewed(
            SCHEDULES["14 looks"], bounds, units, seed=units
        )
    figures["CPU s"] = round(time.process_time() - started, 1)
    return figures


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
