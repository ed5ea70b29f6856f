from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.hypotheses import arms_of, quality_of
from counterpoint.experiments.model import Direction
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Comoments, Moments, difference

NOW = datetime(2026, 6, 1, tzinfo=UTC)
moments = st.builds(Moments, st.integers(2, 5000), st.floats(0.5, 1e3), st.floats(0.01, 1e5))


def experiment(direction: Direction, *, margin: float | None = None) -> Experiment:
    metric = Metric(name="m", event="m", direction=direction)
    role = {"success": (metric,)} if margin is None else {"guardrails": (Guardrail(metric, margin),)}
    return Experiment(name="e", flag="e", control="a", treatments=("b",), end=NOW, **role)


def totals(control: Moments, treated: Moments) -> Totals:
    def arm(variant: str, found: Moments) -> ArmTotals:
        return ArmTotals(variant, False, found.n, {"m": MetricTotals(found, events=found.n)})

    return Totals(groups=(arm("a", control), arm("b", treated)), last_exposure=NOW)


@given(moments, moments, st.sampled_from(["increase", "decrease"]))
def test_the_shown_intervals_agree_with_the_outcome_of_a_success_metric(
    control: Moments, treated: Moments, direction: Direction
) -> None:
    (found,) = result_of(experiment(direction), totals(control, treated), as_of=NOW).metrics
    for shown in (found.interval, found.relative_interval):
        if shown is None or shown.low is None or shown.high is None:
            continue
        bad_above, good_above = (shown.high <= 0, shown.low >= 0)
        better, worse = (good_above, bad_above) if direction == "increase" else (bad_above, good_above)
        assert (found.outcome == "better", found.outcome == "worse") == (better, worse)


@given(moments, moments, st.floats(0.01, 0.5), st.sampled_from(["increase", "decrease"]))
def test_the_relative_interval_of_a_guardrail_agrees_with_its_margin(
    control: Moments, treated: Moments, margin: float, direction: Direction
) -> None:
    (found,) = result_of(experiment(direction, margin=margin), totals(control, treated), as_of=NOW).metrics
    shown = found.relative_interval
    if shown is not None and shown.low is not None and shown.high is not None:
        assert found.holds == (shown.low >= -margin if direction == "increase" else shown.high <= margin)
        assert found.worse == (shown.high <= 0 if direction == "increase" else shown.low >= 0)


def test_a_metric_that_should_fall_is_better_when_it_falls() -> None:
    control, treated = Moments(1000, 10.0, 9000.0), Moments(1000, 9.0, 9000.0)
    (falls,) = result_of(experiment("decrease"), totals(control, treated), as_of=NOW).metrics
    (rises,) = result_of(experiment("increase"), totals(control, treated), as_of=NOW).metrics
    assert (falls.outcome, rises.outcome) == ("better", "worse")
    assert falls.p == pytest.approx(difference(control, treated).p_less)


def test_levels_are_shared_as_the_correction_says() -> None:
    metrics = tuple(Metric(name=name, event=name) for name in "abc")
    plan = Experiment(
        name="e", flag="e", control="x", treatments=("y", "z"), success=metrics[:2], guardrails=(Guardrail(metrics[2], 0.01),)
    )  # fmt: skip
    assert plan.levels.success == pytest.approx(0.05 / 4)
    assert plan.levels.guardrail == pytest.approx(0.025)
    assert plan.levels.deterioration == pytest.approx(0.05 / 8)


def test_users_in_several_arms_and_of_unknown_variants_are_counted_and_left_out() -> None:
    control = Moments(500, 1.0, 10.0)
    found = totals(control, control)
    others = (ArmTotals("a", True, 20, {}), ArmTotals("c", False, 7, {}), ArmTotals(None, False, 3, {}))
    plan = experiment("increase")
    quality = quality_of(plan, Totals(groups=(*found.groups, *others), outside=4))
    assert (quality.mixed_users, quality.unknown_users) == (20, {"c": 7, "(no variant)": 3})
    assert quality.mixed_share == pytest.approx(20 / 1030)
    assert len(quality.warnings) == 3
    assert "saw several variants" in quality.warnings[0]
    assert [arm.users for arm in arms_of(plan, found)] == [500, 500]


@pytest.mark.parametrize(("threshold", "state"), [(0.001, "do not ship"), (0.01, "invalid")])
def test_the_declared_threshold_decides_whether_a_sample_ratio_is_a_mismatch(
    threshold: float, state: str
) -> None:
    # p = 0.0086 lies between the two thresholds in use.
    import msgspec

    plan = msgspec.structs.replace(experiment("increase"), srm_threshold=threshold)
    found = result_of(plan, totals(Moments(44_700, 1.0, 4e4), Moments(45_489, 1.0, 4e4)), as_of=NOW)
    assert found.verdict.state == state
    assert found.quality.sample_ratio.p == pytest.approx(0.008607988, abs=1e-9)


def test_an_untested_metric_has_no_p_and_says_why() -> None:
    flat = Moments(100, 3.0, 0.0)
    (found,) = result_of(experiment("increase"), totals(flat, flat), as_of=NOW).metrics
    assert (found.outcome, found.p, found.interval, found.detectable) == ("not tested", None, None, None)
    assert found.note == "All users have the same value, so there is nothing to test."


def test_a_ratio_that_only_rounding_moves_is_not_tested_and_says_so() -> None:
    sums = [Metric(name=name, event=name, aggregation="sum") for name in ("n", "d")]
    metric = Metric(name="m", aggregation="ratio", numerator=sums[0], denominator=sums[1])
    plan = Experiment(name="e", flag="e", control="a", treatments=("b",), end=NOW, success=(metric,))

    def arm(variant: str, found: Comoments) -> ArmTotals:
        held = MetricTotals(found.moments(0), events=found.n, comoments=found, ratio=True)
        return ArmTotals(variant, False, found.n, {"m": held})

    alike = [Comoments.of([[0.1 * (d + end), d + end] for d in range(1, 101)]) for end in (0.3, 0.7)]
    found = Totals(groups=(arm("a", alike[0]), arm("b", alike[1])), last_exposure=NOW)
    (told,) = result_of(plan, found, as_of=NOW).metrics
    assert (told.outcome, told.p) == ("not tested", None)
    assert told.note.startswith("All users have the same ratio")
