"""What happens to rollouts. The table only grows: both databases refuse to change or delete a row.

The pair of rollout and sequence is unique, so of two who decide from the same state one is too late.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012_rollouts"
down_revision = "0011_concerns"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SQLITE = (
    "CREATE TRIGGER rollouts_event_no_update BEFORE UPDATE ON rollouts_event BEGIN SELECT RAISE(ABORT, 'what happened to a rollout does not change'); END",
    "CREATE TRIGGER rollouts_event_no_delete BEFORE DELETE ON rollouts_event BEGIN SELECT RAISE(ABORT, 'what happened to a rollout is kept'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION rollouts_event_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what happened to a rollout does not change'; END $$",
    "CREATE TRIGGER rollouts_event_keep BEFORE UPDATE OR DELETE ON rollouts_event FOR EACH ROW EXECUTE FUNCTION rollouts_event_keep()",
)


def upgrade() -> None:
    op.create_table(
        "rollouts_event",
        sa.Column("rollout", TEXT, primary_key=True),
        sa.Column("sequence", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("seq", INTEGER, nullable=False, unique=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sqlite_strict=True,
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
