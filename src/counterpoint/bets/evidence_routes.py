"""The API of what is known about a bet: evidence, the answers to exit questions, overrides that come back."""

from datetime import date
from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from counterpoint.bets.evidence import Evidence, EvidenceInput, standing
from counterpoint.bets.evidence_log import add_evidence, read_evidence
from counterpoint.bets.follow_ups import FollowUp, follow_ups_of, learn
from counterpoint.bets.model import Answer, ExitStance, Party
from counterpoint.bets.required import bet_ref, require_bet
from counterpoint.bets.risks import RiskView
from counterpoint.bets.stances import stances_of, take_stance
from counterpoint.bets.store import read
from counterpoint.graph.actor import Actor
from counterpoint.moments import today_utc
from counterpoint.workspace import Workspace

__all__ = ["evidence_routes"]


class EvidenceList(msgspec.Struct, frozen=True):
    """The evidence about a bet, newest first, and what it says of each risk."""

    items: tuple[Evidence, ...]
    standing: tuple[str, ...]
    """The numbers of those that count: neither corrected nor replaced by a later reading of the same thing."""
    risks: tuple[RiskView, ...]


class StanceInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one side answers to the exit question of the bet's stage."""

    side: Party
    answer: Answer
    reason: str = ""


class StanceList(msgspec.Struct, frozen=True):
    """The answers to exit questions of a bet, newest first; all of them are kept."""

    items: tuple[ExitStance, ...]


class FollowUpInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was learned from an override, or the day on which it should come back."""

    decision: str
    learned: str = ""
    due: date | None = None


class FollowUpRow(msgspec.Struct, frozen=True, rename="camel"):
    """An override with where it stands today."""

    follow_up: FollowUp
    state: str
    """`recorded`, `due` or `learned`."""


class FollowUpList(msgspec.Struct, frozen=True):
    """The overrides of a bet that come back, those due first."""

    items: tuple[FollowUpRow, ...]


@get("/api/v1/bets/{namespace:str}/{name:str}/evidence", tags=["bets"], sync_to_thread=True)
def list_evidence(
    ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]
) -> EvidenceList:
    """The evidence about a bet, with what it says of each of the four risks."""
    ref = bet_ref(namespace, name)
    items = read_evidence(ws.graph, ref)
    return EvidenceList(items, tuple(row.id for row in standing(items)), read(ws.graph, ref).risks)


@post("/api/v1/bets/{namespace:str}/{name:str}/evidence", tags=["bets"], sync_to_thread=True)
def record_evidence(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[EvidenceInput],
) -> Evidence:
    """Record evidence; with a `source` the same call may be made twice and records it once."""
    return add_evidence(ws.graph, bet_ref(namespace, name), data, actor=actor)


@get("/api/v1/bets/{namespace:str}/{name:str}/stances", tags=["bets"], sync_to_thread=True)
def list_stances(ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]) -> StanceList:
    """What squad and sponsor answered to the exit questions of a bet."""
    with ws.graph.read() as reader:
        entity = require_bet(reader, bet_ref(namespace, name))
        return StanceList(stances_of(reader, [entity.ref]).get(entity.ref, ()))


@post("/api/v1/bets/{namespace:str}/{name:str}/stances", tags=["bets"], sync_to_thread=True)
def record_stance(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[StanceInput],
) -> ExitStance:
    """Answer the exit question of the bet's stage for one side."""
    return take_stance(
        ws.graph, bet_ref(namespace, name), data.side, data.answer, actor=actor, reason=data.reason
    )


@get("/api/v1/bets/{namespace:str}/{name:str}/follow-ups", tags=["bets"], sync_to_thread=True)
def list_follow_ups(
    ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]
) -> FollowUpList:
    """The overrides of a bet: which come back when, and what was learned from the others."""
    today = today_utc()
    with ws.graph.read() as reader:
        entity = require_bet(reader, bet_ref(namespace, name))
        rows = follow_ups_of(reader, [entity.ref])
    return FollowUpList(tuple(FollowUpRow(each, each.state(today)) for each in rows))


@post("/api/v1/bets/{namespace:str}/{name:str}/follow-ups", tags=["bets"], sync_to_thread=True)
def record_follow_up(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[FollowUpInput],
) -> FollowUp:
    """Say what was learned from an override, or let it come back on another day."""
    return learn(
        ws.graph, bet_ref(namespace, name), data.decision, actor=actor, learned=data.learned, due=data.due
    )


evidence_routes: list[Any] = [
    list_evidence,
    record_evidence,
    list_stances,
    record_stance,
    list_follow_ups,
    record_follow_up,
]
