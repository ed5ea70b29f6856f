"""The tables of reviews, see migration 0013. All but the fists only grow."""

from sqlalchemy import Column, MetaData, Table

from counterpoint.graph.tables import INTEGER, TEXT

__all__ = ["ANSWERS", "BRIEFS", "CADENCES", "FISTS", "MARKS", "REVIEWS", "STEPS"]

METADATA = MetaData()

REVIEWS = Table(
    "bets_review",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("seq", INTEGER, nullable=False),
    Column("board", TEXT, nullable=False),
    Column("agenda", TEXT, nullable=False),
    Column("salt", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
STEPS = Table(
    "bets_review_step",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("review", TEXT, nullable=False),
    Column("step", TEXT, nullable=False),
    Column("minutes", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
FISTS = Table(
    "bets_review_fist",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("review", TEXT, nullable=False),
    Column("fist", INTEGER, nullable=False),
    Column("receipt", TEXT, nullable=False),
)
"""Ballots: no person, no time, a random id, and no order. `receipt` is a hash, emptied at the reveal."""
MARKS = Table(
    "bets_review_mark",
    METADATA,
    Column("mark", TEXT, primary_key=True),
    Column("review", TEXT, nullable=False),
)
"""Who has voted, one way, with no time and no link to the fist."""
CADENCES = Table(
    "bets_cadence",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("board", TEXT, nullable=False),
    Column("weeks", INTEGER, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
BRIEFS = Table(
    "bets_brief",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("seq", INTEGER, nullable=False),
    Column("unit", TEXT, nullable=False),
    Column("title", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    Column("readers", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
ANSWERS = Table(
    "bets_brief_answer",
    METADATA,
    Column("seq", INTEGER, primary_key=True),
    Column("brief", TEXT, nullable=False),
    Column("person", TEXT, nullable=False),
    Column("unit", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
)
