"""The tables of judgement; they only grow, see migrations 0013 and 0017."""

import sqlalchemy as sa
from sqlalchemy import Column, MetaData, Table

from counterpoint.graph.tables import INTEGER, TEXT

__all__ = ["ESTIMATES", "PREDICTIONS", "QUESTIONS", "STEPS"]

NUMBER = sa.Float().with_variant(sa.REAL(), "sqlite")
METADATA = MetaData()

ESTIMATES = Table(
    "bets_estimate",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("bet", TEXT, nullable=False),
    Column("quantity", TEXT, nullable=False),
    Column("p10", NUMBER, nullable=False),
    Column("p50", NUMBER, nullable=False),
    Column("p90", NUMBER, nullable=False),
    Column("unit", TEXT, nullable=False),
    Column("note", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
"""`seq` is, in every table here, the number of the change in the activity log."""
QUESTIONS = Table(
    "bets_prediction_question",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("seq", INTEGER, nullable=False),
    Column("bet", TEXT, nullable=False),
    Column("question", TEXT, nullable=False),
    Column("reveal_on", TEXT, nullable=False),
    Column("resolves_on", TEXT, nullable=False),
    Column("quantity", TEXT, nullable=False),
    Column("unit", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
PREDICTIONS = Table(
    "bets_prediction",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("question", TEXT, nullable=False),
    Column("person", TEXT, nullable=False),
    Column("p", NUMBER, nullable=False),
    Column("low", NUMBER, nullable=True),
    Column("high", NUMBER, nullable=True),
)
"""Where a question asks for a range, `p` is its middle. Whose it is serves the person alone: to give it again, and to see their own."""
STEPS = Table(
    "bets_prediction_step",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("question", TEXT, nullable=False),
    Column("step", TEXT, nullable=False),
    Column("outcome", INTEGER, nullable=True),
    Column("amount", NUMBER, nullable=True),
    Column("note", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
