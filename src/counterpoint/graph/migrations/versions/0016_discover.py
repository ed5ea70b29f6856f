"""Discover: versions of recommenders, and what belongs to one listener: weeks, corrections, links. Counts of shadows.

What belongs to a listener is deleted when they are forgotten, so none of these tables only grows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016_discover"
down_revision = "0015_kept"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "discover_version",
        sa.Column("recommender", TEXT, primary_key=True),
        sa.Column("number", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("until", INTEGER, nullable=False),
        sa.Column("known", INTEGER, nullable=False),
        sa.Column("erasures", INTEGER, nullable=False),
        sa.Column("fits", INTEGER, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.CheckConstraint("state IN ('fitting', 'ready', 'gone')", name="discover_version_state"),
        sqlite_strict=True,
    )
    op.create_table(
        "discover_week",
        sa.Column("recommender", TEXT, primary_key=True),
        sa.Column("listener", TEXT, primary_key=True),
        sa.Column("week", TEXT, primary_key=True),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("until", INTEGER, nullable=False),
        sa.Column("seed", TEXT, nullable=False),
        sa.Column("inputs", TEXT, nullable=False),
        sa.Column("playlist", TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("discover_week_listener", "discover_week", ["listener"])
    op.create_table(
        "discover_corrections",
        sa.Column("recommender", TEXT, primary_key=True),
        sa.Column("listener", TEXT, primary_key=True),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("corrections", TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "discover_link",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("recommender", TEXT, nullable=False),
        sa.Column("listener", TEXT, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("until", INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("discover_link_listener", "discover_link", ["recommender", "listener"])
    op.create_table(
        "discover_shadow",
        sa.Column("recommender", TEXT, primary_key=True),
        sa.Column("number", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("shadow", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("day", TEXT, primary_key=True),
        sa.Column("requests", INTEGER, nullable=False),
        sa.Column("overlap", REAL, nullable=False),
        sa.Column("seconds", REAL, nullable=False),
        sa.Column("shadow_seconds", REAL, nullable=False),
        sqlite_strict=True,
    )
