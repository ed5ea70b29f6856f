"""The API of reuse: what is like a text or an entity, likely twins, and what people say about them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import delete, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.catalog.reuse import store
from counterpoint.catalog.reuse.asking import similar_to
from counterpoint.catalog.reuse.model import Judgement, Twins
from counterpoint.catalog.reuse.standing import standing_of
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.web.similar import SimilarThing
from counterpoint.workspace import Workspace

__all__ = ["lifespan", "routes"]

MOST = 50
PAIRS = 500


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Keep the list of likely twins ready while the server runs."""
    standing = standing_of(workspace)
    standing.start()
    try:
        yield
    finally:
        await sync_to_thread(standing.stop)


class SimilarThings(msgspec.Struct, frozen=True):
    """What is near, the most alike first."""

    items: tuple[SimilarThing, ...]


class JudgementInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say about a pair; a dismissal needs a reason."""

    first: str
    second: str
    verdict: str
    reason: str = ""


class Judgements(msgspec.Struct, frozen=True):
    """What was said about pairs, newest first."""

    items: tuple[Judgement, ...]


@get("/api/v1/similar", tags=["reuse"], sync_to_thread=True)
def list_similar(
    ws: NamedDependency[Workspace],
    ref: FromQuery[str] = "",
    title: FromQuery[str] = "",
    text: FromQuery[str] = "",
    kind: FromQuery[list[str] | None] = None,
    owner: FromQuery[str] = "",
    limit: FromQuery[int] = 5,
) -> SimilarThings:
    """Existing things that are like an entity (`ref`), or like what `title` and `text` describe.

    `kind` narrows what is looked for; documentation is among it where `kind` is `Documentation`, or `ref` is
    that of documentation (an entity's, followed by `/docs`). `owner` leaves out what this unit has itself.
    Each comes with the phrases that made the match, its owner and how to reach them.
    """
    check_limit(limit, MOST)
    if ref and (title or text):
        message = "query parameter 'ref' stands for itself; leave 'title' and 'text' out, or 'ref'"
        raise InputError("The request is not valid.", [Problem(message)])
    if not (ref or title.strip() or text.strip()):
        raise InputError(
            "There is nothing to compare.",
            [Problem("give 'ref', or 'title' and 'text' that say what is planned", "/text")],
        )
    found = similar_to(ws, ref=ref, title=title, text=text, kinds=kind or (), owner=owner, limit=limit)
    return SimilarThings(found)


@get("/api/v1/twins", tags=["reuse"], sync_to_thread=True)
def list_twins(
    ws: NamedDependency[Workspace], owner: FromQuery[str] = "", limit: FromQuery[int] = 100
) -> Twins:
    """Pairs of different owners that may be the same, the most alike first; without those that were dismissed."""
    check_limit(limit, PAIRS)
    return store.twins(ws, owner=owner, limit=limit)


@get("/api/v1/twins/judgements", tags=["reuse"], sync_to_thread=True)
def list_judgements(ws: NamedDependency[Workspace], limit: FromQuery[int] = 100) -> Judgements:
    """What people said about pairs, newest first."""
    check_limit(limit, PAIRS)
    return Judgements(tuple(store.judgements(ws, limit=limit)))


@post("/api/v1/twins/judgements", tags=["reuse"], sync_to_thread=True)
def judge_twins(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[JudgementInput]
) -> Judgement:
    """Say that a pair is the same (`confirmed`), or that it is not (`dismissed`, with a reason)."""
    return store.judge(ws, data.first, data.second, data.verdict, data.reason, actor=actor)


@delete("/api/v1/twins/judgements/{judgement:str}", tags=["reuse"], sync_to_thread=True)
def undo_judgement(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], judgement: FromPath[str]
) -> None:
    """Take a judgement back; the pair is on the list again."""
    store.undo(ws, judgement, actor=actor)


routes: list[Any] = [list_similar, list_twins, list_judgements, judge_twins, undo_judgement]
