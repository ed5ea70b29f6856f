"""What was learned from an experiment that has ended, or why nothing was. Pure.

An experiment teaches if it is valid and its outcome can be decided on: a win, a regression that was detected, or
a neutral outcome with power enough to have seen what was worth seeing. A neutral outcome is no failure, and a
page of squads shows the split and never a ranking.

References:
    Spotify's experiments with learning framework (2025), engineering.atspotify.com, for the classes.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import Learning, MetricResult, Result
from counterpoint.experiments.wording import count, day, percent, value
from counterpoint.stats import Side, shrunk

__all__ = ["Split", "classify", "shrink", "split"]

LEAST = 2
"""Users that every arm needs for anything to be said."""
TINY = 1e-15
"""Levels below it have no bound that can be told from infinity."""
EARLY = 0.9
"""Share of the planned time before which the last exposure means that it was stopped."""


class Split(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many experiments that have ended taught what; of a squad, for itself."""

    ended: int
    win: int
    regression: int
    neutral: int
    """Neutral with power enough."""
    none: dict[str, int]
    """Without learning, by the reason."""
    share: float | None
    """Share of those that ended which taught something; none where none has ended."""


def classify(plan: Experiment, result: Result) -> Learning | None:
    """What an experiment taught; none while it goes on.

    It has ended when its end has come, or when a look has decided; a plan that does not say when it is read has no end.
    """
    verdict, progress = result.verdict, result.progress
    if progress is None:
        return None
    ended = progress.final or verdict.state in {"ship", "do not ship"} or verdict.state == "invalid"
    late = plan.end is not None and result.as_of >= plan.end
    if not (ended or late):
        return None
    if not result.users and not late and plan.end is None:
        return None  # it has not begun
    if any(arm.users < LEAST for arm in result.arms):
        return Learning(
            outcome="none",
            reason="no traffic",
            sentence="Nothing was learned: not every arm had users. Check that the flag is served to them.",
        )
    if verdict.state == "invalid":
        why = verdict.condition.removeprefix("quality: ").replace("-", " ")
        return Learning(
            outcome="none",
            reason="invalid",
            sentence=f"Nothing was learned: the experiment is invalid by its {why}.",
        )
    if verdict.state == "ship":
        return Learning(outcome="win", sentence=f"A win: {verdict.treatment} may ship.")
    harmed = next((metric for metric in result.metrics if metric.worse), None)
    if harmed is not None:
        return Learning(
            outcome="regression",
            sentence=f"A regression was detected before it reached everybody: {harmed.label} got worse.",
        )
    stopped = next((look for look in result.looks if look.stops is not None), None)
    if stopped is not None:
        return Learning(
            outcome="regression",
            sentence=f"A regression was detected before it reached everybody: {stopped.stops} was stopped for it.",
        )
    return _neutral(plan, result)


def _neutral(plan: Experiment, result: Result) -> Learning:
    """Neither better nor worse: a lesson if what was worth seeing would have been seen."""
    weak = [metric for metric in result.metrics if not metric.holds and not _powered(plan, metric)]
    if not weak:
        return Learning(
            outcome="powered neutral",
            sentence="A neutral outcome with power enough: a change worth detecting would have been seen.",
        )
    if (last := result.last_exposure) is not None and _stopped(plan, result):
        return Learning(
            outcome="none",
            reason="stopped early",
            sentence=f"Nothing was learned: the last exposure was on {day(last)}, before the end that was"
            f" planned, and {count(result.users)} users are too few.",
        )
    first = weak[0]
    goal = _goal(plan, first)
    able = _size(first, first.detectable) if first.detectable is not None else "nothing"
    wished = f"{_size(first, goal)} was asked for" if goal is not None else "the plan names no mde"
    return Learning(
        outcome="none",
        reason="underpowered",
        sentence=f"Nothing was learned: {first.label} could have shown {able}, and {wished}.",
    )


def _powered(plan: Experiment, metric: MetricResult) -> bool:
    """Whether the metric could have shown its mde, or its margin, with the plan's power."""
    goal = _goal(plan, metric)
    return goal is not None and metric.detectable is not None and metric.detectable <= goal * (1 + 1e-9)


def _goal(plan: Experiment, metric: MetricResult) -> float | None:
    """What the metric should be able to show, on the scale of `detectable`."""
    if metric.role == "success":
        target = plan.targets.get(metric.name)
        size, scale = (target.mde, target.scale) if target else (None, "relative")
    else:
        size, scale = metric.margin, metric.margin_scale
    if size is None:
        return None
    relative = metric.relative is not None
    if (scale == "relative") is relative:
        return size
    return size * abs(metric.control_mean) if scale == "relative" else size / abs(metric.control_mean)


def _size(metric: MetricResult, amount: float) -> str:
    return percent(amount) if metric.relative is not None else value(metric, amount)


def _stopped(plan: Experiment, result: Result) -> bool:
    begun = plan.start or result.first_exposure
    if plan.end is None or begun is None or result.last_exposure is None:
        return False
    planned = plan.end - begun
    return planned > timedelta() and (result.last_exposure - begun) / planned < EARLY


def shrink(metric: MetricResult) -> float | None:
    """The difference of a success metric that won, shrunk for the winner's curse; none for any other.

    Only significant results win, so that their estimates are too large on average (see `stats.shrunk`). Looks
    before the one that decided are left out of account.
    """
    test = metric.hypothesis("superiority")
    if test is None or not test.rejected or metric.difference is None or not metric.se or test.alpha < TINY:
        return None
    side: Side = "greater" if metric.direction == "increase" else "less"
    return shrunk(metric.difference, metric.se, alpha=test.alpha, side=side).estimate


def split(learnings: Iterable[Learning]) -> Split:
    """Count what experiments that have ended taught.

    >>> from counterpoint.experiments.result import Learning
    >>> split([Learning(outcome="win", sentence=""), Learning(outcome="none", reason="invalid", sentence="")]).share
    0.5
    """
    found = list(learnings)
    outcomes = Counter(learning.outcome for learning in found)
    reasons = Counter(learning.reason or "" for learning in found if not learning.learned)
    taught = sum(learning.learned for learning in found)
    return Split(
        ended=len(found),
        win=outcomes["win"],
        regression=outcomes["regression"],
        neutral=outcomes["powered neutral"],
        none=dict(sorted(reasons.items())),
        share=taught / len(found) if found else None,
    )
