"""When a fixed-power plan may be read: once the variance of all arms together says that users are enough. Pure.

The effect is never looked at, so a test at that moment keeps its level although the moment was not fixed:
Nordin, Schultzberg (2024), Precision-based designs for sequential randomized experiments, arXiv 2405.03487.
"""

import math
from collections.abc import Sequence

from counterpoint.experiments.decision import Condition, conditions
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import Totals
from counterpoint.stats import Moments
from counterpoint.stats.distributions import normal_quantile

__all__ = ["needed_per_arm"]


def needed_per_arm(plan: Experiment, totals: Totals, arms: Sequence[str] = ()) -> int | None:
    """Users that every arm needs for the whole decision; none for other plans, or without values to go by.

    `arms` are those that go on, where not all of the plan do; levels stay those of the whole plan.

    n = (z_α + z_β)²·2σ²/δ² for each condition that something must be shown for, σ² the pooled variance and δ
    the metric's `mde` or margin; the largest n counts.
    """
    if plan.reading.method != "fixed-power":
        return None
    costs, needed, arms = plan.costs, 0, arms or plan.arms
    for leaf in conditions(plan.tree):
        if leaf.word == "deterioration":
            continue
        effect = _effect(plan, leaf, totals, arms)
        variance = _pooled(arms, totals, leaf.metric)
        if effect is None or variance is None:
            return None
        share = costs[leaf]
        reach = normal_quantile(1 - share.alpha) + normal_quantile(1 - share.beta)
        needed = max(needed, math.ceil(2 * variance * (reach / effect) ** 2))
    return needed or None


def _pooled(variants: Sequence[str], totals: Totals, name: str) -> float | None:
    """The variance of all users of the arms, as if they were one sample."""
    arms = [arm for variant in variants if (arm := totals.arm(variant))]
    if len(arms) < len(variants):
        return None
    merged = Moments.merge(arm.metrics[name].moments for arm in arms if name in arm.metrics)
    return merged.variance or None


def _effect(plan: Experiment, leaf: Condition, totals: Totals, arms: Sequence[str]) -> float | None:
    target = plan.targets.get(leaf.metric)
    if leaf.word == "non-inferiority":
        guardrail = next(each for each in plan.guardrails if each.metric.name == leaf.metric)
        size, scale = guardrail.margin, guardrail.scale
    else:
        size, scale = (target.mde, target.scale) if target else (None, "relative")
    if size is None:
        return None
    if scale == "absolute":
        return size
    merged = Moments.merge(
        arm.metrics[leaf.metric].moments for variant in arms if (arm := totals.arm(variant))
    )
    return abs(merged.mean) * size or None
