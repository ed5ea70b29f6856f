"""The recorded decisions about bets: a table that only grows; see migration 0002."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, MetaData, Table, insert, select

from counterpoint.bets.model import Decision, Known, Stage, State
from counterpoint.graph.reader import Reader
from counterpoint.graph.search import words_of
from counterpoint.graph.tables import INTEGER, TEXT
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, to_micros

__all__ = ["DECISIONS", "DECISION_WORDS", "decisions_by_bet", "decisions_of", "insert_decision"]

DECISIONS = Table(
    "bets_decisions",
    MetaData(),
    Column("id", TEXT, primary_key=True),
    Column("seq", INTEGER, nullable=False, unique=True),
    Column("bet", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("choice", TEXT, nullable=False),
    Column("stage_before", TEXT, nullable=False),
    Column("stage_after", TEXT, nullable=False),
    Column("state_before", TEXT, nullable=False),
    Column("state_after", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("override", INTEGER, nullable=False),
    Column("known", TEXT, nullable=False),
)
"""`seq` is the number of the decision in the activity log, `known` a JSON value; see migration 0002."""


DECISION_WORDS = Table(
    "bets_decision_word",
    MetaData(),
    Column("word", TEXT, primary_key=True),
    Column("seq", INTEGER, primary_key=True),
)
"""The words of choice and reason, by which the log is searched; see migration 0019."""
MOST_WORDS = 5_000


def decisions_of(reader: Reader, ref: str) -> tuple[Decision, ...]:
    """The decisions about the bet with this canonical reference, newest first; those of a deleted one too."""
    rows = reader.connection.execute(
        select(DECISIONS).where(DECISIONS.c.bet == ref).order_by(DECISIONS.c.seq.desc())
    )
    return tuple(_decision(row._mapping) for row in rows)


def decisions_by_bet(reader: Reader, bets: Sequence[str]) -> dict[str, tuple[Decision, ...]]:
    """The decisions about each of the bets that has any, newest first."""
    found: dict[str, list[Decision]] = defaultdict(list)
    for start in range(0, len(bets), 500):
        query = select(DECISIONS).where(DECISIONS.c.bet.in_(bets[start : start + 500]))
        for row in reader.connection.execute(query.order_by(DECISIONS.c.seq.desc())):
            found[row.bet].append(_decision(row._mapping))
    return {bet: tuple(rows) for bet, rows in found.items()}


def insert_decision(writer: Writer, decision: Decision, seq: int) -> None:
    """Keep a decision, with its number in the activity log."""
    writer.connection.execute(insert(DECISIONS).values(_row(decision, seq)))
    words = list(dict.fromkeys(words_of(f"{decision.choice} {decision.reason}")))[:MOST_WORDS]
    writer.insert(DECISION_WORDS, ("word", "seq"), [(word, seq) for word in words])


def _row(decision: Decision, seq: int) -> dict[str, Any]:
    plain = {field: getattr(decision, field) for field in Decision.__struct_fields__}
    stages = {
        field: plain[field].value for field in ("stage_before", "stage_after", "state_before", "state_after")
    }
    return (
        plain
        | stages
        | {
            "seq": seq,
            "at": to_micros(decision.at),
            "override": int(decision.override),
            "known": msgspec.json.encode(decision.known).decode(),
        }
    )


def _decision(row: Mapping[Any, Any]) -> Decision:
    return Decision(
        id=row["id"],
        bet=row["bet"],
        at=to_datetime(row["at"]),
        actor=row["actor"],
        choice=row["choice"],
        stage_before=Stage(row["stage_before"]),
        stage_after=Stage(row["stage_after"]),
        state_before=State(row["state_before"]),
        state_after=State(row["state_after"]),
        reason=row["reason"],
        override=bool(row["override"]),
        known=msgspec.json.decode(row["known"], type=Known),
    )
