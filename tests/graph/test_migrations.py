"""Migrations that move rows: what was there is there afterwards."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from counterpoint.bets.concerns.store import list_concerns
from counterpoint.bets.decision_log import decisions_of
from counterpoint.graph import schema
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.engine import open_engines
from counterpoint.graph.store import Graph
from counterpoint.rollouts.log import under_way


def _upgrade(connection, version):
    config = Config()
    config.set_main_option("script_location", str(schema.FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def test_words_and_tags_stay_when_their_foreign_key_goes(tmp_path):
    file = tmp_path / "graph.db"
    file.touch()
    engines = open_engines(file)
    with engines.writing.begin() as connection:
        _upgrade(connection, "0009_index")
        columns = "seq, ref, version, uid, etag, kind, namespace, name, title, action, actor, valid_from"
        connection.exec_driver_sql(
            f"INSERT INTO revision ({columns}) VALUES (1, 'a:b/c', 1, 'u', 'e', 'A', 'b', 'c', 'c', 'created', 'x', 1)"
        )
        connection.exec_driver_sql("INSERT INTO tag VALUES ('java', 1)")
        connection.exec_driver_sql("INSERT INTO posting VALUES ('word', 1, 3)")
    with engines.writing.begin() as connection:
        schema.migrate(connection)
    with engines.reading.begin() as connection:
        assert connection.exec_driver_sql("SELECT * FROM tag").all() == [("java", 1)]
        assert connection.exec_driver_sql("SELECT * FROM posting").all() == [("word", 1, 3)]
        inspected = sa.inspect(connection)
        for table in ("tag", "posting"):
            assert inspected.get_foreign_keys(table) == []
            assert [each["name"] for each in inspected.get_indexes(table)] == [f"{table}_revision"]
    engines.dispose()


def test_a_workspace_from_before_concerns_and_rollouts_opens(tmp_path):
    file = tmp_path / "graph.db"
    file.touch()
    engines = open_engines(file)
    with engines.writing.begin() as connection:
        _upgrade(connection, "0010_words")
        columns = "id, seq, bet, at, actor, choice, stage_before, stage_after, state_before, state_after, reason, override, known"
        connection.exec_driver_sql(
            f"INSERT INTO bets_decisions ({columns}) VALUES ('d', 1, 'bet:default/old', 1, 'user:default/ana',"
            " 'advance', 'think', 'build', 'active', 'active', 'We know.', 0, '{\"etag\": \"e\"}')"
        )
    engines.dispose()
    graph = Graph(file)
    graph.migrate()
    with graph.read() as reader:
        (kept,) = decisions_of(reader, "bet:default/old")
        assert (kept.reason, kept.known.readings) == ("We know.", ())
        assert under_way(reader) == []
    assert list_concerns(graph, actor=SYSTEM) == ()


def test_what_only_grows_is_neither_changed_nor_emptied(graph):
    """Every table with a trigger against changes has one against TRUNCATE, where the database has that."""
    with graph.read() as reader:
        postgresql = reader.connection.dialect.name == "postgresql"
        query = (
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema() WHERE NOT t.tgisinternal"
            if postgresql
            else "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
        )
        found = reader.connection.exec_driver_sql(query).all()
    growing = {table for table, name in found if "keep" in name or "no_update" in name}
    assert {"bets_concern_answer", "bets_evidence", "bets_record", "rollouts_event"} <= growing
    if postgresql:
        assert {
            table for table in growing if f"{table}_no_truncate" not in dict(map(reversed, found))
        } == set()
        with pytest.raises(sa.exc.DBAPIError, match="kept"), graph.write(SYSTEM) as writer:
            writer.connection.exec_driver_sql("TRUNCATE bets_evidence")


def test_of_an_answer_to_a_concern_only_a_name_is_erased(graph):
    row = """('c', 1, 'ask', 'user:default/ana', '2026-11-26', 'Why?', 1)"""
    with graph.write(SYSTEM) as writer:
        writer.connection.exec_driver_sql(f"INSERT INTO bets_concern_answer VALUES {row}")
        writer.connection.exec_driver_sql("""UPDATE bets_concern_answer SET "by" = ''""")
    for change in ("""SET "by" = 'user:default/bo'""", "SET text = 'Never.'", """SET "on" = '2026-11-27'"""):
        with pytest.raises(sa.exc.DBAPIError, match="do not change"), graph.write(SYSTEM) as writer:
            writer.connection.exec_driver_sql(f"UPDATE bets_concern_answer {change}")
    with pytest.raises(sa.exc.DBAPIError, match="do not change"), graph.write(SYSTEM) as writer:
        writer.connection.exec_driver_sql("DELETE FROM bets_concern_answer")


def test_no_foreign_key_is_left_on_words_and_tags(graph):
    with graph.read() as reader:
        inspected = sa.inspect(reader.connection)
        assert [inspected.get_foreign_keys(table) for table in ("tag", "posting")] == [[], []]
