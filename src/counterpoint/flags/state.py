"""The state of a flag in one word: what it does to people now. Pure; a moment comes in as an argument."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from counterpoint.flags.composition.checks import control_of
from counterpoint.flags.composition.plan import SUBJECT, TOTAL, FlagPlan, percent_of
from counterpoint.flags.flag import Flag, variant_name
from counterpoint.flags.lint_splits import entries_of
from counterpoint.flags.model import FlagSet
from counterpoint.flags.ruletree import Node, tree_of
from counterpoint.flags.stale import Only, only_variant

__all__ = ["STATES", "FlagState", "Part", "State", "state_of"]

State: TypeAlias = Literal["on", "off", "ramping", "rolled-out", "killed", "broken"]
STATES: Final[tuple[State, ...]] = ("ramping", "on", "rolled-out", "off", "killed", "broken")
"""In the order in which they call for attention when one looks for what is going on."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of those whom a flag draws, and what they get."""

    variant: str | None
    """None leaves the value to the code."""
    percent: float
    role: Literal["treatment", "control", "rest"]
    """treatment: enrolled in an arm; control: the measured control; rest: not enrolled."""


@dataclass(frozen=True, slots=True)
class FlagState:
    """What a flag does to people."""

    word: State
    """on: it decides by person. off: everybody gets what they would get without it. ramping: a part of
    those it is for is enrolled. rolled-out: everybody gets one variant that is not "off". killed: the plan
    is kept, and everybody gets the default. broken: its rule cannot run."""
    variant: str | None = None
    """What everybody gets, where everybody gets the same; None then leaves the value to the code."""
    percent: float | None = None
    """The enrolled part, in percent of those whom the flag draws; None where it draws nobody."""
    parts: tuple[Part, ...] = ()
    """Where each part goes, in the order of the draw; they add up to 100. Of a killed flag, as it was."""
    narrowed: bool = False
    """Whether the draw is among a part of all only: an audience, a slot of a layer, holdouts, prerequisites,
    or conditions of a rule."""
    planned: bool = False
    """Whether a plan drives it."""


def state_of(
    flags: FlagSet, flag: Flag, plan: FlagPlan | None = None, *, now: float = 0, only: Only = only_variant
) -> FlagState:
    """The state of a flag of a set.

    Args:
        flags: the set.
        flag: one of its flags.
        plan: the plan that drives it; None where none does (one that is detached does not).
        now: Unix seconds, for the plan's schedule.
        only: what finds the variant that everybody gets, for who has found it before.
    """
    if flag.fault:
        return FlagState("broken", planned=plan is not None)
    if not flag.enabled:
        return FlagState("off", None, planned=plan is not None)
    if plan is not None:
        return _of_plan(flag, plan, now)
    variant = only(flags, flag)
    if variant is not None:
        return FlagState("off" if _means_off(flag, variant) else "rolled-out", variant)
    tree = tree_of(flags, flag)
    return _of_rule(flag, tree) if tree else FlagState("off", flag.default)


def _of_plan(flag: Flag, plan: FlagPlan, now: float) -> FlagState:
    ramp = next((step.ramp for step in reversed(plan.schedule) if step.at <= now), plan.ramp)
    parts = tuple(_parts(plan, ramp))
    narrowed = bool(plan.audience or plan.slot or plan.holdouts or plan.prerequisites)
    percent = percent_of(ramp)
    if plan.killed is not None:
        return FlagState("killed", plan.default, percent, parts, narrowed, planned=True)
    if ramp == 0 and not plan.overrides:
        return FlagState("off", plan.default, 0, parts, narrowed, planned=True)
    if ramp < TOTAL:
        return FlagState("ramping" if ramp else "on", None, percent, parts, narrowed, planned=True)
    arms = [name for name, share in plan.treatments.items() if share]
    same = len(arms) == 1 and set(plan.overrides) <= {arms[0]}
    if same and not narrowed and plan.bucket_by == SUBJECT:
        return FlagState("rolled-out", arms[0], percent, parts, planned=True)
    return FlagState("on", None, percent, parts, narrowed, planned=True)


def _parts(plan: FlagPlan, ramp: int) -> Iterator[Part]:
    shares = sum(plan.treatments.values())
    for name, share in plan.treatments.items():
        if share and ramp:
            yield Part(name, percent_of(ramp) * share / shares, "treatment")
    control = control_of(plan, ramp)
    if rest := TOTAL - ramp - control:
        yield Part(plan.default, percent_of(rest), "rest")
    if control:
        yield Part(plan.control, percent_of(control), "control")


def _of_rule(flag: Flag, tree: Node) -> FlagState:
    """By the largest split of a rule that leaves some people with the default: that one is a ramp."""
    splits = [_split(flag, node) for node in _outcomes(tree) if node.name == "fractional"]
    ramps = [parts for parts in splits if any(part.role == "rest" for part in parts)]
    if not ramps:
        parts = splits[0] if len(splits) == 1 else ()
        return FlagState("on", None, 100.0 if parts else None, parts, tree.name != "fractional")
    parts = max(ramps, key=_enrolled)
    percent = _enrolled(parts)
    narrowed = tree.name != "fractional"
    return FlagState("ramping" if 0 < percent < 100 else "on", None, percent, parts, narrowed)


def _outcomes(tree: Node) -> Iterator[Node]:
    """The parts of a rule that can be its result."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.name in ("if", "?:"):
            last = node.parts[-1:] if len(node.parts) % 2 else ()
            waiting.extend(reversed((*node.parts[1::2], *last)))
        else:
            yield node


def _split(flag: Flag, node: Node) -> tuple[Part, ...]:
    """The parts of a split, those of one variant together; empty where a weight is computed."""
    _, entries = entries_of(node)
    found: list[tuple[str | None, float, bool]] = []
    for entry in entries:
        if not isinstance(entry.rule, list) or not entry.parts:
            return ()
        weight = entry.parts[1].rule if len(entry.parts) > 1 else 1
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            return ()
        found += _results(flag, entry.parts[0], max(weight, 0))
    total = sum(weight for _, weight, _ in found)
    if not total:
        return ()
    return tuple(
        Part(name, 100 * weight / total, "rest" if rest else "treatment")
        for name, weight, rest in found
        if weight
    )


def _results(flag: Flag, node: Node, weight: float) -> Sequence[tuple[str | None, float, bool]]:
    """What an entry of a split leads to: variant, weight, and whether that is what the flag gives anyway."""
    if node.name == "fractional":
        inner = _split(flag, node)
        return [(part.variant, weight * part.percent / 100, part.role == "rest") for part in inner]
    if node.name is not None or isinstance(node.rule, list | dict):
        return [(None, weight, False)]
    name = flag.default if node.rule is None else variant_name(node.rule)
    return [(name, weight, _is_rest(flag, name))]


def _is_rest(flag: Flag, variant: str | None) -> bool:
    """Whether it is what people get who are not enrolled: false of a boolean flag, else the default."""
    if variant is not None and False in flag.variants.values() and flag.kind == "boolean":
        return _means_off(flag, variant)
    return variant == flag.default


def _means_off(flag: Flag, variant: str | None) -> bool:
    """Whether a variant switches something off: a boolean flag's false."""
    return variant is not None and flag.variants.get(variant) is False


def _enrolled(parts: Sequence[Part]) -> float:
    return round(100 - sum(part.percent for part in parts if part.role == "rest"), 6)
