"""The pages of reviews, the digest, briefs and one's own week."""

from datetime import timedelta
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets import store
from counterpoint.bets.choosing import wrong_by_field
from counterpoint.bets.reviews import boards, briefs, sittings
from counterpoint.bets.reviews.digest import digest, week_of
from counterpoint.bets.reviews.week import my_week
from counterpoint.errors import InputError
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.moments import today_utc
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, count_of, one_of
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
RECEIPT = "fist_receipt"
"""The cookie that holds the receipt of a vote, in the browser that cast it and nowhere else."""
HELD = 20
"""Past reviews on one page."""
FISTS = (
    ("1", "1: it will not work"),
    ("2", "2: I have strong doubts"),
    ("3", "3: I can live with it"),
    ("4", "4: good"),
    ("5", "5: I am sure of it"),
)


@get("/bets/reviews", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_board(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> str:
    """A board: what a review would talk about now, its cadence, and past reviews."""
    return _board(ws, actor, page, unit, cursor=cursor)


@post("/bets/reviews", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def open_review(ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: Posted) -> Page:
    """Open a review."""
    made = sittings.open_review(ws.graph, one_of(data, "unit"), actor=actor)
    return Redirect(with_query(f"/bets/reviews/{made.id}", told="review-opened"), status_code=303)


@post("/bets/reviews/cadence", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def set_cadence(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Choose how often a board reviews its bets."""
    unit, weeks = one_of(data, "unit"), one_of(data, "weeks")
    try:
        boards.set_cadence(ws.graph, unit, count_of(weeks) or 0, actor=actor)
    except InputError as error:
        return again(_board(ws, actor, page, unit, wrong_by_field(error)))
    return Redirect(with_query("/bets/reviews", unit=unit, told="cadence-kept"), status_code=303)


@get("/bets/reviews/{number:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_review(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[str],
) -> str:
    """One review: its agenda, the fists, the minutes."""
    return _review(ws, actor, page, number)


@post(
    "/bets/reviews/{number:str}/fists",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def vote(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    request: Request[Any, Any, Any],
    number: FromPath[str],
    data: Posted,
) -> Page:
    """Show a fist; the receipt goes into the browser that showed it."""
    text = one_of(data, "fist")
    try:
        receipt = sittings.vote(
            ws.graph,
            number,
            count_of(text) or 0,
            actor=actor,
            receipt=request.cookies.get(RECEIPT, ""),
        )
    except InputError as error:
        return again(_review(ws, actor, page, number, wrong_by_field(error)))
    cookie = Cookie(
        key=RECEIPT,
        value=receipt,
        path=f"/bets/reviews/{number}",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    address = with_query(f"/bets/reviews/{number}", told="fist-shown")
    return Redirect(address, status_code=303, cookies=[cookie])


@post(
    "/bets/reviews/{number:str}/steps",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def step_review(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], number: FromPath[str], data: Posted
) -> Page:
    """Reveal the fists, or close the review."""
    step = sittings.Step.CLOSE if one_of(data, "step") == "close" else sittings.Step.REVEAL
    sittings.advance(ws.graph, number, step, actor=actor)
    return Redirect(with_query(f"/bets/reviews/{number}", told=f"review-{step.value}"), status_code=303)


@get("/bets/digest", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_digest(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    week: FromQuery[str] = "",
    unit: FromQuery[str] = "",
) -> str:
    """What happened in a week."""
    today = today_utc()
    found = digest(ws.graph, week or week_of(today)[0], unit)
    following = week_of(found.end)[0] if found.end <= today else None
    return render(
        page.about(found.board or None),
        "bets/reviews/digest.html",
        found=found,
        unit=unit,
        last=found.end - timedelta(days=1),
        following=following,
        units=store.names_of(ws.graph, "Group"),
    )


@get("/briefs", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_briefs(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    cursor: FromQuery[str | None] = None,
) -> str:
    """All briefs, and the form for a new one."""
    return _briefs(ws, actor, page, cursor=cursor)


@post("/briefs", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def write_brief(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Give context, or show the form again."""
    values = {name: one_of(data, name) for name in ("unit", "title", "text", "readers")}
    try:
        made = briefs.write_brief(
            ws.graph, values["unit"], values["title"], values["text"], values["readers"], actor=actor
        )
    except InputError as error:
        errors = {problem.pointer.strip("/"): problem.message for problem in error.problems}
        return again(_briefs(ws, actor, page, values, errors))
    return Redirect(with_query(f"/briefs/{made.id}", told="brief-given"), status_code=303)


@get("/briefs/{number:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_brief(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[str],
) -> str:
    """One brief, and what was understood."""
    return _brief(ws, actor, page, number)


@post("/briefs/{number:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def answer_brief(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[str],
    data: Posted,
) -> Page:
    """Say what one understood."""
    try:
        briefs.answer(ws.graph, number, one_of(data, "text"), actor=actor)
    except InputError as error:
        return again(_brief(ws, actor, page, number, wrong_by_field(error)))
    return Redirect(with_query(f"/briefs/{number}", told="brief-answered"), status_code=303)


@get("/my-week", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_week(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], page: NamedDependency[PageContext]
) -> str:
    """What waits for the reader, and what changed around them."""
    found = my_week(ws.graph, actor, today_utc())
    with ws.graph.read() as reader:
        titles = reader.titles(found.units)
    return render(page, "bets/reviews/week.html", found=found, titles=titles)


def _board(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    unit: str,
    errors: dict[str, str] | None = None,
    cursor: str | None = None,
) -> str:
    names = store.names_of(ws.graph, "Group")
    if not unit:
        return render(page, "bets/reviews/board.html", board=None, names=names)
    with ws.graph.read() as reader:
        board = boards.require_board(reader, unit)
        cadence = boards.cadence_of(reader, board)
        agenda = sittings.agenda_now(ws.graph, reader, board, today_utc())
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    held = sittings.reviews_page(ws.graph, board.ref, actor=actor, limit=HELD, cursor=cursor)
    newest = (
        held.items
        if cursor is None
        else sittings.reviews_page(ws.graph, board.ref, actor=actor, limit=1).items
    )
    here = with_query("/bets/reviews", unit=unit)
    return render(
        page.about(board.ref),
        "bets/reviews/board.html",
        board=board,
        names=names,
        cadence=cadence,
        agenda=agenda,
        held=held.items,
        next_url=with_query(here, cursor=held.next_cursor) if held.next_cursor else None,
        first_url=here if cursor else None,
        open=next((each for each in newest if each.state is not sittings.ReviewState.CLOSED), None),
        permission=may(actor, "write", board.ref, units=units),
        errors=errors or {},
    )


def _review(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    number: str,
    errors: dict[str, str] | None = None,
) -> str:
    found = sittings.review(ws.graph, number, actor=actor)
    with ws.graph.read() as reader:
        board = boards.require_board(reader, found.board)
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    return render(
        page.about(board.ref),
        "bets/reviews/review.html",
        found=found,
        board=board,
        permission=may(actor, "write", board.ref, units=units),
        choices=FISTS,
        errors=errors or {},
    )


def _briefs(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    cursor: str | None = None,
) -> str:
    with ws.graph.read() as reader:
        found, following = briefs.briefs_of(reader, actor, cursor=cursor)
        titles = reader.titles({ref for each in found for ref in (each.unit, each.readers)})
    return render(
        page,
        "bets/reviews/briefs.html",
        found=found,
        next_url=with_query("/briefs", cursor=following) if following else None,
        first_url="/briefs" if cursor else None,
        titles=titles,
        names=store.names_of(ws.graph, "Group"),
        values={"unit": "", "title": "", "text": "", "readers": ""} | (values or {}),
        errors=errors or {},
    )


def _brief(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    number: str,
    errors: dict[str, str] | None = None,
) -> str:
    found = briefs.brief(ws.graph, number, actor=actor)
    with ws.graph.read() as reader:
        refs = {found.unit, found.readers, *(each.unit for each in found.answers), *found.silent}
        titles = reader.titles(refs)
    return render(
        page.about(found.unit),
        "bets/reviews/brief.html",
        found=found,
        titles=titles,
        person=actor.kind in ("person", "local"),
        errors=errors or {},
    )


pages: list[Any] = [
    show_board,
    open_review,
    set_cadence,
    show_review,
    vote,
    step_review,
    show_digest,
    show_briefs,
    write_brief,
    show_brief,
    answer_brief,
    show_week,
]
