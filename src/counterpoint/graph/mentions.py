"""Where a graph in PostgreSQL names a text: for whoever must know what an erasure of events leaves in it."""

import re
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

__all__ = ["mentions"]

SHORT: Final = 6
"""Characters below which a text is in other words by chance."""


def mentions(connection: sa.Connection, texts: Sequence[str]) -> dict[str, int]:
    """How many rows of each table hold one of the texts; tables without are left out.

    A text counts as a part of a longer one, too, but a short one, which is in many words by chance, only as a whole value.

    Every row is read, once for each text.
    """
    found = {}
    for name in sa.inspect(connection).get_table_names():
        row = sa.table(name).alias("row")
        whole = sa.cast(sa.literal_column('"row"'), sa.Text)
        holds = sa.or_(
            *(
                whole.op("~")(sa.bindparam(f"text{place}"))
                if len(text) < SHORT
                else sa.func.strpos(whole, sa.bindparam(f"text{place}")) > 0
                for place, text in enumerate(texts)
            )
        )
        query = sa.select(sa.func.count()).select_from(row).where(holds)
        values = {
            f"text{place}": _alone(text) if len(text) < SHORT else text for place, text in enumerate(texts)
        }
        if number := int(connection.execute(query, values).scalar_one()):
            found[name] = number
    return found


def _alone(text: str) -> str:
    """A pattern for a text that is a whole value of a row, or of JSON in it."""
    return f'(^|[(,"]){re.escape(text)}($|[),"])'
