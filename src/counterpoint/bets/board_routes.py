"""The API of boards, of what ended bets taught, and of both spaces."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from counterpoint.bets.board import Asked, Board, read_board
from counterpoint.bets.learned import Learned, read_learned
from counterpoint.bets.model import Horizon
from counterpoint.bets.ranking import Move
from counterpoint.bets.ranks import plan, rank
from counterpoint.bets.stages import STAGES, StageGuide
from counterpoint.bets.why import WhyMap, read_map
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["board_routes"]

MOST = 500
"""Bets of a column in one answer."""
SHOWN = 25
"""Bets of a column where nothing is said; after a move as many more as reach to the one that was moved."""


class StageList(msgspec.Struct, frozen=True):
    """The stages of a bet, in their order."""

    items: tuple[StageGuide, ...]


class MoveInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a bet goes: to another horizon, up or down in its column, or before another bet."""

    bet: str
    unit: str = ""
    horizon: Horizon | None = None
    move: Move | None = None
    before: str | None = None


@get("/api/v1/boards", tags=["bets"], sync_to_thread=True)
def read_unit_board(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    unit: FromQuery[str] = "",
    limit: FromQuery[int] = SHOWN,
    horizon: FromQuery[Horizon | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Board:
    """The board of a unit and of everything in it; without a unit that of the one above all others.

    `limit` is how many bets of each column are told at most. Where a column has more, its `nextCursor` goes on with it,
    given back with its `horizon`.
    """
    check_limit(limit, MOST)
    if cursor is not None and horizon is None:
        message = "Say which column goes on: `horizon`."
        raise InputError(message, [Problem(message)])
    asked = Asked(limit=limit, horizon=horizon, cursor=cursor)
    return read_board(ws.graph, unit, actor=actor, asked=asked)


@post("/api/v1/boards/moves", tags=["bets"], sync_to_thread=True, status_code=200)
def move_bet(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[MoveInput]
) -> Board:
    """Move a bet on a board; relative moves are worked out from the order as it is, so that none is lost."""
    if data.horizon is None and data.move is None and data.before is None:
        message = "Say where it goes: `horizon`, `move` or `before`."
        raise InputError(message, [Problem(message, "/move")])
    if data.horizon is not None:
        plan(ws.graph, data.bet, data.horizon, actor=actor)
    if data.move is not None or data.before is not None:
        rank(ws.graph, data.unit, data.bet, actor=actor, move=data.move, before=data.before)
    return read_board(ws.graph, data.unit, actor=actor, asked=Asked(limit=SHOWN, through=data.bet))


@get("/api/v1/bets/learned", tags=["bets"], sync_to_thread=True)
def list_learned(ws: NamedDependency[Workspace], text: FromQuery[str] = "") -> Learned:
    """Bets that have ended with what they taught, overrides that taught something, and survival by stage."""
    return read_learned(ws.graph, words=text)


@get("/api/v1/bets/stages", tags=["bets"], sync_to_thread=False)
def list_stages() -> StageList:
    """The four stages in their order: goal, question to leave it, risks, what it leaves behind, people and cost."""
    return StageList(STAGES)


@get("/api/v1/bets/why", tags=["bets"], sync_to_thread=True)
def read_why(ws: NamedDependency[Workspace], unit: FromQuery[str] = "", bet: FromQuery[str] = "") -> WhyMap:
    """Data, insights, beliefs and bets with what each rests on, of everybody, of a unit, or behind one bet."""
    return read_map(ws.graph, unit=unit, bet=bet)


board_routes: list[Any] = [read_unit_board, move_bet, list_learned, list_stages, read_why]
