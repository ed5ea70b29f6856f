"""How often adjusted means of few units differ significantly where nothing does, by simulation.

    python benchmarks/experiments/false_alarms.py [--runs 1500] [--seed 1]

For each case and each kind of slopes: the share of experiments without an effect whose two-sided p is at most 5 %. The
covariates together explain half of the outcome's variance; in some cases the arms have other variances and slopes.
"""

import argparse

import numpy as np

from counterpoint.stats import Comoments, CovariatePair, Slopes

KINDS: tuple[Slopes, ...] = ("per-arm", "pooled", "within")
CASES = [
    # units of the control and of the treatment, covariates, noise of the control, slope of the treatment
    (10, 10, 1, 1.0, 1.0),
    (10, 10, 3, 1.0, 1.0),
    (10, 10, 5, 1.0, 1.0),
    (20, 20, 3, 1.0, 1.0),
    (20, 20, 5, 1.0, 1.0),
    (50, 50, 5, 1.0, 1.0),
    (50, 50, 10, 1.0, 1.0),
    (10, 40, 3, 1.0, 1.0),
    (10, 40, 3, 2.0, 1.0),
    (10, 40, 3, 2.0, -0.5),
    (20, 20, 3, 2.0, -0.5),
    (15, 15, 5, 2.0, 1.0),
]


def alarms(
    case: tuple[int, int, int, float, float], runs: int, random: np.random.Generator
) -> dict[str, float]:
    """The share of significant differences for each kind of slopes."""
    n, m, k, noise, slope = case
    found = dict.fromkeys(KINDS, 0)
    for _ in range(runs):
        arms = []
        for units, spread, times in ((n, noise, 1.0), (m, 1.0, slope)):
            x = random.normal(size=(units, k))
            y = times * x.sum(axis=1) / np.sqrt(k) + spread * random.normal(size=units)
            arms.append(Comoments.of(np.column_stack([y, x])))
        for kind in KINDS:
            contrast = CovariatePair(arms[0], arms[1], kind).contrast()
            found[kind] += contrast is not None and contrast.p_two_sided() <= 0.05
    return {kind: count / runs for kind, count in found.items()}


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    random = np.random.default_rng(chosen.seed)
    for case in CASES:
        shares = ", ".join(f"{kind} {share:.1%}" for kind, share in alarms(case, chosen.runs, random).items())
        print(
            f"{case[0]} and {case[1]} units, {case[2]} covariates, noise {case[3]}, slope {case[4]}: {shares}",
            flush=True,
        )


if __name__ == "__main__":
    main()
