"""What the page of a flag's controls shows beside its forms: its state in a sentence, layers with free places, rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from counterpoint.flags.composition import TOTAL, Composition, FlagPlan, percent_of
from counterpoint.flags.control_forms import Values
from counterpoint.flags.flag import Flag
from counterpoint.said import Said
from counterpoint.spelling import quoted

__all__ = ["LayerShown", "Part", "Rows", "holdouts_shown", "layers_shown", "rows_of", "state_sentence"]

SPARE: Final = 2
"""Empty rows below those that are filled."""


@dataclass(frozen=True, slots=True)
class Part:
    """A range of a layer, in percent."""

    start: float
    end: float
    key: str | None
    """The flag that has it; None where it is free."""
    own: bool = False

    @property
    def width(self) -> float:
        """How much of the layer it is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class LayerShown:
    """A layer with who has which range."""

    name: str
    parts: tuple[Part, ...]

    @property
    def free(self) -> tuple[Part, ...]:
        """What nobody has."""
        return tuple(part for part in self.parts if part.key is None)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of fields that come several times, with empty ones at the end."""

    schedule: Sequence[tuple[str, str]]
    needs: Sequence[tuple[str, str]]


def rows_of(values: Values) -> Rows:
    """The rows as they are shown."""
    spare = [("", "")] * SPARE
    return Rows([*values.schedule, *spare], [*values.needs, *spare])


def state_sentence(flag: Flag, plan: FlagPlan | None, now: float) -> Said:
    """What the flag does now, in one sentence."""
    if flag.fault:
        return "Its rule cannot run, so that callers get the default in their code."
    if not flag.enabled:
        return "It is off: callers get the default in their code. Its rule is kept."
    if plan is None:
        what = (
            f"everybody gets '{flag.default}'"
            if flag.targeting is None
            else "its rule, written by hand, decides"
        )
        return f"It is on: {what}."
    if plan.killed:
        why = f" ({plan.killed.reason})" if plan.killed.reason else ""
        return f"It is killed{why}: everybody gets '{plan.default}'. Its plan is kept."
    weight = next((each.ramp for each in reversed(plan.schedule) if each.at <= now), plan.ramp)
    arms = quoted(plan.treatments)
    if weight == 0:
        return f"It is on, and nobody is enrolled yet: everybody gets '{plan.default}'."
    whom = "of those it is for" if _narrowed(plan) else "of users"
    if weight == TOTAL:
        return f"It is on: all {whom} get {arms}." if _narrowed(plan) else f"It is on: everybody gets {arms}."
    return f"It is on: {percent_of(weight)} % {whom} get {arms}, whoever else gets '{plan.default}'."


def _narrowed(plan: FlagPlan) -> bool:
    return bool(plan.audience or plan.slot or plan.holdouts or plan.prerequisites)


def layers_shown(composition: Composition, key: str) -> list[LayerShown]:
    """Every layer with its ranges, free ones included, in order."""
    found = []
    for name in sorted(composition.layers):
        slots = sorted(
            (plan.slot.start, plan.slot.end, flag)
            for flag, plan in composition.flags.items()
            if plan.slot and plan.slot.layer == name
        )
        parts, at = [], 0
        for start, end, flag in slots:
            if start > at:
                parts.append(Part(percent_of(at), percent_of(start), None))
            parts.append(Part(percent_of(start), percent_of(end), flag, own=flag == key))
            at = end
        if at < TOTAL:
            parts.append(Part(percent_of(at), percent_of(TOTAL), None))
        found.append(LayerShown(name, tuple(parts)))
    return found


def holdouts_shown(composition: Composition) -> list[tuple[str, float, int]]:
    """Every holdout with its percentage, and how many flags name it."""
    return [
        (name, percent_of(holdout.weight), sum(name in plan.holdouts for plan in composition.flags.values()))
        for name, holdout in sorted(composition.holdouts.items())
    ]
