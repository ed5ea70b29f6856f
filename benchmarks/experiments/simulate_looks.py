"""Whether a decision with guardrails, a covariate and looks has the power that its size promises, by simulation.

    python benchmarks/experiments/simulate_looks.py [--runs 200000] [--read 200] [--seed 1]

One success metric and two guardrails, each with a covariate, read at five looks. Experiments are drawn as the sums that
an engine would give at each look and decided by the boundaries of the library, all at once; some of them are read
through the analysis itself as well, look by look, and every verdict must be the same. Planned is the product of the
tests' powers under rule 1, where metrics are independent, and at least 1 − β under rule 2.
"""

import argparse
import math
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.experiments.simulation import START

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.decision import Condition
from counterpoint.experiments.model import Target
from counterpoint.experiments.sizing import size
from counterpoint.experiments.stopping import Stopping
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Comoments, Spending, boundaries

MEAN, SD, CORRELATION, CHANGE, LOOKS = 10.0, 10.0, 0.6, 0.05, 5
SLOPE, REST = CORRELATION * SD, SD * math.sqrt(1 - CORRELATION**2)
"""Of the value on its covariate, which has variance 1, and the standard deviation that the covariate leaves."""
NAMES = ("gain", "load", "wait")
Floats = NDArray[np.float64]


def planned(rule: str) -> tuple[Experiment, int, float]:
    """The plan with the size it needs, users of each arm, and the power that the size promises."""
    gain, *loads = (
        Metric(name=name, event=name, direction="increase" if name == "gain" else "decrease")
        for name in NAMES
    )
    plan = Experiment(
        name="e",
        flag="e",
        control="a",
        treatments=("b",),
        success=(gain,),
        guardrails=tuple(Guardrail(load, CHANGE) for load in loads),
        decision=rule,  # type: ignore[arg-type]
        srm_threshold=1e-9,
        targets={name: Target(mde=CHANGE, mean=MEAN, sd=SD, correlation=CORRELATION) for name in NAMES},
        stopping=Stopping(method="group-sequential", looks=LOOKS, maximum=10**9),
    )
    found = size(plan, {})
    stopping = Stopping(method="group-sequential", looks=LOOKS, maximum=found.total)
    power = math.prod(each.power or 0.0 for each in found.metrics)
    return (
        msgspec.structs.replace(plan, stopping=stopping),
        found.users[0],
        power if rule == "rule-1" else plan.power,
    )


@dataclass
class Drawn:
    """Sums up to each look: by run, look and metric, of what the covariate leaves (arms apart) and of the covariate."""

    users: list[int]
    rest: tuple[Floats, Floats]
    before: tuple[Floats, Floats]

    def contrast(self, weight: float, effect: Floats) -> Floats:
        """(μ_t − weight·μ_c) by its standard error, adjusted by the covariate with each arm's own slope."""
        n = np.array(self.users, dtype=float)[None, :, None]
        common = SLOPE * (self.before[0] + self.before[1]) / (2 * n)
        arms = [MEAN + rest / n + common for rest in self.rest]
        se = np.sqrt((REST**2 * (1 + weight**2) + SLOPE**2 * (1 - weight) ** 2 / 2) / n)
        return (arms[1] + effect - weight * arms[0]) / se


def draw(runs: int, per_arm: int, rng: np.random.Generator) -> Drawn:
    """Experiments of arms of equal size."""
    users = [
        math.ceil(per_arm * look / LOOKS) for look in range(1, LOOKS + 1)
    ]  # rounded down, a look is not due yet
    steps = np.sqrt(np.diff([0, *users]))[None, :, None]

    def sums(sd: float) -> Floats:
        return np.cumsum(rng.normal(size=(runs, LOOKS, len(NAMES))) * sd * steps, axis=1)

    return Drawn(users, (sums(REST), sums(REST)), (sums(1.0), sums(1.0)))


def shipped(plan: Experiment, drawn: Drawn, effect: float) -> NDArray[np.bool_]:
    """Which experiments ship: conditions that were shown stay shown, and harm stops."""
    maximum = plan.reading.maximum or 1
    information = [min(2 * users / maximum, 1.0) for users in drawn.users]
    effects = np.array([effect, 0.0, 0.0])
    better = drawn.contrast(1.0, effects)
    within = -drawn.contrast(1 + CHANGE, effects)

    def bounds(condition: Condition) -> Floats:
        alpha = plan.costs[condition].alpha
        return np.array(boundaries(information, alpha=alpha, sides=1, spending=plan.reading.alpha_spending))

    met = [better[:, :, 0] >= bounds(Condition("superiority", "gain"))]
    met += [within[:, :, place] >= bounds(Condition("non-inferiority", NAMES[place])) for place in (1, 2)]
    shown = np.logical_and.reduce([np.logical_or.accumulate(each, axis=1) for each in met])
    if plan.decision == "rule-1":
        return shown[:, -1]
    worse = better * np.array([-1.0, 1.0, 1.0])
    harm = np.array([_harm(plan, share, look) for look, share in enumerate(information, 1)])
    harmed = (worse >= harm[None, :, None]).any(axis=2)
    ends = shown | harmed
    first = ends.argmax(axis=1)
    rows = np.arange(len(ends))
    return ends.any(axis=1) & shown[rows, first] & ~harmed[rows, first]


def _harm(plan: Experiment, share: float, days: int) -> float:
    """The boundary of the daily watch, of as many days as looks."""
    at = [share * day / days for day in range(1, days + 1)]
    return boundaries(at, alpha=plan.levels.deterioration, sides=1, spending=Spending())[-1]


def read(plan: Experiment, drawn: Drawn, run: int, effect: float) -> bool:
    """Whether one of the experiments ships when the analysis reads it look by look."""
    cross = np.array([[SD**2, SLOPE], [SLOPE, 1.0]])
    looks = ()
    for look, users in enumerate(drawn.users):
        groups = []
        for place, arm in enumerate(plan.arms):
            metrics = {}
            for number, name in enumerate(NAMES):
                before = drawn.before[place][run, look, number] / users
                value = MEAN + drawn.rest[place][run, look, number] / users + SLOPE * before
                value += effect if name == "gain" and arm != plan.control else 0.0
                found = Comoments(users, (value, before), tuple(map(tuple, cross * (users - 1))))
                metrics[name] = MetricTotals(found.moments(0), events=users, comoments=found)
            groups.append(ArmTotals(arm, False, users, metrics))
        at = START + timedelta(days=look + 1)
        totals = Totals(tuple(groups), first_exposure=START, last_exposure=at - timedelta(hours=1))
        result = result_of(plan, totals, as_of=at - timedelta(minutes=1), looks=looks)
        looks = result.looks
        if result.verdict.state in {"ship", "do not ship"}:
            break
    return result.verdict.state == "ship"


def main() -> None:
    """Both rules, with the change that was planned for and without."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--read", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.process_time()
    print(
        f"{given.runs:,} experiments, 1 success metric, 2 guardrails, covariate ρ = {CORRELATION}, {LOOKS} looks"
    )
    print("rule     users   planned   simulated   false positives   read by the analysis")
    for rule in ("rule-1", "rule-2"):
        plan, per_arm, power = planned(rule)
        shares, same = [], 0
        for effect in (CHANGE * MEAN, 0.0):
            drawn = draw(given.runs, per_arm, np.random.default_rng(given.seed))
            ships = shipped(plan, drawn, effect)
            shares.append(float(ships.mean()))
            same += sum(read(plan, drawn, run, effect) == ships[run] for run in range(given.read))
        print(
            f"{rule}  {2 * per_arm:>6,}   {power:>7.4f}   {shares[0]:>9.4f}   {shares[1]:>15.4f}"
            f"   {same} of {2 * given.read} the same",
            flush=True,
        )
    print(f"\n{time.process_time() - started:.0f} CPU seconds")


if __name__ == "__main__":
    main()
