"""Planted truths found again: tastes by profiles, and another policy's worth by logged propensities."""

import numpy as np
import pytest

from tests.discover.simulation import TASTES, Station, profiles


@pytest.mark.parametrize(("kind", "least"), list(zip(TASTES, (0.85, 0.85, 0.78), strict=True)))
def test_a_profile_finds_the_planted_taste_and_its_intervals_hold_it(kind: str, least: float) -> None:
    few, many = (profiles(kind, plays, listeners=60) for plays in (30, 400))
    assert few.covered >= least
    assert many.covered >= 0.87
    assert many.first >= 0.9
    assert few.first >= 0.6
    assert many.error < few.error / 2


def test_propensities_of_weekly_playlists_tell_what_always_taking_the_best_would_earn() -> None:
    station, chance = Station(6), np.random.default_rng(4)
    true = station.worth(1.0, ["any"])  # nothing is left to chance
    assert true == station.worth(1.0, ["another"])
    found = [station.estimates(f"2026-W{week:02}", 1.0, chance) for week in range(1, 49)]
    for method in ("ips", "dr", "snips"):
        means = np.array([each[method].mean for each in found])
        error = means.std(ddof=1) / np.sqrt(len(means))
        assert abs(means.mean() - true) < 3 * error, (method, means.mean(), true, error)
    logged = station.worth(0.5, [f"2026-W{week:02}" for week in range(1, 21)])
    assert true - logged > 0.05, "what was logged earns less, so that the weights had something to put right"
