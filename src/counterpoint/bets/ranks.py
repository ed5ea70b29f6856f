"""The order of boards in the graph: reading it, and moving a bet in one transaction."""

from collections.abc import Iterable

import sqlalchemy as sa

from counterpoint.bets.model import Horizon, read_bet
from counterpoint.bets.ranking import Move, ordered, placed
from counterpoint.bets.required import require_bet
from counterpoint.bets.tables import RANK
from counterpoint.bets.units import below, bets_in, require_order, unit_of
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer

__all__ = ["plan", "rank", "ranks_of"]


def ranks_of(reader: Reader, board: str) -> dict[str, int]:
    """The positions on a board, by bet; those of bets that have left it are there too, and do no harm."""
    query = sa.select(RANK.c.bet, RANK.c.position).where(RANK.c.board == board)
    return {row.bet: row.position for row in reader.connection.execute(query)}


def rank(
    graph: Graph,
    unit: str,
    bet: str,
    *,
    actor: Actor,
    move: Move | str | None = None,
    before: str | None = None,
) -> tuple[str, ...]:
    """Move a bet within its column of a unit's board; the order of the whole board afterwards.

    `move` is up, down, top or bottom, `before` the bet that it should stand before. Both are worked out
    from the order as it is when the transaction begins, so that of two people who move bets at once
    neither undoes the other.

    Raises:
        NotFoundError: there is no such unit or bet.
        NotAllowedError: the order of the board belongs to others.
        InputError: there is no such move, or one of the bets is not on the board or not in the column.
    """
    wanted = _move(move) if move is not None else None
    if (wanted is None) == (before is None):
        raise InputError("Say where it goes: either a move, or the bet that it should stand before.")
    with graph.write(actor) as writer:
        entity = unit_of(writer, unit)
        require_order(writer, entity, actor)
        moved = require_bet(writer, bet).ref
        target = str(parse_ref(before, default_kind="Bet")) if before is not None else None
        horizons = {
            each.ref: read.planned
            for each in bets_in(writer, below(writer, entity))
            if not (read := read_bet(each)).state.closed
        }
        held = ranks_of(writer, entity.ref)
        order = ordered(horizons, held)
        try:
            after = placed(order, moved, horizons, move=wanted, before=target)
        except ValueError as error:
            place = "/before" if target and str(error).startswith(target) else "/bet"
            raise InputError("The order was not changed.", [Problem(f"{error}.", place)]) from None
        if after != order or not held.keys() >= horizons.keys():
            _store(writer, entity.ref, after)
        if after != order:
            told = {"board": entity.ref, "position": after.index(moved) + 1}
            writer.record("bet.ranked", moved, before={"position": order.index(moved) + 1}, after=told)
        return tuple(after)


def plan(graph: Graph, bet: str, horizon: Horizon | str, *, actor: Actor) -> None:
    """Say in which horizon the owner means to work on a bet.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the bet belongs to somebody else.
        InputError: there is no such horizon.
    """
    try:
        wanted = Horizon(horizon)
    except ValueError:
        choices = ", ".join(Horizon)
        problem = Problem(f"{horizon!r} is no horizon; choose one of {choices}.", "/horizon")
        raise InputError("The bet was not moved.", [problem]) from None
    with graph.write(actor) as writer:
        entity = require_bet(writer, bet)
        writer.put({**entity.document, "spec": {**entity.spec, "horizon": wanted.value}})


def _move(move: Move | str) -> Move:
    try:
        return Move(move)
    except ValueError:
        problem = Problem(f"{move!r} is no move; choose one of {', '.join(Move)}.", "/move")
        raise InputError("The order was not changed.", [problem]) from None


def _store(writer: Writer, board: str, order: Iterable[str]) -> None:
    connection = writer.connection
    connection.execute(sa.delete(RANK).where(RANK.c.board == board))
    rows = [{"board": board, "bet": bet, "position": at} for at, bet in enumerate(order)]
    if rows:
        connection.execute(sa.insert(RANK), rows)
