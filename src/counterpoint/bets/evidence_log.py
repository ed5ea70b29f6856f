"""The evidence log of bets: a table that only grows, beside what flows in by itself."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from counterpoint.bets.evidence import Direction, Evidence, EvidenceInput, Method, checked, standing
from counterpoint.bets.helping import require_help
from counterpoint.bets.inflow import flowing
from counterpoint.bets.model import Risk
from counterpoint.bets.required import require_bet
from counterpoint.bets.tables import EVIDENCE
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, to_micros, today_utc

__all__ = ["add_evidence", "evidence_of", "read_evidence", "take_in"]

ADDED = "evidence.added"


def add_evidence(
    graph: Graph, ref: str, given: EvidenceInput, *, actor: Actor, today: date | None = None
) -> Evidence:
    """Record evidence about a bet and tell the activity log.

    `given.source` makes it safe to repeat: the second time the evidence of that source is returned as it
    was recorded first. The part before `#` names the thing that it came from; a later reading of the
    same thing (`experiment:default/weekly#2` after `#1`) takes the place of the earlier one.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the actor is neither of the owner, nor of a contributor, nor the sponsor.
        InputError: a value is out of its range, or the evidence that it corrects is not of this bet.
    """
    filled = checked(given, today or today_utc())
    with graph.write(actor) as writer:
        entity = require_bet(writer, ref)
        require_help(writer, entity)
        if filled.source:
            held = next((row for row in _rows(writer, [entity.ref]) if row.source == filled.source), None)
            if held is not None:
                return held
        if filled.corrects and filled.corrects not in {row.id for row in _rows(writer, [entity.ref])}:
            problem = Problem(
                f"There is no evidence {filled.corrects!r} of this bet in the log; leave it out, or take a number from the list.",
                "/corrects",
            )
            raise InputError("The evidence cannot be recorded.", [problem])
        return _record(writer, entity.ref, filled)


def read_evidence(graph: Graph, ref: str) -> tuple[Evidence, ...]:
    """All evidence about a bet, newest first, with what was corrected or replaced.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        entity = require_bet(reader, ref)
        return evidence_of(reader, [entity]).get(entity.ref, ())


def evidence_of(reader: Reader, bets: Sequence[Entity]) -> dict[str, tuple[Evidence, ...]]:
    """All evidence about each of the bets, newest first: what was recorded, and what flows in by itself.

    See `evidence.standing` for the part that counts.
    """
    found: dict[str, dict[str, Evidence]] = defaultdict(dict)
    for row in _rows(reader, [bet.ref for bet in bets]):
        found[row.bet][row.source or row.id] = row
    for bet, rows in flowing(reader, bets).items():
        for row in rows:
            found[bet].setdefault(row.source, row)
    return {
        bet: tuple(sorted(rows.values(), key=lambda row: (row.date, row.at, row.id), reverse=True))
        for bet, rows in found.items()
    }


def take_in(writer: Writer, entity: Entity) -> tuple[Evidence, ...]:
    """Write down what has flowed in and counts, so that a decision keeps what it saw; the evidence that counts."""
    kept = []
    recorded = {row.source for row in _rows(writer, [entity.ref])}
    for row in standing(evidence_of(writer, [entity]).get(entity.ref, ())):
        new = row.source and row.source not in recorded
        kept.append(_insert(writer, row) if new else row)
    return tuple(kept)


def _record(writer: Writer, bet: str, given: EvidenceInput) -> Evidence:
    fields = {name: getattr(given, name) for name in EvidenceInput.__struct_fields__}
    at = to_datetime(writer.now)
    return _insert(writer, Evidence(**fields, id=uuid4().hex, bet=bet, at=at, actor=writer.actor.ref))


def _insert(writer: Writer, row: Evidence) -> Evidence:
    told = {
        "evidence": row.id,
        "risk": row.risk.value,
        "method": row.method.value,
        "direction": row.direction.value,
        "strength": row.strength,
    }
    entry = writer.record(ADDED, row.bet, after=told | ({"source": row.source} if row.source else {}))
    plain = {name: getattr(row, name) for name in Evidence.__struct_fields__}
    values = plain | {
        "seq": entry.seq,
        "at": to_micros(row.at),
        "date": row.date.isoformat(),
        "risk": row.risk.value,
        "method": row.method.value,
        "direction": row.direction.value,
        "source": row.source or None,
        "corrects": row.corrects or None,
    }
    writer.connection.execute(sa.insert(EVIDENCE).values(values))
    return row


def _rows(reader: Reader, bets: Iterable[str]) -> list[Evidence]:
    wanted = list(bets)
    found = []
    for start in range(0, len(wanted), 500):
        query = sa.select(EVIDENCE).where(EVIDENCE.c.bet.in_(wanted[start : start + 500]))
        found += [
            _evidence(row._mapping) for row in reader.connection.execute(query.order_by(EVIDENCE.c.seq))
        ]
    return found


def _evidence(row: Mapping[Any, Any]) -> Evidence:
    return Evidence(
        id=row["id"],
        bet=row["bet"],
        risk=Risk(row["risk"]),
        method=Method(row["method"]),
        direction=Direction(row["direction"]),
        strength=row["strength"],
        sample=row["sample"],
        cost=row["cost"],
        date=date.fromisoformat(row["date"]),
        link=row["link"],
        note=row["note"],
        at=to_datetime(row["at"]),
        actor=row["actor"],
        source=row["source"] or "",
        corrects=row["corrects"] or "",
    )
