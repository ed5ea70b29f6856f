"""Sample size, power and the smallest detectable effect, for every test that an analysis makes.

A `Target` says what a test must be able to show; the same three questions are asked of any: how many
units (`required_units`), with what power (`power_at`), how small an effect (`detectable_effect`). How the levels are
shared among metrics is `correction`'s: give α as `alpha_success` and β as `beta_each` make them, and for
a sequential test its inflation factor.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, finite, level, positive
from counterpoint.stats.comoments import Comoments
from counterpoint.stats.distributions import noncentral_t_tail, normal_quantile, normal_tail, t_quantile
from counterpoint.stats.noninferiority import Direction
from counterpoint.stats.pairs import Distribution
from counterpoint.stats.rates import restricted_rates

__all__ = [
    "Size",
    "Target",
    "detectable_effect",
    "margin_target",
    "mean_target",
    "power_at",
    "rate_margin_target",
    "rate_target",
    "ratio_variance",
    "required_units",
]

LARGE = 1e8
"""Degrees of freedom from which Student's t is the normal, to eight digits of power."""


@dataclass(frozen=True, slots=True)
class Target:
    """A contrast μ_t − weight·μ_c that a test must tell from its null, with the variances of one unit.

    The variance at n_c and n_t units is treatment/n_t + weight²·control/n_c + shared/(n_c + n_t).
    """

    effect: float
    """How far from the null, on the good side, the contrast truly is; above 0, in the metric's unit."""
    control: float
    """Variance of one unit of the control where the effect is true."""
    treatment: float
    weight: float = 1.0
    shared: float = 0.0
    """Variance of one unit, of either arm, that both estimates feel (the covariates' mean)."""
    null: Callable[[float], tuple[float, float]] | None = None
    """From units of the control per unit of the treatment: the variances of one unit of control and of
    treatment under the null, where the test uses those; none where it uses those above."""

    def __post_init__(self) -> None:
        positive("effect", self.effect)
        finite("weight", self.weight)
        for name in ("control", "treatment", "shared"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} == {getattr(self, name)}, must be a variance: finite, not negative")


@dataclass(frozen=True, slots=True)
class Size:
    """Units that a test needs."""

    total: int
    arms: tuple[int, ...]
    """Units of the control, then of each treatment."""
    exact: float
    """The total before rounding each arm up."""


def mean_target(sd: float, effect: float, *, correlation: float = 0.0) -> Target:
    """Show a difference of means; covariates of this correlation leave 1 − ρ² of the variance.

    Args:
        sd: Standard deviation of one unit. For a ratio the root of `ratio_variance`.
        effect: The difference, in the metric's unit; its sign does not matter.
        correlation: Between outcome and covariate, or √R² of several covariates.

    Raises:
        InputError: sd is not above 0, effect is 0, or the correlation is not strictly between −1 and 1.

    References:
        Deng, Xu, Kohavi, Walker (2013), WSDM, equation 5.

    >>> required_units(mean_target(1.0, 0.1), alpha=0.025, beta=0.2).arms
    (1571, 1571)
    >>> required_units(mean_target(1.0, 0.1, correlation=0.7), alpha=0.025, beta=0.2).arms
    (802, 802)
    """
    positive("sd", sd)
    rest = sd * sd * _left(correlation)
    return Target(abs(effect), rest, rest)


def margin_target(
    mean: float,
    sd: float,
    margin: float,
    *,
    truth: float = 0.0,
    relative: bool = True,
    direction: Direction = "increase",
    correlation: float = 0.0,
) -> Target:
    """Show that a mean is worse than the control's by less than a margin.

    A relative margin m is tested by the contrast μ_t − (1 − m)·μ_c, so the variance is that of it,
    v_t + (1 − m)²·v_c (1 + m where the metric should fall), and with covariates their mean's, m²·ρ²·v.

    Args:
        mean: The control's mean; only used by relative margins, which need one above 0.
        sd: Standard deviation of one unit.
        margin: The largest loss allowed, above 0: a share of the control, or in the metric's unit.
        truth: The true change that the power is for, in the margin's unit and with its sign: 0 for none.
        relative: Whether the margin is a share of the control's mean.
        direction: The direction in which the metric gets better.
        correlation: Between outcome and covariate, or √R² of several covariates.

    Raises:
        InputError: an argument is out of range, or the true change is beyond the margin.

    References:
        As `noninferiority`.

    >>> required_units(margin_target(10.0, 5.0, 0.02), alpha=0.05, beta=0.2).arms
    (7576, 7576)
    """
    positive("sd", sd)
    positive("margin", margin)
    choice("direction", direction, ("increase", "decrease"))
    gain = 1 if direction == "increase" else -1
    scale = 1.0
    if relative:
        level("margin", margin)
        positive("mean", mean)
        scale = mean
    weight = 1 - gain * margin if relative else 1.0
    away = _within_margin(margin, truth, gain)
    rest = sd * sd * _left(correlation)
    return Target(scale * away, rest, rest, weight, ((1 - weight) * correlation * sd) ** 2)


def rate_target(base: float, effect: float, *, pooled: bool = True) -> Target:
    """Show that a rate moves from `base` to `base + effect`.

    `pooled` takes the variance under equal rates for the test, and that under the effect for its power;
    otherwise both are those under the effect, as the unpooled test has it.

    Raises:
        InputError: a rate is not strictly between 0 and 1, or the effect is 0.

    References:
        Fleiss, Levin, Paik (2003), Statistical Methods for Rates and Proportions, 3rd edition, 4.2.

    >>> required_units(rate_target(0.10, 0.02), alpha=0.025, beta=0.2, distribution="z").arms
    (3841, 3841)
    """
    other = base + effect
    level("base", base)
    level("base + effect", other)

    def null(ratio: float) -> tuple[float, float]:
        mean = (other + ratio * base) / (1 + ratio)
        return mean * (1 - mean), mean * (1 - mean)

    return Target(abs(effect), base * (1 - base), other * (1 - other), null=null if pooled else None)


def rate_margin_target(
    base: float,
    margin: float,
    *,
    truth: float = 0.0,
    relative: bool = False,
    direction: Direction = "increase",
    restricted: bool = True,
) -> Target:
    """Show that a rate is worse than the control's by less than a margin.

    `restricted` takes, for the test, the variance of the rates most likely at the margin given the true ones
    (`rate_noninferiority(variance="restricted")`); otherwise that of the true rates.

    Args:
        base: The control's true rate.
        margin: The largest loss allowed, above 0: a share of the control, or a difference of rates.
        truth: The true change that the power is for, in the margin's unit and with its sign: 0 for none.
        relative: Whether the margin is a share of the control's rate.
        direction: The direction in which the rate gets better.
        restricted: Whose variance the test uses.

    Raises:
        InputError: a rate is not strictly between 0 and 1, or the true change is beyond the margin.

    References:
        Farrington, Manning (1990), Statistics in Medicine 9, 1447-1454.

    >>> target = rate_margin_target(0.5, 0.1)
    >>> required_units(target, alpha=0.05, beta=0.2, distribution="z").arms
    (308, 308)
    """
    level("base", base)
    positive("margin", margin)
    choice("direction", direction, ("increase", "decrease"))
    gain = 1 if direction == "increase" else -1
    other = base * (1 + truth) if relative else base + truth
    level("the treatment's true rate", other)
    at = -gain * margin
    weight = 1 + at if relative else 1.0
    away = _within_margin(margin, truth, gain) * (base if relative else 1.0)

    def null(ratio: float) -> tuple[float, float]:
        low, high = restricted_rates(base, other, ratio=ratio, margin=at, relative=relative)
        return low * (1 - low), high * (1 - high)

    return Target(away, base * (1 - base), other * (1 - other), weight, null=null if restricted else None)


def ratio_variance(arm: Comoments) -> float:
    """Variance that one unit brings to a ratio (column 0 over column 1), by the delta method.

    (s_N² − 2R·s_ND + R²·s_D²)/D̄², to be divided by the number of units; its root is the `sd` of a target.

    Raises:
        InputError: there are fewer than two units, or the denominator's mean is not above 0.

    References:
        As `RatioPair`.

    >>> round(ratio_variance(Comoments.of([[1, 2], [0, 1], [2, 3], [1, 4]])), 6)
    0.064
    """
    if arm.columns < 2 or arm.n < 2 or not arm.means[1] > 0:
        raise InputError(
            f"arm has {arm.columns} columns, {arm.n} units and means {arm.means}; give a numerator and a"
            " denominator with a mean above 0, of two units or more"
        )
    ratio = arm.means[0] / arm.means[1]
    (nn, nd, *_), (_, dd, *_) = arm.cross[0], arm.cross[1]
    return max(nn - 2 * ratio * nd + ratio * ratio * dd, 0.0) / (arm.n - 1) / arm.means[1] ** 2


def power_at(
    target: Target,
    units: tuple[float, float],
    *,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 1,
    distribution: Distribution = "t",
    inflation: float = 1.0,
) -> float:
    """Probability that the test of a target rejects at these units of control and treatment.

    Of two sides only the one of the effect counts. Student's t has Welch's degrees of freedom.

    Args:
        target: What is to be shown.
        units: Units of the control and of the treatment.
        alpha: Level of the test.
        sides: 2 gives each side alpha/2.
        distribution: As the analysis has it.
        inflation: Of a sequential test: its units are worth `units`/inflation at a fixed end.

    Raises:
        InputError: an argument is out of range.

    >>> round(power_at(mean_target(1.0, 0.5), (64, 64), alpha=0.05, sides=2), 6)
    0.801459
    """
    each = _one_side(alpha, sides)
    choice("distribution", distribution, ("t", "z"))
    positive("inflation", inflation)
    for name, count in zip(("units of the control", "units of the treatment"), units, strict=True):
        positive(name, count)
    return _power(target, (units[0] / inflation, units[1] / inflation), each, distribution)


def required_units(
    target: Target,
    *,
    alpha: float = 0.05,
    beta: float = 0.2,
    sides: Literal[1, 2] = 1,
    shares: Sequence[float] = (1, 1),
    distribution: Distribution = "t",
    inflation: float = 1.0,
) -> Size:
    """Units that let the test of a target reject with power 1 − beta.

    Args:
        target: What is to be shown, in every comparison of a treatment with the control.
        alpha: Level of each comparison's test, after any correction.
        beta: Chance that a true effect is missed in a comparison, after any correction.
        sides: 2 gives each side alpha/2.
        shares: Of the control and of each treatment; they need not sum to one. The smallest treatment
            decides.
        distribution: As the analysis has it: "t", or "z" for variances taken as known.
        inflation: Factor of a sequential test on the fixed sample.

    Raises:
        InputError: an argument is out of range.

    References:
        Chow, Shao, Wang (2008), Sample Size Calculations in Clinical Research, 2nd edition, section 3.2.

    >>> required_units(mean_target(1.0, 0.5), alpha=0.05, sides=2).arms
    (64, 64)
    >>> required_units(mean_target(1.0, 0.5), alpha=0.05, sides=2, shares=(2, 1, 1)).arms
    (97, 49, 49)
    """
    each = _one_side(alpha, sides)
    level("beta", beta, below=1 - each)
    positive("inflation", inflation)
    choice("distribution", distribution, ("t", "z"))
    if len(shares) < 2:
        raise InputError(f"shares has {len(shares)} numbers; give one of the control and of each treatment")
    for share in shares:
        positive("share", share)
    least = min(shares[1:])

    def power(n: float) -> float:
        """With n units in control and smallest treatment together."""
        control = n * shares[0] / (shares[0] + least)
        return _power(target, (control, n - control), each, distribution)

    low, high = 4.0 if distribution == "t" else 1e-9, 8.0
    while power(high) < 1 - beta:
        low, high = high, high * 2
        if high > 1e18:
            raise InputError("effect is too small for any number of units; plan for a larger one")
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= 1 - beta else (middle, high)
    whole = math.fsum(shares)
    total = high * inflation * whole / (shares[0] + least)
    arms = tuple(math.ceil(total * share / whole - 1e-7) for share in shares)
    return Size(sum(arms), arms, total)


def detectable_effect(
    target: Callable[[float], Target],
    units: tuple[float, float],
    *,
    alpha: float = 0.05,
    beta: float = 0.2,
    sides: Literal[1, 2] = 1,
    distribution: Distribution = "t",
    inflation: float = 1.0,
    most: float = math.inf,
) -> float | None:
    """The smallest effect that these units show with power 1 − beta; none if none up to `most` does.

    Args:
        target: Makes the target of an effect, such as `lambda effect: mean_target(5.0, effect)`.
        units: Units of the control and of the treatment.
        alpha: Level of the test, after any correction.
        beta: Chance that the effect is missed, after any correction.
        sides: 2 gives each side alpha/2.
        distribution: As the analysis has it.
        inflation: Factor of a sequential test on the fixed sample.
        most: The largest effect that has a meaning, exclusive: 1 − base for a rate.

    Raises:
        InputError: an argument is out of range.

    >>> found = detectable_effect(lambda effect: mean_target(1.0, effect), (64, 64), sides=2)
    >>> round(found, 4)
    0.4991
    """
    level("beta", beta)
    positive("most", min(most, 1.0) if most == math.inf else most)

    def power(effect: float) -> float:
        return power_at(
            target(effect), units, alpha=alpha, sides=sides, distribution=distribution, inflation=inflation
        )

    low, high = 0.0, min(1.0, most * (1 - 1e-12))
    while power(high) < 1 - beta:
        if high >= most * (1 - 1e-12) or high > 1e300:
            return None
        low, high = high, min(high * 2, most * (1 - 1e-12))
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high or high - low <= 1e-12 * high:
            break
        low, high = (low, middle) if power(middle) >= 1 - beta else (middle, high)
    return high


def _power(target: Target, units: tuple[float, float], alpha: float, distribution: Distribution) -> float:
    nc, nt = units
    parts = (target.treatment / nt, target.weight**2 * target.control / nc)
    shared = target.shared / (nc + nt)
    se = math.sqrt(math.fsum(parts) + shared)
    ratio = 1.0
    if target.null:
        control, treatment = target.null(nc / nt)
        ratio = math.sqrt(treatment / nt + target.weight**2 * control / nc + shared) / se if se else 1.0
    if not se > 0:
        return 1.0
    away = target.effect / se
    df = _welch(parts, shared, nc, nt)
    if distribution == "z" or df > LARGE:
        return normal_tail(normal_quantile(1 - alpha) * ratio - away)
    return noncentral_t_tail(df, away, t_quantile(df, 1 - alpha) * ratio) if df >= 1 else 0.0


def _welch(parts: tuple[float, float], shared: float, nc: float, nt: float) -> float:
    if min(nc, nt) <= 1:
        return 0.0
    total = math.fsum(parts) + shared
    terms = ((parts[0], nt - 1), (parts[1], nc - 1), (shared, nc + nt - 1))
    return 1 / math.fsum((part / total) ** 2 / df for part, df in terms) if total > 0 else math.inf


def _one_side(alpha: float, sides: int) -> float:
    choice("sides", sides, (1, 2))
    level("alpha", alpha, below=0.5 * sides)
    return alpha / sides


def _left(correlation: float) -> float:
    if not -1 < correlation < 1:
        raise InputError(f"correlation == {correlation}, must be above -1 and below 1")
    return 1 - correlation * correlation


def _within_margin(margin: float, truth: float, gain: int) -> float:
    finite("truth", truth)
    if not margin + gain * truth > 0:
        raise InputError(
            f"truth == {truth} loses as much as the margin of {margin} or more; plan for a smaller loss"
        )
    return margin + gain * truth
