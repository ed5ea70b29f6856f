"""The flags of a workspace as lists show them, kept in memory and brought up to date by what has changed."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from counterpoint.flags.care import Shown, plans_of, references_stamp, shown_in, stale_in
from counterpoint.flags.composition import FlagPlan
from counterpoint.flags.last_changes import LastChange, LastChanges, changes_since
from counterpoint.flags.overview import FlagRow, FlagView, rows_of, views_of
from counterpoint.flags.stale import StaleFlag
from counterpoint.flags.store import StoredSet, flag_sets, read_sets
from counterpoint.graph.reader import Reader
from counterpoint.workspace import Workspace

__all__ = ["Overview", "overview_of", "stale_of"]

FRESH = 60.0
"""Seconds for which what exposures say of a flag counts as new: whether one is stale takes weeks to change."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All flags, as they are at one moment."""

    sets: tuple[StoredSet, ...]
    rows: tuple[FlagRow, ...]
    """A row for each flag, by set and then as in its definition."""
    environments: tuple[str, ...]
    """Those in which there is a set, in the order of promotion."""


@dataclass(frozen=True, slots=True)
class _Kept:
    etag: str
    plans: Mapping[str, FlagPlan]
    views: tuple[FlagView, ...]
    scheduled: bool
    """Whether a plan's schedule makes states depend on the time."""


class _Overseer:
    """What is kept of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._changes: dict[str, LastChanges] = {}
        self._version = -1
        self._exposures: Shown | None = None
        self._looked = 0.0
        self._stale: tuple[tuple[int, int], Mapping[tuple[str, str], StaleFlag]] | None = None

    def overview(self, reader: Reader) -> Overview:
        with self._lock:
            sets = tuple(read_sets(reader, compiled=flag_sets(self._workspace)))
            version = reader.last_activity()
            stale = self.stale(version)
            environments = self._workspace.settings.flags.environments
            views = [
                replace(
                    view,
                    changed=changed.get(view.item.key),
                    stale=stale.get((view.item.set, view.item.key)),
                )
                for stored in sets
                for changed in [self._changed(reader, stored, version)]
                for view in self._views(stored, environments)
            ]
            self._version = version
            self._drop(sets)
        used = {view.environment for view in views}
        return Overview(
            sets,
            tuple(rows_of(views, environments)),
            tuple(name for name in environments if name in used),
        )

    def stale(self, version: int) -> Mapping[tuple[str, str], StaleFlag]:
        """The stale flags by set and key; looked for again after a write, and once in a while."""
        moment = time.monotonic()
        if self._exposures is None or moment - self._looked > FRESH:
            self._exposures, self._looked, self._stale = shown_in(self._workspace), moment, None
        made_of = version, references_stamp(self._workspace)
        if self._stale is None or self._stale[0] != made_of:
            found = stale_in(self._workspace, exposures=self._exposures)
            self._stale = made_of, {(flag.set, flag.key): flag for flag in found}
        return self._stale[1]

    def _views(self, stored: StoredSet, environments: tuple[str, ...]) -> tuple[FlagView, ...]:
        kept = self._kept.get(stored.name)
        if kept is None or kept.etag != stored.etag or kept.scheduled:
            plans = plans_of(stored.entity)
            views = tuple(views_of(stored, plans, environments, now=time.time()))
            scheduled = any(plan.schedule for plan in plans.values())
            kept = self._kept[stored.name] = _Kept(stored.etag, plans, views, scheduled)
        return kept.views

    def _changed(self, reader: Reader, stored: StoredSet, version: int) -> Mapping[str, LastChange]:
        found = self._changes.get(stored.name)
        if found is None or version != self._version:
            keys = stored.flags.flags
            found = changes_since(reader, stored.name, keys, found or LastChanges())
            self._changes[stored.name] = found
        return found.by_key or {}

    def _drop(self, sets: tuple[StoredSet, ...]) -> None:
        """Forget sets that are gone."""
        names = {stored.name for stored in sets}
        for kept in (self._kept, self._changes):
            for name in kept.keys() - names:
                del kept[name]


def overview_of(workspace: Workspace, reader: Reader) -> Overview:
    """All flags of the workspace as they are now."""
    return workspace.keep(_Overseer, _Overseer).overview(reader)


def stale_of(workspace: Workspace, reader: Reader) -> Mapping[tuple[str, str], StaleFlag]:
    """The flags that could go, by set and key."""
    overseer = workspace.keep(_Overseer, _Overseer)
    with overseer._lock:
        return overseer.stale(reader.last_activity())
