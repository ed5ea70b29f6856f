"""The facts that the agenda of a review is made from, gathered from the graph."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from counterpoint.bets.deciding.latency import where_open
from counterpoint.bets.deciding.placing import LIVE, numbers_of
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.evidence import Direction, Evidence, standing
from counterpoint.bets.evidence_log import evidence_of
from counterpoint.bets.judgement.estimating import estimates_of, units_of_delays
from counterpoint.bets.judgement.portfolio import contenders_of, order
from counterpoint.bets.judgement.predicting import Question, batches, questions_about
from counterpoint.bets.judgement.prediction import QuestionState
from counterpoint.bets.line import BeliefNode, Line
from counterpoint.bets.mix import mix_of
from counterpoint.bets.model import Bet, State, read_bet
from counterpoint.bets.reviews.agenda import BeliefFacts, BetFacts, Facts, RecordFacts, TermFacts
from counterpoint.bets.reviews.boards import parts_of
from counterpoint.bets.units import bets_in, practising
from counterpoint.bets.whole import read_whole, stage_since, staleness_of
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph

__all__ = ["facts_of"]

TELLING = 3
"""The strength from which evidence for a bet is news that waits for a decision: what people did, not what they said."""


def facts_of(graph: Graph, reader: Reader, board: Entity, today: date) -> Facts:
    """Everything about the active bets of a board that may be on its agenda of a day."""
    parts = parts_of(reader, board.ref)
    entities = [
        each
        for each in practising(graph, reader, bets_in(reader, parts))
        if read_bet(each).state is State.ACTIVE
    ]
    refs = [each.ref for each in entities]
    evidence = evidence_of(reader, entities)
    lines = read_whole(reader, entities, evidence=evidence, today=today)
    made = reader.newest_activity("entity.created", refs)
    now = datetime.combine(today, time.max, UTC)
    return Facts(
        board=board.ref,
        bets=tuple(_bet(line, evidence.get(line.bet.ref, ()), made.get(line.bet.ref), now) for line in lines),
        mix=mix_of(line.bet for line in lines),
        beliefs=tuple(_beliefs(lines)),
        records=tuple(_records(reader, parts, set(refs))),
        questions=tuple(_questions(questions_about(reader, SYSTEM, refs))),
        ties=tuple(_ties(reader, [line.bet for line in lines])),
    )


def _bet(line: Line, evidence: Sequence[Evidence], made: Activity | None, now: datetime) -> BetFacts:
    """The facts of one bet. One that no decision has moved came into its stage when it was first written."""
    bet = line.bet
    entered = stage_since(line.decisions) or (made.at if made else None) or bet.updated_at or now
    decided = line.decisions[0].at if line.decisions else None
    news = [row for row in standing(evidence) if decided is None or row.at > decided]
    return BetFacts(
        ref=bet.ref,
        title=bet.title,
        stage=bet.stage.value,
        entered=entered.date(),
        quiet=staleness_of(line, evidence, now),
        against=_said(row for row in news if row.direction is Direction.AGAINST and row.strength),
        news=_said(row for row in news if row.direction is Direction.FOR and row.strength >= TELLING),
        patience=bet.patience,
    )


def _said(rows: Iterable[Evidence]) -> str:
    """The strongest of them in words, the newest where some are equally strong."""
    strongest = max(rows, key=lambda row: (row.strength, row.at), default=None)
    if strongest is None:
        return ""
    said = strongest.note or f"{strongest.label}, on {strongest.risk.value}"
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _beliefs(lines: Iterable[Line]) -> Iterable[BeliefFacts]:
    counts: Counter[str] = Counter()
    nodes: dict[str, BeliefNode] = {}
    for line in lines:
        for node in line.beliefs:
            counts[node.ref] += 1
            nodes[node.ref] = node
    return (BeliefFacts(nodes[ref], counts[ref]) for ref in sorted(nodes) if nodes[ref].exists)


def _records(reader: Reader, parts: frozenset[str], bets: set[str]) -> Iterable[RecordFacts]:
    numbers = {
        *numbers_of(reader, units=parts, states=LIVE),
        *(number for some in batches(bets) for number in numbers_of(reader, bets=some, states=LIVE)),
    }
    for each in records_of(reader, numbers):
        content = each.content
        yield RecordFacts(
            each.number,
            content.title,
            content.unit,
            each.proposed_at.date() if each.state.open else None,
            where_open(each) if each.state.open else "",
            _day(content.review_on),
        )


def _questions(questions: Iterable[Question]) -> Iterable[TermFacts]:
    """What is due; read as nobody in particular, so that no prediction is in it."""
    for each in questions:
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
