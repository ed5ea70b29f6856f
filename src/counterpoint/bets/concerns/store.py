"""Raising concerns, answering them, and reading those that one may see.

Nothing here tells who raised a nameless concern: no column, no entry of the activity log, no moment finer than a
day. An entry is written only about what everybody may see, and says neither the concern nor the answer.
"""

import hmac
from collections.abc import Iterable
from datetime import date

import msgspec
import sqlalchemy as sa

from counterpoint.bets.concerns.figures import ConcernFigures, figures_of
from counterpoint.bets.concerns.model import (
    SQUAD_MOVES,
    Answer,
    Concern,
    ConcernState,
    Move,
    Naming,
    Viewer,
    may_make,
    sees,
    state_after,
)
from counterpoint.bets.concerns.raising import LONGEST, require_write
from counterpoint.bets.concerns.tables import (
    OPEN,
    after_place,
    answers,
    concerns,
    of_units,
    place_of,
    read_concerns,
    row_of,
)
from counterpoint.bets.concerns.viewing import units_within, viewer_of
from counterpoint.bets.given import given_text, given_word, hashed
from counterpoint.errors import ConflictError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer
from counterpoint.moments import today_utc
from counterpoint.paging import cursor_of, read_cursor

__all__ = [
    "ConcernMark",
    "ConcernPage",
    "Seen",
    "answer",
    "concern_marks",
    "concern_marks_of",
    "concerns_page",
    "list_concerns",
    "open_concerns",
    "read_concern",
    "unit_figures",
]

_BATCH = 100
"""Concerns that are read at once, some of which the reader may not see."""
PRESET = "Thank you for telling us."
"""What an acknowledgement says where it says nothing else."""
TOLD = {
    Move.ACKNOWLEDGE: "concern.acknowledged",
    Move.ASK: "concern.asked",
    Move.OFFER_HELP: "concern.helped",
    Move.CHANGE_CONSTRAINT: "concern.eased",
    Move.REPLY: "concern.replied",
    Move.OFFER_OPTIONS: "concern.options",
    Move.PUBLISH: "concern.published",
    Move.RESOLVE: "concern.resolved",
    Move.WITHDRAW: "concern.withdrawn",
}
"""What the activity log says of each move, once everybody sees the concern."""


class Seen(msgspec.Struct, frozen=True, rename="camel"):
    """A concern as one reader sees it."""

    concern: Concern
    released: bool
    """Whether everybody sees it by now."""
    moves: tuple[Move, ...]
    inside: bool
    """Whether the reader belongs to the squad."""
    titles: dict[str, str] = {}
    """What the bet, the units and the people in it are called."""


class ConcernPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the concerns that one reader may see, newest first."""

    items: tuple[Seen, ...]
    next_cursor: str | None = None


class ConcernMark(msgspec.Struct, frozen=True, rename="camel"):
    """What a board shows beside a bet: how many concerns that its reader may see are open, and unheard."""

    open: int
    waiting: int
    """Open ones that nobody outside has answered."""


def list_concerns(
    graph: Graph,
    *,
    actor: Actor,
    bet: str | None = None,
    unit: str | None = None,
    state: ConcernState | None = None,
    only_open: bool = False,
    today: date | None = None,
) -> tuple[Seen, ...]:
    """The concerns that the actor may see, newest first: all, or those of a bet, or of a unit and its parts."""
    return concerns_page(
        graph, actor=actor, bet=bet, unit=unit, state=state, only_open=only_open, limit=None, today=today
    ).items


def concerns_page(
    graph: Graph,
    *,
    actor: Actor,
    bet: str | None = None,
    unit: str | None = None,
    state: ConcernState | None = None,
    limit: int | None = 100,
    cursor: str | None = None,
    open_first: bool = False,
    only_open: bool = False,
    today: date | None = None,
) -> ConcernPage:
    """A page of the same; what the actor may not see neither fills it nor shows by where it ends.

    With `open_first` those that are closed come after all others, with `only_open` they are left out.

    Raises:
        InputError: the cursor is none of this list.
    """
    day = today or today_utc()
    with graph.read() as reader:
        conditions = [] if bet is None else [concerns.c.bet == str(parse_ref(bet, default_kind="Bet"))]
        if state is not None:
            conditions.append(concerns.c.state == state.value)
        if only_open:
            conditions.append(OPEN)
        if unit is not None:
            conditions.append(of_units(units_within(reader, str(parse_ref(unit, default_kind="Group")))))
        viewer = viewer_of(reader, actor, day)
        place = None if cursor is None else read_cursor(cursor, tuple[int, str, str])
        batch = None if limit is None else max(limit + 1, _BATCH)
        found: list[Concern] = []
        while limit is None or len(found) <= limit:
            after = [] if place is None else [after_place(place, open_first=open_first)]
            some = read_concerns(reader, *conditions, *after, limit=batch, open_first=open_first)
            found += [each for each in some if sees(viewer, each, day)]
            if batch is None or len(some) < batch:
                break
            place = place_of(some[-1], open_first=open_first)
        shown = found if limit is None else found[:limit]
        more = len(found) > len(shown)
        following = cursor_of(*place_of(shown[-1], open_first=open_first)) if more else None
        return ConcernPage(_seen(reader, viewer, shown, day), following)


def open_concerns(reader: Reader, actor: Actor, today: date) -> tuple[Seen, ...]:
    """The open concerns that the actor may see, newest first, in an open transaction."""
    viewer = viewer_of(reader, actor, today)
    found = read_concerns(reader, OPEN)
    return _seen(reader, viewer, [each for each in found if sees(viewer, each, today)], today)


def read_concern(
    graph: Graph, number: str, *, actor: Actor, receipt: str | None = None, today: date | None = None
) -> Seen:
    """One concern.

    Raises:
        NotFoundError: there is none, or none that the actor may see; nobody is told which.
    """
    day = today or today_utc()
    with graph.read() as reader:
        viewer = viewer_of(reader, actor, day)
        concern = _require(reader, viewer, number, day)
        return _seen(reader, viewer, [concern], day, holds_receipt=_holds(reader, number, receipt))[0]


def answer(
    graph: Graph,
    number: str,
    move: Move | str,
    text: str = "",
    *,
    actor: Actor,
    receipt: str | None = None,
    today: date | None = None,
) -> Seen:
    """Make a move about a concern: those outside acknowledge, ask, help or ease; the squad replies and offers options.

    Raises:
        ConflictError: the concern is closed.
        InputError: there is no such move, or it lacks its text.
        NotAllowedError: the move is not the actor's to make.
        NotFoundError: there is no such concern that the actor may see.
    """
    day = today or today_utc()
    wanted = given_word(Move, move, "/move")
    words = given_text(text, LONGEST, "/text", wanted=_WANTED.get(wanted, ""))
    if wanted is Move.ACKNOWLEDGE and not words:
        words = PRESET
    require_write(actor)
    with graph.read() as reader:
        voice = _voice(
            reader, _require(reader, viewer_of(reader, actor, day), number, day), actor, wanted, day
        )
    with graph.write(voice) as writer:
        viewer = viewer_of(writer, actor, day)
        concern = _require(writer, viewer, number, day)
        if concern.state.closed:
            raise ConflictError(
                f"The concern is {concern.state.value} already; raise another one if there is more to say."
            )
        holds = _holds(writer, number, receipt)
        if wanted not in may_make(viewer, concern, holds_receipt=holds):
            raise NotAllowedError(_whose(concern, wanted))
        changed = _answered(concern, wanted, words, voice, viewer, day)
        _keep(writer, changed)
        if concern.naming is not Naming.ANONYMOUS or voice is actor:
            _tell(writer, changed, wanted, day)
    return read_concern(graph, number, actor=actor, receipt=receipt, today=day)


def concern_marks(
    graph: Graph, bets: Iterable[str], viewer: Actor, *, today: date | None = None
) -> dict[str, ConcernMark]:
    """For each bet with open concerns that the viewer may see, how many; others tell nothing, not even a count."""
    with graph.read() as reader:
        return concern_marks_of(reader, bets, viewer, today=today)


def concern_marks_of(
    reader: Reader, bets: Iterable[str], viewer: Actor, *, today: date | None = None
) -> dict[str, ConcernMark]:
    """The same in an open transaction."""
    day = today or today_utc()
    wanted = sorted(set(bets))
    if not wanted:
        return {}
    found: dict[str, ConcernMark] = {}
    reading = viewer_of(reader, viewer, day)
    for start in range(0, len(wanted), 500):
        here = concerns.c.bet.in_(wanted[start : start + 500])
        for each in read_concerns(reader, here, OPEN):
            if sees(reading, each, day):
                before = found.get(each.bet, ConcernMark(0, 0))
                unheard = not any(item.outside for item in each.answers)
                found[each.bet] = ConcernMark(before.open + 1, before.waiting + unheard)
    return found


def unit_figures(graph: Graph, unit: str | None = None, *, today: date | None = None) -> ConcernFigures:
    """The figures of a unit and its parts, or of the organisation. They are the same for whoever asks.

    Raises:
        NotFoundError: there is no such unit.
    """
    day = today or today_utc()
    with graph.read() as reader:
        conditions = []
        if unit is not None:
            ref = str(parse_ref(unit, default_kind="Group"))
            reader.require(ref)
            conditions.append(concerns.c.unit.in_(sorted(units_within(reader, ref))))
        found = read_concerns(reader, *conditions)
    return figures_of(found, day)


_WANTED = {
    Move.ASK: "Write what you ask.",
    Move.OFFER_HELP: "Write what help you offer.",
    Move.CHANGE_CONSTRAINT: "Write what you change: a date, the scope, people, money.",
    Move.REPLY: "Write the reply.",
    Move.OFFER_OPTIONS: "Write the options that the squad sees.",
    Move.RESOLVE: "Write how it ended, for those who learn from it.",
}


def _seen(
    reader: Reader, viewer: Viewer, found: Iterable[Concern], day: date, *, holds_receipt: bool = False
) -> tuple[Seen, ...]:
    items = list(found)
    named = {
        ref
        for each in items
        for ref in (each.bet, *each.squads, each.author, *(item.by for item in each.answers))
        if ref
    }
    titles = reader.titles(ref for ref in named if ":" in ref)
    return tuple(
        Seen(
            each,
            each.released(day),
            may_make(viewer, each, holds_receipt=holds_receipt),
            bool(each.squads & viewer.units),
            {
                ref: titles[ref]
                for ref in (each.bet, *each.squads, each.author, *(item.by for item in each.answers))
                if ref in titles
            },
        )
        for each in items
    )


def _require(reader: Reader, viewer: Viewer, number: str, day: date) -> Concern:
    found = read_concerns(reader, concerns.c.id == number)
    if not found or not sees(viewer, found[0], day):
        raise NotFoundError(f"There is no concern {number[:40]!r} here that you may see.")
    return found[0]


def _voice(reader: Reader, concern: Concern, actor: Actor, move: Move, day: date) -> Actor:
    """Who is named for a move: the squad for its own moves and for whoever is nameless, else the actor."""
    viewer = viewer_of(reader, actor, day)
    inside = concern.squads & viewer.units
    if (move in SQUAD_MOVES and inside) or (move is Move.WITHDRAW and concern.naming is not Naming.NAMED):
        unit = concern.unit if concern.unit in viewer.units or not inside else concern.owner
        return Actor(unit, reader.titles([unit]).get(unit, unit), "system")
    return actor


def _answered(concern: Concern, move: Move, text: str, voice: Actor, viewer: Viewer, day: date) -> Concern:
    outside = not concern.squads & viewer.units and concern.author != viewer.ref and move is not Move.WITHDRAW
    number = len(concern.answers) + 1
    made = Answer(number=number, move=move, by=voice.ref, on=day, text=text, outside=outside)
    return msgspec.structs.replace(
        concern,
        state=state_after(concern.state, move),
        published_on=day if move is Move.PUBLISH else concern.published_on,
        answers=(*concern.answers, made),
    )


def _keep(writer: Writer, concern: Concern) -> None:
    connection, made = writer.connection, concern.answers[-1]
    connection.execute(
        sa.insert(answers).values(
            {
                "concern": concern.id,
                "number": made.number,
                "move": made.move.value,
                "by": made.by,
                "on": made.on.isoformat(),
                "text": made.text,
                "outside": int(made.outside),
            }
        )
    )
    row = row_of(concern)
    changed = {key: row[key] for key in ("state", "published_on")}
    connection.execute(sa.update(concerns).where(concerns.c.id == concern.id).values(changed))


def _tell(writer: Writer, concern: Concern, move: Move, day: date) -> None:
    """An entry of the log, without any words, where everybody sees the concern already."""
    if concern.released(day):
        writer.record(TOLD[move], concern.bet, after={"concern": concern.id, "state": concern.state.value})


def _whose(concern: Concern, move: Move) -> str:
    if move is Move.WITHDRAW:
        return {
            Naming.NAMED: "Whoever raised the concern takes it back.",
            Naming.SQUAD: "The squad takes its concern back.",
            Naming.ANONYMOUS: "Whoever holds the receipt takes the concern back; it was shown when it was raised.",
        }[concern.naming]
    if move in SQUAD_MOVES:
        return "That is for the squad whose concern it is; you may acknowledge, ask, offer help or change a constraint."
    return "That is for those outside the squad; the squad replies, offers options, publishes and resolves."


def _holds(reader: Reader, number: str, receipt: str | None) -> bool:
    query = sa.select(concerns.c.receipt).where(concerns.c.id == number)
    kept = reader.connection.execute(query).scalar() if receipt else None
    return kept is not None and hmac.compare_digest(str(kept), hashed(str(receipt)))
