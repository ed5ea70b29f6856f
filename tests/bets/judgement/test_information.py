"""What knowing is worth, against closed forms and against simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.bets.judgement.information import (
    binary_test_value,
    evpi_beta,
    evpi_draws,
    evpi_normal,
    evppi_draws,
    evsi_beta_binomial,
    evsi_normal,
)
from counterpoint.bets.judgement.next_test import advise

CHANCE = st.floats(0.0, 1.0)


def test_perfect_information_of_a_normal_matches_its_draws() -> None:
    drawn = np.random.default_rng(2).normal(0.7, 2.0, 400_000)
    assert evpi_draws(drawn) == pytest.approx(evpi_normal(0.7, 2.0), abs=0.005)


@pytest.mark.parametrize("mean", [-1.0, 0.0, 0.4])
def test_a_sample_of_a_normal_matches_a_simulated_decision(mean: float) -> None:
    random = np.random.default_rng(3)
    truth = random.normal(mean, 1.0, 400_000)
    seen = truth + random.normal(0, 2.0, truth.size) / math.sqrt(5)
    after = (mean + seen * 5 / 4) / (1 + 5 / 4)  # precision-weighted
    simulated = np.maximum(after, 0).mean() - max(mean, 0)
    assert evsi_normal(mean, 1.0, noise=2.0, n=5) == pytest.approx(simulated, abs=0.005)


@given(st.floats(-5, 5), st.floats(0.01, 5), st.floats(0.01, 5), st.integers(0, 200))
def test_a_sample_is_never_worth_more_than_knowing_nor_less_than_a_smaller_one(
    mean: float, sd: float, noise: float, n: int
) -> None:
    worth = evsi_normal(mean, sd, noise=noise, n=n)
    assert -1e-12 <= worth <= evpi_normal(mean, sd) + 1e-12
    assert worth <= evsi_normal(mean, sd, noise=noise, n=n + 1) + 1e-12


def test_one_try_of_a_uniform_chance_is_worth_what_arithmetic_says() -> None:
    # After a success the mean is 2/3, after a failure 1/3, each with probability 1/2.
    for cost in (0.4, 0.5, 0.6):
        by_hand = 0.5 * max(2 / 3 - cost, 0) + 0.5 * max(1 / 3 - cost, 0) - max(0.5 - cost, 0)
        assert evsi_beta_binomial(1, 1, gain=1, cost=cost, n=1) == pytest.approx(by_hand)


@pytest.mark.parametrize(("a", "b", "cost"), [(1, 1, 0.5), (2, 5, 0.2), (8, 3, 0.9)])
def test_many_tries_of_a_chance_approach_perfect_information(a: float, b: float, cost: float) -> None:
    perfect = evpi_beta(a, b, gain=1, cost=cost)
    tried = [evsi_beta_binomial(a, b, gain=1, cost=cost, n=n) for n in (0, 1, 10, 100, 2000)]
    assert tried[0] == 0
    assert tried == sorted(tried)
    assert tried[-1] == pytest.approx(perfect, rel=0.03)
    drawn = np.random.default_rng(4).beta(a, b, 400_000) - cost
    assert evpi_draws(drawn) == pytest.approx(perfect, abs=0.002)


def test_knowing_one_part_of_a_sum_is_worth_what_its_own_normal_says() -> None:
    random = np.random.default_rng(5)
    one, other = random.normal(0.2, 1.0, 200_000), random.normal(0, 2.0, 200_000)
    assert evppi_draws(one + other, one) == pytest.approx(evpi_normal(0.2, 1.0), abs=0.02)


@given(CHANCE, CHANCE, CHANCE, CHANCE, st.floats(0, 100), st.floats(0, 100))
def test_a_test_is_worth_between_nothing_and_knowing_the_risk(
    holds: float, rest: float, sensitivity: float, specificity: float, gain: float, cost: float
) -> None:
    def worth(s: float, t: float) -> float:
        return binary_test_value(holds, gain=gain, cost=cost, sensitivity=s, specificity=t, rest=rest)

    assert 0 <= worth(sensitivity, specificity) <= worth(1, 1) + 1e-9
    assert worth(0.5, 0.5) == pytest.approx(0, abs=1e-9)


def test_a_test_matches_a_simulated_decision() -> None:
    random = np.random.default_rng(6)
    holds, rest = random.random(400_000) < 0.6, random.random(400_000) < 0.8
    passed = np.where(holds, random.random(400_000) < 0.9, random.random(400_000) < 0.3)
    value = 10.0 * (holds & rest) - 4.0
    simulated = sum(max(value[part].mean(), 0) * part.mean() for part in (passed, ~passed)) - max(
        value.mean(), 0
    )
    exact = binary_test_value(0.6, gain=10, cost=4, sensitivity=0.9, specificity=0.7, rest=0.8)
    assert exact == pytest.approx(simulated, abs=0.02)


SURE = Range(0.97, 0.98, 0.99)
RISKY = {
    Quantity.VALUE: Range(300, 500, 900),
    Quantity.COST: Range(80, 120, 200),
    Quantity.DURATION: Range(6, 8, 14),
    Quantity.RISK_VALUE: Range(0.15, 0.3, 0.5),
    Quantity.RISK_USABILITY: SURE,
    Quantity.RISK_FEASIBILITY: SURE,
    Quantity.RISK_VIABILITY: SURE,
}


def test_the_next_test_is_of_the_risk_that_could_change_the_decision_and_says_why() -> None:
    found = advise(RISKY, "kEUR")
    assert found.best is not None
    assert found.best.risk == "risk-value"
    assert found.best.cost < found.best.evsi <= found.best.evppi
    assert found.best.label in found.sentence
    assert "kEUR" in found.sentence
    assert "Today the estimates say" in found.why
    weekly = [test.a_week for test in found.tests]
    assert weekly == sorted(weekly, reverse=True)


def test_where_no_test_could_change_the_decision_none_is_advised() -> None:
    found = advise(RISKY | {Quantity.RISK_VALUE: SURE, Quantity.COST: Range(1, 2, 3)})
    assert found.best is None
    assert found.sentence == "No cheap test pays for itself now."


def test_without_value_and_cost_it_says_what_is_missing() -> None:
    found = advise({Quantity.DURATION: Range(1, 2, 3)})
    assert found.outlook is None
    assert found.missing == ("value", "cost")


def test_a_risk_that_nobody_estimated_counts_as_one_half_and_is_named() -> None:
    some = {quantity: given for quantity, given in RISKY.items() if quantity is not Quantity.RISK_VALUE}
    found = advise(some)
    assert found.outlook is not None
    assert found.outlook.chances["risk-value"] == 0.5
    assert "risk-value" in found.why


@pytest.mark.parametrize(("sd", "noise"), [(1e-200, 1.0), (1e-300, 1e300), (1.0, 1e200), (1e200, 1e-200)])
def test_sizes_far_apart_are_counted_with_all_the_same(sd: float, noise: float) -> None:
    worth = evsi_normal(0.0, sd, noise=noise, n=3)
    assert 0 <= worth <= evpi_normal(0.0, sd)
