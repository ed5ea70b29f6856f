"""Plans that go with promoted flags to another environment. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from counterpoint.errors import Problem
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition import Composition, FlagPlan, compiled, settled
from counterpoint.flags.composition.detaching import with_digests
from counterpoint.spelling import quoted

__all__ = ["with_plans"]


def with_plans(
    definition: Mapping[str, Any],
    source: Composition,
    target: Composition,
    flags: Collection[str] | None,
    bucketing: Bucketing,
    *,
    with_state: bool,
) -> tuple[Composition, Mapping[str, Any], tuple[Problem, ...]]:
    """The target's plans after a promotion, and its definition as they compile to it.

    Args:
        definition: the target's definition with the promoted flags.
        source: plans that are promoted.
        target: plans that the target has.
        flags: the promoted flags; None for all.
        bucketing: the target's.
        with_state: take over ramp, schedule and kill as well; otherwise planned flags of the target keep theirs.

    Raises:
        CompositionError: the plans cannot stand beside those of the target, such as two flags in one place of a layer.
    """
    keys = [key for key in (source.flags if flags is None else flags) if key in source.flags]
    plans = {key: _begun(source.flags[key], target.flags.get(key), bucketing) for key in keys}
    if not with_state:
        plans = {key: _as_far(plan, target.flags.get(key)) for key, plan in plans.items()}
    if flags is None:
        merged = replace(source, flags=plans, digests={})
        remarks: tuple[Problem, ...] = ()
    else:
        kept = {key: plan for key, plan in target.flags.items() if key not in keys}
        merged, remarks = _beside(source, target, {**kept, **plans}, list(plans.values()))
        merged, edits = settled(merged, definition, only=[key for key in flags if key in kept])
        remarks = (*remarks, *edits)
    new = compiled(definition, merged, bucketing)
    return with_digests(merged, new), new, remarks


def _begun(plan: FlagPlan, known: FlagPlan | None, bucketing: Bucketing) -> FlagPlan:
    """The plan with the bucketing of the set that it comes to; one that is there already says by which it was begun."""
    same = known is not None and known.salt == plan.salt
    return replace(plan, bucketing=known.bucketing if known is not None and same else bucketing)


def _as_far(plan: FlagPlan, known: FlagPlan | None) -> FlagPlan:
    if known is None:
        return plan
    return replace(plan, ramp=known.ramp, schedule=known.schedule, killed=known.killed)


def _beside(
    source: Composition, target: Composition, flags: Mapping[str, FlagPlan], plans: list[FlagPlan]
) -> tuple[Composition, tuple[Problem, ...]]:
    """The target's plans with these flags, and with what the promoted plans share, as it is in the source."""
    rooms: dict[str, dict[str, Any]] = {}
    remarks = []
    for room, noun, used in (
        ("segments", "segment", _used(plans, "segments")),
        ("layers", "layer", _used(plans, "layers")),
        ("holdouts", "holdout", _used(plans, "holdouts")),
    ):
        ours, theirs = getattr(source, room), getattr(target, room)
        rooms[room] = {**theirs, **{name: ours[name] for name in used}}
        changed = [name for name in used if name in theirs and theirs[name] != ours[name]]
        remarks += [
            Problem(f"The {noun} {quoted([name])} changes for every flag that names it.", f"/{room}/{name}")
            for name in changed
        ]
    detached = {key: plan for key, plan in target.detached.items() if key not in flags}
    digests = {key: digest for key, digest in target.digests.items() if key in flags}
    return replace(target, flags=flags, detached=detached, digests=digests, **rooms), tuple(remarks)


def _used(plans: list[FlagPlan], room: str) -> list[str]:
    def names() -> Iterator[str]:
        for plan in plans:
            if room == "layers" and plan.slot:
                yield plan.slot.layer
            elif room == "holdouts":
                yield from plan.holdouts
            elif room == "segments" and plan.audience:
                yield from (*plan.audience.segments, *plan.audience.excluded)

    return list(dict.fromkeys(names()))
