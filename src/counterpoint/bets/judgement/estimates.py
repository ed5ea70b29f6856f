"""Ranges of which somebody is 80 % sure, and the distribution that such a range means. Pure."""

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from counterpoint.errors import InputError, Problem
from counterpoint.said import Said
from counterpoint.stats.distributions import normal_quantile, normal_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "QUANTITIES",
    "RISKS",
    "Fitted",
    "Quantity",
    "QuantityGuide",
    "Range",
    "Scale",
    "fit",
    "outside",
    "read_range",
]

Z90 = normal_quantile(0.9)
"""The point of a standard normal above which a tenth lies."""
STEPS = 2000
"""Points of equal probability by which a mean on the logit scale is taken; about four digits."""


class Quantity(StrEnum):
    """What is estimated of a bet."""

    VALUE = "value"
    COST = "cost"
    COST_OF_DELAY = "cost-of-delay"
    DURATION = "duration"
    RISK_VALUE = "risk-value"
    RISK_USABILITY = "risk-usability"
    RISK_FEASIBILITY = "risk-feasibility"
    RISK_VIABILITY = "risk-viability"

    @property
    def is_risk(self) -> bool:
        """Whether it is the chance that one of the four risks holds."""
        return self.value.startswith("risk-")


RISKS = tuple(quantity for quantity in Quantity if quantity.is_risk)
"""The four risks after Cagan, in the order in which they are burnt down."""


class Scale(StrEnum):
    """On which scale a range is spread."""

    NATURAL = "natural"
    LOG = "log"
    """For what cannot be 0 or less."""
    LOGIT = "logit"
    """For chances, strictly between 0 and 1."""


MOST, LEAST, WIDEST = 1e15, 1e-9, 1e9
"""Sizes of a number that is no chance, and how often the low end may go into the high one: beyond them, means and
quotients of distributions leave what a computer can count with."""


class QuantityGuide(msgspec.Struct, frozen=True, rename="camel"):
    """A quantity in words for people."""

    quantity: Quantity
    label: Said
    hint: Said


QUANTITIES = (
    QuantityGuide(
        Quantity.VALUE, "Value", "What it is worth to you if it works, over the time you look ahead."
    ),
    QuantityGuide(Quantity.COST, "Cost", "What it costs to build, in the same unit as its value."),
    QuantityGuide(
        Quantity.COST_OF_DELAY, "Cost of delay", "What each week without it costs, in the same unit."
    ),
    QuantityGuide(Quantity.DURATION, "Duration", "Weeks until real users can hold it."),
    QuantityGuide(Quantity.RISK_VALUE, "Chance that people want it", "Value: will they choose to use it?"),
    QuantityGuide(
        Quantity.RISK_USABILITY, "Chance that people can use it", "Usability: will they find their way?"
    ),
    QuantityGuide(
        Quantity.RISK_FEASIBILITY, "Chance that we can build it", "Feasibility: with these people, in time?"
    ),
    QuantityGuide(
        Quantity.RISK_VIABILITY,
        "Chance that it works for the business",
        "Viability: law, cost, partners, brand.",
    ),
)


class Range(msgspec.Struct, frozen=True):
    """An estimate: it is below `p10` once in ten times, below `p50` every second time, above `p90` once in ten."""

    p10: float
    p50: float
    p90: float

    def scaled(self, by: float) -> "Range":
        """The range in another unit."""
        return Range(self.p10 * by, self.p50 * by, self.p90 * by)


def read_range(quantity: Quantity, p10: float, p50: float, p90: float, *, at: str = "") -> Range:
    """The range of a quantity, if it is one. `at` is the pointer that problems begin with.

    Raises:
        InputError: a number is not finite or beyond what can be counted with, they are not in order, a duration is
            not above 0, a cost is below 0, a chance is not strictly between 0 and 1, or the range is `WIDEST`.
    """
    numbers = {"p10": p10, "p50": p50, "p90": p90}
    problems = [
        Problem(f"{name} is {number}; write a finite number.", f"{at}/{name}")
        for name, number in numbers.items()
        if not math.isfinite(number)
    ]
    if not problems and not p10 <= p50 <= p90:
        problems.append(
            Problem(
                f"The range goes {p10:g}, {p50:g}, {p90:g}; write the low end first, and the high end last.",
                f"{at}/p50",
            )
        )
    if not problems:
        problems = [
            Problem(message, f"{at}/{name}")
            for name, number in numbers.items()
            if (message := outside(quantity, number))
        ][:1]
    if not problems and not quantity.is_risk and 0 < p10 * WIDEST < p90:
        said = f"The high end, {p90:g}, is more than {WIDEST:g} times the low end, {p10:g}; write a narrower range, or 0."
        problems = [Problem(said, f"{at}/p90")]
    if problems:
        raise InputError(f"The estimate of {quantity.value} cannot be taken.", problems)
    return Range(p10, p50, p90)


def outside(quantity: Quantity, number: float) -> str:
    """Why a finite number cannot be of this quantity; empty where it can."""
    if not quantity.is_risk and abs(number) > MOST:
        return f"{number:g} is beyond {MOST:g}; write it in a larger unit."
    if not quantity.is_risk and 0 < abs(number) < LEAST:
        return f"{number:g} is nearer to 0 than {LEAST:g}; write it in a smaller unit, or 0."
    if quantity.is_risk and not 0 < number < 1:
        return f"{number:g} is no chance between 0 and 1; nothing is certain, so write at least 0.001 and at most 0.999."
    if quantity is Quantity.DURATION and not number > 0:
        return f"{number:g} weeks is no duration; write more than 0."
    if quantity in (Quantity.COST, Quantity.COST_OF_DELAY) and number < 0:
        return f"{number:g} is below 0; write 0 or more."
    return ""


class Fitted(msgspec.Struct, frozen=True):
    """The distribution of a range: on its scale, half a normal on each side of the median.

    The quantile function is m + z·h for z = Φ⁻¹(u) ≥ 0 and m + z·l below, where h and l are the distances of the
    90 % and the 10 % point from the median, divided by Φ⁻¹(0.9). It goes exactly through the three points, whatever
    they are, and all its moments are finite, which those of the metalog through the same points (Keelin 2016) are
    not on the log scale. The density jumps at the median where the range is lopsided.

    References:
        Keelin (2016), The Metalog Distributions, Decision Analysis 13(4), on fitting quantiles;
        Wallis (2014), The Two-Piece Normal, Binormal, or Double Gaussian Distribution, Statistical Science 29(1).
    """

    scale: Scale
    median: float
    """On the scale."""
    low: float
    high: float
    """Standard deviations of the two halves, on the scale."""

    def quantiles(self, uniform: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """The values below which it lies with these probabilities, each strictly between 0 and 1; same shape."""
        import numpy as np
        from scipy.special import expit, ndtri

        z = ndtri(uniform)
        spread = self.median + z * np.where(z >= 0, self.high, self.low)
        if self.scale is Scale.LOG:
            return np.asarray(np.exp(spread))
        return np.asarray(expit(spread) if self.scale is Scale.LOGIT else spread)

    @property
    def mean(self) -> float:
        """The expected value, in the quantity's unit; closed forms on the natural and the log scale.

        Natural: m + (h − l)/√(2π). Log: eᵐ·(e^{h²/2}·Φ(h) + e^{l²/2}·Φ(−l)), since each half is that of a
        lognormal.

        >>> round(fit(Quantity.VALUE, Range(-10.0, 0.0, 30.0)).mean, 4)
        6.2259
        >>> round(fit(Quantity.DURATION, Range(1.0, 1.0, 1.0)).mean, 4)
        1.0
        """
        if self.scale is Scale.NATURAL:
            return self.median + (self.high - self.low) / math.sqrt(2 * math.pi)
        if self.scale is Scale.LOG:
            upper = math.exp(self.high**2 / 2) * (1 - normal_tail(self.high))
            return math.exp(self.median) * (upper + math.exp(self.low**2 / 2) * normal_tail(self.low))
        import numpy as np

        return float(self.quantiles((np.arange(STEPS) + 0.5) / STEPS).mean())

    def draws(self, count: int, generator: "np.random.Generator") -> "NDArray[np.float64]":
        """So many values, one out of each slice of equal probability, in an order of chance (Latin hypercube)."""
        return self.quantiles((generator.permutation(count) + 0.5) / count)


def fit(quantity: Quantity, given: Range) -> Fitted:
    """The distribution that a range means.

    Chances are spread on the logit scale. Durations, and whatever is above 0 even at its 10 % point, are spread on
    the log scale: they are taken to be above 0 throughout. All else is spread as it is.
    """
    scale = Scale.LOGIT if quantity.is_risk else Scale.LOG if given.p10 > 0 else Scale.NATURAL
    low, mid, high = (_on(scale, point) for point in (given.p10, given.p50, given.p90))
    return Fitted(scale, mid, (mid - low) / Z90, (high - mid) / Z90)


def _on(scale: Scale, number: float) -> float:
    if scale is Scale.LOGIT:
        return math.log(number / (1 - number))
    return math.log(number) if scale is Scale.LOG else number
