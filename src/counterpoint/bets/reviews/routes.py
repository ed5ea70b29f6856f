"""The API of reviews, the digest, briefs and one's own week."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.bets.reviews import boards, briefs, sittings
from counterpoint.bets.reviews.agenda import Agenda
from counterpoint.bets.reviews.digest import Digest, digest, week_of
from counterpoint.bets.reviews.week import Waiting, my_week
from counterpoint.graph.actor import Actor
from counterpoint.moments import today_utc
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 200
"""Reviews on one page."""


class ReviewInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The unit whose board is reviewed."""

    unit: str


class FistInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One to five fingers; `receipt` changes a vote that was given before."""

    fist: int
    receipt: str = ""


class Receipt(msgspec.Struct, frozen=True):
    """Keep it: it alone can change the vote until the reveal."""

    receipt: str


class ReviewStepInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reveal` or `close`."""

    step: sittings.Step


class CadenceInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many weeks lie between two reviews."""

    unit: str
    weeks: int


class BriefInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Context for a unit and its parts."""

    unit: str
    title: str
    text: str
    readers: str


class AnswerInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one understood."""

    text: str


class ReviewList(msgspec.Struct, frozen=True, rename="camel"):
    """The reviews of a board, newest first, with its cadence and what a review would talk about now."""

    cadence: boards.Cadence
    agenda: Agenda
    items: tuple[sittings.Review, ...]
    next_cursor: str | None = None


class WeekAnswer(msgspec.Struct, frozen=True):
    """What waits for the reader, and what changed in their units."""

    units: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    digests: tuple[Digest, ...]


class BriefList(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the briefs, newest first."""

    items: tuple[briefs.Brief, ...]
    next_cursor: str | None = None


@get("/api/v1/reviews", tags=["bets"], sync_to_thread=True)
def list_reviews(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    unit: FromQuery[str],
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> ReviewList:
    """The reviews of a board, newest first, how often it has them, and what is on the agenda now."""
    check_limit(limit, MOST)
    with ws.graph.read() as reader:
        board = boards.require_board(reader, unit)
        cadence = boards.cadence_of(reader, board)
        agenda = sittings.agenda_now(ws.graph, reader, board, today_utc())
    found = sittings.reviews_page(ws.graph, unit, actor=actor, limit=limit, cursor=cursor)
    return ReviewList(cadence, agenda, found.items, found.next_cursor)


@post("/api/v1/reviews", tags=["bets"], sync_to_thread=True)
def open_review(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[ReviewInput]
) -> sittings.Review:
    """Open a review with the agenda of today."""
    return sittings.open_review(ws.graph, data.unit, actor=actor)


@post("/api/v1/reviews/cadence", tags=["bets"], sync_to_thread=True)
def set_cadence(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[CadenceInput]
) -> boards.Cadence:
    """Choose how often a board reviews its bets."""
    return boards.set_cadence(ws.graph, data.unit, data.weeks, actor=actor)


@get("/api/v1/reviews/{number:str}", tags=["bets"], sync_to_thread=True)
def read_review(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], number: FromPath[str]
) -> sittings.Review:
    """One review; its fists only after the reveal, to members, where at least five voted and not all alike."""
    return sittings.review(ws.graph, number, actor=actor)


@post("/api/v1/reviews/{number:str}/fists", tags=["bets"], sync_to_thread=True)
def vote(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[str],
    data: JSONBody[FistInput],
) -> Receipt:
    """Show one to five fingers in private. No row joins the vote to a person or a moment."""
    return Receipt(sittings.vote(ws.graph, number, data.fist, actor=actor, receipt=data.receipt))


@post("/api/v1/reviews/{number:str}/steps", tags=["bets"], sync_to_thread=True)
def step_review(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[str],
    data: JSONBody[ReviewStepInput],
) -> sittings.Review:
    """Reveal the fists, or close the review; its minutes are what was decided since it was opened."""
    return sittings.advance(ws.graph, number, data.step, actor=actor)


@get("/api/v1/digest", tags=["bets"], sync_to_thread=True)
def read_digest(
    ws: NamedDependency[Workspace], week: FromQuery[str] = "", unit: FromQuery[str] = ""
) -> Digest:
    """What happened in a week (2026-W30; by default this one) to the bets of a unit and its parts, or to all."""
    return digest(ws.graph, week or week_of(today_utc())[0], unit)


@get("/api/v1/briefs", tags=["bets"], sync_to_thread=True)
def list_briefs(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> BriefList:
    """The context briefs, newest first."""
    check_limit(limit, MOST)
    with ws.graph.read() as reader:
        return BriefList(*briefs.briefs_of(reader, actor, limit=limit, cursor=cursor))


@post("/api/v1/briefs", tags=["bets"], sync_to_thread=True)
def write_brief(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[BriefInput]
) -> briefs.Brief:
    """Give context to a unit and its parts; each is asked what they understood."""
    return briefs.write_brief(ws.graph, data.unit, data.title, data.text, data.readers, actor=actor)


@get("/api/v1/briefs/{number:str}", tags=["bets"], sync_to_thread=True)
def read_brief(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], number: FromPath[str]
) -> briefs.Brief:
    """One brief with what was understood; answers name units, not people."""
    return briefs.brief(ws.graph, number, actor=actor)


@post("/api/v1/briefs/{number:str}/answers", tags=["bets"], sync_to_thread=True)
def answer_brief(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[str],
    data: JSONBody[AnswerInput],
) -> briefs.Brief:
    """Say what you understood."""
    return briefs.answer(ws.graph, number, data.text, actor=actor)


@get("/api/v1/my-week", tags=["bets"], sync_to_thread=True)
def read_week(ws: NamedDependency[Workspace], actor: NamedDependency[Actor]) -> WeekAnswer:
    """What waits for the reader, and what changed in their units; nobody else can ask for it."""
    found = my_week(ws.graph, actor, today_utc())
    return WeekAnswer(found.units, found.waiting, found.digests)


routes: list[Any] = [
    list_reviews,
    open_review,
    set_cadence,
    read_review,
    vote,
    step_review,
    read_digest,
    list_briefs,
    write_brief,
    read_brief,
    answer_brief,
    read_week,
]
