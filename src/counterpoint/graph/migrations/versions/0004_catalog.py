"""The catalog: where entities are read from, what is wrong there, and entities that once were good."""

import sqlalchemy as sa
from alembic import op

revision = "0004_catalog"
down_revision = "0003_identity"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "status",
        sa.Column("ref", TEXT, primary_key=True),
        sa.Column("items", TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "catalog_roots",
        sa.Column("target", TEXT, primary_key=True),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("added_at", INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "catalog_locations",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("entity_ref", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("added_at", INTEGER, nullable=False),
        sa.UniqueConstraint("type", "target", name="catalog_locations_place"),
        sqlite_strict=True,
    )
    op.create_table(
        "catalog_sources",
        sa.Column("location", TEXT, primary_key=True),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("root", TEXT, nullable=False),
        sa.Column("reads", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("stored", TEXT, nullable=False),
        sa.Column("read_at", INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("catalog_sources_origin", "catalog_sources", ["origin"])
    op.create_table(
        "catalog_problems",
        sa.Column("location", TEXT, primary_key=True),
        sa.Column("position", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("level", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("ref", TEXT),
        sa.Column("target", TEXT),
        sa.Column("pointer", TEXT, nullable=False),
        sa.Column("line", INTEGER),
        sa.Column("column", INTEGER),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("since", INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("catalog_problems_ref", "catalog_problems", ["ref"])
    op.create_index("catalog_problems_target", "catalog_problems", ["target"])
