"""What the page of a flag's controls shows beside its forms: its state in a sentence, and rows of fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from counterpoint.flags.composition import TOTAL, FlagPlan, percent_of
from counterpoint.flags.control_forms import Values
from counterpoint.flags.flag import Flag
from counterpoint.said import Said
from counterpoint.spelling import quoted

__all__ = ["Rows", "rows_of", "state_sentence"]

SPARE: Final = 2
"""Empty rows below those that are filled."""


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
