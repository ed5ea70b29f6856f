"""The graph: revisions, tags, relations, search postings, activity."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001_graph"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CURRENT: dict[str, Any] = {
    "sqlite_where": sa.text("valid_to IS NULL"),
    "postgresql_where": sa.text("valid_to IS NULL"),
}


def upgrade() -> None:
    op.create_table(
        "revision",
        sa.Column("seq", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("ref", TEXT, nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("etag", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("owner", TEXT),
        sa.Column("type", TEXT),
        sa.Column("lifecycle", TEXT),
        sa.Column("location", TEXT),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("valid_from", INTEGER, nullable=False),
        sa.Column("valid_to", INTEGER),
        sa.Column("document", TEXT),
        sa.UniqueConstraint("ref", "version", name="revision_version"),
        sqlite_strict=True,
    )
    op.create_index("revision_current", "revision", ["ref"], unique=True, **CURRENT)
    op.create_index("revision_uid", "revision", ["uid"], unique=True, **CURRENT)
    op.create_index("revision_kind", "revision", ["kind", "name", "ref"], **CURRENT)
    op.create_index("revision_owner", "revision", ["owner"], **CURRENT)
    op.create_index("revision_location", "revision", ["location"], **CURRENT)
    op.create_table(
        "tag",
        sa.Column("value", TEXT, primary_key=True),
        sa.Column("revision", INTEGER, sa.ForeignKey("revision.seq"), primary_key=True, autoincrement=False),
        sqlite_strict=True,
    )
    op.create_index("tag_revision", "tag", ["revision"])
    op.create_table(
        "relation",
        sa.Column("seq", INTEGER, primary_key=True),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("valid_from", INTEGER, nullable=False),
        sa.Column("valid_to", INTEGER),
        sqlite_strict=True,
    )
    op.create_index("relation_source", "relation", ["source", "type", "target"])
    op.create_index("relation_origin", "relation", ["origin"])
    op.create_table(
        "posting",
        sa.Column("word", TEXT, primary_key=True),
        sa.Column("revision", INTEGER, sa.ForeignKey("revision.seq"), primary_key=True, autoincrement=False),
        sa.Column("rank", INTEGER, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("posting_revision", "posting", ["revision"])
    op.create_table(
        "activity",
        sa.Column("seq", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("before", TEXT),
        sa.Column("after", TEXT),
        sa.Column("reason", TEXT),
        sqlite_strict=True,
    )
    op.create_index("activity_subject", "activity", ["subject", "seq"])
    op.create_index("activity_action", "activity", ["action", "seq"])
