"""Covariates and ratios in a result: adjusted and raw beside each other, and intervals that fit the tests."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.result import MetricResult
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Comoments

NOW = datetime(2026, 6, 1, tzinfo=UTC)
METRIC = Metric(name="m", event="m")


def plan(**changes: object) -> Experiment:
    given: dict[str, object] = {"success": (METRIC,), **changes}
    return Experiment(name="e", flag="e", control="a", treatments=("b",), units_per_arm=1, **given)


def read(
    experiment: Experiment, control: Comoments, treated: Comoments, *, ratio: bool = False
) -> MetricResult:
    def arm(name: str, found: Comoments) -> ArmTotals:
        totals = MetricTotals(found.moments(0), events=found.n, comoments=found, ratio=ratio)
        return ArmTotals(name, False, found.n, {"m": totals})

    whole = Totals((arm("a", control), arm("b", treated)), last_exposure=NOW)
    return result_of(experiment, whole, as_of=NOW).metrics[0]


def case_b() -> tuple[Comoments, Comoments]:
    """The reference's deterministic case B (section 2.2)."""
    i = np.arange(20_000)
    t = i % 2
    x = (6151 * i % 997) / 100
    y = 2 + 0.5 * x + 0.03 * t + (7919 * i % 503) / 100
    both = np.column_stack([y, x])
    return Comoments.of(both[t == 0]), Comoments.of(both[t == 1])


def test_covariates_adjust_by_per_arm_slopes_and_the_raw_figures_stand_beside() -> None:
    found = read(plan(), *case_b())
    assert found.difference == pytest.approx(0.028181664976, abs=1e-11)
    assert found.se == pytest.approx(0.020536536828, rel=2e-6)
    assert found.unadjusted.difference == pytest.approx(0.0302195, abs=1e-11)
    assert found.unadjusted.se == pytest.approx(0.028923103601, abs=1e-11)
    assert found.variance_reduction == pytest.approx(1 - (0.020536536828 / 0.028923103601) ** 2, rel=1e-5)


def test_pooled_slopes_are_a_choice_and_covariates_can_be_left_out() -> None:
    pooled = read(plan(slopes="pooled"), *case_b())
    assert pooled.difference == pytest.approx(0.028181650864, abs=1e-11)
    raw = read(plan(covariates=False), *case_b())
    assert raw.difference == pytest.approx(0.0302195, abs=1e-11)
    assert (raw.unadjusted, raw.variance_reduction) == (None, None)


def test_a_ratio_is_compared_by_the_delta_method() -> None:
    i = np.arange(20_000)
    t = i % 2
    d = 1 + 7919 * i % 13
    n = np.floor(d * (25 + 104_729 * i % 31 + 2 * t) / 100)
    both = np.column_stack([n, d]).astype(float)
    found = read(plan(), Comoments.of(both[t == 0]), Comoments.of(both[t == 1]), ratio=True)
    assert found.difference == pytest.approx(0.019085906955, abs=1e-11)
    assert found.se == pytest.approx(0.001639605870, abs=1e-11)
    assert found.relative == pytest.approx(0.057646456004, abs=1e-11)


def test_a_covariate_that_says_nothing_is_not_used_and_that_is_told() -> None:
    rng = np.random.default_rng(5)
    arms = [Comoments.of(np.column_stack([rng.normal(size=200), np.full(200, 3.0)])) for _ in range(2)]
    found = read(plan(), *arms)
    assert found.unadjusted is None
    assert found.note == "A covariate has the same value for all users and is not used."


@given(
    st.integers(0, 10_000),
    st.floats(-1, 1),
    st.floats(-0.95, 0.95),
    st.sampled_from(["increase", "decrease"]),
)
def test_adjusted_intervals_agree_with_the_tests(seed: int, shift: float, rho: float, direction: str) -> None:
    rng = np.random.default_rng(seed)

    def arm(mean: float) -> Comoments:
        x = rng.normal(size=60)
        y = mean + rho * x + np.sqrt(1 - rho * rho) * rng.normal(size=60)
        return Comoments.of(np.column_stack([y, x]))

    metric = Metric(name="m", event="m", direction=direction)  # type: ignore[arg-type]
    control, treated = arm(5.0), arm(5.0 + shift)
    gain = 1 if direction == "increase" else -1
    success = read(plan(success=(metric,)), control, treated)
    guardrail = read(plan(success=(), guardrails=(Guardrail(metric, 0.1),)), control, treated)
    absolute = read(plan(success=(), guardrails=(Guardrail(metric, 0.4, "absolute"),)), control, treated)
    for ends in (success.interval, success.relative_interval):
        good, bad = (ends.low >= 0, ends.high <= 0) if gain > 0 else (ends.high <= 0, ends.low >= 0)
        assert (good, bad) == (success.hypotheses[0].rejected, success.worse)
    ends = guardrail.relative_interval
    assert guardrail.holds == (ends.low >= -0.1 if gain > 0 else ends.high <= 0.1)
    ends = absolute.interval
    assert absolute.holds == (ends.low >= -0.4 if gain > 0 else ends.high <= 0.4)
