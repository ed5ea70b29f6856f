import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import Moments, rate

values = st.lists(st.floats(-1e6, 1e6), max_size=30)


@given(values, values)
def test_adding_moments_equals_moments_of_all_values(left: list[float], right: list[float]) -> None:
    merged, whole = Moments.of(left) + Moments.of(right), Moments.of(left + right)
    assert merged.n == whole.n
    assert merged.mean == pytest.approx(whole.mean, abs=1e-9, rel=1e-9)
    assert merged.m2 == pytest.approx(whole.m2, abs=1e-3, rel=1e-9)


@given(st.lists(values, max_size=5))
def test_merging_any_partition_equals_the_whole(parts: list[list[float]]) -> None:
    merged, whole = (
        Moments.merge(map(Moments.of, parts)),
        Moments.of([value for part in parts for value in part]),
    )
    assert merged.n == whole.n
    assert merged.m2 == pytest.approx(whole.m2, abs=1e-3, rel=1e-9)


def test_variance_survives_an_offset_of_one_hundred_million() -> None:
    values = np.arange(1000) % 7 / 10
    assert Moments.of(values + 1e8).variance == pytest.approx(Moments.of(values).variance, rel=1e-6)


def test_variance_is_not_defined_below_two_units() -> None:
    assert Moments.of([]).variance is None
    assert Moments.of([3.0]).variance is None
    assert Moments.of([3.0, 5.0]).variance == 2.0


def test_moments_of_a_rate_are_those_of_its_zeros_and_ones() -> None:
    assert rate(3, 10) == Moments.of([1.0] * 3 + [0.0] * 7) or rate(3, 10).m2 == pytest.approx(2.1)
    assert rate(0, 0) == Moments.of([])


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_is_refused(spoilt: float) -> None:
    with pytest.raises(InputError, match="1 of 2 values are not finite"):
        Moments.of([1.0, spoilt])


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3)])
def test_impossible_rates_are_refused(successes: int, n: int) -> None:
    with pytest.raises(InputError, match="between 0 and n"):
        rate(successes, n)
