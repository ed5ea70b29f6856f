"""What a change of plans does to people, in words and in parts of those whom a flag is for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from counterpoint.flags.composition.checks import control_of
from counterpoint.flags.composition.plan import TOTAL, Audience, Composition, FlagPlan, percent_of
from counterpoint.said import Said

__all__ = ["Change", "Upcoming", "difference", "upcoming"]


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one flag."""

    key: str
    sentences: tuple[Said, ...]
    entering: float | None
    """Percent of those it is for that get an arm or the measured control and had neither; None where that
    depends on more than the ramp: simulate it."""
    leaving: float | None
    """Percent that get the default and had more."""
    moving: float | None
    """Percent that change between arms and control."""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A change that a schedule will make."""

    key: str
    at: int
    """Unix seconds."""
    before: float
    """The ramp until then, in percent."""
    after: float
    sentence: Said


def difference(before: Composition, after: Composition) -> list[Change]:
    """What changes for each flag of which the plan, or what it shares, changes; in the order of keys."""
    changes = []
    for key in sorted(before.flags.keys() | after.flags.keys()):
        change = _change(key, before, after)
        if change.sentences:
            changes.append(change)
    return changes


def upcoming(composition: Composition, now: float) -> list[Upcoming]:
    """What schedules will change after a moment (Unix seconds), the next first; of killed flags nothing."""
    found = []
    for key, plan in composition.flags.items():
        ramp = plan.ramp
        for change in plan.schedule:
            if change.at > now and plan.killed is None:
                sentence = f"From {_moment(change.at)} on: {_ramp(key, ramp, change.ramp)}"
                found.append(
                    Upcoming(key, change.at, percent_of(ramp), percent_of(change.ramp), f"{sentence}.")
                )
            ramp = change.ramp
    return sorted(found, key=lambda each: (each.at, each.key))


def _change(key: str, before: Composition, after: Composition) -> Change:
    old, new = before.flags.get(key), after.flags.get(key)
    if new is None:
        state = (
            "is detached, since the flag was edited by hand"
            if key in after.detached
            else "is removed; the flag stays as it is"
        )
        return Change(key, (f"The plan of {key!r} {state}.",), 0.0, 0.0, 0.0)
    if old is None:
        return Change(key, (f"{key!r} gets a plan. {_enrolled(new)}",), None, None, None)
    others = [*_others(old, new), *_shared(old, before, after)]
    sentences = [*_killing(key, old, new), *_ramps(key, old, new), *(f"{key!r}: {each}" for each in others)]
    if others or (old.killed is None) != (new.killed is None) or old.schedule != new.schedule:
        return Change(key, tuple(sentences), None, None, None)
    if old.killed:
        return Change(key, tuple(sentences), 0.0, 0.0, 0.0)
    return Change(key, tuple(sentences), *(percent_of(weight) for weight in _flows(old, new)))


def _enrolled(plan: FlagPlan) -> str:
    return f"{percent_of(plan.ramp)} % {_whom(plan)} are enrolled."


def _killing(key: str, old: FlagPlan, new: FlagPlan) -> Iterator[str]:
    if old.killed is None and new.killed is not None:
        why = f" ({new.killed.reason})" if new.killed.reason else ""
        yield f"{key!r} is killed{why}: everybody gets {new.default!r}; the plan is kept."
    elif old.killed is not None and new.killed is None:
        yield f"{key!r} is revived: everybody gets what the plan says, as before it was killed."


def _ramps(key: str, old: FlagPlan, new: FlagPlan) -> Iterator[str]:
    if old.ramp == new.ramp:
        return
    entering, leaving, moving = _flows(old, new)
    into = _common(_ranges(old)[1], _ranges(new)[2])
    enter = f"{percent_of(entering - into)} % {_whom(new)} enter"
    enter += f" and {percent_of(into)} % become measured control" if into else ""
    parts = [
        enter if entering else "nobody enters",
        f"{percent_of(leaving)} % leave, those who came last" if leaving else "",
        f"{percent_of(moving)} % change between the measured control and the arms" if moving else "",
    ]
    calm = "nobody leaves or changes arm" if not leaving and not moving else "nobody changes arm"
    if not moving:
        parts.append(calm)
    yield f"{_ramp(key, old.ramp, new.ramp)}: {', '.join(part for part in parts if part)}."


def _ramp(key: str, old: int, new: int) -> str:
    return f"ramp of {key!r} {percent_of(old)} % → {percent_of(new)} %"


def _whom(plan: FlagPlan) -> str:
    narrowed = plan.audience or plan.slot or plan.holdouts or plan.prerequisites
    return "of those it is for" if narrowed else "of users"


def _flows(old: FlagPlan, new: FlagPlan) -> tuple[int, int, int]:
    """Weights of the draw that enter, leave and move between the arms' range and the control's."""
    first, then = _ranges(old), _ranges(new)
    entering = sum(_common(first[1], then[index]) for index in (0, 2))
    leaving = sum(_common(first[index], then[1]) for index in (0, 2))
    return entering, leaving, _common(first[0], then[2]) + _common(first[2], then[0])


def _ranges(plan: FlagPlan) -> tuple[tuple[int, int], ...]:
    """The ranges of arms, default and control."""
    end = TOTAL - control_of(plan, plan.ramp)
    return (0, plan.ramp), (plan.ramp, end), (end, TOTAL)


def _common(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def _others(old: FlagPlan, new: FlagPlan) -> Iterator[str]:
    """What else of the plan changes."""
    if (old.salt, old.bucket_by) != (new.salt, new.bucket_by) or (
        old.bucketing and old.bucketing != new.bucketing
    ):
        yield "everybody is drawn anew, on another salt, attribute or bucketing."
    if old.treatments != new.treatments:
        yield "the arms or their shares change, so that some of the enrolled change arm."
    if old.control != new.control:
        yield f"the measured control is {new.control!r} instead of {old.control!r}."
    if (old.default, old.variants) != (new.default, new.variants):
        yield "its variants, or the one of whoever is not enrolled, change."
    if old.audience != new.audience:
        yield f"its audience is now {_audience(new.audience)}."
    if old.slot != new.slot:
        yield f"its place in a layer is now {_place(new)}; whoever is outside of it leaves."
    if old.holdouts != new.holdouts:
        yield f"its holdouts are now {_names(new.holdouts)}."
    if old.prerequisites != new.prerequisites:
        needs = [f"{need.flag} = {need.variant}" for need in new.prerequisites]
        yield f"its prerequisites are now {_names(needs)}."
    if old.overrides != new.overrides:
        count = sum(map(len, new.overrides.values()))
        yield f"its overrides change; it has {count} now."
    if old.schedule != new.schedule:
        yield f"its schedule has {len(new.schedule)} changes instead of {len(old.schedule)}."
    if old.guarded != new.guarded:
        yield "guardrails decide on its steps." if new.guarded else "no guardrail decides on its steps."


def _shared(plan: FlagPlan, before: Composition, after: Composition) -> Iterator[str]:
    """What changes of the segments, layers, holdouts and other flags that the plan names."""
    audience = plan.audience
    segments = (*audience.segments, *audience.excluded) if audience else ()
    for name in segments:
        if name in after.segments and before.segments.get(name) != after.segments[name]:
            yield f"the segment {name!r} changes."
    for name in plan.holdouts:
        if name in after.holdouts and before.holdouts.get(name) != after.holdouts[name]:
            yield f"the holdout {name!r} changes."
    if plan.slot and plan.slot.layer in after.layers:
        name = plan.slot.layer
        if before.layers.get(name) != after.layers[name]:
            yield f"the layer {name!r} is drawn anew."
    for need in plan.prerequisites:
        if _changes(need.flag, before, after):
            yield f"its prerequisite {need.flag!r} changes; whoever gets another variant of it may enter or leave."


def _changes(key: str, before: Composition, after: Composition) -> bool:
    """Whether a flag's plan changes, or something that it shares or builds on; there are no circles."""
    old, new = before.flags.get(key), after.flags.get(key)
    return old != new or (new is not None and any(_shared(new, before, after)))


def _audience(audience: Audience | None) -> str:
    if audience is None:
        return "everybody"
    parts = [f"the segments {_names(audience.segments)}"] if audience.segments else []
    parts += [f"not {_names(audience.excluded)}"] if audience.excluded else []
    parts += ["a rule"] if audience.rule is not None else []
    return ", ".join(parts) or "everybody"


def _place(plan: FlagPlan) -> str:
    slot = plan.slot
    return f"{percent_of(slot.start)} to {percent_of(slot.end)} % of {slot.layer!r}" if slot else "none"


def _names(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
