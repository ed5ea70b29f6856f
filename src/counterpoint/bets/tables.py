"""The tables of this room that only grow, and the order of boards; see migration 0014."""

from typing import Any

from sqlalchemy import Column, MetaData, Table, UniqueConstraint

from counterpoint.graph.tables import INTEGER, REAL, TEXT

__all__ = ["EVIDENCE", "FOLLOW_UP", "METADATA", "RANK", "STANCE"]

METADATA = MetaData()


def _common() -> list[Column[Any]]:
    """What every fact has: its number, its place in the activity log, the bet, when, and who."""
    return [
        Column("id", TEXT, primary_key=True),
        Column("seq", INTEGER, nullable=False, unique=True),
        Column("bet", TEXT, nullable=False),
        Column("at", INTEGER, nullable=False),
        Column("actor", TEXT, nullable=False),
    ]


EVIDENCE = Table(
    "bets_evidence",
    METADATA,
    *_common(),
    Column("risk", TEXT, nullable=False),
    Column("method", TEXT, nullable=False),
    Column("direction", TEXT, nullable=False),
    Column("strength", INTEGER, nullable=False),
    Column("sample", INTEGER),
    Column("cost", REAL),
    Column("date", TEXT, nullable=False),
    Column("link", TEXT, nullable=False),
    Column("note", TEXT, nullable=False),
    Column("source", TEXT),
    Column("corrects", TEXT),
    UniqueConstraint("bet", "source"),
)
"""`source` is what brought it, once for each bet; none where a person wrote it down."""
STANCE = Table(
    "bets_stance",
    METADATA,
    *_common(),
    Column("stage", TEXT, nullable=False),
    Column("side", TEXT, nullable=False),
    Column("answer", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
)
FOLLOW_UP = Table(
    "bets_follow_up",
    METADATA,
    *_common(),
    Column("decision", TEXT, nullable=False),
    Column("due", TEXT, nullable=False),
    Column("learned", TEXT),
)
"""A row without `learned` asks for it on a day, one with it says what was learned; the newest counts."""
RANK = Table(
    "bets_rank",
    METADATA,
    Column("board", TEXT, primary_key=True),
    Column("bet", TEXT, primary_key=True),
    Column("position", INTEGER, nullable=False),
    UniqueConstraint("board", "position"),
)
"""`board` is the reference of the unit; no two bets of a board have one position."""
