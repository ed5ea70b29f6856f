"""The index: finding what changed since it was built."""

revision = "0009_index"
down_revision = "0008_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
