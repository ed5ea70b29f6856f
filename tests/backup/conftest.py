"""Workspaces that hold something, on both databases."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from counterpoint import Workspace
from counterpoint.graph.actor import SYSTEM

PERSON = "ana.moreira@arpeggio.example"
GROUP = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Group",
    "metadata": {"name": "discovery", "title": "Discovery Ünïcødé\t\\N"},
    "spec": {"type": "squad", "children": []},
}


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A metric event; its id and subject carry the number."""
    document = {
        "specversion": "1.0", "id": f"e{number}", "source": "test", "type": "order.placed",
        "subject": f"user-{number}", "time": f"2026-05-0{1 + number % 3}T10:00:00Z", "data": {"value": number},
    }  # fmt: skip
    return {**document, **changes}


def fill(workspace: Workspace) -> None:
    """A group, events in segments and in the intake, and some of one person."""
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(GROUP)
    workspace.journal.append([event(number) for number in range(20)])
    workspace.journal.append([event(100 + number, subject=PERSON) for number in range(5)])
    workspace.journal.compact()
    workspace.journal.append([event(200 + number) for number in range(5)])
    workspace.journal.append([event(300, subject=PERSON)])


def events_of(workspace: Workspace) -> list[dict[str, Any]]:
    """Every event, in order of id."""
    return sorted(
        (each.document() for each in workspace.journal.recent(limit=10_000)), key=lambda each: str(each["id"])
    )


def graph_of(workspace: Workspace) -> dict[str, list[Any]]:
    """Every row of every table of the graph."""
    with workspace.graph.read() as reader:
        return {
            name: sorted(map(repr, reader.connection.execute(sa.text(f'SELECT * FROM "{name}"')).all()))
            for name in sa.inspect(reader.connection).get_table_names()
        }


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """A workspace on SQLite that holds something."""
    fill(workspace)
    return workspace


@pytest.fixture
def new_database(postgresql_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty PostgreSQL databases, and drops them at the end."""
    names: list[str] = []
    url = sa.make_url(postgresql_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def make() -> str:
        names.append(f"restored_{uuid.uuid4().hex}")
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{names[-1]}"')
        return sa.make_url(postgresql_url).set(database=names[-1]).render_as_string(hide_password=False)

    yield make
    with engine.connect() as connection:
        for name in names:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def either(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Workspace, Callable[[], None]]]:
    """A filled workspace on each database, and what makes room for the graph of a restored one."""
    if request.param == "postgresql":
        make = request.getfixturevalue("new_database")

        def another() -> None:
            monkeypatch.setenv("COUNTERPOINT_GRAPH__URL", make())

        another()
    else:

        def another() -> None:
            pass

    with Workspace.create(tmp_path / "workspace", name="Test") as made:
        fill(made)
        yield made, another
