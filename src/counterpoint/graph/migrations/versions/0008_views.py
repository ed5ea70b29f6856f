"""Views: lists that people have saved."""

revision = "0008_views"
down_revision = "0007_reuse"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
