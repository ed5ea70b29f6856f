"""What a range means as a distribution."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.judgement.estimates import Fitted, Quantity, Range, Scale, fit, read_range
from counterpoint.errors import InputError

POINTS = np.array([0.1, 0.5, 0.9])
ORDERED = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3).map(sorted)
ABOVE_ZERO = st.lists(st.floats(0.01, 1e4), min_size=3, max_size=3).map(sorted)
CHANCES = st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3).map(sorted)


@given(ORDERED)
def test_any_three_points_in_order_are_met_exactly(points: list[float]) -> None:
    found = fit(Quantity.VALUE, Range(*points)).quantiles(POINTS)
    assert np.allclose(found, points, rtol=1e-9, atol=1e-6)


@given(ABOVE_ZERO)
def test_durations_stay_above_zero_and_keep_a_finite_mean(points: list[float]) -> None:
    found = fit(Quantity.DURATION, Range(*points))
    assert found.scale is Scale.LOG
    assert np.allclose(found.quantiles(POINTS), points, rtol=1e-9)
    assert (found.quantiles(np.linspace(0.0001, 0.9999, 99)) > 0).all()
    assert math.isfinite(found.mean)


@given(CHANCES)
def test_chances_stay_between_0_and_1(points: list[float]) -> None:
    found = fit(Quantity.RISK_VALUE, Range(*points))
    values = found.quantiles(np.linspace(0.001, 0.999, 99))
    assert ((values > 0) & (values < 1)).all()
    assert (np.diff(values) >= 0).all()
    assert 0 < found.mean < 1


@pytest.mark.parametrize(
    ("found", "mean"),
    [
        (Fitted(Scale.NATURAL, 3.0, 2.0, 2.0), 3.0),
        (Fitted(Scale.LOG, 0.0, 0.5, 0.5), math.exp(0.125)),  # the lognormal's e^(σ²/2)
        (Fitted(Scale.LOG, math.log(7), 0.0, 0.0), 7.0),
    ],
)
def test_the_mean_of_an_even_range_is_that_of_the_normal_and_of_the_lognormal(
    found: Fitted, mean: float
) -> None:
    assert found.mean == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("quantity", [Quantity.VALUE, Quantity.DURATION])
def test_draws_have_the_mean_of_the_closed_form(quantity: Quantity) -> None:
    found = fit(quantity, Range(2.0, 4.0, 20.0))
    drawn = found.draws(200_000, np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(found.mean, rel=0.01)
    assert np.quantile(drawn, POINTS) == pytest.approx([2.0, 4.0, 20.0], rel=1e-3)


@pytest.mark.parametrize(
    ("quantity", "points", "pointer"),
    [
        (Quantity.VALUE, (1.0, float("nan"), 3.0), "/p50"),
        (Quantity.VALUE, (3.0, 2.0, 1.0), "/p50"),
        (Quantity.DURATION, (0.0, 1.0, 2.0), "/p10"),
        (Quantity.COST, (-1.0, 1.0, 2.0), "/p10"),
        (Quantity.RISK_VALUE, (0.2, 0.5, 1.0), "/p90"),
        (Quantity.VALUE, (1.0, 2.0, 1e308), "/p90"),
        (Quantity.COST, (1e-310, 1.0, 2.0), "/p10"),
        (Quantity.DURATION, (1e-6, 1.0, 1e4), "/p90"),
    ],
)
def test_what_is_no_range_is_refused_with_its_place(
    quantity: Quantity, points: tuple[float, float, float], pointer: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_range(quantity, *points)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


@pytest.mark.parametrize(
    "points",
    [(1e-9, 1e-9, 0.9), (1.1e6, 1e15, 1e15), (1.1e6, 1.1e6, 1e15), (-1e15, 0.0, 1e15), (0.0, 1e-9, 1e15)],
)
def test_the_widest_ranges_that_are_taken_can_be_counted_with(points: tuple[float, float, float]) -> None:
    found = fit(Quantity.VALUE, read_range(Quantity.VALUE, *points))
    assert np.isfinite([found.mean, *found.draws(1_000, np.random.default_rng(1))]).all()
