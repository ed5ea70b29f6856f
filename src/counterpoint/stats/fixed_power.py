"""The fixed-power design: stop once there are as many units as the variance seen so far asks for.

When to stop depends on the variance within the arms alone, which says nothing of their difference. So the
test at the end is that of a fixed horizon, and needs no boundary.

References:
    Nordin, Schultzberg (2024), Precision-based designs for sequential randomized experiments, arXiv
    2405.03487.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from counterpoint.errors import InputError
from counterpoint.stats.checks import level, positive
from counterpoint.stats.distributions import normal_quantile
from counterpoint.stats.moments import Moments

__all__ = ["FixedPower", "fixed_power", "fixed_power_required", "pooled_variance"]


@dataclass(frozen=True, slots=True)
class FixedPower:
    """Where a fixed-power design stands."""

    n: int
    """Units seen, over all arms."""
    required: int | None
    """Units that the variance seen so far asks for, over all arms; none where it cannot be estimated."""
    variance: float | None
    """Variance within the arms, in the metric's unit squared; none below two units in an arm."""

    @property
    def reached(self) -> bool:
        """Whether the experiment may stop and be tested."""
        return self.required is not None and self.n >= self.required


def pooled_variance(*arms: Moments) -> float | None:
    """The variance within the arms, Σ M2 / (Σ n − arms): the same whatever their means.

    None where the arms do not hold more units than there are arms.

    >>> pooled_variance(Moments.of([1, 2, 3]), Moments.of([11, 12, 13]))
    1.0
    """
    left = sum(arm.n for arm in arms) - len(arms)
    return math.fsum(arm.m2 for arm in arms) / left if left > 0 else None


def fixed_power_required(
    variance: float,
    effect: float,
    *,
    alpha: float = 0.05,
    beta: float = 0.2,
    shares: Sequence[float] = (1.0, 1.0),
) -> int:
    """Units over both arms that show `effect` with power 1 − beta at this variance, rounded up.

    (z_α + z_β)²·V·(1/s_c + 1/s_t)/δ², with the shares s of all units that the arms get.

    Args:
        variance: Pooled variance of a unit, in the metric's unit squared; with a covariate, what it leaves.
        effect: The difference δ to be shown, or the margin of a guardrail, in the metric's unit.
        alpha: One-sided level: half the level of a two-sided test.
        beta: One minus the power.
        shares: Planned shares of control and treatment; they need not sum to one.

    Raises:
        InputError: variance or a share is not above 0, effect is 0, a level is not between 0 and ½, or
            there are not two shares.

    References:
        Nordin, Schultzberg (2024), arXiv 2405.03487.

    >>> fixed_power_required(1.0, 0.1, alpha=0.025)
    3140
    """
    positive("variance", variance)
    positive("effect", abs(effect))
    if len(shares) != 2:
        raise InputError(f"{len(shares)} shares, give that of the control and that of the treatment")
    for share in shares:
        positive("share", share)
    level("alpha", alpha, below=0.5)
    level("beta", beta, below=0.5)
    reach = normal_quantile(1 - alpha) + normal_quantile(1 - beta)
    whole = math.fsum(shares)
    units = (
        reach * reach * (variance / abs(effect)) * math.fsum(whole / share for share in shares) / abs(effect)
    )
    if not math.isfinite(units):
        raise InputError(f"effect == {effect} is too small for any number of units; plan for a larger one")
    return math.ceil(units)


def fixed_power(
    control: Moments,
    treatment: Moments,
    effect: float,
    *,
    alpha: float = 0.05,
    beta: float = 0.2,
    shares: Sequence[float] = (1.0, 1.0),
) -> FixedPower:
    """Where a fixed-power design of two arms stands: `reached` says that it may stop and be tested.

    The arguments are those of `fixed_power_required`. An outcome without variance has none required: it
    cannot be tested. A variance of few units may by chance be small and stop too early; look first after
    the first full week.

    Raises:
        InputError: as `fixed_power_required`.

    References:
        Nordin, Schultzberg (2024), arXiv 2405.03487.

    >>> found = fixed_power(Moments.of([1, 2, 3, 4]), Moments.of([2, 3, 4, 5]), 2.0, alpha=0.025)
    >>> found.n, found.required, found.reached
    (8, 14, False)
    """
    variance = pooled_variance(control, treatment) if min(control.n, treatment.n) > 1 else None
    required = None
    if variance is not None and variance > 0:
        required = fixed_power_required(variance, effect, alpha=alpha, beta=beta, shares=shares)
    return FixedPower(control.n + treatment.n, required, variance)
