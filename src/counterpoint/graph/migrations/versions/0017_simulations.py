"""What rollouts were found to do by simulation: kept by the plan and the seed, since they take seconds to compute."""

import sqlalchemy as sa
from alembic import op

revision = "0017_simulations"
down_revision = "0016_discover"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rollouts_simulation",
        sa.Column("rollout", TEXT, primary_key=True),
        sa.Column("plan", TEXT, primary_key=True),
        sa.Column("seed", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("started", INTEGER, nullable=False),
        sa.Column("touched", INTEGER, nullable=False),
        sa.Column("done", INTEGER, nullable=False),
        sa.Column("total", INTEGER, nullable=False),
        sa.Column("ended", INTEGER),
        sa.Column("found", TEXT),
        sa.Column("problem", TEXT),
        sqlite_strict=True,
    )
