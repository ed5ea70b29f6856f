"""Follows the files that the catalog was read from while the server runs: a save is read within a second.

The operating system tells of changes (inotify), and the graph's follower of what was imported since, so
nothing is read while nothing changes.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from counterpoint.catalog.addresses import is_address
from counterpoint.catalog.locations import SUFFIXES
from counterpoint.catalog.patterns import SKIPPED, WILDCARDS
from counterpoint.catalog.rereading import covers, reread_places, reread_roots
from counterpoint.catalog.sources import known_sources, roots
from counterpoint.catalog.tables import ROOTS, SOURCES
from counterpoint.graph import Graph

__all__ = ["Watch", "watching"]

AGAIN = 1.0
"""Seconds after which it is tried again when something failed."""
TICK = 1_000
"""Milliseconds after which new imports are followed at the latest."""
LOOK = 250
"""Milliseconds between two looks at what the operating system has told; each costs some microseconds."""
DEBOUNCE = 500
"""Milliseconds for which changes are gathered at most, so that a save of many files is one."""
COARSE = 20_000
"""Microseconds by which the file system's clock may be behind; a file that is read for nothing costs a hash."""
FOLDERS = 8_000
"""Folders that are watched at most; the system's own limit is of this order."""


@dataclass(slots=True)
class Watched:
    """What there is to follow."""

    mark: tuple[int, int, int] = (0, 0, 0)
    """Changes when something is imported: numbers of roots and sources, and when one was read last."""
    files: dict[str, str] = field(default_factory=dict)
    """Path to location, of every file that was read."""
    origins: dict[str, str] = field(default_factory=dict)
    """Location to the location by which it was reached."""
    taken_in: dict[str, list[str]] = field(default_factory=dict)
    """Path of what placeholders take in, to the locations that do."""
    leading: dict[str, str] = field(default_factory=dict)
    """Folder of each file that leads to others, to its location."""
    roots: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


class _Follower:
    """Changes below some folders, each by itself: what is in a folder of it is not followed."""

    def __init__(self, folders: Sequence[str]) -> None:
        # The class under `watchfiles.watch`, which can neither say when it has begun nor overlap with another.
        from watchfiles._rust_notify import RustNotify

        self._notify = (
            RustNotify(
                list(folders),
                debug=False,
                force_polling=False,
                poll_delay_ms=300,
                recursive=False,
                ignore_permission_denied=True,
            )
            if folders
            else None
        )

    def changes(self, stop: threading.Event, wake: threading.Event) -> set[str]:
        """Paths that changed, as soon as some have; empty after a second without any."""
        if self._notify is None:
            wake.wait()
            return set()
        # `wake` must not end it: whatever ends the watcher early makes it forget what it has seen.
        return _paths(self._notify.watch(DEBOUNCE, LOOK, TICK, stop))

    def rest(self) -> set[str]:
        """Paths that changed and were not asked for yet."""
        return set() if self._notify is None else _paths(self._notify.watch(1, 1, 1, None))

    def close(self) -> None:
        """Follow no longer."""
        if self._notify is not None:
            self._notify.close()


def _paths(found: object) -> set[str]:
    """The paths of what a watcher answers: changes, or a word that says why there are none."""
    return {path for _change, path in found} if isinstance(found, set) else set()


class Watch:
    """Follows the files of one graph in a thread of its own."""

    def __init__(self, graph: Graph, hosts: Iterable[str] = ()) -> None:
        self.graph, self.hosts = graph, tuple(hosts)
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self.ready = threading.Event()
        """Set once changes are seen; set again after each time that new folders are followed."""
        self._absent: set[str] = set()
        """Files that were gone when following began, which an import is left to tell."""
        self._log = structlog.get_logger("counterpoint.catalog")

    def run(self) -> None:
        """Follow until it is stopped. What fails is logged, and does not end it."""
        with self.graph.follower.following(self._wake.set):
            while not self._stopped.is_set():
                try:
                    self._run()
                except Exception:
                    # A busy database or a folder that vanished is no reason to stop for good.
                    self._log.exception("catalog_watch_failed")
                    self._stopped.wait(AGAIN)

    def stop(self) -> None:
        """End following, from any thread."""
        self._stopped.set()
        self._wake.set()

    def _run(self) -> None:
        watched = self.look()
        follower = _Follower(watched.folders)
        try:
            self._absent = {path for path in watched.files if not os.path.exists(path)}
            self._catch_up(watched)
            self.ready.set()
            while not self._stopped.is_set():
                paths = follower.changes(self._stopped, self._wake)
                # Cleared before anything is read: what changes from here on wakes it again.
                moved = self._wake.is_set()
                self._wake.clear()
                self.take(watched, paths)
                folders = {path for path in paths if os.path.isdir(path)}
                if not folders and not (moved and self._mark() != watched.mark):
                    continue
                # The old follower ends only when the new one runs, so that nothing happens between the two.
                watched, before = self.look(), follower
                follower = _Follower(watched.folders)
                self.take(watched, before.rest() | folders | self._vanished(watched))
                before.close()
                self._catch_up(watched)
                self.ready.set()
        finally:
            follower.close()

    def look(self) -> Watched:
        """What there is to follow now."""
        watched = Watched(mark=self._mark())
        with self.graph.read() as reader:
            watched.roots = [target for target, _actor in roots(reader) if not is_address(target)]
            for known in known_sources(reader):
                path = known.source.path
                watched.origins[known.source.location] = known.source.origin
                if path is None:
                    continue
                watched.files[str(path)] = known.source.location
                if not known.content:
                    watched.leading[str(path.parent)] = known.source.location
                for place in known.reads:
                    if place.startswith("file:"):
                        watched.taken_in.setdefault(place[5:], []).append(known.source.location)
        watched.folders = list(_folders(watched))
        return watched

    def _mark(self) -> tuple[int, int, int]:
        with self.graph.read() as reader:
            sources = reader.connection.execute(
                sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(SOURCES.c.read_at), 0))
            ).one()
            number = reader.connection.execute(sa.select(sa.func.count()).select_from(ROOTS)).scalar_one()
        return (number, sources[0], sources[1])

    def _vanished(self, watched: Watched) -> set[str]:
        """Known files that are gone although they were there when following began."""
        return {path for path in watched.files if path not in self._absent and not os.path.exists(path)}

    def _catch_up(self, watched: Watched) -> None:
        """Read what was saved while nobody followed. What is gone is left for an import to tell."""
        with self.graph.read() as reader:
            rows = reader.connection.execute(sa.select(SOURCES.c.location, SOURCES.c.read_at))
            read_at = {row.location: row.read_at for row in rows}
        newer = [
            location
            for path, location in watched.files.items()
            if _saved(path) > read_at.get(location, 0) - COARSE
        ]
        if newer:
            reread_places(self.graph, newer, hosts=self.hosts)

    def take(self, watched: Watched, paths: Iterable[str]) -> None:
        """Read what changes of these paths concern."""
        places: dict[str, None] = {}
        again: dict[str, None] = {}
        for path in sorted(paths):
            if path in watched.files and os.path.exists(path):
                places[watched.files[path]] = None
            elif path in watched.taken_in:
                places |= dict.fromkeys(watched.taken_in[path])
            elif path in watched.files:
                again |= dict.fromkeys(root for root in watched.roots if covers(root, path))
                if (origin := watched.origins[watched.files[path]]) != watched.files[path]:
                    places[origin] = None
            elif _matters(path):
                again |= dict.fromkeys(root for root in watched.roots if _could_hold(root, path))
                places |= {
                    location: None
                    for folder, location in watched.leading.items()
                    if path.startswith(f"{folder}/")
                }
        # Folders first: a file that was renamed has moved then, and nothing of it was lost meanwhile.
        reread_roots(self.graph, again, hosts=self.hosts)
        reread_places(self.graph, places, hosts=self.hosts)
        if again or places:
            self._log.info("catalog_read_again", roots=len(again), files=len(places))


def _folders(watched: Watched) -> Iterator[str]:
    """Every folder in which a change can concern the catalog."""
    found: dict[str, None] = {}
    for path in (*watched.files, *watched.taken_in):
        found[os.path.dirname(path)] = None
    for root in watched.roots:
        found |= dict.fromkeys(_tree(_fixed(root)))
    for folder in watched.leading:
        found |= dict.fromkeys(_tree(folder))
    for folder in list(found)[:FOLDERS]:
        if os.path.isdir(folder):
            yield folder


def _fixed(root: str) -> str:
    """The part of a pattern that is no pattern; a folder or file as it is."""
    return WILDCARDS.split(root)[0].rpartition("/")[0] if WILDCARDS.search(root) else root


def _tree(folder: str) -> Iterator[str]:
    for count, (parent, names, _files) in enumerate(os.walk(folder)):
        if count >= FOLDERS:
            return
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in SKIPPED)
        yield parent


def _matters(path: str) -> bool:
    """Whether something new at a path could be a descriptor, or a folder that holds some."""
    name = os.path.basename(path)
    return not name.startswith(".") and (name.endswith(SUFFIXES) or os.path.isdir(path))


def _could_hold(root: str, path: str) -> bool:
    return covers(root, path) or (bool(WILDCARDS.search(root)) and path.startswith(f"{_fixed(root)}/"))


def _saved(path: str) -> int:
    """When a file was written last, in microseconds; 0 where there is none."""
    try:
        return os.stat(path).st_mtime_ns // 1_000
    except OSError:
        return 0


@contextmanager
def watching(graph: Graph, hosts: Iterable[str] = ()) -> Iterator[Watch]:
    """Follow a graph's files while the block runs."""
    watch = Watch(graph, hosts)
    thread = threading.Thread(target=watch.run, name="catalog-watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()
