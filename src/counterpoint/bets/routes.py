"""The API of bets: descriptors in, bets with their line of sight out, and decisions."""

from datetime import date
from typing import Any

import msgspec
from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.bets import store
from counterpoint.bets.board_routes import board_routes
from counterpoint.bets.decisions import decide, decisions
from counterpoint.bets.evidence_routes import evidence_routes
from counterpoint.bets.line import Line
from counterpoint.bets.model import Decision, Stage
from counterpoint.bets.required import bet_ref
from counterpoint.bets.transitions import Choice
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.web.etags import IfMatch, etag_header, read_etags
from counterpoint.web.similar import SimilarThing, like_new
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 200
"""Bets on one page."""


class DecisionInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A decision to record; a reason is asked for only where it is an override."""

    choice: Choice
    reason: str = ""
    to: Stage | None = None
    learned: str = ""
    """What was learned, for a bet that ends; it is kept in the bet's own text."""
    follow_up_on: date | None = None
    """The day on which an override comes back; after six weeks where it is left out."""
    seen: str | None = None
    """The id of the newest decision that was seen, empty where there was none; if there is a newer one, nothing is done (409)."""


class DecisionList(msgspec.Struct, frozen=True):
    """The decisions about one bet, newest first."""

    items: tuple[Decision, ...]


class NewLine(Line, frozen=True, kw_only=True, rename="camel"):
    """A bet that was made just now, with its line."""

    similar: tuple[SimilarThing, ...] = ()
    """What another owner bets on already that is very near."""


@get("/api/v1/bets", tags=["bets"], sync_to_thread=True)
def list_bets(
    ws: NamedDependency[Workspace],
    owner: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> store.BetPage:
    """Bets in the order of their names, each with its line of sight; `owner` is a reference of a unit."""
    check_limit(limit, MOST)
    return store.list_bets(ws.graph, owner=owner, limit=limit, cursor=cursor, sent=ws.journal.types())


@post("/api/v1/bets", tags=["bets"], sync_to_thread=True)
def create_bet(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[dict[str, Any]]
) -> Response[NewLine]:
    """Store a new bet from its descriptor, the same as in YAML; `similar` tells what is very near to it."""
    line = store.write(ws.graph, data, actor=actor, new=True)
    with ws.graph.read() as reader:
        entity = reader.require(line.bet.ref)
    made = NewLine(**msgspec.structs.asdict(line), similar=like_new(ws, entity))
    headers = etag_header(line.bet.etag)
    headers["Location"] = f"/api/v1/bets/{line.bet.namespace}/{line.bet.name}"
    return Response(made, status_code=201, headers=headers)


@get("/api/v1/bets/{namespace:str}/{name:str}", tags=["bets"], sync_to_thread=True)
def read_bet(ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]) -> Response[Line]:
    """One bet with its line from purpose to decision; its version is in the header `ETag`."""
    return _answer(store.read(ws.graph, bet_ref(namespace, name), sent=ws.journal.types()))


@put("/api/v1/bets/{namespace:str}/{name:str}", tags=["bets"], sync_to_thread=True)
def write_bet(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[dict[str, Any]],
    if_match: IfMatch = None,
) -> Response[Line]:
    """Store a bet from its descriptor; with `If-Match` only if it still has that version."""
    ref = bet_ref(namespace, name)
    return _answer(store.write(ws.graph, data, actor=actor, ref=ref, if_match=read_etags(if_match)))


@get("/api/v1/bets/{namespace:str}/{name:str}/decisions", tags=["bets"], sync_to_thread=True)
def list_decisions(
    ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]
) -> DecisionList:
    """The decisions about a bet, newest first, each with what was known that day."""
    return DecisionList(decisions(ws.graph, bet_ref(namespace, name)))


@post("/api/v1/bets/{namespace:str}/{name:str}/decisions", tags=["bets"], sync_to_thread=True)
def record_decision(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[DecisionInput],
) -> Decision:
    """Record a decision. Nothing is refused to the owner; an override asks for a reason."""
    return decide(
        ws.graph,
        bet_ref(namespace, name),
        data.choice,
        actor=actor,
        reason=data.reason,
        to=data.to,
        learned=data.learned,
        follow_up_on=data.follow_up_on,
        seen=data.seen,
        sent=ws.journal.types(),
    )


def _answer(line: Line) -> Response[Line]:
    return Response(line, headers=etag_header(line.bet.etag))


routes: list[Any] = [
    list_bets,
    create_bet,
    read_bet,
    write_bet,
    list_decisions,
    record_decision,
    *evidence_routes,
    *board_routes,
]
