"""What stands beside a metric's t-tests: the exact test of all against none, and what a Bayesian would say."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from scipy import stats as scipy_stats

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.result import Result
from counterpoint.experiments.shown import metric_rows
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Moments, rate

START = datetime(2026, 5, 1, tzinfo=UTC)
END = START + timedelta(days=10)
DONE = Metric(name="done", event="d", aggregation="any")
CRASHED = Metric(name="crashed", event="c", aggregation="retention", window_days=1, direction="decrease")
MINUTES = Metric(name="minutes", event="m")


def read(
    off: Moments,
    on: Moments,
    *,
    metric: Metric = DONE,
    margin: float | None = None,
    day: float = 10,
) -> Result:
    role = (
        {"success": (metric,)} if margin is None else {"guardrails": (Guardrail(metric, margin, "absolute"),)}
    )
    plan = Experiment(
        name="e", flag="e", control="off", treatments=("on",), start=START, end=END, srm_threshold=1e-12,
        decision="rule-2", **role,
    )  # fmt: skip
    groups = tuple(
        ArmTotals(
            arm, False, found.n, {metric.name: MetricTotals(found, events=1 + round(found.mean * found.n))}
        )
        for arm, found in (("off", off), ("on", on))
    )
    at = START + timedelta(days=day)
    return result_of(plan, Totals(groups, first_exposure=START, last_exposure=at), as_of=at)


@pytest.mark.parametrize(
    ("sizes", "up"), [((2, 3), True), ((4, 9), True), ((30, 2), False), ((500, 400), False)]
)
def test_all_against_none_is_tested_exactly(sizes: tuple[int, int], up: bool) -> None:
    n, m = sizes
    result = read(rate(0 if up else n, n), rate(m if up else 0, m))
    (metric,) = result.metrics
    table = [[m if up else 0, 0 if up else n], [0 if up else m, n if up else 0]]
    p = {
        "superiority": scipy_stats.fisher_exact(table, alternative="greater").pvalue,
        "deterioration": scipy_stats.fisher_exact(table, alternative="less").pvalue,
    }
    for test in metric.hypotheses:
        assert test.p == pytest.approx(p[test.kind], rel=1e-9)
        assert test.rejected is (test.p <= test.alpha)
    assert metric.difference == (1.0 if up else -1.0)
    assert metric.interval is None
    assert "Fisher" in metric.note
    small = min(p.values()) > (0.05 if up else 0.025)
    assert metric.outcome == ("no clear change" if small else "better" if up else "worse")
    assert result.verdict.state == ("ship" if up and not small else "do not ship")


def test_a_treatment_in_which_nobody_succeeds_any_more_is_stopped_before_the_end() -> None:
    result = read(rate(40, 40), rate(0, 40), day=3)
    assert (result.verdict.state, result.verdict.condition) == ("do not ship", "deterioration: done")
    assert "before the end" in result.verdict.sentence
    calm = read(rate(40, 40), rate(40, 40), day=3)
    assert calm.verdict.state == "keep running"
    assert calm.metrics[0].hypotheses[-1].state == "no variance"


def test_what_falls_is_better_and_a_guardrail_that_is_better_is_within_its_margin() -> None:
    result = read(rate(60, 60), rate(0, 60), metric=CRASHED, margin=0.1)
    assert result.metrics[0].outcome == "within margin"
    assert read(rate(0, 60), rate(60, 60), metric=CRASHED, margin=0.1).metrics[0].outcome == "worse"
    # A number of minutes without variance is no rate of users; nothing tells what it would be for others.
    same = read(Moments(50, 0.0, 0.0), Moments(50, 1.0, 0.0), metric=MINUTES)
    assert same.metrics[0].outcome == "not tested"


def test_a_bayesian_reading_stands_beside_each_metric_and_is_withheld_with_it() -> None:
    off, on = Moments(400, 10.0, 400 * 9.0), Moments(400, 10.4, 400 * 9.0)
    result = read(off, on, metric=MINUTES)
    (metric,) = result.metrics
    found = metric.credence
    assert found is not None
    posterior = scipy_stats.norm(metric.difference, metric.se)
    assert found.better == pytest.approx(posterior.sf(0), rel=1e-9)
    assert found.loss == pytest.approx(posterior.expect(lambda x: -x, ub=0), rel=1e-6)
    assert found.loss_control == pytest.approx(posterior.expect(lambda x: x, lb=0), rel=1e-6)
    assert (found.interval.low, found.interval.high) == pytest.approx(posterior.interval(0.95), rel=1e-9)
    (row,) = metric_rows(result)
    assert row.credence.startswith(f"{found.better:.1%}".replace("%", " %"))
    falls = read(off, on, metric=replace(MINUTES, direction="decrease")).metrics[0].credence
    assert falls is not None
    assert (falls.better, falls.loss, falls.loss_control) == pytest.approx(
        (1 - found.better, found.loss_control, found.loss)
    )
    before = read(off, on, metric=MINUTES, day=3)
    assert before.metrics[0].credence is None
    assert metric_rows(before)[0].credence == ""
