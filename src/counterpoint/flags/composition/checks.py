"""What plans must agree on: names that exist, ranges that are apart, draws that are independent, no circles."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from counterpoint.errors import Problem, escape
from counterpoint.flags.composition.plan import (
    TOTAL,
    Composition,
    FlagPlan,
    Slot,
    percent_of,
    salt_of,
)
from counterpoint.spelling import near

__all__ = ["MOST_GENERATIONS", "arms_salt", "built_on", "control_of", "faults_of"]

MOST_GENERATIONS: Final = 20
"""Flags of a chain in which each is the prerequisite of the next."""


def arms_salt(key: str, plan: FlagPlan) -> str:
    """The salt by which the enrolled are spread over several arms."""
    return f"{salt_of(key, plan)}:arms"


def control_of(plan: FlagPlan, ramp: int) -> int:
    """The weight of the measured control at a ramp: that of the largest arm, or what the ramp leaves."""
    if plan.control is None or not plan.treatments:
        return 0
    return min(ramp * max(plan.treatments.values()) // sum(plan.treatments.values()), TOTAL - ramp)


def built_on(composition: Composition, key: str) -> set[str]:
    """The planned flags whose rules hold that of a flag: itself, and whatever names it as a prerequisite, on and on."""
    children: dict[str, list[str]] = {}
    for child, plan in composition.flags.items():
        for need in plan.prerequisites:
            children.setdefault(need.flag, []).append(child)
    found, waiting = {key}, [key]
    while waiting:
        new = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(new)
        waiting.extend(new)
    return found & composition.flags.keys()


def faults_of(composition: Composition) -> Iterator[Problem]:
    """Everything that contradicts itself in a composition whose parts are sound."""
    for key, plan in composition.flags.items():
        place = f"/flags/{escape(key)}"
        yield from _names(composition, plan, place)
        yield from _variants(plan, place)
        yield from _salts(composition, key, plan, place)
        if plan.guarded and plan.schedule:
            yield Problem(
                "A guarded ramp grows by published steps only, since it must hold when nobody watches. Remove `schedule` or `guarded`.",
                f"{place}/schedule",
            )
    yield from _overlaps(composition)
    circles = list(_circles(composition))
    yield from circles or _generations(composition)


def _names(composition: Composition, plan: FlagPlan, place: str) -> Iterator[Problem]:
    audience = plan.audience
    used = [
        ("layer", "layer/name", composition.layers, [plan.slot.layer] if plan.slot else []),
        ("holdout", "holdouts", composition.holdouts, plan.holdouts),
        ("segment", "audience/segments", composition.segments, audience.segments if audience else ()),
        ("segment", "audience/except", composition.segments, audience.excluded if audience else ()),
    ]
    for what, where, known, names in used:
        for name in names:
            if name not in known:
                yield Problem(
                    f"There is no {what} {name!r}{near(name, list(known))}. Define it in `{what}s`.",
                    f"{place}/{where}",
                )


def _variants(plan: FlagPlan, place: str) -> Iterator[Problem]:
    if plan.default in plan.treatments:
        yield Problem(
            f"{plan.default!r} is what those get who are not enrolled. Give an arm with the same value a variant of its own, so that both can be told apart.",
            f"{place}/treatments/{escape(plan.default)}",
        )
    if plan.control is not None and plan.control in (plan.default, *plan.treatments):
        yield Problem(
            f"The measured control needs a variant of its own, with the value of {plan.default!r}, so that the measured can be told from the rest.",
            f"{place}/control",
        )


def _salts(composition: Composition, key: str, plan: FlagPlan, place: str) -> Iterator[Problem]:
    """Two draws on one salt are the same draw: whoever is held out, or in a slot, would be first in the ramp."""
    salt = salt_of(key, plan)
    drawn = {salt: "the ramp"}
    if len(plan.treatments) > 1:
        drawn[arms_salt(key, plan)] = "the arms"
    others = []
    if plan.slot and plan.slot.layer in composition.layers:
        layer = plan.slot.layer
        others.append((composition.layers[layer].salt, f"the layer {layer!r}", "/layer"))
    others += [
        (composition.holdouts[name].salt, f"the holdout {name!r}", "/holdouts")
        for name in plan.holdouts
        if name in composition.holdouts
    ]
    for other, what, where in others:
        if other in drawn:
            yield Problem(
                f"{what[0].upper()}{what[1:]} has the salt {other!r}, as has {drawn[other]}: the two draws would be one. Give one of them another salt.",
                f"{place}{where}",
            )
        drawn.setdefault(other, what)


def _overlaps(composition: Composition) -> Iterator[Problem]:
    slots: dict[str, list[tuple[str, Slot]]] = {}
    for key, plan in composition.flags.items():
        if plan.slot:
            slots.setdefault(plan.slot.layer, []).append((key, plan.slot))
    for name, taken in slots.items():
        taken.sort(key=lambda each: (each[1].start, each[1].end))
        for (before, first), (key, slot) in pairwise(taken):
            if slot.start < first.end:
                yield Problem(
                    f"{_range(slot)} of the layer {name!r} overlaps {_range(first)}, which {before!r} has. Move one of them.",
                    f"/flags/{escape(key)}/layer",
                )


def _range(slot: Slot) -> str:
    return f"{percent_of(slot.start)} to {percent_of(slot.end)} %"


def _circles(composition: Composition) -> Iterator[Problem]:
    """Each circle of prerequisites once, with its path; found without recursion."""
    parents = {key: [need.flag for need in plan.prerequisites] for key, plan in composition.flags.items()}
    done: set[str] = set()
    for start, first in parents.items():
        path, waiting = [start], [iter(first)]
        while path and start not in done:
            parent = next(waiting[-1], None)
            if parent is None:
                done.add(path.pop())
                waiting.pop()
            elif parent in path:
                yield _circle([*path[path.index(parent) :], parent], path[-1])
            elif parent not in done:
                path.append(parent)
                waiting.append(iter(parents.get(parent, ())))


def _circle(path: list[str], key: str) -> Problem:
    return Problem(
        f"These prerequisites go round in a circle: {' → '.join(path)}. Remove one of them.",
        f"/flags/{escape(key)}/prerequisites",
    )


def _generations(composition: Composition) -> Iterator[Problem]:
    """Chains that are too long; they do not go round, so each turn settles at least one flag."""
    known: dict[str, int] = {}
    waiting = {
        key: [need.flag for need in plan.prerequisites if need.flag in composition.flags]
        for key, plan in composition.flags.items()
    }
    while waiting:
        ready = [key for key, parents in waiting.items() if all(parent in known for parent in parents)]
        for key in ready:
            known[key] = 1 + max((known[parent] for parent in waiting.pop(key)), default=0)
            if known[key] == MOST_GENERATIONS + 1:
                yield Problem(
                    f"{key!r} stands on a chain of {known[key] - 1} prerequisites; {MOST_GENERATIONS - 1} are the most, since each is written out. Let it name fewer.",
                    f"/flags/{escape(key)}/prerequisites",
                )
