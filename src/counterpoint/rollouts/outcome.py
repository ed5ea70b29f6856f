"""How a run of a rollout ended, in a sentence with its figures: what the bet's evidence takes from it. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from counterpoint.experiments.wording import percent
from counterpoint.rollouts.model import Event, EventKind, Figures, GuardrailFigures

__all__ = ["ENDS", "change_of", "figures_before", "outcome_of"]

ENDS: Final[frozenset[EventKind]] = frozenset({"rolled-back", "completed"})
"""Events that end a run."""


def outcome_of(events: Sequence[Event]) -> dict[str, Any]:
    """How the run ended whose last event is the last of these: `outcome`, `sentence`, and `users` of the change.

    The figures are the newest ones of the run: where all users have the change there is nobody to compare with.
    """
    end = events[-1]
    figures = figures_before(events)
    done = end.kind == "completed"
    reached = end.percent if done else _reached(events)
    opening = "Completed" if done else "Rolled back"
    where = "" if reached is None else f" at {reached:g} %"
    parts = [f"{opening}{where}: {end.reason or end.rule}".rstrip(".") + "."]
    if figures and figures.guardrails and (done or end.rule != "a guardrail failed"):
        told = "; ".join(f"{each.label} {change_of(each)}" for each in figures.guardrails)
        parts.append(f"Last measured: {told}.")
    return {
        "outcome": "completed" if done else "rolled back",
        "sentence": " ".join(parts),
        "users": figures.treatment_users if figures else 0,
    }


def figures_before(events: Sequence[Event]) -> Figures | None:
    """The newest figures of the run that the last of these events belongs to."""
    for event in reversed(events):
        if event.figures is not None and event.figures.guardrails:
            return event.figures
        if event.kind == "started":
            return None
    return None


def change_of(figures: GuardrailFigures) -> str:
    """What became of one guardrail, with its bounds.

    >>> change_of(GuardrailFigures(metric="m", label="M", verdict="missing", action="pause", margin=0.1,
    ...     scale="relative", level=0.05))
    'missing'
    """
    if figures.change is None:
        return figures.verdict

    def shown(value: float | None) -> str:
        if value is None:
            return "unbounded"
        return percent(value, signed=True) if figures.scale == "relative" else f"{value:+.4g}"

    return (
        f"{shown(figures.change)} (between {shown(figures.low)} and {shown(figures.high)}; {figures.verdict})"
    )


def _reached(events: Sequence[Event]) -> float | None:
    """The share that users had before the last of these events."""
    before = (event.percent for event in reversed(events[:-1]) if event.percent is not None)
    return next(before, None)
