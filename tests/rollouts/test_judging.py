"""What guardrails say of figures."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from msgspec.structs import replace

from counterpoint.experiments.model import Metric
from counterpoint.rollouts.judging import Observed, anytime_boundary, judge
from counterpoint.rollouts.model import (
    Event,
    EventKind,
    Figures,
    Guardrail,
    GuardrailFigures,
    LookTaken,
    State,
    apply,
    state_of,
)
from counterpoint.stats import MeanPair, Moments, boundaries, noninferiority, rate

from .conftest import CRASHED, NOW, observed_of, plan_of

TIME = Metric(name="start-time", event="start", aggregation="mean", direction="decrease")
PLAYS = Metric(name="plays", event="play", aggregation="sum", direction="increase")


def judged(guardrail: Guardrail, pair: MeanPair, state: State | None = None) -> Figures:
    plan = plan_of(guardrails=(guardrail,))
    n = pair.units
    observed = Observed(n[0], n[1], last_exposure=NOW, pairs={guardrail.metric.name: pair})
    return judge(plan, state or State(), observed, NOW)


def test_alpha_is_shared_by_guardrails_and_the_check_of_sizes() -> None:
    plan = plan_of(guardrails=(Guardrail(metric=TIME, margin=0.1), Guardrail(metric=PLAYS, margin=0.1)))
    assert plan.level * 2 + plan.sample_ratio_alpha == pytest.approx(plan.alpha)


@pytest.mark.parametrize("metric", [TIME, PLAYS])
@pytest.mark.parametrize(("margin", "scale"), [(0.05, "relative"), (4.0, "absolute")])
def test_the_statistic_is_that_of_a_non_inferiority_test(metric: Metric, margin: float, scale: str) -> None:
    rng = np.random.default_rng(3)
    control, treatment = Moments.of(rng.normal(100, 30, 400)), Moments.of(rng.normal(103, 30, 350))
    found = judged(Guardrail(metric=metric, margin=margin, scale=scale), MeanPair(control, treatment))
    told = found.guardrails[0]
    same = noninferiority(
        control, treatment, margin=margin, direction=metric.direction, relative=scale == "relative"
    )
    assert told.statistic == pytest.approx(same.statistic)


@pytest.mark.parametrize("scale", ["relative", "absolute"])
@pytest.mark.parametrize("metric", [TIME, PLAYS])
@pytest.mark.parametrize("shift", [-30, -6, -5, -4, 0, 4, 5, 6, 30])
def test_bounds_and_verdict_never_disagree(scale: str, metric: Metric, shift: float) -> None:
    n, mean = 5_000, 100.0
    control, treatment = Moments(n, mean, n * 900.0), Moments(n, mean + shift, n * 900.0)
    margin = 0.05 if scale == "relative" else 5.0
    told = judged(
        Guardrail(metric=metric, margin=margin, scale=scale), MeanPair(control, treatment)
    ).guardrails[0]
    worst = margin if metric.direction == "decrease" else -margin
    assert told.low is not None
    assert told.high is not None
    assert told.low < told.change < told.high
    if metric.direction == "decrease":
        assert (told.verdict == "fail") is (told.low > worst)
        assert (told.verdict == "pass") is (told.high < worst)
    else:
        assert (told.verdict == "fail") is (told.high < worst)
        assert (told.verdict == "pass") is (told.low > worst)


def test_the_anytime_boundary_never_falls_below_that_of_one_look() -> None:
    found = [anytime_boundary(n, 0.049, 5_000) for n in (200, 1_000, 5_000, 50_000, 5_000_000)]
    assert min(found) > 1.65
    assert found[2] == min(found)
    assert anytime_boundary(1, 0.049, 5_000) == math.inf


def test_values_that_grow_beyond_all_measure_still_have_a_boundary() -> None:
    values = np.append(np.full(499, 1.0), 1e100)
    pair = MeanPair(Moments.of(values), Moments.of(values[::-1]))
    told = judged(Guardrail(metric=TIME, margin=0.05), pair, State(user_variances={TIME.name: 1e-300}))
    assert told.guardrails[0].verdict == "inconclusive"


def test_looks_are_taken_once_and_keep_what_they_said() -> None:
    guardrail = Guardrail(metric=CRASHED, margin=0.5, test="group-sequential", looks=4, maximum=8_000)
    plan, state = plan_of(guardrails=(guardrail,)), State()
    taken: list[LookTaken] = []
    for users in (500, 1_000, 1_500, 2_000, 2_900, 3_000, 4_000, 9_000):
        found = judge(plan, state, observed_of(NOW, users=users), NOW)
        taken += found.looks
        state = replace(state, looks={"crashed": tuple(taken)})
    assert [look.index for look in taken] == [1, 2, 3, 4]
    planned = boundaries([0.25, 0.5, 0.75, 1.0], alpha=plan.level, sides=1)
    assert [look.boundary for look in taken] == pytest.approx(planned)


def test_between_two_looks_nothing_new_is_said() -> None:
    guardrail = Guardrail(metric=CRASHED, margin=0.5, test="group-sequential", looks=4, maximum=8_000)
    plan = plan_of(guardrails=(guardrail,))
    first = judge(plan, State(), observed_of(NOW, users=900, treatment=0.9), NOW)
    assert (first.looks, first.guardrails[0].verdict) == ((), "inconclusive")
    at = judge(plan, State(), observed_of(NOW, users=1_000), NOW)
    state = State(looks={"crashed": at.looks})
    between = judge(plan, state, observed_of(NOW, users=1_400, treatment=0.9), NOW)
    assert (between.looks, between.guardrails[0].verdict) == ((), at.guardrails[0].verdict)
    assert (
        judge(plan, state, observed_of(NOW, users=2_000, treatment=0.9), NOW).guardrails[0].verdict == "fail"
    )


@pytest.mark.parametrize(
    ("pair", "verdict", "why"),
    [
        (MeanPair(rate(0, 500), rate(0, 500)), "missing", "do not vary"),
        (MeanPair(rate(10, 99), rate(10, 500)), "too few users", "99 users"),
        (MeanPair(rate(0, 500), rate(5, 500)), "missing", "not above 0"),
    ],
)
def test_what_has_no_test_says_why(pair: MeanPair, verdict: str, why: str) -> None:
    told = judged(Guardrail(metric=CRASHED, margin=0.5), pair).guardrails[0]
    assert told.verdict == verdict
    assert why in told.why
    assert (told.low, told.high, told.statistic) == (None, None, None)


def test_arms_of_unlike_size_are_seen() -> None:
    plan = plan_of()
    assert not judge(plan, State(), observed_of(NOW, users=10_000, treated=9_900), NOW).mismatch
    assert judge(plan, State(), observed_of(NOW, users=10_000, treated=9_000), NOW).mismatch
    assert judge(plan, State(), Observed(), NOW).sample_ratio_p is None


def test_the_boundary_goes_by_a_clock_that_moves_with_the_values_of_the_same_users() -> None:
    """Sums of the same 2,000 users that have grown fourfold are worth 8,000 users, and means that have settled too."""
    plan = plan_of(guardrails=(Guardrail(metric=TIME, margin=0.02),))

    def seen(state: State, sd: float) -> GuardrailFigures:
        arms = [Moments(1_000, 800.0, 999 * sd**2) for _ in range(2)]
        observed = Observed(1_000, 1_000, last_exposure=NOW, pairs={"start-time": MeanPair(*arms)})
        return judge(plan, state, observed, NOW).guardrails[0]

    first = seen(State(), 100.0)
    assert first.boundary == pytest.approx(anytime_boundary(2_000, plan.level, plan.tuned_at))
    assert first.user_variance is not None
    state = State(user_variances={"start-time": first.user_variance})
    for sd in (200.0, 50.0):
        later = seen(state, sd)
        assert (later.users, later.boundary) == (
            2_000,
            pytest.approx(anytime_boundary(8_000, plan.level, plan.tuned_at), rel=1e-3),
        )


def test_the_clock_begins_with_the_first_figures_of_a_run_and_anew_with_the_next() -> None:
    plan = plan_of()

    def events(*variances: float | None) -> Iterator[Event]:
        for place, variance in enumerate(variances, 1):
            figures = judge(plan, State(), Observed(), NOW)
            guardrails = (replace(figures.guardrails[0], user_variance=variance),)
            kind: EventKind = "started" if place == 1 else "checked"
            yield Event(
                sequence=place,
                kind=kind,
                at=NOW,
                actor="a",
                step=0,
                figures=None if place == 1 else replace(figures, guardrails=guardrails),
                plan=plan,
            )

    state = state_of(events(None, None, 2.0, 5.0))
    assert state.user_variances == {"crashed": 2.0}
    ended = apply(state, Event(sequence=5, kind="rolled-back", at=NOW, actor="a", step=0))
    again = apply(ended, Event(sequence=6, kind="started", at=NOW, actor="a", step=0, plan=plan))
    assert again.user_variances == {}
