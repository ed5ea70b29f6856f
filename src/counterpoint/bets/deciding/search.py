"""The decision log as people look through it: records of every kind, and the decisions about bets, by words."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import select

from counterpoint.bets.deciding.latency import Latency, latency_of, where_open
from counterpoint.bets.deciding.model import DecisionRecord
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.decision_log import DECISIONS
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.moments import to_datetime, to_micros
from counterpoint.paging import cursor_of, read_cursor
from counterpoint.said import Said

__all__ = ["LogEntry", "LogPage", "search_log", "unit_latency"]


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
    """The decisions that hold all the words, of a unit, in a state, of a kind (`bet` for those about bets).

    Raises:
        InputError: the cursor is none of this list.
        NotFoundError: there is no such unit, and no decision of one that was.
    """
    after = read_cursor(cursor, tuple[int, int, str]) if cursor else None
    asked = words.casefold().split()
    owner = str(parse_ref(unit, default_kind="Group")) if unit else ""
    with graph.read() as reader:
        known = (*_from_records(records_of(reader)), *_from_bets(reader))
        if owner and not any(entry.unit == owner for entry, _ in known):
            reader.require(owner)
        entries = [
            entry
            for entry, text in known
            if all(word in text for word in asked)
            and owner in ("", entry.unit)
            and state in ("", entry.state)
            and kind in ("", entry.kind)
        ]
    entries.sort(key=_place, reverse=True)
    rest = [entry for entry in entries if after is None or _place(entry) < after]
    following = cursor_of(*_place(rest[limit - 1])) if len(rest) > limit else None
    return LogPage(tuple(rest[:limit]), len(entries), following)


def _place(entry: LogEntry) -> tuple[int, int, str]:
    """What the log is ordered by: no two entries are equal, so a page begins where the one before ended."""
    return to_micros(entry.at), entry.number or 0, entry.bet


def unit_latency(graph: Graph, unit: str = "", *, now: datetime | None = None) -> Latency:
    """How long the decisions of one unit take, or those of all; decisions about bets are recorded when they are made."""
    owner = str(parse_ref(unit, default_kind="Group")) if unit else ""
    with graph.read() as reader:
        found = [each for each in records_of(reader) if owner in ("", each.content.unit)]
    return latency_of(found, now or datetime.now(UTC))


def _from_records(records: Sequence[DecisionRecord]) -> Iterable[tuple[LogEntry, str]]:
    for each in records:
        content, decided = each.content, each.decided
        entry = LogEntry(
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
        options = " ".join(option.title for option in content.options)
        said = " ".join(row.text for row in each.advice)
        listed = " ".join((*content.drivers, *content.good, *content.bad))
        text = (
            f"{content.title} {content.context} {options} {content.chosen} {content.because} {listed} {said}"
        )
        yield entry, text.casefold()


def _from_bets(reader: Reader) -> Iterable[tuple[LogEntry, str]]:
    wanted = (DECISIONS.c.bet, DECISIONS.c.at, DECISIONS.c.choice, DECISIONS.c.reason)
    rows = reader.connection.execute(select(*wanted)).all()
    bets = reader.get_many({row.bet for row in rows})
    for row in rows:
        bet = bets.get(row.bet)
        title = bet.title if bet else parse_ref(row.bet).name
        entry = LogEntry(
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
        yield entry, f"{title} {row.choice} {row.reason}".casefold()
