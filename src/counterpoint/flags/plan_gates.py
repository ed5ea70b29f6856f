"""A plan as the gates that somebody passes one after another, and what each did to one context. Pure.

A plan's compiled rule is true to the letter and hard to read: it guards against values that SDKs take for
different things. The gates say what it means; how somebody fared is read from the trace of that rule.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition.checks import control_of
from counterpoint.flags.composition.clauses import usable
from counterpoint.flags.composition.evaluators import HOLDOUT
from counterpoint.flags.composition.plan import (
    SUBJECT,
    TOTAL,
    Audience,
    Composition,
    FlagPlan,
    percent_of,
    salt_of,
)
from counterpoint.flags.errors import RuleError
from counterpoint.flags.flag import Flag
from counterpoint.flags.javascript import text, truthy
from counterpoint.flags.jsonlogic import apply
from counterpoint.flags.model import FlagSet
from counterpoint.flags.operators import operators
from counterpoint.flags.sentences import Share, Step, condition, steps_of
from counterpoint.flags.trace import Split, Trace, TraceStep
from counterpoint.said import Said

__all__ = ["Gate", "gates_of", "plan_steps", "steps_now"]

Fared: TypeAlias = Literal["passed", "stopped", "given", "not reached"]
NAMED = 5
"""Subjects of an override that a sentence names."""


def plan_steps(key: str, plan: FlagPlan, composition: Composition, *, now: float) -> list[Step]:
    """Who gets what by a plan, as `sentences.steps_of` says it of a rule: the first step that fits decides.

    Args:
        key: the flag's key.
        plan: its plan.
        composition: what it shares with others.
        now: Unix seconds, for the schedule.
    """
    if plan.killed is not None:
        return [Step("", plan.default)]
    found = [Step(f"{need.flag} does not give {need.variant!r}", plan.default) for need in plan.prerequisites]
    found += [
        Step(f"targeting key is {_listed(subjects)}", variant) for variant, subjects in plan.overrides.items()
    ]
    found += [
        Step(f"in the {_percent(composition.holdouts[name].weight)} of the holdout {name}", plan.default)
        for name in plan.holdouts
    ]
    found += [Step(words, plan.default) for words in _outside(plan.audience, composition)]
    if slot := plan.slot:
        place = f"{percent_of(slot.start)} to {percent_of(slot.end)} %"
        found.append(Step(f"outside of {place} of the layer {slot.layer}", plan.default))
    return [*found, Step("", f"a split by {_drawn_by(plan)}", tuple(_shares(plan, _ramp(plan, now))))]


def steps_now(flag: Flag, plan: FlagPlan | None, composition: Composition, *, now: float) -> list[Step]:
    """Who gets what, by the plan that drives the flag, else by its rule as it is written."""
    if plan is None or not flag.enabled or flag.fault:
        return steps_of(flag)
    return plan_steps(flag.key, plan, composition, now=now)


def _outside(audience: Audience | None, composition: Composition) -> Iterator[str]:
    if audience is None:
        return
    if audience.segments:
        several = " or ".join(_segment(name, composition) for name in audience.segments)
        yield f"not in the segment{'s' if audience.segments[1:] else ''} {several}"
    for name in audience.excluded:
        yield f"in the segment {_segment(name, composition)}"
    if audience.rule is not None:
        yield f"not: {condition(audience.rule)}"


def _segment(name: str, composition: Composition) -> str:
    return f"{name} ({condition(composition.segments[name])})"


def _shares(plan: FlagPlan, ramp: int) -> Iterator[Share]:
    control = control_of(plan, ramp)
    total = sum(plan.treatments.values()) or 1
    parts = [(name, ramp * share / total) for name, share in plan.treatments.items() if share]
    parts += [(plan.default, TOTAL - ramp - control)]
    parts += [(plan.control, control)] if plan.control is not None else []
    for name, weight in parts:
        if weight:
            yield Share(name, f"{weight:g}", 100 * weight / TOTAL)


def _ramp(plan: FlagPlan, now: float) -> int:
    return next((step.ramp for step in reversed(plan.schedule) if step.at <= now), plan.ramp)


def _drawn_by(plan: FlagPlan) -> str:
    return "targeting key" if plan.bucket_by == SUBJECT else plan.bucket_by


def _percent(weight: int) -> str:
    return f"{percent_of(weight)} %"


def _listed(subjects: tuple[str, ...]) -> str:
    shown = ", ".join(repr(subject) for subject in subjects[:NAMED])
    return f"{shown} or one of {len(subjects) - NAMED} more" if subjects[NAMED:] else shown


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that a plan asks, and how somebody fared with it."""

    fared: Fared
    """passed, or stopped: gets the default; given: gets a variant here; not reached: never asked."""
    asked: Said
    """What it asks of everybody, without how this one fared."""
    sentence: Said
    split: Split | None = None
    """How the draw fell, where there is one."""


def gates_of(
    flags: FlagSet,
    key: str,
    plan: FlagPlan,
    composition: Composition,
    context: Mapping[str, Any],
    traced: Trace,
) -> list[Gate]:
    """How a context fares with each gate of a plan, in the order in which they are asked.

    Args:
        flags: the set.
        key: the flag's key.
        plan: its plan, from which its rule was compiled.
        composition: what it shares with others.
        context: who asks.
        traced: the trace of the evaluation.
    """
    if plan.killed is not None:
        return [Gate("given", "The flag is killed", f"The flag is killed: everybody gets {plan.default!r}.")]
    gates = list(_gates(flags, key, plan, composition, context, traced))
    end = next((n for n, gate in enumerate(gates) if gate.fared in ("stopped", "given")), len(gates))
    return gates[: end + 1] + [Gate("not reached", gate.asked, f"{gate.asked}.") for gate in gates[end + 1 :]]


def _gates(
    flags: FlagSet,
    key: str,
    plan: FlagPlan,
    composition: Composition,
    context: Mapping[str, Any],
    traced: Trace,
) -> Iterator[Gate]:
    data = {**context, "$flagd": {"flagKey": key, "timestamp": traced.timestamp}}

    def holds(rule: Any) -> bool:
        return _holds(rule, data, flags.bucketing)

    def drawn(salt: str, path: str, *variants: str | None) -> Split | None:
        return _drawn(traced, salt, _value(path, data), *variants)

    for need in plan.prerequisites:
        got = flags.evaluate(need.flag, context, now=traced.timestamp)
        asked = f"It needs {need.flag!r} to give {need.variant!r}"
        yield _gate(asked, f"it gives {got.variant or got.reason!r}", passed=got.variant == need.variant)
    for variant, subjects in plan.overrides.items():
        named = holds({"in": [{"var": SUBJECT}, list(subjects)]})
        asked = f"{len(subjects)} named always get {variant!r}"
        told = "this is one of them" if named else "this is none of them"
        yield Gate("given" if named else "passed", asked, f"{asked}: {told}.")
    yield from _drawable(plan.bucket_by, holds)
    for name in plan.holdouts:
        holdout = composition.holdouts[name]
        split = drawn(holdout.salt, holdout.bucket_by, "in")
        step = _of_evaluator(traced, HOLDOUT + name)
        held = truthy(step.result) if step else bool(split and split.bucket < holdout.weight)
        asked = f"Holdout {name!r}, {_percent(holdout.weight)}"
        yield _gate(asked, "in it" if held else "not in it", split, passed=not held)
    yield from _of_audience(plan.audience, composition, holds)
    if slot := plan.slot:
        layer = composition.layers[slot.layer]
        if layer.bucket_by != plan.bucket_by:
            yield from _drawable(layer.bucket_by, holds)
        split = drawn(layer.salt, layer.bucket_by, "in")
        at = f"drawn to {100 * split.bucket / split.total:.3g} %" if split else "the whole layer"
        inside = split is None or slot.start <= split.bucket < slot.end
        place = f"{percent_of(slot.start)} to {percent_of(slot.end)} %"
        yield _gate(f"Its slot is {place} of the layer {slot.layer!r}", at, split, passed=inside)
    split = drawn(salt_of(key, plan), plan.bucket_by, *plan.treatments, plan.default, plan.control)
    at = f"drawn to {100 * split.bucket / split.total:.3g} %, " if split else ""
    asked = f"{_percent(_ramp(plan, traced.timestamp))} of these are enrolled"
    yield Gate("given", asked, f"{asked}: {at}{traced.evaluation.variant!r}.", split)


def _drawable(path: str, holds: Callable[[Any], bool]) -> Iterator[Gate]:
    """Where the context has nothing to draw by, that stops; otherwise nobody need hear of it."""
    if not holds(usable(path)):
        asked = f"People are drawn by {'targeting key' if path == SUBJECT else path}"
        yield _gate(asked, "the context has none that can be drawn", passed=False)


def _of_audience(
    audience: Audience | None, composition: Composition, holds: Callable[[Any], bool]
) -> Iterator[Gate]:
    if audience is None:
        return
    if audience.segments:
        inside = any(holds(composition.segments[name]) for name in audience.segments)
        several = " or ".join(_segment(name, composition) for name in audience.segments)
        yield _gate(f"It is for {several}", "yes" if inside else "no", passed=inside)
    for name in audience.excluded:
        inside = holds(composition.segments[name])
        told = "in it" if inside else "not in it"
        yield _gate(f"It is not for {_segment(name, composition)}", told, passed=not inside)
    if audience.rule is not None:
        inside = holds(audience.rule)
        yield _gate(
            f"It is for those with {condition(audience.rule)}", "yes" if inside else "no", passed=inside
        )


def _holds(rule: Any, data: dict[str, Any], bucketing: Bucketing) -> bool:
    with suppress(RuleError):  # the evaluation itself has told of it
        return truthy(apply(rule, data, operators=operators(bucketing)))
    return False


def _gate(asked: str, told: str, split: Split | None = None, *, passed: bool) -> Gate:
    return Gate("passed" if passed else "stopped", asked, f"{asked}: {told}.", split)


def _value(path: str, data: Mapping[str, Any]) -> Any:
    """The attribute that is drawn, as `var` reads it."""
    value: Any = data
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _of_evaluator(traced: Trace, name: str) -> TraceStep | None:
    return next((step for step in traced.steps if step.evaluator == name), None)


def _drawn(traced: Trace, salt: str, value: Any, *variants: str | None) -> Split | None:
    """The draw of a value with this salt, which leads to one of these; of several the outermost."""
    seed = f"{salt}{text(value)}"
    for step in traced.steps:
        split = step.split
        if split and split.seed == seed and any(part.variant in variants for part in split.parts):
            return split
    return None
