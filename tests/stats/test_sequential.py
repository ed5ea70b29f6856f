import math

import numpy as np
import pytest
from scipy.stats import norm

from counterpoint.errors import InputError
from counterpoint.stats import (
    Spending,
    boundaries,
    crossing,
    expected_information,
    inflation,
    sequential_power,
)
from tests.stats.gaussian import between


def equal(looks: int) -> list[float]:
    return [(k + 1) / looks for k in range(looks)]


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("drift", [-1.5, 0.0, 0.4, 3.0, 12.0])
def test_each_look_is_crossed_first_as_often_as_the_normal_distribution_says(
    sides: int, drift: float
) -> None:
    information, bounds = [0.2, 0.5, 0.6, 1.1], [3.1, 2.6, 2.9, 2.0]
    found = crossing(information, bounds, drift=drift, sides=sides)
    for look in range(4):
        times, floor = information[: look + 1], [-b if sides == 2 else -np.inf for b in bounds[:look]]
        up = between(times, [*floor, bounds[look]], [*bounds[:look], np.inf], drift=drift)
        down = between(times, [*floor, -np.inf], [*bounds[:look], -bounds[look]], drift=drift)
        assert found.upper[look] == pytest.approx(up, abs=5e-6)
        assert found.lower[look] == pytest.approx(down if sides == 2 else 0.0, abs=5e-6)


def test_a_drift_the_other_way_mirrors_the_crossings() -> None:
    bounds = boundaries(equal(7))
    up, down = crossing(equal(7), bounds, drift=2.2), crossing(equal(7), bounds, drift=-2.2)
    assert up.upper == pytest.approx(down.lower, rel=1e-9, abs=1e-15)
    assert up.lower == pytest.approx(down.upper, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("sides", [1, 2])
def test_the_power_of_one_look_is_that_of_a_single_test(sides: int) -> None:
    found = sequential_power([1.0], drift=2.5, sides=sides)
    assert found == pytest.approx(norm.sf(norm.isf(0.05 / sides) - 2.5), rel=1e-12)
    assert inflation([1.0], sides=sides) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("looks", [2, 5, 14, 60])
@pytest.mark.parametrize("spending", [Spending(), Spending("obrien-fleming"), Spending("pocock")])
def test_a_size_inflated_by_the_factor_has_the_power(looks: int, spending: Spending) -> None:
    how = {"alpha": 0.05, "sides": 2, "spending": spending}
    factor = inflation(equal(looks), beta=0.1, **how)
    drift = (norm.isf(0.025) + norm.isf(0.1)) * math.sqrt(factor)
    assert sequential_power(equal(looks), drift=drift, **how) == pytest.approx(0.9, abs=1e-8)
    assert 1 < factor < 1.5


def test_late_spending_costs_fewer_units_than_early_spending() -> None:
    late, middle, early = (
        inflation(equal(10), spending=s) for s in (Spending("obrien-fleming"), Spending(), Spending("pocock"))
    )
    assert 1 < late < middle < early


def test_power_is_that_of_a_simulation() -> None:
    steps = np.random.default_rng(14).standard_normal((100_000, 14)) / math.sqrt(14)
    drift = 2.8
    z = (steps + drift / 14).cumsum(axis=1) / np.sqrt(equal(14))
    crossed = z >= boundaries(equal(14))
    assert crossed.any(axis=1).mean() == pytest.approx(sequential_power(equal(14), drift=drift), abs=0.003)
    stopped = np.where(crossed.any(axis=1), (crossed.argmax(axis=1) + 1) / 14, 1.0).mean()
    exact = expected_information(equal(14), boundaries(equal(14)), drift=drift)
    assert stopped == pytest.approx(exact, abs=0.003)


def test_a_test_that_never_rejects_uses_all_its_units() -> None:
    assert expected_information([0.5, 1.2], [math.inf, math.inf], drift=3.0) == pytest.approx(1.2, rel=1e-12)
    assert expected_information([0.5, 1.0], [0.5, 2.0], drift=50.0) == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: inflation([0.5]), r"information\[0\] == 0.5, must be 1"),
        (lambda: inflation([1.0], beta=0.99), "beta == 0.99"),
        (lambda: sequential_power([1.0], drift=math.nan), "drift == nan"),
        (lambda: expected_information([1.0], [2.0], drift=math.inf), "drift == inf"),
        (lambda: sequential_power([1.0], drift=1.0, alpha=1.0), "alpha == 1.0"),
    ],
)
def test_impossible_designs_are_refused_by_name(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        call()
