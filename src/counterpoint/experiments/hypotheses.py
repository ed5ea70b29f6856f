"""From sufficient statistics to what each metric's tests say: pure functions of plan and totals."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from msgspec.structs import replace

from counterpoint.experiments.beside import EXACT, credence_of, is_all_or_nothing, with_exact
from counterpoint.experiments.decision import Condition, Share, Word
from counterpoint.experiments.estimates import Estimates, estimates_of
from counterpoint.experiments.looks import Reading
from counterpoint.experiments.model import Experiment, Guardrail, Metric, Scale
from counterpoint.experiments.quality import check, warnings_of
from counterpoint.experiments.result import (
    Arm,
    Comparison,
    Figures,
    Hypothesis,
    MetricResult,
    Outcome,
    Quality,
    Range,
    Role,
    SampleRatioCheck,
)
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.experiments.wording import count, p_value, percent
from counterpoint.stats import (
    Contrast,
    Interval,
    Moments,
    Pair,
    difference,
    noninferiority,
    relative,
    sample_ratio,
)
from counterpoint.stats.distributions import normal_quantile

__all__ = ["MIXED_WARNING", "arms_of", "compare", "quality_of", "range_of", "withhold"]

MIXED_WARNING = 0.01
"""Share of users in several arms above which the quality is doubted."""
NOTHING = MetricTotals(Moments(0, 0.0, 0.0))


def arms_of(plan: Experiment, totals: Totals, stopped: Collection[str] = ()) -> tuple[Arm, ...]:
    """The plan's arms with their users and shares; `stopped` are treatments that do not go on."""
    sizes = _sizes(plan, totals)
    whole = sum(sizes)
    return tuple(
        Arm(
            variant=variant,
            role="control" if variant == plan.control else "treatment",
            users=users,
            share=users / whole if whole else None,
            planned_share=planned,
            stopped=variant in stopped,
        )
        for variant, users, planned in zip(plan.arms, sizes, plan.planned, strict=True)
    )


def quality_of(plan: Experiment, totals: Totals, going: Experiment | None = None) -> Quality:
    """Check the arms' sizes against the plan, and count who and what was left out.

    `going` is the plan of the arms that are compared, where some were stopped.
    """
    compared = going or plan
    found = sample_ratio(_sizes(compared, totals), compared.planned)
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
    checks = check(compared, totals)
    warnings += [
        f"{each.test.replace('-', ' ').capitalize()} is not as it should be (p {p_value(each.p)}, below {each.level:g})."
        f" {each.note} The plan does not name this test under quality, so it does not make the experiment invalid."
        for each in checks
        if each.rejected and not each.gates
    ]
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
        warnings=(*warnings, *warnings_of(compared, totals)),
        checks=checks,
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


def compare(plan: Experiment, totals: Totals, treatment: str, reading: Reading) -> Comparison:
    """Test every metric of the plan for one treatment: success metrics, guardrails, then those watched for harm."""
    control_arm, treated_arm = totals.arm(plan.control), totals.arm(treatment)
    roles: list[tuple[Role, Metric, Guardrail | None]] = [("success", each, None) for each in plan.success]
    roles += [("guardrail", each.metric, each) for each in plan.guardrails]
    tested = {metric.name for _, metric, _ in roles}
    roles += [("deterioration", each, None) for each in plan.deterioration if each.name not in tested]
    return Comparison(
        treatment,
        tuple(
            _metric(
                _Case(plan, reading, role, metric, guardrail, treatment),
                _of(control_arm, metric),
                _of(treated_arm, metric),
            )
            for role, metric, guardrail in roles
        ),
    )


def _of(arm: ArmTotals | None, metric: Metric) -> MetricTotals:
    return arm.metrics[metric.name] if arm else NOTHING


@dataclass(frozen=True)
class _Case:
    """One metric in one role of one treatment."""

    plan: Experiment
    reading: Reading
    role: Role
    metric: Metric
    guardrail: Guardrail | None
    treatment: str

    @property
    def margin(self) -> float | None:
        return self.guardrail.margin if self.guardrail else None

    @property
    def kind(self) -> Word:
        """The test of its role."""
        if self.role == "success":
            return "superiority"
        return "deterioration" if self.margin is None else "non-inferiority"

    @property
    def share(self) -> Share:
        """What the test of its role may spend; one that the decision does not name is as under the rules."""
        levels = self.plan.levels
        alpha = {
            "superiority": levels.success,
            "non-inferiority": levels.guardrail,
            "deterioration": levels.deterioration,
        }[self.kind]
        found = self.plan.costs.get(Condition(self.kind, self.metric.name))
        return found if found and found.beta > 0 else Share(alpha, self.plan.beta)

    @property
    def total(self) -> float:
        """Level of the test of its role over all readings."""
        return self.plan.levels.deterioration if self.kind == "deterioration" else self.share.alpha

    @property
    def role_level(self) -> float:
        return self.harm_level if self.kind == "deterioration" else self.reading.level(self.total)

    @property
    def secret(self) -> bool:
        """Whether its effect is not to be seen yet: that of a success metric, in whatever further role it stands."""
        return not self.reading.open and any(each.name == self.metric.name for each in self.plan.success)

    @property
    def harm_level(self) -> float:
        return self.reading.harm_level(self.plan.levels.deterioration)


def _metric(case: _Case, control: MetricTotals, treated: MetricTotals) -> MetricResult:
    plan, metric, guardrail = case.plan, case.metric, case.guardrail
    estimates = estimates_of(plan, metric, control, treated)
    pair = estimates.pair
    found_of = difference(pair, alpha=plan.alpha)
    tests = _tests(case, pair)
    role_test, harm = tests[0], tests[-1]
    withheld = role_test.state == "withheld"
    # The bad side is bounded by the role's test and the good side by that of deterioration, so the
    # interval agrees with both; a metric that should fall has its bad side on the right.
    good, bad = None if withheld else role_test.alpha, harm.alpha
    errors = (good, bad) if metric.gain > 0 else (bad, good)
    shown = _figures(case, pair, errors)
    plain = pair.contrast()
    once = case.reading.stopping.method in {"fixed", "fixed-power"} and case.reading.final and not withheld
    outcome = _outcome(case, tests)
    decides = harm if outcome == "worse" or withheld else role_test
    found = MetricResult(
        name=metric.name,
        label=metric.label,
        ref=metric.ref,
        role=case.role,
        treatment=case.treatment,
        direction=metric.direction,
        aggregation=metric.aggregation,
        event=metric.types[0],
        unit=metric.unit,
        margin=case.margin,
        margin_scale=guardrail.scale if guardrail else "relative",
        outcome=outcome,
        note=_note(metric, role_test, control, treated)
        or (EXACT if is_all_or_nothing(metric, pair) else estimates.note),
        control_users=control.moments.n,
        treatment_users=treated.moments.n,
        control_mean=shown.control_mean,
        treatment_mean=shown.treatment_mean,
        difference=shown.difference,
        se=shown.se,
        df=found_of.df,
        t=found_of.statistic,
        p=decides.p,
        p_two_sided=found_of.p_two_sided if once else None,
        alpha=decides.alpha,
        interval=shown.interval,
        interval_level=1 - (good or 0.0) - bad if plain else None,
        interval_two_sided=range_of(found_of.interval) if found_of.interval and once else None,
        relative=shown.relative,
        relative_interval=shown.relative_interval,
        detectable=_detectable(case, role_test, plain, pair, relative_scale=shown.relative is not None),
        unadjusted=_figures(case, estimates.unadjusted, errors) if estimates.unadjusted else None,
        uncapped=_figures(case, estimates.uncapped, errors) if estimates.uncapped else None,
        variance_reduction=_reduction(estimates),
        credence=credence_of(metric, pair, plan.alpha),
        hypotheses=tests,
        control_events=control.events,
        treatment_events=treated.events,
    )
    if case.secret and not harm.rejected:
        return withhold(found, case.reading.progress.why)
    return found


def _figures(case: _Case, pair: Pair, errors: tuple[float | None, float | None]) -> Figures:
    """Means, difference and intervals of a pair, each end bounded by the test on its side."""
    plain = pair.contrast()
    share = relative(pair, below=errors[0], above=errors[1], nulls=_nulls(case, "relative"))
    return Figures(
        control_mean=pair.control,
        treatment_mean=pair.treatment,
        difference=pair.treatment - pair.control,
        se=plain.se if plain else None,
        interval=range_of(plain.interval(*errors, nulls=_nulls(case, "absolute"))) if plain else None,
        relative=share.estimate if share else None,
        relative_interval=range_of(share.interval) if share else None,
    )


def _reduction(estimates: Estimates) -> float | None:
    """Share of the difference's variance that the covariates took away."""
    raw = estimates.unadjusted.contrast() if estimates.unadjusted else None
    adjusted = estimates.pair.contrast()
    return 1 - (adjusted.se / raw.se) ** 2 if raw and adjusted else None


def _nulls(case: _Case, scale: Scale) -> tuple[float, float]:
    """The changes on a scale that the low and the high end of an interval are tested against."""
    own = case.guardrail.scale if case.guardrail else "relative"
    margin = (case.margin or 0.0) if own == scale else 0.0
    return (-margin, 0.0) if case.metric.gain > 0 else (0.0, margin)


def withhold(metric: MetricResult, why: str) -> MetricResult:
    """The metric without anything that would tell its effect; whether it does harm stays."""
    tests = tuple(
        replace(test, p=None, statistic=None, df=None, state="withheld", rejected=False)
        if test.kind != "deterioration"
        else replace(test, p=None, statistic=None, df=None)
        for test in metric.hypotheses
    )
    return replace(
        metric,
        outcome="worse" if metric.worse else "not read yet",
        note=metric.note or why,
        treatment_mean=None,
        difference=None,
        se=None,
        df=None,
        t=None,
        p=None,
        p_two_sided=None,
        interval=None,
        interval_level=None,
        interval_two_sided=None,
        relative=None,
        relative_interval=None,
        detectable=None,
        hypotheses=tests,
        unadjusted=None,
        uncapped=None,
        variance_reduction=None,
        credence=None,
        shrunk=None,
    )


def _tests(case: _Case, pair: Pair) -> tuple[Hypothesis, ...]:
    """The test of the role first, that of deterioration last; a guardrail without margin has the latter only."""
    gain = case.metric.gain
    found = with_exact(case.metric, pair, difference(pair, side="greater" if gain > 0 else "less"))
    up, down = (found.p_greater, found.p_less) if gain > 0 else (found.p_less, found.p_greater)

    def welch(kind: Word, p: float | None, alpha: float, total: float, sign: int) -> Hypothesis:
        statistic = None if found.statistic is None else sign * found.statistic
        return _hypothesis(case, kind, found.state, alpha, total, p, statistic, found.df)

    total = case.plan.levels.deterioration
    deterioration = welch("deterioration", down, case.harm_level, total, -gain)
    if case.kind == "deterioration":
        return (deterioration,)
    if case.kind == "superiority":
        return (_may_read(case, welch("superiority", up, case.role_level, case.total, gain)), deterioration)
    within = noninferiority(
        pair,
        margin=case.margin or 0.0,
        direction=case.metric.direction,
        relative=case.guardrail is None or case.guardrail.scale == "relative",
    )
    test = _hypothesis(
        case,
        "non-inferiority",
        within.state,
        case.role_level,
        case.total,
        within.p,
        within.statistic,
        within.df,
    )
    if is_all_or_nothing(case.metric, pair):
        test = welch("non-inferiority", up, case.role_level, case.total, gain)
    return (_may_read(case, test), deterioration)


def _hypothesis(
    case: _Case,
    kind: Word,
    state: str,
    alpha: float,
    total: float,
    p: float | None,
    statistic: float | None,
    df: float | None,
) -> Hypothesis:
    return Hypothesis(
        kind=kind,
        state=state,
        alpha=alpha,
        total_alpha=total,
        p=p,
        statistic=statistic,
        df=df,
        rejected=p is not None and p <= alpha,
        shown_at=case.reading.shown_at(f"{kind}: {case.metric.name}", case.treatment),
    )


def _may_read(case: _Case, test: Hypothesis) -> Hypothesis:
    """The test, or nothing of it where the plan does not let it be read yet."""
    if case.reading.open:
        return test
    return replace(test, state="withheld", p=None, statistic=None, df=None, rejected=False)


def _outcome(case: _Case, tests: tuple[Hypothesis, ...]) -> Outcome:
    role_test, deterioration = tests[0], tests[-1]
    if deterioration.rejected:
        return "worse"
    if role_test.state == "withheld" and not role_test.shown:
        return "not read yet" if case.kind == "superiority" else "no harm seen"
    if role_test.state not in {"tested", "withheld"}:
        return "not tested"
    if case.kind == "superiority":
        return "better" if role_test.shown else "no clear change"
    if case.kind == "deterioration":
        return "no harm seen"
    return "within margin" if role_test.shown else "margin not shown"


def _note(metric: Metric, test: Hypothesis, control: MetricTotals, treated: MetricTotals) -> str:
    if not control.events + treated.events:
        return f"No event of type {' or '.join(metric.types)} is of a user in these arms and after the first exposure."
    reasons = {
        "too few units": "An arm has fewer than two users.",
        "no variance": "All users have the same value, so there is nothing to test."
        if metric.aggregation != "ratio"
        else "All users have the same ratio up to about a ten-millionth, which sums cannot tell from rounding: nothing to test.",
        "no denominator": "The denominator is not above 0 in an arm, so there is no ratio.",
        "no share": "The control mean is not above 0, so a margin that is a share of it has no meaning.",
    }
    return reasons.get(test.state, "")


def _detectable(
    case: _Case, test: Hypothesis, plain: Contrast | None, pair: Pair, *, relative_scale: bool
) -> float | None:
    """What the arms, as large and as noisy as they are, would have shown with the plan's power."""
    beta = case.share.beta
    if plain is None or test.state == "withheld" or not 0 < beta < 0.5:
        return None
    size = (normal_quantile(1 - test.alpha) + normal_quantile(1 - beta)) * plain.se
    return size / pair.control if relative_scale else size


def range_of(interval: Interval) -> Range:
    """The interval as results have it: an end that is not finite is none."""
    low, high = interval.low, interval.high
    return Range(low if math.isfinite(low) else None, high if math.isfinite(high) else None)
