"""Scorecards: the history of what was checked, facts that are reported, and lists at past dates."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006_scorecards"
down_revision = "0005_people"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CURRENT: dict[str, Any] = {
    "sqlite_where": sa.text("valid_to IS NULL"),
    "postgresql_where": sa.text("valid_to IS NULL"),
}
PAST = {
    "revision_past_name": ("name", "ref", "kind"),
    "revision_past_title": ("title", "ref", "kind"),
    "revision_past_kind": ("kind", "owner", "type", "lifecycle"),
    "revision_past_owner": ("owner",),
}
"""What lists of a past date are ordered, narrowed and counted by, without reading a document."""
UNBOUNDED = {"title", "type", "lifecycle"}
"""Texts of any length: an index of PostgreSQL holds 2,700 bytes a row, SQLite's holds them all."""


def upgrade() -> None:
    op.create_table(
        "scorecards_outcome",
        sa.Column("scorecard", TEXT, primary_key=True),
        sa.Column("ref", TEXT, primary_key=True),
        sa.Column("valid_from", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("valid_to", INTEGER),
        sa.Column("owner", TEXT),
        sa.Column("outcomes", TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("scorecards_outcome_ref", "scorecards_outcome", ["ref", "scorecard"])
    op.create_index(
        "scorecards_outcome_current", "scorecards_outcome", ["scorecard", "ref"], unique=True, **CURRENT
    )
    op.create_table(
        "scorecards_fact",
        sa.Column("ref", TEXT, primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("valid_from", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("valid_to", INTEGER),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("measured", INTEGER, nullable=False),
        sa.Column("source", TEXT),
        sa.Column("actor", TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("scorecards_fact_current", "scorecards_fact", ["ref", "name"], unique=True, **CURRENT)
    bounded = op.get_bind().dialect.name == "postgresql"
    for name, columns in PAST.items():
        kept = [column for column in columns if not (bounded and column in UNBOUNDED)]
        if columns[0] in kept:
            op.create_index(name, "revision", [*kept, "valid_from", "valid_to"])
