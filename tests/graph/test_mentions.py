"""Where a graph in PostgreSQL names a text."""

import pytest
import sqlalchemy as sa

from counterpoint.graph.mentions import mentions


@pytest.mark.postgresql
def test_a_short_text_counts_as_a_whole_value_only(postgresql_url: str) -> None:
    engine = sa.create_engine(sa.make_url(postgresql_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE TEMP TABLE words (number int, text text)"))
        rows = ["banana", "a.n", '{"name": "a.n"}', "ana.moreira@example", "axn"]
        connection.execute(sa.text("INSERT INTO words VALUES (1, :row)"), [{"row": row} for row in rows])
        names = sa.inspect(connection).get_temp_table_names()
        assert names == ["words"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "sqlalchemy.inspect", lambda _: type("All", (), {"get_table_names": lambda _: names})()
            )
            assert mentions(connection, ["a.n"]) == {"words": 2}
            assert mentions(connection, ["ban"]) == {}
            assert mentions(connection, ["moreira"]) == {"words": 1}
    engine.dispose()
