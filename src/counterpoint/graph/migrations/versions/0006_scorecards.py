"""Scorecards: the history of what was checked."""

revision = "0006_scorecards"
down_revision = "0005_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
