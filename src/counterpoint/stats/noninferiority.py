"""Is a guardrail within its margin? The test that the loss, if any, is smaller than what was allowed."""

from dataclasses import dataclass
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, level
from counterpoint.stats.contrast import Contrast, Interval, State
from counterpoint.stats.moments import Moments
from counterpoint.stats.pairs import Distribution, Pair, joint_of, pair_of

__all__ = ["Direction", "Noninferiority", "noninferiority"]

Direction = Literal["increase", "decrease"]
"""The direction in which a metric gets better."""


@dataclass(frozen=True, slots=True)
class Noninferiority:
    """Evidence that a metric lost less than its margin; the test's fields are none unless "tested"."""

    state: State | Literal["no share"]
    """ "no share": a relative margin of a control mean that is not above zero has no meaning."""
    margin: float
    relative: bool
    direction: Direction
    distance: float | None = None
    """Estimate of how far the treatment stays on the good side of the margin, in the metric's unit."""
    se: float | None = None
    df: float | None = None
    statistic: float | None = None
    p: float | None = None
    """One-sided; at most alpha means "within margin"."""
    has_interval: bool = True
    """Whether the standard error holds away from the margin too, so that a bound made of it means anything."""

    def bound(self, alpha: float) -> Interval | None:
        """Where the distance to the margin may lie, from its lower bound of level 1 − alpha upwards.

        It excludes 0 exactly when p is at most alpha; none unless the test ran and has an interval.

        >>> from counterpoint.stats import rate
        >>> noninferiority(rate(5000, 10_000), rate(4990, 10_000), margin=0.05).bound(0.05).excludes(0)
        True
        """
        level("alpha", alpha)
        if self.distance is None or self.se is None or self.df is None or not self.has_interval:
            return None
        return Contrast(self.distance, self.se, self.df).interval(alpha, None)


def noninferiority(
    control: Moments | Pair,
    treatment: Moments | None = None,
    *,
    margin: float,
    direction: Direction = "increase",
    relative: bool = True,
    distribution: Distribution = "t",
) -> Noninferiority:
    """Test that the treatment is worse than the control by less than `margin`.

    A relative margin m of a metric that should increase is tested through μ_t − (1 − m)·μ_c, whose
    variance v_t + (1 − m)²·v_c counts the uncertainty of the control mean that the margin is a share of;
    one that should decrease through (1 + m)·μ_c − μ_t. An absolute margin is in the metric's unit.

    Args:
        control: The control's moments, or a pair, which holds both arms.
        treatment: The treatment's moments; left out with a pair.
        margin: The largest loss that is allowed, above 0: a share of the control, or in its unit.
        direction: The direction in which the metric gets better.
        relative: Whether the margin is a share of the control's mean.
        distribution: Of the statistic: "t", or "z" for variances taken as known.

    Raises:
        InputError: the margin is not above 0, or a relative one is 1 or more.

    References:
        Schultzberg, Ankargren, Frånberg (2024), Risk-aware product decisions in A/B tests with multiple
        metrics, arXiv 2402.11609, for the role of the test. Laster, Johnson (2003), Non-inferiority
        trials: the 'at least as good as' criterion, Statistics in Medicine 22, 187-200, for the contrast.

    >>> from counterpoint.stats import rate
    >>> found = noninferiority(rate(5000, 10_000), rate(4990, 10_000), margin=0.05)
    >>> round(found.distance, 3), round(found.se, 6), found.p < 0.001
    (0.024, 0.006897, True)
    """
    if not 0 < margin < float("inf") or (relative and margin >= 1):
        raise InputError(
            f"margin == {margin}, must be above 0" + (" and below 1 (0.01 is 1 %)" if relative else "")
        )
    choice("direction", direction, ("increase", "decrease"))
    pair = pair_of(control, treatment)
    if relative and pair.state != "no denominator" and not pair.control > 0:
        return Noninferiority("no share", margin, relative, direction)
    gain = 1 if direction == "increase" else -1
    joint = joint_of(pair, distribution)
    tested = joint.contrast(1 - gain * margin if relative else 1.0) if joint else None
    if tested is None:
        state: State = "no variance" if pair.state == "tested" else pair.state
        return Noninferiority(state, margin, relative, direction)
    distance = gain * tested.estimate + (0.0 if relative else margin)
    good = Contrast(distance, tested.se, tested.df)
    return Noninferiority(
        "tested", margin, relative, direction, distance, good.se, good.df, good.statistic(), good.p_greater()
    )
