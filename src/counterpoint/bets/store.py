"""Bets in the graph and decisions in their own table, which only grows."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select

from counterpoint.bets.advice import known
from counterpoint.bets.line import Line, read_line
from counterpoint.bets.model import Bet, Decision, Known, Stage, State
from counterpoint.bets.transitions import Choice, Policy, Ruling, weigh
from counterpoint.errors import InputError, NotFoundError, PreconditionError, Problem
from counterpoint.graph import Graph, Reader, Writer
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.ref import parse_ref

__all__ = ["BetPage", "ReasonWantedError", "decide", "decisions", "list_bets", "read", "write"]

DECISIONS = Table(
    "bets_decisions",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("bet", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("choice", Text, nullable=False),
    Column("stage_before", Text, nullable=False),
    Column("stage_after", Text, nullable=False),
    Column("state_before", Text, nullable=False),
    Column("state_after", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("override", Integer, nullable=False),
    Column("known", Text, nullable=False),
)


class ReasonWantedError(InputError):
    """The decision is an override: it will be recorded as soon as it comes with a reason."""

    def __init__(self, ruling: Ruling) -> None:
        grounds = " ".join(ruling.overrides)
        message = (
            "This goes past the advice. That is yours to decide; say why, so that others can learn from it."
        )
        super().__init__(
            f"{message} {grounds}",
            [Problem("Give a reason; the decision is then recorded as an override.", "/reason")],
        )
        self.ruling = ruling


class BetPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the list of bets, each with its line of sight but without its decisions."""

    items: tuple[Line, ...]
    total: int
    next_cursor: str | None = None


def list_bets(
    graph: Graph, *, owner: str | None = None, limit: int = 50, cursor: str | None = None
) -> BetPage:
    """The bets in the order of their names."""
    with graph.read() as reader:
        page = reader.find(kind="Bet", owner=owner, limit=limit, cursor=cursor)
        return BetPage(
            tuple(read_line(reader, entity) for entity in page.items), page.total, page.next_cursor
        )


def read(graph: Graph, ref: str) -> Line:
    """One bet with its whole line, decisions newest first.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        entity = _require(reader, ref)
        return read_line(reader, entity, _decisions(reader, entity.ref))


def decisions(graph: Graph, ref: str) -> tuple[Decision, ...]:
    """The decisions about a bet, newest first; those of a deleted bet too."""
    with graph.read() as reader:
        return _decisions(reader, str(parse_ref(ref, default_kind="Bet")))


def write(
    graph: Graph,
    document: Mapping[str, Any],
    *,
    actor: Actor,
    ref: str | None = None,
    new: bool = False,
    etag: str | None = None,
) -> Line:
    """Store a Bet descriptor and return its line.

    `ref` says which bet it must be; `new` that it must not exist yet; `etag` which version was read.

    Raises:
        InputError: the descriptor is not valid, names another bet, or its owner does not exist.
        PreconditionError: the bet has changed since `etag` was read.
        NotAllowedError: the bet belongs to somebody else.
    """
    with graph.write(actor) as writer:
        problems = _problems(writer, document, ref)
        if problems:
            raise InputError("The bet cannot be stored.", problems)
        named = _ref_of(document)
        before = writer.get(named)
        if new and before is not None:
            raise InputError(
                "The bet cannot be stored.",
                [
                    Problem(
                        f"There is a bet called {parse_ref(named).name} already; choose another name.",
                        "/metadata/name",
                    )
                ],
            )
        if etag and (before is None or before.etag != etag):
            raise PreconditionError(
                "Somebody has changed this bet since you opened it. Read it again and repeat your change."
            )
        put = writer.put(document)
        return read_line(writer, _require(writer, put.entity.ref), _decisions(writer, put.entity.ref))


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

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the bet belongs to somebody else.
        InputError: `to` does not fit the choice, or the choice is unknown.
        ReasonWantedError: the decision is an override and comes without a reason.
    """
    with graph.write(actor) as writer:
        entity = _require(writer, ref)
        line = read_line(writer, entity)
        ruling = _weigh(line, choice, to)
        reason = reason.strip()
        if ruling.asks_reason(policy) and not reason:
            raise ReasonWantedError(ruling)
        writer.put(_moved(entity, ruling), reason=reason or None)
        snapshot = known(line.bet, line.readings, line.advice, ruling.overrides)
        return _record(writer, line.bet, Choice(choice), ruling, reason, snapshot)


def _weigh(line: Line, choice: Choice | str, to: Stage | None) -> Ruling:
    try:
        wanted = Choice(choice)
    except ValueError:
        known_choices = ", ".join(item.value for item in Choice)
        raise InputError(
            "The decision cannot be recorded.",
            [Problem(f"{choice!r} is no decision; choose one of {known_choices}.", "/choice")],
        ) from None
    try:
        return weigh(line.bet, wanted, line.readings, to=to)
    except ValueError as error:
        raise InputError("The decision cannot be recorded.", [Problem(f"{error}.", "/to")]) from None


def _moved(entity: Entity, ruling: Ruling) -> dict[str, Any]:
    """The bet's document where the ruling puts it; the same document where nothing moves."""
    document = deepcopy(entity.document)
    if ruling.after != ruling.before:
        document["spec"] = {
            **document["spec"],
            "stage": ruling.after.stage.value,
            "state": ruling.after.state.value,
        }
    return document


def _record(
    writer: Writer, bet: Bet, choice: Choice, ruling: Ruling, reason: str, snapshot: Known
) -> Decision:
    number = uuid4().hex
    before = {"stage": ruling.before.stage.value, "state": ruling.before.state.value}
    after = {
        "stage": ruling.after.stage.value,
        "state": ruling.after.state.value,
        "choice": choice.value,
        "override": ruling.override,
        "decision": number,
    }
    activity = writer.record("bet.decided", bet.ref, before=before, after=after, reason=reason or None)
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
    values = {key: msgspec.to_builtins(getattr(decision, key)) for key in Decision.__struct_fields__}
    values |= {
        "seq": activity.seq,
        "override": int(decision.override),
        "known": msgspec.json.encode(snapshot).decode(),
    }
    writer.connection.execute(insert(DECISIONS).values(values))
    return decision


def _decisions(reader: Reader, ref: str) -> tuple[Decision, ...]:
    rows = reader.connection.execute(
        select(DECISIONS).where(DECISIONS.c.bet == ref).order_by(DECISIONS.c.seq.desc())
    ).mappings()
    return tuple(_decision(row) for row in rows)


def _decision(row: Mapping[Any, Any]) -> Decision:
    plain = {field: row[field] for field in Decision.__struct_fields__}
    return Decision(
        **plain
        | {
            "at": msgspec.convert(row["at"], type=Decision.__annotations__["at"]),
            "stage_before": Stage(row["stage_before"]),
            "stage_after": Stage(row["stage_after"]),
            "state_before": State(row["state_before"]),
            "state_after": State(row["state_after"]),
            "override": bool(row["override"]),
            "known": msgspec.json.decode(row["known"], type=Known),
        }
    )


def _require(reader: Reader, ref: str) -> Entity:
    wanted = parse_ref(ref, default_kind="Bet")
    found = reader.get(str(wanted)) if wanted.kind == "bet" else None
    if found is None:
        raise NotFoundError(f"There is no bet {wanted.namespace}/{wanted.name}.")
    return found


def _problems(reader: Reader, document: Mapping[str, Any], ref: str | None) -> list[Problem]:
    """What the graph's own check does not ask: it is this bet, and its owner exists."""
    if document.get("kind") != "Bet":
        return [Problem("Write `kind: Bet`.", "/kind")]
    metadata, spec = document.get("metadata"), document.get("spec")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
        return [Problem("Give the bet a name.", "/metadata/name")]
    if ref is not None and _ref_of(document) != str(parse_ref(ref, default_kind="Bet")):
        return [
            Problem(
                f"The document is {_ref_of(document)}, and the address says {ref}; make them agree.",
                "/metadata/name",
            )
        ]
    owner = spec.get("owner") if isinstance(spec, Mapping) else None
    if not isinstance(owner, str) or not owner.strip():
        return [Problem("Every bet has exactly one owner: name the squad that makes the bet.", "/spec/owner")]
    try:
        named = parse_ref(
            owner, default_kind="Group", default_namespace=str(metadata.get("namespace") or "default")
        )
    except InputError as error:
        return [Problem(error.message, "/spec/owner")]
    if reader.get(str(named)) is None:
        return [
            Problem(
                f"There is no {named.kind} called {named.name}; import it first, or choose one that exists.",
                "/spec/owner",
            )
        ]
    return []


def _ref_of(document: Mapping[str, Any]) -> str:
    metadata = document["metadata"]
    return f"bet:{metadata.get('namespace') or 'default'}/{metadata['name']}".lower()
