import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import ExactTest, Side, rate_exact

counts = st.integers(1, 14).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("test", "greater", "less", "unsplit"),
    [
        ("fisher", 0.007554690396737117, 0.9992829723658095, 0.010724879495736004),
        ("boschloo", 0.004430244742210698, 0.9966558067865725, 0.008860489484421396),
        ("barnard", 0.004474218792842709, 1.0, 0.0070711582247451965),
    ],
)
def test_p_values_are_those_of_other_tools(test: str, greater: float, less: float, unsplit: float) -> None:
    """3 of 20 against 9 of 15, computed with scipy 1.17's fisher_exact, boschloo_exact, barnard_exact."""
    found = rate_exact((3, 20), (9, 15), test=test, intervals=False)  # type: ignore[arg-type]
    assert (found.p_greater, found.p_less, found.p_unsplit) == pytest.approx(
        (greater, less, unsplit), rel=1e-9
    )


def test_the_interval_of_the_odds_ratio_is_that_of_other_tools() -> None:
    """Computed with scipy 1.17, contingency.odds_ratio(...).confidence_interval()."""
    for arms, low, high in (
        (((3, 20), (9, 15)), 1.3883458957173396, 61.412387954825626),
        (((0, 12), (4, 30)), 0.26276978919740096, float("inf")),
        (((7, 12), (8, 17)), 0.11007839653496046, 3.544241406301832),
    ):
        found = rate_exact(*arms, test="fisher").odds_ratio
        assert found is not None
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)


@given(counts, counts, st.sampled_from(["two-sided", "greater", "less"]), st.sampled_from([0.01, 0.05, 0.3]))
def test_fishers_interval_excludes_one_exactly_when_the_test_rejects(
    control: tuple[int, int], treatment: tuple[int, int], side: Side, alpha: float
) -> None:
    found = rate_exact(control, treatment, test="fisher", side=side, alpha=alpha)
    assert found.odds_ratio is not None
    assert found.odds_ratio.excludes(1.0) == (found.p <= alpha)


@settings(max_examples=40)
@given(counts, counts)
def test_boschloos_test_is_never_weaker_than_fishers(
    control: tuple[int, int], treatment: tuple[int, int]
) -> None:
    fisher, boschloo = (
        rate_exact(control, treatment, test=test, intervals=False) for test in ("fisher", "boschloo")
    )  # type: ignore[arg-type]
    assert boschloo.p_greater <= fisher.p_greater + 1e-12
    assert boschloo.p_less <= fisher.p_less + 1e-12


@settings(max_examples=30)
@given(counts, counts, st.sampled_from(["fisher", "boschloo", "barnard"]))
def test_swapping_the_arms_mirrors_the_test(
    control: tuple[int, int], treatment: tuple[int, int], test: str
) -> None:
    there, back = (
        rate_exact(*arms, test=test, intervals=False)  # type: ignore[arg-type]
        for arms in ((control, treatment), (treatment, control))
    )
    assert there.p_greater == pytest.approx(back.p_less, rel=1e-6)
    assert there.p_two_sided == pytest.approx(back.p_two_sided, rel=1e-6)


@pytest.mark.parametrize("test", ["fisher", "boschloo", "barnard"])
def test_no_common_rate_makes_the_test_reject_too_often(test: str) -> None:
    """Exactly: the probability of the tables that one-sided tests reject, at several common rates."""
    from math import comb

    n, m, alpha = 7, 9, 0.1
    rejects = [
        (a, b)
        for a in range(n + 1)
        for b in range(m + 1)
        if rate_exact((a, n), (b, m), test=test, side="greater", alpha=alpha, intervals=False).p <= alpha  # type: ignore[arg-type]
    ]
    assert rejects
    for p in (0.05, 0.2, 0.5, 0.77, 0.95):
        size = sum(comb(n, a) * comb(m, b) * p ** (a + b) * (1 - p) ** (n + m - a - b) for a, b in rejects)
        assert size <= alpha + 1e-9


small = st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=25, deadline=None)
@given(
    small,
    small,
    st.sampled_from(["boschloo", "barnard"]),
    st.sampled_from(["two-sided", "greater", "less"]),
    st.sampled_from([0.02, 0.1, 0.3]),
)
def test_unconditional_intervals_exclude_zero_exactly_when_the_test_rejects(
    control: tuple[int, int], treatment: tuple[int, int], test: ExactTest, side: Side, alpha: float
) -> None:
    found = rate_exact(control, treatment, test=test, side=side, alpha=alpha)
    for interval in (found.difference, found.relative):
        assert interval is not None
        assert interval.low < interval.high
        assert interval.excludes(0.0) == (found.p <= alpha)


def test_the_unconditional_interval_of_no_success_is_known_in_closed_form() -> None:
    """With the other arm at 0 of n as well the bound is the rate that shows none of n with chance 0.025."""
    found = rate_exact((0, 10), (0, 10)).difference
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.025**0.1 - 1, 1 - 0.025**0.1), rel=1e-7)
    share = rate_exact((0, 10), (0, 10)).relative
    assert share is not None
    assert (share.low, share.high) == (-1.0, math.inf)


@pytest.mark.parametrize("test", ["boschloo", "barnard"])
def test_unconditional_intervals_hold_the_truth_often_enough_at_any_rates(test: ExactTest) -> None:
    """Exactly: the probability, at many pairs of rates, of all tables whose interval holds the true change."""
    n, m, alpha = 3, 4, 0.2
    tables = {
        (a, b): rate_exact((a, n), (b, m), test=test, alpha=alpha) for a in range(n + 1) for b in range(m + 1)
    }
    for p in (0.03, 0.2, 0.5, 0.7, 0.96):
        for q in (0.01, 0.1, 0.3, 0.55, 0.8, 0.98):
            held = {"difference": 0.0, "relative": 0.0}
            for (a, b), found in tables.items():
                chance = (
                    math.comb(n, a) * math.comb(m, b) * p**a * (1 - p) ** (n - a) * q**b * (1 - q) ** (m - b)
                )
                assert found.difference is not None
                assert found.relative is not None
                held["difference"] += chance * (not found.difference.excludes(q - p))
                held["relative"] += chance * (not found.relative.excludes(q / p - 1))
            assert min(held.values()) >= 1 - alpha - 1e-9


def test_impossible_counts_are_refused() -> None:
    for control, treatment, message in (
        ((3, 2), (1, 2), "successes of the control == 3"),
        ((-1, 2), (1, 2), "successes of the control == -1"),
        ((0, 0), (1, 2), "units of the control == 0"),
        ((1, 2), (1, float("nan")), "units of the treatment == nan"),
        ((1, 500), (1, 500), "tables, of 40000 at most"),
    ):
        with pytest.raises(InputError, match=message):
            rate_exact(control, treatment)  # type: ignore[arg-type]
    assert rate_exact((1, 5000), (9, 5000), test="fisher").p < 0.05


def test_fishers_test_keeps_its_digits_for_a_billion_units() -> None:
    """Exactly, by whole numbers: 5 and 20 of a billion each."""
    n, total = 10**9, 25
    tail = sum(math.comb(n, x) * math.comb(n, total - x) for x in range(20, total + 1))
    found = rate_exact((5, n), (20, n), test="fisher")
    assert found.p_greater == pytest.approx(tail / math.comb(2 * n, total), rel=1e-12)
