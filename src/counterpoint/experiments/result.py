"""What an analysis returns: frozen values that are written as JSON in camelCase."""

from datetime import datetime
from typing import Literal

import msgspec

from counterpoint.experiments.decision import Branch
from counterpoint.experiments.model import Aggregation, Direction, Levels, Scale
from counterpoint.experiments.segment import Range, Segment
from counterpoint.experiments.stopping import Method
from counterpoint.said import Said

__all__ = [
    "BETWEEN",
    "Arm",
    "Comparison",
    "Credence",
    "Figures",
    "Hypothesis",
    "Learning",
    "MetricResult",
    "Outcome",
    "Progress",
    "Quality",
    "QualityCheck",
    "Range",
    "Result",
    "Role",
    "SampleRatioCheck",
    "Stopped",
    "Taken",
    "Verdict",
    "VerdictState",
]

VerdictState = Literal["ship", "do not ship", "keep running", "invalid"]
Outcome = Literal[
    "better",
    "worse",
    "no clear change",
    "within margin",
    "margin not shown",
    "no harm seen",
    "not tested",
    "not read yet",
]
"""What a metric's tests say together; harm that is significant outranks all else."""
Role = Literal["success", "guardrail", "deterioration"]
Lesson = Literal["win", "regression", "powered neutral", "none"]
NoLesson = Literal["invalid", "underpowered", "stopped early", "no traffic"]


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One one-sided test of one metric."""

    kind: Literal["superiority", "non-inferiority", "deterioration"]
    state: str
    """ "tested", or why there is no test; "withheld" where the stopping plan does not let it be read yet."""
    alpha: float
    """Its level at this reading; it rejects exactly when p is at most this."""
    total_alpha: float = 0.0
    """Its level over all readings of the plan, after correction."""
    shown_at: int | None = None
    """The earlier look at which it was rejected; what was shown once stays shown."""
    p: float | None = None
    statistic: float | None = None
    df: float | None = None
    rejected: bool = False

    @property
    def shown(self) -> bool:
        """Whether it rejects now or has done so at an earlier look."""
        return self.rejected or self.shown_at is not None


class Figures(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one estimator says of a metric; the decision is by that of the metric itself."""

    control_mean: float
    treatment_mean: float
    difference: float
    se: float | None
    interval: Range | None
    relative: float | None
    relative_interval: Range | None


class Stopped(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a group sequential test says once it has stopped: an effect that stops a test is too large on average."""

    estimate: float
    """Median unbiased, in the metric's unit: as often above the true difference as below it."""
    interval: Range
    """One-sided like the test, at its level over all looks: it excludes 0 exactly when the test has rejected."""
    p: float
    """Over all looks that were made, by the order "rejected earlier is more extreme"."""
    seen: float
    """The difference as it is without looks."""


class Credence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a Bayesian with a flat prior would say of a metric: beside the verdict, which it never decides."""

    better: float
    """Probability that the treatment is on the good side of the control."""
    loss: float
    """Expected loss of shipping the treatment, in the metric's unit."""
    loss_control: float
    """Expected loss of keeping the control."""
    interval: Range
    """Credible, of the difference, with equal tails, at 1 − the plan's alpha."""


class MetricResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One metric of one treatment against the control."""

    name: str
    label: str
    ref: str | None
    role: Role
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
    """Of all that is said of means: adjusted by the covariates, where there are some."""
    treatment_mean: float | None
    """None where the effect is withheld, as all figures that would tell it are."""
    difference: float | None
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
    margin_scale: Scale = "relative"
    unadjusted: Figures | None = None
    """Without the covariates; none where none were used."""
    uncapped: Figures | None = None
    """Without the caps that the metric declares; none where it declares none."""
    variance_reduction: float | None = None
    """Share of the difference's variance that the covariates took away; below 0 where they added some."""
    shrunk: float | None = None
    """Of a success metric that won: the difference that is likeliest given that it had to be significant to win."""
    credence: Credence | None = None
    """None where the effect is withheld, or the arms cannot be compared by their variance."""
    stopped: Stopped | None = None
    """Of a success metric of a group sequential plan, at the look at which its test stopped, where every look before
    was taken; see `stats.stagewise_estimate`."""

    @property
    def withheld(self) -> bool:
        """Whether the effect is not shown, because the plan is not to be read yet or the data are invalid."""
        return self.difference is None

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
        return test.shown if test else not self.worse


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
    stopped: tuple[str, ...] = ()
    """Treatments whose own verdict is not to ship them, while the others go on."""


class Comparison(msgspec.Struct, frozen=True, rename="camel"):
    """One treatment against the control."""

    treatment: str
    metrics: tuple[MetricResult, ...]
    decision: Branch | None = None
    """The tree of the decision with the answer of each node."""
    verdict: Verdict | None = None
    """What is recommended of this treatment by itself; none where that of the whole stands instead of it."""

    def find(self, name: str, kind: str) -> MetricResult | None:
        """The result of the metric that has a test of this kind."""
        return next((each for each in self.metrics if each.name == name and each.hypothesis(kind)), None)

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
    stopped: bool = False
    """Whether it was stopped while others went on; its size is not compared with theirs from then on."""


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


class QualityCheck(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A further test of the data; where one that gates rejects, the experiment is invalid."""

    test: str
    state: str
    """ "tested", or why there is no test."""
    p: float | None = None
    level: float | None = None
    rejected: bool = False
    gates: bool = False
    """Whether it makes the experiment invalid, since the plan names it or names none; else it only warns."""
    note: Said = ""
    """What it found, with figures."""


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
    checks: tuple[QualityCheck, ...] = ()
    """Tests beside the sample ratio."""


class Progress(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a reading stands in the stopping plan."""

    method: Method
    declared: bool
    """Whether the plan says when it is read; if not, its success figures are withheld."""
    final: bool
    """Whether the end was reached."""
    open: bool
    """Whether the metrics' own tests may be read now."""
    users: int = 0
    maximum: int | None = None
    """Users in all arms at which it ends."""
    needed: int | None = None
    """Users per arm that the pooled variance asks for, of a fixed-power plan."""
    look: int | None = None
    """Number of this look, from 1; none between looks and where there are none."""
    looks: int | None = None
    """Number of looks that are planned."""
    information: float | None = None
    """Share of the planned users whose values count; above 1 after an overshoot."""
    exploratory: bool = False
    """A look at a plan that does not say when it is read: it is no evidence, and cannot ship anything."""
    condition: str = ""
    """What is waited for: "end", "units", "power", "look", or "plan" (a declared one); empty where nothing is."""
    why: Said = ""
    """Why figures are withheld; empty if none are."""
    following: Said = ""
    """When the next look is."""


BETWEEN = 0
"""Index of what was decided between looks, or of a plan without any: harm before the end, or a confidence sequence."""


class Taken(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A look that was taken and recorded: it is never rewritten."""

    index: int
    """From 1, or `BETWEEN`."""
    information: float
    users: int
    data: str
    """Name of the data that were read (see `looks.fingerprint`)."""
    as_of: datetime
    final: bool
    verdict: VerdictState
    sentence: Said
    condition: str
    would_change: Said
    treatment: str | None = None
    spent: dict[str, tuple[float, float | None]] = {}
    """By total level: what is spent of it up to here, and the boundary in standard errors (none: unbounded)."""
    shown: tuple[str, ...] = ()
    """Conditions that were shown, with their treatment: "superiority: retention: on"."""
    scores: dict[str, float] = {}
    """By condition and treatment: its evidence in standard errors, which is compared with the boundary."""
    by: str | None = None
    """Who took it."""
    stops: str | None = None
    """The treatment that was stopped by this, while the others went on; its index is `BETWEEN`."""

    @property
    def key(self) -> tuple[int, str]:
        """What there is one of: each look, what decided between looks, and the stop of each treatment."""
        return self.index, self.stops or ""


class Learning(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an experiment that has ended taught."""

    outcome: Lesson
    sentence: Said
    reason: NoLesson | None = None
    """Why nothing was learned; none where something was."""

    @property
    def learned(self) -> bool:
        """Whether something was learned."""
        return self.outcome != "none"


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
    progress: Progress | None = None
    looks: tuple[Taken, ...] = ()
    """Looks that were taken, this one included where it is one."""
    learning: Learning | None = None
    """What it taught; none while it goes on."""
    acknowledged: bool = False
    """Whether somebody has acknowledged that it is invalid; until then its figures are withheld."""
    segments: tuple[Segment, ...] = ()
    """Effects by the plan's segments, once the plan lets effects be read; no part of the verdict."""

    @property
    def users(self) -> int:
        """Users in the arms of the plan."""
        return sum(arm.users for arm in self.arms)

    @property
    def metrics(self) -> tuple[MetricResult, ...]:
        """The metrics of all comparisons, in their order."""
        return tuple(metric for comparison in self.comparisons for metric in comparison.metrics)
