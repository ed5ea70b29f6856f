"""Bayesian read-outs: beside a verdict, never instead of one, since no error rate is kept by them."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.stats.checks import finite, level, positive, whole
from counterpoint.stats.contrast import Interval
from counterpoint.stats.distributions import normal_quantile, normal_tail
from counterpoint.stats.pairs import Pair
from counterpoint.stats.roots import falling_root

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Belief", "believed_difference", "believed_rates"]

NODES = 12
"""Points for each standard deviation of the narrower rate's log odds."""
NODES_OF_INTERVAL = 60
"""The same for a difference's quantiles, where the other posterior has edges inside the integral."""
LEAST_SHAPE = 0.1
"""A posterior with a smaller parameter lies nearly all at 0 or 1, nearer than numbers tell apart."""
MOST_NODES = 20_001
FAINT = 80.0
"""Logarithms below the highest density at which the integral ends."""


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
    from scipy.special import betainc, betaincc

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
        if min(shapes[-1]) < LEAST_SHAPE:
            raise InputError(
                f"prior == {prior} with {successes} of {n} in the {name} leaves a beta parameter below {LEAST_SHAPE};"
                " give a prior of that or more"
            )
    (a, b), (c, d) = shapes
    # The integral is over the narrower posterior, since what the other one says of its rates is then smooth.
    narrow = a + b >= c + d
    rates, weights = _nodes(*(shapes[0] if narrow else shapes[1]), NODES)
    finer, shares = _nodes(*(shapes[0] if narrow else shapes[1]), NODES_OF_INTERVAL)

    def below(shift: float) -> float:
        """Probability that treatment − control is at most `shift`."""
        if narrow:
            return float(shares @ betainc(c, d, np.clip(finer + shift, 0.0, 1.0)))
        return float(shares @ betaincc(a, b, np.clip(finer - shift, 0.0, 1.0)))

    def quantile(probability: float) -> float:
        return falling_root(lambda shift: probability - below(shift), -1.0, 1.0, within=1e-12)

    mean = c / (c + d) - a / (a + b)
    variance = sum(p * q / (p + q) ** 2 / (p + q + 1) for p, q in shapes)
    # The mean loss at each value of the one rate, over the other.
    if narrow:
        short = rates * betainc(c, d, rates) - c / (c + d) * betainc(c + 1, d, rates)
        better = float(weights @ betaincc(c, d, rates))
    else:
        short = a / (a + b) * betaincc(a + 1, b, rates) - rates * betaincc(a, b, rates)
        better = float(weights @ betainc(a, b, rates))
    loss = max(float(weights @ short), 0.0)
    return Belief(
        mean,
        math.sqrt(variance),
        min(better, 1.0),
        loss,
        max(mean + loss, 0.0),
        Interval(quantile(alpha / 2), quantile(1 - alpha / 2)),
    )


def _nodes(a: float, b: float, each: int) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Rates and weights that sum to one, by which a mean over a beta posterior is taken.

    The trapezoidal rule in log odds, in which the density is smooth, bell-shaped and has thin tails: ten digits and
    more. Logarithms are those of quotients with the mode's, which do not lose digits where a and b are large.
    """
    import numpy as np

    mode = a / (a + b)
    sd = math.sqrt(1 / a + 1 / b)
    # The tails fall like those of e^(a·u) and e^(b·u), or faster; near the middle like a normal's.
    low, high = ((math.sqrt(2 * FAINT) + 4) * sd + FAINT / shape for shape in (a, b))
    low, high = min(low, 700.0), min(high, 700.0)
    count = min(math.ceil((low + high) / sd * each), MOST_NODES)
    away = np.linspace(-low, high, count)
    start = math.log(a) - math.log(b)
    logs = -a * np.log1p((1 - mode) * np.expm1(-away)) - b * np.log1p(mode * np.expm1(away))
    mass = np.exp(logs - logs.max())
    return 1 / (1 + np.exp(-np.clip(start + away, -700.0, 700.0))), mass / mass.sum()
