"""Context briefs: what everybody should know, and the question "What did you understand?"."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import uuid4

import msgspec
from sqlalchemy import insert, select

from counterpoint.bets.reviews.boards import parts_of, require_board
from counterpoint.bets.reviews.tables import ANSWERS, BRIEFS
from counterpoint.errors import InputError, NotAllowedError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.handover import RETIRED
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.moments import to_datetime, to_micros
from counterpoint.paging import cursor_of, read_cursor

__all__ = ["Answer", "Brief", "answer", "brief", "briefs_of", "unread_briefs", "write_brief"]

LONGEST, LONGEST_TITLE = 20_000, 200
SOMEBODY = Actor("system:default/briefs", "Somebody", "system", admin=True)
"""Stands in the activity log for whoever answers: a name there would be joined to the words by the brief and the day."""


class Answer(msgspec.Struct, frozen=True):
    """What somebody understood, in their words. It names their unit, and not them."""

    unit: str
    text: str
    on: date
    """The day; the moment would tell who it was beside anything else that they did then."""


class Brief(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A context brief as its reader sees it."""

    id: str
    unit: str
    """Who gives the context."""
    title: str
    text: str
    readers: str
    """The unit for whose people it is, with its parts."""
    at: datetime
    answers: tuple[Answer, ...]
    """The newest of each person, in the order of the units and then of the words."""
    mine: str
    """The reader's own answer."""
    silent: tuple[str, ...]
    """Parts of the readers' unit from which nobody has answered."""


def write_brief(graph: Graph, unit: str, title: str, text: str, readers: str, *, actor: Actor) -> Brief:
    """Give context to a unit and its parts.

    Raises:
        NotFoundError: there is no such unit.
        NotAllowedError: the actor does not belong to the unit that gives it.
        InputError: a text is missing or too long.
    """
    title, text = " ".join(title.split()), text.strip()
    problems = []
    if not title or len(title) > LONGEST_TITLE:
        problems.append(Problem(f"Write a title of at most {LONGEST_TITLE} characters.", "/title"))
    if not text or len(text) > LONGEST:
        problems.append(Problem(f"Write what they should know, in at most {LONGEST:,} characters.", "/text"))
    if problems:
        raise InputError("The brief cannot be given.", problems)
    with graph.write(actor) as writer:
        giver, receiver = require_board(writer, unit).ref, require_board(writer, readers).ref
        writer.require_write(giver)
        number = uuid4().hex
        told = {"id": number, "title": title, "readers": receiver}
        activity = writer.record("brief.given", giver, after=told)
        row = {
            "id": number,
            "seq": activity.seq,
            "unit": giver,
            "title": title,
            "text": text,
            "readers": receiver,
            "actor": activity.actor,
            "at": to_micros(activity.at),
        }
        writer.connection.execute(insert(BRIEFS).values(row))
        return _require(writer, number, actor)


def answer(graph: Graph, number: str, text: str, *, actor: Actor) -> Brief:
    """Say what one understood; said again, the newest counts.

    Raises:
        NotFoundError: there is no such brief.
        NotAllowedError: the actor is no person.
        InputError: there is no text, or it is too long.
    """
    text = text.strip()
    if not text or len(text) > LONGEST:
        problem = Problem(f"Write what you understood, in at most {LONGEST:,} characters.", "/text")
        raise InputError("The answer cannot be kept.", [problem])
    if actor.kind not in ("person", "local"):
        raise NotAllowedError(f"{actor.name} is no person; people understand.")
    with graph.write(SOMEBODY) as writer:
        found = _require(writer, number, actor)
        unit = _unit_of(writer, found.readers, actor)
        activity = writer.record("brief.answered", found.unit, after={"id": number})
        row = {
            "seq": activity.seq,
            "brief": number,
            "person": actor.ref,
            "unit": unit,
            "text": text,
            "at": to_micros(activity.at),
        }
        writer.connection.execute(insert(ANSWERS).values(row))
        return _require(writer, number, actor)


def brief(graph: Graph, number: str, *, actor: Actor) -> Brief:
    """One brief.

    Raises:
        NotFoundError: there is none.
    """
    with graph.read() as reader:
        return _require(reader, number, actor)


def briefs_of(
    reader: Reader, actor: Actor, *, limit: int = 50, cursor: str | None = None
) -> tuple[tuple[Brief, ...], str | None]:
    """A page of the briefs, newest first, and the cursor of the next.

    Raises:
        InputError: the cursor is none of this list.
    """
    query = select(BRIEFS.c.id, BRIEFS.c.seq).order_by(BRIEFS.c.seq.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(BRIEFS.c.seq < read_cursor(cursor, tuple[int])[0])
    rows = reader.connection.execute(query).all()
    following = cursor_of(rows[limit - 1].seq) if len(rows) > limit else None
    return tuple(_require(reader, row.id, actor) for row in rows[:limit]), following


def unread_briefs(
    reader: Reader, actor: Actor, units: Collection[str], *, limit: int = 50
) -> tuple[tuple[str, str], ...]:
    """Number and title of the newest briefs for these units to which the actor has not answered."""
    answered = select(ANSWERS.c.brief).where(ANSWERS.c.person == actor.ref)
    query = (
        select(BRIEFS.c.id, BRIEFS.c.title)
        .where(BRIEFS.c.readers.in_(sorted(units)), BRIEFS.c.id.not_in(answered))
        .order_by(BRIEFS.c.seq.desc())
        .limit(limit)
    )
    return tuple((row.id, row.title) for row in reader.connection.execute(query))


def _require(reader: Reader, number: str, actor: Actor) -> Brief:
    row = reader.connection.execute(select(BRIEFS).where(BRIEFS.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"There is no brief {number}.")
    query = select(ANSWERS).where(ANSWERS.c.brief == number).order_by(ANSWERS.c.seq)
    newest = {each.person: each for each in reader.connection.execute(query)}
    answers = sorted(newest.values(), key=lambda each: (each.unit, each.text))
    heard = {each.unit for each in answers}
    parts = parts_of(reader, row.readers)
    entities = reader.get_many(parts - {row.readers} or parts)
    leaves = {ref for ref, each in entities.items() if each.spec.get("lifecycle") != RETIRED}
    return Brief(
        id=row.id,
        unit=row.unit,
        title=row.title,
        text=row.text,
        readers=row.readers,
        at=to_datetime(row.at),
        answers=tuple(Answer(each.unit, each.text, to_datetime(each.at).date()) for each in answers),
        mine=newest[actor.ref].text if actor.ref in newest else "",
        silent=tuple(sorted(leaves - heard)),
    )


def _unit_of(reader: Reader, readers: str, actor: Actor) -> str:
    """The unit that an answer names: the actor's own among those asked, else the one that was asked."""
    parts = parts_of(reader, readers)
    mine = sorted((reader.units_of(actor.ref) | actor.units) & parts)
    entities = reader.get_many(mine)
    # The lowest: one that no other of the actor's units is a part of.
    above = {ref for each in entities.values() for ref in each.targets("childOf")}
    return next((ref for ref in mine if ref not in above), readers)
