"""Tests of the data: what they find, what they leave alone, and which of them make an experiment invalid."""

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from counterpoint.experiments import Experiment, Metric
from counterpoint.experiments.exposure import Links, Trigger
from counterpoint.experiments.hypotheses import quality_of
from counterpoint.experiments.model import SAMPLE_RATIO_GATES, QualityTest
from counterpoint.experiments.quality import check, warnings_of
from counterpoint.experiments.quality_totals import QualityTotals, Sizes
from counterpoint.experiments.result import QualityCheck
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Comoments, Moments, difference, exact_sample_ratio, sequential_sample_ratio

PLAN = Experiment(
    name="e",
    flag="f",
    control="a",
    treatments=("b",),
    success=(Metric(name="m", event="p", aggregation="sum", covariate_days=7),),
    srm_threshold=0.01,
)
EVEN = QualityTotals(days=tuple(Sizes(f"2026-05-0{day}", {"a": 500, "b": 500}) for day in range(1, 6)))


def arm(variant: str, values: Any, **further: Any) -> ArmTotals:
    found = Comoments.of(values)
    metric = MetricTotals(found.moments(0), events=found.n, comoments=found)
    return ArmTotals(variant, False, found.n, {"m": metric}, **further)


def columns(n: int, before: float = 0.0) -> Any:
    index = np.arange(n)
    return np.column_stack([index * 7919 % 31, before + index * 104_729 % 29])


def totals(**quality: Any) -> Totals:
    return Totals(groups=(arm("a", columns(2500)), arm("b", columns(2500))), quality=replace(EVEN, **quality))


def found(plan: Experiment, data: Totals, test: str) -> QualityCheck:
    return next(each for each in check(plan, data) if each.test == test)


def test_even_data_passes_every_test() -> None:
    checks = check(replace(PLAN, segments=("country",)), totals(segments={"country": EVEN.days}))
    assert {each.test for each in checks} == {
        "sample-ratio-by-day", "sample-ratio-by-segment", "sequential-sample-ratio", "pre-exposure", "traffic", "crossover",
    }  # fmt: skip
    assert not [each.test for each in checks if each.rejected]
    assert {each.test for each in checks if each.gates} == set(SAMPLE_RATIO_GATES)


def test_a_mismatch_of_one_day_is_found_and_named_with_its_p_for_all_days() -> None:
    days = (*EVEN.days, Sizes("2026-05-06", {"a": 500, "b": 350}))
    result = found(PLAN, totals(days=days), "sample-ratio-by-day")
    assert result.rejected
    assert result.p == pytest.approx(6 * exact_sample_ratio([500, 350], [1, 1]))
    assert "2026-05-06 (a 500, b 350)" in result.note


@pytest.mark.parametrize(
    ("quality", "gates"),
    [
        (None, set(SAMPLE_RATIO_GATES)),
        ((), set()),
        ((QualityTest("traffic"),), {"traffic"}),
        ((QualityTest("sample-ratio-by-day", 0.01),), {"sample-ratio-by-day"}),
    ],
)
def test_a_plan_gates_by_exactly_what_it_names_and_by_the_sample_ratios_where_it_names_nothing(
    quality: tuple[QualityTest, ...] | None, gates: set[str]
) -> None:
    plan = replace(PLAN, segments=("country",), quality=quality)
    days = (*EVEN.days, Sizes("2026-05-06", {"a": 500, "b": 350}))
    checks = quality_of(plan, totals(days=days, segments={"country": days[-1:]})).checks
    assert {each.test for each in checks if each.gates} == gates
    assert {each.test for each in checks if each.rejected} >= {
        "sample-ratio-by-day",
        "sample-ratio-by-segment",
    }


def test_gates_that_nobody_named_have_the_threshold_and_leave_the_levels_of_harm_and_the_size_alone() -> None:
    none, empty = PLAN, replace(PLAN, quality=())
    assert {each.level for each in none.gates} == {0.01}
    assert (none.levels, none.costs, none.watched) == (empty.levels, empty.costs, empty.watched)
    named = replace(PLAN, quality=(QualityTest("traffic"),))
    assert named.watched == none.watched + 1
    assert named.gates == (QualityTest("traffic", named.levels.quality),)


def test_what_rejects_and_does_not_gate_is_a_warning_and_what_gates_makes_it_invalid() -> None:
    days = (*EVEN.days, Sizes("2026-05-06", {"a": 500, "b": 350}))
    declared = replace(PLAN, quality=(QualityTest(test="sample-ratio-by-day"),))
    warned, gated = (quality_of(plan, totals(days=days)) for plan in (replace(PLAN, quality=()), declared))
    (warning,) = [each for each in warned.warnings if "Sample ratio by day" in each]
    assert "2026-05-06 (a 500, b 350)" in warning
    assert not any("Sample ratio by day" in each for each in gated.warnings)
    assert [each.test for each in gated.checks if each.gates and each.rejected] == ["sample-ratio-by-day"]
    assert not any("as it should be" in each for each in quality_of(PLAN, totals()).warnings)


def test_days_that_are_too_small_are_merged_and_all_of_them_are_no_test() -> None:
    days = (Sizes("2026-04-30", {"a": 4}), *EVEN.days)
    assert found(PLAN, totals(days=days), "sample-ratio-by-day").p == 1.0
    assert found(PLAN, totals(days=days[:1]), "sample-ratio-by-day").state == "too few units"


def test_a_mismatch_in_one_value_of_a_segment_is_found() -> None:
    parts = {
        "country": (Sizes("no", {"a": 900, "b": 1100}), Sizes("se", {"a": 1100, "b": 900})),
        "os": EVEN.days,
    }
    result = found(
        replace(PLAN, segments=("country", "os")), totals(segments=parts), "sample-ratio-by-segment"
    )
    assert result.rejected
    assert "country no (a 900, b 1,100)" in result.note


def test_the_sequential_test_keeps_the_lowest_p_of_all_days() -> None:
    days = (Sizes("2026-05-01", {"a": 700, "b": 300}), Sizes("2026-05-02", {"a": 300, "b": 700}))
    result = found(PLAN, totals(days=days), "sequential-sample-ratio")
    assert result.p == sequential_sample_ratio([700, 300], [1, 1]).p
    assert result.rejected
    assert "2026-05-01" in result.note


def test_users_who_differ_before_exposure_are_found() -> None:
    data = replace(totals(), groups=(arm("a", columns(2500)), arm("b", columns(2500, 1.0))))
    result = found(PLAN, data, "pre-exposure")
    one, other = (Moments.of(columns(2500, shift)[:, 1]) for shift in (0.0, 1.0))
    assert result.p == pytest.approx(difference(one, other).p_two_sided)
    assert result.rejected
    assert "m before exposure" in result.note


def test_of_a_ratio_both_covariates_are_compared() -> None:
    metric = Metric(
        name="m", aggregation="ratio", covariate_days=7,
        numerator=Metric(name="n", event="p"), denominator=Metric(name="d", event="q"),
    )  # fmt: skip
    plan = replace(PLAN, success=(metric,))

    def ratio(variant: str, shift: float) -> ArmTotals:
        found = arm(variant, np.column_stack([columns(900), columns(900)[:, 1], columns(900, shift)[:, 1]]))
        return replace(found, metrics={"m": replace(found.metrics["m"], ratio=True)})

    data = replace(totals(), groups=(ratio("a", 0.0), ratio("b", 2.0)))
    assert "Farthest apart of 2" in found(plan, data, "pre-exposure").note
    assert found(plan, data, "pre-exposure").rejected


def test_an_arm_that_stops_or_never_starts_is_found() -> None:
    stopped = (*EVEN.days, Sizes("2026-05-06", {"a": 40}), Sizes("2026-05-07", {"a": 2}))
    result = found(PLAN, totals(days=stopped), "traffic")
    assert result.rejected
    assert "b has no new user after 2026-05-05, while the other arms have 42" in result.note
    assert result.p == pytest.approx(4 * 0.5**42)
    never = (Sizes("2026-05-01", {"a": 50}),)
    assert "b has no new user at all" in found(PLAN, totals(days=never), "traffic").note
    few = (*EVEN.days, Sizes("2026-05-06", {"a": 3}))
    assert not found(PLAN, totals(days=few), "traffic").rejected


def test_more_users_in_several_arms_than_noise_explains_are_found() -> None:
    def with_mixed(users: int) -> Totals:
        data = totals()
        return replace(data, groups=(*data.groups, ArmTotals("a", True, users, {})))

    assert found(PLAN, with_mixed(150), "crossover").rejected
    assert not found(PLAN, with_mixed(50), "crossover").rejected
    linked = replace(PLAN, links=Links(event="login"))
    result = found(linked, totals(linked=2000, crossed=100), "crossover")
    assert result.rejected
    assert "100 of 2,000 users (5.0 %)" in result.note


def test_sizes_before_a_trigger_gate_whatever_is_declared() -> None:
    plan = replace(PLAN, trigger=Trigger(event="t"))
    groups = (arm("a", columns(500), assigned=5000), arm("b", columns(500), assigned=4000))
    result = found(plan, Totals(groups=groups), "sample-ratio-before-trigger")
    assert result.rejected
    assert result.gates
    assert "9,000 users were assigned (a 5,000, b 4,000); 1,000 of them count." in result.note


def test_what_the_plan_declares_gates_at_its_own_level_and_what_it_lacks_data_for_says_so() -> None:
    days = (*EVEN.days, Sizes("2026-05-06", {"a": 500, "b": 410}))
    loose, strict = QualityTest("sample-ratio-by-day", 0.2), QualityTest("sample-ratio-by-day", 0.001)
    for declared, rejected in ((loose, True), (strict, False)):
        result = found(replace(PLAN, quality=(declared,)), totals(days=days), "sample-ratio-by-day")
        assert (result.gates, result.level, result.rejected) == (True, declared.level, rejected)
    shared = replace(PLAN, quality=(QualityTest("sample-ratio-by-day"),))
    assert found(shared, totals(), "sample-ratio-by-day").level == shared.levels.quality
    segments = replace(PLAN, quality=(QualityTest("sample-ratio-by-segment"),))
    assert found(segments, totals(), "sample-ratio-by-segment").state == "no data"


def test_what_readers_must_know_of_who_was_counted_is_told() -> None:
    data = totals(exposures=5100, repeated=3, strays=2, linked=10, crossed=1)
    plan = replace(PLAN, trigger=Trigger(event="p"), links=Links(event="login"))
    told = " ".join(warnings_of(plan, data))
    for words in (
        "Users count from p, which comes after",
        "also what a metric counts",
        "3 of 5,100",
        "2 users have",
        "1 of 10 users",
    ):
        assert words in told
    assert list(warnings_of(replace(PLAN, trigger=Trigger(event="t", unaffected=True)), totals())) == []


def test_users_whose_days_are_not_over_are_told_for_each_metric() -> None:
    groups = totals().groups
    waiting = replace(groups[1], metrics={"m": replace(groups[1].metrics["m"], incomplete=40)})
    told = list(warnings_of(PLAN, Totals(groups=(groups[0], waiting))))
    assert told == ["The days of m are not over for 40 of 5,000 users, who do not count for it yet."]


def test_an_arm_without_an_event_of_a_metric_is_told() -> None:
    groups = totals().groups
    silent = replace(groups[1], metrics={"m": replace(groups[1].metrics["m"], events=0)})
    told = list(warnings_of(PLAN, Totals(groups=(groups[0], silent))))
    assert told == ["No event of type p came from users of b; check that it is sent in every arm."]
