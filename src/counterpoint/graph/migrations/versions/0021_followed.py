"""Discover: which withdrawals a version has followed, until when weeks are to be made again, and what each was made from."""

import sqlalchemy as sa
from alembic import op

revision = "0021_followed"
down_revision = "0020_evaluations"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in ("refusals", "stale"):
        op.add_column("discover_version", sa.Column(column, INTEGER, nullable=False, server_default="0"))
    op.add_column("discover_week", sa.Column("listening", TEXT, nullable=False, server_default=""))
    op.create_index("discover_week_listening", "discover_week", ["recommender", "number", "listening"])
