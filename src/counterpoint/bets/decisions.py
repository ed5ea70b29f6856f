"""Decisions about bets in a table of their own, which only grows."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Column, MetaData, Table, insert, select

from counterpoint.bets.advice import known
from counterpoint.bets.line import Line, load_of, read_lines
from counterpoint.bets.model import Bet, Decision, Known, Stage, State
from counterpoint.bets.transitions import Choice, Policy, PolicyOf, Ruling, weigh
from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Customs
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.tables import INTEGER, TEXT
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, to_micros

__all__ = ["ReasonWantedError", "decide", "decisions", "decisions_of", "require_bet"]

DECISIONS = Table(
    "bets_decisions",
    MetaData(),
    Column("id", TEXT, primary_key=True),
    Column("seq", INTEGER, nullable=False, unique=True),
    Column("bet", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("choice", TEXT, nullable=False),
    Column("stage_before", TEXT, nullable=False),
    Column("stage_after", TEXT, nullable=False),
    Column("state_before", TEXT, nullable=False),
    Column("state_after", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("override", INTEGER, nullable=False),
    Column("known", TEXT, nullable=False),
)
"""`seq` is the number of the decision in the activity log, `known` a JSON value; see migration 0002."""


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


def decisions_of(reader: Reader, ref: str) -> tuple[Decision, ...]:
    """The decisions about the bet with this canonical reference, newest first; those of a deleted one too."""
    rows = reader.connection.execute(
        select(DECISIONS).where(DECISIONS.c.bet == ref).order_by(DECISIONS.c.seq.desc())
    )
    return tuple(_decision(row._mapping) for row in rows)


def require_bet(reader: Reader, ref: str) -> Entity:
    """The Bet entity.

    Raises:
        NotFoundError: there is no such bet.
    """
    wanted = parse_ref(ref, default_kind="Bet")
    found = reader.get(wanted) if wanted.kind == "bet" else None
    if found is None:
        raise NotFoundError(f"There is no bet {wanted.namespace}/{wanted.name}.")
    return found


def decide(
    graph: Graph,
    ref: str,
    choice: Choice | str,
    *,
    actor: Actor,
    reason: str = "",
    to: Stage | None = None,
    policy: Policy = Policy.ASK_REASON,
) -> Decision:
    """Record a decision, move the bet and tell the activity log, all or nothing.

    `to` names a stage for `advance` and `pivot`; without it they take the next one and the one before.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the bet belongs to somebody else.
        InputError: there is no such choice, or `to` does not fit it.
        ReasonWantedError: the decision is an override and comes without a reason.
    """
    with graph.write(actor) as writer:
        entity = require_bet(writer, ref)
        customs = Customs(graph).read(writer, entity.owner)
        load = load_of(writer, entity.owner, customs.limit("betsAtOnce"))
        line = read_lines(writer, [entity], load=load)[0]
        wanted = _choice(choice)
        ruling = _ruling(line, wanted, to, customs.policy)
        reason = reason.strip()
        writer.require_write(entity.ref)
        if ruling.asks_reason(policy) and not reason:
            raise ReasonWantedError(ruling)
        if ruling.after != ruling.before:
            writer.put(_moved(entity, ruling), reason=reason or None)
        snapshot = known(line.bet, line.readings, line.advice, ruling.overrides)
        return _record(writer, line.bet, wanted, ruling, reason, snapshot)


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


def _moved(entity: Entity, ruling: Ruling) -> dict[str, Any]:
    """The bet's document where the ruling puts it."""
    after = {"stage": ruling.after.stage.value, "state": ruling.after.state.value}
    return {**entity.document, "spec": {**entity.spec, **after}}


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
    writer.connection.execute(insert(DECISIONS).values(_row(decision, activity.seq)))
    return decision


def _row(decision: Decision, seq: int) -> dict[str, Any]:
    plain = {field: getattr(decision, field) for field in Decision.__struct_fields__}
    stages = {
        field: plain[field].value for field in ("stage_before", "stage_after", "state_before", "state_after")
    }
    return (
        plain
        | stages
        | {
            "seq": seq,
            "at": to_micros(decision.at),
            "override": int(decision.override),
            "known": msgspec.json.encode(decision.known).decode(),
        }
    )


def _decision(row: Mapping[Any, Any]) -> Decision:
    return Decision(
        id=row["id"],
        bet=row["bet"],
        at=to_datetime(row["at"]),
        actor=row["actor"],
        choice=row["choice"],
        stage_before=Stage(row["stage_before"]),
        stage_after=Stage(row["stage_after"]),
        state_before=State(row["state_before"]),
        state_after=State(row["state_after"]),
        reason=row["reason"],
        override=bool(row["override"]),
        known=msgspec.json.decode(row["known"], type=Known),
    )
