"""The catalog: what is wrong with entities that once were good."""

import sqlalchemy as sa
from alembic import op

revision = "0004_catalog"
down_revision = "0003_identity"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "status",
        sa.Column("ref", TEXT, primary_key=True),
        sa.Column("items", TEXT, nullable=False),
        sqlite_strict=True,
    )
