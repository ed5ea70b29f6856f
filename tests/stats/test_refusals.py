"""What is no number, too large or impossible is refused with its name, its value and the remedy; never a traceback."""

from collections.abc import Callable
from math import inf, log, nan

import pytest

from counterpoint import stats
from counterpoint.errors import InputError


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stats.alpha_success("0.05", successes=1), "alpha == '0.05', must be a number"),  # type: ignore[arg-type]
        (lambda: stats.units_per_arm(None, 1.0), "sd == None, must be a number"),  # type: ignore[arg-type]
        (lambda: stats.rate(None, 10), "successes == None, must be a number"),  # type: ignore[arg-type]
        (
            lambda: stats.rate_exact((10**8, 10**9), (10**8, 10**9), test="fisher"),
            "200000000 successes of 2000000000 units make 200000001 tables",
        ),
        (lambda: stats.nominal_level(nan), "boundary == nan"),
        (lambda: stats.nominal_level(2.0, sides=3), "sides == 3"),
        (lambda: stats.repeated_interval(1.0, 1.0, 2.0, null=nan), "null == nan"),
        (lambda: stats.Moments(nan, 1.0, 1.0), "n == nan, must be a whole number"),  # type: ignore[arg-type]
        (lambda: stats.Moments(inf, 1.0, 1.0), "n == inf"),  # type: ignore[arg-type]
        (lambda: stats.Moments(2.5, 1.0, 1.0), r"n == 2\.5"),  # type: ignore[arg-type]
        (lambda: stats.Comoments(nan, (1.0,), ((1.0,),)), "n == nan"),  # type: ignore[arg-type]
        (lambda: stats.rate(1.5, 10), r"successes == 1\.5, must be a whole number"),  # type: ignore[arg-type]
        (lambda: stats.rate(1, inf), "n == inf"),  # type: ignore[arg-type]
        (lambda: stats.Moments.of(["a"]), "values is not an array of numbers"),  # type: ignore[list-item]
        (lambda: stats.Comoments.of([[1], [1, 2]]), "values is not an array of numbers"),
        (lambda: stats.cluster_totals(["x"], ["a"]), "values is not an array of numbers"),
        (lambda: stats.Moments.of([1e200, -1e200]), r"values reach 1e\+200, too large"),
        (lambda: stats.Comoments.of([[1e200], [-1e200]]), r"values reach 1e\+200, too large"),
        (lambda: stats.alpha_success(0.05, successes=-1), "successes == -1"),
        (lambda: stats.alpha_success(0.05, successes=1, comparisons=nan), "comparisons == nan"),  # type: ignore[arg-type]
        (lambda: stats.alpha_deterioration(0.05, metrics=-3), "metrics == -3"),
        (lambda: stats.beta_each(0.2, successes=1, guardrails=-3), "guardrails == -3"),
        (lambda: stats.interval_alpha(0.05, nan), "tests == nan"),  # type: ignore[arg-type]
        (lambda: stats.units_per_arm(1.0, 1e-200), "effect is too small"),
        (lambda: stats.units_per_arm_rate(0.5, 1e-200), "effect is too small"),
        (lambda: stats.fixed_power_required(1.0, 1e-200), "effect == 1e-200 is too small"),
        (lambda: stats.restricted_rates(0.5, 0.5, ratio=nan, margin=-0.1, relative=False), "ratio == nan"),
        (lambda: stats.restricted_rates(0.5, 0.5, ratio=0, margin=-0.1, relative=False), "ratio == 0"),
    ],
)
def test_impossible_input_is_refused_by_name(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_rates_at_the_opposite_ends_have_a_pooled_test() -> None:
    """Of 0 in 10 against 10 in 10 the unpooled variance is 0 but the pooled one is not."""
    found = stats.rate_difference(stats.rate(0, 10), stats.rate(10, 10), pooled=True)
    assert found.statistic == pytest.approx(20**0.5)
    assert stats.rate_difference(stats.rate(0, 10), stats.rate(10, 10)).state == "no variance"
    assert stats.rate_difference(stats.rate(10, 10), stats.rate(10, 10), pooled=True).state == "no variance"


def test_a_confidence_sequence_is_tuned_for_any_level_that_a_number_can_hold() -> None:
    for alpha in (0.9999, 0.5, 0.05, 1e-100, 1e-200):
        w = stats.rho2_tuned(1.0, alpha) + 1
        assert w - log(w) == pytest.approx(1 - 2 * log(alpha), rel=1e-12)
