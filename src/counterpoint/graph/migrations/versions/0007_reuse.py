"""Reuse: what people have said about likely twins."""

import sqlalchemy as sa
from alembic import op

revision = "0007_reuse"
down_revision = "0006_scorecards"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reuse_judgements",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("first", TEXT, nullable=False),
        sa.Column("second", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("score", REAL),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("undone_by", TEXT),
        sa.Column("undone_at", INTEGER),
        sqlite_strict=True,
    )
    # One judgement of a pair holds at a time; those that were taken back stay as history.
    op.create_index(
        "reuse_judgements_standing",
        "reuse_judgements",
        ["first", "second"],
        unique=True,
        sqlite_where=sa.text("undone_at IS NULL"),
        postgresql_where=sa.text("undone_at IS NULL"),
    )
