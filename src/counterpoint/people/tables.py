"""The tables of people, in the graph's database; migration 0005 makes them.

A row says what was believed from `recorded_from` until `recorded_to` (microseconds): rows are added
and closed, never rewritten, so that a correction does not change what was known before it. `from_day`
and `to_day` are ISO dates or moments as text (see `dates`), which sort by time; a missing one is open.
"""

from typing import Any

import sqlalchemy as sa

from counterpoint.graph.tables import INTEGER, REAL, TEXT

__all__ = ["managers", "memberships"]

_METADATA = sa.MetaData()


def _span() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("from_day", TEXT),
        sa.Column("to_day", TEXT),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("recorded_from", INTEGER, nullable=False),
        sa.Column("recorded_to", INTEGER),
    )


memberships = sa.Table(
    "people_memberships",
    _METADATA,
    sa.Column("seq", INTEGER, primary_key=True),
    sa.Column("id", TEXT, nullable=False),
    sa.Column("person", TEXT, nullable=False),
    sa.Column("unit", TEXT, nullable=False),
    sa.Column("role", TEXT, nullable=False),
    sa.Column("share", REAL),
    *_span(),
)

managers = sa.Table(
    "people_managers",
    _METADATA,
    sa.Column("seq", INTEGER, primary_key=True),
    sa.Column("id", TEXT, nullable=False),
    sa.Column("person", TEXT, nullable=False),
    sa.Column("manager", TEXT, nullable=False),
    *_span(),
)
