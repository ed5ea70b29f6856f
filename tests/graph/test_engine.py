"""The limits of the database: nobody waits for ever, and everybody is told."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from counterpoint.errors import InputError, OverloadedError, WorkspaceError
from counterpoint.graph import SYSTEM, Graph, engine
from tests.graph.documents import component

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n"


def test_a_statement_that_reads_too_long_is_stopped(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "READ_SECONDS", 0.05)
    with Graph(graph.address) as limited:
        with pytest.raises(OverloadedError, match="was stopped"), limited.read() as reader:
            reader.connection.execute(sa.text(ENDLESS))
        with limited.read() as reader:  # the connection is usable again
            assert reader.last_activity() == 0


def test_a_writer_that_waits_too_long_for_another_is_told(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    with Graph(graph.address) as other, graph.write(SYSTEM) as writer:
        writer.put(component("a"))
        with pytest.raises(OverloadedError, match="try again"), other.write(SYSTEM):
            pass
    with Graph(graph.address) as other, other.write(SYSTEM) as writer:
        assert writer.exists("component:a")


def test_an_address_that_is_no_postgresql_is_refused() -> None:
    for address in ("mysql://x/y", "nothing", "sqlite:///x.db", "postgresql://h:port/x"):
        with pytest.raises(InputError):
            Graph(address)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with Graph(tmp_path / "none.db") as missing, pytest.raises(WorkspaceError), missing.read() as reader:
        reader.last_activity()


def test_the_tables_of_the_migrations_are_those_of_the_code(graph: Graph) -> None:
    from counterpoint.graph.tables import METADATA

    with graph.read() as reader:
        inspector = sa.inspect(reader.connection)
        for table in METADATA.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
            assert columns == {column.name: bool(column.nullable) for column in table.columns}
            if graph.file is not None:
                made = reader.connection.execute(
                    sa.text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table.name}
                )
                assert "STRICT" in made.scalar_one()
