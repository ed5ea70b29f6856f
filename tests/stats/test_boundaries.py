import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from counterpoint.errors import InputError
from counterpoint.stats import (
    Look,
    Spending,
    boundaries,
    classical_boundaries,
    crossing,
    next_boundary,
    type_one_error,
)
from tests.stats.gaussian import stays_inside

FAMILIES = [
    Spending(),
    Spending("power", 1.0),
    Spending("power", 3.5),
    Spending("obrien-fleming"),
    Spending("pocock"),
    Spending("hwang-shih-decani", -4.0),
    Spending("hwang-shih-decani", 0.0),
    Spending("hwang-shih-decani", 1.0),
]
families = st.sampled_from(FAMILIES)
schedules = st.lists(st.floats(0.01, 1.6), min_size=1, max_size=8).map(sorted)


def equal(looks: int) -> list[float]:
    return [(k + 1) / looks for k in range(looks)]


def test_the_error_of_five_looks_has_the_boundaries_of_the_reference() -> None:
    printed = [4.876885, 3.357012, 2.680280, 2.289817, 2.031032]
    assert boundaries(equal(5), spending=Spending("obrien-fleming")) == pytest.approx(printed, abs=6e-7)


def test_the_classical_designs_have_the_boundaries_of_the_reference() -> None:
    printed = [4.561742, 3.225639, 2.633723, 2.280871, 2.040073]
    assert classical_boundaries(5) == pytest.approx(printed, abs=6e-7)
    assert classical_boundaries(5, delta=0.5) == pytest.approx([2.413176] * 5, abs=6e-7)


@pytest.mark.parametrize(
    ("looks", "error"),
    [(1, 0.05), (2, 0.083118), (3, 0.107256), (4, 0.126169), (5, 0.141689), (10, 0.193357), (20, 0.247911)],
)
def test_looking_often_at_the_boundary_of_one_look_has_the_error_of_the_reference(
    looks: int, error: float
) -> None:
    assert type_one_error(equal(looks), [norm.isf(0.025)] * looks) == pytest.approx(error, abs=6e-7)


def test_two_sides_of_a_half_each_are_nearly_one_side_of_that_half() -> None:
    one = boundaries(equal(20), alpha=0.025, sides=1)
    assert boundaries(equal(20), alpha=0.05, sides=2) == pytest.approx(one, abs=7e-5)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("spending", FAMILIES, ids=lambda each: f"{each.family} {each.parameter}")
def test_boundaries_at_unequal_looks_spend_what_they_should_by_the_normal_distribution_itself(
    spending: Spending, sides: int
) -> None:
    information = [0.15, 0.4, 0.47, 1.0]
    bounds = boundaries(information, alpha=0.05, sides=sides, spending=spending)
    for looks in range(1, 5):
        spent = sides * spending.spent(information[looks - 1], 0.05 / sides)
        inside = stays_inside(information[:looks], list(bounds[:looks]), sides=sides)
        assert 1 - inside == pytest.approx(spent, abs=5e-6)


@pytest.mark.parametrize("spending", FAMILIES, ids=lambda each: f"{each.family} {each.parameter}")
@given(information=schedules, alpha=st.floats(0.001, 0.3), sides=st.sampled_from([1, 2]))
@settings(max_examples=15, deadline=None)
def test_whatever_the_information_the_test_keeps_its_error(
    spending: Spending, information: list[float], alpha: float, sides: int
) -> None:
    bounds = boundaries(information, alpha=alpha, sides=sides, spending=spending, last=True)
    found = type_one_error(information, bounds, sides=sides)
    assert found <= alpha * (1 + 1e-9)
    close = any(b - a < 1e-3 * a for a, b in pairwise(information))
    assert close or found == pytest.approx(alpha, rel=1e-7)


@given(information=schedules, last=st.booleans(), spending=families, sides=st.sampled_from([1, 2]))
@settings(max_examples=40, deadline=None)
def test_boundaries_are_the_looks_one_after_the_other(
    information: list[float], last: bool, spending: Spending, sides: int
) -> None:
    past: list[Look] = []
    for place, share in enumerate(information):
        ends = last and place == len(information) - 1
        past.append(next_boundary(past, share, sides=sides, spending=spending, last=ends))
    whole = boundaries(information, sides=sides, spending=spending, last=last)
    assert [look.boundary for look in past] == pytest.approx(whole, rel=1e-9)


def test_an_overshoot_spends_the_rest_and_moves_no_earlier_boundary() -> None:
    planned = boundaries([0.25, 0.5, 0.75, 1.0])
    over = boundaries([0.25, 0.5, 0.75, 1.3])
    assert over[:3] == planned[:3]
    assert type_one_error([0.25, 0.5, 0.75, 1.3], over) == pytest.approx(0.05, abs=1e-12)
    assert over[3] != planned[3]


def test_a_test_that_ends_early_spends_the_rest_and_moves_no_earlier_boundary() -> None:
    planned = boundaries([0.25, 0.5, 0.75, 1.0])
    under = boundaries([0.25, 0.5, 0.6], last=True)
    assert under[:2] == planned[:2]
    assert type_one_error([0.25, 0.5, 0.6], under) == pytest.approx(0.05, abs=1e-12)


def test_a_repeated_look_has_the_same_boundary_and_spends_nothing() -> None:
    first = next_boundary([], 0.4)
    second = next_boundary([first], 0.4)
    assert second == first
    third = next_boundary([first, second], 0.8)
    assert third == next_boundary([first], 0.8)


def test_a_repeated_look_that_is_the_last_spends_the_rest() -> None:
    first = next_boundary([], 0.4)
    last = next_boundary([first], 0.4, last=True)
    assert last.spent == 0.05
    assert last.boundary == pytest.approx(norm.isf(0.025), abs=1e-9)  # as if it had been the only look


def test_less_information_than_before_cannot_reject() -> None:
    first = next_boundary([], 0.4)
    second = next_boundary([first], 0.39)
    assert (second.spent, second.boundary) == (first.spent, math.inf)
    assert next_boundary([first, second], 0.8) == next_boundary([first], 0.8)


def test_when_all_is_spent_no_later_look_can_reject() -> None:
    full = next_boundary([], 1.0)
    assert full.spent == 0.05
    assert next_boundary([full], 1.0) == full
    assert next_boundary([full], 1.2) == Look(1.2, 0.05, math.inf)
    assert boundaries([0.5, 1.0, 1.2])[2] == math.inf


def test_a_past_that_spent_more_than_the_new_plan_allows_is_kept_and_nothing_is_added() -> None:
    greedy = next_boundary([], 0.5, spending=Spending("pocock"))
    calm = next_boundary([greedy], 0.55, spending=Spending("obrien-fleming"))
    assert calm == Look(0.55, greedy.spent, math.inf)
    last = next_boundary([greedy, calm], 1.0, spending=Spending("obrien-fleming"))
    assert type_one_error([0.5, 1.0], [greedy.boundary, last.boundary]) == pytest.approx(0.05, abs=1e-12)


@pytest.mark.parametrize("sides", [1, 2])
def test_boundaries_of_the_default_fall_at_every_one_of_300_looks(sides: int) -> None:
    bounds = boundaries(equal(300), sides=sides)
    assert all(later < earlier for earlier, later in pairwise(bounds))
    assert type_one_error(equal(300), bounds, sides=sides) == pytest.approx(0.05, abs=1e-12)


def test_next_to_nothing_is_spent_at_first_without_a_crash_or_a_cut() -> None:
    bounds = boundaries(equal(400), spending=Spending("obrien-fleming"))
    assert all(math.isfinite(bound) for bound in bounds)
    assert all(later < earlier for earlier, later in pairwise(bounds))
    # The form of the family, in logarithms.
    for place in (0, 1):
        deep = math.log(2) + norm.logsf(norm.isf(0.0125) * math.sqrt(400 / (place + 1)))
        assert norm.logsf(bounds[place]) == pytest.approx(deep, rel=1e-9)


def test_tiny_errors_keep_their_relative_accuracy() -> None:
    bounds = boundaries(equal(100), spending=Spending("obrien-fleming"))
    found = crossing(equal(100), bounds)
    spent = [2 * Spending("obrien-fleming").spent(t, 0.025) for t in equal(100)]
    for place in range(3, 100):
        step = spent[place] - spent[place - 1]
        assert found.upper[place] + found.lower[place] == pytest.approx(step, rel=1e-6)


@pytest.mark.parametrize("growth", [1e-9, 1e-6, 1e-5])
def test_a_step_too_small_for_the_nodes_barely_moves_the_boundary_and_is_on_the_safe_side(
    growth: float,
) -> None:
    information = [0.5, 0.5 * (1 + growth), 1.0]
    bounds = boundaries(information)
    step = math.sqrt(growth)
    assert bounds[0] < bounds[1] < bounds[0] + 6 * step
    apart = boundaries([0.5, 1.0])[1]
    assert apart - 1e-9 <= bounds[2] <= apart + step
    assert type_one_error(information, bounds) == pytest.approx(0.05, rel=1e-6)


def test_a_tiny_step_has_the_boundary_of_the_quadrature_by_hand() -> None:
    early, late = 0.1, 0.100002
    bounds = boundaries([early, late])
    low, high = bounds[0] * math.sqrt(early), bounds[1] * math.sqrt(late)
    inside = quad(
        lambda u: norm.pdf(u, scale=math.sqrt(early)) * norm.sf((high - u) / math.sqrt(late - early)),
        low - 0.02,
        low,
        epsabs=1e-18,
        limit=500,
    )[0]
    assert 2 * inside == pytest.approx(0.05 * (late**2 - early**2), rel=1e-6)


def test_a_small_step_agrees_with_the_normal_distribution_itself() -> None:
    information = [0.3, 0.3003, 1.0]
    bounds = boundaries(information, spending=Spending("pocock"))
    spent = Spending("pocock").spent(1.0, 0.05)
    assert 1 - stays_inside(information, list(bounds), sides=2) == pytest.approx(spent, abs=5e-6)


def test_a_simulation_crosses_as_often_as_the_boundaries_say() -> None:
    steps = np.random.default_rng(20_261_126).standard_normal((100_000, 14)) / math.sqrt(14)
    z = steps.cumsum(axis=1) / np.sqrt(equal(14))
    rate = (np.abs(z) >= boundaries(equal(14))).any(axis=1).mean()
    assert 0.047 <= rate <= 0.0515


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: boundaries([]), "information is empty"),
        (lambda: boundaries([0.0]), r"information\[0\] == 0.0, must be above 0"),
        (lambda: boundaries([0.5, 0.4]), r"information\[1\] == 0.4, must not be below 0.5"),
        (lambda: boundaries([math.nan]), r"information\[0\] == nan, must be above 0"),
        (lambda: boundaries([0.5], alpha=0), "alpha == 0, must be above 0 and below 1"),
        (lambda: boundaries([0.5], sides=3), "sides == 3, must be 1 or 2"),
        (lambda: next_boundary([], -1.0), "must be above 0"),
        (lambda: next_boundary([Look(0.5, 0.06, 2.0)], 0.6), r"past\[0\].spent == 0.06"),
        (lambda: next_boundary([Look(0.5, 0.02, 2.0), Look(0.6, 0.01, 2.0)], 0.7), r"past\[1\].spent"),
        (lambda: next_boundary([Look(0.5, 0.01, math.nan)], 0.6), r"past\[0\].boundary == nan"),
        (lambda: next_boundary([Look(0.0, 0.01, 2.0)], 0.6), r"past\[0\].information"),
        (lambda: classical_boundaries(0), "looks == 0, must be a whole number of 1 or more"),
        (lambda: classical_boundaries(3, delta=math.nan), "delta == nan"),
        (lambda: crossing([0.5], [1.0, 2.0]), "1 shares of information and 2 boundaries"),
        (lambda: crossing([0.5], [-1.0]), r"boundaries\[0\] == -1.0"),
        (lambda: Spending("linear"), "family == 'linear', must be one of power"),  # type: ignore[arg-type]
        (lambda: Spending("power", 0.0), "parameter == 0.0, must be above 0"),
        (lambda: Spending("pocock").spent(-0.1, 0.05), "t == -0.1, must be 0 or more"),
    ],
)
def test_impossible_plans_are_refused_by_name(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        call()
