"""A rollout's plan, what has happened to it, and where that leads: values only, no clock and no I/O.

    pending -> running <-> holding -> completed
                  |           |           |
                  +-> paused <+           |
                  +-> rolled-back <-------+      and from rolled-back or completed back to running

A state is never stored: it is the fold of the events (`apply`), so the log is the audit trail, and whoever
reads it, the server, cron or a person, comes to the same state.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from counterpoint.experiments.model import Metric, Scale
from counterpoint.said import Said
from counterpoint.stats import Spending

__all__ = [
    "ACTIVE",
    "DATA_TROUBLES",
    "TRANSITIONS",
    "Action",
    "Event",
    "EventKind",
    "Figures",
    "Guardrail",
    "GuardrailFigures",
    "Limits",
    "LookTaken",
    "Phase",
    "Rollout",
    "State",
    "Step",
    "Trouble",
    "Verdict",
    "apply",
    "state_of",
]

Phase = Literal["pending", "running", "holding", "paused", "rolled-back", "completed"]
ACTIVE: Final[frozenset[Phase]] = frozenset({"running", "holding", "paused"})
"""Phases in which the rollout drives its flag."""
Action = Literal["roll-back", "pause"]
Test = Literal["anytime", "group-sequential"]
Verdict = Literal["pass", "fail", "inconclusive", "too few users", "missing"]
Trouble = Literal["missing", "stale", "sample ratio", "too few users", "inconclusive", "approval"]
DATA_TROUBLES: Final[frozenset[Trouble]] = frozenset({"missing", "stale", "sample ratio", "too few users"})
"""What keeps a rollout from being judged at all; too long of it takes the change back."""
EventKind = Literal[
    "started",
    "advanced",
    "held",
    "cleared",
    "checked",
    "approved",
    "paused",
    "resumed",
    "rolled-back",
    "completed",
]
SAMPLE_RATIO: Final = "sample ratio"
"""How the check of the arms' sizes is named among what a person may override."""


class Step(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One share of users, and what must be so before the next."""

    percent: float
    hold_seconds: float = 86_400.0
    """How long it lasts at least."""
    minimum_sample: int = 100
    """Users that each measured arm must have had since the start before the step may end."""
    monitored: bool = True
    """Whether guardrails are read in it. Above 50 % there is no control of equal size, so nothing is."""
    approval: bool = False
    """Whether a person of the owner must approve before it begins."""
    inconclusive: Literal["hold", "proceed"] = "hold"
    """What becomes of a step whose guardrails show neither harm nor its absence once its time is over."""


class Guardrail(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A metric that must not get worse by more than its margin, and what happens where it does."""

    metric: Metric
    margin: float
    """What may be lost: a share of the control's mean, or in the metric's unit."""
    scale: Scale = "relative"
    test: Test = "anytime"
    action: Action = "roll-back"
    looks: int = 10
    """Of a group sequential test: looks at equal shares of `maximum`."""
    maximum: int | None = None
    """Of a group sequential test: users in both arms together at its last look."""
    spending: Literal["power", "obrien-fleming", "pocock", "hwang-shih-decani"] = "power"
    parameter: float | None = None

    @property
    def alpha_spending(self) -> Spending:
        """How much of its level is spent by when."""
        otherwise = {"power": 2.0, "hwang-shih-decani": -4.0}.get(self.spending, 0.0)
        return Spending(self.spending, otherwise if self.parameter is None else self.parameter)


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """How long a rollout waits."""

    stale_seconds: float = 3_600.0
    """Age of the newest exposure above which the figures are stale."""
    trouble_seconds: float = 86_400.0
    """How long figures may be missing, stale, mismatched or too few before the change is taken back."""
    patience_seconds: float = 7 * 86_400.0
    """How long a step may stay inconclusive before the rollout pauses and asks people."""


class Rollout(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The plan of a rollout; it is fixed when it starts."""

    ref: str
    name: str
    flag: str
    flag_set: str = "default"
    steps: tuple[Step, ...]
    guardrails: tuple[Guardrail, ...] = ()
    title: str = ""
    owner: str | None = None
    bet: str | None = None
    component: str | None = None
    environment: str | None = None
    alpha: float = 0.05
    """The chance, over all checks, guardrails and the check of the arms' sizes together, to stop a change that is
    within every margin."""
    sample_ratio_alpha: float = 0.001
    """The part of alpha that the check of the arms' sizes takes."""
    least: int = 100
    """Users in each arm below which nothing is judged: the tests hold in the limit of many."""
    tuned_at: int = 5_000
    """Users in both arms together at which an anytime-valid test is most powerful."""
    limits: Limits = Limits()
    template: str | None = None
    """Reference of the template that gave what the rollout leaves out; none for what we deliver."""
    treatment: str = ""
    """Variant that reaches more people; from the flag's plan, at the start."""
    control: str = ""
    """Variant of the measured control; from the flag's plan, at the start."""
    salt: str = ""
    """What users are drawn with; the same for ever, so that a restart has the same users."""
    bucketing: str = ""

    @property
    def level(self) -> float:
        """One-sided level of each guardrail: what is left of alpha, shared out equally (Bonferroni)."""
        return (self.alpha - self.sample_ratio_alpha) / max(len(self.guardrails), 1)


class GuardrailFigures(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What one guardrail said at one check."""

    metric: str
    label: str
    verdict: Verdict
    action: Action
    margin: float
    scale: Scale
    level: float
    """One-sided level of its test over all checks."""
    users: int = 0
    """Users in both arms whose values count."""
    control_mean: float | None = None
    treatment_mean: float | None = None
    change: float | None = None
    """Treatment against control: a share of the control's mean, or in the metric's unit for an absolute margin."""
    low: float | None = None
    """Lower bound of the change at this check; none where there is none."""
    high: float | None = None
    statistic: float | None = None
    """Distance from the margin in standard errors: above 0 on the good side."""
    boundary: float | None = None
    """What the statistic must reach, on the good side to pass and on the bad side to fail."""
    look: int | None = None
    """Number of the newest look, where not every check is one: change, bounds and verdict are of that."""
    look_users: int | None = None
    """Users in both arms at that look."""
    why: Said = ""
    """Why there is no verdict, where there is none."""


class LookTaken(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One look at a guardrail of which not every check is one, as it was and stays."""

    metric: str
    index: int
    information: float
    """Size of the figures (`looks.size_of`) by `maximum`; of an anytime-valid test by `tuned_at`."""
    spent: float
    """Error spent up to and with this look."""
    boundary: float | None
    """None where the look could not reject."""
    statistic: float
    verdict: Verdict
    users: int | None = None
    """Users in both arms."""
    precision: float | None = None
    """As of `looks.size_of`."""
    change: float | None = None
    """As of `GuardrailFigures`, like its bounds; none in what was written before they were kept."""
    low: float | None = None
    high: float | None = None


class Figures(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Everything that a check saw."""

    as_of: datetime
    control_users: int = 0
    treatment_users: int = 0
    mixed_users: int = 0
    """Users who saw both arms; they are left out."""
    last_exposure: datetime | None = None
    sample_ratio_p: float | None = None
    mismatch: bool = False
    guardrails: tuple[GuardrailFigures, ...] = ()
    looks: tuple[LookTaken, ...] = ()
    """Looks that this check took."""
    stale: tuple[str, ...] = ()
    """Metrics of guardrails whose events have stopped coming, from anybody."""

    @property
    def verdict(self) -> Verdict:
        """The worst that a guardrail says; pass where there is none."""
        order: tuple[Verdict, ...] = ("fail", "missing", "too few users", "inconclusive", "pass")
        said = {each.verdict for each in self.guardrails}
        return next((verdict for verdict in order if verdict in said), "pass")


class Event(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something that happened to a rollout, with the figures that it was decided by."""

    sequence: int
    """1 for the first event of the rollout, and so on without a gap."""
    kind: EventKind
    at: datetime
    """Never before the event before it, whatever the clock said."""
    actor: str
    step: int
    """Index of the step that holds from now on; −1 before the start."""
    percent: float | None = None
    """Share that was published with it; none where nothing was."""
    rule: str = ""
    """Name of the rule, or of what a person did."""
    reason: Said = ""
    trouble: Trouble | None = None
    overridden: tuple[str, ...] = ()
    """Guardrails that said no when a person went on; they stop this run no more."""
    figures: Figures | None = None
    plan: Rollout | None = None
    """The plan that holds from a start on."""


class State(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Where a rollout stands."""

    phase: Phase = "pending"
    sequence: int = 0
    step: int = -1
    percent: float = 0.0
    """Share that the flag's plan was last given."""
    at: datetime | None = None
    """When the newest event happened."""
    since: datetime | None = None
    """When the present step began."""
    started: datetime | None = None
    """When the present run began: figures count from here."""
    run: int = 0
    approved: bool = False
    """Whether the next step has been approved."""
    trouble: Trouble | None = None
    trouble_since: datetime | None = None
    """Since when the same sort of trouble has lasted."""
    overridden: tuple[str, ...] = ()
    looks: Mapping[str, tuple[LookTaken, ...]] = {}
    """Looks of this run, by metric."""
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    """What each guardrail said when that was last recorded."""
    reason: Said = ""
    plan: Rollout | None = None
    """The plan of the present run; none before the first."""


TRANSITIONS: Final[Mapping[EventKind, tuple[frozenset[Phase], Phase | None]]] = MappingProxyType(
    {
        "started": (frozenset({"pending", "rolled-back", "completed"}), "running"),
        "advanced": (ACTIVE, "running"),
        "held": (frozenset({"running", "holding"}), "holding"),
        "cleared": (frozenset({"holding"}), "running"),
        "checked": (ACTIVE, None),
        "approved": (ACTIVE, None),
        "paused": (frozenset({"running", "holding"}), "paused"),
        "resumed": (frozenset({"paused"}), "running"),
        "rolled-back": (ACTIVE | {"completed"}, "rolled-back"),
        "completed": (ACTIVE, "completed"),
    }
)
"""From which phases an event may come, and where it leads; None stays where it is."""


def apply(state: State, event: Event) -> State:
    """Where an event leads.

    Raises:
        ValueError: it is not the next one, its time runs backwards, or it cannot happen in this phase.
    """
    allowed, phase = TRANSITIONS[event.kind]
    if event.sequence != state.sequence + 1:
        raise ValueError(f"event {event.sequence} does not follow event {state.sequence}")
    if state.at is not None and event.at < state.at:
        raise ValueError(f"event {event.sequence} is before the event that it follows")
    if state.phase not in allowed:
        raise ValueError(f"{event.kind} cannot happen to a rollout that is {state.phase}")
    after = replace(
        state,
        phase=phase or state.phase,
        sequence=event.sequence,
        step=event.step,
        at=event.at,
        reason=event.reason or state.reason,
        percent=state.percent if event.percent is None else event.percent,
        overridden=tuple(dict.fromkeys((*state.overridden, *event.overridden))),
    )
    if event.figures is not None:
        after = replace(
            after,
            looks=_with_looks(after.looks, event.figures.looks),
            verdicts=tuple((each.metric, each.verdict) for each in event.figures.guardrails),
        )
    match event.kind:
        case "started":
            return replace(
                after,
                since=event.at,
                started=event.at,
                run=state.run + 1,
                approved=False,
                trouble=None,
                trouble_since=None,
                overridden=(),
                looks={},
                verdicts=(),
                plan=event.plan or state.plan,
            )
        case "advanced":
            return replace(after, since=event.at, approved=False, trouble=None, trouble_since=None)
        case "held":
            same = _sort(state.trouble) == _sort(event.trouble) and state.phase == "holding"
            return replace(
                after, trouble=event.trouble, trouble_since=state.trouble_since if same else event.at
            )
        case "approved":
            return replace(after, approved=True)
        case "checked":
            return after
        case _:
            return replace(after, trouble=None, trouble_since=None)


def state_of(events: Iterable[Event]) -> State:
    """Where events lead, from the first on."""
    state = State()
    for event in events:
        state = apply(state, event)
    return state


def _sort(trouble: Trouble | None) -> str | None:
    """Troubles of one sort share one time limit: figures that cannot be judged, whatever the cause."""
    return "data" if trouble in DATA_TROUBLES else trouble


def _with_looks(
    looks: Mapping[str, tuple[LookTaken, ...]], new: Iterable[LookTaken]
) -> Mapping[str, tuple[LookTaken, ...]]:
    found = dict(looks)
    for look in new:
        found[look.metric] = (*found.get(look.metric, ()), look)
    return found
