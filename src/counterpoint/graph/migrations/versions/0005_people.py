"""People: dated memberships and line managers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005_people"
down_revision = "0004_catalog"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
CURRENT: dict[str, Any] = {
    "sqlite_where": sa.text("recorded_to IS NULL"),
    "postgresql_where": sa.text("recorded_to IS NULL"),
}


def upgrade() -> None:
    op.create_table(
        "people_memberships",
        sa.Column("seq", INTEGER, primary_key=True),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("from_day", TEXT),
        sa.Column("to_day", TEXT),
        sa.Column("share", REAL),
        *_record(),
        sqlite_strict=True,
    )
    op.create_index("people_memberships_id", "people_memberships", ["id"], unique=True, **CURRENT)
    op.create_index("people_memberships_person", "people_memberships", ["person"])
    op.create_index("people_memberships_unit", "people_memberships", ["unit"])
    op.create_table(
        "people_managers",
        sa.Column("seq", INTEGER, primary_key=True),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("manager", TEXT, nullable=False),
        sa.Column("from_day", TEXT),
        sa.Column("to_day", TEXT),
        *_record(),
        sqlite_strict=True,
    )
    op.create_index("people_managers_id", "people_managers", ["id"], unique=True, **CURRENT)
    op.create_index("people_managers_person", "people_managers", ["person"])
    op.create_index("people_managers_manager", "people_managers", ["manager"])


def _record() -> tuple[sa.Column[Any], ...]:
    """When a row was believed, and on whose word."""
    return (
        sa.Column("source", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("recorded_from", INTEGER, nullable=False),
        sa.Column("recorded_to", INTEGER),
    )
