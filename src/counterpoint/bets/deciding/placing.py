"""Which decision records a question is about, by their unit, bet, state and day; what they say is not read for it."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from counterpoint.bets.deciding.model import AdviceKind, DecisionState, Step
from counterpoint.bets.deciding.tables import ADVICE, RECORDS, STEPS
from counterpoint.graph.reader import Reader

__all__ = ["LIVE", "asked_of", "decided_since", "numbers_of", "placed"]

LIVE = (DecisionState.PROPOSED, DecisionState.ADVICE, DecisionState.ACCEPTED)
"""Where something may still be done: the open ones, and those whose review date may have come."""
_CODES = {
    Step.ASK: (1, DecisionState.ADVICE),
    Step.REJECT: (2, DecisionState.REJECTED),
    Step.ACCEPT: (3, DecisionState.ACCEPTED),
    Step.SUPERSEDE: (4, DecisionState.SUPERSEDED),
}
"""A decision is where the last of its steps leads, and they come in this order."""


def placed(
    *,
    units: Collection[str] | None = None,
    bets: Collection[str] | None = None,
    states: Collection[DecisionState] | None = None,
    among: Sequence[sa.Select[tuple[int]]] = (),
) -> sa.Subquery:
    """Decisions as `number`, `unit`, `bet` and `at`: when each was decided, or else proposed.

    Those whose numbers are in each of `among`; nothing is read of others.
    """
    chosen = (
        sa.select((among[0] if len(among) == 1 else sa.intersect(*among)).cte("chosen").c.number)
        if among
        else None
    )
    narrow = [] if chosen is None else [RECORDS.c.number.in_(chosen)]
    newest = (
        sa.select(RECORDS.c.number, sa.func.max(RECORDS.c.version).label("version"))
        .where(*narrow)
        .group_by(RECORDS.c.number)
        .subquery()
    )
    first = sa.select(RECORDS.c.number, RECORDS.c.at).where(RECORDS.c.version == 1, *narrow).subquery()
    code = sa.case({step.value: code for step, (code, _) in _CODES.items()}, value=STEPS.c.step, else_=0)
    decided = sa.case((STEPS.c.step.in_((Step.ACCEPT.value, Step.REJECT.value)), STEPS.c.at))
    taken = (
        sa.select(STEPS.c.number, sa.func.max(code).label("code"), sa.func.min(decided).label("decided"))
        .where(*([] if chosen is None else [STEPS.c.number.in_(chosen)]))
        .group_by(STEPS.c.number)
        .subquery()
    )
    query = (
        sa.select(
            RECORDS.c.number,
            RECORDS.c.unit,
            RECORDS.c.bet,
            sa.func.coalesce(taken.c.decided, first.c.at).label("at"),
        )
        .join(newest, sa.and_(newest.c.number == RECORDS.c.number, newest.c.version == RECORDS.c.version))
        .join(first, first.c.number == RECORDS.c.number)
        .outerjoin(taken, taken.c.number == RECORDS.c.number)
    )
    if units is not None:
        query = query.where(RECORDS.c.unit.in_(sorted(units)))
    if bets is not None:
        query = query.where(RECORDS.c.bet.in_(sorted(bets)))
    if states is not None:
        wanted = [code for code, state in _CODES.values() if state in states]
        if DecisionState.PROPOSED in states:
            wanted.append(0)
        query = query.where(sa.func.coalesce(taken.c.code, 0).in_(wanted))
    return query.subquery()


def numbers_of(
    reader: Reader,
    *,
    units: Collection[str] | None = None,
    bets: Collection[str] | None = None,
    states: Collection[DecisionState] | None = None,
    among: Sequence[sa.Select[tuple[int]]] = (),
    limit: int | None = None,
) -> list[int]:
    """The numbers of decisions of units, about bets, in some states, or among those of each selection, newest first."""
    found: Any = placed(units=units, bets=bets, states=states, among=among)
    query = sa.select(found.c.number).order_by(found.c.number.desc()).limit(limit)
    return list(reader.connection.execute(query).scalars())


def decided_since(reader: Reader, at: int) -> list[int]:
    """The numbers of decisions that were accepted or rejected from a moment on, in microseconds; oldest first."""
    here = STEPS.c.step.in_((Step.ACCEPT.value, Step.REJECT.value)), STEPS.c.at >= at
    query = sa.select(STEPS.c.number).where(*here).distinct().order_by(STEPS.c.number)
    return list(reader.connection.execute(query).scalars())


def asked_of(reader: Reader, whom: Collection[str]) -> list[int]:
    """The numbers of open decisions on which one of these was asked for advice, newest first."""
    found: Any = placed(states=[DecisionState.ADVICE])
    asked = sa.select(ADVICE.c.number).where(
        ADVICE.c.kind == AdviceKind.ASKED.value, ADVICE.c.whom.in_(sorted(whom))
    )
    query = sa.select(found.c.number).where(found.c.number.in_(asked)).order_by(found.c.number.desc())
    return list(reader.connection.execute(query).scalars())
