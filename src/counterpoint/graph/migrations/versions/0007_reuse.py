"""Reuse: likely twins that somebody has dismissed."""

revision = "0007_reuse"
down_revision = "0006_scorecards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
