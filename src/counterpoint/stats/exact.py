"""Exact tests of two rates for small counts, with the intervals that agree with them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, level, whole
from counterpoint.stats.contrast import Interval, agree
from counterpoint.stats.difference import Side
from counterpoint.stats.unconditional import barnard_order, boschloo_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ExactTest", "RateExact", "rate_exact"]

ExactTest = Literal["boschloo", "barnard", "fisher"]
"""Unconditional by Fisher's p (uniformly stronger than Fisher's test), by the pooled z, or conditional."""

MOST_CONDITIONAL = 5_000_000
"""Tables up to which the conditional test is offered: successes of both arms, or of the smaller arm's units."""
MOST_TABLES = 40_000
"""Tables up to which the unconditional tests are offered, about 200 units in each arm."""


@dataclass(frozen=True, slots=True)
class RateExact:
    """An exact comparison of two rates."""

    test: ExactTest
    control_rate: float
    treatment_rate: float
    alpha: float
    side: Side
    p: float
    """p of the chosen side; the interval excludes its null exactly when it is at most alpha."""
    p_two_sided: float
    """Twice the smaller one-sided p, at most 1: the one that an interval with equal tails agrees with."""
    p_greater: float
    p_less: float
    p_unsplit: float
    """The two-sided p that does not split its error in equal tails, as R's `fisher.test` and scipy show it.
    No interval of equal tails agrees with it."""
    odds_ratio: Interval | None = None
    """Of Fisher's test: the odds of the treatment as a multiple of the control's; the null is 1."""
    difference: Interval | None = None
    """Of the unconditional tests: treatment rate minus control rate; the null is 0."""
    relative: Interval | None = None
    """Of the unconditional tests: the change as a share of the control's rate; the null is 0."""


def rate_exact(
    control: tuple[int, int],
    treatment: tuple[int, int],
    *,
    test: ExactTest = "boschloo",
    alpha: float = 0.05,
    side: Side = "two-sided",
    intervals: bool = True,
) -> RateExact:
    """Compare two rates by an exact test, for counts too small for a z-test (under about five).

    "fisher" conditions on the successes of both arms together, which makes it simple and conservative.
    "boschloo" and "barnard" take the largest probability, over the unknown common rate, of tables at
    least as extreme: by Fisher's one-sided p, or by the pooled z. Their one-sided tests are the ones to decide on.

    The intervals invert the two one-sided tests. Fisher's is of the odds ratio. The unconditional ones are of the
    difference and of the relative change: all δ (or r) at which tables at least as extreme have, at some rates with
    p_t − p_c = δ (or p_t = (1 + r)·p_c), a probability above the error; extreme is what the score statistic at
    that δ says. At 0 the test's own order decides, so both exclude 0 exactly when the test rejects. They hold
    the true value in 1 − alpha of all experiments or more, however small (checked by enumeration).

    Args:
        control: Successes and units of the control.
        treatment: Successes and units of the treatment.
        test: Which exact test.
        alpha: Level of the test on the chosen side.
        side: The alternative.
        intervals: Whether they are wanted; those of an unconditional test take seconds at 200 units in each arm.

    Raises:
        InputError: the counts are impossible, or the tables too many for an unconditional test.

    References:
        Fisher (1935), The logic of inductive inference, J. R. Statist. Soc. 98, 39-82. Barnard (1945), A new test
        for 2x2 tables, Nature 156, 177. Boschloo (1970), Raised conditional level of significance for the 2x2
        table when testing the equality of two probabilities, Statistica Neerlandica 24, 1-9. Chan, Zhang
        (1999), Test-based exact confidence intervals for the difference of two binomial proportions,
        Biometrics 55, 1202-1209, for the intervals.

    >>> found = rate_exact((1, 10), (7, 10), test="fisher")
    >>> round(found.p_greater, 6), round(found.p_unsplit, 6)
    (0.009883, 0.019767)
    >>> round(rate_exact((1, 10), (7, 10), side="greater").p, 6)
    0.003978
    >>> found = rate_exact((1, 10), (7, 10)).difference
    >>> round(found.low, 4), round(found.high, 4)
    (0.1608, 0.8795)
    """
    choice("test", test, ("boschloo", "barnard", "fisher"))
    choice("side", side, ("two-sided", "greater", "less"))
    level("alpha", alpha)
    for name, (successes, n) in (("control", control), ("treatment", treatment)):
        whole(f"units of the {name}", n, least=1)
        whole(f"successes of the {name}", successes)
        if successes > n:
            raise InputError(f"successes of the {name} == {successes}, must be at most its units, {n}")
    tables = (control[1] + 1) * (treatment[1] + 1)
    if test != "fisher" and tables > MOST_TABLES:
        raise InputError(
            f"{control[1]} and {treatment[1]} units make {tables} tables, of {MOST_TABLES} at most;"
            ' use test="fisher", or the z-test of `rate_difference`, which is right for so many'
        )
    below, above = {"two-sided": (alpha / 2, alpha / 2), "greater": (alpha, None), "less": (None, alpha)}[
        side
    ]
    odds = apart = share = None
    if test == "fisher":
        greater, less, unsplit = _fisher(control, treatment)
        odds = _odds_interval(control, treatment, below, above, greater, less) if intervals else None
    else:
        order = (
            boschloo_order(control, treatment) if test == "boschloo" else barnard_order(control, treatment)
        )
        greater, less, unsplit = order.greater(), order.less(), order.unsplit()
        if intervals:
            apart = order.interval(below, above, (greater, less), relative=False)
            share = order.interval(below, above, (greater, less), relative=True)
    both = min(1.0, 2 * min(greater, less))
    return RateExact(
        test,
        control[0] / control[1],
        treatment[0] / treatment[1],
        alpha,
        side,
        {"two-sided": both, "greater": greater, "less": less}[side],
        both,
        greater,
        less,
        unsplit,
        odds,
        apart,
        share,
    )


def _conditional(
    control: tuple[int, int], treatment: tuple[int, int]
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """The treatment's possible successes given those of both arms, and their log weights at odds ratio 1."""
    import numpy as np

    whole_, nc, nt = control[0] + treatment[0], control[1], treatment[1]
    least, most = max(0, whole_ - nc), min(nt, whole_)
    if most - least > MOST_CONDITIONAL:
        raise InputError(
            f"{whole_} successes of {nc + nt} units make {most - least + 1} tables, of {MOST_CONDITIONAL} at most;"
            " use `rate_difference`, which is right for so many"
        )
    x = np.arange(least, most + 1, dtype=np.float64)
    # Each weight by the one before it: logarithms of factorials would lose the digits of large counts.
    before = x[:-1]
    y = whole_ - before
    ratios = np.log((nt - before) / (before + 1)) + np.log(y / (nc - y + 1))
    return x, np.concatenate([[0.0], np.cumsum(ratios)])


def _tails(
    x: "NDArray[np.float64]", weights: "NDArray[np.float64]", seen: int, log_odds: float
) -> tuple[float, float]:
    """Probability of at least, and of at most, the successes seen."""
    import numpy as np

    logs = weights + x * log_odds
    mass = np.exp(logs - logs.max())
    whole_ = mass.sum()
    return float(mass[x >= seen].sum() / whole_), float(mass[x <= seen].sum() / whole_)


def _fisher(control: tuple[int, int], treatment: tuple[int, int]) -> tuple[float, float, float]:
    import numpy as np

    x, weights = _conditional(control, treatment)
    mass = np.exp(weights - weights.max())
    mass /= mass.sum()
    seen = mass[x == treatment[0]][0]
    greater, less = _tails(x, weights, treatment[0], 0.0)
    return min(greater, 1.0), min(less, 1.0), min(float(mass[mass <= seen * (1 + 1e-7)].sum()), 1.0)


def _odds_interval(
    control: tuple[int, int],
    treatment: tuple[int, int],
    below: float | None,
    above: float | None,
    p_greater: float,
    p_less: float,
) -> Interval:
    """The odds ratios that neither one-sided conditional test rejects."""
    x, weights = _conditional(control, treatment)
    seen = treatment[0]

    def root(rejected: Callable[[float], bool], start: float, step: float) -> float:
        """Where, going from `start` by `step`, the test stops rejecting or begins to."""
        inside, far = start, start + step
        while not rejected(far):
            inside, far = far, far + step
        for _ in range(80):
            middle = (inside + far) / 2
            inside, far = (inside, middle) if rejected(middle) else (middle, far)
        return math.exp(inside)

    best = math.log(max(seen, 0.5) * max(control[1] - control[0], 0.5)) - math.log(
        max(treatment[1] - seen, 0.5) * max(control[0], 0.5)
    )
    low = high = None
    if below is not None:
        at_edge = seen <= x[0]
        low = 0.0 if at_edge else root(lambda b: _tails(x, weights, seen, b)[0] <= below, best + 40, -40.0)
    if above is not None:
        at_edge = seen >= x[-1]
        high = (
            math.inf if at_edge else root(lambda b: _tails(x, weights, seen, b)[1] <= above, best - 40, 40.0)
        )
    found = agree(low, high, (1.0, 1.0), p_greater, p_less, below, above)
    return Interval(max(found.low, 0.0), found.high)
