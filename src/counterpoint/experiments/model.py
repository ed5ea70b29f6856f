"""The plan of an experiment: what is compared, on which metrics, and by which levels it is decided."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import msgspec

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.measures import (
    PLAIN_FIELD,
    PLAIN_WORDS,
    Aggregation,
    Direction,
    Metric,
    metric_problems,
)
from counterpoint.stats import alpha_deterioration, alpha_guardrail, alpha_success

__all__ = [
    "PLAIN_FIELD",
    "PLAIN_WORDS",
    "Aggregation",
    "Direction",
    "Experiment",
    "Guardrail",
    "Levels",
    "Metric",
]


class Guardrail(msgspec.Struct, frozen=True, rename="camel"):
    """A metric that must not get worse by more than its margin."""

    metric: Metric
    margin: float | None = None
    """Share of the control mean that may be lost, as 0.01 for 1 %; without one, only significant harm counts."""


class Levels(msgspec.Struct, frozen=True, rename="camel"):
    """The one-sided level of each kind of test, after correction."""

    success: float
    guardrail: float
    deterioration: float
    sample_ratio: float


class Experiment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The plan that an analysis follows; it is fixed before the result is read.

    Raises:
        InputError: the plan contradicts itself; one problem for each contradiction.
    """

    name: str
    flag: str
    control: str
    treatments: tuple[str, ...]
    success: tuple[Metric, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    shares: dict[str, float] = {}
    """Planned share of users by variant, in any unit; empty means equal shares."""
    alpha: float = 0.05
    srm_threshold: float = 0.001
    start: datetime | None = None
    """Exposures and events before it do not count."""
    end: datetime | None = None
    """Exposures and events after it do not count; the result is read once it has come."""
    units_per_arm: int | None = None
    """Users that each arm must have before the result is read."""
    flag_set: str | None = None
    """Name of the flag set; none takes the flag's exposures of any set."""
    title: str | None = None
    ref: str | None = None

    def __post_init__(self) -> None:
        if problems := list(_problems(self)):
            raise InputError(f"The plan of the experiment {self.name} does not hold together.", problems)

    @property
    def arms(self) -> tuple[str, ...]:
        """The control, then the treatments in their order."""
        return (self.control, *self.treatments)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Success metrics, then those of guardrails; each once."""
        found = {metric.name: metric for metric in self.success}
        for guardrail in self.guardrails:
            found.setdefault(guardrail.metric.name, guardrail.metric)
        return tuple(found.values())

    @property
    def planned(self) -> tuple[float, ...]:
        """Planned share of each arm, in the order of `arms`; they sum to 1."""
        given = [self.shares.get(arm, 0.0) for arm in self.arms] if self.shares else [1.0] * len(self.arms)
        whole = sum(given)
        return tuple(share / whole for share in given)

    @property
    def levels(self) -> Levels:
        """How `alpha` is shared among the tests (see `counterpoint.stats.correction`)."""
        comparisons = len(self.treatments)
        return Levels(
            success=alpha_success(self.alpha, successes=len(self.success), comparisons=comparisons),
            guardrail=alpha_guardrail(self.alpha, comparisons=comparisons),
            deterioration=alpha_deterioration(self.alpha, metrics=len(self.metrics), comparisons=comparisons),
            sample_ratio=self.srm_threshold,
        )


def _problems(plan: Experiment) -> Iterator[Problem]:
    if not plan.treatments:
        yield Problem("There is no treatment; name at least one variant.", "/spec/treatments")
    for arm, times in Counter(plan.arms).items():
        if times > 1:
            yield Problem(
                f"The variant {arm} is named {times} times; every arm needs its own.", "/spec/treatments"
            )
    if not plan.success and not plan.guardrails:
        yield Problem("There is nothing to decide by; name a success metric or a guardrail.", "/spec/success")
    yield from _share_problems(plan)
    for name, value, most in (("alpha", plan.alpha, 0.5), ("srmThreshold", plan.srm_threshold, 1.0)):
        if not 0 < value < most:
            yield Problem(f"{name} is {value:g}; it must be above 0 and below {most:g}.", f"/spec/{name}")
    for index, guardrail in enumerate(plan.guardrails):
        if guardrail.margin is not None and not 0 < guardrail.margin < 1:
            yield Problem(
                f"The margin of {guardrail.metric.name} is {guardrail.margin:g}; it is a share of the control"
                " mean, above 0 and below 1 (0.01 is 1 %).",
                f"/spec/guardrails/{index}/margin",
            )
    for metric in plan.metrics:
        yield from metric_problems(metric)
    if plan.start and plan.end and plan.end <= plan.start:
        yield Problem("The end is not after the start.", "/spec/end")


def _share_problems(plan: Experiment) -> Iterator[Problem]:
    for arm in plan.arms if plan.shares else ():
        if not plan.shares.get(arm, 0) > 0:
            yield Problem(
                f"The arm {arm} has no share above 0; give every arm one, or leave shares out.",
                f"/spec/shares/{arm}",
            )
    for variant in plan.shares.keys() - set(plan.arms):
        yield Problem(
            f"{variant} has a share and is neither control nor treatment; the arms are {', '.join(plan.arms)}.",
            f"/spec/shares/{variant}",
        )
