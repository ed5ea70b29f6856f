"""The page of a board: reading it, moving a bet up or down, and from one horizon to another, without scripts."""

from typing import Any

from litestar import MediaType, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets.board import Asked, read_board
from counterpoint.bets.model import Horizon, Mix
from counterpoint.bets.ranks import plan, rank
from counterpoint.errors import InputError
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.web.charts.bars import Bar, share_bar
from counterpoint.web.forms import again, one_of
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["board_pages"]

HORIZON_WORDS = {
    Horizon.NOW: ("Now", "Being worked on"),
    Horizon.NEXT: ("Next", "Looked at when something ends"),
    Horizon.LATER: ("Later", "Kept in mind"),
}
MIX_WORDS = {Mix.GROW: "Grow", Mix.RUN: "Run", Mix.EXPLORE: "Explore", "": "Not said"}
FEW = 25
"""Cards of a column that are shown until somebody asks for all: a page of a thousand is read by nobody."""
VOICES = {Mix.GROW: 1, Mix.RUN: 3, Mix.EXPLORE: 4, "": 5}


@get("/bets/board", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_board(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
    moved: FromQuery[str] = "",
    did: FromQuery[str] = "",
    every: FromQuery[str] = "",
) -> str:
    """Now, Next and Later of a unit; `moved` and `did` keep the focus where it was after a move.

    A long column is cut after its first `FEW` cards, or after the one that was moved, unless `every` asks for all.
    """
    return _board(ws, actor, page, unit, moved=moved, did=did, every=bool(every))


@post("/bets/board", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def move_on_board(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: URLEncodedBody[dict[str, Any]],
) -> Any:
    """Move a bet within its column, or to another horizon, and show the board again."""
    unit, bet, horizon, move, before = (
        one_of(data, name) for name in ("unit", "bet", "horizon", "move", "before")
    )
    try:
        if horizon:
            plan(ws.graph, bet, horizon, actor=actor)
        if before or not horizon:
            rank(ws.graph, unit, bet, actor=actor, move=None if before else move, before=before or None)
    except InputError as error:
        told = [problem.message for problem in error.problems] or [error.message]
        return again(_board(ws, actor, page, unit, error=" ".join(told)))
    # No fragment: with one, browsers leave the focus to it and not to what asks for it.
    address = with_query("/bets/board", unit=unit, moved=bet, did=horizon or move)
    return Redirect(address, status_code=303)


def _board(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    unit: str,
    *,
    moved: str = "",
    did: str = "",
    every: bool = False,
    error: str = "",
) -> str:
    asked = Asked() if every else Asked(limit=FEW, through=moved)
    board = read_board(ws.graph, unit, actor=actor, asked=asked)
    with ws.graph.read() as reader:
        titles = reader.titles({each.bet for each in board.due})
    active = sum(share.count for share in board.mix)
    bars = [
        Bar(
            page.tell(MIX_WORDS[share.mix]),
            share.count,
            f"{share.count} of {active}",
            voice=VOICES[share.mix],
        )
        for share in board.mix
        if share.count
    ]
    return render(
        page.about(board.unit.ref),
        "bets/board.html",
        board=board,
        words=HORIZON_WORDS,
        horizons=list(Horizon),
        mix=share_bar(bars, title=page.tell("Active bets by what they are for")) if bars else None,
        titles=titles,
        moved=moved,
        did=did,
        error=error,
    )


board_pages: list[Any] = [show_board, move_on_board]
