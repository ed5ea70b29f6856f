"""The facts that the agenda of a review is made from, gathered from the graph."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from counterpoint.bets.deciding.latency import where_open
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.decision_log import DECISIONS
from counterpoint.bets.judgement.estimating import estimates_of, units_of_delays
from counterpoint.bets.judgement.portfolio import contenders_of, order
from counterpoint.bets.judgement.predicting import Question, questions_of
from counterpoint.bets.judgement.prediction import QuestionState
from counterpoint.bets.line import Line, read_lines
from counterpoint.bets.model import Bet, Stance
from counterpoint.bets.reviews.agenda import BeliefFacts, BetFacts, Facts, RecordFacts, TermFacts
from counterpoint.bets.reviews.boards import bets_of, parts_of
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import activity
from counterpoint.moments import to_datetime

__all__ = ["facts_of"]


def facts_of(reader: Reader, board: Entity) -> Facts:
    """Everything about the active bets of a board that may be on its agenda."""
    bets = bets_of(reader, board.ref)
    refs = [bet.ref for bet in bets]
    entities = reader.get_many(refs)
    lines = {line.bet.ref: line for line in read_lines(reader, list(entities.values()))}
    entered, decided = _stages(reader, refs)
    last = _last(
        reader, [*refs, *(target for each in entities.values() for target in each.targets("testedBy"))]
    )
    return Facts(
        board=board.ref,
        bets=tuple(_bet(bet, lines[bet.ref], entered, decided, last, entities[bet.ref]) for bet in bets),
        beliefs=tuple(_beliefs(reader, entities.values())),
        records=tuple(_records(reader, parts_of(reader, board.ref), set(refs))),
        questions=tuple(_questions(questions_of(reader, SYSTEM), set(refs))),
        ties=tuple(_ties(reader, bets)),
    )


def _bet(
    bet: Bet,
    line: Line,
    entered: Mapping[str, datetime],
    decided: Mapping[str, datetime],
    last: Mapping[str, datetime],
    entity: Entity,
) -> BetFacts:
    verdict = line.verdict
    news = verdict is not None and (bet.ref not in decided or decided[bet.ref] < verdict.at)
    said = {verdict.stance: verdict.sentence} if verdict and news else {}
    known = [last[ref] for ref in (bet.ref, *entity.targets("testedBy")) if ref in last]
    return BetFacts(
        ref=bet.ref,
        title=bet.title,
        stage=bet.stage.value,
        entered=entered.get(bet.ref, entity.updated_at).date(),
        last=max(known, default=entity.updated_at).date(),
        against=said.get(Stance.AGAINST, ""),
        news=said.get(Stance.FOR, ""),
        patience=bet.patience,
    )


def _stages(reader: Reader, refs: Sequence[str]) -> tuple[dict[str, datetime], dict[str, datetime]]:
    """When each bet came into its stage by a decision, and when the last decision was made; by bet.

    A bet that no decision has moved came into its stage when it was first written.
    """
    rows = reader.connection.execute(select(DECISIONS).order_by(DECISIONS.c.seq)).all()
    first = (
        select(activity.c.subject, func.min(activity.c.at).label("at"))
        .where(activity.c.subject.in_(refs), activity.c.action == "entity.created")
        .group_by(activity.c.subject)
    )
    entered = {row.subject: to_datetime(row.at) for row in reader.connection.execute(first)}
    wanted, decided = set(refs), {}
    for row in rows:
        if row.bet in wanted:
            decided[row.bet] = to_datetime(row.at)
            if row.stage_before != row.stage_after:
                entered[row.bet] = decided[row.bet]
    return entered, decided


def _last(reader: Reader, refs: Sequence[str]) -> dict[str, datetime]:
    """When anything last happened to each."""
    newest = (
        select(activity.c.subject, func.max(activity.c.at).label("at"))
        .where(activity.c.subject.in_(refs))
        .group_by(activity.c.subject)
    )
    return {row.subject: to_datetime(row.at) for row in reader.connection.execute(newest)}


def _beliefs(reader: Reader, bets: Iterable[Entity]) -> Iterable[BeliefFacts]:
    counts: dict[str, int] = {}
    for bet in bets:
        for ref in bet.targets("supportsBelief"):
            counts[ref] = counts.get(ref, 0) + 1
    found = reader.get_many(counts)
    for ref, entity in sorted(found.items()):
        yield BeliefFacts(ref, entity.title or entity.name, _day(entity.spec.get("expires")), counts[ref])


def _records(reader: Reader, parts: frozenset[str], bets: set[str]) -> Iterable[RecordFacts]:
    for each in records_of(reader):
        content = each.content
        if content.unit not in parts and content.bet not in bets:
            continue
        if each.state.open or each.state.value == "accepted":
            yield RecordFacts(
                each.number,
                content.title,
                content.unit,
                each.proposed_at.date() if each.state.open else None,
                where_open(each) if each.state.open else "",
                _day(content.review_on),
            )


def _questions(questions: Iterable[Question], bets: set[str]) -> Iterable[TermFacts]:
    """What is due; read as nobody in particular, so that no prediction is in it."""
    for each in questions:
        if each.bet not in bets:
            continue
        reveal, known = _day(each.reveal_on), _day(each.resolves_on)
        if each.state is QuestionState.OPEN and (reveal or known):
            yield TermFacts(
                each.id, each.bet, each.question, min(filter(None, (reveal, known))), to_reveal=True
            )
        elif each.state is QuestionState.REVEALED and known:
            yield TermFacts(each.id, each.bet, each.question, known, to_reveal=False)


def _ties(reader: Reader, bets: Sequence[Bet]) -> Iterable[tuple[str, ...]]:
    titles = {bet.ref: bet.title for bet in bets}
    found = estimates_of(reader, titles)
    ranges = {bet: {key: each.range for key, each in of.items()} for bet, of in found.items()}
    for ordered in order(contenders_of(ranges, units_of_delays(found))):
        for group in ordered.groups:
            if group.tie:
                yield tuple(titles[standing.bet] for standing in group.standings)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
