"""The catalog's tables, in the graph's database; migration 0004 makes them."""

import sqlalchemy as sa

from counterpoint.graph.tables import INTEGER, TEXT

__all__ = ["LOCATIONS", "PROBLEMS", "ROOTS", "SOURCES"]

METADATA = sa.MetaData()

ROOTS = sa.Table(
    "catalog_roots",
    METADATA,
    sa.Column("target", TEXT, primary_key=True),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("added_at", INTEGER, nullable=False),
    sqlite_strict=True,
)
"""What was imported: a file, folder, pattern or address as it was named, made absolute, and by whom (JSON)."""

LOCATIONS = sa.Table(
    "catalog_locations",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("type", TEXT, nullable=False),
    sa.Column("target", TEXT, nullable=False),
    sa.Column("entity_ref", TEXT, nullable=False),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("added_at", INTEGER, nullable=False),
    sa.UniqueConstraint("type", "target", name="catalog_locations_place"),
    sqlite_strict=True,
)
"""Locations that were registered over the API; `entity_ref` is kept when the target changes."""

SOURCES = sa.Table(
    "catalog_sources",
    METADATA,
    sa.Column("location", TEXT, primary_key=True),
    sa.Column("origin", TEXT, nullable=False),  # the location by which it was reached
    sa.Column(
        "root", TEXT, nullable=False
    ),  # the folder outside of which nothing is read; empty for addresses
    sa.Column("reads", TEXT, nullable=False),  # JSON: what its placeholders take in
    sa.Column("content", TEXT, nullable=False),  # hash of its bytes; empty where it must be read in any case
    sa.Column("stored", TEXT, nullable=False),  # hash of what the graph made of it
    sa.Column("read_at", INTEGER, nullable=False),
    sqlite_strict=True,
)
"""Every file and address that entities were read from."""

PROBLEMS = sa.Table(
    "catalog_problems",
    METADATA,
    sa.Column("location", TEXT, primary_key=True),
    sa.Column("position", INTEGER, primary_key=True),
    sa.Column("level", TEXT, nullable=False),
    sa.Column("code", TEXT, nullable=False),
    sa.Column("ref", TEXT),  # the entity that it is about
    sa.Column("target", TEXT),  # the entity that is missed: the problem is gone as soon as it exists
    sa.Column("pointer", TEXT, nullable=False),
    sa.Column("line", INTEGER),
    sa.Column("column", INTEGER),
    sa.Column("message", TEXT, nullable=False),
    sa.Column("since", INTEGER, nullable=False),
    sqlite_strict=True,
)
"""What is wrong, by the file or address that it is wrong in."""
