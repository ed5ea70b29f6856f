"""The shipping rule over every combination of what the tests can say."""

from datetime import UTC, datetime, timedelta
from itertools import product

import msgspec
import pytest

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.decision import Condition, Group
from counterpoint.experiments.hypotheses import arms_of, compare, quality_of
from counterpoint.experiments.looks import reading_of
from counterpoint.experiments.model import SAMPLE_RATIO_GATES
from counterpoint.experiments.result import QualityCheck, Verdict
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.experiments.verdict import decide
from counterpoint.stats import Moments

NOW = datetime(2026, 6, 1, tzinfo=UTC)
N = 10_000
SIGNIFICANT, NOTHING = 1.10, 1.0
"""Ratios of the treatment mean to a control mean of 10 with a standard deviation of 10."""

RETENTION = Metric(name="retention", event="retention", title="Retention")
START_TIME = Metric(name="start", event="start", title="Start time", direction="decrease")
CRASHES = Metric(name="crashes", event="crash", title="Crashes", direction="decrease")


def plan(**changes: object) -> Experiment:
    base = Experiment(
        name="trial",
        flag="trial",
        control="off",
        treatments=("on",),
        end=NOW,
        success=(RETENTION,),
        guardrails=(Guardrail(START_TIME, 0.03), Guardrail(CRASHES)),
    )
    return msgspec.structs.replace(base, **changes)


def totals(*, on: int = N, off: int = N, last: datetime = NOW, **ratios: float) -> Totals:
    def arm(variant: str, users: int, means: dict[str, float]) -> ArmTotals:
        metrics = {
            name: MetricTotals(Moments(users, 10 * ratio, 100.0 * users), events=users)
            for name, ratio in means.items()
        }
        return ArmTotals(variant, False, users, metrics)

    names = ("retention", "start", "crashes")
    return Totals(
        groups=(
            arm("off", off, dict.fromkeys(names, 1.0)),
            arm("on", on, {name: ratios.get(name, 1.0) for name in names}),
        ),
        first_exposure=last - timedelta(days=14),
        last_exposure=last,
    )


def verdict(found: Totals, experiment: Experiment | None = None, as_of: datetime = NOW):
    return result_of(experiment or plan(), found, as_of=as_of).verdict


@pytest.mark.parametrize(("better", "within", "harmed", "mismatch"), list(product([False, True], repeat=4)))
def test_the_verdict_is_rule_two_and_names_the_condition_that_failed(
    *, better: bool, within: bool, harmed: bool, mismatch: bool
) -> None:
    found = totals(
        on=N - 900 if mismatch else N,
        retention=SIGNIFICANT if better else NOTHING,
        start=1.0 if within else 1.02,  # 2 % slower is neither significant nor clearly within 3 %
        crashes=SIGNIFICANT if harmed else NOTHING,
    )
    shown = verdict(found)
    expected = (
        ("invalid", "sample ratio")
        if mismatch
        else ("do not ship", "deterioration: crashes")
        if harmed
        else ("do not ship", "superiority: retention")
        if not better
        else ("do not ship", "non-inferiority: start")
        if not within
        else ("ship", "superiority: retention")
    )
    assert (shown.state, shown.condition) == expected
    assert shown.sentence.lower().startswith(
        {"invalid": "the experiment is invalid"}.get(shown.state, shown.state)
    )
    assert shown.sentence.endswith(".")
    assert shown.would_change


def test_a_success_metric_that_turns_worse_stops_the_ship_and_says_by_how_much() -> None:
    shown = verdict(totals(retention=0.9))
    assert shown.state == "do not ship"
    assert "Retention got significantly worse, −10.0 % (10.00 → 9.00," in shown.sentence


def test_harm_within_the_margin_is_harm_all_the_same() -> None:
    experiment = plan(guardrails=(Guardrail(START_TIME, 0.2),))
    found = result_of(experiment, totals(retention=SIGNIFICANT, start=1.08), as_of=NOW)
    guardrail = found.metrics[1]
    assert (guardrail.holds, guardrail.outcome) == (True, "worse")
    assert found.verdict.state == "do not ship"


def test_one_better_success_metric_of_several_is_enough() -> None:
    other = Metric(name="start", event="start", direction="increase")
    experiment = plan(success=(other, RETENTION), guardrails=())
    assert verdict(totals(retention=SIGNIFICANT), experiment).state == "ship"


def test_a_rollout_without_success_metrics_ships_on_its_guardrails_alone() -> None:
    experiment = plan(success=(), guardrails=(Guardrail(START_TIME, 0.1),))
    shown = verdict(totals(), experiment)
    assert (shown.state, shown.condition) == ("ship", "non-inferiority: start")


def test_any_treatment_that_may_ship_decides_for_the_experiment() -> None:
    found = totals(retention=SIGNIFICANT)
    weak = msgspec.structs.replace(found.groups[0], variant="weak")
    experiment = plan(treatments=("weak", "on"), guardrails=())
    shown = verdict(msgspec.structs.replace(found, groups=(*found.groups, weak)), experiment)
    assert (shown.state, shown.treatment) == ("ship", "on")


@pytest.mark.parametrize("ratio", [0.98, 1.0, 1.1])
def test_before_the_planned_end_the_answer_is_to_wait_whatever_the_figures_say(ratio: float) -> None:
    end = NOW + timedelta(days=7)
    shown = verdict(totals(retention=ratio), plan(end=end))
    assert (shown.state, shown.condition) == ("keep running", "end")
    assert "Keep running until 8 Jun 2026" in shown.sentence


def test_once_the_planned_end_has_passed_the_rule_applies_though_the_last_exposure_was_before_it() -> None:
    end = NOW + timedelta(days=7)
    assert verdict(totals(retention=SIGNIFICANT), plan(end=end), as_of=end).state == "ship"


def test_too_few_users_keep_it_running_and_say_how_many_are_missing() -> None:
    shown = verdict(totals(on=N - 10), plan(units_per_arm=N))
    assert (shown.state, shown.would_change) == ("keep running", "10 more users in on.")


def test_no_exposure_says_what_would_fill_it() -> None:
    shown = verdict(Totals())
    assert (shown.state, shown.condition) == ("keep running", "exposures")
    assert "no exposure of trial to off or on" in shown.sentence
    assert "counterpoint import events" in shown.would_change


def test_no_clear_change_says_what_the_experiment_could_have_seen() -> None:
    shown = verdict(totals())
    assert "no clear change in Retention" in shown.sentence
    assert "80 % power" in shown.would_change


def test_a_metric_without_events_is_not_tested_rather_than_unchanged() -> None:
    def without(group: ArmTotals) -> ArmTotals:
        empty = MetricTotals(Moments(group.users, 0.0, 0.0))
        return msgspec.structs.replace(group, metrics={**group.metrics, "retention": empty})

    found = totals()
    shown = verdict(msgspec.structs.replace(found, groups=tuple(without(group) for group in found.groups)))
    assert shown.state == "do not ship"
    assert "Retention could not be tested. No event of type retention" in shown.sentence


def test_rule_one_ships_in_spite_of_harm_that_no_margin_forbids() -> None:
    found = totals(retention=SIGNIFICANT, crashes=1.0, start=1.0)
    watched = plan(guardrails=(), deterioration=(CRASHES,), decision="rule-1")
    harmed = totals(retention=SIGNIFICANT, crashes=SIGNIFICANT)
    assert verdict(found, watched).state == "ship"
    assert verdict(harmed, watched).state == "ship"
    assert (
        verdict(harmed, plan(guardrails=(), deterioration=(CRASHES,))).condition == "deterioration: crashes"
    )


def test_a_metric_that_is_only_watched_has_a_role_of_its_own() -> None:
    watched = plan(guardrails=(), deterioration=(CRASHES,))
    result = result_of(watched, totals(retention=SIGNIFICANT), as_of=NOW)
    assert [(metric.name, metric.role) for metric in result.metrics] == [
        ("retention", "success"),
        ("crashes", "deterioration"),
    ]
    assert result.metrics[1].outcome == "no harm seen"


@pytest.mark.parametrize(("better", "also"), list(product([False, True], repeat=2)))
def test_a_custom_tree_decides_and_is_told_with_its_answers(*, better: bool, also: bool) -> None:
    other = Metric(name="start", event="start", title="Opens")
    both = Group("all", (Condition("superiority", "retention"), Condition("superiority", "start")))
    experiment = plan(success=(RETENTION, other), guardrails=(), decision=both)
    found = totals(
        retention=SIGNIFICANT if better else NOTHING,
        start=SIGNIFICANT if also else 1.005,
    )
    result = result_of(experiment, found, as_of=NOW)
    assert result.verdict.state == ("ship" if better and also else "do not ship")
    if not (better and also):
        assert result.verdict.condition == ("superiority: retention" if not better else "superiority: start")
    tree = result.comparisons[0].decision
    assert (tree.word, tree.met) == ("all", better and also)
    assert [part.met for part in tree.parts] == [better, also]
    assert {metric.hypotheses[0].alpha for metric in result.metrics} == {0.05}  # an AND does not split it


def test_an_absolute_margin_is_told_in_the_unit_of_the_metric() -> None:
    start = msgspec.structs.replace(START_TIME, unit="s")
    experiment = plan(success=(), guardrails=(Guardrail(start, 0.25, "absolute"),))
    shown = verdict(totals(start=1.01), experiment)
    assert shown.condition == "non-inferiority: start"
    assert "within its margin of 0.2500 s" in shown.sentence
    assert verdict(totals(start=0.95), experiment).state == "ship"


def test_the_verdict_names_every_gate_that_failed_and_where() -> None:
    experiment, found = plan(), totals(retention=SIGNIFICANT)
    reading = reading_of(experiment, found, NOW)

    def decided(*, overall: bool, tests: dict[str, bool]) -> Verdict:
        quality = quality_of(experiment, found)
        checks = tuple(
            QualityCheck(
                test=test, state="tested", p=1e-6 if rejected else 0.5, level=0.001, rejected=rejected,
                gates=True, note="Farthest: se (off 9, on 1).",
            )
            for test, rejected in tests.items()
        )  # fmt: skip
        ratio = msgspec.structs.replace(quality.sample_ratio, p=1e-6 if overall else 0.5, rejected=overall)
        return decide(
            experiment,
            arms=arms_of(experiment, found),
            quality=msgspec.structs.replace(quality, sample_ratio=ratio, checks=checks),
            comparisons=[compare(experiment, found, "on", reading)],
            reading=reading,
        )

    for overall, *failed in product([False, True], repeat=1 + len(SAMPLE_RATIO_GATES)):
        shown = decided(overall=overall, tests=dict(zip(SAMPLE_RATIO_GATES, failed, strict=True)))
        names = [name for name, rejects in zip(SAMPLE_RATIO_GATES, failed, strict=True) if rejects]
        decides = ["sample ratio"] * overall + [f"quality: {name}" for name in names]
        assert (shown.state == "invalid") is bool(decides)
        if not decides:
            continue
        assert shown.condition == decides[0]
        for name in SAMPLE_RATIO_GATES:
            assert (f"the {name.replace('-', ' ')}" in shown.sentence.lower()) is (name in names)
        if not overall:
            assert "Farthest: se (off 9, on 1)." in shown.sentence
            assert "start it anew from the day of the change" in shown.would_change


def test_a_quality_test_of_the_plan_gates_the_verdict() -> None:
    failed = QualityCheck(
        test="pre-exposure",
        state="tested",
        p=1e-6,
        level=0.01,
        rejected=True,
        gates=True,
        note="The arms differed before.",
    )
    experiment, found = plan(), totals(retention=SIGNIFICANT)
    reading = reading_of(experiment, found, NOW)
    quality = quality_of(experiment, found)
    for gates, state in ((True, "invalid"), (False, "ship")):
        check = msgspec.structs.replace(failed, gates=gates)
        shown = decide(
            experiment,
            arms=arms_of(experiment, found),
            quality=msgspec.structs.replace(quality, checks=(check,)),
            comparisons=[compare(experiment, found, "on", reading)],
            reading=reading,
        )
        assert shown.state == state
