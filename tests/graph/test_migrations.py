"""Migrations that move rows: what was there is there afterwards."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from counterpoint.graph import schema
from counterpoint.graph.engine import open_engines


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


def test_no_foreign_key_is_left_on_words_and_tags(graph):
    with graph.read() as reader:
        inspected = sa.inspect(reader.connection)
        assert [inspected.get_foreign_keys(table) for table in ("tag", "posting")] == [[], []]
