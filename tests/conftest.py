"""Fixtures that every room's tests use: a workspace, and a graph on both databases."""

import gc
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import settings

from counterpoint import Workspace
from counterpoint.graph import Graph
from counterpoint.graph.schema import newest_version
from tests.groups import keep_together
from tests.remembering import join_quickly, remember_handlers

# Two cores are shared by everything that runs: a deadline for an example would measure the neighbours.
settings.register_profile("counterpoint", deadline=None)
settings.load_profile("counterpoint")

MEMORY = Path("/dev/shm")
ENOUGH = 6 * 1024**3
"""Bytes that must be free there; in use are some hundred MB, since the folder of a test that passed is removed."""


def pytest_configure() -> None:
    """Keep what tests write in memory, where that is large enough.

    A test of a page waits twenty times for the disk, and there a database of PostgreSQL's costs eight times the CPU.
    """
    place = os.statvfs(MEMORY) if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    if place and place.f_bavail * place.f_frsize > ENOUGH and not place.f_flag & os.ST_NOEXEC:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that share what is dear to make run on one worker."""
    if getattr(config.option, "loadgroup", False):
        keep_together(items)


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never among what was imported: it took a seventh of all the time.

    Ten thousand collected tests, their modules and all libraries are half a million objects that stay to the end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _remembered_handlers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        remember_handlers(patch)
        join_quickly(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _copied_graphs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty SQLite graph is copied instead of migrated, which takes 5 ms instead of 50.

    What is on PostgreSQL, what has tables already and what other processes make is migrated all the same.
    """
    template = tmp_path_factory.mktemp("template") / "graph.db"
    template.touch()
    with Graph(template) as made:
        made.migrate()
    version = newest_version()
    migrate = Graph.migrate

    def copy_or_migrate(graph: Graph) -> None:
        if graph.file is None or graph.state() != "empty" or newest_version() != version:
            migrate(graph)
            return
        with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(graph.file)) as file:
            source.backup(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Graph, "migrate", copy_or_migrate)
        yield


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace, open."""
    with Workspace.create(tmp_path / "workspace", name="Test") as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def each_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once on each database: there a workspace that is made from now on keeps its graph."""
    if request.param == "postgresql":
        monkeypatch.setenv("COUNTERPOINT_GRAPH__URL", request.getfixturevalue("postgresql_database"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def graph(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Graph]:
    """An empty graph, once on each database."""
    if request.param == "sqlite":
        file = tmp_path / "graph.db"
        file.touch()
        made = Graph(file)
        made.migrate()
    else:
        made = Graph(request.getfixturevalue("postgresql_database"))
    with made:
        yield made


@pytest.fixture
def postgresql_database(_postgresql_template: tuple[str, str]) -> Iterator[str]:
    """The address of a database of its own that holds an empty graph."""
    server, template = _postgresql_template
    name = f"test_{uuid.uuid4().hex}"
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield _with_database(server, name)
    _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def _postgresql_template(postgresql_url: str) -> tuple[str, str]:
    name = f"template_{uuid.uuid4().hex}"
    _administer(postgresql_url, f'CREATE DATABASE "{name}"')
    with Graph(_with_database(postgresql_url, name)) as made:
        made.migrate()
    return postgresql_url, name


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the tests."""
    binaries = _server_binaries()
    if binaries is None:
        reason = "PostgreSQL's server is not installed; install the package postgresql to run these tests."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    place = os.environ.get("PYTEST_DEBUG_TEMPROOT")
    folder = Path(
        tempfile.mkdtemp(prefix="cp-pg-", dir=place)
    )  # short: a socket's path has 107 bytes at most
    try:
        yield from _cluster(binaries, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cluster(binaries: Path, folder: Path) -> Iterator[str]:
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres"
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    run_as = ["runuser", "-u", user, "--"] if user else []
    data = folder / "data"

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*run_as, str(binaries / program), *arguments], cwd=folder, capture_output=True, text=True
        )
        if done.returncode:
            pytest.fail(f"{program} failed: {done.stderr or done.stdout}")

    call(
        "initdb",
        "-D",
        str(data),
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    )
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=50"
    call("pg_ctl", "-D", str(data), "-w", "-s", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        call("pg_ctl", "-D", str(data), "-w", "-s", "-m", "immediate", "stop")


def _server_binaries() -> Path | None:
    places = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name), reverse=True
    )
    on_path = shutil.which("pg_ctl")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    return next((place for place in places if (place / "initdb").exists()), None)


def _with_database(address: str, name: str) -> str:
    return sa.make_url(address).set(database=name).render_as_string(hide_password=False)


def _administer(address: str, statement: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)
