"""What an analysis returns: frozen values that are written as JSON in camelCase."""

from datetime import datetime
from typing import Literal

import msgspec

from counterpoint.experiments.model import Aggregation, Direction, Levels
from counterpoint.said import Said

__all__ = [
    "Arm",
    "Comparison",
    "Hypothesis",
    "MetricResult",
    "Outcome",
    "Quality",
    "Range",
    "Result",
    "SampleRatioCheck",
    "Verdict",
    "VerdictState",
]

VerdictState = Literal["ship", "do not ship", "keep running", "invalid"]
Outcome = Literal[
    "better", "worse", "no clear change", "within margin", "margin not shown", "no harm seen", "not tested"
]
"""What a metric's tests say together; harm that is significant outranks all else."""


class Range(msgspec.Struct, frozen=True, rename="camel"):
    """An interval; an end that is none is unbounded."""

    low: float | None
    high: float | None


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One one-sided test of one metric."""

    kind: Literal["superiority", "non-inferiority", "deterioration"]
    state: str
    """ "tested", or why there is no test."""
    alpha: float
    """Its level after correction; it rejects exactly when p is at most this."""
    p: float | None = None
    statistic: float | None = None
    df: float | None = None
    rejected: bool = False


class MetricResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One metric of one treatment against the control."""

    name: str
    label: str
    ref: str | None
    role: Literal["success", "guardrail"]
    treatment: str
    direction: Direction
    aggregation: Aggregation
    event: str
    unit: str | None
    margin: float | None
    outcome: Outcome
    note: Said
    """Why it could not be tested, or what else there is to know; empty if nothing."""
    control_users: int
    treatment_users: int
    control_mean: float
    treatment_mean: float
    difference: float
    """Treatment mean minus control mean, in the metric's unit."""
    se: float | None
    df: float | None
    t: float | None
    p: float | None
    """Of the test that decides the outcome; one-sided."""
    p_two_sided: float | None
    """Welch's two-sided p, for comparison with other tools."""
    alpha: float
    """Level of the test that decides the outcome."""
    interval: Range | None
    """Of the difference. Each end is the bound of the test on its side, so both agree with the outcome."""
    interval_level: float | None
    """Coverage of `interval` and of `relative_interval`."""
    interval_two_sided: Range | None
    """Of the difference, two-sided at 1 − the plan's alpha, without correction."""
    relative: float | None
    """Difference as a share of the control mean; none where that has no meaning."""
    relative_interval: Range | None
    detectable: float | None
    """Smallest change (share of the control mean, or in the unit without one) shown with power 0.8."""
    hypotheses: tuple[Hypothesis, ...]
    control_events: int
    treatment_events: int

    def hypothesis(self, kind: str) -> Hypothesis | None:
        """The metric's test of this kind, if its role has one."""
        return next((test for test in self.hypotheses if test.kind == kind), None)

    @property
    def worse(self) -> bool:
        """Whether it is significantly worse."""
        test = self.hypothesis("deterioration")
        return test is not None and test.rejected

    @property
    def holds(self) -> bool:
        """Whether the condition of its role is met: better, or within the margin, or no harm seen."""
        kind = "superiority" if self.role == "success" else "non-inferiority"
        test = self.hypothesis(kind)
        return test.rejected if test else not self.worse


class Comparison(msgspec.Struct, frozen=True, rename="camel"):
    """One treatment against the control."""

    treatment: str
    metrics: tuple[MetricResult, ...]

    def of_role(self, role: str) -> tuple[MetricResult, ...]:
        """Its success metrics or its guardrails."""
        return tuple(metric for metric in self.metrics if metric.role == role)


class Arm(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One variant of the plan with the users who saw it and no other."""

    variant: str
    role: Literal["control", "treatment"]
    users: int
    share: float | None
    planned_share: float


class SampleRatioCheck(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The test of the arms' sizes against the plan."""

    state: Literal["tested", "too few units"]
    p: float | None
    statistic: float | None
    df: int
    threshold: float
    rejected: bool
    observed: tuple[int, ...]
    expected: tuple[float, ...]


class Quality(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether the data can bear a verdict."""

    sample_ratio: SampleRatioCheck
    mixed_users: int = 0
    """Users who saw several variants; they are left out."""
    mixed_share: float = 0.0
    unknown_users: dict[str, int] = {}
    """Users by a variant that the plan does not name; they are left out."""
    outside_exposures: int = 0
    """Exposures outside the plan's dates."""
    early_events: int = 0
    """Events of the metrics before the user's first exposure; they do not count."""
    late_events: int = 0
    """Events of the metrics after the plan's end; they do not count."""
    warnings: tuple[Said, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The recommendation; what to do stays the squad's decision."""

    state: VerdictState
    sentence: Said
    """Plain words with the figures and the one condition that decides."""
    condition: str
    """The condition that decides: "sample ratio", "end", "units", "exposures", or a kind of test and a metric."""
    would_change: Said
    """What would change the verdict."""
    treatment: str | None = None
    """The treatment it speaks of; none if of all."""


class Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that is known of an experiment at one moment."""

    experiment: str
    ref: str | None
    title: str | None
    flag: str
    as_of: datetime
    verdict: Verdict
    arms: tuple[Arm, ...]
    quality: Quality
    levels: Levels
    comparisons: tuple[Comparison, ...]
    first_exposure: datetime | None
    last_exposure: datetime | None
    start: datetime | None
    end: datetime | None
    engine: str = ""
    sql: str = ""
    """The query that ran."""
    source: str = ""
    """The table that it was read from; empty where it was the journal."""

    @property
    def users(self) -> int:
        """Users in the arms of the plan."""
        return sum(arm.users for arm in self.arms)

    @property
    def metrics(self) -> tuple[MetricResult, ...]:
        """The metrics of all comparisons, in their order."""
        return tuple(metric for comparison in self.comparisons for metric in comparison.metrics)
