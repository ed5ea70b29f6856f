import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import shrunk
from counterpoint.stats.distributions import normal_quantile, normal_tail


@given(st.floats(1.97, 12), st.floats(0.01, 100))
def test_an_effect_shrinks_towards_zero_and_never_past_it_in_any_unit(z: float, unit: float) -> None:
    found = shrunk(z * unit, unit)
    assert 0 <= found.estimate <= z * unit
    assert shrunk(-z * unit, unit).estimate == pytest.approx(-found.estimate)
    assert found.estimate == pytest.approx(shrunk(z, 1.0).estimate * unit, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("side", ["two-sided", "greater"])
def test_the_estimate_is_the_most_likely_effect_given_the_selection(side: str) -> None:
    bound = normal_quantile(0.975 if side == "two-sided" else 0.95)
    for z in (2.2, 2.8, 4.0):
        effects = np.linspace(0, z, 2001)
        power = [
            normal_tail(bound - effect) + (normal_tail(bound + effect) if side == "two-sided" else 0.0)
            for effect in effects
        ]
        best = effects[np.argmax(-((z - effects) ** 2) / 2 - np.log(power))]
        assert shrunk(z, 1.0, side=side).estimate == pytest.approx(best, abs=2e-3)  # type: ignore[arg-type]


def test_selected_effects_are_nearer_to_the_truth_once_shrunk() -> None:
    random = np.random.default_rng(3)
    seen = random.normal(1.0, 1.0, size=20_000)
    selected = seen[seen > 1.96]
    corrected = np.array([shrunk(z, 1.0).estimate for z in selected[:600]])
    assert selected.mean() - 1 > 1.3
    assert abs(corrected.mean() - 1) < 0.6


def test_an_effect_that_was_not_selected_is_refused() -> None:
    with pytest.raises(InputError, match="is not significant at alpha"):
        shrunk(1.0, 1.0)
    with pytest.raises(InputError, match="is not significant at alpha"):
        shrunk(3.0, 1.0, side="less")
    with pytest.raises(InputError, match="se == 0"):
        shrunk(1.0, 0)
