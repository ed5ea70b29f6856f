"""Rollouts in the workspace: which there are, where one stands, and what people do with it."""

from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from counterpoint.errors import ConflictError, InputError, NotFoundError, Problem
from counterpoint.experiments.plan import near_refs
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.rollouts.acting import Command, act, commands_for
from counterpoint.rollouts.controller import check, commit, facts_of
from counterpoint.rollouts.deciding import Move, event_of
from counterpoint.rollouts.log import MovedOnError, events_by_rollout, events_of
from counterpoint.rollouts.model import ACTIVE, Event, Figures, Phase, Rollout, State, Trouble, state_of
from counterpoint.rollouts.readiness import ready, require_driven
from counterpoint.rollouts.reading import with_template
from counterpoint.rollouts.written import read_plan, template_of
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = [
    "Coming",
    "Listed",
    "Loaded",
    "RolloutPage",
    "Status",
    "command",
    "list_rollouts",
    "load",
    "status_of",
]

LONGEST_REASON = 10_000
"""Characters of the reason of a command."""
_ATTEMPTS = 5
"""How often a command is decided anew where nothing but a check of the controller came in between."""


class Loaded(msgspec.Struct, frozen=True):
    """A rollout as graph and log have it."""

    ref: str
    entity: Entity | None
    """None where it was deleted after it had begun."""
    plan: Rollout
    """The plan of the present run; before the first start, and once it is over, the one that is written."""
    state: State
    events: tuple[Event, ...]
    notes: tuple[Said, ...] = ()
    """What is missing around it, or differs from what runs."""


class Coming(msgspec.Struct, frozen=True, rename="camel"):
    """What the controller would do now."""

    kind: str | None
    """An event, or none where everything stays as it is."""
    rule: str
    reason: Said = ""


class Status(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Where a rollout stands, with everything that a page shows of it."""

    ref: str
    name: str
    title: str
    owner: str | None
    bet: str | None
    component: str | None
    environment: str | None
    flag: str
    flag_set: str
    phase: Phase
    step: int
    """Index of the present step; −1 before the start."""
    percent: float
    run: int
    reason: Said
    """Why it is where it is."""
    trouble: Trouble | None
    trouble_since: datetime | None
    started: datetime | None
    since: datetime | None
    """When the present step began."""
    until: datetime | None
    """When the present step's time is over; none where it is not under way."""
    approved: bool
    plan: Rollout
    figures: Figures | None
    """As of now; of a step without guardrails, or of what is over, those of the newest event that has any."""
    coming: Coming
    commands: tuple[Command, ...]
    """What a person may do now."""
    overridden: tuple[str, ...]
    events: tuple[Event, ...]
    """Newest first; the plan of a start is left out."""
    notes: tuple[Said, ...]


class Listed(msgspec.Struct, frozen=True, rename="camel"):
    """A rollout in a list."""

    ref: str
    namespace: str
    name: str
    title: str
    owner: str | None
    flag: str
    flag_set: str
    phase: Phase
    percent: float
    step: int
    steps: int
    """How many there are; 0 where it and its template cannot be read before it starts."""
    reason: Said
    changed: datetime | None
    """When it last moved."""
    bet: str | None


class RolloutPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the list of rollouts."""

    items: tuple[Listed, ...]
    total: int
    next_cursor: str | None = None


def list_rollouts(workspace: Workspace, *, limit: int = 100, cursor: str | None = None) -> RolloutPage:
    """The rollouts in the order of their names, each with where it stands by its log; no figures are read."""
    with workspace.graph.read() as reader:
        page = reader.find(kind="Rollout", limit=limit, cursor=cursor)
        events = events_by_rollout(reader, [entity.ref for entity in page.items])
        items = tuple(_listed(reader, entity, events.get(entity.ref, ())) for entity in page.items)
    return RolloutPage(items, page.total, page.next_cursor)


def _listed(reader: Reader, entity: Entity, events: tuple[Event, ...]) -> Listed:
    state = state_of(events)
    steps, reason = len(state.plan.steps) if state.plan and state.phase in ACTIVE else 0, state.reason
    if not steps:
        try:
            template, _ = template_of(reader, entity.spec, entity.namespace)
            steps = len(with_template(entity.spec, template)["steps"])
        except InputError as error:  # one that cannot be read hides no other
            reason = error.problems[0].message if error.problems else error.message
    flag_set = parse_ref(entity.spec.get("flagSet") or "default", default_kind="flagset").name
    return Listed(
        ref=entity.ref,
        namespace=entity.namespace,
        name=entity.name,
        title=entity.title,
        owner=entity.owner,
        flag=entity.spec["flag"],
        flag_set=flag_set,
        phase=state.phase,
        percent=state.percent,
        step=state.step,
        steps=steps,
        reason=reason,
        changed=state.at,
        bet=next(iter(entity.targets("rollsOutBet")), None),
    )


def load(workspace: Workspace, name: str) -> Loaded:
    """A rollout by its name or reference.

    Raises:
        NotFoundError: there is none of that name; the message tells near ones.
        InputError: the name is no reference to a rollout, or its plan cannot be used.
    """
    ref = parse_ref(name, default_kind="rollout")
    if ref.kind != "rollout":
        raise InputError(f"{ref} is no rollout; write its name, or rollout:{ref.namespace}/{ref.name}.")
    with workspace.graph.read() as reader:
        entity = reader.get(ref)
        events = events_of(reader, str(ref))
        state = state_of(events)
        plan, notes = _plan_of(reader, str(ref), entity, state)
        notes += _missing(reader, plan)
    return Loaded(str(ref), entity, plan, state, events, tuple(notes))


def _plan_of(reader: Reader, ref: str, entity: Entity | None, state: State) -> tuple[Rollout, list[str]]:
    """The plan that counts, with what is to be said of it."""
    if entity is None:
        if state.plan is None:
            raise NotFoundError(f"There is no rollout {parse_ref(ref).name}{_remedy(reader, ref)}")
        return state.plan, ["The rollout was deleted; what runs goes on by the plan that it started with."]
    if state.plan is None:
        return read_plan(reader, entity), []
    if state.phase not in ACTIVE:
        try:
            return read_plan(reader, entity), []
        except InputError as error:  # what it did can be read, and taken back, all the same
            return state.plan, [
                f"What is written cannot be used any more ({error.message}) Mend it before you start it again."
            ]
    return state.plan, _differences(reader, entity, state.plan)


def _remedy(reader: Reader, ref: str) -> str:
    others = [found.ref for found in reader.find(kind="Rollout", limit=1000).items]
    if not others:
        return ". There is none yet: write one as YAML and import it with: counterpoint import catalog FILE"
    names = ", ".join(sorted(parse_ref(other).short for other in others)[:20])
    return f"{near_refs(ref, others) or '.'} There are: {names}."


def _differences(reader: Reader, entity: Entity, running: Rollout) -> list[str]:
    """That the plan was edited while it runs: the run goes on by the plan that it started with."""
    try:
        written = read_plan(reader, entity)
    except InputError as error:
        return [f"What is written cannot be used any more ({error.message}) What runs goes on by its plan."]
    same = replace(
        written,
        treatment=running.treatment,
        control=running.control,
        salt=running.salt,
        bucketing=running.bucketing,
        title=running.title,
    )
    if same == running:
        return []
    return ["Its plan was edited since it started. What runs goes on by the plan that it started with."]


def _missing(reader: Reader, plan: Rollout) -> list[str]:
    facts = facts_of(reader, plan)
    said = {
        "missing": f"The flag set {plan.flag_set!r} has no flag {plan.flag!r}.",
        "no plan": f"The flag {plan.flag!r} has no plan. Write one, and publish it with: counterpoint flags compose FILE",
        "edited": f"The flag {plan.flag!r} was edited by hand, so its plan no longer drives it.",
        "killed": f"The flag {plan.flag!r} is killed or off: nobody gets its treatment.",
    }.get(facts.state)
    notes = [said] if said else []
    if plan.bet and not reader.exists(plan.bet):
        notes.append(f"{plan.bet}, the bet that it rolls out, is not in the graph.")
    return notes


def status_of(workspace: Workspace, name: str, *, now: datetime | None = None) -> Status:
    """Where a rollout stands, with the figures of now and what the controller would do. Nothing is written.

    Raises:
        NotFoundError, InputError: as `load`.
    """
    now = now or datetime.now(UTC)
    loaded = load(workspace, name)
    plan, state = loaded.plan, loaded.state
    found = check(workspace, loaded.ref, now=now)
    figures = found.figures if found else None
    if figures is None:
        figures = next((event.figures for event in reversed(loaded.events) if event.figures), None)
    move = found.move if found else Move("has not been started")
    until = None
    if state.phase in ACTIVE and state.since is not None:
        until = datetime.fromtimestamp(state.since.timestamp() + plan.steps[state.step].hold_seconds, UTC)
    return Status(
        ref=loaded.ref,
        name=plan.name,
        title=plan.title,
        owner=plan.owner,
        bet=plan.bet,
        component=plan.component,
        environment=plan.environment,
        flag=plan.flag,
        flag_set=plan.flag_set,
        phase=state.phase,
        step=state.step,
        percent=state.percent,
        run=state.run,
        reason=state.reason,
        trouble=state.trouble,
        trouble_since=state.trouble_since,
        started=state.started,
        since=state.since,
        until=until,
        approved=state.approved,
        plan=plan,
        figures=figures,
        coming=Coming(move.kind, move.rule, move.reason),
        commands=commands_for(state),
        overridden=state.overridden,
        events=tuple(replace(event, plan=None) for event in reversed(loaded.events)),
        notes=loaded.notes,
    )


def command(
    workspace: Workspace,
    actor: Actor,
    name: str,
    wanted: Command,
    *,
    reason: str = "",
    sequence: int | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Event:
    """Do what a person wants with a rollout: publish and record it in one transaction.

    Args:
        workspace: Where it lives.
        actor: Who wants it; they own the rollout, and may write the flag set.
        name: The rollout's name or reference.
        wanted: What to do.
        reason: Why; needed where it goes past the guardrails, or begins again.
        sequence: The newest event that the person has seen; none takes what there is. Checks that changed nothing do not count.
        dry_run: Check everything and write nothing.
        now: The moment; the clock's if nothing is said.

    Raises:
        NotFoundError, InputError: as `load`; or a reason is missing, or the log has no such `sequence` yet.
        ConflictError: it cannot be done in this phase, another rollout moves the flag, the flag has no plan, or one
            with several treatments or without a measured control, or the rollout has moved on since `sequence`.
        NotAllowedError: the actor may not.
    """
    now = now or datetime.now(UTC)
    if len(reason := reason.strip()) > LONGEST_REASON:
        problem = Problem(
            f"The reason has {len(reason)} characters; {LONGEST_REASON} are the most.", "/reason"
        )
        raise InputError("Nothing was changed.", [problem])
    seen = sequence

    def attempt() -> Event:
        nonlocal seen
        loaded = load(workspace, name)
        _require_unmoved(loaded, seen)
        seen = len(loaded.events) if seen is None else seen
        return _command(workspace, actor, loaded, wanted, reason=reason, dry_run=dry_run, now=now)

    # Reading the figures takes long enough for the controller to note a verdict meanwhile.
    for _ in range(_ATTEMPTS - 1):
        with suppress(MovedOnError):
            return attempt()
    return attempt()


def _require_unmoved(loaded: Loaded, sequence: int | None) -> None:
    newest = len(loaded.events)
    if sequence is not None and not 0 <= sequence <= newest:
        problem = Problem(f"It is {sequence}; the newest event of the log is {newest}.", "/sequence")
        raise InputError("Nothing was changed.", [problem])
    # A check that only noted a verdict changes nothing of what the person decided about.
    if sequence is not None and any(each.kind != "checked" for each in loaded.events[sequence:]):
        raise ConflictError(
            f"{loaded.ref} has moved on since you looked: it is {loaded.state.phase} now. Look again, then decide."
        )


def _command(
    workspace: Workspace,
    actor: Actor,
    loaded: Loaded,
    wanted: Command,
    *,
    reason: str,
    dry_run: bool,
    now: datetime,
) -> Event:
    state, plan = loaded.state, loaded.plan
    found = check(workspace, loaded.ref, now=now) if state.phase in ACTIVE else None
    figures = found.figures if found else None
    move = act(plan, state, wanted, figures, reason=reason, only_shown=dry_run)
    if wanted == "start":
        if loaded.entity is None:
            raise ConflictError(f"{loaded.ref} was deleted; import it again, then start it.")
        with workspace.graph.read() as reader:
            plan = ready(workspace, read_plan(reader, loaded.entity))
    event = event_of(move, state, now=now, actor=actor.ref, figures=figures)
    if wanted == "start":
        event = replace(event, plan=plan)
    elif wanted == "resume":
        require_driven(workspace, plan)
    commit(workspace, actor, loaded.ref, state, event, dry_run=dry_run)
    return event
