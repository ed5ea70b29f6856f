"""Flags that a rollout moves: others may change their plans too, with a reason. Pure."""

from dataclasses import replace

from counterpoint.errors import Problem
from counterpoint.flags.composition import Composition, CompositionError, FlagPlan

__all__ = ["still_driven"]


def still_driven(
    after: Composition, before: Composition, driver: str | None, *, asks_reason: bool
) -> Composition:
    """The new plans, in which those that a rollout moves still say so.

    Args:
        after: The plans that are to be.
        before: The plans that are.
        driver: The rollout that makes the change; none where somebody else does.
        asks_reason: Whether nobody has said why.

    Raises:
        CompositionError: a plan changes that a rollout moves, and nobody says why.
    """
    kept, plans = [], dict(after.flags)
    for key, plan in before.flags.items():
        if plan.rollout is None or plan.rollout == driver:
            continue
        new = after.flags.get(key)
        if new is not None and new.rollout is None:
            plans[key] = replace(new, rollout=plan.rollout)
        if asks_reason and (new is None or _moved(plan) != _moved(new)):
            kept.append((key, plan.rollout))
    if kept:
        names = ", ".join(f"{key!r} ({rollout})" for key, rollout in kept)
        raise CompositionError(
            f"A rollout moves {names} by its guardrails. You may change that; nothing was changed yet.",
            [
                Problem(
                    "Say why, and the change is made; the rollout then pauses and asks its owner.", "/reason"
                )
            ],
        )
    return replace(after, flags=plans)


def _moved(plan: FlagPlan) -> FlagPlan:
    """What counts as a change: a kill never asks why, nor does taking it back."""
    return replace(plan, killed=None, rollout=None)
