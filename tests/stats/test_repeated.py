import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from counterpoint.errors import InputError
from counterpoint.stats import (
    Spending,
    boundaries,
    nominal_level,
    repeated_interval,
    repeated_p,
    stagewise_p,
    type_one_error,
)
from tests.stats.gaussian import stays_inside

finite = st.floats(-1e6, 1e6)
families = st.sampled_from(
    [Spending(), Spending("obrien-fleming"), Spending("pocock"), Spending("hwang-shih-decani", -2.0)]
)


@given(finite, st.floats(1e-6, 1e6), st.floats(0, 12) | st.just(math.inf), finite)
def test_an_interval_excludes_the_null_exactly_when_its_look_rejects(
    estimate: float, se: float, boundary: float, null: float
) -> None:
    statistic = (estimate - null) / se
    upper = repeated_interval(estimate, se, boundary, side="greater", null=null)
    lower = repeated_interval(estimate, se, boundary, side="less", null=null)
    both = repeated_interval(estimate, se, boundary, null=null)
    assert upper.excludes(null) is (statistic >= boundary)
    assert lower.excludes(null) is (-statistic >= boundary)
    assert both.excludes(null) is (abs(statistic) >= boundary)


@given(st.floats(-100, 100), st.floats(0.01, 100), st.floats(1, 8))
def test_an_interval_at_its_own_boundary_touches_the_null(null: float, se: float, boundary: float) -> None:
    found = repeated_interval(null + boundary * se, se, boundary, null=null)
    assert found.low == pytest.approx(null, abs=1e-9 * (abs(null) + boundary * se))


def test_a_look_that_cannot_reject_has_an_interval_without_ends() -> None:
    found = repeated_interval(5.0, 1.0, math.inf)
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_the_level_of_a_boundary_is_that_of_a_single_look() -> None:
    assert nominal_level(norm.isf(0.025)) == pytest.approx(0.05, rel=1e-12)
    assert nominal_level(norm.isf(0.05), sides=1) == pytest.approx(0.05, rel=1e-12)
    assert nominal_level(math.inf) == 0.0


@given(
    z=st.floats(-5, 5),
    information=st.lists(st.floats(0.05, 1.3), min_size=1, max_size=4).map(sorted),
    alpha=st.floats(0.001, 0.2),
    sides=st.sampled_from([1, 2]),
    spending=families,
    last=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_repeated_p_is_at_most_alpha_exactly_when_the_look_rejects(
    z: float, information: list[float], alpha: float, sides: int, spending: Spending, last: bool
) -> None:
    assume(all(b - a > 0.01 for a, b in pairwise(information)))
    how = {"sides": sides, "spending": spending, "last": last}
    bound = boundaries(information, alpha=alpha, **how)[-1]
    p = repeated_p(z, information, alpha=alpha, **how)
    assert (p <= alpha) is ((abs(z) if sides == 2 else z) >= bound)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("z", [1.1, 2.3, 4.0])
def test_a_repeated_p_is_the_level_at_which_the_boundary_is_z(sides: int, z: float) -> None:
    information = [0.2, 0.5, 0.7, 1.0]
    p = repeated_p(z, information, sides=sides)
    assert boundaries(information, alpha=p, sides=sides)[-1] == pytest.approx(z, abs=1e-8)


def test_a_repeated_p_of_the_first_look_is_known_in_closed_form() -> None:
    assert repeated_p(2.7, [0.4]) == pytest.approx(2 * norm.sf(2.7) / 0.4**2, rel=1e-9)
    assert repeated_p(1.0, [0.4]) == 1.0


def test_a_large_statistic_has_a_tiny_p_without_a_crash() -> None:
    assert 0 < repeated_p(500.0, [0.2, 0.4, 1.0]) < 1e-20
    assert repeated_p(-500.0, [0.2, 0.4, 1.0], sides=1) == 1.0


def test_a_look_with_less_information_than_before_counts_for_nothing() -> None:
    assert repeated_p(9.0, [0.5, 0.4]) == 1.0
    assert repeated_p(2.4, [0.5, 0.4, 1.0]) == repeated_p(2.4, [0.5, 1.0])


def test_a_stagewise_p_is_the_chance_to_have_rejected_earlier_or_to_be_as_far_now() -> None:
    information, bounds = [0.3, 0.6, 1.0], [3.0, 2.6]
    inside = stays_inside(information, [*bounds, 2.2], sides=2)
    assert stagewise_p(-2.2, information, bounds) == pytest.approx(1 - inside, abs=5e-6)
    assert stagewise_p(-9.0, information, bounds, sides=1) == pytest.approx(1.0, abs=1e-9)


@given(st.floats(-4, 4), st.sampled_from([1, 2]), families, st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_a_stagewise_p_is_at_most_alpha_when_the_test_stops_at_its_boundary(
    above: float, sides: int, spending: Spending, looks: int
) -> None:
    information = [0.25, 0.5, 0.75, 1.0][:looks]
    bounds = boundaries(information, sides=sides, spending=spending)
    z = bounds[-1] + above
    assume(abs(above) > 1e-6 and z > 0)
    p = stagewise_p(z, information, bounds[:-1], sides=sides)
    spent = type_one_error(information, bounds, sides=sides)
    assert (p <= spent) is (above > 0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: repeated_interval(1.0, 0.0, 2.0), "se == 0.0, must be above 0"),
        (lambda: repeated_interval(math.nan, 1.0, 2.0), "estimate == nan"),
        (lambda: repeated_interval(1.0, 1.0, math.nan), "boundary == nan"),
        (lambda: repeated_interval(1.0, 1.0, 2.0, side="up"), "side == 'up'"),  # type: ignore[arg-type]
        (lambda: repeated_p(math.nan, [0.5]), "statistic == nan"),
        (lambda: repeated_p(1.0, []), "information is empty"),
        (lambda: stagewise_p(math.nan, [0.5], []), "statistic == nan"),
        (lambda: stagewise_p(1.0, [0.5], [2.0]), "1 shares of information and 2 boundaries"),
    ],
)
def test_impossible_looks_are_refused_by_name(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        call()
