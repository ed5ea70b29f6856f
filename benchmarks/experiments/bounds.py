"""CPU of the boundaries of 14, 30, 60 and 300 equal looks, uncached, beside spotify-confidence's solver.

The same work for both: α·t², one side of 0.025, every boundary from nothing. The peer lives in an environment of its own:

    python -m venv peers && peers/bin/pip install spotify-confidence==4.1.0
    PEERS=peers/bin/python python benchmarks/experiments/bounds.py

Without `PEERS` only ours is measured. The least of several rounds counts: what else runs only adds.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable

from counterpoint.stats import boundaries, next_boundary, type_one_error

LOOKS = (14, 30, 60, 300)
ROUNDS = 9
ALPHA = 0.025

PEER = """
import json, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from spotify_confidence.analysis.frequentist.sequential_bound_solver import bounds
found = {}
for looks in (14, 30, 60, 300):
    t = np.arange(1, looks + 1) / looks
    times = []
    for _ in range(3 if looks < 300 else 1):
        start = time.process_time()
        solved = bounds(t, alpha=0.025, rho=2.0, ztrun=8.0, sides=1)
        times.append(time.process_time() - start)
    found[looks] = [min(times), list(solved.bounds)]
print(json.dumps(found))
"""


def equal(looks: int) -> list[float]:
    """The shares of information of equally spaced looks."""
    return [(k + 1) / looks for k in range(looks)]


def least(work: Callable[[float], object], rounds: int = ROUNDS) -> float:
    """The least CPU seconds; each round has a level of its own, so that none is remembered."""
    times = []
    for place in range(rounds):
        start = time.process_time()
        work(ALPHA * (1 + 1e-9 * (place + 1)))
        times.append(time.process_time() - start)
    return min(times)


def one_after_the_other(alpha: float) -> None:
    """60 looks as an experiment has them: each from the looks that were made."""
    past = []
    for share in equal(60):
        past.append(next_boundary(past, share, alpha=alpha, sides=1))


def measure() -> dict[str, object]:
    """CPU seconds by number of looks, and how far the boundaries are from the peer's."""
    boundaries(equal(3))  # loads numpy and scipy
    figures: dict[str, object] = {"60 looks one after the other, s": round(least(one_after_the_other, 3), 4)}
    peer = os.environ.get("PEERS")
    found = None
    if peer:
        ran = subprocess.run([peer, "-c", PEER], capture_output=True, text=True, check=True)
        found = json.loads(ran.stdout)
    for looks in LOOKS:
        ours = boundaries(equal(looks), alpha=ALPHA, sides=1)
        figures[f"{looks} looks, one side, s"] = seconds = least(
            lambda alpha, looks=looks: boundaries(equal(looks), alpha=alpha, sides=1)
        )
        figures[f"{looks} looks, two sides, s"] = least(
            lambda alpha, looks=looks: boundaries(equal(looks), alpha=alpha)
        )
        if found:
            theirs, bounds = found[str(looks)]
            figures[f"{looks} looks, spotify-confidence, s"] = theirs
            figures[f"{looks} looks, times ours"] = round(theirs / seconds, 1)
            figures[f"{looks} looks, largest difference in z"] = max(
                abs(a - b) for a, b in zip(ours, bounds, strict=True)
            )
            figures[f"{looks} looks, error of theirs by ours"] = type_one_error(equal(looks), bounds, sides=1)
    return figures


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
