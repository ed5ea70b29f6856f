"""Are two arms as good as the same? The test that they differ by less than a margin in either direction (TOST)."""

from dataclasses import dataclass
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import level
from counterpoint.stats.contrast import Interval, State
from counterpoint.stats.moments import Moments
from counterpoint.stats.pairs import Distribution, Pair, joint_of, pair_of
from counterpoint.stats.relative import relative as relative_change

__all__ = ["Equivalence", "equivalence"]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Evidence that two arms differ by less than a margin; the test's fields are none unless "tested"."""

    state: State | Literal["no share"]
    """ "no share": a relative margin of a control mean that is not above zero has no meaning."""
    margin: float
    relative: bool
    alpha: float
    p_above_low: float | None = None
    """One-sided p that the change is above −margin."""
    p_below_high: float | None = None
    """One-sided p that the change is below the margin."""
    interval: Interval | None = None
    """Of the change, of level 1 − 2·alpha: as a share of the control where the margin is one."""

    @property
    def p(self) -> float | None:
        """The larger of the two: both have to reject."""
        if self.p_above_low is None or self.p_below_high is None:
            return None
        return max(self.p_above_low, self.p_below_high)

    @property
    def equivalent(self) -> bool:
        """Whether p is at most alpha; exactly then the interval lies within ± margin."""
        return self.p is not None and self.p <= self.alpha


def equivalence(
    control: Moments | Pair,
    treatment: Moments | None = None,
    *,
    margin: float,
    alpha: float = 0.05,
    relative: bool = True,
    distribution: Distribution = "t",
) -> Equivalence:
    """Test that two arms differ by less than `margin`, by two one-sided tests, each of level alpha.

    A relative margin m is tested through μ_t − (1 − m)·μ_c and μ_t − (1 + m)·μ_c, as `noninferiority` does.

    Args:
        control: The control's moments, or a pair, which holds both arms.
        treatment: The treatment's moments; left out with a pair.
        margin: The largest difference that does not matter, above 0: a share of the control, or in its unit.
        alpha: Level of each test, and so of both together; under one half.
        relative: Whether the margin is a share of the control's mean.
        distribution: Of the statistic: "t", or "z" for variances taken as known.

    Raises:
        InputError: the margin is not above 0, a relative one is 1 or more, or alpha is out of range.

    References:
        Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach for
        assessing the equivalence of average bioavailability. J. Pharmacokinetics and Biopharmaceutics 15, 657-680.

    >>> found = equivalence(Moments(1000, 10.0, 9990.0), Moments(1000, 10.05, 9990.0), margin=0.03)
    >>> round(found.p, 6), found.equivalent, round(found.interval.low, 4), round(found.interval.high, 4)
    (0.040879, True, -0.0181, 0.0286)
    """
    if not 0 < margin < float("inf") or (relative and margin >= 1):
        raise InputError(
            f"margin == {margin}, must be above 0" + (" and below 1 (0.01 is 1 %)" if relative else "")
        )
    level("alpha", alpha, below=0.5)
    pair = pair_of(control, treatment)
    if relative and pair.state != "no denominator" and not pair.control > 0:
        return Equivalence("no share", margin, relative, alpha)
    joint = joint_of(pair, distribution)
    low = joint.contrast(1 - margin if relative else 1.0) if joint else None
    high = joint.contrast(1 + margin if relative else 1.0) if joint else None
    if low is None or high is None:
        return Equivalence("no variance" if pair.state == "tested" else pair.state, margin, relative, alpha)
    nulls = (-margin, margin)
    if relative:
        share = relative_change(pair, below=alpha, above=alpha, nulls=nulls, distribution=distribution)
        p_low, p_high = low.p_greater(), high.p_less()
        return Equivalence(
            "tested", margin, relative, alpha, p_low, p_high, share.interval if share else None
        )
    p_low, p_high = low.p_greater(-margin), low.p_less(margin)
    return Equivalence(
        "tested", margin, relative, alpha, p_low, p_high, low.interval(alpha, alpha, nulls=nulls)
    )
