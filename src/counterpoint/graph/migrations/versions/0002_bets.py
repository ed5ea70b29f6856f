"""Decisions about bets. The table only grows: both databases refuse to change or delete a row."""

import sqlalchemy as sa
from alembic import op

revision = "0002_bets"
down_revision = "0001_graph"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SQLITE = (
    "CREATE TRIGGER bets_decisions_no_update BEFORE UPDATE ON bets_decisions BEGIN SELECT RAISE(ABORT, 'a recorded decision does not change'); END",
    "CREATE TRIGGER bets_decisions_no_delete BEFORE DELETE ON bets_decisions BEGIN SELECT RAISE(ABORT, 'a recorded decision is kept'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION bets_decisions_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a recorded decision does not change'; END $$",
    "CREATE TRIGGER bets_decisions_keep BEFORE UPDATE OR DELETE ON bets_decisions FOR EACH ROW EXECUTE FUNCTION bets_decisions_keep()",
)


def upgrade() -> None:
    op.create_table(
        "bets_decisions",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("seq", INTEGER, nullable=False, unique=True),
        sa.Column("bet", TEXT, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("choice", TEXT, nullable=False),
        sa.Column("stage_before", TEXT, nullable=False),
        sa.Column("stage_after", TEXT, nullable=False),
        sa.Column("state_before", TEXT, nullable=False),
        sa.Column("state_after", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("override", INTEGER, nullable=False),
        sa.Column("known", TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("bets_decisions_bet", "bets_decisions", ["bet", "seq"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
