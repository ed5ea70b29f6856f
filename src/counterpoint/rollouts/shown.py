"""What the pages of rollouts show: steps, guardrails and the log as rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from counterpoint.experiments.wording import percent
from counterpoint.rollouts.acting import COMMANDS, Command
from counterpoint.rollouts.model import Event, GuardrailFigures, Step
from counterpoint.rollouts.store import Status
from counterpoint.said import Said
from counterpoint.web.charts import Interval, interval_plot

__all__ = [
    "EXAMPLE",
    "CommandShown",
    "StepShown",
    "commands_of",
    "guardrail_rows",
    "icon_of",
    "left_of",
    "plot_of",
    "step_rows",
]

EXAMPLE = """apiVersion: counterpoint.dev/v1
kind: Rollout
metadata: {name: weekly, title: Weekly list}
spec:
  owner: discovery
  bet: weekly-list
  flag: weekly-list
  guardrails:
    - {metric: start-time, margin: 0.02}
"""
"""A rollout as YAML."""
_TONES = {"pass": "good", "fail": "bad"}


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step, as the track of a rollout has it."""

    percent: float
    place: str
    """past, now, or coming."""
    hold: str
    minimum: int
    monitored: bool
    approval: bool
    proceeds: bool


@dataclass(frozen=True, slots=True)
class CommandShown:
    """One thing that a person may do."""

    command: Command
    label: Said
    meaning: Said
    asks_reason: bool


_LABELS: dict[Command, Said] = {
    "start": "Start",
    "approve": "Approve the next step",
    "pause": "Pause",
    "resume": "Resume",
    "proceed": "Go to the next step now",
    "complete": "Go to the last step now",
    "roll-back": "Roll back",
}


def step_rows(found: Status) -> list[StepShown]:
    """The steps with where the rollout is among them."""
    is_over = found.phase == "completed"
    return [
        StepShown(
            each.percent,
            "past" if index < found.step or is_over else "now" if index == found.step else "coming",
            _lasting(each),
            each.minimum_sample,
            each.monitored,
            each.approval,
            each.inconclusive == "proceed",
        )
        for index, each in enumerate(found.plan.steps)
    ]


def commands_of(found: Status) -> list[CommandShown]:
    """What a person may do now."""
    return [
        CommandShown(
            each,
            _LABELS[each],
            COMMANDS[each][1],
            each in ("proceed", "complete") or (each == "start" and found.run > 0),
        )
        for each in found.commands
    ]


@dataclass(frozen=True, slots=True)
class GuardrailShown:
    """One guardrail, with its figures as texts."""

    figures: GuardrailFigures
    change: str
    between: str
    margin: str
    control: str
    treatment: str
    is_overridden: bool
    ref: str | None


def guardrail_rows(found: Status) -> list[GuardrailShown]:
    """Guardrails with the figures of the newest check; none before the first one."""
    refs = {each.metric.name: each.metric.ref for each in found.plan.guardrails}
    if found.figures is None:
        return []
    return [
        GuardrailShown(
            each,
            _size(each, each.change),
            "–" if each.low is None else f"{_size(each, each.low)} to {_size(each, each.high)}",
            _size(each, each.margin).lstrip("+"),
            _mean(each.control_mean),
            _mean(each.treatment_mean),
            each.metric in found.overridden,
            refs.get(each.metric),
        )
        for each in found.figures.guardrails
    ]


def plot_of(found: Status, tell: Callable[[str], str]) -> Markup:
    """The guardrails' changes with their bounds and margins, of those that are relative."""
    worse = {each.metric.name: -each.metric.gain * each.margin for each in found.plan.guardrails}
    rows = [
        Interval(
            each.label,
            each.change,
            each.low,
            each.high,
            _TONES.get(each.verdict, "quiet"),
            worse[each.metric],
        )
        for each in (found.figures.guardrails if found.figures else ())
        if each.scale == "relative"
        and each.change is not None
        and each.low is not None
        and each.high is not None
        and each.metric in worse
    ]
    return interval_plot(rows, title=tell("Change of each guardrail, with its margin"))


def icon_of(event: Event) -> str:
    """The icon of an event in the log."""
    return {
        "started": "rollout",
        "advanced": "arrow",
        "held": "pause",
        "cleared": "check",
        "approved": "check",
        "paused": "pause",
        "resumed": "right",
        "rolled-back": "left",
        "completed": "check",
    }.get(event.kind, "dot")


def left_of(until: datetime | None, now: datetime) -> str:
    """How long a step still lasts at least; empty where its time is over."""
    if until is None or until <= now:
        return ""
    hours = (until - now).total_seconds() / 3600
    return f"{hours:.0f} h" if hours >= 1.5 else f"{hours * 60:.0f} min"


def _lasting(step: Step) -> str:
    hours = step.hold_seconds / 3600
    return f"{hours:g} h" if hours >= 1 else f"{hours * 60:g} min"


def _size(figures: GuardrailFigures, value: float | None) -> str:
    if value is None:
        return "–"
    return percent(value, signed=True) if figures.scale == "relative" else f"{value:+.4g}"


def _mean(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}"
