"""Identity: local accounts, their sessions, API tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0003_identity"
down_revision = "0002_bets"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "identity_accounts",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("admin", INTEGER, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "identity_sessions",
        sa.Column("secret_hash", TEXT, primary_key=True),
        sa.Column(
            "account", TEXT, sa.ForeignKey("identity_accounts.name", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("expires_at", INTEGER, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("identity_sessions_account", "identity_sessions", ["account"])
    op.create_table(
        "identity_tokens",
        sa.Column("secret_hash", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("expires_at", INTEGER),
        sa.Column("last_used_at", INTEGER),
        sa.Column("revoked_at", INTEGER),
        sqlite_strict=True,
    )
    live = sa.text("revoked_at IS NULL")
    op.create_index(
        "identity_tokens_live_name",
        "identity_tokens",
        [sa.text("lower(name)")],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
