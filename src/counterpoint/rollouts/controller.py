"""The controller: reads, decides, and publishes and records in one transaction. It keeps nothing in memory.

The new version of the flag set, the event and the activity are one transaction of the graph, so whenever it is
killed either all of a move has happened or none of it; the next check, by whoever, goes on from there. Until then
exposure stays as it is, since a guarded ramp has no dates of its own.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from counterpoint.errors import ConflictError, CounterpointError, NotFoundError
from counterpoint.flags.composing import drive, read_plans
from counterpoint.flags.composition import Composition, CompositionError, FlagPlan, percent_of, with_plan
from counterpoint.flags.composition.changes import plan_of
from counterpoint.flags.composition.plan import salt_of, weight_of
from counterpoint.flags.environments import set_ref
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.writer import Writer
from counterpoint.rollouts.deciding import FlagFacts, Move, decide, event_of, moment_of, monitored
from counterpoint.rollouts.figures import observe
from counterpoint.rollouts.judging import judge
from counterpoint.rollouts.log import MovedOnError, append, events_of, under_way
from counterpoint.rollouts.model import ACTIVE, Event, Figures, Rollout, State, apply, state_of
from counterpoint.workspace import Workspace

__all__ = ["Checked", "check", "commit", "facts_of", "figures_now", "step", "step_all"]


AT_ONCE: Final = 20
"""Steps that follow each other in one check of a rollout at most, since the others wait for theirs meanwhile."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check saw and what follows; nothing was written."""

    state: State
    figures: Figures | None
    move: Move


def step(workspace: Workspace, ref: str, *, now: datetime | None = None) -> list[Event]:
    """Bring one rollout as far as its rules and figures let it come now, and tell what happened.

    More than one event happens only where steps without guardrails and without time follow each other, `AT_ONCE` of
    them at most. If somebody else acts meanwhile, nothing is done: the next check looks at what they did.
    """
    happened: list[Event] = []
    while len(happened) < AT_ONCE:
        found = check(workspace, ref, now=now)
        if found is None or found.move.kind is None:
            return happened
        moment = now or datetime.now(UTC)
        event = event_of(found.move, found.state, now=moment, actor=SYSTEM.ref, figures=found.figures)
        try:
            event = _committed(workspace, ref, found, event)
        except MovedOnError:
            return happened
        happened.append(event)
        if event.kind != "advanced":
            return happened
    return happened


def _committed(workspace: Workspace, ref: str, found: Checked, event: Event) -> Event:
    """Commit an event; where it cannot be published, pause instead, so that the owner hears of it."""
    try:
        commit(workspace, SYSTEM, ref, found.state, event)
    except (CompositionError, NotFoundError) as error:
        move = Move(
            "cannot be published",
            "paused",
            f"The step cannot be published: {error.message}",
            found.state.step,
        )
        paused = event_of(move, found.state, now=event.at, actor=SYSTEM.ref, figures=found.figures)
        commit(workspace, SYSTEM, ref, found.state, paused)
        return paused
    return event


def step_all(
    workspace: Workspace,
    *,
    now: datetime | None = None,
    failed: Callable[[str, CounterpointError], None] | None = None,
) -> dict[str, list[Event]]:
    """Check every rollout that is under way; what happened, by its reference.

    One that cannot be checked keeps none of the others from it; `failed` is told of it, and without `failed` the last
    error is raised at the end. So is any other exception, which is a fault of ours.
    """
    with workspace.graph.read() as reader:
        active = under_way(reader)
    happened: dict[str, list[Event]] = {}
    error: Exception | None = None
    for ref in active:
        try:
            happened[ref] = step(workspace, ref, now=now)
        except Exception as caught:  # raised below, once all others are checked
            if failed is not None and isinstance(caught, CounterpointError):
                failed(ref, caught)
            else:
                error = caught
    if error is not None:
        raise error
    return {ref: found for ref, found in happened.items() if found}


def check(workspace: Workspace, ref: str, *, now: datetime | None = None) -> Checked | None:
    """What the controller sees and would do now; None before the first start."""
    now = now or datetime.now(UTC)
    with workspace.graph.read() as reader:
        state = state_of(events_of(reader, ref))
        if state.plan is None:
            return None
        flag = facts_of(reader, state.plan)
    figures = figures_now(workspace, state.plan, state, now)
    seen = figures or Figures(as_of=moment_of(state, now))
    return Checked(state, figures, decide(state.plan, state, seen, flag, now))


def figures_now(workspace: Workspace, rollout: Rollout, state: State, now: datetime) -> Figures | None:
    """The figures of a step that is monitored; none of another, and before the start."""
    if not monitored(rollout, state):
        return None
    now = moment_of(state, now)
    return judge(rollout, state, observe(workspace, rollout, state, now), now)


def facts_of(reader: Reader, rollout: Rollout) -> FlagFacts:
    """What has become of the rollout's flag."""
    try:
        composition, entity = read_plans(reader, rollout.flag_set)
    except NotFoundError:
        return FlagFacts("missing")
    except CompositionError:
        return FlagFacts("no plan")
    key = rollout.flag
    flag = flags_by_key(entity.spec.get("definition")).get(key)
    if flag is None:
        return FlagFacts("missing")
    if key in composition.detached:
        return FlagFacts("edited")
    plan = composition.flags.get(key)
    if plan is None:
        return FlagFacts("no plan")
    killed = plan.killed is not None or flag.get("state") == "DISABLED"
    return FlagFacts("killed" if killed else "driven", float(percent_of(plan.ramp)), salt_of(key, plan))


def commit(
    workspace: Workspace,
    actor: Actor,
    ref: str,
    state: State,
    event: Event,
    *,
    dry_run: bool = False,
) -> State:
    """Publish what the event says and record it, or neither; the state after it.

    Args:
        workspace: Where both live.
        actor: Who acts; a person must own the rollout, and be allowed to write the flag set.
        ref: The rollout.
        state: What was decided from.
        event: What happens.
        dry_run: Check everything and write nothing.

    Raises:
        MovedOnError: somebody has acted since the state was read.
        ConflictError: another rollout moves the flag, or the flag's users would be drawn anew.
        CompositionError, NotFoundError: the flag has no plan that can be moved.
        NotAllowedError: the actor may not.
    """
    after = apply(state, event)
    plan = after.plan
    if plan is None:
        raise ConflictError(f"{ref} has not been started.")

    def record(writer: Writer) -> None:
        if actor is not SYSTEM:  # one that was deleted is whose flag set it moves
            writer.require_write(ref if writer.exists(ref) else set_ref(plan.flag_set))
        append(writer, ref, event)

    if event.percent is None:
        _record(workspace, actor, record, dry_run=dry_run)
        return after
    try:
        drive(
            workspace,
            actor,
            plan.flag_set,
            plan.flag,
            lambda composition: _moved(composition, plan, after, event),
            rollout=ref,
            also=record,
            certain=event.kind == "rolled-back",
            dry_run=dry_run,
            reason=f"{plan.title or plan.name}: {event.reason or event.rule}",
        )
    except NotFoundError:
        if event.kind != "rolled-back":
            raise
        # The flag is gone, so nobody has the treatment.
        _record(workspace, actor, record, dry_run=dry_run)
    return after


class _UndoneError(Exception):
    """Ends the transaction of a dry run."""


def _record(workspace: Workspace, actor: Actor, record: Callable[[Writer], None], *, dry_run: bool) -> None:
    with suppress(_UndoneError), workspace.graph.write(actor) as writer:
        record(writer)
        if dry_run:
            raise _UndoneError


def _moved(composition: Composition, rollout: Rollout, after: State, event: Event) -> Composition:
    """The plans in which the flag's ramp is the event's, and says who moves it while the rollout is under way."""
    key, plan = rollout.flag, plan_of(composition, rollout.flag)
    if plan.rollout not in (None, rollout.ref) and event.kind == "started":
        raise ConflictError(
            f"{plan.rollout} moves the flag {key!r} already. Pause or complete it, or roll it back, then start this one."
        )
    if rollout.salt and salt_of(key, plan) != rollout.salt and event.kind == "started":
        raise MovedOnError(f"The plan of the flag {key!r} has changed meanwhile. Start again.")
    weight = weight_of(event.percent)
    if weight is None:
        raise CompositionError(f"{event.percent} is no percentage.")
    is_active = after.phase in ACTIVE
    moved: FlagPlan = replace(
        plan, ramp=weight, schedule=(), guarded=is_active, rollout=rollout.ref if is_active else None
    )
    return with_plan(composition, key, moved)
