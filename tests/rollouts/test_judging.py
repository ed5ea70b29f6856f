"""What guardrails say of figures."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from counterpoint.experiments.model import Metric
from counterpoint.rollouts.judging import Observed, judge
from counterpoint.rollouts.looks import anytime_boundary, spacing
from counterpoint.rollouts.model import (
    Event,
    Figures,
    Guardrail,
    LookTaken,
    State,
    apply,
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
    told = judged(Guardrail(metric=TIME, margin=0.05), pair).guardrails[0]
    assert told.verdict == "inconclusive"


ONCE = replace(CRASHED, window_days=1)


@pytest.mark.parametrize("test", ["anytime", "group-sequential"])
@pytest.mark.parametrize(
    ("margin", "mean", "sd"), [(1e308, 1.0, 1e-3), (1e-300, 1e-300, 1e-305), (1e308, 1e150, 1e140)]
)
def test_looks_at_what_is_beyond_all_measure_can_be_read_again(
    test: Any, margin: float, mean: float, sd: float
) -> None:
    guardrail = Guardrail(metric=TIME, margin=margin, scale="absolute", test=test, looks=4, maximum=2_000)
    state = State()
    for spread in (sd, sd / 1e9):
        arms = [Moments(500, mean, 499 * spread * spread)] * 2
        figures = judge(
            plan_of(guardrails=(guardrail,)),
            state,
            Observed(500, 500, pairs={TIME.name: MeanPair(*arms)}),
            NOW,
        )
        event = Event(sequence=state.sequence + 1, kind="checked", at=NOW, actor="a", step=0, figures=figures)
        read = msgspec.json.decode(msgspec.json.encode(event), type=Event)
        assert read.figures is not None
        assert read.figures.looks == figures.looks
        state = apply(replace(state, phase="running"), read)


def test_looks_are_taken_once_and_keep_what_they_said() -> None:
    guardrail = Guardrail(metric=ONCE, margin=0.5, test="group-sequential", looks=4, maximum=8_000)
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
    guardrail = Guardrail(metric=ONCE, margin=0.5, test="group-sequential", looks=4, maximum=8_000)
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


def seen(
    users: int, *, state: State, sd: float = 300.0, worse: float = 0.0, metric: Metric = TIME
) -> Figures:
    """What a check says of so many users, whose values are worse by a share."""
    arms = [Moments(users // 2, mean, (users // 2 - 1) * sd**2) for mean in (800.0, 800.0 * (1 + worse))]
    observed = Observed(users // 2, users // 2, pairs={metric.name: MeanPair(*arms)})
    return judge(plan_of(guardrails=(Guardrail(metric=metric, margin=0.02),)), state, observed, NOW)


def after(state: State, figures: Figures) -> State:
    """Where figures that are written down lead."""
    event = Event(sequence=state.sequence + 1, kind="checked", at=NOW, actor="a", step=0, figures=figures)
    return apply(replace(state, phase="running"), event)


def test_values_that_go_on_are_looked_at_again_only_once_more_is_known_of_them() -> None:
    first = seen(2_000, state=State())
    (look,) = first.looks
    assert (look.index, look.users) == (1, 2_000)
    assert look.boundary == pytest.approx(anytime_boundary(2_000, plan_of().level, 5_000))
    state, factor = after(State(), first), spacing(plan_of().level)
    assert factor == pytest.approx(1.27, abs=0.01)
    between = seen(2_530, state=state)
    told = between.guardrails[0]
    assert (between.looks, told.verdict, told.look_users) == ((), first.guardrails[0].verdict, 2_000)
    assert (told.change, told.low, told.high) == (look.change, look.low, look.high)
    # More users, or the same users whose means have settled.
    for users, sd in ((2_550, 300.0), (2_000, 260.0)):
        again = seen(users, sd=sd, state=state, worse=0.3)
        assert [each.index for each in again.looks] == [2]
        assert again.guardrails[0].verdict == "fail"


def test_values_that_come_once_are_looked_at_at_each_check() -> None:
    once = replace(TIME, window_days=1)
    first = seen(2_000, state=State(), metric=once)
    told = seen(2_002, state=after(State(), first), worse=0.9, metric=once)
    assert (first.looks, told.looks, told.guardrails[0].verdict) == ((), (), "fail")


def test_the_chances_of_all_looks_together_are_at_most_the_level() -> None:
    """Boole's inequality, summed over sizes that lie the spacing apart, wherever they begin."""
    for level in (0.0001, 0.0125, 0.0245, 0.049, 0.24):
        for offset in (0.0, 0.3, 0.7):
            sizes = 2 * spacing(level) ** (np.arange(300) + offset)
            spent = sum(math.erfc(anytime_boundary(size, level, 5_000) / math.sqrt(2)) / 2 for size in sizes)
            assert spent < level
            assert spent > 0.6 * level


def test_a_group_sequential_guardrail_of_values_that_go_on_spends_alone_at_each_look() -> None:
    guardrail = Guardrail(metric=TIME, margin=0.02, test="group-sequential", looks=4, maximum=8_000)
    plan, state, taken = plan_of(guardrails=(guardrail,)), State(), []
    for sd in (300.0, 250.0, 300 / math.sqrt(2), 100.0):
        arms = [Moments(1_000, 800.0, 999 * sd**2)] * 2
        found = judge(plan, state, Observed(1_000, 1_000, pairs={TIME.name: MeanPair(*arms)}), NOW)
        state, taken = after(state, found), [*taken, *found.looks]
    # The same users: where twice as much is known that is half of the information, and with nine times as much it ends.
    assert [each.index for each in taken] == [1, 2, 4]
    assert [each.information for each in taken] == pytest.approx([0.25, 0.5, 2.25], rel=0.01)
    shares = [0.25**2, 0.5**2 - 0.25**2, 1 - 0.5**2]
    spent = [math.erfc((each.boundary or 0) / math.sqrt(2)) / 2 / plan.level for each in taken]
    assert spent == pytest.approx(shares, rel=0.01)


def test_looks_begin_anew_with_the_next_run() -> None:
    plan = plan_of()
    state = apply(State(), Event(sequence=1, kind="started", at=NOW, actor="a", step=0, plan=plan))
    for users in (2_000, 3_000):
        state = after(state, seen(users, state=state))
    assert [each.users for each in state.looks["start-time"]] == [2_000, 3_000]
    ended = apply(state, Event(sequence=4, kind="rolled-back", at=NOW, actor="a", step=0))
    again = apply(ended, Event(sequence=5, kind="started", at=NOW, actor="a", step=0, plan=plan))
    assert again.looks == {}
