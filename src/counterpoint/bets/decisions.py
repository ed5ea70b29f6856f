"""Decisions about bets in a table of their own, which only grows."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import uuid4

from counterpoint.bets.advice import known
from counterpoint.bets.decision_log import decisions_of, insert_decision
from counterpoint.bets.evidence_log import take_in
from counterpoint.bets.follow_ups import AFTER, ask_again
from counterpoint.bets.given import given_text
from counterpoint.bets.line import Line, load_of
from counterpoint.bets.model import Bet, Decision, Known, Stage
from counterpoint.bets.required import require_bet
from counterpoint.bets.transitions import Choice, Policy, PolicyOf, Ruling, weigh
from counterpoint.bets.whole import read_whole
from counterpoint.errors import ConflictError, InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Customs
from counterpoint.graph.entity import Entity
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer

__all__ = ["ReasonWantedError", "decide", "decisions", "decisions_of", "require_bet"]

LONGEST_REASON = 10_000
"""Characters of the reason of a decision."""


class ReasonWantedError(InputError):
    """The decision is an override; it is recorded as soon as it comes with a reason."""

    def __init__(self, ruling: Ruling) -> None:
        say = "Say what squad and sponsor each think of it" if ruling.joint else "Say why"
        problem = Problem(f"{say}; the decision is then recorded as an override.", "/reason")
        super().__init__(f"This is an override, and yours to make. {' '.join(ruling.overrides)}", [problem])
        self.ruling = ruling


def decisions(graph: Graph, ref: str) -> tuple[Decision, ...]:
    """The decisions about a bet, newest first.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        return decisions_of(reader, require_bet(reader, ref).ref)


def decide(
    graph: Graph,
    ref: str,
    choice: Choice | str,
    *,
    actor: Actor,
    reason: str = "",
    to: Stage | None = None,
    policy: Policy = Policy.ASK_REASON,
    learned: str = "",
    follow_up_on: date | None = None,
    seen: str | None = None,
    sent: Collection[str] | None = None,
) -> Decision:
    """Record a decision, move the bet and tell the activity log, all or nothing.

    `to` names a stage for `advance` and `pivot`; without it they take the next one and the one before.
    `learned` is kept in the bet's own text, where everybody finds it; for one that ends. An override comes
    back on `follow_up_on`, or after six weeks. `seen` is the id of the newest decision that the actor has
    seen, empty where there was none; without it the decision follows whatever there is. `sent` are the types of
    events that the journal has seen, by which the bet's metrics are measured or not.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the bet belongs to somebody else.
        ConflictError: somebody has decided since `seen`.
        InputError: there is no such choice, or `to` does not fit it.
        ReasonWantedError: the decision is an override and comes without a reason.
    """
    with graph.write(actor) as writer:
        entity = require_bet(writer, ref)
        customs = Customs(graph).read(writer, entity.owner)
        load = load_of(writer, entity.owner, customs.limit("betsAtOnce"))
        line = read_whole(writer, [entity], load=load, sent=sent)[0]
        _require_seen(line, seen)
        wanted = _choice(choice)
        ruling = _ruling(line, wanted, to, customs.policy)
        reason = given_text(reason, LONGEST_REASON, "/reason")
        writer.require_write(entity.ref)
        if ruling.asks_reason(policy) and not reason:
            raise ReasonWantedError(ruling)
        counting = take_in(writer, entity)
        snapshot = known(
            line.bet,
            line.readings,
            line.advice,
            ruling.overrides,
            risks=line.risks,
            evidence=[row.id for row in counting],
            stances=line.stances,
        )
        moved = _moved(entity, ruling, learned.strip())
        if moved != entity.document:
            writer.put(moved, reason=reason or None)
        decision = _record(writer, line.bet, wanted, ruling, reason, snapshot)
        if decision.override:
            ask_again(writer, entity.ref, decision.id, follow_up_on or (decision.at + AFTER).date())
        return decision


def _require_seen(line: Line, seen: str | None) -> None:
    """Two who answer the same question move the bet once: a form that was sent twice must not skip a stage."""
    newest = line.decisions[0].id if line.decisions else ""
    if seen is not None and seen != newest:
        raise ConflictError(
            f"Somebody has decided about this bet since you looked: it is in {line.bet.stage.label} now. Look again, then decide."
        )


def _choice(choice: Choice | str) -> Choice:
    try:
        return Choice(choice)
    except ValueError:
        choices = ", ".join(item.value for item in Choice)
        message = (
            f"{choice!r} is no decision; choose one of {choices}."
            if choice
            else f"Choose what you decide: {choices}."
        )
        raise InputError("The decision cannot be recorded.", [Problem(message, "/choice")]) from None


def _ruling(line: Line, choice: Choice, to: Stage | None, policy_of: PolicyOf) -> Ruling:
    try:
        return weigh(line.bet, choice, line.readings, to=to, missing=line.advice, policy_of=policy_of)
    except ValueError as error:
        raise InputError("The decision cannot be recorded.", [Problem(f"{error}.", "/to")]) from None


def _moved(entity: Entity, ruling: Ruling, learned: str) -> dict[str, Any]:
    """The bet's document where the ruling puts it, with what was learned; the same where neither is new."""
    after = {"stage": ruling.after.stage.value, "state": ruling.after.state.value}
    moved = after if ruling.after != ruling.before else {}
    return {**entity.document, "spec": {**entity.spec, **moved, **({"learned": learned} if learned else {})}}


def _record(
    writer: Writer, bet: Bet, choice: Choice, ruling: Ruling, reason: str, snapshot: Known
) -> Decision:
    number = uuid4().hex
    before = {"stage": ruling.before.stage.value, "state": ruling.before.state.value}
    after = {"stage": ruling.after.stage.value, "state": ruling.after.state.value}
    verdicts = [reading.verdict for reading in snapshot.readings]
    told = after | {
        "choice": choice.value,
        "override": ruling.override,
        "decision": number,
        "verdicts": verdicts,
    }
    activity = writer.record("bet.decided", bet.ref, before=before, after=told, reason=reason or None)
    decision = Decision(
        id=number,
        bet=bet.ref,
        at=activity.at,
        actor=activity.actor,
        choice=choice.value,
        stage_before=ruling.before.stage,
        stage_after=ruling.after.stage,
        state_before=ruling.before.state,
        state_after=ruling.after.state,
        reason=reason,
        override=ruling.override,
        known=snapshot,
    )
    insert_decision(writer, decision, activity.seq)
    return decision
