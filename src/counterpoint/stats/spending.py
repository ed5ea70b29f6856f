"""How the error of a sequential test is spent as information arrives: the spending functions."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from counterpoint.errors import InputError
from counterpoint.stats.checks import level
from counterpoint.stats.distributions import log_normal_tail, normal_quantile_of_log

__all__ = ["SQUARE", "Family", "Spending"]

Family = Literal["power", "obrien-fleming", "pocock", "hwang-shih-decani"]
"""The shapes of spending that are known."""


@dataclass(frozen=True, slots=True)
class Spending:
    """A spending function α(t): how much of α may be spent once the share t of the information is in.

    - "power": α·t^ρ, `parameter` is ρ > 0; ρ = 2 keeps most for the end and falls at every look.
    - "obrien-fleming": 2·(1 − Φ(z(1 − α/2)/√t)), which spends next to nothing early; takes no parameter.
    - "pocock": α·ln(1 + (e − 1)·t), about as strict at each look; takes no parameter.
    - "hwang-shih-decani": α·(1 − e^(−γt))/(1 − e^(−γ)), `parameter` is γ; below 0 late, above 0 early.

    α is that of one side: a two-sided test of α spends twice `spent(t, α/2)`.

    Raises:
        InputError: the family is unknown, or the parameter is out of its range.

    References:
        Lan, DeMets (1983), Discrete sequential boundaries for clinical trials. Biometrika 70, 659-663.
        Kim, DeMets (1987), Biometrika 74, 149-154. Hwang, Shih, De Cani (1990), Statistics in Medicine 9,
        1439-1445.

    >>> Spending().spent(0.5, 0.05)
    0.0125
    >>> round(Spending("obrien-fleming").spent(0.5, 0.025), 9)
    0.001525323
    """

    family: Family = "power"
    parameter: float = 2.0

    def __post_init__(self) -> None:
        if self.family not in get_args(Family):
            raise InputError(f"family == {self.family!r}, must be one of {', '.join(get_args(Family))}")
        if not math.isfinite(self.parameter) or (self.family == "power" and not self.parameter > 0):
            rule = "must be above 0" if self.family == "power" else "must be a finite number"
            raise InputError(f"parameter == {self.parameter}, {rule}")

    def spent(self, t: float, alpha: float) -> float:
        """What is spent of one side's `alpha` when the share `t` of the information is in; all from t = 1.

        Raises:
            InputError: t is negative or no number, or alpha is not strictly between 0 and 1.
        """
        _checked(t, alpha)
        if self.family == "obrien-fleming":
            return alpha if t >= 1 else math.exp(self.log_spent(t, alpha))
        return alpha * self._share(min(t, 1.0))

    def log_spent(self, t: float, alpha: float) -> float:
        """Natural logarithm of `spent`, which also holds where that is too small for a number: −∞ at t = 0.

        >>> round(Spending("obrien-fleming").log_spent(1 / 400, 0.025), 2)  # about 10 to the minus 438
        -1008.81
        """
        _checked(t, alpha)
        if t == 0:
            return -math.inf
        if t >= 1:
            return math.log(alpha)
        if self.family == "obrien-fleming":
            return math.log(2) + log_normal_tail(normal_quantile_of_log(math.log(alpha / 2)) / math.sqrt(t))
        if self.family == "power":
            return math.log(alpha) + self.parameter * math.log(t)
        return math.log(alpha) + math.log(self._share(t))

    def _share(self, t: float) -> float:
        """The part of alpha that is spent at `t`, which is the same for every alpha."""
        if self.family == "power":
            return math.pow(t, self.parameter)
        if self.family == "pocock":
            return math.log1p((math.e - 1) * t)
        gamma = self.parameter
        if abs(gamma) < 1e-12:  # the limit, which the quotient below would lose to rounding
            return t
        if gamma < -500:  # exp(-gamma) would be too large for a number
            return math.exp(gamma * (1 - t))
        return math.expm1(-gamma * t) / math.expm1(-gamma)


SQUARE = Spending()
"""The default: α·t²."""


def _checked(t: float, alpha: float) -> None:
    checked_level(alpha)
    if not t >= 0:
        raise InputError(f"t == {t}, must be 0 or more")


def checked_level(alpha: float) -> float:
    """Return a level of error, or raise an InputError that names it."""
    level("alpha", alpha)
    return alpha
