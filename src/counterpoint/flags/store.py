"""Flag sets in the graph: reading, writing, and the sets ready to evaluate."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterpoint.errors import CounterpointError, InputError, NotFoundError, PreconditionError, Problem
from counterpoint.flags.belonging import bets_of
from counterpoint.flags.bucketing import BUCKETINGS, Bucketing
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.lint import findings_in
from counterpoint.flags.model import FlagSet
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.workspace import Workspace

__all__ = [
    "DEFAULT_SET",
    "FlagSets",
    "StoredSet",
    "Written",
    "flag_sets",
    "read_set",
    "read_sets",
    "set_ref",
    "write_set",
]

DEFAULT_SET = "default"
FRESH_SECONDS = 0.05
"""For how long a look at the graph counts as new; a write in this process is seen at once."""


@dataclass(frozen=True, slots=True)
class StoredSet:
    """A flag set of the graph, ready to evaluate."""

    name: str
    entity: Entity
    flags: FlagSet
    problems: tuple[Problem, ...] = ()
    """Why the definition cannot be used: it came through a door that does not read it. It then has no flags."""

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
    """What the linter says of it, notes left out; and an owner that does not exist."""
    flags: int
    removed: tuple[str, ...] = ()
    """Keys of flags that the set had and that the new definition does not have."""


def set_ref(name: str) -> str:
    """The reference of the flag set with this name."""
    return str(parse_ref(f"flagset:default/{name}"))


def read_set(reader: Reader, name: str, *, broken: bool = False) -> StoredSet:
    """The flag set with this name; with `broken` also one that cannot be used, with its problems.

    Raises:
        NotFoundError: there is none.
        FlagSetError: it cannot be used.
    """
    entity = _entity(reader, name)
    if entity is None:
        raise NotFoundError(
            f"There is no flag set {name!r}. Make it with: counterpoint import flags FILE --set {name}"
        )
    return _shown(entity) if broken else _stored(entity)


def read_sets(reader: Reader) -> list[StoredSet]:
    """Every flag set, by name; those that cannot be used have problems, and no flags."""
    return [_shown(entity) for entity in sorted(reader.all(kind="FlagSet"), key=lambda entity: entity.name)]


def write_set(
    workspace: Workspace,
    actor: Actor,
    name: str,
    definition: Mapping[str, Any] | str | bytes | Path,
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
        definition: flagd's JSON as a dict, a text or a path.
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
    if bucketing is not None and bucketing not in BUCKETINGS:
        raise InputError(f"bucketing == {bucketing!r}, must be 'v2' or 'v3'.")
    checked = FlagSet.from_flagd(definition, strict=strict)
    with workspace.graph.write(actor) as writer:
        existing = _entity(writer, name)
        if if_absent and existing:
            raise PreconditionError(f"The flag set {name!r} exists already.")
        document = _document(writer, actor, name, existing, checked, bucketing, owner)
        known = [bet for bet in set(bets_of(checked).values()) if writer.exists(bet)]
        warnings = tuple(found.problem for found in findings_in(checked, bets=known) if found.level != "note")
        warnings += tuple(_missing_owner(writer, document["spec"]["owner"], actor))
        before = flags_by_key(existing.spec["definition"] if existing else None)
        removed = tuple(key for key in before if key not in checked)
        if dry_run:
            return Written("checked", None, warnings, len(checked), removed)
        put = writer.put(document, reason=reason, if_match=if_match)
    flag_sets(workspace).forget()
    return Written(put.outcome, _stored(put.entity), warnings, len(checked), removed)


def _missing_owner(reader: Reader, owner: str, actor: Actor) -> Iterator[Problem]:
    if owner != actor.ref:  # who works on the command line need not be in the catalog
        ref = parse_ref(owner, default_kind="group")
        if not reader.exists(ref):
            yield Problem(f"The owner {ref} does not exist.", "/spec/owner")


def _entity(reader: Reader, name: str) -> Entity | None:
    try:
        return reader.get(set_ref(name))
    except InputError:
        return None


def _stored(entity: Entity) -> StoredSet:
    bucketing: Bucketing = entity.spec.get("bucketing") or "v2"
    return StoredSet(entity.name, entity, FlagSet.from_flagd(entity.spec["definition"], bucketing))


def _shown(entity: Entity) -> StoredSet:
    try:
        return _stored(entity)
    except FlagSetError as error:
        bucketing: Bucketing = entity.spec.get("bucketing") or "v2"
        return StoredSet(entity.name, entity, FlagSet.from_flagd({"flags": {}}, bucketing), error.problems)


def _document(
    reader: Reader,
    actor: Actor,
    name: str,
    existing: Entity | None,
    flags: FlagSet,
    bucketing: str | None,
    owner: str | None,
) -> dict[str, Any]:
    if existing:
        metadata, spec = dict(existing.metadata), dict(existing.spec)
    else:
        metadata, spec = {"name": name}, {}
    spec["owner"] = owner or spec.get("owner") or _owner(reader, flags) or actor.ref
    spec["bucketing"] = bucketing or spec.get("bucketing") or "v2"
    spec["definition"] = flags.definition
    return {"apiVersion": "counterpoint.dev/v1", "kind": "FlagSet", "metadata": metadata, "spec": spec}


def _owner(reader: Reader, flags: FlagSet) -> str | None:
    named = flags.metadata.get("owner")
    if isinstance(named, str) and named:
        return named
    for bet in dict.fromkeys(bets_of(flags).values()):
        entity = reader.get(bet)
        if entity and entity.owner:
            return entity.owner
    return None


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
        return before.stored if before and before.stored.etag == entity.etag else _stored(entity)


def flag_sets(workspace: Workspace) -> FlagSets:
    """The compiled sets of a workspace, shared by all that use it."""
    return workspace.keep(FlagSets, FlagSets)
