"""Brier scores and their parts, against arithmetic and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.judgement.calibration import FEW, Resolved, calibrate, exact_interval
from counterpoint.errors import InputError

RESOLVED = st.lists(st.builds(Resolved, st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def test_the_score_of_four_questions_is_what_arithmetic_says() -> None:
    found = calibrate([Resolved(0.9, True), Resolved(0.9, False), Resolved(0.1, False), Resolved(0.1, False)])
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)
    assert found.uncertainty == pytest.approx(0.25 * 0.75)
    assert found.reliability == pytest.approx((2 * (0.9 - 0.5) ** 2 + 2 * 0.1**2) / 4)
    assert found.resolution == pytest.approx((2 * 0.25**2 + 2 * 0.25**2) / 4)
    assert found.within == pytest.approx(0)
    assert found.sentence == f"Only 4 of {FEW} resolved: too few to say anything about how well we predict."


def test_who_always_says_one_half_scores_a_quarter() -> None:
    found = calibrate([Resolved(0.5, outcome) for outcome in (True, False) * 8])
    assert found.brier == 0.25
    assert found.p is None


@given(RESOLVED)
def test_the_parts_add_up_to_the_score_and_lie_in_their_bounds(resolved: list[Resolved]) -> None:
    found = calibrate(resolved)
    assert found.brier is not None
    assert found.reliability is not None
    assert found.resolution is not None
    assert found.uncertainty is not None
    assert found.within is not None
    assert 0 <= found.brier <= 1
    assert found.reliability >= 0
    assert 0 <= found.resolution <= found.uncertainty + 1e-9
    total = found.reliability - found.resolution + found.uncertainty + found.within
    assert total == pytest.approx(found.brier, abs=1e-9)
    assert sum(each.n for each in found.bins) == found.n == len(resolved)
    assert (found.interval is None) == (len(resolved) < FEW)


def test_where_predictions_within_a_bin_are_the_same_nothing_is_left_over() -> None:
    rng = np.random.default_rng(1)
    resolved = [Resolved(p, bool(rng.random() < p)) for p in (0.1, 0.3, 0.5, 0.7, 0.9) for _ in range(20)]
    assert calibrate(resolved).within == pytest.approx(0, abs=1e-12)


def test_true_chances_are_called_unusual_about_once_in_twenty() -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(400):
        chances = rng.uniform(0.05, 0.95, 40)
        found = calibrate([Resolved(float(p), bool(rng.random() < p)) for p in chances])
        assert found.p is not None
        alarms += found.p < 0.05
    assert 5 <= alarms <= 36  # 20 expected; four standard deviations


@pytest.mark.parametrize(("said", "true", "word"), [(0.95, 0.6, "too bold"), (0.6, 0.97, "too timid")])
def test_chances_that_were_wrong_are_called_by_their_direction(said: float, true: float, word: str) -> None:
    right = round(true * 100)
    found = calibrate([Resolved(said, True)] * right + [Resolved(said, False)] * (100 - right))
    assert word in found.sentence


def test_a_middling_number_is_a_hint_and_no_verdict() -> None:
    found = calibrate([Resolved(0.7, outcome) for outcome in (True, True, True, False) * 4])
    assert "hint, not as a verdict" in found.sentence


def test_nothing_resolved_says_so() -> None:
    assert calibrate([]).sentence == "No prediction has been resolved yet."


def test_the_exact_interval_is_that_of_the_binomial() -> None:
    # Clopper-Pearson of 5 of 10 at 95 %: 0.1871, 0.8129 in every table.
    low, high = exact_interval(5, 10, alpha=0.05)
    assert (round(low, 4), round(high, 4)) == (0.1871, 0.8129)
    with pytest.raises(InputError):
        exact_interval(3, 2)


@pytest.mark.parametrize(
    ("said", "true", "of", "word"),
    [
        (0.5, 6, 12, "not clearly"),
        (0.7, 7, 12, "not clearly"),
        (0.8, 79, 80, "better"),
        (0.2, 79, 80, "worse"),
    ],
)
def test_better_and_worse_are_said_only_where_the_range_of_the_score_says_so(
    said: float, true: int, of: int, word: str
) -> None:
    found = calibrate([Resolved(said, place < true) for place in range(of)])
    assert f"; {word}" in found.sentence
