"""Plans in the graph: each stands beside the definition that it is compiled to, and both change in one write."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from counterpoint.errors import NotFoundError, Problem, escape
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition import (
    Change,
    Composition,
    CompositionError,
    compiled,
    difference,
    document_of,
    read_composition,
    reattached,
    settled,
    with_kill,
    with_ramp,
    with_revival,
)
from counterpoint.flags.composition.checks import built_on
from counterpoint.flags.composition.detaching import with_digests
from counterpoint.flags.composition.documents import flags_in, with_flags
from counterpoint.flags.composition.plan import reattach_command
from counterpoint.flags.composition.reading import Locate, read_located
from counterpoint.flags.drafts import Draft
from counterpoint.flags.drafts import document_of as set_document_of
from counterpoint.flags.driven import still_driven
from counterpoint.flags.model import FlagSet
from counterpoint.flags.store import Written, change_set, find_set
from counterpoint.graph.actor import Actor
from counterpoint.graph.collector import seldom_collecting
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.writer import Writer
from counterpoint.spelling import near
from counterpoint.workspace import Workspace

__all__ = [
    "Composed",
    "change_plans",
    "compose",
    "drive",
    "edit_plans",
    "edit_shared",
    "kill",
    "ramp",
    "read_plans",
    "revive",
    "switch",
]

Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Composed:
    """What a change of plans did, or would do."""

    written: Written
    composition: Composition
    changes: tuple[Change, ...]
    """What it does to people, flag by flag."""


@dataclass(frozen=True, slots=True)
class _Next:
    """What a flag set is to become, as plans and definition."""

    composition: Composition
    definition: Definition
    remarks: tuple[Problem, ...] = ()


def read_plans(reader: Reader, name: str) -> tuple[Composition, Entity]:
    """The composition of a flag set (an empty one where it has none), and its entity.

    Raises:
        NotFoundError: there is no such set.
        CompositionError: another door has let in what is no composition.
    """
    entity = find_set(reader, name)
    return read_composition(entity.spec.get("composition") or {}), entity


def compose(
    workspace: Workspace,
    actor: Actor,
    name: str,
    source: Mapping[str, Any] | str | bytes | Path,
    *,
    reattach: Collection[str] = (),
    if_match: Collection[str] | None = None,
    dry_run: bool = False,
    reason: str | None = None,
) -> Composed:
    """Let a set have these plans, and its planned flags what they compile to; a set that is missing is made.

    A flag that loses its plan stays as it is. A flag that was edited by hand stays so, with a warning,
    unless `reattach` names it.

    Args:
        workspace: where the set lives.
        actor: who writes.
        name: the set's name.
        source: the plans as a dict, YAML or JSON text, or the path of a file.
        reattach: keys of flags whose plans shall drive them again.
        if_match: etags one of which the set must have, or `*` for any.
        dry_run: check everything, tell what would change, write nothing.
        reason: for the activity log.

    Raises:
        CompositionError: the plans cannot be used; nothing was changed.
        NotAllowedError, PreconditionError: as for every write of a set.
    """
    given, locate = read_located(source)

    def change(current: Composition, definition: Definition) -> _Next:
        known = reattached(current, [key for key in reattach if key in current.detached])
        held = [key for key in given.flags if key in known.detached]
        plans = {key: plan for key, plan in given.flags.items() if key not in held}
        detached = {
            **known.detached,
            **{key: given.flags[key] for key in held},
        }
        return _Next(
            replace(given, flags=plans, detached=detached, digests={}),
            definition,
            tuple(_held(key) for key in held),
        )

    return change_plans(
        workspace,
        actor,
        name,
        change,
        locate=locate,
        create=True,
        if_match=if_match,
        dry_run=dry_run,
        reason=reason,
    )


class Writing(TypedDict, total=False):
    """How a change of one flag is written."""

    if_match: Collection[str] | None
    """Etags one of which the set must have, or `*` for any."""
    dry_run: bool
    """Check everything, tell what would change, write nothing."""
    reason: str | None
    """For the activity log."""
    reasoned: bool
    """Whether a person gave a reason; by default whether there is one."""


def ramp(
    workspace: Workspace, actor: Actor, name: str, key: str, percent: float, **writing: Unpack[Writing]
) -> Composed:
    """Enrol this percentage, from 0 to 100 with at most three decimals. Nobody is reassigned.

    Raises:
        NotFoundError: there is no such set, or the flag has no plan.
        CompositionError: the flag was edited by hand, or the percentage is none.
    """
    writing["reasoned"] = bool(writing.get("reason"))
    writing["reason"] = _because(f"Ramp of {key!r} to {percent:g} %", writing)
    return edit_plans(
        workspace, actor, name, key, lambda current: with_ramp(current, key, percent), **writing
    )


def kill(workspace: Workspace, actor: Actor, name: str, key: str, **writing: Unpack[Writing]) -> Composed:
    """Give everybody the flag's default at once; the plan is kept. A flag without a plan is disabled.

    Raises:
        NotFoundError: there is no such set or flag.
    """
    why = writing.get("reason") or ""

    def change(current: Composition, definition: Definition) -> _Next:
        if key in current.flags:
            return _Next(with_kill(current, key, reason=why), definition)
        return _Next(current, _with_state(definition, key, "DISABLED"))

    writing["reason"] = _because(f"Killed {key!r}", writing)
    return _change_flag(workspace, actor, name, key, change, certain=True, **writing)


def revive(workspace: Workspace, actor: Actor, name: str, key: str, **writing: Unpack[Writing]) -> Composed:
    """Take a kill back: everybody gets exactly what the plan, or the flag's rule, says.

    Raises:
        NotFoundError: there is no such set or flag.
    """

    def change(current: Composition, definition: Definition) -> _Next:
        if key in current.flags and current.flags[key].killed:
            return _Next(with_revival(current, key), definition)
        return _Next(current, _with_state(definition, key, "ENABLED"))

    writing["reason"] = _because(f"Revived {key!r}", writing)
    return _change_flag(workspace, actor, name, key, change, **writing)


def switch(
    workspace: Workspace, actor: Actor, name: str, key: str, *, on: bool, **writing: Unpack[Writing]
) -> Composed:
    """Let a flag answer, or leave its value to the code of whoever asks; its rule and its plan are kept.

    Raises:
        NotFoundError: there is no such set or flag.
    """

    def change(current: Composition, definition: Definition) -> _Next:
        return _Next(current, _with_state(definition, key, "ENABLED" if on else "DISABLED"))

    return _change_flag(workspace, actor, name, key, change, certain=not on, **writing)


def edit_plans(
    workspace: Workspace,
    actor: Actor,
    name: str,
    key: str,
    edit: Callable[[Composition], Composition],
    **writing: Unpack[Writing],
) -> Composed:
    """Change the plan of one flag, or give it one; `edit` may add to what plans share, and changes nothing of it.

    Raises:
        NotFoundError: there is no such set or flag, or the edit wants a plan and there is none.
        CompositionError: what the edit makes cannot be used; nothing was changed.
    """
    return _change_flag(
        workspace, actor, name, key, lambda current, definition: _Next(edit(current), definition), **writing
    )


def edit_shared(
    workspace: Workspace,
    actor: Actor,
    name: str,
    edit: Callable[[Composition], Composition],
    **writing: Unpack[Writing],
) -> Composed:
    """Change what the plans of a set share: segments, layers, holdouts; the flags that use them change with it.

    Raises:
        NotFoundError: there is no such set.
        CompositionError: what the edit makes cannot be used; nothing was changed.
    """
    return change_plans(
        workspace, actor, name, lambda current, definition: _Next(edit(current), definition), **writing
    )


def drive(
    workspace: Workspace,
    actor: Actor,
    name: str,
    key: str,
    edit: Callable[[Composition], Composition],
    *,
    rollout: str,
    also: Callable[[Writer], None],
    certain: bool = False,
    **writing: Unpack[Writing],
) -> Composed:
    """As `edit_plans`, by the rollout that moves the flag; what `also` writes is in the same transaction.

    With `certain` nothing about flags that build on it stands in the way, and a flag that no plan drives any more is
    disabled: what a rollout takes back must be taken back.

    Raises:
        NotFoundError: there is no such set or flag, or (unless `certain`) the flag has no plan.
        CompositionError: what the edit makes cannot be used; nothing was changed.
    """

    def change(current: Composition, definition: Definition) -> _Next:
        if certain and key not in current.flags:
            return _Next(current, _with_state(definition, key, "DISABLED"))
        return _Next(edit(current), definition)

    return _change_flag(
        workspace, actor, name, key, change, certain=certain, driver=rollout, also=also, **writing
    )


def _change_flag(
    workspace: Workspace,
    actor: Actor,
    name: str,
    key: str,
    change: Callable[[Composition, Definition], _Next],
    *,
    certain: bool = False,
    driver: str | None = None,
    also: Callable[[Writer], None] | None = None,
    **writing: Unpack[Writing],
) -> Composed:
    """As `change_plans`, for one flag that has to be there."""

    def changed(current: Composition, definition: Definition) -> _Next:
        flags = flags_in(definition)
        if key not in flags:
            raise NotFoundError(f"There is no flag {key!r} in the set{near(key, list(flags))}.")
        return change(current, definition)

    return change_plans(
        workspace, actor, name, changed, touched=key, certain=certain, driver=driver, also=also, **writing
    )


def _because(done: str, writing: Writing) -> str:
    """What was done, with the reason that was given for it."""
    return f"{done}: {writing['reason']}" if writing.get("reason") else f"{done}."


def change_plans(
    workspace: Workspace,
    actor: Actor,
    name: str,
    change: Callable[[Composition, Definition], _Next],
    *,
    locate: Locate = lambda problem: problem,
    create: bool = False,
    touched: str | None = None,
    certain: bool = False,
    if_match: Collection[str] | None = None,
    dry_run: bool = False,
    reason: str | None = None,
    reasoned: bool | None = None,
    driver: str | None = None,
    also: Callable[[Writer], None] | None = None,
) -> Composed:
    """Let a set's plans become what `change` makes of them, and its definition what they compile to.

    All in one transaction, so that of two changes at once neither is lost.

    Args:
        workspace: where the set lives.
        actor: who writes.
        name: the set's name.
        change: makes the new plans of the present ones, and may edit the definition.
        locate: finds the lines of problems, where plans came from a text.
        create: make a set that is missing.
        touched: the one flag that changes; only it, and what builds on it, is compiled.
        certain: let nothing about flags that build on it stand in the way of this change.
        if_match: etags one of which the set must have, or `*` for any.
        dry_run: check everything, write nothing.
        reason: for the activity log.
        reasoned: whether a person gave a reason; by default whether there is one.
        driver: reference of the rollout that makes this change; what it moves itself asks for no reason.
        also: writes what belongs to the change, in the same transaction.

    Raises:
        CompositionError: a rollout moves a flag that changes, and nobody says why; or what was made cannot be used.
    """
    asked = not (certain or (bool(reason) if reasoned is None else reasoned))
    made: list[tuple[Composition, Composition]] = []

    def draft(writer: Writer, existing: Entity | None) -> Draft:
        if existing is None and not create:
            find_set(writer, name)  # says how to make one
        before, remarks = _current(existing)
        known = before or Composition()
        only = built_on(known, touched) | {touched} if touched is not None else None
        definition: Definition = existing.spec["definition"] if existing else {"flags": {}}
        known, edits = settled(known, definition, only=only)
        bucketing: Bucketing = "v3" if existing and existing.spec.get("bucketing") == "v3" else "v2"
        planned = change(known, definition)
        after = _pinned(planned.composition, known, bucketing)
        after = still_driven(after, known, driver, asks_reason=asked)
        new, troubles = _compiled(
            planned.definition, after, bucketing, only, touched, locate, certain=certain
        )
        after = with_digests(after, new, only=only)
        flags = FlagSet.from_flagd(new, bucketing)
        environments = workspace.settings.flags.environments
        document = set_document_of(writer, actor, name, existing, flags, environments)
        if before is not None or touched is None:
            document["spec"]["composition"] = document_of(after)
        made[:] = [(known, after)]
        return Draft(document, flags, (*remarks, *edits, *planned.remarks, *troubles), planned=True)

    with seldom_collecting():  # a kill of one of a thousand flags takes half the time
        written = change_set(
            workspace, actor, name, draft, if_match=if_match, dry_run=dry_run, reason=reason, also=also
        )
    ((old, new),) = made
    return Composed(written, new, tuple(difference(old, new)))


def _compiled(
    definition: Definition,
    composition: Composition,
    bucketing: Bucketing,
    only: Collection[str] | None,
    touched: str | None,
    locate: Locate,
    *,
    certain: bool,
) -> tuple[Definition, tuple[Problem, ...]]:
    """What plans compile to, and what could not be compiled where the change must be made all the same."""
    try:
        return compiled(definition, composition, bucketing, only=only), ()
    except CompositionError as error:
        if certain and touched is not None:
            return compiled(definition, composition, bucketing, only=[touched]), error.problems
        raise CompositionError(error.message, map(locate, error.problems)) from error


def _current(existing: Entity | None) -> tuple[Composition | None, tuple[Problem, ...]]:
    """The plans as they are; None, with a warning, where another door has let in what is no composition."""
    try:
        return read_composition((existing.spec.get("composition") if existing else None) or {}), ()
    except CompositionError as error:
        message = f"The plans that the set has cannot be read ({error.problems[0]}), so they drive no flag."
        return None, (Problem(message, "/composition"),)


def _pinned(composition: Composition, before: Composition, bucketing: str) -> Composition:
    """Each plan with the bucketing that it was begun with; one that is new begins with the set's."""
    plans = {}
    for key, plan in composition.flags.items():
        known = before.flags.get(key) or before.detached.get(key)
        same = known is not None and known.salt == plan.salt
        begun = known.bucketing if known is not None and same else None
        plans[key] = plan if plan.bucketing else replace(plan, bucketing=begun or bucketing)
    return replace(composition, flags=plans)


def _held(key: str) -> Problem:
    return Problem(
        f"The flag {key!r} was edited by hand and stays as it is. Let the plan drive it again with: {reattach_command(key)}",
        f"/flags/{escape(key)}",
    )


def _with_state(definition: Definition, key: str, state: str) -> Definition:
    flag = {**flags_in(definition)[key], "state": state}
    return with_flags(definition, {key: flag}, definition.get("$evaluators") or {})
