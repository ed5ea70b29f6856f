"""Questions that ask for a range, the ranges that people lock, and what it came to; the triggers of 0013 hold for them."""

import sqlalchemy as sa
from alembic import op

revision = "0018_ranges"
down_revision = "0017_simulations"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    for column in ("quantity", "unit"):
        op.add_column("bets_prediction_question", sa.Column(column, TEXT, nullable=False, server_default=""))
    for column in ("low", "high"):
        op.add_column("bets_prediction", sa.Column(column, NUMBER, nullable=True))
    op.add_column("bets_prediction_step", sa.Column("amount", NUMBER, nullable=True))
