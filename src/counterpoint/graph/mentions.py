"""Where a graph in PostgreSQL names a text: for whoever must know what an erasure of events leaves in it."""

from collections.abc import Sequence

import sqlalchemy as sa

__all__ = ["mentions"]


def mentions(connection: sa.Connection, texts: Sequence[str]) -> dict[str, int]:
    """How many rows of each table hold one of the texts, also as a part of a longer one; tables without are left out.

    Every row is read, once for each text.
    """
    found = {}
    for name in sa.inspect(connection).get_table_names():
        row = sa.table(name).alias("row")
        whole = sa.cast(sa.literal_column('"row"'), sa.Text)
        holds = sa.or_(
            *(sa.func.strpos(whole, sa.bindparam(f"text{place}")) > 0 for place in range(len(texts)))
        )
        query = sa.select(sa.func.count()).select_from(row).where(holds)
        values = {f"text{place}": text for place, text in enumerate(texts)}
        if number := int(connection.execute(query, values).scalar_one()):
            found[name] = number
    return found
