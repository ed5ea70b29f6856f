"""Bayesian read-outs: beside a verdict, never instead of one, since no error rate is kept by them."""

import math
from dataclasses import dataclass

from counterpoint.errors import InputError
from counterpoint.stats.checks import finite, level, positive, whole
from counterpoint.stats.contrast import Interval
from counterpoint.stats.distributions import normal_quantile, normal_tail
from counterpoint.stats.pairs import Pair

__all__ = ["Belief", "believed_difference", "believed_rates"]

STEPS = 4001
"""Points of equal probability by which the treatment's rate is integrated; about six digits."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of treatment − control, given a prior and the data."""

    mean: float
    sd: float
    better: float
    """Probability that the treatment is higher than the control."""
    loss: float
    """Expected loss of choosing the treatment, E[max(0, control − treatment)], in the metric's unit."""
    loss_control: float
    """Expected loss of keeping the control."""
    interval: Interval
    """Credible, with equal tails."""


def believed_difference(
    pair: Pair, *, prior_mean: float = 0.0, prior_sd: float = math.inf, alpha: float = 0.05
) -> Belief | None:
    """Combine a normal prior of the difference with its estimate, which is taken as normal.

    The posterior has precision 1/τ² + 1/se² and the precision-weighted mean; an infinite `prior_sd` is
    the flat prior. With d = μ/σ the loss of the treatment is σ·(φ(d) − d·Φ(−d)).

    Args:
        pair: Any estimator's two arms.
        prior_mean: Of the difference, in the metric's unit.
        prior_sd: Of the difference, in the metric's unit; from past experiments, say.
        alpha: The credible interval has probability 1 − alpha.

    Returns:
        None where the arms cannot be compared.

    Raises:
        InputError: the prior has no such numbers, or alpha is not strictly between 0 and 1.

    References:
        Gelman et al. (2013), Bayesian Data Analysis, 3rd edition, section 2.5.

    >>> from counterpoint.stats import MeanPair, Moments
    >>> pair = MeanPair(Moments(100, 10.0, 99.0), Moments(100, 10.2, 99.0))
    >>> found = believed_difference(pair, prior_sd=0.1)
    >>> round(found.mean, 4), round(found.better, 4), round(found.loss, 4)
    (0.0667, 0.7929, 0.0095)
    """
    finite("prior_mean", prior_mean)
    level("alpha", alpha)
    if not prior_sd > 0:
        raise InputError(f"prior_sd == {prior_sd}, must be above 0; infinite is the flat prior")
    tested = pair.contrast()
    if tested is None:
        return None
    trust = 1 / (1 + (tested.se / prior_sd) ** 2)
    mean = trust * tested.estimate + (1 - trust) * prior_mean
    sd = tested.se * math.sqrt(trust)
    d = mean / sd
    density = math.exp(-d * d / 2) / math.sqrt(2 * math.pi)
    reach = normal_quantile(1 - alpha / 2) * sd
    return Belief(
        mean,
        sd,
        normal_tail(-d),
        max(sd * (density - d * normal_tail(d)), 0.0),
        max(sd * (density + d * normal_tail(-d)), 0.0),
        Interval(mean - reach, mean + reach),
    )


def believed_rates(
    control: tuple[int, int],
    treatment: tuple[int, int],
    *,
    prior: tuple[float, float] = (1.0, 1.0),
    alpha: float = 0.05,
) -> Belief:
    """Combine a beta prior of each rate with successes and units: the difference of two beta posteriors.

    Args:
        control: Successes and units of the control.
        treatment: Successes and units of the treatment.
        prior: Parameters of the beta prior of both rates; (1, 1) is uniform, (0.5, 0.5) Jeffreys'.
        alpha: The credible interval has probability 1 − alpha.

    Raises:
        InputError: the counts are impossible, a parameter is not above 0, or alpha out of range.

    References:
        Gelman et al. (2013), Bayesian Data Analysis, 3rd edition, section 2.4.

    >>> found = believed_rates((20, 100), (30, 100))
    >>> round(found.mean, 4), round(found.better, 4)
    (0.098, 0.9476)
    """
    import numpy as np
    from scipy.special import betainc, betaincinv

    level("alpha", alpha)
    for name, value in zip(("prior[0]", "prior[1]"), prior, strict=True):
        positive(name, value)
    shapes = []
    for name, (successes, n) in (("control", control), ("treatment", treatment)):
        whole(f"successes of the {name}", successes)
        whole(f"units of the {name}", n)
        if successes > n:
            raise InputError(f"successes of the {name} == {successes}, must be at most its units, {n}")
        shapes.append((successes + prior[0], n - successes + prior[1]))
    (a, b), (c, d) = shapes
    # Equal probabilities of the treatment's rate: the mean over them is the integral over its posterior.
    places = (np.arange(STEPS) + 0.5) / STEPS
    rates = betaincinv(c, d, places)

    def below(shift: float) -> float:
        """Probability that treatment − control is at most `shift`."""
        return float(np.mean(1 - betainc(a, b, np.clip(rates - shift, 0.0, 1.0))))

    def quantile(probability: float) -> float:
        low, high = -1.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if below(middle) < probability else (low, middle)
        return (low + high) / 2

    mean = c / (c + d) - a / (a + b)
    variance = sum(p * q / (p + q) ** 2 / (p + q + 1) for p, q in shapes)
    # The mean of max(0, control's rate less t) over the control for each rate t of the treatment.
    short = a / (a + b) * (1 - betainc(a + 1, b, rates)) - rates * (1 - betainc(a, b, rates))
    loss = max(float(np.mean(short)), 0.0)
    return Belief(
        mean,
        math.sqrt(variance),
        1 - below(0.0),
        loss,
        max(mean + loss, 0.0),
        Interval(quantile(alpha / 2), quantile(1 - alpha / 2)),
    )
