"""Views: lists of the catalog that people have saved, for themselves or for a unit."""

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
