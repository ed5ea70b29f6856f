"""The tables of identity, in the graph's database; migration 0003 makes them."""

from datetime import UTC, datetime

import sqlalchemy as sa

__all__ = ["ACCOUNTS", "SESSIONS", "TOKENS", "from_text", "to_text"]

METADATA = sa.MetaData()

ACCOUNTS = sa.Table(
    "identity_accounts",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("admin", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
)

SESSIONS = sa.Table(
    "identity_sessions",
    METADATA,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, sa.ForeignKey("identity_accounts.name", ondelete="CASCADE"), nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
)

TOKENS = sa.Table(
    "identity_tokens",
    METADATA,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
    sa.Column("last_used_at", sa.Text),
    sa.Column("revoked_at", sa.Text),
)
"""`scopes` are joined by spaces; a name is unique among the tokens that are not revoked."""


def to_text(moment: datetime) -> str:
    """A moment as the database keeps it: RFC 3339 in UTC, so that the order of texts is that of time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """The moment that a text from the database means."""
    return datetime.fromisoformat(text)
