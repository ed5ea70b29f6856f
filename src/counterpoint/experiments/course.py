"""The time course of a group sequential plan: evidence and boundary at each look, past, present and planned. Pure."""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from counterpoint.experiments.looks import key_of_level
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import Hypothesis, MetricResult, Result
from counterpoint.stats import Look, next_boundary

__all__ = ["Course", "Place", "courses"]

MOST_AHEAD = 60
"""Planned looks beyond which no more are drawn."""
SLACK = 1e-9


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """One look of one test."""

    index: int
    information: float
    spent: float
    """Of the test's whole level, up to and with this look."""
    boundary: float | None
    """In standard errors; none where nothing can reject."""
    score: float | None
    """The evidence in standard errors; none where it was not read, or is still to come."""
    state: Literal["frozen", "planned"]
    """What was taken is frozen: it is never computed anew."""
    shown: bool = False


class Course(msgspec.Struct, frozen=True, rename="camel"):
    """The looks of one test of one treatment."""

    metric: str
    label: str
    kind: str
    treatment: str
    alpha: float
    """Its level over all looks."""
    places: tuple[Place, ...]

    @property
    def taken(self) -> tuple[Place, ...]:
        """The looks that were taken."""
        return tuple(place for place in self.places if place.state == "frozen")


def courses(plan: Experiment, result: Result) -> tuple[Course, ...]:
    """The course of each test that has looks; empty for other plans."""
    if plan.reading.method != "group-sequential":
        return ()
    return tuple(
        Course(metric.name, metric.label, test.kind, metric.treatment, test.total_alpha, places)
        for metric in result.metrics
        for test in metric.hypotheses
        if test.kind != "deterioration" and (places := tuple(_places(plan, result, metric, test)))
    )


def _places(plan: Experiment, result: Result, metric: MetricResult, test: Hypothesis) -> Iterator[Place]:
    past: list[Look] = []
    index = 0
    for look in result.looks:
        known = look.spent.get(key_of_level(test.total_alpha))
        if known is None:
            continue
        index = look.index
        past.append(Look(look.information, known[0], math.inf if known[1] is None else known[1]))
        name = f"{test.kind}: {metric.name}: {metric.treatment}"
        yield Place(
            index, look.information, known[0], known[1], look.scores.get(name), "frozen", name in look.shown
        )
    closed = any(look.final for look in result.looks)
    if not closed:
        yield from _ahead(plan, result, past, index, test.total_alpha)


def _ahead(
    plan: Experiment, result: Result, past: Sequence[Look], index: int, alpha: float
) -> Iterator[Place]:
    """The looks to come, at the distances that the plan names."""
    stopping, made = plan.reading, list(past)
    spending = stopping.alpha_spending
    known = result.progress.looks if result.progress else None
    planned = stopping.looks or known
    now = past[-1].information if past else 0.0
    if not planned or planned - index > MOST_AHEAD:
        return
    for each in range(index + 1, planned + 1):
        at = each / planned
        if at <= now + SLACK:
            continue
        look = next_boundary(made, at, alpha=alpha, sides=1, spending=spending, last=each == planned)
        made.append(look)
        bound = look.boundary if look.boundary < math.inf else None
        yield Place(each, at, look.spent, bound, None, "planned")
