"""Is a guardrail within its margin? The test that the loss, if any, is smaller than what was allowed."""

from dataclasses import dataclass
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.contrast import Contrast, State, contrast, state_of
from counterpoint.stats.moments import Moments

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


def noninferiority(
    control: Moments,
    treatment: Moments,
    *,
    margin: float,
    direction: Direction = "increase",
    relative: bool = True,
) -> Noninferiority:
    """Test that the treatment is worse than the control by less than `margin`.

    A relative margin m of a metric that should increase is tested through μ_t − (1 − m)·μ_c, whose
    variance v_t + (1 − m)²·v_c counts the uncertainty of the control mean that the margin is a share of;
    one that should decrease through (1 + m)·μ_c − μ_t. An absolute margin is in the metric's unit.

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
    if not margin > 0 or (relative and margin >= 1):
        raise InputError(
            f"margin == {margin}, must be above 0" + (" and below 1 (0.01 is 1 %)" if relative else "")
        )
    if relative and not control.mean > 0:
        return Noninferiority("no share", margin, relative, direction)
    gain = 1 if direction == "increase" else -1
    tested = contrast(control, treatment, 1 - gain * margin if relative else 1.0)
    if tested is None:
        return Noninferiority(state_of(control, treatment), margin, relative, direction)
    distance = gain * tested.estimate + (0.0 if relative else margin)
    good = Contrast(distance, tested.se, tested.df)
    return Noninferiority(
        "tested", margin, relative, direction, distance, good.se, good.df, good.statistic(), good.p_greater()
    )
