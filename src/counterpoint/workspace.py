"""A workspace: one folder that holds the settings, a graph and a journal.

counterpoint.toml   settings
graph.db            what exists (or a PostgreSQL database, see `[graph] url`)
journal/            what happened
index/              what exists, laid out for quick answers; made anew when it is missing
discover/           versions of recommenders; made anew by `counterpoint discover follow` when they are missing
backups/            copies of the graph, made before each migration
"""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from counterpoint.engine import read_engine
from counterpoint.errors import ConflictError, CounterpointError, Finding, WorkspaceError
from counterpoint.graph.store import Graph
from counterpoint.settings import Settings, load_settings

if TYPE_CHECKING:
    from counterpoint.journal import Journal

__all__ = ["Finding", "Workspace"]

T = TypeVar("T")

SETTINGS = "counterpoint.toml"
GRAPH = "graph.db"
JOURNAL = "journal"
BACKUPS = "backups"
LOCK = ".migration.lock"

TEMPLATE = """\
# The settings of this workspace. Every one has a default; lines that start with # show it.
# Each can also be set by a variable: COUNTERPOINT_CATALOG__READ_HOSTS for read_hosts in [catalog].

# What the organisation calls itself; shown in the navigation.
name = {name}

# What computes on the journal: "duckdb" in this process; "spark://local[2]" or "spark://host:7077";
# "clickhouse://local" or "clickhouse://user:password@host:8123/database".
# engine = "duckdb"

[graph]
# A PostgreSQL address keeps the graph there instead of in graph.db.
# url = "postgresql://user@host/database"

[journal]
# Events that may wait for the disk before new ones are answered with 429.
# queue = 200000
# MiB of events that may wait, and of requests with events on their way; beyond it, 429.
# buffer_mb = 128
# Events in the intake after which they are moved into Parquet segments.
# compact_after = 50000
# Days for which a repeated (source, id) is recognised.
# identity_days = 30
# MB of sums that are kept so that a result after a new day costs the new day; 0 keeps none.
# daily_mb = 2000
# Days that events of a type are kept, by their time; "*" is for all other types. None are for ever.
# retention = {{ "page.viewed" = 90 }}
# The journal's folder as the machines of Spark or ClickHouse see it, if they have another path to it.
# shared = "/mnt/journal"

[catalog]
# Hosts ("host" or "host:port") that `url` locations may be read from.
# read_hosts = []
# strict = false          # answer exactly as Backstage does, quirks included
# orphans = "keep"        # what becomes of entities that no file declares any more: "keep" or "delete"
# unknown_kinds = false   # take entities of kinds that nobody has registered
# readonly = false        # refuse to register and delete locations
# watch = true            # read imported files again when they are saved, while the server runs

[flags]
# The environments that flag sets are promoted through; the last is the one whose set has the bare name.
# environments = ["development", "staging", "production"]
# Origins of the pages that may evaluate flags with a client key; none means any.
# origins = ["https://shop.example"]
# Attributes that every remote evaluation has, and headers of the request that give one.
# context = {{ region = "eu" }}
# context_headers = {{ X-Country = "country" }}
# Remote evaluations a second that one token may ask for; none means any number.
# rate = 1000

[rollouts]
# Seconds from one check of rollouts to the next while the server runs; 0 leaves it to `counterpoint rollouts step`.
# every_seconds = 60

[discover]
# Listeners of a group of which anything is told; it can be raised, and not lowered.
# least_listeners = 20
# Seconds from one look for listeners who were forgotten or withdrew to the next while the server runs; 0 leaves them to `counterpoint discover follow`.
# follow_seconds = 30
# What dense parts of a fit are computed on: auto takes a GPU where one is found, cpu never, gpu says where there is none.
# device = "auto"
# The clock by which it is a weekday morning for listeners whose events name no zone.
# time_zone = "UTC"

[server]
# Largest request body, in MiB.
# max_body_mb = 50
# Hours after which a person signs in again.
# session_hours = 12
# Send cookies over HTTPS only; loopback addresses are exempt.
# secure_cookies = true
# Further host names by which a server on loopback is reached, such as a proxy's.
# hosts = []

[warehouses]
# Warehouses that experiments may read tables of, by name. A password is better in COUNTERPOINT_WAREHOUSES__LAKE.
# lake = "postgres://user@host/database"
"""


class Workspace:
    """An open workspace. Several processes may have the same one open."""

    def __init__(self, path: Path, settings: Settings, graph: Graph) -> None:
        """Take the parts; use `create` or `open`."""
        self.path = path
        self.settings = settings
        self.graph = graph
        self._journal: Journal | None = None
        self._kept: dict[type[Any], Any] = {}
        self._opening = threading.RLock()

    @classmethod
    def create(cls, path: str | Path, *, name: str | None = None) -> "Workspace":
        """Make an empty workspace and open it. The folder may exist if nothing is in it.

        Raises:
            ConflictError: the folder is a workspace already, or holds other files.
            WorkspaceError: the folder cannot be written.
        """
        folder = Path(path).expanduser()
        if (folder / SETTINGS).exists():
            raise ConflictError(f"{folder} is a workspace already; open it with -w {folder}.")
        _make_folder(folder)
        title = name or folder.resolve().name or "Workspace"
        try:
            settings, graph = _furnish(folder, title)
        except OSError as error:
            raise WorkspaceError(
                f"{folder} cannot be written ({error.strerror or error}); choose another folder."
            ) from error
        return cls(folder, settings, graph)

    @classmethod
    def open(cls, path: str | Path) -> "Workspace":
        """Open a workspace; an older one is brought forward first, after a backup of its graph.

        Raises:
            WorkspaceError: the folder is no workspace, cannot be read or written, or was made by a
                newer version; the message says what to do.
            InputError: a setting is not valid.
        """
        folder = Path(path).expanduser()
        try:
            settings = load_settings(folder / SETTINGS)
        except NotADirectoryError as error:
            raise WorkspaceError(f"{folder} is a file; a workspace is a folder.") from error
        except FileNotFoundError as error:
            raise WorkspaceError(
                f"{folder} is no workspace; make one with: counterpoint init {folder}"
            ) from error
        except OSError as error:
            remedy = "mend its permissions" if isinstance(error, PermissionError) else "put the file back"
            raise WorkspaceError(
                f"{folder / SETTINGS} cannot be read ({error.strerror}); {remedy}."
            ) from error
        return cls(folder, settings, _graph(folder, settings, new=False))

    @property
    def journal(self) -> "Journal":
        """What happened; opened when first used, once for all threads."""
        if self._journal is None:
            from counterpoint.journal import Journal

            with self._opening:
                if self._journal is None:
                    engine = read_engine(self.settings.engine)
                    self._journal = Journal(self.path / JOURNAL, self.settings.journal, engine=engine)
        return self._journal

    def keep(self, kind: type[T], make: Callable[["Workspace"], T]) -> T:
        """What a room keeps in memory while the workspace is open: made when first asked for, once for all threads."""
        with self._opening:
            if kind not in self._kept:
                self._kept[kind] = make(self)
            kept: T = self._kept[kind]
            return kept

    def check(self) -> list[Finding]:
        """Look for damage in every part; what is in order is reported too."""
        findings = [Finding("ok", "settings", f"{self.path / SETTINGS} is valid.")]
        damage = self.graph.check()
        remedy = (
            f"Stop every process that uses the workspace, and put back a copy from {self.path / BACKUPS}."
        )
        findings += [Finding("error", "graph", text, remedy) for text in damage]
        if not damage:
            findings.append(
                Finding("ok", "graph", f"The database is sound, at version {self.graph.version()}.")
            )
        findings += self._check_owners()
        findings += _of_journal(self)
        return findings

    def _check_owners(self) -> Iterator[Finding]:
        with self.graph.read() as reader:
            owners = reader.facets("owner")
            known = reader.get_many(owner for owner, _count in owners)
        for owner, count in owners:
            if owner not in known:
                message = f"{owner} owns {count} {'entity' if count == 1 else 'entities'} and does not exist."
                yield Finding(
                    "warning",
                    "graph",
                    message,
                    "Import its descriptor, or give what it owns to an owner that exists.",
                )

    def close(self) -> None:
        """Close the journal, if it was opened, and the graph."""
        with self._opening:
            journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()
        self.graph.close()

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = next(folder.iterdir(), None)
    except FileExistsError as error:
        raise ConflictError(f"{folder} is a file; name a folder that is new or empty.") from error
    except OSError as error:
        raise WorkspaceError(
            f"{folder} cannot be made ({error.strerror}); choose a folder that you may write."
        ) from error
    if held is not None:
        raise ConflictError(
            f"{folder} holds other files, such as {held.name}; name a folder that is new or empty."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WorkspaceError(f"{folder} is read-only; choose a folder that you may write.")


def _furnish(folder: Path, title: str) -> tuple[Settings, Graph]:
    """Fill an empty folder; on failure it is left empty, so that the same command can be tried again."""
    draft = folder / f"{SETTINGS}.draft"
    try:
        (folder / JOURNAL).mkdir()
        (folder / BACKUPS).mkdir()
        draft.write_text(TEMPLATE.format(name=_toml_text(title)), encoding="utf-8")
        settings = load_settings(draft)
        graph = _graph(folder, settings, new=True)
        draft.rename(folder / SETTINGS)  # last: a folder with settings is a whole workspace
    except BaseException:
        for place in (JOURNAL, BACKUPS):
            shutil.rmtree(folder / place, ignore_errors=True)
        for file in (draft, folder / LOCK, *folder.glob(f"{GRAPH}*")):
            file.unlink(missing_ok=True)
        raise
    return settings, graph


def _toml_text(text: str) -> str:
    import msgspec

    return msgspec.json.encode(text.replace("\x7f", "")).decode()  # a JSON string is a TOML basic string


def _graph(folder: Path, settings: Settings, *, new: bool) -> Graph:
    catalog = settings.catalog
    orphans = catalog.orphans or ("delete" if catalog.strict else "keep")

    def at(address: Path | str) -> Graph:
        return Graph(
            address,
            unknown_kinds=catalog.unknown_kinds,
            strict=catalog.strict,
            delete_orphans=orphans == "delete",
        )

    if settings.graph.url is not None:
        graph = at(settings.graph.url)
    else:
        file = folder / GRAPH
        if new:
            file.touch(exist_ok=False)
        _check_file(folder, file)
        graph = at(file)
    try:
        state = graph.state()
        if state == "newer":
            raise WorkspaceError(
                f"{folder} was made by a newer version of Counterpoint; upgrade with: pip install --upgrade counterpoint"
            )
        if state != "current":
            _bring_forward(folder, graph)
    except BaseException:
        graph.close()
        raise
    return graph


def _check_file(folder: Path, file: Path) -> None:
    if not file.exists():
        raise WorkspaceError(f"{file} is missing; put back a copy from {folder / BACKUPS}.")
    # SQLite writes its log beside the file, so the folder must be writable as well.
    for place in (folder, file):
        if not os.access(place, os.R_OK | os.W_OK):
            raise WorkspaceError(
                f"{place} cannot be written; mend its permissions, or work on a copy of the workspace."
            )


def _bring_forward(folder: Path, graph: Graph) -> None:
    """Migrate under a lock, so that of two processes that open at once one migrates and one waits."""
    with _locked(folder / LOCK):
        state = graph.state()
        if state == "current":  # another process was faster
            return
        if graph.file is not None and state == "older":
            _back_up(graph.file, folder / BACKUPS, str(graph.version()))
        graph.migrate()


def _back_up(file: Path, backups: Path, version: str) -> None:
    backups.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = backups / f"graph-{version}-{stamp}.db"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    import fcntl

    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _of_journal(workspace: Workspace) -> list[Finding]:
    from counterpoint.journal.check import space

    try:
        found = [*workspace.journal.check(), *space(workspace.journal.folder)]
    except CounterpointError as error:
        return [
            Finding(
                "error",
                "journal",
                error.message,
                "See the message; a copy of the journal folder can be put back.",
            )
        ]
    return found
