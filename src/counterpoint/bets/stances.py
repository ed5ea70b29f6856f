"""What squad and sponsor answered to the exit questions: a table that only grows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from counterpoint.bets.helping import require_help
from counterpoint.bets.model import Answer, ExitStance, Party, Stage, read_bet
from counterpoint.bets.required import require_bet
from counterpoint.bets.tables import STANCE
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.moments import to_datetime

__all__ = ["newest_of_each", "stances_of", "take_stance"]

LONGEST = 2_000
"""Characters of a reason."""


def take_stance(
    graph: Graph, ref: str, side: Party | str, answer: Answer | str, *, actor: Actor, reason: str = ""
) -> ExitStance:
    """Record what one side answers to the exit question of the bet's stage. An earlier answer stays in the record.

    The squad answers for itself. For the sponsor answer the sponsor, or somebody of the squad whom they
    told; who recorded it is shown.

    Raises:
        NotFoundError: there is no such bet.
        NotAllowedError: the actor is neither of the owner or a contributor, nor the sponsor.
        InputError: there is no such side or answer, or the reason is too long.
    """
    wanted, given = _choice(Party, side, "side"), _choice(Answer, answer, "answer")
    reason = reason.replace("\x00", "").strip()  # PostgreSQL keeps no NUL
    if len(reason) > LONGEST:
        message = f"The reason has {len(reason)} characters; {LONGEST} are the most."
        raise InputError("The answer cannot be recorded.", [Problem(message, "/reason")])
    with graph.write(actor) as writer:
        entity = require_bet(writer, ref)
        if wanted is Party.SQUAD:
            writer.require_write(entity.ref)
        else:
            require_help(writer, entity)
        stage = read_bet(entity).stage
        number = uuid4().hex
        told = {"stance": number, "stage": stage.value, "side": wanted.value, "answer": given.value}
        entry = writer.record("bet.answered", entity.ref, after=told, reason=reason or None)
        made = ExitStance(
            id=number,
            bet=entity.ref,
            stage=stage,
            side=wanted,
            answer=given,
            reason=reason,
            at=entry.at,
            actor=entry.actor,
        )
        writer.connection.execute(
            sa.insert(STANCE).values(
                id=number,
                seq=entry.seq,
                bet=entity.ref,
                at=writer.now,
                actor=entry.actor,
                stage=stage.value,
                side=wanted.value,
                answer=given.value,
                reason=reason,
            )
        )
        return made


def stances_of(reader: Reader, bets: Sequence[str]) -> dict[str, tuple[ExitStance, ...]]:
    """Every answer about each of the bets, newest first."""
    found: dict[str, list[ExitStance]] = defaultdict(list)
    for start in range(0, len(bets), 500):
        query = sa.select(STANCE).where(STANCE.c.bet.in_(bets[start : start + 500]))
        for row in reader.connection.execute(query.order_by(STANCE.c.seq.desc())):
            found[row.bet].append(_stance(row._mapping))
    return {bet: tuple(rows) for bet, rows in found.items()}


def newest_of_each(stances: Iterable[ExitStance], stage: Stage, since: Any = None) -> tuple[ExitStance, ...]:
    """The newest answer of each side about a stage, the squad's first; those before `since` belong to an earlier stay."""
    found: dict[Party, ExitStance] = {}
    for each in stances:
        if each.stage is stage and (since is None or each.at >= since):
            found.setdefault(each.side, each)
    return tuple(found[side] for side in Party if side in found)


def _choice(kind: Any, value: Any, field: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(item.value for item in kind)
        problem = Problem(f"{value!r} is no {field}; choose one of {choices}.", f"/{field}")
        raise InputError("The answer cannot be recorded.", [problem]) from None


def _stance(row: Mapping[Any, Any]) -> ExitStance:
    return ExitStance(
        id=row["id"],
        bet=row["bet"],
        stage=Stage(row["stage"]),
        side=Party(row["side"]),
        answer=Answer(row["answer"]),
        reason=row["reason"],
        at=to_datetime(row["at"]),
        actor=row["actor"],
    )
