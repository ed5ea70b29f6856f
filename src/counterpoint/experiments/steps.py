"""Who went through a funnel: did all its steps, one after the other, after the first exposure."""

from typing import Any

import ibis
from ibis.expr.types import Table

from counterpoint.experiments.measures import Metric
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.users import literal_of

__all__ = ["reached_expression"]


def reached_expression(plan: Experiment, part: Metric, users: Table, events: Table) -> Table:
    """One row per user who did all steps of a funnel, with the moment of the last one as `reached`.

    Each step is the first event of its type after the step before. Two steps of one type need two events; steps of
    two types may have the same moment, since clocks are coarse.
    """
    at = users.filter(users["first"].notnull()).select("subject", "first", reached=users["first"])
    before: str | None = None
    for number, step in enumerate(part.steps):
        ours = events.filter(events.type == step).select("subject", "time")
        joined = ours.join(at, "subject")
        later: Any = joined.time > joined.reached if step == before else joined.time >= joined.reached
        if not number and part.offset_days:
            later = joined.time >= joined["first"] + ibis.interval(hours=24 * part.offset_days)
        if part.days is not None:
            later = later & (joined.time < joined["first"] + ibis.interval(hours=24 * part.days))
        if plan.end:
            later = later & (joined.time <= literal_of(plan.end, joined))
        done = joined.filter(later)
        at = done.group_by("subject").aggregate(first=done["first"].min(), reached=done.time.min())
        before = step
    return at.select("subject", "reached")
