"""The graph's tables, for SQLite (STRICT) and PostgreSQL alike, and the column types that rooms share.

A version of an entity is valid from `valid_from` until `valid_to`; the present one has no `valid_to`.
Rows are added and closed, never rewritten, so every read can be asked of a past date as well.
Times are microseconds since 1970 in UTC.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

__all__ = [
    "INTEGER",
    "METADATA",
    "REAL",
    "TEXT",
    "activity",
    "decode",
    "encode",
    "posting",
    "relation",
    "revision",
    "status",
    "tag",
]

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that both databases order by code point."""
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A whole number of 64 bits; booleans are 0 and 1, times are microseconds."""
REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
"""A floating-point number of 64 bits."""

METADATA = sa.MetaData()

revision = sa.Table(
    "revision",
    METADATA,
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

tag = sa.Table(
    "tag",
    METADATA,
    sa.Column("value", TEXT, primary_key=True),
    sa.Column("revision", INTEGER, primary_key=True),
    sqlite_strict=True,
)

relation = sa.Table(
    "relation",
    METADATA,
    sa.Column("seq", INTEGER, primary_key=True),
    sa.Column("origin", TEXT, nullable=False),  # the entity whose document makes it
    sa.Column("source", TEXT, nullable=False),
    sa.Column("type", TEXT, nullable=False),
    sa.Column("target", TEXT, nullable=False),
    sa.Column("valid_from", INTEGER, nullable=False),
    sa.Column("valid_to", INTEGER),
    sqlite_strict=True,
)

posting = sa.Table(
    "posting",
    METADATA,
    sa.Column("word", TEXT, primary_key=True),
    sa.Column("revision", INTEGER, primary_key=True),
    sa.Column("rank", INTEGER, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

status = sa.Table(
    "status",
    METADATA,
    sa.Column("ref", TEXT, primary_key=True),
    sa.Column("items", TEXT, nullable=False),  # Backstage's status items as JSON
    sqlite_strict=True,
)

activity = sa.Table(
    "activity",
    METADATA,
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


def encode(value: Any) -> str | None:
    """A JSON value as it is stored; none stays none."""
    return None if value is None else msgspec.json.encode(value).decode()


def decode(text: str | None) -> Any:
    """A stored JSON value."""
    return None if text is None else msgspec.json.decode(text)
