"""Feedback as it is kept: taking it in, making something of it, telling its giver, and erasing it.

Of whoever gives it we keep what they write themselves, the day, and a hash of the secret with which they see what
became of it. Their name and contact are shown to the unit that they wrote to, and to nobody else.
"""

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec
import sqlalchemy as sa

from counterpoint.bets.decisions import require_bet
from counterpoint.bets.feedback.kept import (
    FEEDBACK,
    LONGEST,
    Given,
    feedback_of,
    keep,
    piece_of,
    require_own,
    speaks_for,
)
from counterpoint.bets.feedback.mail import words_of
from counterpoint.bets.feedback.model import (
    OUTCOMES,
    Evidence,
    Feedback,
    FeedbackState,
    Source,
    evidence_of,
    version_of,
)
from counterpoint.bets.feedback.sheets import read_lines
from counterpoint.bets.given import given_text, given_unit, hashed
from counterpoint.errors import ConflictError, InputError, NotFoundError, Problem
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer
from counterpoint.moments import today_utc
from counterpoint.paging import cursor_of, read_cursor

__all__ = [
    "FeedbackPage",
    "FeedbackSeen",
    "Imported",
    "Settled",
    "Status",
    "erase",
    "erase_own",
    "feedback_page",
    "held",
    "import_feedback",
    "list_feedback",
    "new_by_unit",
    "read_feedback",
    "settle",
    "settle_in",
    "status_of",
    "take_in",
]


_is_looked_at: sa.ColumnElement[int] = sa.case((FEEDBACK.c.state == FeedbackState.NEW.value, 0), else_=1)


class FeedbackSeen(msgspec.Struct, frozen=True, rename="camel"):
    """A piece of feedback as one reader sees it."""

    feedback: Feedback
    mine: bool
    """Whether the reader belongs to its unit, and so sees who gave it."""
    settles: bool
    """Whether the reader may say what becomes of it."""
    titles: dict[str, str] = {}


class FeedbackPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the feedback, newest first."""

    items: tuple[FeedbackSeen, ...]
    next_cursor: str | None = None


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """What its giver sees."""

    text: str
    received_on: date
    state: FeedbackState
    reply: str
    unit: str
    about: str = ""
    """What the bet that it is evidence for is called."""


class Settled(msgspec.Struct, frozen=True, rename="camel"):
    """What was made of a piece of feedback."""

    feedback: Feedback
    evidence: Evidence | None = None


class Imported(msgspec.Struct, frozen=True):
    """What became of an import; `secrets` are those of the status pages, in the order of the lines taken."""

    taken: int
    problems: tuple[Problem, ...]
    secrets: tuple[str, ...] = ()


def take_in(
    graph: Graph,
    unit: str,
    text: str,
    *,
    actor: Actor,
    source: Source = Source.API,
    bet: str | None = None,
    giver: str = "",
    contact: str = "",
    today: date | None = None,
) -> Given:
    """Take in what somebody inside passes on; of a pasted email only what its sender wrote.

    Raises:
        InputError: the text is empty or too long, or there is no such unit.
        NotFoundError: there is no such bet.
    """
    words = words_of(text) if source is Source.EMAIL else text
    with graph.write(actor) as writer:
        ref, about = given_unit(writer, unit, "/unit"), require_bet(writer, bet).ref if bet else None
        made = piece_of(ref, source, words, today or today_utc(), bet=about, giver=giver, contact=contact)
        return keep(writer, made)


def import_feedback(graph: Graph, path: Path, unit: str, *, actor: Actor, dry_run: bool = False) -> Imported:
    """Take in the lines of a CSV file; what is wrong is told by its line, and the rest is kept, all at once.

    Raises:
        InputError: the file cannot be read, or there is no such unit.
    """
    lines, problems = read_lines(path)
    told: list[str] = []
    with graph.read() as reader:
        ref = given_unit(reader, unit, "/unit")
        bets = {line.bet for line in lines if line.bet}
        known = {each: _bet(reader, each) for each in bets}
    good = [line for line in lines if not line.bet or known[line.bet]]
    problems += [
        Problem(
            f"There is no bet {line.bet[:60]!r}; name one that exists, or none.",
            file=str(path),
            line=line.number,
        )
        for line in lines
        if line.bet and not known[line.bet]
    ]
    if good and not dry_run:
        with graph.write(actor) as writer:
            for line in good:
                day = line.received or today_utc()
                made = piece_of(
                    ref,
                    Source.CSV,
                    line.text,
                    day,
                    bet=known.get(line.bet),
                    giver=line.giver,
                    contact=line.contact,
                )
                told.append(keep(writer, made).secret)
    problems.sort(key=lambda problem: problem.line or 0)
    return Imported(len(good), tuple(problems), tuple(told))


def list_feedback(
    graph: Graph,
    *,
    actor: Actor,
    unit: str | None = None,
    bet: str | None = None,
    state: FeedbackState | None = None,
    limit: int = 200,
) -> tuple[FeedbackSeen, ...]:
    """The newest feedback of a unit, about a bet, or of all, as `feedback_page`."""
    return feedback_page(graph, actor=actor, unit=unit, bet=bet, state=state, limit=limit).items


def feedback_page(
    graph: Graph,
    *,
    actor: Actor,
    unit: str | None = None,
    bet: str | None = None,
    state: FeedbackState | None = None,
    limit: int = 100,
    cursor: str | None = None,
    new_first: bool = False,
) -> FeedbackPage:
    """The feedback of a unit, about a bet, or of all, newest first; names and contacts only for people of its unit.

    With `new_first` what somebody has looked at comes after all that nobody has.

    Raises:
        InputError: the cursor is none of this list.
    """
    conditions = [FEEDBACK.c.state != FeedbackState.ERASED.value]
    if unit:
        conditions.append(FEEDBACK.c.unit == str(parse_ref(unit, default_kind="Group")))
    if bet:
        conditions.append(sa.or_(FEEDBACK.c.bet == bet, FEEDBACK.c.became == bet))
    if state is not None:
        conditions.append(FEEDBACK.c.state == state.value)
    if cursor:
        looked_at, seq = read_cursor(cursor, tuple[int, int])
        older = FEEDBACK.c.seq < seq
        same = sa.and_(_is_looked_at == looked_at, older)
        conditions.append(sa.or_(_is_looked_at > looked_at, same) if new_first else older)
    with graph.read() as reader:
        order = (_is_looked_at, FEEDBACK.c.seq.desc()) if new_first else (FEEDBACK.c.seq.desc(),)
        query = sa.select(FEEDBACK).where(*conditions).order_by(*order).limit(limit + 1)
        rows = reader.connection.execute(query).all()
        found = [feedback_of(row._mapping) for row in rows[:limit]]
        following = None
        if len(rows) > limit:
            last = rows[limit - 1]
            following = cursor_of(int(new_first and last.state != FeedbackState.NEW.value), last.seq)
        return FeedbackPage(_seen(reader, actor, found), following)


def new_by_unit(reader: Reader, units: Collection[str]) -> dict[str, int]:
    """How many pieces of feedback each of the units has not settled, where there are any."""
    query = (
        sa.select(FEEDBACK.c.unit, sa.func.count().label("pieces"))
        .where(FEEDBACK.c.unit.in_(sorted(units)), FEEDBACK.c.state == FeedbackState.NEW.value)
        .group_by(FEEDBACK.c.unit)
        .order_by(FEEDBACK.c.unit)
    )
    return {row.unit: row.pieces for row in reader.connection.execute(query)}


def read_feedback(graph: Graph, number: str, *, actor: Actor) -> FeedbackSeen:
    """One piece of feedback.

    Raises:
        NotFoundError: there is none.
    """
    with graph.read() as reader:
        return _seen(reader, actor, [_require(reader, number)])[0]


def settle(
    graph: Graph,
    number: str,
    outcome: FeedbackState | str,
    *,
    actor: Actor,
    reply: str = "",
    bet: str | None = None,
    risk: str = "value",
    direction: Literal["for", "against"] = "for",
    version: str | None = None,
    today: date | None = None,
) -> Settled:
    """Say what becomes of a piece of feedback, with a word for its giver; evidence names the bet and its risk.

    `version` is that of the feedback which the actor saw; none takes whatever was made of it meanwhile.

    Raises:
        ConflictError: somebody else has settled it since the actor looked.
        InputError: there is no such outcome or risk, or evidence comes without a bet.
        NotAllowedError: it is another unit's.
        NotFoundError: there is no such feedback or bet.
    """
    with graph.write(actor) as writer:
        said = _require(writer, number)
        require_own(writer, actor, said.unit)
        if version and version != said.version:
            raise ConflictError(
                f"Somebody has settled it since you looked: it is {said.state.value} now. Look again, then decide."
            )
        changed, evidence = settle_in(
            writer, said, outcome, reply=reply, bet=bet, risk=risk, direction=direction, today=today
        )
        return Settled(_seen(writer, actor, [changed])[0].feedback, evidence)


def settle_in(
    writer: Writer,
    said: Feedback,
    outcome: FeedbackState | str,
    *,
    reply: str = "",
    bet: str | None = None,
    risk: str = "value",
    direction: Literal["for", "against"] = "for",
    today: date | None = None,
) -> tuple[Feedback, Evidence | None]:
    """The same in an open transaction, whose actor may: the feedback as it is then, and what it shows."""
    chosen = _outcome(outcome)
    words = given_text(reply, LONGEST, "/reply")
    evidence = None
    if chosen is FeedbackState.EVIDENCE:
        about = bet or said.bet
        if not about:
            raise InputError(
                "Nothing was changed.", [Problem("Choose the bet that it is evidence for.", "/bet")]
            )
        try:
            evidence = evidence_of(
                said, require_bet(writer, about).ref, risk, direction, today=today or today_utc()
            )
        except ValueError as error:
            raise InputError("Nothing was changed.", [Problem(f"{error}.", "/risk")]) from None
    became = evidence.bet if evidence else None
    values = {"state": chosen.value, "reply": words, "became": became}
    writer.connection.execute(sa.update(FEEDBACK).where(FEEDBACK.c.id == said.id).values(values))
    told = {"feedback": said.id, "state": chosen.value}
    evident = {"evidence": msgspec.to_builtins(evidence)} if evidence else {}
    writer.record("feedback.settled", became or said.unit, after=told | evident)
    if said.became not in (None, became):  # the bet that it was evidence for hears that it is no more
        writer.record("feedback.settled", said.became, after=told)
    changed = msgspec.structs.replace(
        said, state=chosen, reply=words, became=became, version=version_of(chosen, words, became)
    )
    return changed, evidence


def status_of(graph: Graph, secret: str) -> Status:
    """What became of a piece of feedback, for whoever holds its secret.

    Raises:
        NotFoundError: there is none, or it was erased.
    """
    with graph.read() as reader:
        said = _by_secret(reader, secret)
        titles = reader.titles([each for each in (said.unit, said.became) if each])
        return Status(
            said.text,
            said.received_on,
            said.state,
            said.reply,
            titles.get(said.unit, said.unit),
            titles.get(said.became or "", ""),
        )


def erase_own(graph: Graph, secret: str) -> None:
    """Erase a piece of feedback and all that it says of its giver, by whoever holds its secret.

    Raises:
        NotFoundError: there is none.
    """
    with graph.write(SYSTEM) as writer:
        _erase(writer, _by_secret(writer, secret).id)


def erase(graph: Graph, number: str, *, actor: Actor) -> None:
    """Erase one on request: by its unit, or by an administrator, who need not read it.

    Raises:
        NotAllowedError: the actor is neither.
        NotFoundError: there is none.
    """
    with graph.write(actor) as writer:
        said = _require(writer, number)
        require_own(writer, actor, said.unit)
        _erase(writer, said.id)
        writer.record("feedback.erased", said.unit, after={"feedback": said.id})


def _erase(writer: Writer, number: str) -> None:
    nothing = {
        "text": "",
        "giver": "",
        "contact": "",
        "reply": "",
        "secret": None,
        "state": FeedbackState.ERASED.value,
    }
    writer.connection.execute(sa.update(FEEDBACK).where(FEEDBACK.c.id == number).values(nothing))


def _seen(reader: Reader, actor: Actor, found: list[Feedback]) -> tuple[FeedbackSeen, ...]:
    units = reader.units_of(actor.ref) | actor.units if actor.kind == "person" else frozenset()
    titles = reader.titles({ref for each in found for ref in (each.unit, each.bet, each.became) if ref})
    items = []
    for each in found:
        mine = each.unit in units
        shown = each if mine else msgspec.structs.replace(each, giver="", contact="")
        here = {ref: titles[ref] for ref in (each.unit, each.bet, each.became) if ref in titles}
        items.append(FeedbackSeen(shown, mine, speaks_for(reader, actor, each.unit), here))
    return tuple(items)


def _bet(reader: Reader, text: str) -> str | None:
    try:
        return require_bet(reader, text).ref
    except (InputError, NotFoundError):
        return None


def held(reader: Reader, number: str) -> Feedback | None:
    """One piece of feedback as it is kept, if it is there; in an open transaction, for what is not shown."""
    here = sa.select(FEEDBACK).where(FEEDBACK.c.id == number, FEEDBACK.c.state != FeedbackState.ERASED.value)
    row = reader.connection.execute(here).first()
    return None if row is None else feedback_of(row._mapping)


def _require(reader: Reader, number: str) -> Feedback:
    found = held(reader, number)
    if found is None:
        raise NotFoundError(f"There is no feedback {number[:40]!r}; it may have been erased.")
    return found


def _by_secret(reader: Reader, secret: str) -> Feedback:
    row = reader.connection.execute(sa.select(FEEDBACK).where(FEEDBACK.c.secret == hashed(secret))).first()
    if row is None:
        raise NotFoundError("There is nothing at this address; it may have been erased.")
    return feedback_of(row._mapping)


def _outcome(outcome: FeedbackState | str) -> FeedbackState:
    if outcome in list(OUTCOMES):
        return FeedbackState(outcome)
    there = ", ".join(each.value for each in OUTCOMES)
    message = f"{str(outcome)[:40]!r} is no outcome; choose one of {there}."
    raise InputError("Nothing was changed.", [Problem(message, "/outcome")])
