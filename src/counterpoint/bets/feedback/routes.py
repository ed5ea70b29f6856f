"""The API of feedback from outside."""

from typing import Any, Literal

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.bets.feedback import doors, store
from counterpoint.bets.feedback.kept import Given
from counterpoint.bets.feedback.model import Door, FeedbackState, Source
from counterpoint.bets.feedback.store import FeedbackSeen, Settled
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 500


class FeedbackInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody said; `source` is `email` where the text is a pasted email, of which only the words are kept."""

    unit: str
    text: str
    source: Literal["api", "email"] = "api"
    bet: str | None = None
    giver: str = ""
    contact: str = ""


class OutcomeInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of it; evidence names the bet and the risk that it is evidence about."""

    outcome: Literal["evidence", "idea", "kept", "declined"]
    reply: str = ""
    bet: str | None = None
    risk: Literal["value", "usability", "feasibility", "viability"] = "value"
    direction: Literal["for", "against"] = "for"
    version: str | None = None
    """Of the feedback as it was seen; if somebody has settled it since, nothing is done (409)."""


class DoorInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public form of a unit."""

    unit: str
    title: str
    bet: str | None = None


class MadeDoor(msgspec.Struct, frozen=True):
    """The form, and the path of its public address, which is told this once."""

    door: Door
    path: str


class Doors(msgspec.Struct, frozen=True):
    """Public forms, without their addresses."""

    items: tuple[Door, ...]


@get("/api/v1/feedback", tags=["feedback"], sync_to_thread=True)
def list_received(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    unit: FromQuery[str | None] = None,
    status: FromQuery[FeedbackState | None] = None,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> store.FeedbackPage:
    """The newest feedback; who gave it is told to people of its unit only."""
    check_limit(limit, MOST)
    return store.feedback_page(ws.graph, actor=actor, unit=unit, state=status, limit=limit, cursor=cursor)


@post("/api/v1/feedback", tags=["feedback"], sync_to_thread=True)
def pass_on(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[FeedbackInput]
) -> Given:
    """Pass on what somebody said; the secret in the answer opens `/feedback/status/…` for them."""
    return store.take_in(
        ws.graph,
        data.unit,
        data.text,
        actor=actor,
        source=Source(data.source),
        bet=data.bet,
        giver=data.giver,
        contact=data.contact,
    )


@get("/api/v1/feedback/doors", tags=["feedback"], sync_to_thread=True)
def list_public_forms(ws: NamedDependency[Workspace], actor: NamedDependency[Actor]) -> Doors:
    """The public forms of the caller's units."""
    return Doors(doors.list_doors(ws.graph, actor=actor))


@post("/api/v1/feedback/doors", tags=["feedback"], sync_to_thread=True)
def open_public_form(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[DoorInput]
) -> MadeDoor:
    """Make a public form of a unit."""
    door, secret = doors.open_door(ws.graph, data.unit, data.title, actor=actor, bet=data.bet)
    return MadeDoor(door, f"/feedback/to/{secret}")


@delete("/api/v1/feedback/doors/{door:str}", tags=["feedback"], sync_to_thread=True)
def close_public_form(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], door: FromPath[str]
) -> None:
    """Let a public form take nothing more."""
    doors.close_door(ws.graph, door, actor=actor)


@get("/api/v1/feedback/{feedback:str}", tags=["feedback"], sync_to_thread=True)
def show_received(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], feedback: FromPath[str]
) -> FeedbackSeen:
    """One piece of feedback."""
    return store.read_feedback(ws.graph, feedback, actor=actor)


@post("/api/v1/feedback/{feedback:str}/outcome", tags=["feedback"], sync_to_thread=True)
def settle_received(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    feedback: FromPath[str],
    data: JSONBody[OutcomeInput],
) -> Settled:
    """Say what becomes of it, with a word for whoever gave it."""
    return store.settle(
        ws.graph,
        feedback,
        data.outcome,
        actor=actor,
        reply=data.reply,
        bet=data.bet,
        risk=data.risk,
        direction=data.direction,
        version=data.version,
    )


@delete("/api/v1/feedback/{feedback:str}", tags=["feedback"], sync_to_thread=True)
def erase_received(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], feedback: FromPath[str]
) -> None:
    """Erase it on request, with all that it says of its giver."""
    store.erase(ws.graph, feedback, actor=actor)


routes: list[Any] = [
    list_received,
    pass_on,
    list_public_forms,
    open_public_form,
    close_public_form,
    show_received,
    settle_received,
    erase_received,
]
