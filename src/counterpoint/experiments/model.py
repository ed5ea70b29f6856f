"""The plan of an experiment: what is compared, on which metrics, and by which levels it is decided."""

from datetime import datetime
from typing import Literal

import msgspec

from counterpoint.errors import InputError
from counterpoint.experiments.contradictions import plan_problems
from counterpoint.experiments.decision import Condition, Node, Share, conditions, rule_one, rule_two, shares
from counterpoint.experiments.exposure import Links, Trigger
from counterpoint.experiments.measures import PLAIN_FIELD, PLAIN_WORDS, Aggregation, Direction, Metric
from counterpoint.experiments.stopping import Stopping
from counterpoint.stats import alpha_deterioration, alpha_guardrail, alpha_success

__all__ = [
    "PLAIN_FIELD",
    "PLAIN_WORDS",
    "SAMPLE_RATIO_GATES",
    "Aggregation",
    "Direction",
    "Experiment",
    "Guardrail",
    "Levels",
    "Links",
    "Metric",
    "QualityTest",
    "Rule",
    "Scale",
    "Target",
    "Trigger",
]

Scale = Literal["relative", "absolute"]
"""Whether a size is a share of the control mean, or in the metric's unit."""
Rule = Literal["rule-1", "rule-2"]
QualityName = Literal[
    "pre-exposure",
    "sample-ratio-by-day",
    "sample-ratio-by-segment",
    "sequential-sample-ratio",
    "traffic",
    "crossover",
]
SAMPLE_RATIO_GATES: tuple[QualityName, ...] = (
    "sample-ratio-by-day",
    "sample-ratio-by-segment",
    "sequential-sample-ratio",
)
"""What makes an experiment invalid beside the overall sample ratio, where the plan does not say."""


class Guardrail(msgspec.Struct, frozen=True, rename="camel"):
    """A metric that must not get worse by more than its margin."""

    metric: Metric
    margin: float | None = None
    """What may be lost, 0.01 for 1 % of the control mean; without one, only significant harm counts."""
    scale: Scale = "relative"
    """Whether the margin is a share of the control mean, or in the metric's unit."""


class Target(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is expected of a metric before the start, from which the number of users follows."""

    mde: float | None = None
    """Smallest change worth detecting, without its sign: 0.02 is 2 % of the control mean if relative."""
    scale: Scale = "relative"
    mean: float | None = None
    """Mean per user of the control; of the last weeks, if nothing is said."""
    sd: float | None = None
    """Standard deviation per user; of a 0/1 metric it follows from the mean."""
    correlation: float | None = None
    """Between the metric and its covariate, which takes its square from the variance."""


class QualityTest(msgspec.Struct, frozen=True, rename="camel"):
    """A test of the data beside the sample ratio; where it rejects, the experiment is invalid."""

    test: QualityName
    level: float | None = None
    """None gives it the same share of α₋ as each test of harm."""


class Levels(msgspec.Struct, frozen=True, rename="camel"):
    """The one-sided level of each kind of test, after correction."""

    success: float
    guardrail: float
    deterioration: float
    sample_ratio: float
    quality: float = 0.0


class Experiment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The plan that an analysis follows; it is fixed before the result is read.

    Raises:
        InputError: the plan contradicts itself; one problem for each contradiction.
    """

    name: str
    flag: str
    control: str
    treatments: tuple[str, ...]
    kind: Literal["ab-test", "rollout"] = "ab-test"
    """A rollout has one treatment and guardrails only, and is read at any time."""
    success: tuple[Metric, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    deterioration: tuple[Metric, ...] = ()
    """Metrics beside those that only must not get worse."""
    quality: tuple[QualityTest, ...] | None = None
    """Tests that make it invalid, exactly these beside the overall sample ratio; none means `SAMPLE_RATIO_GATES`."""
    targets: dict[str, Target] = {}
    """By the metric's name: what sizing needs to know."""
    decision: Node | Rule = "rule-2"
    shares: dict[str, float] = {}
    """Planned share of users by variant, in any unit; empty means equal shares."""
    alpha: float = 0.05
    beta: float = 0.2
    """Risk that a good change is not shipped: 1 − the power of the whole decision."""
    alpha_minus: float | None = None
    """Level of all tests of harm and quality together; none means `alpha`."""
    srm_threshold: float = 0.001
    stopping: Stopping | None = None
    """When it is read; none means once, at its end (`end` or `units_per_arm`), and a rollout at any time."""
    covariates: bool = True
    """Whether a metric's value before exposure adjusts it (CUPED), where the metric declares days for it."""
    slopes: Literal["per-arm", "pooled"] = "per-arm"
    start: datetime | None = None
    """Exposures and events before it do not count."""
    end: datetime | None = None
    """Exposures and events after it do not count; the result is read once it has come."""
    units_per_arm: int | None = None
    """Users that each arm must have before the result is read."""
    trigger: Trigger | None = None
    """The event from which a user counts; none means the first exposure."""
    links: Links | None = None
    """Events that link ids to users; none takes every subject as a user of its own."""
    segments: tuple[str, ...] = ()
    """Attributes of exposures, as `country`, by which the sizes of the arms are compared too."""
    flag_set: str | None = None
    """Name of the flag set; none takes the flag's exposures of any set."""
    title: str | None = None
    ref: str | None = None

    def __post_init__(self) -> None:
        if problems := list(plan_problems(self)):
            raise InputError(f"The plan of the experiment {self.name} does not hold together.", problems)

    @property
    def arms(self) -> tuple[str, ...]:
        """The control, then the treatments in their order."""
        return (self.control, *self.treatments)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Success metrics, those of guardrails, then those that only must not get worse; each once."""
        found = {metric.name: metric for metric in self.success}
        for metric in (*(guardrail.metric for guardrail in self.guardrails), *self.deterioration):
            found.setdefault(metric.name, metric)
        return tuple(found.values())

    @property
    def types(self) -> tuple[str, ...]:
        """Types of the events that it needs beside exposures, in order."""
        found = {event for metric in self.metrics for event in metric.types}
        return tuple(sorted(found | {each.event for each in (self.trigger, self.links) if each}))

    @property
    def planned(self) -> tuple[float, ...]:
        """Planned share of each arm, in the order of `arms`; they sum to 1."""
        given = [self.shares.get(arm, 0.0) for arm in self.arms] if self.shares else [1.0] * len(self.arms)
        whole = sum(given)
        return tuple(share / whole for share in given)

    @property
    def reading(self) -> Stopping:
        """The stopping plan, or what holds where none is declared."""
        if self.stopping is not None:
            return self.stopping
        return Stopping(method="confidence-sequence" if self.kind == "rollout" else "fixed")

    @property
    def mended(self) -> bool:
        """Whether it is read from a table that may have been mended since, so that nothing which was found before holds."""
        return not self.flag and self.reading.method != "group-sequential"

    @property
    def has_end(self) -> bool:
        """Whether it is declared when the result is read; without that, success figures are withheld."""
        stopping = self.reading
        return stopping.method != "fixed" or bool(self.end or self.units_per_arm or stopping.maximum)

    @property
    def read_once(self) -> bool:
        """Whether its first reading is the only one: it has no end, after which no data would come any more."""
        return self.has_end and self.end is None and self.reading.method in {"fixed", "fixed-power"}

    @property
    def tree(self) -> Node:
        """The decision as a tree; the two rules are trees too."""
        if not isinstance(self.decision, str):
            return self.decision
        successes = [metric.name for metric in self.success]
        bounded = [each.metric.name for each in self.guardrails if each.margin is not None]
        unbounded = [each.metric.name for each in self.guardrails if each.margin is None]
        if self.decision == "rule-1":
            return rule_one(successes, bounded, unbounded)
        watched = [metric.name for metric in self.deterioration]
        return rule_two(successes, bounded, unbounded, watched)

    @property
    def declared(self) -> tuple[QualityTest, ...]:
        """The tests of quality that the plan names, which share α₋."""
        return self.quality or ()

    @property
    def gates(self) -> tuple[QualityTest, ...]:
        """The tests that make it invalid beside the overall sample ratio, with the level of each.

        Those that nobody named have the threshold of the sample ratio and take nothing of α₋: which of them there
        are follows from the data, and a plan's size must not.
        """
        if self.quality is None:
            return tuple(
                QualityTest(test, self.srm_threshold)
                for test in SAMPLE_RATIO_GATES
                if self.segments or test != "sample-ratio-by-segment"
            )
        return tuple(
            QualityTest(each.test, self.levels.quality if each.level is None else each.level)
            for each in self.quality
        )

    @property
    def minus(self) -> float:
        """α₋, the level of all tests of harm and quality together."""
        return self.alpha if self.alpha_minus is None else self.alpha_minus

    @property
    def watched(self) -> int:
        """Tests that share α₋: harm to each metric, the sample ratio, and the tests of quality that the plan names."""
        return len(self.metrics) + 1 + len(self.declared)

    @property
    def power(self) -> float:
        """What the whole decision keeps at least: 1 − β, or less where α₋ leaves nothing of β to take it from."""
        stops = any(leaf.word == "deterioration" for leaf in conditions(self.tree))
        fits = not stops or self.minus / len(self.treatments) < self.beta
        return 1 - self.beta if fits else max(1 - self.beta - self.minus, 0.0)

    @property
    def costs(self) -> dict[Condition, Share]:
        """Level and risk of each condition of the tree, for one of the treatments (see `decision.shares`).

        Where α₋ leaves nothing of β, β is shared as if there were no such tests.
        """
        treatments = len(self.treatments)
        stops = any(leaf.word == "deterioration" for leaf in conditions(self.tree))
        minus = self.minus / treatments if stops else 0.0
        return shares(
            self.tree,
            alpha=self.alpha / treatments,
            beta=self.beta,
            alpha_minus=minus if minus < self.beta else 0.0,
            watched=self.watched,
        )

    @property
    def levels(self) -> Levels:
        """How α and α₋ are shared among the tests (see `counterpoint.stats.correction`).

        A custom tree may give each condition a level of its own (see `costs`); here are those of the rules.
        """
        comparisons = len(self.treatments)
        harm = alpha_deterioration(
            self.minus,
            metrics=len(self.metrics),
            quality_tests=1 + len(self.declared),
            comparisons=comparisons,
        )
        return Levels(
            success=alpha_success(self.alpha, successes=len(self.success), comparisons=comparisons),
            guardrail=alpha_guardrail(self.alpha, comparisons=comparisons),
            deterioration=harm,
            sample_ratio=self.srm_threshold,
            quality=self.minus / self.watched,
        )
