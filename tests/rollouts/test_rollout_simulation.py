"""The simulation is the rules, on arrays; and what it shows of a plan is what the plan promises."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments.model import Metric
from counterpoint.rollouts import crowd
from counterpoint.rollouts.acting import act
from counterpoint.rollouts.crowd import ENDS, MINUTES, Baseline, Policy, simulate_once
from counterpoint.rollouts.deciding import FlagFacts, decide, event_of
from counterpoint.rollouts.judging import CONCENTRATION, Observed, judge
from counterpoint.rollouts.looks import anytime_boundary
from counterpoint.rollouts.model import Guardrail, Limits, Rollout, State, Step, apply
from counterpoint.rollouts.simulation import _median_between, simulate
from counterpoint.rollouts.vectors import anytime_boundaries, least_boundary, mismatches
from counterpoint.stats import MeanPair, rate, sequential_sample_ratio

from .conftest import CRASHED, NOW, plan_of

SMALL = plan_of(
    steps=(
        Step(percent=10, hold_seconds=2 * 3_600, inconclusive="proceed"),
        Step(percent=50, hold_seconds=4 * 3_600, minimum_sample=2_000),
        Step(percent=100, hold_seconds=0, monitored=False, minimum_sample=0),
    ),
    guardrails=(Guardrail(metric=CRASHED, margin=0.5),),
    limits=Limits(stale_seconds=1e9, trouble_seconds=6 * 3_600, patience_seconds=20 * 3_600),
    tuned_at=2_000,
)
BASELINES = {"crashed": Baseline(0.1)}
EACH_TEN = Policy("this plan", "plan", 10)


def test_boundaries_of_arrays_are_those_of_one() -> None:
    users = np.array([2.0, 100, 5_000, 10.0**7])
    found = anytime_boundaries(users, 0.0245, 5_000)
    assert found == pytest.approx([anytime_boundary(int(n), 0.0245, 5_000) for n in users], rel=1e-12)
    assert found.min() > least_boundary(0.0245)


def test_checks_of_sizes_on_arrays_are_those_of_one() -> None:
    rng = np.random.default_rng(5)
    control = rng.integers(50, 20_000, 3_000).astype(float)
    treatment = np.maximum(np.round(control * rng.uniform(0.8, 1.2, 3_000)), 1)
    found = mismatches(control, treatment, 0.001, CONCENTRATION)
    wanted = [
        sequential_sample_ratio((int(c), int(t)), (1, 1), concentration=CONCENTRATION, alpha=0.001).mismatch
        for c, t in zip(control, treatment, strict=True)
    ]
    assert found.tolist() == wanted
    assert 500 < found.sum() < 2_500


@pytest.mark.parametrize("regression", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("unequal", [1.0, 0.9])
@pytest.mark.parametrize(("per_day", "window"), [(20_000, None), (20_000, 1), (3_000, None)])
def test_the_rules_themselves_decide_the_same(
    regression: float, unequal: float, per_day: float, window: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, seed = 12, 3
    plan = replace(SMALL, guardrails=(Guardrail(metric=replace(CRASHED, window_days=window), margin=0.5),))
    rng = np.random.default_rng([seed, 9])
    history: list[tuple[np.ndarray, np.ndarray]] = []
    come = crowd.Crowd.let_come

    def lame(self: Any, here: Any, step: Step, users: float, rng: np.random.Generator) -> None:
        before = self.users[1].copy()
        come(self, here, step, users, rng)
        self.users[1] = before + np.floor((self.users[1] - before) * unequal)
        self.sums[0, 1] = np.minimum(self.sums[0, 1], self.users[1])

    def noted(self: Any, paths: Any, now: float, *, everybody: bool = False) -> None:
        seen = np.full((4, runs), np.nan)
        seen[:, self.numbers] = [*self.users, *self.sums[0]]
        history.append((now, seen))
        over(self, paths, now, everybody=everybody)

    over = crowd.Crowd.hand_over
    monkeypatch.setattr(crowd.Crowd, "let_come", lame)
    monkeypatch.setattr(crowd.Crowd, "hand_over", noted)
    paths = simulate_once(plan, BASELINES, per_day, EACH_TEN, regression, runs=runs, rng=rng)
    for number in range(runs):
        told = [(minute, seen[:, number]) for minute, seen in history if not np.isnan(seen[0, number])]
        end, minute = by_the_rules(plan, told)
        assert (end, minute) == (ENDS[paths.end[number]], paths.minutes[number])


def by_the_rules(plan: Rollout, told: list[tuple[float, np.ndarray]]) -> tuple[str, float]:
    """How a rollout ends, and when, by `judge`, `decide` and `apply` on these figures."""
    state = State()
    event = event_of(act(plan, state, "start", None), state, now=NOW, actor="a", figures=None)
    state = apply(state, replace(event, plan=plan))
    ends = {"rolled-back": "rolled back", "completed": "completed", "paused": "paused"}
    for minute, (control, treatment, events, treated) in told:
        now = NOW + timedelta(minutes=minute)
        arms = rate(int(events), int(control)), rate(int(treated), int(treatment))
        observed = Observed(
            int(control), int(treatment), last_exposure=now, pairs={"crashed": MeanPair(*arms)}
        )
        while True:
            figures = judge(plan, state, observed, now)
            move = decide(plan, state, figures, FlagFacts("driven", state.percent, plan.salt), now)
            if move.kind is None:
                break
            state = apply(state, event_of(move, state, now=now, actor="system", figures=figures))
            if move.kind != "advanced":
                break
        if state.phase in ends:
            return ends[state.phase], minute
    return "under way", minute


def test_a_clean_change_is_seldom_taken_back_and_a_bad_one_soon() -> None:
    found = simulate(
        SMALL,
        BASELINES,
        users_per_day=40_000,
        runs=2_000,
        regressed_runs=300,
        regressions=(0.2, 2.0),
        policies=(EACH_TEN, Policy("fixed threshold", "threshold", 10), Policy("x", "threshold", MINUTES)),
    )
    clean, bad = found.of("plan", 10, 0.0), found.of("plan", 10, 2.0)
    assert clean.high <= SMALL.alpha
    assert clean.completed + clean.rolled_back + clean.paused + clean.under_way == clean.runs
    margin = next(each for each in found.outcomes if each.is_margin)
    assert margin.low <= SMALL.alpha
    assert (bad.rate, bad.completed) == (1.0, 0)
    assert bad.users_before is not None
    assert bad.users_before < 1_000
    fixed = found.of("threshold", 10, 0.0)
    assert fixed.rate > 5 * clean.high


def test_checks_that_are_left_out_change_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def paths(growth: float) -> Any:
        monkeypatch.setattr(crowd, "GROWTH", growth)
        rng = np.random.default_rng(4)
        return simulate_once(SMALL, BASELINES, 20_000, Policy("this plan", "plan", 1), 0.6, runs=400, rng=rng)

    each, fewer = paths(0.0), paths(0.01)
    assert abs((each.end == crowd.ROLLED_BACK).mean() - (fewer.end == crowd.ROLLED_BACK).mean()) < 0.08
    assert np.quantile(fewer.minutes, 0.5) == pytest.approx(np.quantile(each.minutes, 0.5), rel=0.05)


def test_a_step_of_three_months_takes_a_few_thousand_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = []
    over = crowd.Crowd.hand_over
    monkeypatch.setattr(
        crowd.Crowd,
        "hand_over",
        lambda self, *given, **named: (checks.append(1), over(self, *given, **named)),
    )
    long = replace(SMALL, steps=(replace(SMALL.steps[1], hold_seconds=90 * 86_400.0), SMALL.steps[2]))
    rng = np.random.default_rng(4)
    paths = simulate_once(long, BASELINES, 20_000, Policy("this plan", "plan", 1), 0.0, runs=5, rng=rng)
    assert len(checks) < 4_000
    assert set(paths.minutes[paths.end == crowd.COMPLETED]) == {90.0 * MINUTES}


def test_the_interval_of_a_median_is_that_of_order_statistics() -> None:
    values = np.arange(1.0, 11.0)
    # Conover's table: of 10 values the second and the ninth hold the median in 97.9 % of samples.
    assert _median_between(values) == (2.0, 9.0)
    assert _median_between(values[:5]) == (None, None)
    assert _median_between(values[:0]) == (None, None)


def test_the_same_seed_gives_the_same_figures() -> None:
    given = {
        "users_per_day": 20_000,
        "runs": 50,
        "regressed_runs": 20,
        "policies": (EACH_TEN,),
        "regressions": (1.0,),
    }
    assert simulate(SMALL, BASELINES, seed=4, **given) == simulate(SMALL, BASELINES, seed=4, **given)
    assert simulate(SMALL, BASELINES, seed=4, **given) != simulate(SMALL, BASELINES, seed=5, **given)


def test_means_and_looks_are_simulated_too() -> None:
    time = Metric(name="start", event="s", aggregation="mean", direction="decrease")
    sequential = Guardrail(metric=CRASHED, margin=0.5, test="group-sequential", looks=5, maximum=8_000)
    plan = replace(SMALL, guardrails=(Guardrail(metric=time, margin=0.02), sequential))
    baselines = {"start": Baseline(800, 300), "crashed": Baseline(0.1)}
    found = simulate(
        plan,
        baselines,
        users_per_day=40_000,
        runs=300,
        regressed_runs=100,
        regressions=(0.2,),
        policies=(EACH_TEN,),
    )
    assert found.of("plan", 10, 0.0).rate < 0.05
    assert found.of("plan", 10, 0.2).rate == 1.0


def test_a_rollout_that_too_few_see_is_taken_back_at_its_limit() -> None:
    found = simulate(SMALL, BASELINES, users_per_day=200, runs=20, regressed_runs=2, policies=(EACH_TEN,))
    clean = found.of("plan", 10, 0.0)
    assert (clean.rate, clean.hours_before) == (1.0, 8.0)


@pytest.mark.parametrize(
    ("baselines", "users", "words"),
    [
        ({}, 1_000, "no baseline of crashed"),
        ({"crashed": Baseline(1.2)}, 1_000, "below 1"),
        ({"crashed": Baseline(0.1)}, 0, "usersPerDay is 0"),
        ({"crashed": Baseline(0.1)}, 1e300, "usersPerDay is 1e\\+300"),
        ({"crashed": Baseline(1e308, 1.0)}, 1_000, "both below 1e\\+100"),
        ({"crashed": Baseline(5.0, 1e308)}, 1_000, "both below 1e\\+100"),
    ],
)
def test_what_cannot_be_simulated_says_why(baselines: dict[str, Baseline], users: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        simulate(SMALL, baselines, users_per_day=users)


def test_a_plan_that_watches_nothing_is_told() -> None:
    with pytest.raises(InputError, match="No step is monitored"):
        simulate(replace(SMALL, guardrails=(), steps=SMALL.steps[2:]), {}, users_per_day=1_000)


@pytest.mark.parametrize("given", [{"seed": -1}, {"seed": 2**70}, {"runs": 0}, {"runs": 10**11}])
def test_runs_and_seeds_that_nothing_can_be_drawn_by_say_why(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(given))):
        simulate(SMALL, BASELINES, users_per_day=1_000, **given)


def test_steps_without_guardrails_and_time_lose_no_time() -> None:
    idle = tuple(Step(percent=n + 1, hold_seconds=0, monitored=False, minimum_sample=0) for n in range(3))
    plan = replace(SMALL, steps=(*idle, *SMALL.steps))
    rng = np.random.default_rng(4)
    paths = simulate_once(plan, BASELINES, 40_000, EACH_TEN, 0.0, runs=50, rng=rng)
    assert np.median(paths.minutes) < 24 * 60
    assert (paths.end == crowd.COMPLETED).mean() > 0.9


def test_a_margin_that_nothing_could_reach_is_refused() -> None:
    guardrail = Guardrail(metric=CRASHED, margin=1e308, scale="absolute")
    with pytest.raises(InputError, match="could be reached"):
        simulate(replace(SMALL, guardrails=(guardrail,)), BASELINES, users_per_day=1_000, runs=2)
