"""Experiments drawn at random and read through the real analysis, look by look: for tests and benchmarks.

What is drawn are the sufficient statistics that a query would give: means of independent normal users, with their
true variances, which for thousands of users is all that an analysis can see.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from counterpoint.experiments import Experiment
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.result import Result, Taken
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Comoments

START = datetime(2026, 5, 1, tzinfo=UTC)


class Truth:
    """A metric as it is: normal with a covariate, and a mean that the treatment changes by `effect`."""

    def __init__(self, mean: float, sd: float, *, correlation: float = 0.0, effect: float = 0.0) -> None:
        self.mean, self.sd, self.effect, self.correlation = mean, sd, effect, correlation
        self.cross = np.array([[1, correlation], [correlation, 1]]) * np.outer((sd, 1), (sd, 1))


def run(
    plan: Experiment, truths: Mapping[str, Truth], users_per_arm: int, looks: int, rng: np.random.Generator
) -> Result:
    """One experiment of equal arms, read at equal distances until it decides or ends."""
    sums = {(arm, name): np.zeros(2) for arm in plan.arms for name in truths}
    taken: tuple[Taken, ...] = ()
    for look in range(1, looks + 1):
        users = math.ceil(users_per_arm * look / looks)  # rounded down, the look would not be due yet
        new = users - math.ceil(users_per_arm * (look - 1) / looks)
        groups = []
        for arm in plan.arms:
            metrics = {}
            for name, truth in truths.items():
                mean = truth.mean + (truth.effect if arm != plan.control else 0.0)
                sums[arm, name] += rng.multivariate_normal((mean * new, 0.0), truth.cross * new)
                found = Comoments(
                    users, tuple(sums[arm, name] / users), tuple(map(tuple, truth.cross * (users - 1)))
                )
                metrics[name] = MetricTotals(found.moments(0), events=users, comoments=found)
            groups.append(ArmTotals(arm, False, users, metrics))
        at = START + timedelta(days=look)
        totals = Totals(tuple(groups), first_exposure=START, last_exposure=at - timedelta(hours=1))
        result = result_of(plan, totals, as_of=at - timedelta(minutes=1), looks=taken)
        taken = result.looks
        if result.verdict.state in {"ship", "do not ship"}:
            break
    return result
