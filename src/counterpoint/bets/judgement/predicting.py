"""Questions and predictions, kept and read. Who may see what is decided here, so that no door goes around it.

Before the reveal a reader gets their own prediction and a number; afterwards the values, without names. There is no
function that gives anybody another's, and no role for which one would.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Select, func, insert, select

from counterpoint.bets.decisions import require_bet
from counterpoint.bets.judgement.calibration import Calibration, Resolved, calibrate
from counterpoint.bets.judgement.prediction import (
    QuestionState,
    Spread,
    Step,
    check_chance,
    check_step,
    spread,
    state_after,
)
from counterpoint.bets.judgement.tables import PREDICTIONS, QUESTIONS, STEPS
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.moments import to_datetime, to_micros
from counterpoint.paging import cursor_of, read_cursor

__all__ = [
    "Own",
    "Question",
    "QuestionPage",
    "ask",
    "calibration",
    "combined_of",
    "own_record",
    "predict",
    "question",
    "questions",
    "questions_page",
    "take_step",
]

SOMEBODY = Actor("system:default/predictions", "Somebody", "system", admin=True)
"""Stands in the activity log for whoever locks a prediction: who took part is nobody else's."""
LONGEST = 500


class Question(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A question as its reader may see it."""

    id: str
    bet: str
    question: str
    state: QuestionState
    reveal_on: str
    resolves_on: str
    """Dates as 2026-09-30; empty where none was named."""
    actor: str
    """Who asked."""
    at: datetime
    predicted: int
    """How many people have predicted."""
    mine: float | None
    """The reader's own prediction."""
    spread: Spread | None = None
    """What was predicted; none before the reveal."""
    outcome: bool | None = None
    note: str = ""
    """What was written to its last step."""

    @property
    def open(self) -> bool:
        """Whether predictions are taken."""
        return self.state is QuestionState.OPEN


class QuestionPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the questions, newest first, each as its reader may see it."""

    items: tuple[Question, ...]
    next_cursor: str | None = None


class Own(msgspec.Struct, frozen=True, rename="camel"):
    """A person's own predictions that were resolved, for that person alone."""

    calibration: Calibration
    items: tuple[Question, ...]
    """The questions that they predicted, newest first."""


def ask(
    graph: Graph, ref: str, text: str, *, actor: Actor, reveal_on: str = "", resolves_on: str = ""
) -> Question:
    """Ask what will happen, as a question that yes or no will answer.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the bet belongs to somebody else.
        InputError: there is no text, it is too long, or a date is none.
    """
    text = " ".join(text.split())
    problems = _problems(text, {"revealOn": reveal_on, "resolvesOn": resolves_on})
    if problems:
        raise InputError("The question cannot be asked.", problems)
    with graph.write(actor) as writer:
        bet = require_bet(writer, ref).ref
        writer.require_write(bet)
        number = uuid4().hex
        activity = writer.record("prediction.asked", bet, after={"question": text, "id": number})
        row = {
            "id": number,
            "seq": activity.seq,
            "bet": bet,
            "question": text,
            "reveal_on": reveal_on,
            "resolves_on": resolves_on,
            "actor": activity.actor,
            "at": to_micros(activity.at),
        }
        writer.connection.execute(insert(QUESTIONS).values(row))
        return _require(writer, number, actor)


def predict(graph: Graph, number: str, p: float, *, actor: Actor) -> Question:
    """Lock the actor's prediction that the answer will be yes; given again before the reveal, the last counts.

    Raises:
        NotFoundError: there is no such question.
        NotAllowedError: the actor is no person.
        ConflictError: the question was revealed or withdrawn.
        InputError: p is not strictly between 0 and 1.
    """
    if actor.kind not in ("person", "local"):
        raise NotAllowedError(f"{actor.name} is no person; only people predict.")
    check_chance(p)
    with graph.write(SOMEBODY) as writer:
        found = _require(writer, number, actor)
        if not found.open:
            raise ConflictError(
                f"The question is {found.state.value}; predictions were locked then. Ask a new question to predict again."
            )
        activity = writer.record("prediction.locked", found.bet, after={"id": number})
        row = {"seq": activity.seq, "question": number, "person": actor.ref, "p": p}
        writer.connection.execute(insert(PREDICTIONS).values(row))
        return _require(writer, number, actor)


def take_step(
    graph: Graph, number: str, step: Step, *, actor: Actor, outcome: bool | None = None, note: str = ""
) -> Question:
    """Reveal, resolve or withdraw a question; `outcome` is what a question is resolved with.

    Raises:
        NotFoundError: there is no such question.
        NotAllowedError: its bet belongs to somebody else.
        ConflictError: there is no such step from where it stands.
        InputError: it is resolved without an outcome, or the note is too long.
    """
    if (step is Step.RESOLVE) != (outcome is not None):
        message = (
            "Say whether it came true: true or false."
            if outcome is None
            else "Only resolving has an outcome."
        )
        raise InputError("The step cannot be taken.", [Problem(message, "/outcome")])
    note = note.strip()
    if len(note) > LONGEST:
        raise InputError(
            "The step cannot be taken.",
            [Problem(f"The note has {len(note)} characters; {LONGEST} are the most.", "/note")],
        )
    with graph.write(actor) as writer:
        found = _require(writer, number, actor)
        writer.require_write(found.bet)
        after = check_step(found.state, step)
        told: dict[str, object] = {"id": number, "people": found.predicted, "question": found.question}
        if outcome is not None:
            told["outcome"] = outcome
        activity = writer.record(f"prediction.{after.value}", found.bet, after=told, reason=note or None)
        row = {
            "seq": activity.seq,
            "question": number,
            "step": step.value,
            "outcome": None if outcome is None else int(outcome),
            "note": note,
            "actor": activity.actor,
            "at": to_micros(activity.at),
        }
        writer.connection.execute(insert(STEPS).values(row))
        return _require(writer, number, actor)


def question(graph: Graph, number: str, *, actor: Actor) -> Question:
    """One question, as the actor may see it.

    Raises:
        NotFoundError: there is no such question.
    """
    with graph.read() as reader:
        return _require(reader, number, actor)


def questions(
    graph: Graph, *, actor: Actor, bet: str | None = None, limit: int = 200
) -> tuple[Question, ...]:
    """The questions about one bet or about all, newest first, as the actor may see them.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        ref = None if bet is None else require_bet(reader, bet).ref
        return questions_of(reader, actor, bet=ref, limit=limit)


def questions_page(
    graph: Graph, *, actor: Actor, bet: str | None = None, limit: int = 100, cursor: str | None = None
) -> QuestionPage:
    """A page of the same.

    Raises:
        NotFoundError: there is no such bet.
        InputError: the cursor is none of this list.
    """
    with graph.read() as reader:
        query = select(QUESTIONS).order_by(QUESTIONS.c.seq.desc()).limit(limit + 1)
        if bet is not None:
            query = query.where(QUESTIONS.c.bet == require_bet(reader, bet).ref)
        if cursor is not None:
            query = query.where(QUESTIONS.c.seq < read_cursor(cursor, tuple[int])[0])
        rows = reader.connection.execute(query).all()
        following = cursor_of(rows[limit - 1].seq) if len(rows) > limit else None
        return QuestionPage(_shown(reader, rows[:limit], actor), following)


def questions_of(
    reader: Reader, actor: Actor, *, bet: str | None = None, limit: int = 200
) -> tuple[Question, ...]:
    """The same in an open transaction; `bet` is canonical."""
    query = select(QUESTIONS).order_by(QUESTIONS.c.seq.desc()).limit(limit)
    if bet is not None:
        query = query.where(QUESTIONS.c.bet == bet)
    return _shown(reader, reader.connection.execute(query).all(), actor)


def combined_of(reader: Reader, bets: Collection[str]) -> dict[str, Question]:
    """The newest revealed question of each bet whose combined prediction may be shown, read as nobody in particular."""
    found: dict[str, Question] = {}
    for batch in _batches(bets):
        query = select(QUESTIONS).where(QUESTIONS.c.bet.in_(batch)).order_by(QUESTIONS.c.seq.desc())
        for each in _shown(reader, reader.connection.execute(query).all(), None):
            told = each.spread is not None and each.spread.mean is not None
            if told and each.state is QuestionState.REVEALED:
                found.setdefault(each.bet, each)
    return found


def questions_about(reader: Reader, actor: Actor, bets: Collection[str]) -> tuple[Question, ...]:
    """Every question about some bets, newest first, in an open transaction; the bets are canonical."""
    query = select(QUESTIONS).where(QUESTIONS.c.bet.in_(sorted(bets))).order_by(QUESTIONS.c.seq.desc())
    return _shown(reader, reader.connection.execute(query).all(), actor)


def calibration(graph: Graph) -> Calibration:
    """How well the organisation predicts: the combined predictions of resolved questions, never a person's.

    Questions that fewer than `SHOWN_FROM` people predicted are left out, since those would be of persons.
    """
    with graph.read() as reader:
        query = select(QUESTIONS).where(QUESTIONS.c.id.in_(_resolved())).order_by(QUESTIONS.c.seq)
        found = _shown(reader, reader.connection.execute(query).all(), None)
    return calibrate(
        [
            Resolved(each.spread.mean, each.outcome)
            for each in found
            if each.spread and each.spread.mean is not None and each.outcome is not None
        ]
    )


def own_record(graph: Graph, actor: Actor) -> Own:
    """What the actor predicted and how it came, for the actor's own eyes."""
    with graph.read() as reader:
        mine = select(PREDICTIONS.c.question).where(PREDICTIONS.c.person == actor.ref)
        query = select(QUESTIONS).where(QUESTIONS.c.id.in_(mine)).order_by(QUESTIONS.c.seq.desc())
        found = _shown(reader, reader.connection.execute(query).all(), actor)
    resolved = [
        Resolved(each.mine, each.outcome)
        for each in found
        if each.mine is not None and each.outcome is not None
    ]
    return Own(calibrate(resolved), found)


def _resolved() -> Select[tuple[str]]:
    return select(STEPS.c.question).where(STEPS.c.step == Step.RESOLVE.value)


def _require(reader: Reader, number: str, actor: Actor) -> Question:
    rows = reader.connection.execute(select(QUESTIONS).where(QUESTIONS.c.id == number)).all()
    if not rows:
        raise NotFoundError(f"There is no question {number}.")
    return _shown(reader, rows, actor)[0]


def _shown(reader: Reader, rows: Iterable[Any], actor: Actor | None) -> tuple[Question, ...]:
    """The one place where predictions are read: values leave it only of revealed questions, and without names."""
    found = [row._mapping for row in rows]
    numbers = [row["id"] for row in found]
    steps: dict[str, list[Any]] = {number: [] for number in numbers}
    values: dict[str, list[float]] = {number: [] for number in numbers}
    mine: dict[str, float] = {}
    for batch in _batches(numbers):
        for step in reader.connection.execute(
            select(STEPS).where(STEPS.c.question.in_(batch)).order_by(STEPS.c.seq)
        ):
            steps[step.question].append(step)
        last = (
            select(func.max(PREDICTIONS.c.seq))
            .where(PREDICTIONS.c.question.in_(batch))
            .group_by(PREDICTIONS.c.question, PREDICTIONS.c.person)
        )
        for row in reader.connection.execute(select(PREDICTIONS).where(PREDICTIONS.c.seq.in_(last))):
            values[row.question].append(row.p)
            if actor is not None and row.person == actor.ref:
                mine[row.question] = row.p
    return tuple(_question(row, steps[row["id"]], values[row["id"]], mine.get(row["id"])) for row in found)


def _question(row: Any, steps: list[Any], values: list[float], mine: float | None) -> Question:
    state = state_after([Step(step.step) for step in steps])
    last = steps[-1] if steps else None
    revealed = any(step.step == Step.REVEAL.value for step in steps)
    outcome = getattr(last, "outcome", None)
    return Question(
        id=row["id"],
        bet=row["bet"],
        question=row["question"],
        state=state,
        reveal_on=row["reveal_on"],
        resolves_on=row["resolves_on"],
        actor=row["actor"],
        at=to_datetime(row["at"]),
        predicted=len(values),
        mine=mine,
        spread=spread(values) if revealed else None,
        outcome=None if outcome is None else bool(outcome),
        note=getattr(last, "note", ""),
    )


def _batches(numbers: Collection[str]) -> Iterable[list[str]]:
    listed = list(numbers)
    return (listed[start : start + 500] for start in range(0, len(listed), 500))


def _problems(text: str, dates: dict[str, str]) -> list[Problem]:
    problems = []
    if not text:
        problems.append(Problem("Write a question that yes or no will answer.", "/question"))
    if len(text) > LONGEST:
        problems.append(
            Problem(f"The question has {len(text)} characters; {LONGEST} are the most.", "/question")
        )
    for name, given in dates.items():
        try:
            if given:
                date.fromisoformat(given)
        except ValueError:
            problems.append(Problem(f"{given!r} is no date; write it as 2026-09-30.", f"/{name}"))
    return problems
