"""What is wrong with the plan of an experiment: every contradiction at once, each with its place. Pure."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from counterpoint.errors import Problem
from counterpoint.experiments.decision import answer, conditions
from counterpoint.experiments.exposure import exposure_problems
from counterpoint.experiments.measures import metric_problems
from counterpoint.experiments.stopping import stopping_problems

if TYPE_CHECKING:
    from counterpoint.experiments.model import Experiment

__all__ = ["plan_problems"]


def plan_problems(plan: "Experiment") -> Iterator[Problem]:
    """The contradictions of a plan, with pointers into its descriptor."""
    if not plan.treatments:
        yield Problem("There is no treatment; name at least one variant.", "/spec/treatments")
    for arm, times in Counter(plan.arms).items():
        if times > 1:
            yield Problem(
                f"The variant {arm} is named {times} times; every arm needs its own.", "/spec/treatments"
            )
    if not plan.success and not plan.guardrails:
        yield Problem("There is nothing to decide by; name a success metric or a guardrail.", "/spec/success")
    if plan.units_per_arm is not None and plan.units_per_arm < 1:
        yield Problem(
            f"unitsPerArm is {plan.units_per_arm}; it is the number of users that each arm must have.",
            "/spec/unitsPerArm",
        )
    yield from _share_problems(plan)
    yield from _level_problems(plan)
    yield from _margin_problems(plan)
    yield from _target_problems(plan)
    for metric in plan.metrics:
        yield from metric_problems(metric)
    yield from exposure_problems(plan.trigger, plan.links)
    if plan.start and plan.end and plan.end <= plan.start:
        yield Problem("The end is not after the start.", "/spec/end")
    if plan.stopping is not None:
        yield from stopping_problems(plan.stopping)
    if plan.kind == "rollout":
        yield from _rollout_problems(plan)
    yield from _decision_problems(plan)
    yield from _power_problems(plan)


def _share_problems(plan: "Experiment") -> Iterator[Problem]:
    for arm in plan.arms if plan.shares else ():
        if not 0 < plan.shares.get(arm, 0) < math.inf:
            yield Problem(
                f"The arm {arm} has no share above 0 that is finite; give every arm one, or leave shares out.",
                f"/spec/shares/{arm}",
            )
    for variant in plan.shares.keys() - set(plan.arms):
        yield Problem(
            f"{variant} has a share and is neither control nor treatment; the arms are {', '.join(plan.arms)}.",
            f"/spec/shares/{variant}",
        )


def _level_problems(plan: "Experiment") -> Iterator[Problem]:
    levels = [("alpha", plan.alpha, 0.5), ("beta", plan.beta, 1.0), ("srmThreshold", plan.srm_threshold, 1.0)]
    if plan.alpha_minus is not None:
        levels.append(("alphaMinus", plan.alpha_minus, 0.5))
        if plan.alpha_minus >= plan.beta:
            yield Problem(
                f"alphaMinus is {plan.alpha_minus:g} and beta {plan.beta:g}; tests of harm and quality stop some"
                " good changes too, so their level must be below beta.",
                "/spec/alphaMinus",
            )
    for name, value, most in levels:
        if not 0 < value < most:
            yield Problem(f"{name} is {value:g}; it must be above 0 and below {most:g}.", f"/spec/{name}")
    for index, test in enumerate(plan.declared):
        if test.level is not None and not 0 < test.level < 1:
            yield Problem(
                f"The level of {test.test} is {test.level:g}; it must be above 0 and below 1.",
                f"/spec/quality/{index}/level",
            )
    for name, times in Counter(test.test for test in plan.declared).items():
        if times > 1:
            yield Problem(f"The quality test {name} is named {times} times.", "/spec/quality")


def _margin_problems(plan: "Experiment") -> Iterator[Problem]:
    for index, guardrail in enumerate(plan.guardrails):
        if guardrail.margin is None:
            continue
        place = f"/spec/guardrails/{index}/margin"
        if guardrail.scale == "absolute":
            if not guardrail.margin > 0:
                yield Problem(
                    f"The margin of {guardrail.metric.name} is {guardrail.margin:g}; it must be above 0.",
                    place,
                )
        elif not 0 < guardrail.margin < 1:
            yield Problem(
                f"The margin of {guardrail.metric.name} is {guardrail.margin:g}; it is a share of the control"
                " mean, above 0 and below 1 (0.01 is 1 %). For one in the metric's unit write scale: absolute.",
                place,
            )


def _target_problems(plan: "Experiment") -> Iterator[Problem]:
    known = {metric.name for metric in plan.metrics}
    for name, target in plan.targets.items():
        if name not in known:
            yield Problem(f"{name} has a target and is no metric of the plan.", "/spec/success")
        for field, value, good in (
            ("mde", target.mde, (target.mde or 1) > 0),
            ("sd", target.sd, (target.sd or 1) > 0),
            ("correlation", target.correlation, -1 < (target.correlation or 0) < 1),
        ):
            if value is not None and not (good and value == value):
                limits = "between -1 and 1" if field == "correlation" else "above 0"
                yield Problem(f"{field} of {name} is {value:g}; it must be {limits}.", "/spec/success")


def _power_problems(plan: "Experiment") -> Iterator[Problem]:
    if plan.reading.method != "fixed-power":
        return
    for leaf in conditions(plan.tree):
        target = plan.targets.get(leaf.metric)
        if leaf.word == "superiority" and (target is None or target.mde is None):
            yield Problem(
                f"A fixed-power plan ends when {leaf.metric} can show its `mde`, the smallest change worth"
                " detecting; give it one.",
                "/spec/success",
            )


def _rollout_problems(plan: "Experiment") -> Iterator[Problem]:
    if len(plan.treatments) > 1:
        yield Problem(
            f"A rollout compares two variants, and this one has {len(plan.treatments)} treatments; name one, or"
            " leave kind out for a test.",
            "/spec/treatments",
        )
    if plan.success:
        yield Problem(
            "A rollout has guardrails only; test first what should get better (leave kind out).",
            "/spec/success",
        )
    if plan.stopping is not None and plan.stopping.method in {"fixed", "fixed-power"}:
        yield Problem(
            f"A rollout is read all the time, and the method {plan.stopping.method} is read once; write"
            " confidence-sequence or group-sequential, or leave stopping out.",
            "/spec/stopping/method",
        )


def _decision_problems(plan: "Experiment") -> Iterator[Problem]:
    if isinstance(plan.decision, str):
        return
    roles = {
        "superiority": {metric.name for metric in plan.success},
        "non-inferiority": {each.metric.name for each in plan.guardrails if each.margin is not None},
        "deterioration": {metric.name for metric in plan.metrics},
    }
    words = {
        "superiority": "better needs a success metric",
        "non-inferiority": "within needs a guardrail with a margin",
        "deterioration": "notWorse needs a metric of the plan",
    }
    for leaf in conditions(plan.decision):
        if leaf.metric not in roles[leaf.word]:
            there = ", ".join(sorted(roles[leaf.word])) or "none"
            yield Problem(
                f"The decision names {leaf.metric}, but {words[leaf.word]}; there is {there}.",
                "/spec/decision",
            )
    calm = {leaf: leaf.word == "deterioration" for leaf in conditions(plan.decision)}
    if answer(plan.decision, calm):
        yield Problem(
            "The decision could be to ship though nothing was shown, only because nothing is worse; let it need a"
            " condition better or within.",
            "/spec/decision",
        )
