"""The flags of a workspace as lists show them, kept in memory and brought up to date by what has changed."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from counterpoint.flags.care import Shown, references_stamp, shown_in, stale_in
from counterpoint.flags.flag import Flag
from counterpoint.flags.last_changes import LastChange, LastChanges, changes_since
from counterpoint.flags.model import FlagSet
from counterpoint.flags.overview import FlagRow, FlagView, rows_of, views_of
from counterpoint.flags.plans_kept import composition_of
from counterpoint.flags.stale import Only, StaleFlag, only_variant
from counterpoint.flags.store import StoredSet, flag_sets, read_sets
from counterpoint.graph.reader import Reader
from counterpoint.workspace import Workspace

log = logging.getLogger("counterpoint.flags")

__all__ = ["Overseer", "Overview", "overview_of", "stale_of"]

FRESH: Final = 60.0
"""Seconds for which what exposures say of a flag counts as new: whether one is stale takes weeks to change."""
QUICK: Final = 0.05
"""Seconds that a request waits for them; where they take longer they are read beside it."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All flags, as they are at one moment."""

    sets: tuple[StoredSet, ...]
    rows: tuple[FlagRow, ...]
    """A row for each flag, by set and then as in its definition."""
    environments: tuple[str, ...]
    """Those in which there is a set, in the order of promotion."""

    def set_called(self, name: str) -> StoredSet | None:
        """The set with this name; None where there is none."""
        return next((stored for stored in self.sets if stored.name == name), None)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The views of one set, without what changes beside it."""

    etag: str
    views: tuple[FlagView, ...]
    until: float
    """Unix seconds at which a schedule makes them untrue; infinite where none does."""


class Overseer:
    """What is kept of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._views: dict[str, _Kept] = {}
        self._changes: dict[str, LastChanges] = {}
        self._only: dict[str, dict[str, tuple[Flag, str | None]]] = {}
        """By set and key: a flag, and the variant that everybody gets."""
        self._exposures: Shown | None = None
        self._looked = self._took = 0.0
        self._news = False
        self.reading: threading.Thread | None = None
        """The thread that reads exposures just now."""
        self._overview: tuple[tuple[int, int], Overview] | None = None

    def overview(self, reader: Reader) -> Overview:
        """All flags; read again only where the graph, the code that was searched, or the time has moved on."""
        with self._lock:
            made_of = reader.last_activity(), references_stamp(self._workspace)
            looked, now = self._look_at_exposures(), time.time()
            known = self._overview
            if not looked and known is not None and known[0] == made_of and now < self._until():
                return known[1]
            overview = self._made(reader)
            self._overview = made_of, overview
            return overview

    def _until(self) -> float:
        """When the next schedule changes something, in Unix seconds."""
        return min((kept.until for kept in self._views.values()), default=float("inf"))

    def _look_at_exposures(self) -> bool:
        """Read what the journal says of flags where that was long ago, beside the request where it takes a while.

        Returns:
            Whether there is something new.
        """
        old = time.monotonic() - self._looked > FRESH
        if self._exposures is None or (old and self._took < QUICK):
            self._take(*self._read())
            return True
        if old and self.reading is None:
            self.reading = threading.Thread(target=self._read_beside, name="flag-exposures", daemon=True)
            self.reading.start()
        news, self._news = self._news, False
        return news

    def _read(self) -> tuple[Shown, float]:
        start = time.monotonic()
        return shown_in(self._workspace), time.monotonic() - start

    def _take(self, exposures: Shown, took: float) -> None:
        self._exposures, self._took, self._looked = exposures, took, time.monotonic()

    def _read_beside(self) -> None:
        try:
            exposures, took = self._read()
            with self._lock:
                self._take(exposures, took)
                self._news = True
        except Exception:  # the workspace may be closed meanwhile; what is known stays, and is tried again
            log.warning("What was shown of flags could not be read.", exc_info=True)
        finally:
            self.reading = None

    def _made(self, reader: Reader) -> Overview:
        sets = tuple(read_sets(reader, compiled=flag_sets(self._workspace)))
        self._drop({stored.name for stored in sets})
        found = stale_in(self._workspace, exposures=self._exposures, only=self._finder)
        stale = {(flag.set, flag.key): flag for flag in found}
        views = [view for stored in sets for view in self._complete(reader, stored, stale)]
        environments = self._workspace.settings.flags.environments
        used = {view.environment for view in views}
        return Overview(
            sets,
            tuple(rows_of(views, environments)),
            tuple(name for name in environments if name in used),
        )

    def _complete(
        self, reader: Reader, stored: StoredSet, stale: Mapping[tuple[str, str], StaleFlag]
    ) -> list[FlagView]:
        changed = self._changed(reader, stored)
        return [
            replace(view, changed=changed.get(view.item.key), stale=stale.get((stored.name, view.item.key)))
            for view in self._bare(stored)
        ]

    def _bare(self, stored: StoredSet) -> tuple[FlagView, ...]:
        kept, now = self._views.get(stored.name), time.time()
        if kept is None or kept.etag != stored.etag or kept.until <= now:
            plans = composition_of(self._workspace, stored.entity).flags
            environments = self._workspace.settings.flags.environments
            views = views_of(stored, plans, environments, now=now, only=self._finder(stored.name))
            steps = (step.at for plan in plans.values() for step in plan.schedule if step.at > now)
            kept = _Kept(stored.etag, tuple(views), min(steps, default=float("inf")))
            self._views[stored.name] = kept
        return kept.views

    def _finder(self, name: str) -> Only:
        """Finds the variant that everybody gets; of flags that are as they were, without reading their rules again."""
        kept = self._only.setdefault(name, {})

        def only(flags: FlagSet, flag: Flag) -> str | None:
            known = kept.get(flag.key)
            if known is None or known[0] != flag:
                known = kept[flag.key] = flag, only_variant(flags, flag)
            return known[1]

        return only

    def _changed(self, reader: Reader, stored: StoredSet) -> Mapping[str, LastChange]:
        known = self._changes.get(stored.name, LastChanges())
        found = changes_since(reader, stored.name, stored.flags.flags, known)
        self._changes[stored.name] = found
        return found.by_key or {}

    def _drop(self, names: set[str]) -> None:
        """Forget sets that are gone."""
        for kept in (self._views, self._changes, self._only):
            for name in kept.keys() - names:
                del kept[name]


def overview_of(workspace: Workspace, reader: Reader) -> Overview:
    """All flags of the workspace as they are now."""
    return workspace.keep(Overseer, Overseer).overview(reader)


def stale_of(workspace: Workspace, reader: Reader) -> Mapping[tuple[str, str], StaleFlag]:
    """The flags that could go, by set and key."""
    rows = overview_of(workspace, reader).rows
    return {(view.item.set, view.item.key): view.stale for row in rows for view in row.views if view.stale}
