"""The figures of a running step, through the experiments' own aggregation: nothing about a user leaves the engine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.experiments.estimates import estimates_of
from counterpoint.experiments.journal_totals import totals_now
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.model import Guardrail as Compared
from counterpoint.experiments.totals import ArmTotals, Totals
from counterpoint.rollouts.judging import Observed
from counterpoint.rollouts.model import Rollout, State
from counterpoint.rollouts.silence import WINDOW, silent_metrics, stream_of
from counterpoint.stats import Pair
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    from ibis import Table

__all__ = ["experiment_of", "observe", "observed_of"]


def experiment_of(rollout: Rollout, started: datetime | None) -> Experiment:
    """The comparison of treatment and measured control since the run began, on the guardrails' metrics."""
    return Experiment(
        name=rollout.name,
        flag=rollout.flag,
        flag_set=rollout.flag_set,
        control=rollout.control,
        treatments=(rollout.treatment,),
        kind="rollout",
        guardrails=tuple(Compared(each.metric, each.margin, each.scale) for each in rollout.guardrails),
        start=started,
    )


def observe(workspace: Workspace, rollout: Rollout, state: State, now: datetime) -> Observed:
    """What the journal says of the present run."""
    plan = experiment_of(rollout, state.started)
    try:
        totals = totals_now(workspace, plan, now)
    except InputError as error:  # such as values that are no numbers: nothing can be said, and that is told
        return Observed(unknown={each.metric.name: error.message for each in rollout.guardrails})
    return replace(observed_of(plan, totals), silent=_silent(workspace, rollout, now))


def _silent(workspace: Workspace, rollout: Rollout, now: datetime) -> tuple[str, ...]:
    """The guardrails whose events have stopped coming, whoever they are of."""
    types = {each.metric.name: each.metric.types for each in rollout.guardrails}
    least = rollout.limits.stale_seconds
    needed = {each for some in types.values() for each in some}
    if not needed:
        return ()
    with workspace.journal.snapshot(workspace.journal.engine) as snapshot:
        events = snapshot.events(*sorted(needed), data=False)
        # Nearly always something has come a moment ago, and nothing older is read.
        fresh = _came(events, now - timedelta(seconds=least), now).select("type").distinct()
        quiet = needed - {row["type"] for row in fresh.to_pyarrow().to_pylist()}
        if not quiet:
            return ()
        lately = _came(events, now - WINDOW, now).filter(lambda table: table.type.isin(sorted(quiet)))
        minutes = lately.group_by(["type", lately.time.truncate("m").name("minute")]).aggregate(
            first=lately.time.min(), last=lately.time.max(), count=lately.count()
        )
        rows = minutes.to_pyarrow().to_pylist()
    parts: dict[str, list[tuple[datetime, datetime, int]]] = {}
    for row in rows:
        parts.setdefault(row["type"], []).append((_utc(row["first"]), _utc(row["last"]), row["count"]))
    streams = {name: stream for name, some in parts.items() if (stream := stream_of(some)) is not None}
    return silent_metrics(types, streams, now, least_seconds=least)


def _came(events: "Table", after: datetime, until: datetime) -> "Table":
    """Events of a time; one that is ahead of its arrival comes from a wrong clock, and proves nothing."""
    from counterpoint.experiments.users import literal_of

    return events.filter(events.time > literal_of(after, events), events.time <= literal_of(until, events))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def observed_of(plan: Experiment, totals: Totals) -> Observed:
    """What totals say of the arms and of each guardrail."""
    control, treated = totals.arm(plan.control), totals.arm(plan.treatments[0])
    lasts = [arm.last for arm in (control, treated) if arm is not None and arm.last is not None]
    pairs: dict[str, Pair] = {}
    if control is not None and treated is not None:
        for each in plan.guardrails:
            name = each.metric.name
            pairs[name] = estimates_of(plan, each.metric, control.metrics[name], treated.metrics[name]).pair
    return Observed(
        control_users=_users(control),
        treatment_users=_users(treated),
        mixed_users=totals.mixed,
        last_exposure=max(lasts, default=None),
        pairs=pairs,
    )


def _users(arm: ArmTotals | None) -> int:
    return arm.users if arm else 0
