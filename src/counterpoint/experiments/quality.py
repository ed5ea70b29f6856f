"""Can the data bear a verdict? Tests beside the overall sample ratio: pure functions of the plan and its totals."""

import math
from collections.abc import Iterator

from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import QualityCheck
from counterpoint.experiments.sample_ratios import Found, by_day, by_value, over_time, told
from counterpoint.experiments.totals import Totals
from counterpoint.experiments.wording import count, percent
from counterpoint.stats import Moments, difference, sample_ratio
from counterpoint.stats.distributions import normal_tail

__all__ = ["MOST_CROSSED", "check", "warnings_of"]

MOST_CROSSED = 0.01
"""Share of users in several arms that is taken as noise of what identifies a user."""
LEAST_HEARD = 20
"""Events of the other arms from which it is told that an arm has none."""
LEAST_DUE = 5
"""Users that each arm should have before a chi-square test of them is trusted."""


def check(plan: Experiment, totals: Totals) -> tuple[QualityCheck, ...]:
    """All tests of the data that the totals allow; the plan's gates, and sizes before a trigger, make it invalid.

    Where the plan names none, the gates are the sample ratio by day, by segment and over time. A test that the plan
    names has its own level, or its share of α₋; the others have the threshold of the sample ratio, gates or not. Each keeps its level over all that it looks at (days, values, metrics) by Bonferroni's bound.
    """
    found = [
        *_before_trigger(plan, totals),
        *_by_day(plan, totals),
        *_by_segment(plan, totals),
        *_sequential(plan, totals),
        *_balance(plan, totals),
        *_traffic(plan, totals),
        *_crossover(plan, totals),
    ]
    done = {each.test for each in found}
    missing = [each.test for each in plan.declared if each.test not in done]
    return (*found, *(QualityCheck(test=test, state="no data", gates=True) for test in missing))


def warnings_of(plan: Experiment, totals: Totals) -> Iterator[str]:
    """What readers must know of who was counted, whatever the tests say."""
    if plan.trigger is not None and not plan.trigger.unaffected:
        measured = " It is also what a metric counts." if plan.trigger.event in _measured(plan) else ""
        yield (
            f"Users count from {plan.trigger.event}, which comes after they were assigned.{measured} If an arm can change"
            " who does that, the arms are no longer comparable, balanced or not. Send it in all arms where they would"
            " first differ, and say so with `unaffected: true`."
        )
    yield from _silent(plan, totals)
    yield from _incomplete(plan, totals)
    found = totals.quality
    if found is None:
        return
    if found.repeated:
        yield f"{count(found.repeated)} of {count(found.exposures)} exposures are there twice; each user counts once all the same."
    if found.strays:
        yield f"{count(found.strays)} users have a trigger that names another variant than the one they were assigned."
    if found.crossed and found.crossover is not None:
        yield (
            f"{count(found.crossed)} of {count(found.linked)} users ({percent(found.crossover)}) that links join to"
            " further ids saw several variants and are left out."
        )


def _silent(plan: Experiment, totals: Totals) -> Iterator[str]:
    """Arms from whose users no event of a metric came, while it came from others: often it is not sent there."""
    for metric in plan.metrics:
        groups = {
            arm: group for arm in plan.arms if (group := totals.arm(arm)) and metric.name in group.metrics
        }
        silent = [arm for arm, group in groups.items() if not group.metrics[metric.name].events]
        if silent and sum(group.metrics[metric.name].events for group in groups.values()) >= LEAST_HEARD:
            yield f"No event of type {' or '.join(metric.types)} came from users of {' and '.join(silent)}; check that it is sent in every arm."


def _incomplete(plan: Experiment, totals: Totals) -> Iterator[str]:
    """How many users do not count for a metric yet, since nobody knows the whole of their value."""
    groups = [group for arm in plan.arms if (group := totals.arm(arm))]
    whole = sum(group.users for group in groups)
    for metric in plan.metrics:
        waiting = sum(
            group.metrics[metric.name].incomplete for group in groups if metric.name in group.metrics
        )
        if waiting:
            yield f"The days of {metric.label} are not over for {count(waiting)} of {count(whole)} users, who do not count for it yet."


def _measured(plan: Experiment) -> set[str]:
    return {event for metric in plan.metrics for event in metric.types}


def _result(
    plan: Experiment,
    test: str,
    p: float | None,
    note: str = "",
    *,
    state: str = "tested",
    gates: bool = False,
) -> QualityCheck:
    gate = next((each for each in plan.gates if each.test == test), None)
    level = plan.srm_threshold if gate is None or gate.level is None else gate.level
    return QualityCheck(
        test=test,
        state=state,
        p=p,
        level=level,
        rejected=p is not None and p < level,
        gates=gates or gate is not None,
        note=note,
    )


def _before_trigger(plan: Experiment, totals: Totals) -> Iterator[QualityCheck]:
    """The sizes of all who were assigned, where the verdict is on those whom a trigger chose."""
    if plan.trigger is None:
        return
    groups = [totals.arm(arm) for arm in plan.arms]
    sizes = [(group.assigned or 0) if group else 0 for group in groups]
    if totals.quality is not None and totals.quality.assigned:
        sizes = [totals.quality.assigned.get(arm, 0) for arm in plan.arms]
    found = sample_ratio(sizes, plan.planned)
    kept = sum(group.users for group in groups if group)
    note = f"{count(sum(sizes))} users were assigned ({told(plan.arms, sizes)}); {count(kept)} of them count."
    yield _result(plan, "sample-ratio-before-trigger", found.p, note, state=found.state, gates=True)


def _by_day(plan: Experiment, totals: Totals) -> Iterator[QualityCheck]:
    if totals.quality is not None and totals.quality.days:
        yield _sized(plan, "sample-ratio-by-day", by_day(totals.quality.days, plan.arms, plan.planned))


def _by_segment(plan: Experiment, totals: Totals) -> Iterator[QualityCheck]:
    if totals.quality is not None and totals.quality.segments:
        found = by_value(totals.quality.segments, plan.arms, plan.planned)
        yield _sized(plan, "sample-ratio-by-segment", found)


def _sequential(plan: Experiment, totals: Totals) -> Iterator[QualityCheck]:
    if totals.quality is not None and totals.quality.days:
        yield _sized(plan, "sequential-sample-ratio", over_time(totals.quality.days, plan.arms, plan.planned))


def _sized(plan: Experiment, test: str, found: Found) -> QualityCheck:
    return _result(plan, test, found.p, found.note, state=found.state)


def _balance(plan: Experiment, totals: Totals) -> Iterator[QualityCheck]:
    """Welch's test of what each metric was before exposure, which no arm can have changed."""
    tested, untested = [], 0
    for metric in plan.metrics:
        for treatment in plan.treatments:
            arms = [totals.arm(plan.control), totals.arm(treatment)]
            pair = [
                list(_covariates(totals, group.variant or "", metric.name)) if group else [] for group in arms
            ]
            for one, other in zip(*pair, strict=False):
                found = difference(one, other)
                if found.p_two_sided is None:
                    untested += 1
                else:
                    tested.append((found.p_two_sided, metric.label, treatment, one.mean, other.mean))
    if not tested:
        if untested:
            yield _result(plan, "pre-exposure", None, state="no variance")
        return
    p, label, treatment, before, after = min(tested)
    note = (
        f"Farthest apart of {count(len(tested))}: {label} before exposure, {before:.4g} in {plan.control} and"
        f" {after:.4g} in {treatment}."
    )
    yield _result(plan, "pre-exposure", min(1.0, p * len(tested)), note)


def _covariates(totals: Totals, variant: str, name: str) -> Iterator[Moments]:
    group = totals.arm(variant)
    found = group.metrics[name] if group and name in group.metrics else None
    if found is None or found.comoments is None:
        return
    for column in range(2 if found.ratio else 1, len(found.comoments.means)):
        yield found.comoments.moments(column)


def _traffic(plan: Experiment, totals: Totals) -> Iterator[QualityCheck]:
    """The chance that an arm with its planned share gets nobody before its first day, or after its last, as is so here."""
    if totals.quality is None or not totals.quality.days:
        return
    days = [(each.name, each.of(plan.arms)) for each in totals.quality.days]
    tested = []
    for i, (arm, share) in enumerate(zip(plan.arms, plan.planned, strict=True)):
        seen = [number for number, (_, sizes) in enumerate(days) if sizes[i]]
        ends = (("after", days[seen[-1] + 1 :]), ("before", days[: seen[0]])) if seen else (("in", days),)
        for where, rest in ends:
            others = sum(sum(sizes) for _, sizes in rest)
            chance = math.exp(others * math.log1p(-share))
            tested.append(
                (chance, arm, where, others, days[seen[-1 if where == "after" else 0]][0] if seen else "")
            )
    p, arm, where, others, day = min(tested)
    note = ""
    if others:
        when = f"{where} {day}" if day else "at all"
        note = f"{arm} has no new user {when}, while the other arms have {count(others)}."
    yield _result(plan, "traffic", min(1.0, p * len(tested)), note)


def _crossover(plan: Experiment, totals: Totals) -> Iterator[QualityCheck]:
    """Whether more users are in several arms than noise explains; of linked users where there are links."""
    seen, crossed = sum(group.users for group in totals.groups), totals.mixed
    if totals.quality is not None and plan.links is not None:
        seen, crossed = totals.quality.linked, totals.quality.crossed
    if not seen:
        return
    due = seen * MOST_CROSSED
    note = f"{count(crossed)} of {count(seen)} users ({percent(crossed / seen)}) saw several variants."
    if due < LEAST_DUE:
        yield _result(plan, "crossover", None, note, state="too few units")
        return
    z = (crossed - 0.5 - due) / math.sqrt(due * (1 - MOST_CROSSED))
    yield _result(plan, "crossover", normal_tail(z), note)
