"""Reviews as they are held: opened with an agenda, a fist of five in private, closed with minutes that are decisions.

A fist is a ballot: no row of it names a person or a moment, what was voted is shown only to members of the board and
only where at least five voted and not all alike, and no role sees more.
"""

import hashlib
import secrets
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import delete, insert, select, update

from counterpoint.bets.deciding.placing import decided_since
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.decision_log import DECISIONS
from counterpoint.bets.reviews.agenda import Agenda, agenda
from counterpoint.bets.reviews.beside import points_of
from counterpoint.bets.reviews.boards import parts_of, require_board
from counterpoint.bets.reviews.fists import SHOWN_FROM, released
from counterpoint.bets.reviews.gathering import facts_of
from counterpoint.bets.reviews.tables import FISTS, MARKS, REVIEWS, STEPS
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.moments import to_datetime, to_micros, today_utc
from counterpoint.paging import cursor_of, read_cursor
from counterpoint.said import Said

__all__ = [
    "SHOWN_FROM",
    "Minute",
    "Review",
    "ReviewPage",
    "ReviewState",
    "Step",
    "advance",
    "agenda_now",
    "open_review",
    "review",
    "reviews_of",
    "reviews_page",
    "vote",
]

NOBODY = Actor("system:default/reviews", "Review", "system", admin=True)
"""Writes a vote: its moment and its voter are in no log."""


class ReviewState(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    REVEALED = "revealed"
    CLOSED = "closed"


class Step(StrEnum):
    """What moves a review."""

    REVEAL = "reveal"
    CLOSE = "close"


ALLOWED = {
    (ReviewState.OPEN, Step.REVEAL): ReviewState.REVEALED,
    (ReviewState.OPEN, Step.CLOSE): ReviewState.CLOSED,
    (ReviewState.REVEALED, Step.CLOSE): ReviewState.CLOSED,
}


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the minutes: a decision that was made while the review was open."""

    title: str
    chosen: str
    reason: str
    href: str
    """Its page; the reference of a bet where it is about one."""


class Review(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A review as its reader may see it."""

    id: str
    board: str
    state: ReviewState
    opened_at: datetime
    agenda: Agenda
    """As it was when the review was opened."""
    voted: int
    fists: tuple[int, ...] | None = None
    """How many showed one to five fingers; none before the reveal, below `SHOWN_FROM`, where all showed the same,
    and for who is no member."""
    fists_note: Said = ""
    minutes: tuple[Minute, ...] = ()
    """While it is open, what was decided so far."""
    member: bool = False
    has_voted: bool = False


class ReviewPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the reviews of a board."""

    items: tuple[Review, ...]
    next_cursor: str | None = None


def agenda_now(graph: Graph, reader: Reader, board: Entity, today: date) -> Agenda:
    """The agenda that a review of the board would have today."""
    points = points_of(graph, reader, parts_of(reader, board.ref), board.ref, today)
    return agenda(facts_of(graph, reader, board, today), today, points)


def open_review(graph: Graph, unit: str, *, actor: Actor, today: date | None = None) -> Review:
    """Open a review of a board, with the agenda of today.

    Raises:
        NotFoundError: there is no such unit.
        NotAllowedError: the actor does not belong to it.
        ConflictError: a review of this board is open already.
    """
    with graph.write(actor) as writer:
        board = require_board(writer, unit)
        writer.require_write(board.ref)
        if _is_open(writer, board.ref):
            raise ConflictError("A review of this board is open; close it first.")
        found = agenda_now(graph, writer, board, today or today_utc())
        number = uuid4().hex
        activity = writer.record("review.opened", board.ref, after={"id": number, "points": len(found.items)})
        row = {
            "id": number,
            "seq": activity.seq,
            "board": board.ref,
            "agenda": msgspec.json.encode(found).decode(),
            "salt": secrets.token_hex(16),
            "actor": activity.actor,
            "at": to_micros(activity.at),
        }
        writer.connection.execute(insert(REVIEWS).values(row))
        return _require(writer, number, actor)


def vote(graph: Graph, number: str, fist: int, *, actor: Actor, receipt: str = "") -> str:
    """Show one to five fingers: how confident the actor is in the plan. Returns the receipt that changes it.

    Raises:
        NotFoundError: there is no such review.
        NotAllowedError: the actor is no member of the board.
        ConflictError: it was revealed, or the actor has voted and gives no receipt of that vote.
        InputError: it is no number from 1 to 5.
    """
    if not 1 <= fist <= 5:
        raise InputError(
            "The vote cannot be taken.", [Problem(f"{fist} is no fist of five; show 1 to 5.", "/fist")]
        )
    with graph.write(NOBODY) as writer:
        row = _row(writer, number)
        if not _is_member(writer, row.board, actor):
            raise NotAllowedError(f"{actor.name} is no member of {row.board}; its members vote.")
        if _state(writer, number) is not ReviewState.OPEN:
            raise ConflictError("The fists were revealed; open another review to vote again.")
        mark, connection = _mark(row.salt, number, actor), writer.connection
        held = connection.execute(select(MARKS).where(MARKS.c.review == number)).all()
        fists = connection.execute(select(FISTS).where(FISTS.c.review == number)).all()
        rows = [
            {"id": each.id, "review": number, "fist": each.fist, "receipt": each.receipt} for each in fists
        ]
        if any(each.mark == mark for each in held):
            rows = [each for each in rows if not receipt or each["receipt"] != _hash(receipt)]
            if len(rows) == len(fists):
                raise ConflictError(
                    "You have voted. The browser that you voted with can change it until the reveal; nobody else can, since no vote is joined to a person."
                )
        receipt = secrets.token_urlsafe(24)
        rows.append({"id": uuid4().hex, "review": number, "fist": fist, "receipt": _hash(receipt)})
        marks = {each.mark for each in held} | {mark}
        # All are written anew in the order of chance, so that the order of rows tells nothing.
        for each in rows:
            each["id"] = uuid4().hex
        connection.execute(delete(FISTS).where(FISTS.c.review == number))
        connection.execute(delete(MARKS).where(MARKS.c.review == number))
        connection.execute(insert(FISTS), sorted(rows, key=lambda each: str(each["id"])))
        connection.execute(insert(MARKS), [{"mark": each, "review": number} for each in sorted(marks)])
        return receipt


def advance(graph: Graph, number: str, step: Step, *, actor: Actor) -> Review:
    """Reveal the fists, or close the review: its minutes are what was decided since it was opened.

    Raises:
        NotFoundError: there is no such review.
        NotAllowedError: the actor does not belong to its unit.
        ConflictError: there is no such step from where it stands.
    """
    with graph.write(actor) as writer:
        row = _row(writer, number)
        writer.require_write(row.board)
        after = ALLOWED.get((_state(writer, number), step))
        if after is None:
            raise ConflictError("The review is past that; open another one.")
        minutes = _minutes(writer, row) if step is Step.CLOSE else ()
        told = {"id": number} | ({"decisions": len(minutes)} if step is Step.CLOSE else {})
        activity = writer.record(f"review.{after.value}", row.board, after=told)
        kept = {
            "seq": activity.seq,
            "review": number,
            "step": step.value,
            "minutes": msgspec.json.encode(minutes).decode(),
            "actor": activity.actor,
            "at": to_micros(activity.at),
        }
        writer.connection.execute(insert(STEPS).values(kept))
        # Receipts are dropped: from now on no browser can show which ballot was its own.
        writer.connection.execute(update(FISTS).where(FISTS.c.review == number).values(receipt=""))
        return _require(writer, number, actor)


def review(graph: Graph, number: str, *, actor: Actor) -> Review:
    """One review, as the actor may see it.

    Raises:
        NotFoundError: there is none.
    """
    with graph.read() as reader:
        return _require(reader, number, actor)


def reviews_of(graph: Graph, unit: str, *, actor: Actor) -> tuple[Review, ...]:
    """The newest reviews of a board, newest first.

    Raises:
        NotFoundError: there is no such unit.
    """
    return reviews_page(graph, unit, actor=actor).items


def reviews_page(
    graph: Graph, unit: str, *, actor: Actor, limit: int = 50, cursor: str | None = None
) -> ReviewPage:
    """A page of the reviews of a board, newest first.

    Raises:
        NotFoundError: there is no such unit.
        InputError: the cursor is none of this list.
    """
    with graph.read() as reader:
        query = select(REVIEWS).where(REVIEWS.c.board == require_board(reader, unit).ref)
        if cursor is not None:
            query = query.where(REVIEWS.c.seq < read_cursor(cursor, tuple[int])[0])
        query = query.order_by(REVIEWS.c.seq.desc()).limit(limit + 1)
        rows = reader.connection.execute(query).all()
        following = cursor_of(rows[limit - 1].seq) if len(rows) > limit else None
        return ReviewPage(tuple(_shown(reader, row, actor) for row in rows[:limit]), following)


def _is_open(reader: Reader, board: str) -> bool:
    """Whether a review of the board is open: only the newest may be."""
    query = select(REVIEWS.c.id).where(REVIEWS.c.board == board).order_by(REVIEWS.c.seq.desc()).limit(1)
    newest = reader.connection.execute(query).scalar()
    return newest is not None and _state(reader, newest) is not ReviewState.CLOSED


def _require(reader: Reader, number: str, actor: Actor) -> Review:
    return _shown(reader, _row(reader, number), actor)


def _row(reader: Reader, number: str) -> Any:
    row = reader.connection.execute(select(REVIEWS).where(REVIEWS.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"There is no review {number}.")
    return row


def _steps(reader: Reader, number: str) -> list[Any]:
    query = select(STEPS).where(STEPS.c.review == number).order_by(STEPS.c.seq)
    return list(reader.connection.execute(query))


def _state(reader: Reader, number: str) -> ReviewState:
    state = ReviewState.OPEN
    for row in _steps(reader, number):
        state = ALLOWED.get((state, Step(row.step)), state)
    return state


def _shown(reader: Reader, row: Any, actor: Actor) -> Review:
    """The one place where fists are counted for a reader."""
    state = _state(reader, row.id)
    marks = set(reader.connection.execute(select(MARKS.c.mark).where(MARKS.c.review == row.id)).scalars())
    member = _is_member(reader, row.board, actor)
    closing = next((step for step in _steps(reader, row.id) if step.step == Step.CLOSE.value), None)
    minutes = (
        msgspec.json.decode(closing.minutes, type=tuple[Minute, ...]) if closing else _minutes(reader, row)
    )
    fists, note = _counts(reader, row.id, state, member=member)
    return Review(
        id=row.id,
        board=row.board,
        state=state,
        opened_at=to_datetime(row.at),
        agenda=msgspec.json.decode(row.agenda, type=Agenda),
        voted=len(marks),
        fists=fists,
        fists_note=note,
        minutes=minutes,
        member=member,
        has_voted=_mark(row.salt, row.id, actor) in marks,
    )


def _counts(
    reader: Reader, number: str, state: ReviewState, *, member: bool
) -> tuple[tuple[int, ...] | None, Said]:
    if state is ReviewState.OPEN:
        return None, "Nobody sees a fist before the reveal."
    if not member:
        return None, "The fists are for those who were asked; others read what was decided."
    return released(
        reader.connection.execute(select(FISTS.c.fist).where(FISTS.c.review == number)).scalars().all()
    )


def _minutes(reader: Reader, row: Any) -> tuple[Minute, ...]:
    """What was decided since the review was opened: about bets of the board, and in records that name it."""
    parts = parts_of(reader, row.board)
    wanted = (DECISIONS.c.bet, DECISIONS.c.choice, DECISIONS.c.reason)
    about = reader.connection.execute(
        select(*wanted).where(DECISIONS.c.seq > row.seq).order_by(DECISIONS.c.seq)
    ).all()
    bets = reader.get_many({each.bet for each in about})
    found = [
        Minute(title=bets[each.bet].title, chosen=each.choice, reason=each.reason, href=each.bet)
        for each in about
        if each.bet in bets and bets[each.bet].owner in parts
    ]
    for record in reversed(records_of(reader, decided_since(reader, row.at))):
        decided, content = record.decided, record.content
        if decided and (
            content.review == row.id or (content.unit in parts and to_micros(decided.at) > row.at)
        ):
            chosen = content.chosen if decided.step.value == "accept" else "rejected"
            found.append(
                Minute(
                    title=content.title,
                    chosen=chosen,
                    reason=decided.reason or content.because,
                    href=f"/decisions/{record.number}",
                )
            )
    return tuple(found)


def _is_member(reader: Reader, board: str, actor: Actor) -> bool:
    """Whether the actor belongs to the board's unit; being an administrator makes nobody a member."""
    if actor.kind not in ("person", "local"):
        return False
    return board in reader.units_of(actor.ref) or board in actor.units


def _mark(salt: str, number: str, actor: Actor) -> str:
    return hashlib.sha256(f"{salt}:{number}:{actor.ref}".encode()).hexdigest()


def _hash(receipt: str) -> str:
    return hashlib.sha256(receipt.encode()).hexdigest()
