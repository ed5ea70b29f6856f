"""The inbox of feedback: what came in, passing on an email, what becomes of a piece, and a unit's public forms."""

from typing import Any, Literal

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets.choosing import live_bets, units_there, wrong_by_field
from counterpoint.bets.feedback import doors, store
from counterpoint.bets.feedback.model import OUTCOMES, RISKS, FeedbackState, Source
from counterpoint.bets.feedback.public import public_pages
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.ref import parse_ref
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, one_of
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
SHOWN = 50
"""Pieces on one page."""


@get("/feedback", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_inbox(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> str:
    """What came in, what nobody has looked at first."""
    found = store.feedback_page(
        ws.graph, actor=actor, unit=unit or None, limit=SHOWN, cursor=cursor, new_first=True
    )
    new = [each for each in found.items if each.feedback.state is FeedbackState.NEW]
    rest = [each for each in found.items if each.feedback.state is not FeedbackState.NEW]
    here = with_query("/feedback", unit=unit)
    return render(
        page.about(str(parse_ref(unit, default_kind="Group")) if unit else None),
        "bets/feedback/inbox.html",
        groups=[("New", new), ("Looked at", rest)],
        shown=len(found.items),
        next_url=with_query(here, cursor=found.next_cursor) if found.next_cursor else None,
        first_url=here if cursor else None,
        within=unit,
        units=units_there(ws),
    )


@get("/feedback/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_new(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], unit: FromQuery[str] = ""
) -> str:
    """The form for what somebody else said."""
    return _new(ws, page, {"unit": unit}, {})


@post("/feedback/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def take_in(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    request: Request[Any, Any, Any],
    data: Posted,
) -> Page:
    """Keep it, and show the address of its status once."""
    values = {field: one_of(data, field) for field in ("unit", "text", "bet", "giver", "contact")}
    try:
        made = store.take_in(
            ws.graph,
            values["unit"],
            values["text"],
            actor=actor,
            source=Source.EMAIL,
            bet=values["bet"] or None,
            giver=values["giver"],
            contact=values["contact"],
        )
    except InputError as error:
        return again(_new(ws, page, values, wrong_by_field(error)))
    status = f"{str(request.base_url).rstrip('/')}/feedback/status/{made.secret}"
    return again(render(page, "bets/feedback/taken.html", made=made, status=status), status=200)


@get("/feedback/doors", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_doors(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], page: NamedDependency[PageContext]
) -> str:
    """The public forms of the reader's units."""
    return _doors(ws, actor, page, {}, {})


@post("/feedback/doors", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def change_doors(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    request: Request[Any, Any, Any],
    data: Posted,
) -> Page:
    """Make a public form and show its address once, or close one."""
    values = {field: one_of(data, field) for field in ("unit", "title", "bet")}
    if number := one_of(data, "close"):
        doors.close_door(ws.graph, number, actor=actor)
        return Redirect(with_query("/feedback/doors", told="door-closed"), status_code=303)
    try:
        _door, secret = doors.open_door(
            ws.graph, values["unit"], values["title"], actor=actor, bet=values["bet"] or None
        )
    except InputError as error:
        return again(_doors(ws, actor, page, values, wrong_by_field(error)))
    except NotAllowedError as error:
        return again(_doors(ws, actor, page, values, {"unit": error.message}), status=403)
    return again(
        _doors(ws, actor, page, {}, {}, made=f"{str(request.base_url).rstrip('/')}/feedback/to/{secret}"),
        status=200,
    )


@get("/feedback/{feedback:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_feedback(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    feedback: FromPath[str],
) -> str:
    """One piece, and what its unit may make of it."""
    return _one(ws, actor, page, feedback, {}, {})


@post("/feedback/{feedback:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def settle(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    feedback: FromPath[str],
    data: Posted,
) -> Page:
    """Say what becomes of it, or erase it."""
    if one_of(data, "erase"):
        store.erase(ws.graph, feedback, actor=actor)
        return Redirect(with_query("/feedback", told="feedback-erased"), status_code=303)
    values = {
        field: one_of(data, field) for field in ("outcome", "reply", "bet", "risk", "direction", "version")
    }
    direction: Literal["for", "against"] = "against" if values["direction"] == "against" else "for"
    try:
        store.settle(
            ws.graph,
            feedback,
            values["outcome"],
            actor=actor,
            reply=values["reply"],
            bet=values["bet"] or None,
            risk=values["risk"] or RISKS[0],
            direction=direction,
            version=values["version"] or None,
        )
    except InputError as error:
        return again(_one(ws, actor, page, feedback, values, wrong_by_field(error)))
    except (ConflictError, NotAllowedError, NotFoundError) as error:
        values = {} if isinstance(error, ConflictError) else values  # what stands now is to be looked at
        return again(_one(ws, actor, page, feedback, values, {"": error.message}), status=error.status)
    return Redirect(with_query(f"/feedback/{feedback}", told="feedback-settled"), status_code=303)


def _one(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    number: str,
    values: dict[str, str],
    errors: dict[str, str],
) -> str:
    seen = store.read_feedback(ws.graph, number, actor=actor)
    held = seen.feedback
    outcome = FeedbackState.EVIDENCE if held.state is FeedbackState.NEW else held.state
    start = {
        "outcome": outcome.value,
        "reply": held.reply,
        "bet": held.became or held.bet or "",
        "risk": RISKS[0],
    }
    page = page.about(seen.feedback.unit)
    return render(
        page,
        "bets/feedback/feedback.html",
        seen=seen,
        feedback=seen.feedback,
        outcomes=[(state.value, page.tell(label)) for state, (label, _) in OUTCOMES.items()],
        risks=RISKS,
        bets=live_bets(ws),
        values=start | {"direction": "for"} | values,
        errors=errors,
    )


def _new(ws: Workspace, page: PageContext, values: dict[str, str], errors: dict[str, str]) -> str:
    empty = dict.fromkeys(("unit", "text", "bet", "giver", "contact"), "")
    return render(
        page,
        "bets/feedback/new.html",
        values=empty | values,
        errors=errors,
        units=units_there(ws),
        bets=live_bets(ws),
    )


def _doors(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    values: dict[str, str],
    errors: dict[str, str],
    *,
    made: str = "",
) -> str:
    units = units_there(ws)
    return render(
        page,
        "bets/feedback/doors.html",
        doors=doors.list_doors(ws.graph, actor=actor),
        titles=dict(units),
        values={"unit": "", "title": "", "bet": ""} | values,
        errors=errors,
        units=units,
        bets=live_bets(ws),
        made=made,
    )


pages: list[Any] = [
    show_inbox,
    show_new,
    take_in,
    show_doors,
    change_doors,
    show_feedback,
    settle,
    *public_pages,
]
