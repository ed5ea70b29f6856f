"""Sizes: those of the reference's formulae, of the analysis that follows, and of what the journal knows."""

import math
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from counterpoint import Workspace
from counterpoint.experiments import Experiment, Guardrail, Metric, store
from counterpoint.experiments.model import Target
from counterpoint.experiments.sizing import Baseline, size
from counterpoint.experiments.stopping import Stopping
from counterpoint.graph.actor import local_actor
from counterpoint.stats import Spending, inflation
from counterpoint.stats.distributions import normal_quantile

from .conftest import entity, happened
from .simulation import Truth, run

GAIN, LOAD = Metric(name="gain", event="g"), Metric(name="load", event="l", direction="decrease")
RATE = Metric(name="rate", event="r", aggregation="any")


def plan(**changes: object) -> Experiment:
    given: dict[str, object] = {
        "success": (GAIN,),
        "targets": {"gain": Target(mde=0.05, mean=10, sd=10), "load": Target(mean=10, sd=10)},
        "decision": "rule-1",
        "deterioration": (LOAD,),
        **changes,
    }
    return Experiment(name="e", flag="e", control="a", treatments=("b",), **given)


def z(p: float) -> float:
    return normal_quantile(1 - p)


def test_the_size_is_that_of_the_formula_with_the_levels_of_the_tree() -> None:
    found = size(plan(), {})
    assert found.metrics[0].beta == 0.2
    assert found.total == pytest.approx(
        4 * (z(0.05) + z(0.2)) ** 2 * 100 / 0.25, abs=5
    )  # t asks for a few more
    assert found.metrics[0].power == pytest.approx(0.8, abs=1e-3)
    assert found.metrics[0].detectable_relative == pytest.approx(0.05, rel=1e-3)


def test_guardrails_share_the_power_and_a_covariate_takes_its_square_from_the_variance() -> None:
    plain = size(plan(guardrails=(Guardrail(LOAD, 0.05),)), {})
    assert [metric.beta for metric in plain.metrics] == [0.1, 0.1]
    assert plain.decides == "non-inferiority: load"  # (1 + m)² of the control's variance comes on top
    targets = {"gain": Target(mde=0.05, mean=10, sd=10, correlation=0.6)}
    adjusted = size(plan(targets=targets), {})
    assert adjusted.total == pytest.approx(size(plan(), {}).total * 0.64, rel=1e-3)
    assert size(plan(targets=targets, covariates=False), {}).total == size(plan(), {}).total


def test_looking_costs_what_the_spending_function_says() -> None:
    stopping = Stopping(method="group-sequential", looks=5, maximum=10**9)
    found = size(plan(stopping=stopping), {})
    factor = inflation([0.2, 0.4, 0.6, 0.8, 1.0], alpha=0.05, beta=0.2, sides=1, spending=Spending())
    assert found.metrics[0].inflation == pytest.approx(factor)
    assert found.total == pytest.approx(size(plan(), {}).total * factor, rel=1e-3)


def test_a_confidence_sequence_costs_more_than_looks() -> None:
    always = size(plan(stopping=Stopping(method="confidence-sequence")), {})
    assert always.metrics[0].inflation > 1.5
    assert always.metrics[0].power == pytest.approx(0.8, abs=2e-3)


def test_a_rate_needs_no_standard_deviation_and_pools_it_under_no_change() -> None:
    targets = {"rate": Target(mde=0.02, scale="absolute", mean=0.1)}
    found = size(plan(success=(RATE,), targets=targets, alpha=0.025), {})
    assert found.users == pytest.approx((3841, 3841), abs=4)
    assert found.metrics[0].detectable == pytest.approx(0.02, rel=1e-2)


def test_unequal_shares_need_more_and_every_arm_gets_its_own() -> None:
    found = size(plan(shares={"a": 1, "b": 3}), {})
    assert found.users[1] == pytest.approx(3 * found.users[0], abs=3)
    assert found.total == pytest.approx(size(plan(), {}).total * 4 / 3, rel=1e-2)


def test_the_duration_is_whole_weeks_and_waits_for_the_windows() -> None:
    windowed = msgspec.structs.replace(GAIN, window_days=7)
    found = size(plan(success=(windowed,)), {}, per_day=1000)
    assert found.days == 7 * math.ceil((math.ceil(found.total / 1000) + 7) / 7)


def test_looks_by_days_follow_from_the_traffic() -> None:
    stopping = Stopping(method="group-sequential", every_days=2, maximum=10**9)
    found = size(plan(stopping=stopping), {}, per_day=1000)
    assert found.looks == math.ceil(found.total / 1000 / 2)


def test_an_end_without_a_start_does_not_make_daily_looks_free() -> None:
    stopping = Stopping(method="group-sequential", every_days=1, maximum=10**9)
    end = datetime(2026, 3, 1, tzinfo=UTC)
    open_start = size(plan(stopping=stopping, end=end), {}, per_day=500)
    no_dates = size(plan(stopping=stopping), {}, per_day=500)
    assert (open_start.looks or 0) > 1
    assert (open_start.looks, open_start.total) == (no_dates.looks, no_dates.total)


def test_looks_at_a_number_of_users_are_those_until_they_have_come() -> None:
    stopping = Stopping(method="group-sequential", every_days=1, maximum=10**9)
    assert size(plan(stopping=stopping), {}, per_day=500, users=2500).looks == 5


def test_a_parameter_of_nought_spends_alpha_evenly() -> None:
    even = Stopping(
        method="group-sequential", looks=5, maximum=9, spending="hwang-shih-decani", parameter=0.0
    )
    assert even.alpha_spending.spent(0.4, 0.05) == pytest.approx(0.02)


def test_what_is_missing_is_said_and_the_rest_is_sized() -> None:
    found = size(
        plan(targets={"gain": Target(mde=0.05)}, guardrails=(Guardrail(LOAD, 0.1),)),
        {"load": Baseline(mean=5, sd=3)},
    )
    assert "no baseline" in found.metrics[0].missing
    assert found.metrics[1].total
    assert "no mde" in size(plan(targets={}), {"gain": Baseline(mean=5, sd=3)}).notes[0]


def test_a_number_of_users_is_asked_what_it_shows() -> None:
    found = size(plan(), {}, users=1000)
    assert found.users == (500, 500)
    assert found.metrics[0].power < 0.4
    assert found.metrics[0].detectable == pytest.approx(
        (z(0.05) + z(0.2)) * 10 * math.sqrt(2 / 500), rel=0.01
    )


def test_planned_power_is_that_of_the_analysis_with_covariates_and_looks() -> None:
    # 500 experiments give the power to ±0.05 (three standard errors); benchmarks/experiments/simulate_looks.py
    # draws enough to hold it to a tenth of a point.
    looks = 5
    sized = plan(
        stopping=Stopping(method="group-sequential", looks=looks, maximum=10**9),
        targets={"gain": Target(mde=0.05, mean=10, sd=10, correlation=0.6)},
        deterioration=(),
        srm_threshold=1e-9,
    )
    found = size(sized, {})
    whole = msgspec.structs.replace(
        sized, stopping=Stopping(method="group-sequential", looks=looks, maximum=found.total)
    )
    rng = np.random.default_rng(7)
    truths = {"gain": Truth(10, 10, correlation=0.6, effect=0.5)}
    shipped = sum(run(whole, truths, found.users[0], looks, rng).verdict.state == "ship" for _ in range(500))
    assert shipped / 500 == pytest.approx(found.metrics[0].power, abs=0.054)


@pytest.fixture
def history(games: Workspace) -> Workspace:
    """Two weeks of events of the metrics before anybody has seen the flag."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    events = [
        {
            "specversion": "1.0",
            "id": f"{kind}-{user}-{day}",
            "source": "/test",
            "type": kind,
            "subject": f"u{user}",
            "time": (start + timedelta(days=day)).isoformat(),
            "data": {"value": value},
        }
        for user in range(280)
        for day in (0, 20)
        for kind, value in (("retained", int(user % 5 == 0)), ("rounds", user % 7))
    ]
    assert not games.journal.append(events).rejected
    return games


def test_baselines_and_traffic_come_from_the_journal(history: Workspace) -> None:
    spec = store.load(history, "gate").entity.spec
    with history.graph.write(local_actor()) as writer:
        writer.put(entity("Experiment", "gate", {**spec, "success": [{"metric": "retained", "mde": 0.5}]}))
    found = store.sizing_of(history, store.load(history, "gate"))
    retained, rounds = found.metrics
    assert retained.baseline.mean == pytest.approx(0.2)
    assert rounds.baseline.mean == pytest.approx(3.0)
    assert (retained.baseline.source, retained.baseline.users) == ("the last weeks", 280)
    assert (found.per_day, found.traffic) == (20, "users with events of these metrics in the last 14 days")
    assert found.days % 7 == 0


def test_a_running_experiment_is_sized_by_its_control_arm_alone(games: Workspace) -> None:
    games.journal.append(happened(400))
    found = store.sizing_of(games, store.load(games, "gate"))
    rounds = found.metrics[1]
    assert (rounds.baseline.source, rounds.baseline.users) == ("control arm of gate", 200)
    assert found.per_day == pytest.approx(400 / 14)


def test_an_empty_journal_says_what_is_missing(games: Workspace) -> None:
    found = store.sizing_of(games, store.load(games, "gate"))
    assert (found.total, found.days) == (None, None)
    assert all("no baseline" in note for note in found.notes)
