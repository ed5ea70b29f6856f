"""The shipping rule over every combination of what the tests can say."""

from datetime import UTC, datetime, timedelta
from itertools import product

import msgspec
import pytest

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
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
