from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import ADJUSTMENTS, adjust, interval_alpha

CASE_G = (0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205)
families = st.lists(st.floats(0, 1), min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("bonferroni", [0.008, 0.064, 0.312, 0.328, 0.336, 0.48, 0.592, 1]),
        ("holm", [0.008, 0.056, *[0.234] * 4, 0.234, 0.234]),
        ("hochberg", [0.008, 0.056, *[0.148] * 5, 0.205]),
        ("hommel", [0.008, 0.056, 0.111, 0.111, 0.111, 0.12, 0.148, 0.205]),
        ("benjamini-hochberg", [0.008, 0.032, *[0.0672] * 3, 0.08, 0.084571, 0.205]),
        ("benjamini-yekutieli", [0.021743, 0.086971, *[0.18264] * 3, 0.217429, 0.229853, 0.557161]),
    ],
)
def test_the_reference_case_is_reproduced(rule: str, expected: list[float]) -> None:
    assert adjust(CASE_G, rule).p == pytest.approx(expected, abs=5e-7)  # type: ignore[arg-type]
    backwards = adjust(CASE_G[::-1], rule).p  # type: ignore[arg-type]
    assert backwards[::-1] == pytest.approx(expected, abs=5e-7)


@given(families)
def test_hommel_is_the_closed_test_of_simes(p: list[float]) -> None:
    """Against the definition: a hypothesis falls when every set that holds it falls by Simes' test."""

    def simes(chosen: tuple[int, ...]) -> float:
        rising = sorted(p[i] for i in chosen)
        return min(len(rising) * each / (i + 1) for i, each in enumerate(rising))

    sets = [chosen for size in range(1, len(p) + 1) for chosen in combinations(range(len(p)), size)]
    expected = [max(simes(chosen) for chosen in sets if i in chosen) for i in range(len(p))]
    assert adjust(p, "hommel").p == pytest.approx([min(each, 1) for each in expected], rel=1e-12)


@given(families)
def test_holm_is_the_closed_test_of_bonferroni(p: list[float]) -> None:
    sets = [chosen for size in range(1, len(p) + 1) for chosen in combinations(range(len(p)), size)]
    expected = [max(len(c) * min(p[j] for j in c) for c in sets if i in c) for i in range(len(p))]
    assert adjust(p, "holm").p == pytest.approx([min(each, 1) for each in expected], rel=1e-12)


@given(families)
def test_procedures_are_ordered_by_what_they_demand(p: list[float]) -> None:
    found = {rule: adjust(p, rule).p for rule in ADJUSTMENTS}
    for strict, lax in (
        ("bonferroni", "holm"),
        ("holm", "hochberg"),
        ("hochberg", "hommel"),
        ("hommel", "benjamini-hochberg"),
        ("benjamini-yekutieli", "benjamini-hochberg"),
    ):
        for more, less in zip(found[strict], found[lax], strict=True):  # type: ignore[index]
            assert more >= less - 1e-12


@given(families, st.floats(0.01, 0.3))
def test_the_interval_of_bonferroni_agrees_with_its_tests(p: list[float], alpha: float) -> None:
    each = interval_alpha(alpha, len(p))
    for raw, adjusted in zip(p, adjust(p, "bonferroni").p, strict=True):
        if abs(adjusted - alpha) > 1e-12:
            assert (raw <= each) == (adjusted <= alpha)


def test_procedures_without_an_interval_say_so() -> None:
    assert [rule for rule, kept in ADJUSTMENTS.items() if kept.intervals] == ["bonferroni"]
    for rule in ("holm", "hochberg", "hommel", "benjamini-hochberg", "benjamini-yekutieli"):
        with pytest.raises(InputError, match="no interval that agrees"):
            interval_alpha(0.05, 3, rule)  # type: ignore[arg-type]


def test_no_p_values_are_adjusted_to_none() -> None:
    assert all(adjust([], rule).p == () for rule in ADJUSTMENTS)


def test_what_is_no_probability_is_refused() -> None:
    for wrong in (float("nan"), -0.1, 1.1):
        with pytest.raises(InputError, match=r"p\[1\] =="):
            adjust([0.1, wrong])
    with pytest.raises(InputError, match="rule == 'sidak'"):
        adjust([0.1], "sidak")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="tests == 0"):
        interval_alpha(0.05, 0)
