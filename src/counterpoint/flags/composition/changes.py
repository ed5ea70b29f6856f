"""One change to a composition, as a new composition; what is written is compiled and published by the caller."""

import re
from collections.abc import Mapping
from dataclasses import replace

from counterpoint.errors import NotFoundError
from counterpoint.flags.composition.plan import (
    Composition,
    CompositionError,
    FlagPlan,
    Kill,
    reattach_command,
    salt_of,
    weight_of,
)

__all__ = [
    "plan_of",
    "with_kill",
    "with_plan",
    "with_ramp",
    "with_restart",
    "with_revival",
    "without_plan",
]


def plan_of(composition: Composition, key: str) -> FlagPlan:
    """The plan that drives a flag.

    Raises:
        NotFoundError: there is none.
        CompositionError: somebody has edited the flag since.
    """
    if key in composition.flags:
        return composition.flags[key]
    if key in composition.detached:
        raise CompositionError(
            f"The flag {key!r} was edited by hand, so its plan no longer drives it. Let it with: {reattach_command(key)}"
        )
    raise NotFoundError(
        f"The flag {key!r} has no plan. Write one, and publish it with: counterpoint flags compose FILE"
    )


def with_plan(composition: Composition, key: str, plan: FlagPlan) -> Composition:
    """The composition with this plan, whether the flag had one or not."""
    detached = {name: each for name, each in composition.detached.items() if name != key}
    return replace(composition, flags={**composition.flags, key: plan}, detached=detached)


def without_plan(composition: Composition, key: str) -> Composition:
    """The composition without the flag's plan; the flag stays as it was compiled last."""
    return replace(
        composition,
        flags=_without(composition.flags, key),
        detached=_without(composition.detached, key),
        digests={name: each for name, each in composition.digests.items() if name != key},
    )


def with_ramp(composition: Composition, key: str, percent: float) -> Composition:
    """The composition with another ramp. A larger one only adds users, a smaller one takes away those who came last.

    A schedule is removed: who sets the ramp has decided, and no date may decide otherwise later.

    Args:
        composition: the plans.
        key: the flag.
        percent: the enrolled part, from 0 to 100, with at most three decimals.

    Raises:
        NotFoundError, CompositionError: no plan drives the flag, or the percentage is none.
    """
    plan, weight = plan_of(composition, key), weight_of(percent)
    if weight is None:
        raise CompositionError(
            f"{percent:g} is no percentage. Give a number from 0 to 100 with at most three decimals."
        )
    return with_plan(composition, key, replace(plan, ramp=weight, schedule=()))


def with_kill(composition: Composition, key: str, *, reason: str = "") -> Composition:
    """The composition in which everybody gets the flag's default; the rest of the plan is kept."""
    return with_plan(composition, key, replace(plan_of(composition, key), killed=Kill(reason)))


def with_revival(composition: Composition, key: str) -> Composition:
    """The composition in which the flag's plan counts again: everybody gets exactly what it says, as before."""
    return with_plan(composition, key, replace(plan_of(composition, key), killed=None))


def with_restart(composition: Composition, key: str, *, salt: str | None = None) -> Composition:
    """The composition in which everybody is drawn anew: on the salt, or on the next one (`key@2`, `key@3`)."""
    plan = plan_of(composition, key)
    if salt is None:
        now = salt_of(key, plan)
        stem, _, number = now.rpartition("@")
        counted = stem and re.fullmatch(r"[0-9]{1,9}", number)
        salt = f"{stem}@{int(number) + 1}" if counted else f"{now}@2"
    return with_plan(composition, key, replace(plan, salt=salt, bucketing=None))


def _without(plans: Mapping[str, FlagPlan], key: str) -> dict[str, FlagPlan]:
    return {name: plan for name, plan in plans.items() if name != key}
