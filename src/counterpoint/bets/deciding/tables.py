"""The tables of decisions; they only grow, see migration 0013."""

from sqlalchemy import Column, MetaData, Table

from counterpoint.graph.tables import INTEGER, TEXT

__all__ = ["ADVICE", "BOUNDARIES", "RECORDS", "STEPS"]

METADATA = MetaData()

RECORDS = Table(
    "bets_record",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("number", INTEGER, nullable=False),
    Column("version", INTEGER, nullable=False),
    Column("unit", TEXT, nullable=False),
    Column("bet", TEXT, nullable=False),
    Column("content", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
"""A row for each version of what a decision says; `content` is JSON, `seq` the number in the activity log."""
STEPS = Table(
    "bets_record_step",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("number", INTEGER, nullable=False),
    Column("step", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("by_number", INTEGER, nullable=True),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
"""`by_number` names the decision that superseded this one."""
ADVICE = Table(
    "bets_record_advice",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("number", INTEGER, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("whom", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    Column("stance", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
BOUNDARIES = Table(
    "bets_boundary",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("unit", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
