"""The shipping rule: a pure function from what the tests say to a recommendation in plain words.

Rule 2 of Schultzberg, Ankargren, Frånberg (2024), arXiv 2402.11609: ship if at least one success metric is
significantly better, every guardrail is significantly within its margin, nothing is significantly worse,
and the sample ratio is not rejected. The plan has a fixed horizon, so before its end the answer is to
wait: reading a test early and often finds differences that are not there.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import Arm, Comparison, MetricResult, Quality, Verdict
from counterpoint.experiments.wording import change, count, day, means, p_value, percent, span, value

__all__ = ["decide", "recommend"]

Condition = Callable[[Comparison], Verdict | None]


def decide(
    plan: Experiment,
    *,
    arms: Sequence[Arm],
    quality: Quality,
    comparisons: Sequence[Comparison],
    last_exposure: datetime | None,
    as_of: datetime,
) -> Verdict:
    """Recommend what to do, from the first condition that decides.

    In this order: are there users, are the arms as planned, has the plan's end come, and then the rule
    for each treatment; a treatment that may ship outranks one that may not.
    """
    waiting = (
        _no_users(plan, arms)
        or _invalid(quality, arms)
        or _too_early(plan, arms, comparisons, last_exposure, as_of)
    )
    if waiting:
        return waiting
    found = [recommend(comparison) for comparison in comparisons]
    return min(found, key=lambda verdict: verdict.state != "ship")


def recommend(comparison: Comparison) -> Verdict:
    """Apply the rule to one treatment of a valid, finished experiment: the first failing condition decides."""
    for condition in CONDITIONS:
        if verdict := condition(comparison):
            return verdict
    return _ship(comparison)


def _no_users(plan: Experiment, arms: Sequence[Arm]) -> Verdict | None:
    if any(arm.users for arm in arms):
        return None
    return Verdict(
        state="keep running",
        sentence=f"There is nothing to read yet: the journal holds no exposure of {plan.flag} to {_either(plan.arms)}.",
        condition="exposures",
        would_change="Exposures fill this page: serve the flag to users through /ofrep/v1, or import them with"
        " `counterpoint import events FILE`; metric events come the same way.",
    )


def _invalid(quality: Quality, arms: Sequence[Arm]) -> Verdict | None:
    check = quality.sample_ratio
    if not check.rejected:
        return None
    sizes = " and ".join(f"{count(arm.users)} in {arm.variant} ({percent(arm.share)})" for arm in arms)
    planned = " to ".join(f"{arm.planned_share * 100:g}" for arm in arms)
    return Verdict(
        state="invalid",
        sentence=f"The experiment is invalid: the arms hold {sizes}, where {planned} was planned"
        f" (p {p_value(check.p)}, below {check.threshold:g}), so a difference between them may come from who is missing.",
        condition="sample ratio",
        would_change="Find why users are missing from an arm (redirects, crashes, filters, late logging, bots), mend it and start again;"
        " figures of this run are not evidence.",
    )


def _too_early(
    plan: Experiment,
    arms: Sequence[Arm],
    comparisons: Sequence[Comparison],
    last: datetime | None,
    as_of: datetime,
) -> Verdict | None:
    seen = " ".join(f"So far {_told(metric)}." for metric in _harmed(comparisons) or _leading(comparisons))
    if plan.end and as_of < plan.end and (last is None or last < plan.end):
        return Verdict(
            state="keep running",
            sentence=f"Keep running until {day(plan.end)}, the end that was planned. {seen}".strip(),
            condition="end",
            would_change="The planned end; reading the test before it, and again, finds differences that are not there."
            " Stopping early because of harm is always the squad's to decide.",
        )
    smallest = min(arms, key=lambda arm: arm.users)
    if plan.units_per_arm and smallest.users < plan.units_per_arm:
        return Verdict(
            state="keep running",
            sentence=f"Keep running: {smallest.variant} has {count(smallest.users)} of the {count(plan.units_per_arm)} users"
            f" that the plan asks of each arm. {seen}".strip(),
            condition="units",
            would_change=f"{count(plan.units_per_arm - smallest.users)} more users in {smallest.variant}.",
        )
    return None


def _harmed(comparisons: Sequence[Comparison]) -> list[MetricResult]:
    return [metric for comparison in comparisons for metric in comparison.metrics if metric.worse][:1]


def _leading(comparisons: Sequence[Comparison]) -> list[MetricResult]:
    return [metric for comparison in comparisons for metric in comparison.metrics if metric.p is not None][:1]


def _worse(comparison: Comparison) -> Verdict | None:
    """Nothing may be significantly worse, not even a guardrail that keeps within its margin."""
    harmed = [metric for metric in comparison.metrics if metric.worse]
    if not harmed:
        return None
    worst = min(harmed, key=lambda metric: metric.p or 0.0)
    also = f" ({len(harmed) - 1} more metrics are worse as well)" if len(harmed) > 1 else ""
    return Verdict(
        state="do not ship",
        sentence=f"Do not ship {comparison.treatment}: {worst.label} got significantly worse, {_figures(worst)}{also}.",
        condition=f"deterioration: {worst.name}",
        would_change=f"A changed {comparison.treatment} that does no harm to {worst.label}, in a new experiment.",
        treatment=comparison.treatment,
    )


def _no_success(comparison: Comparison) -> Verdict | None:
    """At least one success metric must be significantly better; a plan without any asks for none."""
    metrics = comparison.of_role("success")
    if not metrics or any(metric.holds for metric in metrics):
        return None
    nearest = min(metrics, key=lambda metric: 2.0 if metric.p is None else metric.p)
    if nearest.p is None:
        return Verdict(
            state="do not ship",
            sentence=f"Do not ship {comparison.treatment}: {nearest.label} could not be tested. {nearest.note}",
            condition=f"superiority: {nearest.name}",
            would_change=f"Events of type {nearest.event} of the users in these arms: `counterpoint import events FILE`.",
            treatment=comparison.treatment,
        )
    which = (
        f"in {nearest.label}"
        if len(metrics) == 1
        else f"in any of {len(metrics)} success metrics; nearest is {nearest.label}"
    )
    return Verdict(
        state="do not ship",
        sentence=f"Do not ship {comparison.treatment}: no clear change {which}, {_figures(nearest)}.",
        condition=f"superiority: {nearest.name}",
        would_change=_power(nearest),
        treatment=comparison.treatment,
    )


def _guardrail_open(comparison: Comparison) -> Verdict | None:
    """Every guardrail must be significantly within its margin: not knowing is not enough."""
    opened = [metric for metric in comparison.of_role("guardrail") if not metric.holds]
    if not opened:
        return None
    first = max(opened, key=lambda metric: 2.0 if metric.p is None else metric.p)
    better = [metric for metric in comparison.of_role("success") if metric.holds]
    although = f"although {_told(better[0])}, " if better else ""
    if first.p is None:
        shown = f"could not be tested against its margin. {first.note}"
    else:
        shown = f"is not shown to stay within its margin of {percent(first.margin)}, {_figures(first)}."
    return Verdict(
        state="do not ship",
        sentence=f"Do not ship {comparison.treatment}: {although}{first.label} {shown}",
        condition=f"non-inferiority: {first.name}",
        would_change=f"More users would tell whether {first.label} loses less than {percent(first.margin)};"
        " a wider margin is a decision to take before the next run, not after this one.",
        treatment=comparison.treatment,
    )


CONDITIONS: tuple[Condition, ...] = (_worse, _no_success, _guardrail_open)
"""The rule for one treatment, in the order in which a failing condition is named."""


def _ship(comparison: Comparison) -> Verdict:
    better = [metric for metric in comparison.of_role("success") if metric.holds]
    guardrails = comparison.of_role("guardrail")
    because = " and ".join(_told(metric) for metric in better)
    kept = _kept(guardrails)
    decided = better[0] if better else guardrails[0]
    return Verdict(
        state="ship",
        sentence=f"Ship {comparison.treatment}: {', and '.join(part for part in (because, kept) if part)}.",
        condition=f"{decided.hypotheses[0].kind}: {decided.name}",
        would_change="A metric that turns significantly worse, or a sample ratio mismatch; watch both while it reaches more users.",
        treatment=comparison.treatment,
    )


def _told(metric: MetricResult) -> str:
    """A metric with its figures as a clause: "retention rose by 4.3 % (…)"."""
    if abs(metric.difference) <= 1e-12 * abs(metric.control_mean):  # no more than rounding
        return f"{metric.label} did not move ({_inside(metric)})"
    verb = "rose" if metric.difference > 0 else "fell"
    size = change(metric).lstrip("+−")
    return f"{metric.label} {verb} by {size} ({_inside(metric)})"


def _figures(metric: MetricResult) -> str:
    return f"{change(metric)} ({_inside(metric)})"


def _inside(metric: MetricResult) -> str:
    interval = f", interval {span(metric)}" if span(metric) else ""
    missed = "" if metric.p is None or metric.p <= metric.alpha else f", above {metric.alpha:.3g}"
    return f"{means(metric)}{interval}, p {p_value(metric.p)}{missed}"


def _power(metric: MetricResult) -> str:
    if metric.detectable is None:
        return "More users."
    size = percent(metric.detectable) if metric.relative is not None else value(metric, metric.detectable)
    return (
        f"With {count(min(metric.control_users, metric.treatment_users))} users per arm a change of {size} or more would have been"
        f" shown with 80 % power for the whole rule; a smaller one needs more users."
    )


def _kept(guardrails: Sequence[MetricResult]) -> str:
    """What is said of guardrails that all hold; nothing where there are none."""
    if not guardrails:
        return ""
    if len(guardrails) > 1:
        bounded = all(metric.margin is not None for metric in guardrails)
        return f"all {len(guardrails)} guardrails {'stayed within their margins' if bounded else 'held'}"
    (metric,) = guardrails
    interval = f", interval {span(metric)}" if span(metric) else ""
    if metric.margin is None:
        return f"{metric.label} shows no harm ({change(metric)}{interval})"
    return f"{metric.label} stayed within its margin of {percent(metric.margin)} ({change(metric)}{interval})"


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
