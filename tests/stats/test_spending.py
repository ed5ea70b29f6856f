import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from counterpoint.stats import Spending

FORMS = {
    "power": (Spending("power", 1.7), lambda t, a: a * t**1.7),
    "obrien-fleming": (Spending("obrien-fleming"), lambda t, a: 2 * norm.sf(norm.isf(a / 2) / math.sqrt(t))),
    "pocock": (Spending("pocock"), lambda t, a: a * math.log(1 + (math.e - 1) * t)),
    "late": (
        Spending("hwang-shih-decani", -4.0),
        lambda t, a: a * (1 - math.exp(4 * t)) / (1 - math.exp(4)),
    ),
    "early": (
        Spending("hwang-shih-decani", 2.0),
        lambda t, a: a * (1 - math.exp(-2 * t)) / (1 - math.exp(-2)),
    ),
}


@pytest.mark.parametrize("name", FORMS)
@given(t=st.floats(0.01, 0.999), alpha=st.floats(0.001, 0.5))
def test_each_family_has_its_form_and_its_logarithm(name: str, t: float, alpha: float) -> None:
    spending, form = FORMS[name]
    assert spending.spent(t, alpha) == pytest.approx(form(t, alpha), rel=1e-9)
    assert spending.log_spent(t, alpha) == pytest.approx(
        math.log(spending.spent(t, alpha)), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("name", FORMS)
def test_nothing_is_spent_at_the_start_and_all_from_the_end_on(name: str) -> None:
    spending, _ = FORMS[name]
    assert [spending.spent(t, 0.05) for t in (0, 1, 1.5)] == [0.0, 0.05, 0.05]
    assert spending.log_spent(0, 0.05) == -math.inf
    assert spending.log_spent(1.5, 0.05) == math.log(0.05)


@given(st.floats(-1e4, 1e4), st.floats(0.001, 0.999))
def test_any_gamma_spends_a_share(gamma: float, t: float) -> None:
    assert 0 <= Spending("hwang-shih-decani", gamma).spent(t, 0.05) <= 0.05


def test_gamma_zero_is_the_straight_line_between_its_neighbours() -> None:
    at = [Spending("hwang-shih-decani", gamma).spent(0.3, 0.05) for gamma in (-1e-6, 0.0, 1e-6)]
    assert at[0] < at[1] < at[2]
    assert at[1] == pytest.approx(0.015, rel=1e-15)
