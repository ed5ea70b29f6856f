"""Beside a metric's t-tests: the exact one where they have nothing to go by, and what a Bayesian would say. Pure."""

from dataclasses import replace

from counterpoint.experiments.measures import Metric
from counterpoint.experiments.result import Credence, Range
from counterpoint.stats import Difference, Pair, believed_difference, rate_exact

__all__ = ["EXACT", "credence_of", "is_all_or_nothing", "with_exact"]

RATES = frozenset({"any", "retention", "funnel"})
"""Aggregations that make a user 0 or 1."""
EXACT = (
    "In one arm every user has it and in the other none, so there is no variance: the test is Fisher's exact one,"
    " which has no interval of a difference."
)


def is_all_or_nothing(metric: Metric, pair: Pair) -> bool:
    """Whether one arm's users all have a 0/1 outcome and the other's none: as far apart as can be, without variance."""
    return (
        metric.aggregation in RATES
        and pair.state == "no variance"
        and {pair.control, pair.treatment} == {0, 1}
    )


def with_exact(metric: Metric, pair: Pair, found: Difference) -> Difference:
    """The difference with the p of Fisher's exact test, where all users of one arm and none of the other have the outcome.

    That a guardrail is within its margin follows from its being better, so its test may be that of being better.
    """
    if not is_all_or_nothing(metric, pair):
        return found
    control, treatment = pair.units
    exact = rate_exact(
        (round(pair.control) * control, control),
        (round(pair.treatment) * treatment, treatment),
        test="fisher",
        intervals=False,
    )
    return replace(
        found,
        state="tested",
        p_greater=exact.p_greater,
        p_less=exact.p_less,
        p_two_sided=min(1.0, 2 * min(exact.p_greater, exact.p_less)),
    )


def credence_of(metric: Metric, pair: Pair, alpha: float) -> Credence | None:
    """What is believed of the difference with a flat prior; none where the arms cannot be compared.

    It keeps no error rate and knows of no looks, so it stands beside the verdict and never decides.
    """
    found = believed_difference(pair, alpha=alpha)
    if found is None:
        return None
    rises = metric.gain > 0
    return Credence(
        better=found.better if rises else 1 - found.better,
        loss=found.loss if rises else found.loss_control,
        loss_control=found.loss_control if rises else found.loss,
        interval=Range(found.interval.low, found.interval.high),
    )
