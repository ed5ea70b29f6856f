"""What pages and handlers are given: the workspace, the actor, and the frame around a page."""

from typing import Any
from urllib.parse import parse_qsl

import structlog
from litestar.connection import ASGIConnection
from litestar.types import Scope

from counterpoint.errors import UnauthenticatedError
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import OUR_CUSTOMS, Customs, UnitCustoms
from counterpoint.server.connection import caller_of
from counterpoint.server.identity.model import csrf_token
from counterpoint.web import PageContext
from counterpoint.web.words import TOLD
from counterpoint.workspace import Workspace

__all__ = [
    "Connection",
    "customs_of",
    "organisation",
    "page_context",
    "provide_actor",
    "provide_page",
    "provide_workspace",
    "workspace_of",
]

Connection = ASGIConnection[Any, Any, Any, Any]


def workspace_of(scope: Scope) -> Workspace:
    """The workspace that the application serves."""
    workspace: Workspace = scope["litestar_app"].state.workspace
    return workspace


def page_context(scope: Scope) -> PageContext:
    """The frame of the page that this request asks for."""
    caller = caller_of(scope)
    query = scope.get("query_string", b"").decode("latin-1")
    told = TOLD.get(dict(parse_qsl(query)).get("told", "")) if "told=" in query else None
    customs = customs_of(workspace_of(scope))
    return PageContext(
        workspace_name=workspace_of(scope).settings.name,
        path=scope["path"],
        actor_name=caller.actor.name if caller.actor else "",
        signed_in=caller.via == "session",
        csrf=csrf_token(caller.browser_secret) if caller.browser_secret else "",
        notice=told,
        query=query,
        customs=customs.of(),
        customs_of=customs.of,
    )


def customs_of(workspace: Workspace) -> Customs:
    """The words and practices of every unit of a workspace, kept while it is open."""
    return workspace.keep(Customs, lambda ws: Customs(ws.graph))


def organisation(scope: Scope) -> UnitCustoms:
    """What the whole organisation says and does; our own words where the graph cannot be read."""
    try:
        return customs_of(workspace_of(scope)).of()
    except Exception:
        # Whoever asks is about to answer, often about an error: the answer must not fail for its words.
        structlog.get_logger("counterpoint.server").exception("vocabulary_unreadable")
        return OUR_CUSTOMS


def provide_workspace(scope: Scope) -> Workspace:
    """The dependency `ws`."""
    return workspace_of(scope)


def provide_actor(scope: Scope) -> Actor:
    """The dependency `actor`.

    Raises:
        UnauthenticatedError: nobody is signed in; the guard lets nobody come this far.
    """
    actor = caller_of(scope).actor
    if actor is None:
        raise UnauthenticatedError("Sign in first.")
    return actor


def provide_page(scope: Scope) -> PageContext:
    """The dependency `page`."""
    return page_context(scope)
