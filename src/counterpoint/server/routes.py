"""HTTP of the server itself: status, the activity log with its stream, and the static files."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import ServerSentEvent
from litestar.types import ASGIApp

from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import hidden_actions
from counterpoint.paging import check_limit
from counterpoint.server.live import ActivityItem, activity_item
from counterpoint.server.static import StaticFiles
from counterpoint.server.status import health, metrics, ready
from counterpoint.web import STATIC
from counterpoint.workspace import Workspace

__all__ = ["asgi_apps", "routes"]

MOST = 500
"""Entries on one page of the log."""


class ActivityPage(msgspec.Struct, frozen=True, rename="camel"):
    """A page of the activity log, newest first."""

    items: list[ActivityItem]
    next_cursor: str | None = None


@get("/api/v1/activity", tags=["activity"], sync_to_thread=True)
def list_activity(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    subject: FromQuery[str | None] = None,
    action: FromQuery[str | None] = None,
    by: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> ActivityPage:
    """Every change in the workspace, newest first: who, what, when, before and after.

    `subject` is an entity reference, `action` such as `entity.created`, `by` the reference of who did it.
    Accounts, sessions and tokens are shown to administrators only.
    """
    check_limit(limit, MOST)
    before = sequence(cursor, "query parameter 'cursor'")
    with ws.graph.read() as reader:
        entries = reader.activity(
            subject=subject,
            action=action,
            actor=by,
            before=before,
            hidden=hidden_actions(actor),
            limit=limit + 1,
        )
    following = str(entries[limit - 1].seq) if len(entries) > limit else None
    return ActivityPage([activity_item(entry) for entry in entries[:limit]], following)


@get("/api/v1/activity/stream", tags=["activity"], media_type="text/event-stream")
async def stream_activity(request: Request[Any, Any, Any], actor: NamedDependency[Actor]) -> ServerSentEvent:
    """The log as server-sent events of the type `activity`; `Last-Event-ID` continues where a client stopped."""
    after = sequence(request.headers.get("last-event-id"), "header 'Last-Event-ID'")
    return ServerSentEvent(request.app.state.live.stream(after, hidden=hidden_actions(actor)))


def sequence(text: str | None, what: str) -> int | None:
    """The number of an entry, as a cursor or an event id holds it.

    Raises:
        InputError: it is no such number.
    """
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InputError(
            "The request is not valid.", [Problem(f"{what} is {text!r}, must be one that an answer named")]
        )
    return int(text)


def asgi_apps(_: Workspace) -> dict[str, ASGIApp]:
    """The files of the design system, beside litestar."""
    return {"/static": StaticFiles("/static", STATIC)}


routes: list[Any] = [health, ready, metrics, list_activity, stream_activity]
