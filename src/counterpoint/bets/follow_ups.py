"""Overrides come back: each asks on a day what was learned from it, and keeps the answer. A table that only grows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from counterpoint.bets.required import require_bet
from counterpoint.bets.tables import FOLLOW_UP
from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime

__all__ = ["AFTER", "FollowUp", "ask_again", "follow_ups_of", "learn", "open_ones"]

AFTER = timedelta(days=42)
"""When an override comes back where nobody said when: after six weeks."""
LONGEST = 4_000


class FollowUp(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An override that comes back: recorded, then due, then learned from."""

    bet: str
    decision: str
    due: date
    learned: str = ""
    """What was learned; empty until somebody says."""
    at: datetime
    """When its newest entry was recorded."""
    actor: str

    def state(self, today: date) -> str:
        """`recorded`, `due` or `learned`."""
        return "learned" if self.learned else "due" if self.due <= today else "recorded"


def ask_again(writer: Writer, bet: str, decision: str, due: date) -> None:
    """Let an override come back on a day, in the transaction that records it."""
    _insert(writer, bet, decision, due, None)


def learn(
    graph: Graph, ref: str, decision: str, *, actor: Actor, learned: str = "", due: date | None = None
) -> FollowUp:
    """Say what was learned from an override, or let it come back on another day.

    Raises:
        NotFoundError: there is no such bet, or the decision is no override of it.
        NotAllowedError: the bet belongs to somebody else.
        InputError: neither is given, or the text is too long.
    """
    learned = learned.replace("\x00", "").strip()  # PostgreSQL keeps no NUL
    if not learned and due is None:
        problem = Problem("Say what was learned, or give another day.", "/learned")
        raise InputError("The follow-up cannot be recorded.", [problem])
    if len(learned) > LONGEST:
        problem = Problem(f"The text has {len(learned)} characters; {LONGEST} are the most.", "/learned")
        raise InputError("The follow-up cannot be recorded.", [problem])
    with graph.write(actor) as writer:
        entity = require_bet(writer, ref)
        writer.require_write(entity.ref)
        asked = next(
            (each for each in follow_ups_of(writer, [entity.ref]) if each.decision == decision), None
        )
        if asked is None:
            raise NotFoundError(f"No override {decision!r} of {entity.ref} comes back.")
        return _insert(writer, entity.ref, decision, due or asked.due, learned or None)


def follow_ups_of(reader: Reader, bets: Sequence[str] | None = None) -> tuple[FollowUp, ...]:
    """The overrides of some bets, or of all, each as its newest entry says; those due first come first."""
    query = sa.select(FOLLOW_UP).order_by(FOLLOW_UP.c.seq)
    found: dict[str, FollowUp] = {}
    for part in _parts(bets):
        chosen = query if part is None else query.where(FOLLOW_UP.c.bet.in_(part))
        for row in reader.connection.execute(chosen):
            found[row.decision] = _follow_up(row._mapping)
    return tuple(sorted(found.values(), key=lambda each: (each.due, each.decision)))


def open_ones(follow_ups: Iterable[FollowUp], today: date) -> tuple[FollowUp, ...]:
    """Those that are due and not yet learned from."""
    return tuple(each for each in follow_ups if each.state(today) == "due")


def _parts(bets: Sequence[str] | None) -> Iterable[Sequence[str] | None]:
    if bets is None:
        return [None]
    return [bets[start : start + 500] for start in range(0, len(bets), 500)]


def _insert(writer: Writer, bet: str, decision: str, due: date, learned: str | None) -> FollowUp:
    action = "override.learned" if learned else "override.asked"
    told = {"decision": decision, "due": due.isoformat()}
    entry = writer.record(action, bet, after=told, reason=learned)
    writer.connection.execute(
        sa.insert(FOLLOW_UP).values(
            id=uuid4().hex,
            seq=entry.seq,
            bet=bet,
            at=writer.now,
            actor=entry.actor,
            decision=decision,
            due=due.isoformat(),
            learned=learned,
        )
    )
    return FollowUp(
        bet=bet, decision=decision, due=due, learned=learned or "", at=entry.at, actor=entry.actor
    )


def _follow_up(row: Mapping[Any, Any]) -> FollowUp:
    return FollowUp(
        bet=row["bet"],
        decision=row["decision"],
        due=date.fromisoformat(row["due"]),
        learned=row["learned"] or "",
        at=to_datetime(row["at"]),
        actor=row["actor"],
    )
