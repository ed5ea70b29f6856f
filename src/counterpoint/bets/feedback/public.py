"""What anybody outside may open with a secret: a unit's form, and what became of what they wrote. No account, no cookie of ours kept."""

from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody

from counterpoint.bets.choosing import wrong_by_field
from counterpoint.bets.feedback import doors, store
from counterpoint.bets.feedback.model import OUTCOMES
from counterpoint.errors import InputError, OverloadedError
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, one_of
from counterpoint.workspace import Workspace

__all__ = ["public_pages"]

Posted = URLEncodedBody[dict[str, Any]]
TRAP = "website"
"""A field that people do not see; programs that fill in every field are thanked, and nothing is kept."""


@get("/feedback/to/{secret:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_form(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], secret: FromPath[str]
) -> str:
    """The form."""
    return _form(ws, page, secret, {}, {})


@post("/feedback/to/{secret:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def give(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    request: Request[Any, Any, Any],
    secret: FromPath[str],
    data: Posted,
) -> Response[str]:
    """Take in what was written, and show once where its giver sees what becomes of it."""
    values = {field: one_of(data, field) for field in ("text", "giver", "contact")}
    if one_of(data, TRAP):
        return again(render(page, "bets/feedback/given.html", status=""), status=200)
    try:
        made = doors.give(ws.graph, secret, values["text"], giver=values["giver"], contact=values["contact"])
    except InputError as error:
        errors = wrong_by_field(error)
        return again(_form(ws, page, secret, values, errors))
    except OverloadedError as error:
        return again(_form(ws, page, secret, values, {"text": error.message}), status=error.status)
    return again(
        render(
            page,
            "bets/feedback/given.html",
            status=f"{str(request.base_url).rstrip('/')}/feedback/status/{made.secret}",
        ),
        status=200,
    )


@get("/feedback/status/{secret:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_status(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], secret: FromPath[str]
) -> str:
    """What became of it."""
    status = store.status_of(ws.graph, secret)
    said = OUTCOMES[status.state][1] if status.state in OUTCOMES else "It has arrived, and waits to be read."
    return render(page, "bets/feedback/status.html", status=status, said=page.tell(said), erased=False)


@post(
    "/feedback/status/{secret:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True
)
def erase(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    secret: FromPath[str],
    data: Posted,
) -> Response[str]:
    """Erase it, by whoever gave it."""
    store.erase_own(ws.graph, secret)
    return again(render(page, "bets/feedback/status.html", status=None, said="", erased=True), status=200)


def _form(
    ws: Workspace, page: PageContext, secret: str, values: dict[str, str], errors: dict[str, str]
) -> str:
    door = doors.door_of(ws.graph, secret)
    with ws.graph.read() as reader:
        unit = reader.titles([door.unit]).get(door.unit, door.unit)
    empty = {"text": "", "giver": "", "contact": ""}
    return render(
        page.about(door.unit),
        "bets/feedback/give.html",
        door=door,
        to=unit,
        values=empty | values,
        errors=errors,
        trap=TRAP,
    )


public_pages: list[Any] = [show_form, give, show_status, erase]
