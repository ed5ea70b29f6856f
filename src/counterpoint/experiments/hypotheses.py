"""From sufficient statistics to what each metric's tests say: pure functions of plan and totals."""

import math

from counterpoint.experiments.model import Experiment, Guardrail, Metric
from counterpoint.experiments.result import (
    Arm,
    Comparison,
    Hypothesis,
    MetricResult,
    Outcome,
    Quality,
    Range,
    SampleRatioCheck,
)
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.experiments.wording import count, percent
from counterpoint.stats import (
    Contrast,
    Interval,
    Moments,
    beta_each,
    contrast,
    difference,
    noninferiority,
    relative,
    sample_ratio,
)
from counterpoint.stats.distributions import normal_quantile

__all__ = ["MIXED_WARNING", "arms_of", "compare", "quality_of"]

MIXED_WARNING = 0.01
"""Share of users in several arms above which the quality is doubted."""
POWER = 0.8
"""Power that the smallest detectable change is told for."""

NOTHING = MetricTotals(Moments(0, 0.0, 0.0))


def arms_of(plan: Experiment, totals: Totals) -> tuple[Arm, ...]:
    """The plan's arms with their users and shares."""
    sizes = _sizes(plan, totals)
    whole = sum(sizes)
    return tuple(
        Arm(
            variant=variant,
            role="control" if variant == plan.control else "treatment",
            users=users,
            share=users / whole if whole else None,
            planned_share=planned,
        )
        for variant, users, planned in zip(plan.arms, sizes, plan.planned, strict=True)
    )


def quality_of(plan: Experiment, totals: Totals) -> Quality:
    """Check the arms' sizes against the plan, and count who and what was left out."""
    found = sample_ratio(_sizes(plan, totals), plan.planned)
    seen = sum(group.users for group in totals.groups)
    share = totals.mixed / seen if seen else 0.0
    unknown = {
        group.variant or "(no variant)": group.users
        for group in totals.groups
        if not group.mixed and group.variant not in plan.arms
    }
    warnings = []
    if share > MIXED_WARNING:
        warnings.append(
            f"{count(totals.mixed)} users ({percent(share)}) saw several variants and are left out; above"
            f" {percent(MIXED_WARNING, places=0)} the arms may no longer be comparable. Check what identifies a user."
        )
    if unknown:
        names = ", ".join(f"{variant} ({count(users)})" for variant, users in unknown.items())
        warnings.append(f"Users saw variants that the plan does not name and are left out: {names}.")
    if totals.outside:
        warnings.append(f"{count(totals.outside)} exposures lie outside the plan's dates and do not count.")
    warnings += _blanks(plan, totals)
    return Quality(
        sample_ratio=SampleRatioCheck(
            state=found.state,
            p=found.p,
            statistic=found.statistic,
            df=found.df,
            threshold=plan.srm_threshold,
            rejected=found.p is not None and found.p < plan.srm_threshold,
            observed=found.observed,
            expected=found.expected,
        ),
        mixed_users=totals.mixed,
        mixed_share=share,
        unknown_users=unknown,
        outside_exposures=totals.outside,
        early_events=sum(group.early for group in totals.groups),
        late_events=sum(group.late for group in totals.groups),
        warnings=tuple(warnings),
    )


def _blanks(plan: Experiment, totals: Totals) -> list[str]:
    """A warning for each metric with events whose value is no number: they would pass as nothing at all."""
    found = []
    for metric in plan.metrics:
        counted = [group.metrics[metric.name] for group in totals.groups if metric.name in group.metrics]
        if blank := sum(each.blank for each in counted):
            found.append(
                f"{count(blank)} of {count(sum(each.events for each in counted))} events of {' and '.join(metric.types)} have"
                f" no number in {metric.field} and add nothing to {metric.label}. Mend what sends them."
            )
    return found


def _sizes(plan: Experiment, totals: Totals) -> list[int]:
    return [arm.users if (arm := totals.arm(variant)) else 0 for variant in plan.arms]


def compare(plan: Experiment, totals: Totals, treatment: str) -> Comparison:
    """Test every metric of the plan for one treatment: success metrics first, then guardrails."""
    control_arm, treated_arm = totals.arm(plan.control), totals.arm(treatment)
    roles: list[tuple[Metric, Guardrail | None]] = [(metric, None) for metric in plan.success]
    roles += [(guardrail.metric, guardrail) for guardrail in plan.guardrails]
    return Comparison(
        treatment,
        tuple(
            _metric(plan, metric, guardrail, treatment, _of(control_arm, metric), _of(treated_arm, metric))
            for metric, guardrail in roles
        ),
    )


def _of(arm: ArmTotals | None, metric: Metric) -> MetricTotals:
    return arm.metrics[metric.name] if arm else NOTHING


def _metric(
    plan: Experiment,
    metric: Metric,
    guardrail: Guardrail | None,
    treatment: str,
    control: MetricTotals,
    treated: MetricTotals,
) -> MetricResult:
    levels, gain = plan.levels, metric.gain
    margin = guardrail.margin if guardrail else None
    welch = difference(control.moments, treated.moments, alpha=plan.alpha)
    tests = _tests(plan, metric, guardrail, control.moments, treated.moments)
    role_test = tests[0]
    # The bad side is bounded by the role's test and the good side by that of deterioration, so the
    # interval agrees with both; a metric that should fall has its bad side on the right.
    good, bad = role_test.alpha, levels.deterioration
    errors = (good, bad) if gain > 0 else (bad, good)
    nulls = (-(margin or 0.0), 0.0) if gain > 0 else (0.0, margin or 0.0)
    plain = contrast(control.moments, treated.moments)
    share = relative(control.moments, treated.moments, *errors, nulls=nulls)
    outcome = _outcome(guardrail, tests)
    decides = tests[-1] if outcome == "worse" else role_test
    return MetricResult(
        name=metric.name,
        label=metric.label,
        ref=metric.ref,
        role="guardrail" if guardrail else "success",
        treatment=treatment,
        direction=metric.direction,
        aggregation=metric.aggregation,
        event=metric.types[0],
        unit=metric.unit,
        margin=margin,
        outcome=outcome,
        note=_note(metric, role_test, control, treated),
        control_users=control.moments.n,
        treatment_users=treated.moments.n,
        control_mean=welch.control_mean,
        treatment_mean=welch.treatment_mean,
        difference=welch.estimate,
        se=welch.se,
        df=welch.df,
        t=welch.statistic,
        p=decides.p,
        p_two_sided=welch.p_two_sided,
        alpha=decides.alpha,
        interval=_range(plain.interval(*errors)) if plain else None,
        interval_level=1 - good - bad if plain else None,
        interval_two_sided=_range(welch.interval) if welch.interval else None,
        relative=share.estimate if share else None,
        relative_interval=_range(share.interval) if share else None,
        detectable=_detectable(plan, role_test, plain, control.moments, relative_scale=share is not None),
        hypotheses=tests,
        control_events=control.events,
        treatment_events=treated.events,
    )


def _tests(
    plan: Experiment, metric: Metric, guardrail: Guardrail | None, control: Moments, treated: Moments
) -> tuple[Hypothesis, ...]:
    """The test of the role first, that of deterioration last; a guardrail without margin has the latter only."""
    levels, gain = plan.levels, metric.gain
    found = difference(control, treated, side="greater" if gain > 0 else "less")

    def welch(kind: str, p: float | None, alpha: float, sign: int) -> Hypothesis:
        return Hypothesis(
            kind=kind,  # type: ignore[arg-type]
            state=found.state,
            alpha=alpha,
            p=p,
            statistic=None if found.statistic is None else sign * found.statistic,
            df=found.df,
            rejected=p is not None and p <= alpha,
        )

    up, down = (found.p_greater, found.p_less) if gain > 0 else (found.p_less, found.p_greater)
    deterioration = welch("deterioration", down, levels.deterioration, -gain)
    if guardrail is None:
        return (welch("superiority", up, levels.success, gain), deterioration)
    if guardrail.margin is None:
        return (deterioration,)
    within = noninferiority(control, treated, margin=guardrail.margin, direction=metric.direction)
    return (
        Hypothesis(
            kind="non-inferiority",
            state=within.state,
            alpha=levels.guardrail,
            p=within.p,
            statistic=within.statistic,
            df=within.df,
            rejected=within.p is not None and within.p <= levels.guardrail,
        ),
        deterioration,
    )


def _outcome(guardrail: Guardrail | None, tests: tuple[Hypothesis, ...]) -> Outcome:
    role_test, deterioration = tests[0], tests[-1]
    if deterioration.rejected:
        return "worse"
    if role_test.state != "tested":
        return "not tested"
    if guardrail is None:
        return "better" if role_test.rejected else "no clear change"
    if guardrail.margin is None:
        return "no harm seen"
    return "within margin" if role_test.rejected else "margin not shown"


def _note(metric: Metric, test: Hypothesis, control: MetricTotals, treated: MetricTotals) -> str:
    if not control.events + treated.events:
        return f"No event of type {' or '.join(metric.types)} is of a user in these arms and after the first exposure."
    reasons = {
        "too few units": "An arm has fewer than two users.",
        "no variance": "All users have the same value, so there is nothing to test.",
        "no share": "The control mean is not above 0, so a margin that is a share of it has no meaning.",
    }
    return reasons.get(test.state, "")


def _detectable(
    plan: Experiment, test: Hypothesis, plain: Contrast | None, control: Moments, *, relative_scale: bool
) -> float | None:
    """What the arms, as large and as noisy as they are, would have shown with the usual power."""
    if plain is None:
        return None
    beta = beta_each(1 - POWER, successes=len(plan.success), guardrails=len(plan.guardrails))
    size = (normal_quantile(1 - test.alpha) + normal_quantile(1 - beta)) * plain.se
    return size / control.mean if relative_scale else size


def _range(interval: Interval) -> Range:
    low, high = interval.low, interval.high
    return Range(low if math.isfinite(low) else None, high if math.isfinite(high) else None)
