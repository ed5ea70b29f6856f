"""How large an experiment must be: the plan that the analysis follows, read before the start. Pure.

Every condition of the decision that something must be shown for is sized at the level and the risk that the
decision's tree gives it, by the test that the analysis makes of it, inflated for looking more than once; the
largest size is that of the experiment. So every planned power is that of the test that will be made, and the whole
decision has at least 1 − β by the union bound.
"""

import math
from collections.abc import Callable, Mapping

import msgspec

from counterpoint.errors import InputError
from counterpoint.experiments.decision import Condition, Share, Word, conditions
from counterpoint.experiments.model import Experiment, Guardrail, Metric, Target
from counterpoint.experiments.stopping import Stopping
from counterpoint.experiments.wording import percent
from counterpoint.said import Said
from counterpoint.stats import Target as Wanted
from counterpoint.stats import (
    confidence_sequence_margin,
    detectable_effect,
    inflation,
    margin_target,
    mean_target,
    power_at,
    rate_margin_target,
    rate_target,
    required_units,
    rho2_growthbook,
    rho2_tuned,
)
from counterpoint.stats.distributions import normal_quantile

__all__ = ["Baseline", "MetricSize", "Point", "Sizing", "size"]

RATES = frozenset({"any", "retention", "funnel"})
"""Aggregations whose value is 0 or 1."""
STEPS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Multiples of the smallest change worth detecting that the curve shows."""
WEEK = 7
ROUNDS = 25
MOST_LOOKS = 60
"""Looks beyond which more of them cost next to nothing."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of a metric before the start, per user."""

    mean: float
    sd: float
    correlation: float = 0.0
    """With its covariate."""
    users: int = 0
    """Users that it was computed from; 0 where it was given."""
    source: str = "given"
    """Where it comes from."""


class Point(msgspec.Struct, frozen=True, rename="camel"):
    """One point of a curve: what change needs how many users in all arms."""

    effect: float
    """In the metric's unit."""
    relative: float | None
    """As a share of the mean."""
    total: int


class MetricSize(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one condition of the decision needs."""

    name: str
    label: str
    test: Word
    alpha: float
    """Level of its one-sided test over all looks."""
    beta: float
    """Risk of missing it, so that the whole decision keeps β."""
    baseline: Baseline | None = None
    effect: float | None = None
    """Smallest change to show, or the margin; in the metric's unit, without a sign."""
    relative: float | None = None
    """The same as a share of the mean."""
    inflation: float = 1.0
    """Factor that looking more than once puts on the number of users."""
    arms: tuple[int, ...] = ()
    """Users that it needs: of the control, then of each treatment."""
    total: int | None = None
    detectable: float | None = None
    """Smallest change that is shown with the planned power at the users of the whole plan."""
    detectable_relative: float | None = None
    power: float | None = None
    """Of its test at the users of the whole plan."""
    curve: tuple[Point, ...] = ()
    missing: Said = ""
    """What is missing to size it; empty if nothing."""


class Sizing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The size and duration of an experiment."""

    experiment: str
    arms: tuple[str, ...]
    method: str
    alpha: float
    beta: float
    power: float
    """That a good change is shipped, at least: 1 − β, or less where α₋ is not below β."""
    looks: int | None
    metrics: tuple[MetricSize, ...]
    users: tuple[int, ...] = ()
    """Users of each arm: the most that any condition needs, or those that were asked about."""
    total: int | None = None
    decides: str | None = None
    """The condition that needs the most users."""
    per_day: float | None = None
    """New users a day that come to the experiment."""
    days: int | None = None
    """Until the last user has come and every window is over; whole weeks, so that each weekday counts alike."""
    traffic: str = ""
    """Where the number of users a day comes from."""
    notes: tuple[Said, ...] = ()


def size(
    plan: Experiment,
    baselines: Mapping[str, Baseline],
    *,
    per_day: float | None = None,
    traffic: str = "given",
    users: int | None = None,
) -> Sizing:
    """Size a plan.

    Args:
        plan: The plan; its targets say what to show, and their figures come before those of `baselines`.
        baselines: What is known of each metric, by its name.
        per_day: New users a day over all arms.
        traffic: Where that number comes from.
        users: Users in all arms to ask about instead of the number that is needed.
    """
    costs = plan.costs
    leaves = [leaf for leaf in dict.fromkeys(conditions(plan.tree)) if leaf.word != "deterioration"]
    looks = _looks(plan, per_day, users)
    found = [_sized(plan, leaf, costs[leaf], baselines, looks) for leaf in leaves]
    # The number of looks follows from the size, unless the dates or the users asked about give it.
    if plan.reading.every_days and per_day and not users and not (plan.start and plan.end):
        for _ in range(ROUNDS):
            total = max((each.total or 0 for each in found), default=0)
            again = max(math.ceil(total / per_day / plan.reading.every_days), 1)
            if again == looks:
                break
            looks = again
            found = [_sized(plan, leaf, costs[leaf], baselines, looks) for leaf in leaves]
    needed = [each for each in found if each.total is not None]
    largest = max(needed, key=lambda each: each.total or 0, default=None)
    total = users or (largest.total or 0 if largest else 0)
    arms = tuple(math.ceil(total * share - 1e-7) for share in plan.planned) if total else ()
    if largest is not None and not users:
        arms = largest.arms
    metrics = tuple(_at(plan, leaf, each, arms, looks) for leaf, each in zip(leaves, found, strict=True))
    window = max((metric.days or 0 for metric in plan.metrics), default=0)
    days = _duration(total or None, per_day, window)
    return Sizing(
        experiment=plan.name,
        arms=plan.arms,
        method=plan.reading.method,
        alpha=plan.alpha,
        beta=plan.beta,
        power=plan.power,
        looks=looks,
        metrics=metrics,
        users=arms,
        total=sum(arms) if arms else None,
        decides=f"{largest.test}: {largest.name}" if largest else None,
        per_day=per_day,
        days=days,
        traffic=traffic if per_day else "",
        notes=_notes(plan, metrics, sum(arms) if arms else None, days),
    )


def _looks(plan: Experiment, per_day: float | None, users: int | None) -> int | None:
    """The number of looks at equal distances that the plan makes; none where it makes none."""
    stopping = plan.reading
    if stopping.method != "group-sequential":
        return None
    if stopping.looks:
        return stopping.looks
    every = stopping.every_days or 1.0
    if plan.end and plan.start:
        return max(math.ceil((plan.end - plan.start).total_seconds() / 86_400 / every - 1e-9), 1)
    return max(math.ceil(users / per_day / every), 1) if users and per_day else 1


def _sized(
    plan: Experiment, leaf: Condition, share: Share, baselines: Mapping[str, Baseline], looks: int | None
) -> MetricSize:
    metric = next(each for each in plan.metrics if each.name == leaf.metric)
    baseline = _baseline(metric, plan.targets.get(leaf.metric), baselines.get(leaf.metric), plan)
    plain = MetricSize(
        name=metric.name,
        label=metric.label,
        test=leaf.word,
        alpha=share.alpha,
        beta=share.beta,
        baseline=baseline,
    )
    if baseline is None:
        return msgspec.structs.replace(
            plain,
            missing=f"{metric.label} has no baseline: give its mean and its standard deviation per user.",
        )
    wanted, effect = _effect(plan, leaf, metric, baseline)
    if effect is None:
        return msgspec.structs.replace(
            plain, missing=f"{metric.label} has no mde: say what change is worth detecting."
        )
    relative = effect / abs(baseline.mean) if baseline.mean else None
    try:
        factor, arms = _required(plan, wanted(effect), share, looks)
    except InputError as error:
        return msgspec.structs.replace(
            plain, effect=effect, relative=relative, missing=f"{metric.label}: {error}."
        )
    return msgspec.structs.replace(
        plain,
        effect=effect,
        relative=relative,
        inflation=factor,
        arms=arms,
        total=sum(arms),
        curve=_curve(plan, wanted, effect, baseline, share, looks),
    )


def _baseline(
    metric: Metric, target: Target | None, known: Baseline | None, plan: Experiment
) -> Baseline | None:
    """What the plan says of a metric, and what is known beside it."""
    target = target or Target()
    mean = known.mean if target.mean is None and known else target.mean
    if mean is None:
        return None
    sd = target.sd
    if sd is None and metric.aggregation in RATES and 0 < mean < 1:
        sd = math.sqrt(mean * (1 - mean))
    if sd is None:
        sd = known.sd if known else None
    if sd is None or not sd > 0:
        return None
    correlation = known.correlation if target.correlation is None and known else target.correlation
    said = known is None or (target.mean is not None and target.sd is not None)
    return Baseline(
        mean=mean,
        sd=sd,
        correlation=(correlation or 0.0) if plan.covariates else 0.0,
        users=0 if said or known is None else known.users,
        source="given" if said or known is None else known.source,
    )


def _effect(
    plan: Experiment, leaf: Condition, metric: Metric, baseline: Baseline
) -> tuple[Callable[[float], Wanted], float | None]:
    """What the test must show as a function of the effect, and the effect of the plan in the metric's unit."""
    rate = metric.aggregation in RATES and 0 < baseline.mean < 1
    if leaf.word == "non-inferiority":
        guardrail = next(
            each for each in plan.guardrails if each.metric.name == metric.name and each.margin is not None
        )
        return _margin_of(guardrail, metric, baseline, rate=rate)
    target = plan.targets.get(metric.name) or Target()
    size = target.mde
    effect = None if size is None else size if target.scale == "absolute" else size * abs(baseline.mean)

    def difference(change: float) -> Wanted:
        if rate and not baseline.correlation:
            moved = baseline.mean + metric.gain * change
            if not 0 < moved < 1:
                raise InputError(
                    f"{baseline.mean:g} would become {moved:.4g}, which is no rate; plan for a smaller change"
                )
            return rate_target(baseline.mean, metric.gain * change)
        return mean_target(baseline.sd, change, correlation=baseline.correlation)

    return difference, effect or None


def _margin_of(
    guardrail: Guardrail, metric: Metric, baseline: Baseline, *, rate: bool
) -> tuple[Callable[[float], Wanted], float | None]:
    relative = guardrail.scale == "relative"
    margin = guardrail.margin or 0.0

    def within(loss: float) -> Wanted:
        size = loss / abs(baseline.mean) if relative else loss
        if rate and not baseline.correlation:
            return rate_margin_target(baseline.mean, size, relative=relative, direction=metric.direction)
        return margin_target(
            baseline.mean,
            baseline.sd,
            size,
            relative=relative,
            direction=metric.direction,
            correlation=baseline.correlation,
        )

    return within, margin * abs(baseline.mean) if relative else margin


def _required(
    plan: Experiment, wanted: Wanted, share: Share, looks: int | None
) -> tuple[float, tuple[int, ...]]:
    """The factor for looking more than once, and the users of each arm."""
    total = 0.0
    factor = _inflation(plan.reading, share, looks, 0.0)
    for _ in range(ROUNDS):  # a confidence sequence's factor depends on the number itself
        found = required_units(
            wanted, alpha=share.alpha, beta=share.beta, shares=plan.planned, inflation=factor
        )
        if plan.reading.method != "confidence-sequence" or abs(found.exact - total) < 0.5:
            break
        total = found.exact
        factor = _inflation(plan.reading, share, looks, total)
    return factor, found.arms


def _inflation(stopping: Stopping, share: Share, looks: int | None, total: float) -> float:
    if stopping.method == "group-sequential" and looks:
        return _spending_factor(stopping, share, looks)
    if stopping.method != "confidence-sequence":
        return 1.0
    both = min(2 * share.alpha, 0.999)
    tune = rho2_growthbook if stopping.tuning == "growthbook" else rho2_tuned
    users = max(round(total), 2) if total else stopping.tuned_at
    bound = confidence_sequence_margin(1.0, users, alpha=both, rho2=tune(stopping.tuned_at, both))
    # Power to be past the bound at the end; to have passed it once is a little more.
    reach = normal_quantile(1 - share.beta)
    return ((bound + reach) / (normal_quantile(1 - share.alpha) + reach)) ** 2


def _spending_factor(stopping: Stopping, share: Share, looks: int) -> float:
    spending = stopping.alpha_spending
    looks = min(looks, MOST_LOOKS)
    times = [each / looks for each in range(1, looks)] + [1.0]
    return inflation(times, alpha=share.alpha, beta=share.beta, sides=1, spending=spending)


def _curve(
    plan: Experiment,
    wanted: Callable[[float], Wanted],
    effect: float,
    baseline: Baseline,
    share: Share,
    looks: int | None,
) -> tuple[Point, ...]:
    found = []
    for step in STEPS:
        change = effect * step
        try:
            _, arms = _required(plan, wanted(change), share, looks)
        except InputError:  # a rate beyond 1, or a margin of the whole mean
            continue
        found.append(Point(change, change / abs(baseline.mean) if baseline.mean else None, sum(arms)))
    return tuple(found)


def _at(
    plan: Experiment, leaf: Condition, found: MetricSize, arms: tuple[int, ...], looks: int | None
) -> MetricSize:
    """With the power and the smallest detectable change at the users of the whole plan."""
    if not arms or found.baseline is None or found.effect is None:
        return found
    metric = next(each for each in plan.metrics if each.name == leaf.metric)
    wanted, _ = _effect(plan, leaf, metric, found.baseline)
    share = Share(found.alpha, found.beta)
    units = (float(arms[0]), float(min(arms[1:])))
    factor = _inflation(plan.reading, share, looks, float(sum(arms)))
    power = power_at(wanted(found.effect), units, alpha=share.alpha, inflation=factor)
    most = _most(metric, found.baseline, leaf)
    detectable = detectable_effect(
        wanted, units, alpha=share.alpha, beta=share.beta, inflation=factor, most=most
    )
    mean = abs(found.baseline.mean)
    return msgspec.structs.replace(
        found,
        power=power,
        detectable=detectable,
        detectable_relative=detectable / mean if detectable is not None and mean else None,
    )


def _most(metric: Metric, baseline: Baseline, leaf: Condition) -> float:
    """The largest change that there can be: a rate stays within 0 and 1, and a relative margin below the mean."""
    rate = metric.aggregation in RATES and 0 < baseline.mean < 1
    room = (1 - baseline.mean if metric.gain > 0 else baseline.mean) if rate else math.inf
    if leaf.word == "non-inferiority":
        room = abs(baseline.mean) if not rate or metric.gain > 0 else min(baseline.mean, 1 - baseline.mean)
    return room * (1 - 1e-9)


def _duration(total: int | None, per_day: float | None, window: int) -> int | None:
    if not total or not per_day or not per_day > 0:
        return None
    return math.ceil((math.ceil(total / per_day) + window) / WEEK) * WEEK


def _notes(
    plan: Experiment, metrics: tuple[MetricSize, ...], total: int | None, days: int | None
) -> tuple[str, ...]:
    notes = [each.missing for each in metrics if each.missing]
    if plan.power < 1 - plan.beta:
        notes.append(
            f"Tests of harm and quality (α₋ {plan.minus:g}) may stop a good change, and β ({plan.beta:g}) has no room"
            f" for that: the whole decision has at least {percent(plan.power, places=0)} power. A smaller alphaMinus"
            " or a larger beta mends it."
        )
    maximum = plan.reading.maximum
    if maximum and total and maximum < total:
        notes.append(
            f"The plan ends at {maximum:,} users and needs {total:,}: with fewer, a change of this size is missed"
            " more often than planned."
        )
    if days is not None and days > 56:
        notes.append(
            f"{days} days are long for an experiment: identities are lost on the way. A larger mde, a covariate"
            " (covariateDays), a wider share of users or fewer guardrails make it shorter."
        )
    return tuple(notes)
