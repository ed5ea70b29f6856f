"""Planted truths found again: tastes by profiles, with the coverage of their intervals; other policies' worth from logs.

    python benchmarks/discover/planted.py [--listeners 1000] [--weeks 400]

Profiles after 10 to 1,000 plays of three kinds of listeners (`tests/discover/simulation.py` plants them). Off-policy
estimates of two greedier ways of exploring, from weekly playlists that were logged with their propensities: the bias over
all weeks beside its standard error, and how often the 95 % interval of one week has the truth. The truth of always taking
the best is exact; that of a greed of 0.8 comes from ten times as many weeks of it.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.discover.simulation import TASTES, Station, profiles

PLAYS = (10, 30, 100, 300, 1000)


def found(listeners: int) -> dict[str, object]:
    """How often profiles have the planted taste."""
    figures: dict[str, object] = {}
    for kind in TASTES:
        for plays in PLAYS:
            each = profiles(kind, plays, listeners=listeners, seed=1)
            figures[f"{kind}, {plays} plays"] = {
                "first genre found": round(each.first, 3),
                "covered by the 90 % interval": round(each.covered, 3),
                "mean error of a share": round(each.error, 4),
            }
    return figures


def judged(weeks: int, listeners: int = 20) -> dict[str, object]:
    """Bias and coverage of off-policy estimates."""
    station, chance = Station(listeners), np.random.default_rng(0)
    figures: dict[str, object] = {}
    for greed in (0.8, 1.0):
        true = station.worth(greed, [f"true {week}" for week in range(1 if greed == 1 else 10 * weeks)])
        logged = [station.estimates(f"week {week}", greed, chance) for week in range(weeks)]
        for method in ("ips", "snips", "dr"):
            means = np.array([each[method].mean for each in logged])
            inside = [each[method].low <= true <= each[method].high for each in logged]
            error = means.std(ddof=1) / np.sqrt(weeks)
            figures[f"greed {greed}, {method}"] = {
                "truth": round(true, 4),
                "bias": round(float(means.mean() - true), 5),
                "standard errors": round(float((means.mean() - true) / error), 2),
                "covered by the 95 % interval": round(float(np.mean(inside)), 3),
            }
    return figures


def measure(listeners: int = 1000, weeks: int = 400) -> dict[str, object]:
    """Both."""
    return {"profiles": found(listeners), "off-policy": judged(weeks)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--listeners", type=int, default=1000)
    parser.add_argument("--weeks", type=int, default=400)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.listeners, asked.weeks), indent=2))
