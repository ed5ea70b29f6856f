"""Whether a plan with looks, a covariate and guardrails has the power that its size promises, by simulation.

    python benchmarks/experiments/simulate_looks.py [--runs 200000] [--read 200] [--seed 1]

Plans are sized by `experiments.sizing`. Experiments of that size are drawn as what an engine would give at each look, of
users who are normal: means, variances and covariances of each arm, none of them known beforehand. They are decided all
at once, by a second writing of the adjusted t-tests, the boundaries and the rule; some of them are read through the
analysis itself as well, look by look, and every verdict must be the same. Planned is the product of the powers that the
sizing gives the tests, since the metrics are independent; the plan promises at least 1 − β, whatever their dependence.
The standard error of a share of 200,000 is at most 0.11 points.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.experiments.simulation import START

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.decision import Condition
from counterpoint.experiments.looks import nominal_level
from counterpoint.experiments.model import Target
from counterpoint.experiments.sizing import size
from counterpoint.experiments.stopping import Stopping
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Comoments, Spending, boundaries

MEAN, SD, CORRELATION, CHANGE = 10.0, 10.0, 0.6, 0.05
SLOPE, REST = CORRELATION * SD, SD * math.sqrt(1 - CORRELATION**2)
"""Of the value on its covariate, which has variance 1, and the standard deviation that the covariate leaves."""
FEW = 1000
"""Users of an arm up to which the errors count what fitting a slope costs (docs/experiments.md)."""
BATCH = 10_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A kind of plan."""

    looks: int
    guardrails: int
    rule: Any = "rule-1"
    spending: Any = "power"

    @property
    def label(self) -> str:
        spent = "" if self.spending == "power" else f", {self.spending}"
        return f"{self.rule}, {self.looks} looks{spent}, {self.guardrails} guardrails"


CASES = (
    Case(5, 0),
    Case(14, 0),
    Case(5, 2),
    Case(14, 2),
    Case(5, 1, spending="obrien-fleming"),
    Case(5, 2, "rule-2"),
)


def planned(case: Case) -> tuple[Experiment, int, float]:
    """The plan with the size it needs, users of each arm, and the power that the size promises."""
    gain = Metric(name="gain", event="gain")
    loads = [Metric(name=f"load{i}", event="load", direction="decrease") for i in range(case.guardrails)]
    stopping = Stopping(method="group-sequential", looks=case.looks, maximum=10**9, spending=case.spending)
    plan = Experiment(
        name="e",
        flag="e",
        control="a",
        treatments=("b",),
        success=(gain,),
        guardrails=tuple(Guardrail(load, CHANGE) for load in loads),
        decision=case.rule,
        srm_threshold=1e-9,
        targets={
            metric.name: Target(mde=CHANGE, mean=MEAN, sd=SD, correlation=CORRELATION)
            for metric in (gain, *loads)
        },
        stopping=stopping,
    )
    found = size(plan, {})
    power = math.prod(each.power or 0.0 for each in found.metrics)
    whole = msgspec.structs.replace(stopping, maximum=found.total)
    return msgspec.structs.replace(plan, stopping=whole), found.users[0], power


@dataclass
class Drawn:
    """What is known of arms up to each look, by run, look and metric: control first."""

    users: list[int]
    means: tuple[Floats, Floats]
    """Of the value less `MEAN`, and of the covariate, in a last axis."""
    cross: tuple[Floats, Floats]
    """Sums of squares and products around the means: yy, yx, xx."""

    def contrast(self, weight: float) -> tuple[Floats, Floats]:
        """(μ_t − weight·μ_c) by its standard error, each arm adjusted by its own slope, and Satterthwaite's degrees of freedom."""
        n = np.array(self.users, dtype=float)[None, :, None]
        few = n <= FEW
        slopes, adjusted, shares, spare = [], [], [], n - 2
        centre = (self.means[0][..., 1] + self.means[1][..., 1]) / 2
        for means, cross in zip(self.means, self.cross, strict=True):
            yy, yx, xx = (cross[..., i] for i in range(3))
            slope, away = yx / xx, means[..., 1] - centre
            variance = (yy - slope * yx) / np.where(few, spare, n - 1)
            slopes.append(slope)
            adjusted.append(MEAN + means[..., 0] - slope * away)
            shares.append(variance * (1 / n + np.where(few, away**2 / xx, 0.0)))
        half = (self.means[1][..., 1] - self.means[0][..., 1]) / 2
        every = self.cross[0][..., 2] + self.cross[1][..., 2] + 2 * n * half**2
        parts = [
            shares[1],
            weight**2 * shares[0],
            (slopes[1] - weight * slopes[0]) ** 2 * every / (2 * n - 1) / (2 * n),
        ]
        total = sum(parts)
        doubt = (parts[0] ** 2 + parts[1] ** 2) / spare + parts[2] ** 2 / (2 * n - 1)
        return (adjusted[1] - weight * adjusted[0]) / np.sqrt(total), total**2 / doubt


def draw(case: Case, runs: int, per_arm: int, effect: float, rng: np.random.Generator) -> Drawn:
    """Experiments of arms of equal size: of the users who come between two looks, means and sums of squares."""
    users = [
        math.ceil(per_arm * look / case.looks) for look in range(1, case.looks + 1)
    ]  # less is not due yet
    shape = (runs, case.looks, 1 + case.guardrails)
    new = np.diff([0, *users]).astype(float)[None, :, None]
    n = np.array(users, dtype=float)[None, :, None]
    means, cross = [], []
    for arm in range(2):
        x, rest = (rng.normal(size=shape) / np.sqrt(new) for _ in range(2))
        # Bartlett's decomposition of the sums of squares of two independent columns.
        a = np.sqrt(rng.chisquare(np.broadcast_to(new - 1, shape)))
        b, c = rng.normal(size=shape), np.sqrt(rng.chisquare(np.broadcast_to(new - 2, shape)))
        y = SLOPE * x + REST * rest
        y[..., 0] += effect * arm
        one, other = SLOPE * a + REST * b, REST * c
        sums = [new * y, new * x]
        squares = [one**2 + other**2 + new * y**2, one * a + new * y * x, a**2 + new * x**2]
        sums, squares = ([np.cumsum(each, axis=1) for each in found] for found in (sums, squares))
        y, x = (each / n for each in sums)
        means.append(np.stack([y, x], axis=-1))
        cross.append(
            np.stack([squares[0] - n * y * y, squares[1] - n * y * x, squares[2] - n * x * x], axis=-1)
        )
    return Drawn(users, (means[0], means[1]), (cross[0], cross[1]))


def shipped(plan: Experiment, drawn: Drawn) -> NDArray[np.bool_]:
    """Which experiments ship: conditions that were shown stay shown, and harm stops."""
    maximum = plan.reading.maximum or 1
    information = [min(2 * users / maximum, 1.0) for users in drawn.users]

    def rejects(condition: Condition, place: int, weight: float, sign: int) -> NDArray[np.bool_]:
        bounds = boundaries(
            information, alpha=plan.costs[condition].alpha, sides=1, spending=plan.reading.alpha_spending
        )
        levels = np.array([nominal_level(each) for each in bounds])
        statistic, df = drawn.contrast(weight)
        return stdtr(df[:, :, place], -sign * statistic[:, :, place]) <= levels

    met = [rejects(Condition("superiority", "gain"), 0, 1.0, 1)]
    names = [each.metric.name for each in plan.guardrails]
    met += [
        rejects(Condition("non-inferiority", name), place, 1 + CHANGE, -1)
        for place, name in enumerate(names, 1)
    ]
    shown = np.logical_and.reduce([np.logical_or.accumulate(each, axis=1) for each in met])
    if plan.decision == "rule-1":
        return shown[:, -1]
    statistic, df = drawn.contrast(1.0)
    worse = stdtr(df, statistic * np.array([1.0, *(-1.0 for _ in names)]))
    harm = np.array([_harm(plan, share, look) for look, share in enumerate(information, 1)])
    harmed = (worse <= harm[None, :, None]).any(axis=2)
    ends = shown | harmed
    first = ends.argmax(axis=1)
    rows = np.arange(len(ends))
    return ends.any(axis=1) & shown[rows, first] & ~harmed[rows, first]


def _harm(plan: Experiment, share: float, days: int) -> float:
    """The level of the daily watch, of as many days as looks."""
    at = [share * day / days for day in range(1, days + 1)]
    return nominal_level(boundaries(at, alpha=plan.levels.deterioration, sides=1, spending=Spending())[-1])


def read(plan: Experiment, drawn: Drawn, run: int) -> bool:
    """Whether one of the experiments ships when the analysis reads it look by look."""
    looks = ()
    for look, users in enumerate(drawn.users):
        groups = []
        for place, arm in enumerate(plan.arms):
            metrics = {}
            for number, metric in enumerate(plan.metrics):
                y, x = drawn.means[place][run, look, number]
                yy, yx, xx = drawn.cross[place][run, look, number]
                found = Comoments(users, (MEAN + float(y), float(x)), ((yy, yx), (yx, xx)))
                metrics[metric.name] = MetricTotals(found.moments(0), events=users, comoments=found)
            groups.append(ArmTotals(arm, False, users, metrics))
        at = START + timedelta(days=look + 1)
        totals = Totals(tuple(groups), first_exposure=START, last_exposure=at - timedelta(hours=1))
        result = result_of(plan, totals, as_of=at - timedelta(minutes=1), looks=looks)
        looks = result.looks
        if result.verdict.state in {"ship", "do not ship"}:
            break
    return result.verdict.state == "ship"


def batches(runs: int) -> Iterator[int]:
    """Sizes of batches that fit into memory."""
    for start in range(0, runs, BATCH):
        yield min(BATCH, runs - start)


def main() -> None:
    """Each kind of plan, with the change that was planned for and without."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--read", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.process_time()
    print(f"{given.runs:,} experiments of each kind, 1 success metric, covariate ρ = {CORRELATION}")
    print(
        f"{'plan':<44} {'users':>6}   planned   simulated  ± error   false positives  ± error   read by the analysis"
    )
    for case in CASES:
        plan, per_arm, power = planned(case)
        shares, same = [], 0
        for effect in (CHANGE * MEAN, 0.0):
            rng, ships = np.random.default_rng(given.seed), 0
            for number, runs in enumerate(batches(given.runs)):
                drawn = draw(case, runs, per_arm, effect, rng)
                found = shipped(plan, drawn)
                ships += int(found.sum())
                if number == 0:
                    same += sum(read(plan, drawn, run) == found[run] for run in range(given.read))
            shares.append(ships / given.runs)
        errors = [math.sqrt(each * (1 - each) / given.runs) for each in shares]
        print(
            f"{case.label:<44} {2 * per_arm:>6,}   {power:>7.4f}   {shares[0]:>9.4f}   {errors[0]:.4f}"
            f"   {shares[1]:>15.4f}   {errors[1]:.4f}   {same} of {2 * given.read} the same",
            flush=True,
        )
    print(f"\n{time.process_time() - started:.0f} CPU seconds")


if __name__ == "__main__":
    main()
