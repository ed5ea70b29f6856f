"""Flag sets in the graph: reading, writing and deleting them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from counterpoint.errors import InputError, PreconditionError, Problem
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.definition import Source, check
from counterpoint.flags.drafts import Draft, document_of, warnings_of, with_plans_settled
from counterpoint.flags.environments import set_ref
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.model import FlagSet
from counterpoint.flags.ready_sets import FlagSets, flag_sets
from counterpoint.flags.stored_set import StoredSet, bucketing_in, entity_of, find_set, shown_of, stored_of
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.flag_changes import NO_CHANGES, SetChanges, changes_between
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.writer import Writer
from counterpoint.workspace import Workspace

__all__ = [
    "DEFAULT_SET",
    "Deleted",
    "FlagSets",
    "Link",
    "StoredSet",
    "Written",
    "change_set",
    "delete_set",
    "find_set",
    "flag_sets",
    "read_set",
    "read_sets",
    "set_ref",
    "write_set",
]

DEFAULT_SET = "default"
DEFINITION = "/spec/definition"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did."""

    outcome: str
    """created, updated, unchanged; or checked when nothing was to be written."""
    stored: StoredSet | None
    warnings: tuple[Problem, ...]
    """What the linter says of it, notes left out; and owners, components and bets that do not exist."""
    flags: int
    removed: tuple[str, ...] = ()
    """Keys of flags that the set had and that the new definition does not have."""
    changes: SetChanges = NO_CHANGES
    """What differs from what the set was, flag by flag."""
    document: Mapping[str, Any] | None = None
    """The set's document as it was, or would be, written."""


@dataclass(frozen=True, slots=True)
class Link:
    """Something that a flag set is joined to."""

    relation: str
    """As seen from the flag set: `implementsBet`, `flagOf`, `exposes`."""
    ref: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A flag set that is gone, or would be."""

    name: str
    version: int
    """Its last version, which can be restored."""
    flags: int
    links: tuple[Link, ...]
    """What it was joined to beside its owner: bets, components, experiments, other environments."""


def read_set(reader: Reader, name: str, *, broken: bool = False) -> StoredSet:
    """The flag set with this name; with `broken` also one that cannot be used, with its problems.

    Raises:
        NotFoundError: there is none.
        FlagSetError: it cannot be used.
    """
    entity = find_set(reader, name)
    return shown_of(entity) if broken else stored_of(entity)


def read_sets(reader: Reader, *, compiled: FlagSets | None = None) -> list[StoredSet]:
    """Every flag set, by name; those that cannot be used have problems, and no flags.

    With `compiled` those that it knows in this version are not read anew.
    """
    entities = sorted(reader.all(kind="FlagSet"), key=lambda entity: entity.name)
    return [compiled.of(entity) if compiled else shown_of(entity) for entity in entities]


def write_set(
    workspace: Workspace,
    actor: Actor,
    name: str,
    definition: Mapping[str, Any] | str | bytes | Path | Source,
    *,
    bucketing: str | None = None,
    strict: bool = False,
    owner: str | None = None,
    if_match: Collection[str] | None = None,
    if_absent: bool = False,
    dry_run: bool = False,
    reason: str | None = None,
) -> Written:
    """Make a flag set, or put a new definition into one; what else its entity has is kept.

    Args:
        workspace: where the set lives.
        actor: who writes.
        name: the set's name.
        definition: flagd's JSON as a dict, a text or a path, or what was read already.
        bucketing: v2 or v3; None keeps what the set has, v2 for a new one.
        strict: refuse also what flagd's schemas refuse.
        owner: the owner of a new set, or a new owner. None keeps the owner; a new set then belongs to
            its metadata's `owner`, else to the owner of the bet that it names, else to the actor.
        if_match: etags one of which the set must have, or `*` for any.
        if_absent: write only where there is no such set.
        dry_run: check everything and write nothing.
        reason: for the activity log.

    Raises:
        FlagSetError: the definition is broken; nothing was changed.
        InputError: the name or the bucketing is not valid.
        NotAllowedError: the actor may not write the set.
        PreconditionError: the set has another etag, or exists already.
    """
    if bucketing not in (None, "v2", "v3"):
        raise InputError(f"bucketing == {bucketing!r}, must be 'v2' or 'v3'.")
    likely = bucketing_in(bucketing) if bucketing else _bucketing_of(workspace, name)
    if isinstance(definition, Source):
        checked = FlagSet(check(definition, strict=strict), likely)
    else:
        checked = FlagSet.from_flagd(definition, likely, strict)

    def draft(writer: Writer, existing: Entity | None) -> Draft:
        if if_absent and existing:
            raise PreconditionError(f"The flag set {name!r} exists already.")
        environments = workspace.settings.flags.environments
        document = document_of(
            writer, actor, name, existing, checked, environments, bucketing=bucketing, owner=owner
        )
        return Draft(document, checked)

    return change_set(workspace, actor, name, draft, if_match=if_match, dry_run=dry_run, reason=reason)


class _UndoneError(Exception):
    """Ends the transaction of a dry run, which checks everything and then writes nothing."""


def change_set(
    workspace: Workspace,
    actor: Actor,
    name: str,
    draft: Callable[[Writer, Entity | None], Draft],
    *,
    if_match: Collection[str] | None = None,
    dry_run: bool = False,
    reason: str | None = None,
    also: Callable[[Writer], None] | None = None,
) -> Written:
    """Let a flag set become what `draft` makes of what it is, in one transaction; a draft's own reason outdoes `reason`.

    A dry run checks all that a write does, whether the actor may and the etag included, and writes nothing. What
    `also` writes is written with it, or, where it raises, neither is.

    Raises:
        InputError: what was made is no good descriptor.
        NotAllowedError: the actor may not write the set.
        PreconditionError: the set has another etag.
    """
    with suppress(_UndoneError), workspace.graph.write(actor) as writer:
        existing = entity_of(writer, name)
        made = with_plans_settled(draft(writer, existing))
        warnings = (*made.remarks, *warnings_of(writer, made, actor))
        changes = changes_between(existing.document if existing else None, made.document)
        with _pointing_into_definition():
            put = writer.put(made.document, reason=made.reason or reason, if_match=if_match)
        if also is not None:
            also(writer)
        if dry_run:
            raise _UndoneError
    removed = tuple(flag.key for flag in changes.flags if flag.action == "removed")
    if dry_run:
        return Written("checked", None, warnings, len(made.flags), removed, changes, made.document)
    stored = flag_sets(workspace).learn(put.entity, made.flags)
    return Written(put.outcome, stored, warnings, len(made.flags), removed, changes, made.document)


@contextmanager
def _pointing_into_definition() -> Iterator[None]:
    """Let what the graph refuses of a definition, such as a NUL, point into it: callers know no descriptor."""
    try:
        yield
    except InputError as error:
        inside = [problem for problem in error.problems if problem.pointer.startswith(DEFINITION)]
        if not inside:
            raise
        message = "The flag definition is refused as a whole. Nothing was changed."
        raise FlagSetError(
            message, [replace(each, pointer=each.pointer.removeprefix(DEFINITION)) for each in inside]
        ) from error


def delete_set(
    workspace: Workspace,
    actor: Actor,
    name: str,
    *,
    if_match: Collection[str] | None = None,
    dry_run: bool = False,
    reason: str | None = None,
) -> Deleted:
    """Delete a flag set; its versions stay and can be restored. What it is joined to is told, and no obstacle.

    Raises:
        NotFoundError: there is none.
        NotAllowedError: the actor may not.
        PreconditionError: the set has another etag.
    """
    with suppress(_UndoneError), workspace.graph.write(actor) as writer:
        entity = find_set(writer, name)
        if if_match is not None and "*" not in if_match and entity.etag not in if_match:
            raise PreconditionError(
                f"{entity.ref} has changed since it was read; its version is {entity.etag} now. Read it again and repeat the change."
            )
        writer.delete(entity.ref, reason=reason)
        if dry_run:
            raise _UndoneError
    if not dry_run:
        flag_sets(workspace).forget()
    links = tuple(Link(edge.type, edge.target) for edge in entity.relations if edge.type != "ownedBy")
    return Deleted(entity.name, entity.version, len(flags_by_key(entity.spec.get("definition"))), links)


def _bucketing_of(workspace: Workspace, name: str) -> Bucketing:
    """What the set most likely buckets by when it is written, so that it is compiled once."""
    with workspace.graph.read() as reader:
        entity = entity_of(reader, name)
    return bucketing_in(entity.spec.get("bucketing")) if entity else "v2"
