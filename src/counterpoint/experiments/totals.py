"""What an engine is asked for: per arm, users and the moments of every metric. Nothing user-level leaves it."""

from datetime import datetime

import msgspec

from counterpoint.stats import Moments

__all__ = ["ArmTotals", "CovariateTotals", "MetricTotals", "Totals"]


class CovariateTotals(msgspec.Struct, frozen=True):
    """A metric's value before each user's first exposure, over the users of one group (CUPED)."""

    moments: Moments
    comoment: float
    """Sum over users of the value's distance from its mean times the covariate's from its own."""

    @property
    def covariance(self) -> float | None:
        """Sample covariance with n − 1; none below two units, where it is not defined."""
        return self.comoment / (self.moments.n - 1) if self.moments.n > 1 else None


class MetricTotals(msgspec.Struct, frozen=True):
    """One metric over the users of one group."""

    moments: Moments
    events: int = 0
    """Events that count: at or after the user's first exposure and within the plan's dates."""
    blank: int = 0
    """Those of them that have no number where a mean or a sum needs one; they add nothing."""
    covariate: CovariateTotals | None = None
    """Of the metric's `covariate_days`; none where it has none."""


class ArmTotals(msgspec.Struct, frozen=True):
    """The users who saw one variant only, or (`mixed`) those who saw several."""

    variant: str | None
    mixed: bool
    users: int
    metrics: dict[str, MetricTotals]
    """By the metric's name."""
    early: int = 0
    """Events of the metrics before the user's first exposure; they do not count."""
    late: int = 0
    """Events of the metrics after the plan's end; they do not count."""


class Totals(msgspec.Struct, frozen=True):
    """The sufficient statistics of an experiment."""

    groups: tuple[ArmTotals, ...] = ()
    first_exposure: datetime | None = None
    last_exposure: datetime | None = None
    outside: int = 0
    """Exposures outside the plan's dates; they do not count."""

    def arm(self, variant: str) -> ArmTotals | None:
        """The users who saw this variant and no other."""
        return next((group for group in self.groups if group.variant == variant and not group.mixed), None)

    @property
    def mixed(self) -> int:
        """Users who saw several variants."""
        return sum(group.users for group in self.groups if group.mixed)
