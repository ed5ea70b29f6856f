"""Views: lists of the catalog that people have saved, and the order by title that lists begin with."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008_views"
down_revision = "0007_reuse"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "views_saved",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("query", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.UniqueConstraint("owner", "name", name="views_saved_name"),
        sqlite_strict=True,
    )
    # Half a million entities are not sorted anew for each page.
    current: dict[str, Any] = {
        "sqlite_where": sa.text("valid_to IS NULL"),
        "postgresql_where": sa.text("valid_to IS NULL"),
    }
    op.create_index("revision_title", "revision", ["title", "ref"], **current)
    op.create_index("revision_kind_title", "revision", ["kind", "title", "ref"], **current)
