"""The API of concerns. Every call asks first what its reader may see; what they may not is not there."""

from datetime import date
from typing import Any

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.bets.concerns import store
from counterpoint.bets.concerns.figures import ConcernFigures
from counterpoint.bets.concerns.model import ConcernState, Move, Naming, Risk
from counterpoint.bets.concerns.raising import Raised, erase_author, raise_concern
from counterpoint.bets.concerns.store import ConcernPage, Seen
from counterpoint.errors import NotAllowedError
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 500
"""Concerns on one page."""


class ConcernInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A concern to raise: one sentence is enough."""

    bet: str
    text: str
    risk: Risk = Risk.DEADLINE
    naming: Naming = Naming.NAMED
    about_on: date | None = None
    publish: bool = False


class AnswerInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A move about a concern; `receipt` takes back one that was raised without a name."""

    move: Move
    text: str = ""
    receipt: str = ""


@get("/api/v1/concerns", tags=["concerns"], sync_to_thread=True)
def list_visible_concerns(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    bet: FromQuery[str | None] = None,
    unit: FromQuery[str | None] = None,
    status: FromQuery[ConcernState | None] = None,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> ConcernPage:
    """The concerns that the caller may see, newest first: all, or those of a bet, or of a unit and its parts."""
    check_limit(limit, MOST)
    return store.concerns_page(
        ws.graph, actor=actor, bet=bet, unit=unit, state=status, limit=limit, cursor=cursor
    )


@post("/api/v1/concerns", tags=["concerns"], sync_to_thread=True)
def raise_a_concern(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[ConcernInput]
) -> Raised:
    """Raise a concern, by name, for the squad, or without a name inside it. The receipt is shown this once."""
    if actor.kind == "service" and data.naming is not Naming.NAMED:
        raise NotAllowedError("A token belongs to no squad; sign in to raise a concern without a name.")
    return raise_concern(
        ws.graph,
        data.bet,
        data.text,
        actor=actor,
        risk=data.risk,
        naming=data.naming,
        about_on=data.about_on,
        publish=data.publish,
    )


@get("/api/v1/concerns/figures", tags=["concerns"], sync_to_thread=True)
def show_concern_figures(
    ws: NamedDependency[Workspace], unit: FromQuery[str | None] = None
) -> ConcernFigures:
    """How early concerns come, how soon they are heard and whether that helps, of a unit; null where they are few."""
    return store.unit_figures(ws.graph, unit)


@get("/api/v1/concerns/{concern:str}", tags=["concerns"], sync_to_thread=True)
def show_a_concern(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], concern: FromPath[str]
) -> Seen:
    """One concern with its answers; 404 also where there is one that the caller may not see."""
    return store.read_concern(ws.graph, concern, actor=actor)


@post("/api/v1/concerns/{concern:str}/answers", tags=["concerns"], sync_to_thread=True)
def answer_a_concern(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    concern: FromPath[str],
    data: JSONBody[AnswerInput],
) -> Seen:
    """Acknowledge, ask, offer help or change a constraint; or, in the squad, reply, offer options, publish, resolve."""
    return store.answer(ws.graph, concern, data.move, data.text, actor=actor, receipt=data.receipt or None)


@delete("/api/v1/concerns/names/{namespace:str}/{name:str}", tags=["concerns"], sync_to_thread=True)
def erase_name(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
) -> None:
    """Take a person's name from all concerns that they raised and answers that they gave."""
    erase_author(ws.graph, f"user:{namespace}/{name}", actor=actor)


routes: list[Any] = [
    list_visible_concerns,
    raise_a_concern,
    show_concern_figures,
    show_a_concern,
    answer_a_concern,
    erase_name,
]
