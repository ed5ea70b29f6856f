"""Boards: a unit with the bets of all its parts, and how often it reviews them."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import insert, select

from counterpoint.bets.concerns.viewing import units_within as parts_of
from counterpoint.bets.model import Bet, State, read_bet
from counterpoint.bets.reviews.tables import CADENCES, REVIEWS
from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.moments import to_datetime, to_micros

__all__ = ["Cadence", "bets_of", "cadence_of", "parts_of", "require_board", "set_cadence"]

WEEKS = {"squad": 1, "tribe": 4}
"""How often units of a type review their bets unless they say otherwise; all others each quarter."""
QUARTER = 13
MOST_WEEKS = 104


class Cadence(msgspec.Struct, frozen=True, rename="camel"):
    """How often a board reviews its bets, and when it does so next. It reminds; nothing waits for it."""

    board: str
    weeks: int
    chosen: bool
    """Whether the board has chosen so itself."""
    last: datetime | None
    due: datetime | None
    """None where there was no review yet."""


def require_board(reader: Reader, ref: str) -> Entity:
    """The unit whose board it is.

    Raises:
        NotFoundError: there is none.
    """
    entity = reader.get(parse_ref(ref, default_kind="Group"))
    if entity is None or entity.kind != "Group":
        raise NotFoundError(f"There is no unit {ref}.")
    return entity


def bets_of(reader: Reader, unit: str) -> tuple[Bet, ...]:
    """The active bets of a unit and its parts, by name."""
    parts = parts_of(reader, unit)
    bets = (read_bet(entity) for entity in reader.all(kind="Bet") if entity.owner in parts)
    return tuple(bet for bet in bets if bet.state is State.ACTIVE)


def cadence_of(reader: Reader, board: Entity) -> Cadence:
    """How often a board reviews, and when next."""
    query = select(CADENCES).where(CADENCES.c.board == board.ref).order_by(CADENCES.c.seq.desc()).limit(1)
    row = reader.connection.execute(query).first()
    weeks = row.weeks if row else WEEKS.get(str(board.spec.get("type")), QUARTER)
    newest = select(REVIEWS.c.at).where(REVIEWS.c.board == board.ref).order_by(REVIEWS.c.seq.desc()).limit(1)
    at = reader.connection.execute(newest).scalar()
    last = None if at is None else to_datetime(at)
    return Cadence(board.ref, weeks, row is not None, last, last + timedelta(weeks=weeks) if last else None)


def set_cadence(graph: Graph, unit: str, weeks: int, *, actor: Actor) -> Cadence:
    """Choose how often a board reviews its bets.

    Raises:
        NotFoundError: there is no such unit.
        NotAllowedError: the actor does not belong to it.
        InputError: the number of weeks is not between 1 and 104.
    """
    if not 1 <= weeks <= MOST_WEEKS:
        problem = Problem(f"{weeks} weeks is no cadence; choose from 1 to {MOST_WEEKS}.", "/weeks")
        raise InputError("The cadence cannot be kept.", [problem])
    with graph.write(actor) as writer:
        board = require_board(writer, unit)
        writer.require_write(board.ref)
        activity = writer.record("review.cadence", board.ref, after={"weeks": weeks})
        row = {
            "seq": activity.seq,
            "board": board.ref,
            "weeks": weeks,
            "actor": activity.actor,
            "at": to_micros(activity.at),
        }
        writer.connection.execute(insert(CADENCES).values(row))
        return cadence_of(writer, board)
