"""Words and tags no longer point at their revision by a foreign key.

A revision is never deleted, so the key has never refused anything, and each of the twenty words of an
entity cost a look for its revision: a fifth of the CPU of an import on SQLite, more on PostgreSQL.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010_words"
down_revision = "0009_index"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS: dict[str, list[sa.Column[Any]]] = {
    "tag": [
        sa.Column("value", TEXT, primary_key=True),
        sa.Column("revision", INTEGER, primary_key=True, autoincrement=False),
    ],
    "posting": [
        sa.Column("word", TEXT, primary_key=True),
        sa.Column("revision", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("rank", INTEGER, nullable=False),
    ],
}


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, columns in COLUMNS.items():
        if not sqlite:
            op.drop_constraint(f"{table}_revision_fkey", table, type_="foreignkey")
            continue
        # SQLite cannot drop a key: the rows move, in the order of their tree.
        op.drop_index(f"{table}_revision", table)
        op.rename_table(table, f"{table}_before")
        op.create_table(table, *columns, sqlite_strict=True, sqlite_with_rowid=table != "posting")
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_before")
        op.drop_table(f"{table}_before")
        op.create_index(f"{table}_revision", table, ["revision"])
