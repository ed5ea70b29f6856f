"""Flag sets in the graph: reading, writing, and the sets ready to evaluate."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from counterpoint.errors import CounterpointError, InputError, NotFoundError, PreconditionError, Problem
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.definition import Source, check
from counterpoint.flags.drafts import Draft, document_of, warnings_of, with_plans_settled
from counterpoint.flags.environments import set_ref
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.model import FlagSet
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
BUILT = 10_000
"""Sets that are kept compiled; deleted ones are among them until then."""
FRESH_SECONDS = 0.05
"""For how long a look at the graph counts as new; a write in this process is seen at once."""


@dataclass(frozen=True, slots=True)
class StoredSet:
    """A flag set of the graph, ready to evaluate."""

    name: str
    entity: Entity
    flags: FlagSet
    problems: tuple[Problem, ...] = ()
    """Why the definition cannot be used: an older version let it in. It then has no flags."""

    @property
    def etag(self) -> str:
        """Changes with anything of the set: definition, bucketing, owner."""
        return self.entity.etag


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
    entity = _required(reader, name)
    return _shown(entity) if broken else _stored(entity)


def _required(reader: Reader, name: str) -> Entity:
    entity = _entity(reader, name)
    if entity is None:
        raise NotFoundError(
            f"There is no flag set {name!r}. Make it with: counterpoint import flags FILE --set {name}"
        )
    return entity


def find_set(reader: Reader, name: str) -> Entity:
    """The entity of the flag set with this name, whether it can be used or not.

    Raises:
        NotFoundError: there is none.
    """
    return _required(reader, name)


def read_sets(reader: Reader, *, compiled: "FlagSets | None" = None) -> list[StoredSet]:
    """Every flag set, by name; those that cannot be used have problems, and no flags.

    With `compiled` those that it knows in this version are not read anew.
    """
    entities = sorted(reader.all(kind="FlagSet"), key=lambda entity: entity.name)
    return [compiled.of(entity) if compiled else _shown(entity) for entity in entities]


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
    likely = _bucketing(bucketing) if bucketing else _bucketing_of(workspace, name)
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
) -> Written:
    """Let a flag set become what `draft` makes of what it is, in one transaction; a draft's own reason outdoes `reason`.

    A dry run checks all that a write does, whether the actor may and the etag included, and writes nothing.

    Raises:
        InputError: what was made is no good descriptor.
        NotAllowedError: the actor may not write the set.
        PreconditionError: the set has another etag.
    """
    with suppress(_UndoneError), workspace.graph.write(actor) as writer:
        existing = _entity(writer, name)
        made = with_plans_settled(draft(writer, existing))
        warnings = (*made.remarks, *warnings_of(writer, made, actor))
        changes = changes_between(existing.document if existing else None, made.document)
        with _pointing_into_definition():
            put = writer.put(made.document, reason=made.reason or reason, if_match=if_match)
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
        entity = _required(writer, name)
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
        entity = _entity(reader, name)
    return _bucketing(entity.spec.get("bucketing")) if entity else "v2"


def _bucketing(written: object) -> Bucketing:
    """The algorithm that a set's entity names, v2 where it names none."""
    return "v3" if written == "v3" else "v2"


def _entity(reader: Reader, name: str) -> Entity | None:
    try:
        return reader.get(set_ref(name))
    except InputError:
        return None


def _stored(entity: Entity) -> StoredSet:
    return StoredSet(
        entity.name,
        entity,
        FlagSet.from_flagd(entity.spec["definition"], _bucketing(entity.spec.get("bucketing"))),
    )


def _shown(entity: Entity) -> StoredSet:
    try:
        return _stored(entity)
    except FlagSetError as error:
        none = FlagSet.from_flagd({"flags": {}}, _bucketing(entity.spec.get("bucketing")))
        return StoredSet(entity.name, entity, none, error.problems)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A set as one look at the graph found it."""

    stored: StoredSet
    version: int
    """The graph's last activity at that look."""
    at: float
    """When that was, by the monotonic clock."""
    forgotten: int
    """How often the sets had been forgotten by then."""


class FlagSets:
    """The flag sets of one workspace, compiled once a version. Safe to use from several threads.

    What is in the graph is looked at again when its last activity has moved, also by another process.
    While the graph cannot be read, the last known sets answer.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        """By name; only sets that exist, so that made-up names cost no memory."""
        self._forgotten = 0
        self._built: dict[str, StoredSet] = {}
        """By reference; the newest version that was asked for of each set."""

    def forget(self) -> None:
        """Look at the graph again at the next use."""
        with self._lock:
            self._forgotten += 1

    def cached(self, name: str) -> StoredSet | None:
        """The set, if it was looked at just now; None says that `get` must be asked, which reads."""
        seen = self._seen.get(name)
        if seen is None or seen.forgotten != self._forgotten or time.monotonic() - seen.at > FRESH_SECONDS:
            return None
        return seen.stored

    def get(self, name: str) -> StoredSet | None:
        """The set as it is now; None where there is none."""
        forgotten, before = self._forgotten, self._seen.get(name)
        try:
            with self._workspace.graph.read() as reader:
                version = reader.last_activity()
                if before is not None and before.version == version:
                    stored: StoredSet | None = before.stored
                else:
                    stored = self._read(reader, name, before)
        except CounterpointError:
            if before is not None:
                return before.stored
            raise
        self._note(name, stored, version, forgotten)
        return stored

    def _note(self, name: str, stored: StoredSet | None, version: int, forgotten: int) -> None:
        with self._lock:
            known = self._seen.get(name)
            if known is not None and known.version > version:
                return  # another thread has looked later
            if stored is None:
                self._seen.pop(name, None)
            else:
                self._seen[name] = _Seen(stored, version, time.monotonic(), forgotten)

    def _read(self, reader: Reader, name: str, before: _Seen | None) -> StoredSet | None:
        entity = _entity(reader, name)
        if entity is None:
            return None
        built = self.of(entity)
        if built.problems:
            return _stored(entity)  # says why it cannot be used
        return built

    def learn(self, entity: Entity, flags: FlagSet) -> StoredSet:
        """Take over what was just written, so that the next reader sees it and nobody compiles it again."""
        if flags.bucketing == _bucketing(entity.spec.get("bucketing")):
            self._built[entity.ref] = StoredSet(entity.name, entity, flags)
        self.forget()
        return self.of(entity)

    def of(self, entity: Entity) -> StoredSet:
        """The set of an entity that was read just now; compiled only where this version is not known yet."""
        built = self._built.get(entity.ref)
        if built is not None and built.etag == entity.etag:
            if built.entity != entity:  # another relation, another version with the same content
                built = self._built[entity.ref] = replace(built, entity=entity)
            return built
        built = _shown(entity)
        if len(self._built) >= BUILT:
            self._built.clear()
        self._built[entity.ref] = built
        return built


def flag_sets(workspace: Workspace) -> FlagSets:
    """The compiled sets of a workspace, shared by all that use it."""
    return workspace.keep(FlagSets, FlagSets)
