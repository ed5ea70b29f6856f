"""The tables of scorecards, in the graph's database; migration 0006 makes them.

A row holds from `valid_from` until `valid_to` (microseconds since 1970, UTC); the present one has no end.
"""

import sqlalchemy as sa

from counterpoint.graph.tables import INTEGER, METADATA, TEXT

__all__ = ["fact", "outcome"]

outcome = sa.Table(
    "scorecards_outcome",
    METADATA,
    sa.Column("scorecard", TEXT, primary_key=True),
    sa.Column("ref", TEXT, primary_key=True),
    sa.Column("valid_from", INTEGER, primary_key=True, autoincrement=False),
    sa.Column("valid_to", INTEGER),
    sa.Column("owner", TEXT),
    sa.Column("outcomes", TEXT, nullable=False),  # the outcome of each check as a JSON object
    sqlite_strict=True,
)

fact = sa.Table(
    "scorecards_fact",
    METADATA,
    sa.Column("ref", TEXT, primary_key=True),
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("valid_from", INTEGER, primary_key=True, autoincrement=False),
    sa.Column("valid_to", INTEGER),
    sa.Column("value", TEXT, nullable=False),  # JSON
    sa.Column("measured", INTEGER, nullable=False),
    sa.Column("source", TEXT),
    sa.Column("actor", TEXT, nullable=False),
    sqlite_strict=True,
)
