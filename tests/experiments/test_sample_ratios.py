"""The sample ratio by day, by value and over time: false alarms over clean data, and mismatches that the overall test misses."""

from collections.abc import Sequence
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.experiments.quality_totals import Sizes
from counterpoint.experiments.sample_ratios import Found, by_day, by_value, over_time, part_p
from counterpoint.stats import exact_sample_ratio, sample_ratio

ARMS = ("a", "b", "c")
LEVEL = 0.01


def days_of(counts: Sequence[Sequence[int]]) -> list[Sizes]:
    named = zip(np.arange("2026-01-01", "2027-01-01", dtype="datetime64[D]"), counts, strict=False)
    return [Sizes(str(day), dict(zip(ARMS, map(int, each), strict=False))) for day, each in named]


def gates(days: Sequence[Sizes], values: Sequence[Sizes], shares: Sequence[float]) -> dict[str, Found]:
    arms = ARMS[: len(shares)]
    overall = sample_ratio(np.sum([each.of(arms) for each in days], axis=0).tolist(), shares)
    return {
        "overall": Found(part_p(overall, shares)),
        "by day": by_day(days, arms, shares),
        "by value": by_value({"country": values}, arms, shares),
        "over time": over_time(days, arms, shares),
    }


def clean(
    draw: np.random.Generator, shares: Sequence[float], users: int, days: int, ramp: float
) -> tuple[list[Sizes], list[Sizes]]:
    """Users of an experiment without a fault: some days have more than others, as have some countries."""
    of_day = np.linspace(1.0, ramp, days)
    arrivals = draw.multinomial(users, of_day / of_day.sum())
    countries = 0.5 ** np.arange(12)
    split = draw.multinomial(arrivals, countries / countries.sum())  # by day and country
    cells = draw.multinomial(split, np.asarray(shares) / sum(shares))  # and by arm
    values = [
        Sizes(f"c{i:02}", dict(zip(ARMS, map(int, each), strict=False)))
        for i, each in enumerate(cells.sum(axis=0))
    ]
    return [each for each in days_of(cells.sum(axis=1)) if sum(each.users.values())], values


@pytest.mark.parametrize("shares", [(1, 1), (9, 1), (1, 1, 1)])
@pytest.mark.parametrize(
    ("users", "days", "ramp"), [(20, 3, 1), (300, 60, 1), (2000, 14, 20), (20_000, 60, 50)]
)
def test_over_clean_experiments_each_gate_keeps_its_level(
    shares: tuple[int, ...], users: int, days: int, ramp: float
) -> None:
    draw, runs = np.random.default_rng([20261127, users, *shares]), 60 if users == 20_000 else 150
    alarms: dict[str, int] = {}
    for _ in range(runs):
        for name, found in gates(*clean(draw, shares, users, days, ramp), shares).items():
            alarms[name] = alarms.get(name, 0) + (found.p is not None and found.p < LEVEL)
    # So many alarms or more have a chance below 1e-4 in one gate that keeps its level.
    most = next(k for k in range(runs) if tail(runs, k, LEVEL) < 1e-4)
    assert max(alarms.values()) < most, alarms
    together = next(k for k in range(runs) if tail(runs, k, 4 * LEVEL) < 1e-4)
    assert sum(alarms.values()) < together, alarms


def tail(n: int, least: int, chance: float) -> float:
    return sum(comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in range(least, n + 1))


def test_a_mismatch_on_two_days_in_one_country_or_early_is_found_where_the_overall_ratio_is_as_planned() -> (
    None
):
    even, shares = [500, 500], (1, 1)
    two = days_of([*[even] * 20, [600, 420], [420, 600], *[even] * 20])
    found = gates(two, [Sizes("se", {"a": 20_500, "b": 20_500})], shares)
    assert (found["overall"].p or 0) > 0.5
    assert (found["by day"].p or 0) < 1e-3
    assert "2026-01-21 (a 600, b 420)" in found["by day"].note
    countries = [Sizes("no", {"a": 450, "b": 650}), Sizes("se", {"a": 9200, "b": 9000})]
    found = gates(days_of([even] * 19), countries, shares)
    assert (found["by value"].p or 0) < 1e-3
    assert "country no (a 450, b 650)" in found["by value"].note
    early = days_of([[590, 410], [570, 430], *[[480, 520]] * 8])
    found = gates(early, countries[1:], shares)
    assert (found["overall"].p or 0) > 0.5
    assert (found["over time"].p or 0) < 1e-3
    assert "at the end of 2026-01-02 (a 1,160, b 840 until then)" in found["over time"].note


def test_days_with_few_users_are_merged_with_their_neighbours_and_lost_by_none() -> None:
    run = days_of([[1, 0]] * 25)
    found = by_day(run, ("a", "b"), (1, 1))
    assert (
        "Farthest from the plan of 2 days or runs of days: 2026-01-11 to 2026-01-25 (a 15, b 0)."
        in found.note
    )
    assert found.p == pytest.approx(2 * (part_p(sample_ratio([15, 0], [1, 1]), [1, 1]) or 0))
    assert by_day(run[:9], ("a", "b"), (1, 1)) == Found(None, state="too few units")


def test_small_values_are_one_rest_of_their_segment() -> None:
    small = [Sizes(f"v{i}", {"a": 3}) for i in range(6)]
    large = Sizes("", {"a": 50, "b": 50})
    found = by_value({"country": [*small, large]}, ("a", "b"), (1, 1))
    assert "of 2 values of segments: country of 6 small values (a 18, b 0)" in found.note
    assert "of 1 values" in by_value({"country": [*small[:2], large]}, ("a", "b"), (1, 1)).note
    assert "country (none) (a 50, b 50)" in by_value({"country": [large]}, ("a", "b"), (1, 1)).note


@given(
    counts=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=40),
    shares=st.sampled_from([(1, 1), (9, 1), (2, 3)]),
    swapped=st.integers(1, 10**6),
)
@settings(max_examples=40, deadline=None)
def test_how_parts_are_merged_does_not_depend_on_who_is_in_which_arm(
    counts: list[tuple[int, int]], shares: tuple[int, int], swapped: int
) -> None:
    """Else a clean experiment could be merged until something stands out."""
    other = [tuple(reversed(each)) if swapped >> (i % 20) & 1 else each for i, each in enumerate(counts)]
    notes = [by_day(days_of(each), ("a", "b"), shares).note.split(":")[0] for each in (counts, other)]
    assert notes[0] == notes[1]


@pytest.mark.parametrize("n", [1, 7, 20, 41])
@pytest.mark.parametrize("share", [Fraction(1, 2), Fraction(1, 10), Fraction(2, 3)])
def test_the_exact_p_is_the_sum_of_all_outcomes_as_far_from_the_plan(n: int, share: Fraction) -> None:
    chances = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    for seen in range(n + 1):
        far = sum(chance for k, chance in enumerate(chances) if abs(k - n * share) >= abs(seen - n * share))
        found = exact_sample_ratio([seen, n - seen], [float(share), float(1 - share)])
        assert found == pytest.approx(float(far), rel=1e-9)


def test_the_exact_p_replaces_one_that_is_too_small_and_leaves_large_arms_alone() -> None:
    few = sample_ratio([38, 12], [9, 1])
    assert (few.p or 0) < 0.001 < (part_p(few, [9, 1]) or 0)
    many = sample_ratio([44_700, 45_489], [1, 1])
    assert part_p(many, [1, 1]) == many.p
    assert exact_sample_ratio([0, 0], [1, 1]) == 1.0
    assert exact_sample_ratio([30, 0, 0], [1, 1, 1]) < 1e-10
