"""People: dated memberships and line managers."""

revision = "0005_people"
down_revision = "0004_catalog"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
