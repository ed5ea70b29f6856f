"""The flag sets of a workspace, compiled and at hand for whoever evaluates them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from counterpoint.errors import CounterpointError
from counterpoint.flags.model import FlagSet
from counterpoint.flags.stored_set import StoredSet, bucketing_in, entity_of, shown_of, stored_of
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.workspace import Workspace

__all__ = ["FlagSets", "flag_sets"]

BUILT = 10_000
"""Sets that are kept compiled; deleted ones are among them until then."""
FRESH_SECONDS = 0.05
"""For how long a look at the graph counts as new; a write in this process is seen at once."""
RECENT_SECONDS = 0.25
"""For how long it counts while another look is under way."""


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
        self._told: list[Callable[[], object]] = []
        self._built: dict[str, StoredSet] = {}
        """By reference; the newest version that was asked for of each set."""

    def forget(self) -> None:
        """Look at the graph again at the next use."""
        with self._lock:
            self._forgotten += 1
            told = tuple(self._told)
        for tell in told:
            tell()

    @contextmanager
    def telling(self, tell: Callable[[], object]) -> Iterator[None]:
        """Call `tell` after every change by this process while the block runs, in the thread that made it."""
        with self._lock:
            self._told.append(tell)
        try:
            yield
        finally:
            with self._lock:
                self._told.remove(tell)

    def cached(self, name: str) -> StoredSet | None:
        """The set, if it was looked at just now; None says that `get` must be asked, which reads."""
        seen = self._seen.get(name)
        if seen is None or seen.forgotten != self._forgotten or time.monotonic() - seen.at > FRESH_SECONDS:
            return None
        return seen.stored

    def recent(self, name: str) -> StoredSet | None:
        """The set for who has it looked at by another thread several times a second, and need not wait for that."""
        seen = self._seen.get(name)
        if seen is None or seen.forgotten != self._forgotten or time.monotonic() - seen.at > RECENT_SECONDS:
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
        entity = entity_of(reader, name)
        if entity is None:
            return None
        built = self.of(entity)
        if built.problems:
            return stored_of(entity)  # says why it cannot be used
        return built

    def learn(self, entity: Entity, flags: FlagSet) -> StoredSet:
        """Take over what was just written, so that the next reader sees it and nobody compiles it again."""
        if flags.bucketing == bucketing_in(entity.spec.get("bucketing")):
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
        built = shown_of(entity)
        if len(self._built) >= BUILT:
            self._built.clear()
        self._built[entity.ref] = built
        return built


def flag_sets(workspace: Workspace) -> FlagSets:
    """The compiled sets of a workspace, shared by all that use it."""
    return workspace.keep(FlagSets, FlagSets)
