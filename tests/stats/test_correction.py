import pytest

from counterpoint.errors import InputError
from counterpoint.stats import alpha_deterioration, alpha_guardrail, alpha_success, beta_each


@pytest.mark.parametrize(
    ("successes", "comparisons", "expected"), [(0, 1, 0.05), (1, 1, 0.05), (2, 1, 0.025), (3, 2, 0.05 / 6)]
)
def test_the_error_of_success_is_split_by_metrics_and_comparisons(
    successes: int, comparisons: int, expected: float
) -> None:
    assert alpha_success(0.05, successes=successes, comparisons=comparisons) == pytest.approx(expected)


@pytest.mark.parametrize(("comparisons", "expected"), [(1, 0.05), (2, 0.025)])
def test_the_error_of_guardrails_is_split_by_comparisons_only(comparisons: int, expected: float) -> None:
    assert alpha_guardrail(0.05, comparisons=comparisons) == pytest.approx(expected)


def test_the_error_of_deterioration_is_split_by_all_that_may_stop_a_ship() -> None:
    assert alpha_deterioration(0.05, metrics=3, quality_tests=1, comparisons=2) == pytest.approx(0.05 / 8)


@pytest.mark.parametrize(
    ("successes", "guardrails", "expected"), [(1, 0, 0.2), (1, 1, 0.1), (3, 3, 0.05), (0, 4, 0.05)]
)
def test_the_power_is_split_by_the_conditions_that_must_all_hold(
    successes: int, guardrails: int, expected: float
) -> None:
    assert beta_each(0.2, successes=successes, guardrails=guardrails) == pytest.approx(expected)


def test_tests_that_stop_a_ship_take_their_level_from_beta_first() -> None:
    assert beta_each(0.2, successes=1, guardrails=1, alpha_minus=0.05) == pytest.approx(0.075)


def test_impossible_levels_are_refused() -> None:
    for call in (
        lambda: alpha_success(0, successes=1),
        lambda: alpha_guardrail(0.05, comparisons=0),
        lambda: beta_each(0.2, successes=0, guardrails=0),
        lambda: beta_each(0.2, successes=1, guardrails=0, alpha_minus=0.3),
    ):
        with pytest.raises(InputError):
            call()
