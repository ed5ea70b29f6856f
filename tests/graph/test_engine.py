"""The limits of the database: nobody waits for ever, and everybody is told."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from counterpoint.errors import InputError, OverloadedError, WorkspaceError
from counterpoint.graph import SYSTEM, Graph, bulk, engine
from counterpoint.graph.tables import activity
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


def test_a_large_write_leaves_no_large_log_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOG_KEPT", 65_536)
    file, log = tmp_path / "graph.db", tmp_path / "graph.db-wal"
    file.touch()
    with Graph(file) as graph:
        graph.migrate()
        with graph.write(SYSTEM) as writer:
            for number in range(3_000):
                writer.put(component(f"service-{number}"))
        assert log.stat().st_size > 4 * 2**20
        with graph.write(SYSTEM) as writer:
            writer.put(component("small"))
        assert log.stat().st_size <= 2**20


@pytest.mark.parametrize("count", [1, bulk.COPIED - 1, bulk.COPIED, 3 * bulk.COPIED])
def test_many_rows_go_in_with_every_value_as_it_is(graph: Graph, count: int) -> None:
    texts = ["plain", "", "\\N", "tab\tand\nline", "Blåbær 🎵", None]
    rows = [
        (number, 1, "user:a", "test", f"subject {number}", texts[number % len(texts)])
        for number in range(count)
    ]
    columns = ["seq", "at", "actor", "action", "subject", "reason"]
    with graph.write(SYSTEM) as writer:
        bulk.insert_rows(writer.connection, activity, columns, rows)
    with graph.read() as reader:
        query = sa.select(*(activity.c[name] for name in columns)).order_by(activity.c.seq)
        assert [tuple(row) for row in reader.connection.execute(query)] == rows


@pytest.mark.parametrize("count", [2, 2 * bulk.COPIED])
def test_a_row_that_is_there_already_is_an_error_of_the_database_and_nothing_is_kept(
    graph: Graph, count: int
) -> None:
    rows = [(1, 1, "user:a", "test", "same number")] * count
    with pytest.raises(sa.exc.IntegrityError), graph.write(SYSTEM) as writer:
        bulk.insert_rows(writer.connection, activity, ["seq", "at", "actor", "action", "subject"], rows)
    assert graph.last_activity() == 0


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


def test_a_text_with_nul_is_kept_without_it_where_the_database_refuses_it(graph: Graph) -> None:
    rows = [{"name": "a\x00b"}, {"name": "c"}]
    table = sa.table("nul_texts", sa.column("name", sa.Text))
    with graph.write(SYSTEM) as writer:
        writer.connection.execute(sa.text("CREATE TEMPORARY TABLE nul_texts (name TEXT)"))
        writer.connection.execute(sa.insert(table), rows)
        writer.connection.execute(sa.insert(table).values(name="d\x00"))
        found = writer.connection.execute(sa.select(table.c.name)).scalars().all()
    assert {text.replace("\x00", "") for text in found} == {"ab", "c", "d"}
