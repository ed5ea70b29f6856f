"""How often the delivered rollout plan stops a good change, and how late a bad one, beside fixed thresholds.

    python benchmarks/rollouts/characteristics.py [RUNS]

10,000 simulated clean rollouts checked each minute, and a tenth as many of each regression, by `rollouts.simulation`,
which `tests/rollouts/test_rollout_simulation.py` holds to the controller's own rules. It prints the tables of
`docs/rollouts.md`. Three plans: the delivered steps with anytime-valid guardrails, the same with group sequential
ones, and a plan with a rare share, whose counts are so small that the tests, which hold in the limit of many users, are
strained most.
"""

import sys
import time

from counterpoint.experiments.model import Metric
from counterpoint.rollouts.model import Rollout
from counterpoint.rollouts.reading import rollout_of
from counterpoint.rollouts.simulation import Baseline, Characteristics, Outcome, simulate

START = Metric(name="start-time", event="app.started", aggregation="mean", direction="decrease", unit="ms")
CRASHED = Metric(name="crashed", event="app.crashed", aggregation="any", direction="decrease")
USERS_PER_DAY = 50_000


def plan(name: str, guardrails: list[dict[str, object]]) -> Rollout:
    """The delivered steps with these guardrails."""
    metrics = {"metric:default/start-time": START, "metric:default/crashed": CRASHED}
    return rollout_of({"metadata": {"name": name}, "spec": {"flag": name, "guardrails": guardrails}}, metrics)


def looks(maximum: int) -> dict[str, object]:
    """A group sequential guardrail of twenty looks."""
    return {"test": "group-sequential", "looks": 20, "maximum": maximum}


START_TIME = {"metric": "start-time", "margin": 0.02}
CRASHES = {"metric": "crashed", "margin": 0.25}
PLANS = (
    (plan("anytime", [START_TIME, CRASHES]), {"start-time": Baseline(800, 300), "crashed": Baseline(0.02)}),
    (
        plan("group-sequential", [START_TIME | looks(60_000), CRASHES | looks(60_000)]),
        {"start-time": Baseline(800, 300), "crashed": Baseline(0.02)},
    ),
    (plan("rare", [{"metric": "crashed", "margin": 0.25}]), {"crashed": Baseline(0.005)}),
)


def shown(value: float | None, places: int = 0) -> str:
    """A number as the tables have it."""
    return "–" if value is None else f"{value:,.{places}f}"


def row(each: Outcome) -> str:
    """One line of a table."""
    often = {1: "each minute", 360: "six-hourly", 1440: "daily"}[each.policy.minutes]
    change = "none" if not each.regression else f"{100 * each.regression:g} % worse"
    rate = f"{100 * each.rate:.2f} % ({100 * each.low:.2f} to {100 * each.high:.2f})"
    cells = (
        f"{each.policy.name}, {often}",
        f"{change}, the margin" if each.is_margin else change,
        rate,
        f"{shown(each.users_before)} ({shown(each.users_before_most)})",
        shown(each.hours_before, 1),
        f"{shown(each.hours_to_completion)} ({shown(each.hours_to_completion_most)})",
        f"{100 * each.completed / each.runs:.0f} / {100 * each.paused / each.runs:.0f} %",
    )
    return f"| {' | '.join(cells)} |"


def table(found: Characteristics) -> str:
    """A table in Markdown."""
    head = "checked by|true change|taken back (95 %)|users before: median (90 %)|hours before|hours to end|completed / paused"
    lines = [f"| {' | '.join(head.split('|'))} |", f"|{' --- |' * 7}"]
    return "\n".join([*lines, *map(row, found.outcomes)])


def main(runs: int) -> None:
    """Print all tables."""
    for rollout, baselines in PLANS:
        begun = time.process_time()
        found = simulate(
            rollout, baselines, users_per_day=USERS_PER_DAY, runs=runs, regressed_runs=max(runs // 10, 1)
        )
        print(
            f"\n{rollout.name}: {runs:,} clean runs, level {found.level:.4g}, {time.process_time() - begun:.0f} s CPU\n"
        )
        print(table(found), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
