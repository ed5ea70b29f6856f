"""Raising concerns, answering them, and reading those that one may see.

Nothing here tells who raised a nameless concern: no column, no entry of the activity log, no moment finer than a
day. An entry is written only about what everybody may see, and says neither the concern nor the answer.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TypeVar
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from counterpoint.bets.concerns.figures import ConcernFigures, figures_of
from counterpoint.bets.concerns.model import (
    GUESSABLE,
    MOVES,
    SQUAD_MOVES,
    Answer,
    Concern,
    ConcernState,
    Move,
    Naming,
    Risk,
    Viewer,
    may_make,
    sees,
    state_after,
)
from counterpoint.bets.concerns.tables import answers, concerns, read_concerns, row_of
from counterpoint.bets.concerns.viewing import members_of, viewer_of
from counterpoint.bets.decisions import require_bet
from counterpoint.bets.model import mapping
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError, Problem, Said
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer

__all__ = [
    "ConcernMark",
    "Raised",
    "Seen",
    "answer",
    "choices_for",
    "concern_marks",
    "erase_author",
    "list_concerns",
    "raise_concern",
    "read_concern",
    "today_utc",
    "unit_figures",
    "units_within",
]

E = TypeVar("E", bound=StrEnum)

LONGEST = 4_000
"""Characters of a concern or an answer."""
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


class Raised(msgspec.Struct, frozen=True, rename="camel"):
    """A concern that was just raised. `receipt` is shown this once: with it a nameless concern is taken back."""

    concern: Concern
    receipt: str | None = None
    warning: Said = ""


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


class Choices(msgspec.Struct, frozen=True):
    """How a reader may be named in a concern about a bet."""

    unit: str
    unit_title: str
    namings: tuple[Naming, ...]
    inside: bool
    """Whether the reader belongs to that unit."""
    small: bool
    """Whether colleagues may guess who raises one without a name."""


class ConcernMark(msgspec.Struct, frozen=True, rename="camel"):
    """What a board shows beside a bet: how many concerns that its reader may see are open, and unheard."""

    open: int
    waiting: int
    """Open ones that nobody outside has answered."""


def today_utc() -> date:
    """The day it is in UTC."""
    return datetime.now(UTC).date()


def raise_concern(
    graph: Graph,
    bet: str,
    text: str,
    *,
    actor: Actor,
    risk: Risk | str = Risk.DEADLINE,
    naming: Naming | str = Naming.NAMED,
    about_on: date | None = None,
    publish: bool = False,
    today: date | None = None,
) -> Raised:
    """Keep a concern about a bet. Anybody may raise one by name; members of its squad also without.

    `about_on` is the date that is at risk, that of the bet where none is given. `publish` lets everybody see it at once.

    Raises:
        InputError: the text is empty or too long, a word is not known, or the naming is not open to the actor.
        NotAllowedError: the actor may not write.
        NotFoundError: there is no such bet.
    """
    day = today or today_utc()
    risk, naming = _known(Risk, risk, "/risk"), _known(Naming, naming, "/naming")
    text = _text(text, wanted="Say in a sentence what you fear will go wrong.")
    _require_write(actor)
    with graph.read() as reader:
        entity = require_bet(reader, bet)
        choices = _choices(reader, entity, actor, day)
        about = about_on or (_deadline(entity) if risk is Risk.DEADLINE else None)
    if naming not in choices.namings:
        raise InputError(
            "The concern was not raised.",
            [Problem("Only people of the squad raise one without their name; raise it by name.", "/naming")],
        )
    if publish and not choices.inside:
        raise InputError(
            "The concern was not raised.",
            [Problem("The squad that owns the bet publishes it; raise it without.", "/publish")],
        )
    receipt = secrets.token_urlsafe(24) if naming is Naming.ANONYMOUS else None
    concern = Concern(
        id=uuid4().hex,
        bet=entity.ref,
        unit=choices.unit,
        owner=entity.owner or choices.unit,
        risk=risk,
        text=text,
        naming=naming,
        author=actor.ref if naming is Naming.NAMED else None,
        raised_on=day,
        about_on=about,
        shared=bool(_contributors(entity)),
        published_on=day if publish else None,
    )
    # No entry of the activity log, of whatever naming: its moment would tell when somebody sat at a keyboard.
    with graph.write(actor) as writer:
        row = row_of(concern) | {"receipt": _hashed(receipt) if receipt else None}
        writer.connection.execute(sa.insert(concerns).values(row))
    small = naming is Naming.ANONYMOUS and choices.small
    return Raised(concern, receipt, _SMALL if small else "")


def choices_for(graph: Graph, bet: str, *, actor: Actor, today: date | None = None) -> Choices:
    """How the actor may be named in a concern about a bet.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        return _choices(reader, require_bet(reader, bet), actor, today or today_utc())


def list_concerns(
    graph: Graph,
    *,
    actor: Actor,
    bet: str | None = None,
    unit: str | None = None,
    state: ConcernState | None = None,
    today: date | None = None,
) -> tuple[Seen, ...]:
    """The concerns that the actor may see, newest first: all, or those of a bet, or of a unit and its parts."""
    day = today or today_utc()
    with graph.read() as reader:
        conditions = [] if bet is None else [concerns.c.bet == str(parse_ref(bet, default_kind="Bet"))]
        if state is not None:
            conditions.append(concerns.c.state == state.value)
        viewer = viewer_of(reader, actor, day)
        found = [each for each in read_concerns(reader, *conditions) if sees(viewer, each, day)]
        if unit is not None:
            within = units_within(reader, str(parse_ref(unit, default_kind="Group")))
            found = [each for each in found if each.squads & within]
        return _seen(reader, viewer, found, day)


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
    wanted = _known(Move, move, "/move")
    words = _text(text, wanted=_WANTED[wanted] if MOVES[wanted].text_wanted else None)
    if wanted is Move.ACKNOWLEDGE and not words:
        words = PRESET
    _require_write(actor)
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
    day = today or today_utc()
    wanted = sorted(set(bets))
    if not wanted:
        return {}
    closed = [state.value for state in ConcernState if state.closed]
    found: dict[str, ConcernMark] = {}
    with graph.read() as reader:
        reading = viewer_of(reader, viewer, day)
        for start in range(0, len(wanted), 500):
            here = concerns.c.bet.in_(wanted[start : start + 500])
            for each in read_concerns(reader, here, concerns.c.state.not_in(closed)):
                if sees(reading, each, day):
                    before = found.get(each.bet, ConcernMark(0, 0))
                    unheard = not any(item.outside for item in each.answers)
                    found[each.bet] = ConcernMark(before.open + 1, before.waiting + unheard)
    return found


def erase_author(graph: Graph, person: str, *, actor: Actor) -> int:
    """Take a person's name from the concerns that they raised and the answers that they gave; how many rows it was in.

    The person may, and an administrator, who reads none of them by that.

    Raises:
        NotAllowedError: the actor is somebody else.
    """
    ref = str(parse_ref(person, default_kind="User"))
    if not (actor.ref == ref or actor.admin or actor.kind in ("local", "system")):
        raise NotAllowedError(f"{ref} erases their own name, or an administrator does.")
    with graph.write(actor) as writer:
        mine = sa.update(concerns).where(concerns.c.author == ref).values(author=None)
        said = sa.update(answers).where(answers.c.by == ref).values(by="")
        return sum(writer.connection.execute(each).rowcount for each in (mine, said))


def unit_figures(graph: Graph, unit: str | None = None, *, today: date | None = None) -> ConcernFigures:
    """The figures of a unit and its parts, or of the organisation. They are the same for whoever asks.

    Raises:
        NotFoundError: there is no such unit.
    """
    day = today or today_utc()
    with graph.read() as reader:
        found = read_concerns(reader)
        if unit is not None:
            ref = str(parse_ref(unit, default_kind="Group"))
            reader.require(ref)
            within = units_within(reader, ref)
            found = [each for each in found if each.unit in within]
    return figures_of(found, day)


def units_within(reader: Reader, unit: str) -> frozenset[str]:
    """A unit and all its parts."""
    seen, waiting = {unit}, [unit]
    while waiting:
        found = reader.get_many(waiting)
        waiting = [part for each in found.values() for part in each.targets("parentOf") if part not in seen]
        seen.update(waiting)
    return frozenset(seen)


_SMALL = f"Fewer than {GUESSABLE} people are in the squad: colleagues may guess who raised this, whatever we leave out."
_WANTED = {
    Move.ASK: "Write what you ask.",
    Move.OFFER_HELP: "Write what help you offer.",
    Move.CHANGE_CONSTRAINT: "Write what you change: a date, the scope, people, money.",
    Move.REPLY: "Write the reply.",
    Move.OFFER_OPTIONS: "Write the options that the squad sees.",
    Move.RESOLVE: "Write how it ended, for those who learn from it.",
}


def _choices(reader: Reader, bet: Entity, actor: Actor, day: date) -> Choices:
    viewer = viewer_of(reader, actor, day)
    owner = bet.owner or ""
    squads = [owner, *_contributors(bet)]
    own = next((each for each in squads if each in viewer.units and each != actor.ref), None)
    unit = own or owner
    title = reader.titles([unit]).get(unit, unit) if unit else ""
    namings = tuple(Naming) if own else (Naming.NAMED,)
    small = own is not None and len(members_of(reader, unit)) < GUESSABLE
    return Choices(unit, title, namings, own is not None, small)


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
    return kept is not None and hmac.compare_digest(str(kept), _hashed(str(receipt)))


def _hashed(receipt: str) -> str:
    return hashlib.sha256(receipt.encode()).hexdigest()


def _require_write(actor: Actor) -> None:
    decision = may(actor, "write", new=True)
    if not decision.allow:
        raise NotAllowedError(f"Nothing was changed. {decision.reason}")


def _known(kind: type[E], value: E | str, pointer: str) -> E:
    try:
        return kind(value)
    except ValueError:
        there = ", ".join(each.value for each in kind)
        message = f"{str(value)[:40]!r} is not known here; choose one of {there}."
        raise InputError("Nothing was changed.", [Problem(message, pointer)]) from None


def _text(text: str, *, wanted: str | None) -> str:
    plain = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if wanted is not None and not plain:
        raise InputError("Nothing was changed.", [Problem(wanted, "/text")])
    if len(plain) > LONGEST:
        message = f"The text has {len(plain)} characters; {LONGEST} are the most."
        raise InputError("Nothing was changed.", [Problem(message, "/text")])
    return plain


def _contributors(bet: Entity) -> tuple[str, ...]:
    """The units that work on the bet beside its owner, as its document names them."""
    named = mapping(bet.document.get("spec")).get("contributors")
    texts = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    refs = (str(parse_ref(each, default_kind="Group", default_namespace=bet.namespace)) for each in texts)
    return tuple(dict.fromkeys(ref for ref in refs if ref != bet.owner))


def _deadline(bet: Entity) -> date | None:
    try:
        return date.fromisoformat(str(mapping(bet.document.get("spec")).get("deadline"))[:10])
    except ValueError:
        return None
