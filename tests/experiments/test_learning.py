"""What is learned: valid or not, by win, regression and neutral, by power; and why nothing was."""

from datetime import UTC, datetime, timedelta
from itertools import product
from statistics import NormalDist

import pytest

from counterpoint.experiments import Experiment, Metric
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.learning import classify, split
from counterpoint.experiments.model import Target
from counterpoint.experiments.result import Learning
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Moments

START = datetime(2026, 5, 1, tzinfo=UTC)
END = START + timedelta(days=14)
GAIN = Metric(name="gain", event="g")


def learned(
    *,
    ratio: float = 1.0,
    users: tuple[int, int] = (10_000, 10_000),
    mde: float | None = 0.05,
    last: datetime = END,
    as_of: datetime = END,
) -> Learning | None:
    plan = Experiment(
        name="e",
        flag="e",
        control="a",
        treatments=("b",),
        success=(GAIN,),
        targets={} if mde is None else {"gain": Target(mde=mde)},
        start=START,
        end=END,
    )
    arms = tuple(
        ArmTotals(name, False, n, {"gain": MetricTotals(Moments(n, mean, 100.0 * n), events=n)})
        for name, n, mean in zip("ab", users, (10.0, 10 * ratio), strict=True)
        if n
    )
    return classify(
        plan, result_of(plan, Totals(arms, first_exposure=START, last_exposure=last), as_of=as_of)
    )


@pytest.mark.parametrize(
    ("valid", "ratio", "powered"),
    list(product([True, False], [1.2, 0.8, 1.0], [True, False])),
)
def test_valid_by_outcome_by_power(*, valid: bool, ratio: float, powered: bool) -> None:
    found = learned(
        ratio=ratio, users=(10_000, 10_000) if valid else (10_000, 9000), mde=0.05 if powered else 0.001
    )
    assert found is not None
    expected = (
        ("none", "invalid")
        if not valid
        else ("win", None)
        if ratio > 1
        else ("regression", None)
        if ratio < 1
        else ("powered neutral", None)
        if powered
        else ("none", "underpowered")
    )
    assert (found.outcome, found.reason) == expected
    assert found.sentence.endswith(".")


def test_while_it_goes_on_nothing_is_said() -> None:
    assert learned(last=END - timedelta(days=2), as_of=END - timedelta(days=1)) is None


def test_an_arm_without_users_is_no_traffic() -> None:
    assert learned(users=(10_000, 0)).reason == "no traffic"
    assert learned(users=(0, 0)).reason == "no traffic"


def test_a_neutral_outcome_of_a_run_that_was_cut_short_says_so() -> None:
    found = learned(users=(100, 100), last=START + timedelta(days=3))
    assert (found.outcome, found.reason) == ("none", "stopped early")
    assert "4 May 2026" in found.sentence


def test_without_an_mde_nobody_can_say_that_it_was_powered() -> None:
    found = learned(mde=None)
    assert found.reason == "underpowered"
    assert "names no mde" in found.sentence


def test_the_split_counts_the_reasons_and_the_share_that_taught() -> None:
    kinds = [("win", None), ("regression", None), ("powered neutral", None), ("none", "invalid")]
    found = split(Learning(outcome=outcome, reason=reason, sentence="") for outcome, reason in kinds)
    assert (found.win, found.regression, found.neutral, found.none) == (1, 1, 1, {"invalid": 1})
    assert found.share == 0.75
    assert split([]).share is None


def test_a_win_is_shrunk_as_much_as_it_was_near_to_losing() -> None:
    # z = 1.8, 3 and 9 with the bound 1.645: mu + phi(c - mu)/Phi(mu - c) = z.
    rows = []
    for ratio in (1.8, 3.0, 9.0):
        plan = Experiment(name="e", flag="e", control="a", treatments=("b",), success=(GAIN,), end=END)
        n, se = 1_000_000, (200 / 1_000_000) ** 0.5
        arms = tuple(
            ArmTotals(name, False, n, {"gain": MetricTotals(Moments(n, mean, 100.0 * (n - 1)), events=n)})
            for name, mean in (("a", 10.0), ("b", 10.0 + ratio * se))
        )
        (metric,) = result_of(plan, Totals(arms, last_exposure=END), as_of=END).metrics
        rows.append(metric.shrunk / se)
    assert rows[0] == pytest.approx(0.0, abs=0.01)
    assert 0.5 < rows[1] < 3
    normal = NormalDist()
    assert rows[1] + normal.pdf(1.644854 - rows[1]) / normal.cdf(rows[1] - 1.644854) == pytest.approx(
        3, abs=1e-5
    )
    assert rows[2] == pytest.approx(9, abs=1e-6)


def test_what_did_not_win_is_not_shrunk() -> None:
    plan = Experiment(name="e", flag="e", control="a", treatments=("b",), success=(GAIN,), end=END)
    arms = tuple(
        ArmTotals(name, False, 100, {"gain": MetricTotals(Moments(100, 1.0, 99.0), events=9)})
        for name in "ab"
    )
    (metric,) = result_of(plan, Totals(arms, last_exposure=END), as_of=END).metrics
    assert metric.shrunk is None
