"""Whether a decision keeps what it promises, by simulation: its false positives and its power.

    python benchmarks/experiments/simulate_plan.py [--draws 200000] [--seed 1]

It draws the tests of S success metrics and G guardrails at levels and sizes that the decision's tree gives them,
correlated by ρ, and says how often the rule ships: with nothing better, and with one metric better by what it was sized
for. Plans with covariates and looks, of whole experiments and through the analysis, are in `simulate_looks`.
"""

import argparse
import math
import time

import numpy as np

from counterpoint.experiments import Experiment, Guardrail, Metric
from counterpoint.experiments.decision import Condition, answer, conditions
from counterpoint.stats.distributions import normal_quantile


def rule(successes: int, guardrails: int, decision: str) -> Experiment:
    """A plan with so many metrics."""
    return Experiment(
        name="e",
        flag="e",
        control="a",
        treatments=("b",),
        success=tuple(Metric(name=f"s{i}", event="s") for i in range(successes)),
        guardrails=tuple(Guardrail(Metric(name=f"g{i}", event="g"), 0.1) for i in range(guardrails)),
        decision=decision,  # type: ignore[arg-type]
    )


def shipped(plan: Experiment, rho: float, better: int, draws: int, rng: np.random.Generator) -> float:
    """Share of experiments that ship: `better` success metrics have their effect, guardrails have none."""
    costs = plan.costs
    names = [metric.name for metric in plan.metrics]
    common = rng.normal(size=(draws, 1))
    noise = math.sqrt(rho) * common + math.sqrt(1 - rho) * rng.normal(size=(draws, len(names)))
    met: dict[Condition, np.ndarray] = {}
    for leaf in conditions(plan.tree):
        share, place = costs[leaf], names.index(leaf.metric)
        bound = normal_quantile(1 - share.alpha)
        drift = 0.0
        if leaf.word == "superiority" and place < better:
            drift = bound + normal_quantile(1 - share.beta)
        if leaf.word == "non-inferiority":
            drift = bound + normal_quantile(1 - share.beta)
        own = 0.0
        if leaf.word == "deterioration" and place < better:
            own = normal_quantile(1 - costs[Condition("superiority", leaf.metric)].alpha) + normal_quantile(
                1 - costs[Condition("superiority", leaf.metric)].beta
            )
        z = noise[:, place]
        met[leaf] = z + own > -bound if leaf.word == "deterioration" else z + drift > bound
    leaves = list(met)
    codes = sum(met[leaf].astype(int) << bit for bit, leaf in enumerate(leaves))
    found, counts = np.unique(codes, return_counts=True)
    ships = [
        bool(answer(plan.tree, {leaf: bool(code >> bit & 1) for bit, leaf in enumerate(leaves)}))
        for code in found
    ]
    return float(counts[ships].sum() / draws)


def rules(draws: int, seed: int) -> None:
    """False positives and power of both rules over S, G and ρ."""
    print(
        f"{draws:,} draws; α = 0.05, β = 0.2; false positives with nothing better, power with one metric better"
    )
    print("rule    S  G  rho   false positives   power")
    for decision in ("rule-1", "rule-2"):
        for successes in (1, 3):
            for guardrails in (0, 1, 3, 5):
                for rho in (0.0, 0.5):
                    rng = np.random.default_rng(seed)
                    plan = rule(successes, guardrails, decision)
                    wrong = shipped(plan, rho, 0, draws, rng)
                    power = shipped(plan, rho, 1, draws, rng)
                    print(
                        f"{decision}  {successes}  {guardrails}  {rho:<4}  {wrong:>15.4f}  {power:>6.4f}",
                        flush=True,
                    )


def main() -> None:
    """Both rules."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.process_time()
    rules(given.draws, given.seed)
    print(f"\n{time.process_time() - started:.0f} CPU seconds")


if __name__ == "__main__":
    main()
