"""The decision log as people look through it: records of every kind, and the decisions about bets, by words."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.bets.deciding.latency import Latency, latency_of, where_open
from counterpoint.bets.deciding.model import DecisionRecord, DecisionState
from counterpoint.bets.deciding.placing import numbers_of, placed
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.deciding.words import asked_words, bets_with, records_with
from counterpoint.bets.decision_log import DECISIONS
from counterpoint.graph.query import valid
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.tables import revision
from counterpoint.moments import to_datetime, to_micros
from counterpoint.paging import cursor_of, read_cursor
from counterpoint.said import Said

__all__ = ["LogEntry", "LogPage", "search_log", "unit_latency"]


LATELY = 1_000
"""The newest decisions, by which it is said how long they take."""
_OF_BETS = (DECISIONS.c.bet, DECISIONS.c.at, DECISIONS.c.choice, DECISIONS.c.reason)


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the log."""

    number: int | None
    """Of the record; none for a decision about a bet, which stands on the bet's page."""
    title: str
    kind: str
    state: str
    unit: str
    bet: str
    at: datetime
    """When it was decided, or else proposed."""
    chosen: str
    reason: str
    dissent: int
    review_on: str
    waits: Said = ""
    """What an open one waits for."""


class LogPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the log, newest first."""

    items: tuple[LogEntry, ...]
    total: int
    next_cursor: str | None


def search_log(
    graph: Graph,
    *,
    words: str = "",
    unit: str = "",
    state: str = "",
    kind: str = "",
    limit: int = 50,
    cursor: str | None = None,
) -> LogPage:
    """The decisions that have all the words, of a unit, in a state, of a kind (`bet` for those about bets).

    A word may be the beginning of one; no more is read than is shown.

    Raises:
        InputError: the cursor is none of this list.
        NotFoundError: there is no such unit, and no decision of one that was.
    """
    after = read_cursor(cursor, tuple[int, int, str]) if cursor else None
    asked = asked_words(words)
    owner = str(parse_ref(unit, default_kind="Group")) if unit else ""
    with graph.read() as reader:
        if words.strip() and not asked:  # nothing but signs, which no decision is found by
            return LogPage((), 0, None)
        sources = _Sources(reader, asked, owner, state, kind)
        total = sources.total
        if owner and not total:
            reader.require(owner)
        entries = sources.after(after, limit + 1)
    entries.sort(key=_place, reverse=True)
    following = cursor_of(*_place(entries[limit - 1])) if len(entries) > limit else None
    return LogPage(tuple(entries[:limit]), total, following)


class _Sources:
    """Records, and decisions about bets, that have some words, of a unit, in a state and of a kind where these are named."""

    def __init__(self, reader: Reader, words: Sequence[str], owner: str, state: str, kind: str) -> None:
        self._reader = reader
        known = [each for each in DecisionState if each.value == state]
        none: list[DecisionState] = []
        self._records = placed(
            units=[owner] if owner else None,
            states=none if kind == "bet" else known if state else None,
            among=records_with(words, kind),
        )
        of_bets = kind in ("", "bet") and state in ("", DecisionState.ACCEPTED.value)
        self._bets: list[sa.ColumnElement[bool]] = bets_with(words) if of_bets else [sa.false()]
        if of_bets and owner:
            own = sa.select(revision.c.ref).where(
                revision.c.kind == "Bet", revision.c.owner == owner, valid(revision, None)
            )
            self._bets.append(DECISIONS.c.bet.in_(own))

    @property
    def total(self) -> int:
        """How many there are in both."""
        queries = (
            sa.select(sa.func.count()).select_from(self._records),
            sa.select(sa.func.count()).select_from(DECISIONS).where(*self._bets),
        )
        return sum(self._reader.connection.execute(query).scalar() or 0 for query in queries)

    def after(self, place: tuple[int, int, str] | None, limit: int) -> list[LogEntry]:
        """The newest of both after a place, so many of each at most."""
        at, number, bet = place or (2**63 - 1, 0, "")
        here = self._records.c
        records = (
            sa.select(here.number)
            .where(sa.or_(here.at < at, sa.and_(here.at == at, here.number < number)))
            .order_by(here.at.desc(), here.number.desc())
            .limit(limit)
        )
        numbers = list(self._reader.connection.execute(records).scalars())
        same = sa.true() if number else DECISIONS.c.bet < bet
        bets = (
            sa.select(*_OF_BETS)
            .where(*self._bets, sa.or_(DECISIONS.c.at < at, sa.and_(DECISIONS.c.at == at, same)))
            .order_by(DECISIONS.c.at.desc(), DECISIONS.c.bet.desc())
            .limit(limit)
        )
        found = (
            *_from_records(records_of(self._reader, numbers)),
            *_from_bets(self._reader, self._reader.connection.execute(bets).all()),
        )
        return list(found)


def _place(entry: LogEntry) -> tuple[int, int, str]:
    """What the log is ordered by: no two entries are equal, so a page begins where the one before ended."""
    return to_micros(entry.at), entry.number or 0, entry.bet


def unit_latency(graph: Graph, unit: str = "", *, now: datetime | None = None) -> Latency:
    """How long the newest `LATELY` decisions of one unit take, or those of all.

    Decisions about bets are recorded when they are made, and so take no time.
    """
    owner = str(parse_ref(unit, default_kind="Group")) if unit else ""
    with graph.read() as reader:
        numbers = numbers_of(reader, units=[owner] if owner else None, limit=LATELY)
        found = records_of(reader, numbers)
    return latency_of(found, now or datetime.now(UTC))


def _from_records(records: Sequence[DecisionRecord]) -> Iterable[LogEntry]:
    for each in records:
        content, decided = each.content, each.decided
        yield LogEntry(
            number=each.number,
            title=content.title,
            kind=content.kind.value,
            state=each.state.value,
            unit=content.unit,
            bet=content.bet,
            at=decided.at if decided else each.proposed_at,
            chosen=content.chosen,
            reason=content.because,
            dissent=len(each.dissent),
            review_on=content.review_on,
            waits=where_open(each) if each.state.open else "",
        )


def _from_bets(reader: Reader, rows: Sequence[Any]) -> Iterable[LogEntry]:
    bets = reader.get_many({row.bet for row in rows})
    for row in rows:
        bet = bets.get(row.bet)
        title = bet.title if bet else parse_ref(row.bet).name
        yield LogEntry(
            number=None,
            title=title,
            kind="bet",
            state="accepted",
            unit=(bet.owner or "") if bet else "",
            bet=row.bet,
            at=to_datetime(row.at),
            chosen=row.choice,
            reason=row.reason,
            dissent=0,
            review_on="",
        )
