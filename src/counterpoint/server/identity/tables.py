"""The tables of identity, in the graph's database; migration 0003 makes them."""

import sqlalchemy as sa

from counterpoint.graph.tables import INTEGER, TEXT

__all__ = ["ACCOUNTS", "SESSIONS", "TOKENS"]

METADATA = sa.MetaData()

ACCOUNTS = sa.Table(
    "identity_accounts",
    METADATA,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("password_hash", TEXT, nullable=False),
    sa.Column("admin", INTEGER, nullable=False),
    sa.Column("created_at", INTEGER, nullable=False),
    sqlite_strict=True,
)
"""`admin` is 0 or 1; times are microseconds since 1970, as everywhere in the graph."""

SESSIONS = sa.Table(
    "identity_sessions",
    METADATA,
    sa.Column("secret_hash", TEXT, primary_key=True),
    sa.Column("account", TEXT, sa.ForeignKey("identity_accounts.name", ondelete="CASCADE"), nullable=False),
    sa.Column("created_at", INTEGER, nullable=False),
    sa.Column("expires_at", INTEGER, nullable=False),
    sqlite_strict=True,
)

TOKENS = sa.Table(
    "identity_tokens",
    METADATA,
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
"""`scopes` are joined by spaces; a name is unique among the tokens that are not revoked."""
