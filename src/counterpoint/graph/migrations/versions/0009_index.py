"""The index: finding what changed since it was built."""

import sqlalchemy as sa
from alembic import op

revision = "0009_index"
down_revision = "0008_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Relations that were closed after a moment; most never are, so the index holds few.
    op.create_index(
        "relation_closed",
        "relation",
        ["valid_to"],
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
