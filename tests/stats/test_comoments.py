import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from counterpoint.errors import InputError
from counterpoint.stats import Comoments, Moments

tables = st.integers(0, 12).flatmap(
    lambda n: arrays(np.float64, (n, 3), elements=st.floats(-1e6, 1e6, allow_subnormal=False))
)


@given(tables, tables)
def test_adding_comoments_equals_comoments_of_all_units(left: np.ndarray, right: np.ndarray) -> None:
    merged, whole = Comoments.of(left) + Comoments.of(right), Comoments.of(np.vstack([left, right]))
    assert merged.n == whole.n
    assert merged.means == pytest.approx(whole.means, abs=1e-9, rel=1e-9)
    np.testing.assert_allclose(merged.cross, whole.cross, atol=1e-2, rtol=1e-9)


def test_covariances_are_those_of_numpy() -> None:
    table = np.random.default_rng(1).normal(size=(50, 4)) @ np.random.default_rng(2).normal(size=(4, 4))
    found = Comoments.of(table)
    expected = np.cov(table.T)
    shown = [[found.covariance(i, j) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(shown, expected, rtol=1e-12)
    assert found.moments(2).variance == pytest.approx(expected[2, 2], rel=1e-12)
    assert found.select([3, 1]).covariance(0, 1) == found.covariance(3, 1)


def test_covariance_survives_an_offset_of_one_hundred_million() -> None:
    i = np.arange(2000)
    table = np.stack([i % 7 / 10, i % 11 / 10 + i % 7 / 20], axis=1)
    plain, parts = Comoments.of(table), [Comoments.of(part + 1e8) for part in np.array_split(table, 13)]
    assert Comoments.merge(parts).covariance(0, 1) == pytest.approx(plain.covariance(0, 1), rel=1e-6)


def test_an_empty_sample_adds_nothing_and_has_no_covariance() -> None:
    some = Comoments.of([[1.0, 2.0], [3.0, 5.0]])
    assert Comoments.empty(2) + some == some + Comoments.of(np.empty((0, 2))) == some
    assert Comoments.empty(2).covariance(0, 1) is None
    assert Comoments.empty(1).moments() == Moments.of([])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Comoments.of([1.0, 2.0]), "must have 2"),
        (lambda: Comoments.of([[1.0, float("nan")]]), "1 of 2 values"),
        (lambda: Comoments(3, (1.0, 2.0), ((1.0,), (1.0,))), "k rows of k"),
        (lambda: Comoments(-1, (1.0,), ((1.0,),)), "n == -1"),
        (lambda: Comoments(3, (1.0,), ((float("inf"),),)), "finite"),
        (lambda: Comoments(3, (1.0,), ((-1.0,),)), "sum of squares"),
        (lambda: Comoments(3, (1.0, 1.0), ((1.0, 0.5), (0.4, 1.0))), "symmetric"),
        (lambda: Comoments.empty(1) + Comoments.empty(2), "do not add"),
        (lambda: Comoments.merge([]), "parts is empty"),
    ],
)
def test_what_is_no_comoments_is_refused(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]
