"""Users in two experiments at once: one query on the journal for a pair, whose few rows say how many and how they did."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments import store
from counterpoint.experiments.coordination.interaction import (
    Interaction,
    Pair,
    adjusted,
    both_name,
    interactions,
)
from counterpoint.experiments.coordination.model import collisions
from counterpoint.experiments.coordination.store import placed_in
from counterpoint.experiments.journal_totals import EXPOSURE
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.graph.ref import parse_ref
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    from datetime import datetime

    from ibis import Table

    from counterpoint.journal import Snapshot

__all__ = ["Interactions", "interactions_in", "pair_totals"]

MOST_PAIRS = 50


class Interactions(msgspec.Struct, frozen=True, rename="camel"):
    """The interactions of pairs that ran at the same time."""

    pairs: int
    items: tuple[Interaction, ...]
    """Corrected for all of them; the surest first."""
    left_out: tuple[str, ...] = ()
    """References of pairs that were not looked at, as "one and other": a table, or metrics that need more than sums."""


def interactions_in(workspace: Workspace, now: "datetime", *, name: str | None = None) -> Interactions:
    """Look at all pairs that collide and have begun, or at those of one experiment.

    Raises:
        NotFoundError: there is no experiment of that name.
        InputError: there are too many pairs for one call.
    """
    only = store.load(workspace, name).entity.ref if name else None
    with workspace.graph.read() as reader:
        placed = placed_in(reader)
    titles = {each.ref: each.title for each in placed}
    met = [
        each
        for each in collisions(placed, now)
        if each.state != "planned" and each.kind == "place" and only in (None, each.one, each.other)
    ]
    if len(met) > MOST_PAIRS:
        raise InputError(
            f"{len(met)} pairs of experiments ran at the same time; name one experiment to look at its pairs."
        )
    found: list[Interaction] = []
    left_out, looked = [], 0
    with workspace.journal.snapshot(workspace.journal.engine) as snapshot:
        for each in met:
            one, other = store.load(workspace, each.one), store.load(workspace, each.other)
            pair = Pair(one.plan, other.plan)
            if one.source or other.source or not _summable(pair.plan):
                left_out.append(f"{parse_ref(each.one).short} and {parse_ref(each.other).short}")
                continue
            looked += 1
            items = interactions(pair, pair_totals(pair, snapshot), titles)
            if not (_may_be_read(pair.one, now) and _may_be_read(pair.other, now)):
                # The difference of two effects does not tell them; they themselves would be read too early.
                items = [replace(item, alone=None, together=None) for item in items]
            found += items
    return Interactions(looked, tuple(adjusted(found, titles)), tuple(left_out))


def _may_be_read(plan: Experiment, now: "datetime") -> bool:
    """Whether the plan lets effects be read now, as far as its dates say; one that does not say when it is read never does."""
    if plan.reading.method == "confidence-sequence":
        return True
    return plan.end is not None and now >= plan.end


def _summable(plan: Experiment) -> bool:
    """Whether every metric is made of sums of events: windows and funnels need each experiment's own first exposure."""
    return all(part.days is None and not part.steps for metric in plan.metrics for part in metric.parts)


def pair_totals(pair: Pair, snapshot: "Snapshot") -> Totals:
    """The totals of users in both experiments, by both variants; one query, and no row about a user leaves the engine."""
    from counterpoint.experiments.users import exposures_of

    plan = pair.plan
    events = snapshot.events(*sorted({event for metric in plan.metrics for event in metric.types}))
    exposures = snapshot.events(EXPOSURE)
    expression = together_expression(
        pair, [exposures_of(each, exposures) for each in (pair.one, pair.other)], events
    )
    return totals_of(plan, expression.to_pyarrow().to_pylist())


def together_expression(pair: Pair, exposures: "Sequence[Table]", events: "Table") -> "Table":
    """The expression: users of each, joined; events count from when a user was in both."""
    import ibis

    from counterpoint.experiments.aggregation import summary_expression
    from counterpoint.experiments.user_sums import sums_expression

    rows = ibis.union(*(
        _dated(plan, table).select("subject", "variant", "time", which=ibis.literal(which))
        for which, plan, table in zip((1, 2), (pair.one, pair.other), exposures, strict=True)
    ))  # fmt: skip
    columns: dict[str, Any] = {}
    for which in (1, 2):
        ours = rows.which == which
        columns |= {
            f"low{which}": rows.variant.min(where=ours),
            f"high{which}": rows.variant.max(where=ours),
            f"first{which}": rows.time.min(where=ours),
            f"last{which}": rows.time.max(where=ours),
        }
    seen = rows.filter(rows.subject.notnull()).group_by("subject").aggregate(**columns).alias("seen_in_both")
    both = seen.filter((seen.low1 == seen.high1) & (seen.low2 == seen.high2))
    users = both.select(
        "subject",
        first=ibis.greatest(both.first1, both.first2),
        last=ibis.greatest(both.last1, both.last2),
        outside=ibis.literal(0),
        variant=both.low1.concat(both_name("", ""), both.low2),
        mixed=ibis.literal(False),  # noqa: FBT003 - Ibis' argument
    ).alias("users_of_both")
    return summary_expression(pair.plan, users, sums_expression(pair.plan, users, events))


def _dated(plan: Experiment, exposures: "Table") -> "Table":
    """The exposures within an experiment's own dates."""
    from counterpoint.experiments.users import literal_of

    if plan.start:
        exposures = exposures.filter(exposures.time >= literal_of(plan.start, exposures))
    if plan.end:
        exposures = exposures.filter(exposures.time <= literal_of(plan.end, exposures))
    return exposures
