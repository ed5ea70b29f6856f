"""Effects by the values of each segment: exploration beside the decision, never a part of it. Pure.

Many values and metrics are looked at, so something seems to happen somewhere by chance alone. Each p is therefore held
against how many were looked at (Benjamini–Hochberg within a segment), and first of all it is asked whether the effect
differs between the values at all (a test of homogeneity, Holm over metrics and segments). Intervals are those of each
value alone, two-sided and not adjusted: no procedure but Bonferroni's has intervals that agree with its p.
"""

import math
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from counterpoint.experiments.estimates import estimates_of
from counterpoint.experiments.hypotheses import range_of
from counterpoint.experiments.looks import Reading
from counterpoint.experiments.metrics.reading import LEAST
from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.result import Comparison, MetricResult, Result
from counterpoint.experiments.segment import Homogeneity, Level, LevelEffect, Segment
from counterpoint.experiments.totals import ArmTotals, Totals
from counterpoint.experiments.wording import count, p_value
from counterpoint.stats import Pair, adjust, difference, relative
from counterpoint.stats.distributions import chi_square_tail

__all__ = ["each_once", "effects_of", "homogeneity", "segments_of"]

STEPS = 80
"""Steps of the golden section by which the common effect is found: to twelve digits of the range."""
GOLDEN = (math.sqrt(5) - 1) / 2


def segments_of(
    plan: Experiment, totals: Totals, reading: Reading, comparisons: Sequence[Comparison]
) -> tuple[Segment, ...]:
    """The effects by each segment of the plan; none while the plan does not let effects be read.

    Args:
        plan: What was asked.
        totals: With the arms of each value.
        reading: Where it stands in the stopping plan, which gives the level.
        comparisons: What is shown of the whole; what is withheld there is withheld here.
    """
    if not reading.open or not totals.segments:
        return ()
    shown = _shown(plan, comparisons)
    level = 2 * reading.level(plan.alpha / 2)
    found = [_segment(plan, totals, name, shown, level) for name in plan.segments if name in totals.segments]
    return tuple(_corrected(found, level))


def _shown(plan: Experiment, comparisons: Sequence[Comparison]) -> list[tuple[Metric, str]]:
    """The metrics of each treatment whose effects may be seen, each once, without quantiles."""
    hidden = {(each.name, each.treatment) for one in comparisons for each in one.metrics if each.withheld}
    return [
        (metric, one.treatment)
        for one in comparisons
        for metric in plan.metrics
        if (metric.name, one.treatment) not in hidden and metric.aggregation != "quantile"
    ]


def _segment(
    plan: Experiment, totals: Totals, name: str, shown: Sequence[tuple[Metric, str]], level: float
) -> Segment:
    values: dict[str, dict[str | None, ArmTotals]] = {
        value: {arm.variant: arm for arm in arms if arm.variant in plan.arms}
        for value, arms in totals.segments[name].items()
    }
    told = _told(plan, totals, values)
    levels = tuple(
        Level(
            name=value,
            users={variant: arms[variant].users for variant in plan.arms},
            effects=tuple(_effect(plan, arms, metric, treatment, level) for metric, treatment in shown),
        )
        for value, arms in sorted(told.items(), key=lambda each: (-_users(each[1]), each[0]))
    )
    others = sum(arm.users for arm in totals.groups if not arm.mixed and arm.variant in plan.arms)
    others -= sum(sum(each.users.values()) for each in levels)
    p = _apart(plan, totals, told)
    return Segment(
        name=name,
        level=level,
        levels=levels,
        others=others,
        share_p=p,
        affected=p is not None and p < plan.srm_threshold,
        homogeneity=tuple(_homogeneous(plan, told, metric, treatment) for metric, treatment in shown),
    )


def _users(arms: dict[str | None, ArmTotals]) -> int:
    return sum(arm.users for arm in arms.values())


def _told(
    plan: Experiment, totals: Totals, values: dict[str, dict[str | None, ArmTotals]]
) -> dict[str, dict[str | None, ArmTotals]]:
    """The values whose every arm has users enough; and one fewer where the rest of an arm would be too few.

    What is left of an arm can be had by taking the values from the whole, so it must be nobody, or enough.
    """
    told = {
        value: arms
        for value, arms in values.items()
        if all(variant in arms and arms[variant].users >= LEAST for variant in plan.arms)
    }
    whole = {variant: (arm.users if (arm := totals.arm(variant)) else 0) for variant in plan.arms}
    while told:
        rest = [whole[variant] - sum(arms[variant].users for arms in told.values()) for variant in plan.arms]
        if all(left == 0 or left >= LEAST for left in rest):
            break
        del told[min(told, key=lambda value: (_users(told[value]), value))]
    return told


def _pair(plan: Experiment, arms: dict[str | None, ArmTotals], metric: Metric, treatment: str) -> Pair:
    one, other = arms[plan.control].metrics[metric.name], arms[treatment].metrics[metric.name]
    return estimates_of(plan, metric, one, other).pair


def _effect(
    plan: Experiment, arms: dict[str | None, ArmTotals], metric: Metric, treatment: str, level: float
) -> LevelEffect:
    pair = _pair(plan, arms, metric, treatment)
    plain = pair.contrast()
    if plain is None:
        return LevelEffect(name=metric.name, label=metric.label, treatment=treatment, state=pair.state)
    share = relative(pair, below=level / 2, above=level / 2)
    return LevelEffect(
        name=metric.name,
        label=metric.label,
        treatment=treatment,
        state=pair.state,
        control_mean=pair.control,
        treatment_mean=pair.treatment,
        difference=pair.treatment - pair.control,
        interval=range_of(plain.interval(level / 2, level / 2)),
        relative=share.estimate if share else None,
        relative_interval=range_of(share.interval) if share else None,
        p=difference(pair).p_two_sided,
    )


def _homogeneous(
    plan: Experiment, told: dict[str, dict[str | None, ArmTotals]], metric: Metric, treatment: str
) -> Homogeneity:
    pairs = [_pair(plan, arms, metric, treatment) for arms in told.values()]
    found = homogeneity([pair for pair in pairs if pair.state == "tested"])
    named = Homogeneity(name=metric.name, label=metric.label, treatment=treatment)
    return named if found is None else replace(named, statistic=found[0], df=found[1], p=found[2])


def homogeneity(pairs: Sequence[Pair]) -> tuple[float, int, float] | None:
    """Whether one effect fits all pairs: the statistic, its degrees of freedom and p; none below two pairs.

    The effect is a share of the control mean where every control mean is above zero, so that values which differ only
    in how much there is do not count as different effects; else a difference. The statistic is the least sum of
    squared standardised contrasts μ_t − (1 + r)·μ_c over r, chi-square with one degree fewer than pairs.

    References:
        Cochran (1954), The combination of estimates from different experiments. Biometrics 10(1), 101-129.
    """
    if len(pairs) < 2:
        return None
    differs: Callable[[float], float]
    if all(pair.control > 0 for pair in pairs):
        ends = [pair.treatment / pair.control - 1 for pair in pairs]

        def differs(effect: float) -> float:
            found = [pair.contrast(1 + effect) for pair in pairs]
            return math.fsum((each.estimate / each.se) ** 2 for each in found if each)
    else:
        ends = [pair.treatment - pair.control for pair in pairs]
        plain = [each for pair in pairs if (each := pair.contrast())]

        def differs(effect: float) -> float:
            return math.fsum(((each.estimate - effect) / each.se) ** 2 for each in plain)

    statistic = _least(differs, min(ends), max(ends))
    return statistic, len(pairs) - 1, chi_square_tail(len(pairs) - 1, statistic)


def _least(differs: Callable[[float], float], low: float, high: float) -> float:
    """The least value between two ends, by golden section."""
    one, other = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_one, at_other = differs(one), differs(other)
    for _ in range(STEPS):
        if at_one < at_other:
            high, other, at_other = other, one, at_one
            one = high - GOLDEN * (high - low)
            at_one = differs(one)
        else:
            low, one, at_one = one, other, at_other
            other = low + GOLDEN * (high - low)
            at_other = differs(other)
    return min(at_one, at_other)


def _apart(plan: Experiment, totals: Totals, told: dict[str, dict[str | None, ArmTotals]]) -> float | None:
    """Whether the values are spread alike over the arms: Pearson's test of values, and all others together, by arms.

    An attribute that was there before nobody can have changed; where the arms differ in it, an arm may have.
    """
    whole = [arm.users if (arm := totals.arm(variant)) else 0 for variant in plan.arms]
    rows = [[arms[variant].users for variant in plan.arms] for arms in told.values()]
    rest = [size - sum(row[i] for row in rows) for i, size in enumerate(whole)]
    rows = [row for row in (*rows, rest) if any(row)]
    everybody = sum(whole)
    if len(rows) < 2 or not all(whole):
        return None
    due = [[sum(row) * size / everybody for size in whole] for row in rows]
    if min(each for line in due for each in line) < LEAST:
        return None
    value = math.fsum(
        (seen - expected) ** 2 / expected
        for row, line in zip(rows, due, strict=True)
        for seen, expected in zip(row, line, strict=True)
    )
    return chi_square_tail((len(rows) - 1) * (len(whole) - 1), value)


def _corrected(found: Sequence[Segment], level: float) -> Iterator[Segment]:
    """The segments with each p corrected, and what is to be said."""
    asked = [each.p for one in found for each in one.homogeneity if each.p is not None]
    holm = iter(adjust(asked, "holm").p)
    for one in found:
        same = tuple(
            each if each.p is None else _differs(each, next(holm), level) for each in one.homogeneity
        )
        listed = [each.p for value in one.levels for each in value.effects if each.p is not None]
        rest = iter(adjust(listed, "benjamini-hochberg").p)
        levels = tuple(
            replace(
                value,
                effects=tuple(
                    each if each.p is None else _found(each, next(rest), level) for each in value.effects
                ),
            )
            for value in one.levels
        )
        made = replace(one, homogeneity=same, levels=levels, looked_at=len(listed))
        yield replace(made, sentence=_sentence(made), warnings=tuple(_warnings(made)))


def _differs(each: Homogeneity, p: float, level: float) -> Homogeneity:
    return replace(each, p_adjusted=p, found=p <= level)


def _found(each: LevelEffect, p: float, level: float) -> LevelEffect:
    return replace(each, p_adjusted=p, found=p <= level)


def _sentence(made: Segment) -> str:
    if len(made.levels) < 2:
        return f"Fewer than two values of {made.name} have users enough in every arm, so there is nothing to compare."
    differing = [each for each in made.homogeneity if each.found]
    if not differing:
        return (
            f"No sign that an effect differs by {made.name}: what looks different is no more than chance does over"
            f" {count(made.looked_at)} comparisons. A small difference may hide."
        )
    names = ", ".join(f"{each.label} (p {p_value(each.p_adjusted)})" for each in differing)
    return (
        f"The effect differs by {made.name} on {names}. That is a lead for another experiment, not a verdict."
    )


def _warnings(made: Segment) -> Iterator[str]:
    if made.affected:
        yield (
            f"The arms differ in {made.name} itself (p {p_value(made.share_p)}), which nothing before the exposure"
            " explains: an arm may change it, and then users of one value are not comparable. Use an attribute that was"
            " known before."
        )


def each_once(result: Result) -> list[MetricResult]:
    """The metrics of a result in their order, each treatment's once, whatever roles they have."""
    found: dict[tuple[str, str], MetricResult] = {}
    for metric in result.metrics:
        found.setdefault((metric.name, metric.treatment), metric)
    return list(found.values())


def effects_of(metric: MetricResult, segment: Segment) -> list[tuple[Level, LevelEffect]]:
    """What each value says of one metric of one treatment."""
    return [
        (level, each)
        for level in segment.levels
        for each in level.effects
        if (each.name, each.treatment) == (metric.name, metric.treatment)
    ]
