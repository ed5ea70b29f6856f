"""Who holds which part of a layer, and what is free; and who is in the holdouts and segments of a set. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from counterpoint.flags.composition.plan import TOTAL, Audience, Composition, FlagPlan, percent_of
from counterpoint.flags.sentences import condition

__all__ = ["HoldoutView", "LayerView", "SegmentView", "SlotView", "holdouts_of", "layers_of", "segments_of"]


@dataclass(frozen=True, slots=True)
class SlotView:
    """A range of a layer, in percent of it."""

    start: float
    end: float
    flags: tuple[str, ...] = ()
    """The flags that hold it; none where it is free. Plans that overlap are refused, so that it is one at most."""
    enrolled: float = 0.0
    """The largest ramp among them, in percent of the range."""

    @property
    def size(self) -> float:
        """How much of the layer it is, in percent."""
        return round(self.end - self.start, 3)


@dataclass(frozen=True, slots=True)
class LayerView:
    """A layer: flags that exclude each other."""

    name: str
    slots: tuple[SlotView, ...]
    """From 0 to 100 without a gap, free ranges among them."""
    bucket_by: str

    @property
    def free(self) -> float:
        """How much of it nobody holds, in percent."""
        return round(sum(slot.size for slot in self.slots if not slot.flags), 3)


@dataclass(frozen=True, slots=True)
class HoldoutView:
    """Subjects who get none of the treatments of some flags."""

    name: str
    percent: float
    flags: tuple[str, ...]
    bucket_by: str


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A shared audience."""

    name: str
    words: str
    rule: Any
    included: tuple[str, ...]
    """Flags that are for it."""
    excluded: tuple[str, ...]
    """Flags that are for everybody else."""


def layers_of(composition: Composition) -> list[LayerView]:
    """Every layer with its slots, in the order in which they were written."""
    return [
        LayerView(name, tuple(_slots(name, composition.flags)), layer.bucket_by)
        for name, layer in composition.layers.items()
    ]


def _slots(layer: str, plans: Mapping[str, FlagPlan]) -> Iterator[SlotView]:
    held = [(plan.slot, key, plan) for key, plan in plans.items() if plan.slot and plan.slot.layer == layer]
    edges = sorted({0, TOTAL, *(edge for slot, _, _ in held for edge in (slot.start, slot.end))})
    for start, end in pairwise(edges):
        here = [(key, plan) for slot, key, plan in held if slot.start <= start and slot.end >= end]
        ramps = [0 if plan.killed else plan.ramp for _, plan in here]
        keys = tuple(key for key, _ in here)
        yield SlotView(percent_of(start), percent_of(end), keys, percent_of(max(ramps, default=0)))


def holdouts_of(composition: Composition) -> list[HoldoutView]:
    """Every holdout with the flags that keep out of it."""
    return [
        HoldoutView(
            name,
            percent_of(holdout.weight),
            tuple(key for key, plan in composition.flags.items() if name in plan.holdouts),
            holdout.bucket_by,
        )
        for name, holdout in composition.holdouts.items()
    ]


def segments_of(composition: Composition) -> list[SegmentView]:
    """Every segment in words, with the flags that are for it or for everybody else."""
    return [
        SegmentView(
            name,
            condition(rule),
            rule,
            tuple(key for key, audience in _audiences(composition) if name in audience.segments),
            tuple(key for key, audience in _audiences(composition) if name in audience.excluded),
        )
        for name, rule in composition.segments.items()
    ]


def _audiences(composition: Composition) -> Iterator[tuple[str, Audience]]:
    return ((key, plan.audience) for key, plan in composition.flags.items() if plan.audience is not None)
