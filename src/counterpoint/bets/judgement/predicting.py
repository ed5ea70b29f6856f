"""Questions and predictions, kept and read. Who may see what is decided here, so that no door goes around it.

Before the reveal a reader gets their own prediction and a number; afterwards what all said together. There is no
function that gives anybody another's, and no role for which one would.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import func, insert, select

from counterpoint.bets.decisions import require_bet
from counterpoint.bets.judgement.estimates import Quantity, Range, outside, read_range
from counterpoint.bets.judgement.estimating import LONGEST_UNIT
from counterpoint.bets.judgement.pooled import Pooled, Spread, pool, spread
from counterpoint.bets.judgement.prediction import (
    LONGEST,
    QuestionState,
    Step,
    check_came,
    check_chance,
    check_step,
    problems_of,
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
    "Question",
    "QuestionPage",
    "ask",
    "batches",
    "predict",
    "predict_range",
    "question",
    "questions",
    "questions_page",
    "shown_to",
    "take_step",
]

SOMEBODY = Actor("system:default/predictions", "Somebody", "system", admin=True)
"""Stands in the activity log for whoever locks a prediction: who took part is nobody else's."""


_UNTOUCHED = ~select(STEPS.c.seq).where(STEPS.c.question == QUESTIONS.c.id).exists()
"""Questions that are open: the first step closes one."""


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
    """The reader's own prediction: a chance, or the middle of a range."""
    spread: Spread | None = None
    """What was predicted together; none before the reveal."""
    outcome: bool | None = None
    quantity: Quantity | None = None
    """What a range is asked for of; none where yes or no will answer."""
    unit: str = ""
    """What the range is counted in."""
    mine_range: Range | None = None
    pooled: Pooled | None = None
    """The ranges that were predicted; none before the reveal."""
    amount: float | None = None
    """What it came to, where a range was asked for."""
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


def ask(
    graph: Graph,
    ref: str,
    text: str,
    *,
    actor: Actor,
    reveal_on: str = "",
    resolves_on: str = "",
    quantity: Quantity | None = None,
    unit: str = "",
) -> Question:
    """Ask what will happen, as a question that yes or no will answer, or a range of a quantity of the bet.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the bet belongs to somebody else.
        InputError: there is no text, it or the unit is too long, a date is none, or a chance is asked for as a range.
    """
    text, unit = " ".join(text.split()), " ".join(unit.split())
    problems = problems_of(text, {"revealOn": reveal_on, "resolvesOn": resolves_on})
    if quantity is not None and quantity.is_risk:
        problems.append(Problem("Ask for a chance by a question that yes or no will answer.", "/quantity"))
    if len(unit) > LONGEST_UNIT:
        problems.append(
            Problem(f"The unit has {len(unit)} characters; {LONGEST_UNIT} are the most.", "/unit")
        )
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
            "quantity": quantity.value if quantity else "",
            "unit": unit,
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
    check_chance(p)
    return _lock(graph, number, actor, p)


def predict_range(graph: Graph, number: str, given: Range, *, actor: Actor) -> Question:
    """Lock the actor's range, of which they are 80 % sure; given again before the reveal, the last counts.

    Raises:
        NotFoundError, NotAllowedError, ConflictError: as `predict`.
        InputError: it is no range of what is asked for.
    """
    return _lock(graph, number, actor, given)


def _lock(graph: Graph, number: str, actor: Actor, given: float | Range) -> Question:
    if actor.kind not in ("person", "local"):
        raise NotAllowedError(f"{actor.name} is no person; only people predict.")
    with graph.write(SOMEBODY) as writer:
        found = _require(writer, number, actor)
        _check_sort(found, given)
        if not found.open:
            raise ConflictError(
                f"The question is {found.state.value}; predictions were locked then. Ask a new question to predict again."
            )
        activity = writer.record("prediction.locked", found.bet, after={"id": number})
        points = (
            {"p": given.p50, "low": given.p10, "high": given.p90}
            if isinstance(given, Range)
            else {"p": given}
        )
        row = {"seq": activity.seq, "question": number, "person": actor.ref, **points}
        writer.connection.execute(insert(PREDICTIONS).values(row))
        return _require(writer, number, actor)


def _check_sort(found: Question, given: float | Range) -> None:
    """Refuse a chance where a range is asked for, a range where a chance is, and a range that is none."""
    if found.quantity is None and isinstance(given, Range):
        raise InputError(
            "The prediction cannot be taken.", [Problem("Yes or no will answer it: give one chance.", "/p")]
        )
    if found.quantity is not None:
        if not isinstance(given, Range):
            message = "It asks for a range: give low, middle and high."
            raise InputError("The prediction cannot be taken.", [Problem(message, "/p10")])
        read_range(found.quantity, given.p10, given.p50, given.p90)


def take_step(
    graph: Graph,
    number: str,
    step: Step,
    *,
    actor: Actor,
    outcome: bool | None = None,
    amount: float | None = None,
    note: str = "",
) -> Question:
    """Reveal, resolve or withdraw a question; `outcome`, or the `amount` of a range, is what it is resolved with.

    Raises:
        NotFoundError: there is no such question.
        NotAllowedError: its bet belongs to somebody else.
        ConflictError: there is no such step from where it stands.
        InputError: it is resolved without an outcome (or an amount), the amount cannot be of the quantity, or the
            note is too long.
    """
    note = note.strip()
    if len(note) > LONGEST:
        raise InputError(
            "The step cannot be taken.",
            [Problem(f"The note has {len(note)} characters; {LONGEST} are the most.", "/note")],
        )
    with graph.write(actor) as writer:
        found = _require(writer, number, actor)
        check_came(step, is_range=found.quantity is not None, outcome=outcome, amount=amount)
        if found.quantity and amount is not None and (said := outside(found.quantity, amount)):
            raise InputError("The step cannot be taken.", [Problem(said, "/amount")])
        writer.require_write(found.bet)
        after = check_step(found.state, step)
        told: dict[str, object] = {"id": number, "people": found.predicted, "question": found.question}
        if outcome is not None:
            told["outcome"] = outcome
        if amount is not None:
            told["amount"] = amount
        activity = writer.record(f"prediction.{after.value}", found.bet, after=told, reason=note or None)
        row = {
            "seq": activity.seq,
            "question": number,
            "step": step.value,
            "outcome": None if outcome is None else int(outcome),
            "amount": amount,
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
    graph: Graph,
    *,
    actor: Actor,
    bet: str | None = None,
    is_open: bool | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> QuestionPage:
    """A page of the same; with `is_open` only of those that are open, or that are not.

    Raises:
        NotFoundError: there is no such bet.
        InputError: the cursor is none of this list.
    """
    with graph.read() as reader:
        query = select(QUESTIONS).order_by(QUESTIONS.c.seq.desc()).limit(limit + 1)
        if bet is not None:
            query = query.where(QUESTIONS.c.bet == require_bet(reader, bet).ref)
        if is_open is not None:
            query = query.where(_UNTOUCHED if is_open else ~_UNTOUCHED)
        if cursor is not None:
            query = query.where(QUESTIONS.c.seq < read_cursor(cursor, tuple[int])[0])
        rows = reader.connection.execute(query).all()
        following = cursor_of(rows[limit - 1].seq) if len(rows) > limit else None
        return QuestionPage(shown_to(reader, rows[:limit], actor), following)


def questions_of(
    reader: Reader, actor: Actor, *, bet: str | None = None, limit: int = 200
) -> tuple[Question, ...]:
    """The same in an open transaction; `bet` is canonical."""
    query = select(QUESTIONS).order_by(QUESTIONS.c.seq.desc()).limit(limit)
    if bet is not None:
        query = query.where(QUESTIONS.c.bet == bet)
    return shown_to(reader, reader.connection.execute(query).all(), actor)


def questions_about(
    reader: Reader, actor: Actor, bets: Collection[str], *, only_open: bool = False
) -> tuple[Question, ...]:
    """Every question about some bets, or the open ones, newest first, in an open transaction; the bets are canonical."""
    rows: list[Any] = []
    for some in batches(sorted(bets)):
        query = select(QUESTIONS).where(QUESTIONS.c.bet.in_(some))
        if only_open:
            query = query.where(_UNTOUCHED)
        rows += reader.connection.execute(query).all()
    return shown_to(reader, sorted(rows, key=lambda row: -row.seq), actor)


def _require(reader: Reader, number: str, actor: Actor) -> Question:
    rows = reader.connection.execute(select(QUESTIONS).where(QUESTIONS.c.id == number)).all()
    if not rows:
        raise NotFoundError(f"There is no question {number}.")
    return shown_to(reader, rows, actor)[0]


def shown_to(reader: Reader, rows: Iterable[Any], actor: Actor | None) -> tuple[Question, ...]:
    """The one place where predictions are read: what was predicted leaves it together, and only of revealed questions."""
    found = [row._mapping for row in rows]
    numbers = [row["id"] for row in found]
    steps: dict[str, list[Any]] = {number: [] for number in numbers}
    values: dict[str, list[Any]] = {number: [] for number in numbers}
    mine: dict[str, Any] = {}
    for batch in batches(numbers):
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
            values[row.question].append(row)
            if actor is not None and row.person == actor.ref:
                mine[row.question] = row
    return tuple(_question(row, steps[row["id"]], values[row["id"]], mine.get(row["id"])) for row in found)


def _question(row: Any, steps: list[Any], values: list[Any], mine: Any) -> Question:
    state = state_after([Step(step.step) for step in steps])
    last = steps[-1] if steps else None
    revealed = any(step.step == Step.REVEAL.value for step in steps)
    outcome = getattr(last, "outcome", None)
    quantity = Quantity(row["quantity"]) if row["quantity"] else None
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
        mine=None if mine is None else mine.p,
        mine_range=None if mine is None or quantity is None else _range(mine),
        spread=spread([each.p for each in values]) if revealed and quantity is None else None,
        pooled=pool(quantity, [_range(each) for each in values])
        if revealed and quantity is not None
        else None,
        quantity=quantity,
        unit=row["unit"],
        amount=getattr(last, "amount", None),
        outcome=None if outcome is None else bool(outcome),
        note=getattr(last, "note", ""),
    )


def _range(row: Any) -> Range:
    return Range(row.low, row.p, row.high)


def batches(numbers: Collection[str]) -> Iterable[list[str]]:
    """Parts that fit into one question to the database."""
    listed = list(numbers)
    return (listed[start : start + 500] for start in range(0, len(listed), 500))
