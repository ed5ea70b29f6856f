"""How far an evaluation of a recommender is that the server makes beside requests; what it found is in the activity log."""

import sqlalchemy as sa
from alembic import op

revision = "0020_evaluations"
down_revision = "0019_decision_words"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "discover_evaluation",
        sa.Column("recommender", TEXT, primary_key=True),
        sa.Column("started", INTEGER, nullable=False),
        sa.Column("touched", INTEGER, nullable=False),
        sa.Column("done", INTEGER, nullable=False),
        sa.Column("total", INTEGER, nullable=False),
        sa.Column("asked", TEXT, nullable=False),
        sa.Column("ended", INTEGER),
        sa.Column("entry", INTEGER),
        sa.Column("problem", TEXT),
        sqlite_strict=True,
    )
