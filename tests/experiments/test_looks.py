"""What a reading may show under each stopping plan, and that what was seen once is never rewritten."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from counterpoint.experiments import Experiment, Guardrail, Metric, wording
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.decision import Condition
from counterpoint.experiments.model import Target
from counterpoint.experiments.result import Result, Taken
from counterpoint.experiments.stopping import Stopping
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Moments, Spending, boundaries, stagewise_estimate
from counterpoint.stats.distributions import normal_tail

START = datetime(2026, 5, 1, tzinfo=UTC)
GAIN, START_TIME = Metric(name="gain", event="g"), Metric(name="start", event="s", direction="decrease")
MAXIMUM = 20_000
FIVE = Stopping(method="group-sequential", looks=5, maximum=MAXIMUM)


def plan(stopping: Stopping | None = FIVE, **changes: object) -> Experiment:
    base = {
        "success": (GAIN,),
        "guardrails": (Guardrail(START_TIME, 0.05),),
        "start": START,
        "end": START + timedelta(days=20),
    }
    given = {**base, **changes}
    return Experiment(
        name="trial", flag="trial", control="off", treatments=("on",), stopping=stopping, **given
    )


def totals(users: int, *, day: float, gain: float = 1.0, start: float = 1.0) -> Totals:
    """Both arms with half of the users, a mean of 10 and a standard deviation of 10, times the ratios."""

    def arm(variant: str, **ratios: float) -> ArmTotals:
        half = users // 2
        metrics = {
            name: MetricTotals(Moments(half, 10 * ratio, 100.0 * half), events=half)
            for name, ratio in ratios.items()
        }
        return ArmTotals(variant, False, half, metrics)

    return Totals(
        (arm("off", gain=1.0, start=1.0), arm("on", gain=gain, start=start)),
        first_exposure=START,
        last_exposure=START + timedelta(days=day),
    )


def read(
    experiment: Experiment,
    found: Totals,
    *,
    day: float,
    looks: tuple[Taken, ...] = (),
    explore: bool = False,
) -> Result:
    return result_of(experiment, found, as_of=START + timedelta(days=day), looks=looks, explore=explore)


def bounds(count: int, alpha: float, *, last: float = 1.0) -> tuple[float, ...]:
    at = [each / count for each in range(1, count)] + [last]
    return boundaries(at, alpha=alpha, sides=1, spending=Spending())


def test_before_a_fixed_end_the_success_metrics_tell_nothing_and_the_guardrails_only_of_harm() -> None:
    result = read(plan(None), totals(9000, day=9, gain=1.1), day=9)
    gain, start = result.metrics
    assert gain.outcome == "not read yet"
    assert "has not come" in gain.note
    hidden = (gain.treatment_mean, gain.difference, gain.p, gain.interval, gain.relative, gain.detectable)
    assert hidden == (None,) * 6
    assert {(test.p, test.statistic) for test in gain.hypotheses} == {(None, None)}
    assert start.difference == 0.0
    assert start.hypothesis("non-inferiority").p is None
    assert start.hypothesis("deterioration").p == pytest.approx(0.5)
    assert start.interval.low is not None
    assert start.interval.high is None
    assert result.verdict.state == "keep running"
    assert "10.0 %" not in result.verdict.sentence


def test_nothing_of_a_withheld_effect_is_in_the_json() -> None:
    up, down = (
        msgspec.json.encode(read(plan(None), totals(9000, day=9, gain=gain), day=9)) for gain in (1.1, 0.999)
    )
    assert up == down


def test_at_the_fixed_end_the_whole_level_is_there() -> None:
    result = read(plan(None), totals(20_000, day=20, gain=1.1), day=20)
    assert result.metrics[0].alpha == 0.05
    assert result.verdict.state == "ship"


def test_harm_is_watched_daily_by_a_sequential_test_that_does_not_depend_on_the_method() -> None:
    level = plan().levels.deterioration
    days = tuple(each / 20 for each in range(1, 21))
    expected = boundaries(days, alpha=level, sides=1, spending=Spending())
    plans = [plan(None), plan(FIVE), plan(Stopping(method="confidence-sequence"))]
    for at in (1, 7, 19):
        found = totals(1000 * at, day=at - 0.5)
        for each in plans:
            (test,) = [
                test
                for test in read(each, found, day=at - 0.5).metrics[1].hypotheses
                if test.kind == "deterioration"
            ]
            assert test.alpha == pytest.approx(normal_tail(expected[at - 1]))


def test_harm_before_the_end_stops_the_experiment_and_shows_its_figures() -> None:
    result = read(plan(None), totals(9000, day=9, gain=0.9), day=9)
    assert (result.verdict.state, result.verdict.condition) == ("do not ship", "deterioration: gain")
    assert "before the end" in result.verdict.sentence
    assert result.metrics[0].difference == pytest.approx(-1.0)


@pytest.mark.parametrize("stopping", [None, FIVE, Stopping(method="confidence-sequence")])
def test_harm_that_was_found_before_the_end_stands_when_it_fades(stopping: Stopping | None) -> None:
    experiment = plan(stopping)
    first = read(experiment, totals(9000, day=9, gain=0.9), day=9)
    assert [(look.index, look.verdict) for look in first.looks if look.verdict != "keep running"] == [
        (2 if stopping == FIVE else 0, "do not ship")
    ]
    for users, day in ((10_000, 10), (20_000, 20)):
        faded = read(experiment, totals(users, day=day, gain=1.1), day=day, looks=first.looks)
        assert faded.verdict.state == "do not ship"
        assert "stands" in faded.verdict.sentence
        assert all(look in faded.looks for look in first.looks)


def test_harm_between_two_looks_stands_and_takes_none_of_them() -> None:
    taken = read(plan(), totals(4000, day=4), day=4).looks
    harmed = read(plan(), totals(5000, day=5, gain=0.8), day=5, looks=taken)
    assert [look.index for look in harmed.looks] == [1, 0]
    again = read(plan(), totals(8000, day=8, gain=1.1), day=8, looks=harmed.looks)
    assert (again.progress.look, again.verdict.state) == (2, "do not ship")
    assert "with 5,000 users, on 6 May 2026" in again.verdict.sentence
    assert [look.index for look in again.looks] == [1, 0, 2]


def test_a_test_that_stopped_tells_its_effect_without_the_bias_of_stopping() -> None:
    first = read(plan(), totals(4000, day=4), day=4)
    assert first.metrics[0].stopped is None  # it goes on
    second = read(plan(), totals(8000, day=8, gain=1.08), day=8, looks=first.looks)
    gain, start = second.metrics
    found = gain.stopped
    assert found is not None
    assert start.stopped is None
    expected = stagewise_estimate(
        gain.difference, gain.se, [0.2, 0.4], [bounds(5, 0.05)[0]], alpha=0.05, sides=1
    )
    assert (found.estimate, found.p, found.seen) == (
        pytest.approx(expected.estimate),
        pytest.approx(expected.p),
        gain.difference,
    )
    assert 0 < found.interval.low < found.estimate < gain.difference
    assert found.interval.high is None
    assert "at least +" in wording.stopped(gain)
    again = read(plan(), totals(8000, day=8, gain=1.08), day=9, looks=second.looks)
    assert again.metrics[0].stopped == found
    later = read(plan(), totals(12_000, day=12, gain=1.08), day=12, looks=second.looks)
    assert later.metrics[0].stopped is None
    missed = read(plan(), totals(8000, day=8, gain=1.08), day=8)  # nobody took the first look
    assert (missed.metrics[0].outcome, missed.metrics[0].stopped) == ("better", None)


def test_a_metric_that_should_fall_is_bounded_from_above_and_the_last_look_stops_without_a_rejection() -> (
    None
):
    experiment = plan(
        success=(START_TIME,),
        guardrails=(),
        stopping=Stopping(method="group-sequential", looks=1, maximum=MAXIMUM),
    )
    (metric,) = read(experiment, totals(20_000, day=20, start=0.99), day=20).metrics
    assert metric.outcome == "no clear change"
    assert metric.stopped.estimate == pytest.approx(metric.difference)
    assert metric.stopped.interval.low is None
    assert metric.stopped.interval.high > 0
    assert metric.stopped.p > 0.05


def test_what_a_confidence_sequence_has_shown_stays_shown() -> None:
    always = plan(Stopping(method="confidence-sequence"), guardrails=())
    first = read(always, totals(9000, day=9, gain=1.2), day=9)
    assert [(look.index, look.verdict) for look in first.looks] == [(0, "ship")]
    later = read(always, totals(12_000, day=12), day=12, looks=first.looks)
    assert later.verdict.state == "ship"
    assert later.looks == first.looks


def test_each_look_has_the_boundary_of_its_information() -> None:
    expected = bounds(5, 0.05)
    looks: tuple[Taken, ...] = ()
    for index in range(1, 6):
        result = read(plan(), totals(4000 * index, day=4 * index - 1), day=4 * index - 1, looks=looks)
        assert result.progress.look == index
        test = result.metrics[0].hypothesis("superiority")
        assert test.alpha == pytest.approx(normal_tail(expected[index - 1]))
        assert test.total_alpha == 0.05
        looks = result.looks
    assert [look.index for look in looks] == [1, 2, 3, 4, 5]
    assert looks[-1].final


def test_between_looks_effects_are_withheld_and_the_next_look_is_told() -> None:
    first = read(plan(), totals(4000, day=4), day=4)
    between = read(plan(), totals(6000, day=6, gain=1.2), day=6, looks=first.looks)
    assert between.metrics[0].withheld
    assert (between.verdict.state, between.verdict.condition) == ("keep running", "look")
    assert "at 8,000 users (6,000 so far)" in between.verdict.sentence
    assert between.looks == first.looks


def test_before_the_first_look_there_is_none() -> None:
    result = read(plan(), totals(3000, day=3), day=3)
    assert (result.progress.look, result.looks) == (None, ())
    assert result.metrics[0].withheld


def test_the_same_data_read_again_are_the_same_look() -> None:
    found = totals(4000, day=4, gain=1.02)
    first = read(plan(), found, day=4)
    again = read(plan(), found, day=4.5, looks=first.looks)
    assert again.looks == first.looks
    assert again.metrics == first.metrics


def test_an_early_success_ships_with_its_repeated_interval_and_stands_whatever_comes_after() -> None:
    alone = plan(guardrails=())
    second = read(alone, totals(8000, day=8, gain=1.15), day=8)
    assert second.verdict.state == "ship"
    gain = second.metrics[0]
    assert gain.interval.low > 0
    error = gain.hypothesis("superiority").alpha
    assert error == pytest.approx(normal_tail(bounds(5, 0.05)[1]))
    later = read(alone, totals(12_000, day=12, gain=1.0), day=12, looks=second.looks)
    assert later.verdict.state == "ship"
    assert "decided at look 2 of 5" in later.verdict.sentence


def test_overshoot_never_rewrites_a_boundary_and_spends_the_rest() -> None:
    looks: tuple[Taken, ...] = ()
    for index in range(1, 5):
        looks = read(plan(), totals(4000 * index, day=4 * index), day=4 * index, looks=looks).looks
    before = [look.spent for look in looks]
    end = read(plan(), totals(26_000, day=20), day=20, looks=looks)
    assert [look.spent for look in end.looks[:4]] == before
    ((spent, boundary),) = end.looks[4].spent.values()
    assert (spent, end.looks[4].information) == (0.05, 1.3)
    assert boundary == pytest.approx(bounds(5, 0.05, last=1.3)[-1])


def test_an_end_before_the_maximum_spends_the_rest_too() -> None:
    looks = read(plan(), totals(8000, day=8), day=8).looks
    end = read(plan(), totals(9000, day=20), day=20, looks=looks)
    assert end.progress.final
    assert next(iter(end.looks[-1].spent.values()))[0] == pytest.approx(0.05)
    assert end.verdict.state == "do not ship"


def test_a_maximum_that_is_changed_later_leaves_the_looks_as_they_were() -> None:
    looks = read(plan(), totals(8000, day=8), day=8).looks
    wider = plan(Stopping(method="group-sequential", looks=5, maximum=40_000))
    after = read(wider, totals(24_000, day=12), day=12, looks=looks)
    assert after.looks[0] == looks[0]
    assert after.progress.look == 3


def test_what_was_shown_at_one_look_stays_shown() -> None:
    second = read(plan(), totals(8000, day=8, gain=1.15, start=1.02), day=8)
    assert second.verdict.state == "keep running"  # the guardrail is not shown yet
    assert second.looks[-1].shown == ("superiority: gain: on",)
    third = read(plan(), totals(12_000, day=12, gain=1.01), day=12, looks=second.looks)
    test = third.metrics[0].hypothesis("superiority")
    assert (test.rejected, test.shown_at) == (False, 2)
    assert third.verdict.state == "ship"


def test_looks_by_days_come_by_the_calendar() -> None:
    weekly = plan(Stopping(method="group-sequential", every_days=7, maximum=MAXIMUM))
    assert read(weekly, totals(6000, day=6), day=6).progress.look is None
    first = read(weekly, totals(7000, day=7), day=7)
    assert (first.progress.look, first.progress.looks, first.progress.information) == (1, 3, 0.35)
    assert "on 15 May 2026" in first.progress.following


def test_a_confidence_sequence_may_be_read_at_any_time() -> None:
    always = plan(Stopping(method="confidence-sequence", tuned_at=5000), guardrails=())
    result = read(always, totals(3000, day=3, gain=1.4), day=3)
    assert result.verdict.state == "ship"
    assert 0 < result.metrics[0].alpha < 0.05


def test_a_fixed_power_plan_ends_when_the_pooled_variance_says_so() -> None:
    target = {"gain": Target(mde=0.05)}
    powered = plan(Stopping(method="fixed-power"), targets=target, end=None, guardrails=())
    early = read(powered, totals(4000, day=4, gain=1.1), day=4)
    assert (early.verdict.condition, early.metrics[0].withheld) == ("power", True)
    share = powered.costs[Condition("superiority", "gain")]
    assert share.beta == pytest.approx(0.15)
    needed = early.progress.needed
    assert 5100 < needed < 5400  # 2(1.645 + 1.036)²·10²/0.525², from the pooled mean and variance
    late = read(powered, totals(2 * needed + 400, day=14, gain=1.1), day=14)
    assert (late.progress.open, late.metrics[0].alpha) == (True, 0.05)


UNDECLARED = (None, Stopping())
"""Nothing, and a method without an end, which declares as little."""


@pytest.mark.parametrize("stopping", UNDECLARED)
@pytest.mark.parametrize("gain", [0.9999, 1.0, 1.001, 2.0])
def test_a_plan_that_does_not_say_when_it_is_read_shows_nothing_of_its_success(
    stopping: Stopping | None, gain: float
) -> None:
    result = read(plan(stopping, end=None), totals(9000, day=9, gain=gain), day=9)
    (metric,) = [each for each in result.metrics if each.role == "success"]
    assert not result.progress.declared
    assert (result.verdict.state, result.verdict.condition) == ("keep running", "plan")
    assert (metric.treatment_mean, metric.difference, metric.p, metric.relative) == (None, None, None, None)
    assert "end, unitsPerArm or stopping" in result.verdict.would_change
    assert "experiments explore" in result.verdict.would_change
    assert result.learning is None
    assert result.quality.sample_ratio.p is not None


def test_harm_is_told_though_the_plan_does_not_say_when_it_is_read() -> None:
    result = read(plan(None, end=None), totals(9000, day=9, gain=0.5), day=9)
    assert (result.verdict.state, result.verdict.condition) == ("do not ship", "deterioration: gain")


def test_a_success_metric_that_is_a_guardrail_too_is_withheld_in_both_roles() -> None:
    both = plan(None, end=None)
    both = msgspec.structs.replace(both, guardrails=(Guardrail(both.success[0], 0.1),))
    result = read(both, totals(9000, day=9, gain=1.1), day=9)
    assert [(each.role, each.withheld) for each in result.metrics] == [("success", True), ("guardrail", True)]


@pytest.mark.parametrize("gain", [1.0, 1.2, 5.0])
def test_an_exploratory_look_shows_figures_and_never_ships(gain: float) -> None:
    open_ended = plan(None, end=None)
    result = read(open_ended, totals(9000, day=9, gain=gain), day=9, explore=True)
    (metric,) = [each for each in result.metrics if each.role == "success"]
    assert metric.difference == pytest.approx(10 * (gain - 1))
    assert (result.verdict.state, result.progress.exploratory) == ("keep running", True)
    assert "no evidence" in result.verdict.sentence
    # Nobody knows how often it is looked at, so the level is that of a reading at any time.
    always = plan(Stopping(method="confidence-sequence"), end=None)
    assert metric.alpha == read(always, totals(9000, day=9, gain=gain), day=9).metrics[0].alpha


def test_exploring_reads_no_declared_plan_sooner() -> None:
    result = read(plan(None), totals(900, day=1, gain=1.2), day=1, explore=True)
    assert (result.verdict.condition, result.progress.exploratory) == ("end", False)
    assert result.metrics[0].withheld


@pytest.mark.parametrize("units", [None, 1500])
def test_a_plan_that_is_read_once_its_users_are_there_is_not_read_again(units: int | None) -> None:
    once = plan(
        Stopping(maximum=3000) if units is None else None, end=None, units_per_arm=units, guardrails=()
    )
    assert read(once, totals(2000, day=2), day=2).looks == ()
    first = read(once, totals(3000, day=3, gain=1.02), day=3)
    assert (first.verdict.state, [look.index for look in first.looks]) == ("do not ship", [1])
    again = read(once, totals(3000, day=3, gain=1.02), day=4, looks=first.looks)
    assert (again.verdict.state, "stands" in again.verdict.sentence) == (first.verdict.state, False)
    later = read(once, totals(9000, day=9, gain=1.3), day=9, looks=first.looks)
    assert later.verdict.state == "do not ship"
    assert "the one reading that the plan asks for, on 4 May 2026, and stands" in later.verdict.sentence
    assert later.looks == first.looks


def test_an_invalid_experiment_hides_its_figures_until_it_is_acknowledged() -> None:
    found = totals(20_000, day=20, gain=1.1)
    fewer = msgspec.structs.replace(found.groups[1], users=9000)
    found = msgspec.structs.replace(found, groups=(found.groups[0], fewer))
    result = read(plan(None), found, day=20)
    assert result.verdict.state == "invalid"
    assert all(metric.withheld for metric in result.metrics)
    shown = result_of(plan(None), found, as_of=START + timedelta(days=20), acknowledged=True)
    assert shown.verdict.state == "invalid"
    assert shown.metrics[0].difference == pytest.approx(1.0)


def test_five_looks_at_nothing_err_as_often_as_planned() -> None:
    # One look path per experiment: increments of independent users, both arms equal in law.
    rng = np.random.default_rng(20261126)
    runs, wrong, naive = 900, 0, 0
    experiment = plan(guardrails=(), deterioration=())
    steps = rng.normal(size=(runs, 5, 2)) * np.sqrt(100.0 / 2000)
    for run in steps:
        means, looks, seen = np.cumsum(run, axis=0), (), False
        for index in range(1, 6):
            off, on = 10 + means[index - 1] / index
            half = 2000 * index
            arms = tuple(
                ArmTotals(
                    name, False, half, {"gain": MetricTotals(Moments(half, mean, 100.0 * half), events=half)}
                )
                for name, mean in (("off", off), ("on", on))
            )
            found = Totals(arms, first_exposure=START, last_exposure=START + timedelta(days=4 * index))
            result = result_of(experiment, found, as_of=START + timedelta(days=4 * index - 0.5), looks=looks)
            looks = result.looks
            seen = seen or (on - off) / np.sqrt(200.0 / half) > 1.6449
            if result.verdict.state in {"ship", "do not ship"}:
                break
        wrong += result.verdict.state == "ship"
        naive += seen
    assert wrong / runs == pytest.approx(0.05, abs=0.022)  # three standard errors
    assert naive / runs > 0.1
