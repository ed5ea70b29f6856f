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
from counterpoint.moments import to_datetime
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
    next_offset: int | None


def search_log(
    graph: Graph,
    *,
    words: str = "",
    unit: str = "",
    state: str = "",
    kind: str = "",
    offset: int = 0,
    limit: int = 50,
) -> LogPage:
    """The decisions that hold all the words, of a unit, in a state, of a kind (`bet` for those about bets)."""
    asked = words.casefold().split()
    owner = str(parse_ref(unit, default_kind="Group")) if unit else ""
    with graph.read() as reader:
        entries = [
            entry
            for entry, text in (*_from_records(records_of(reader)), *_from_bets(reader))
            if all(word in text for word in asked)
            and owner in ("", entry.unit)
            and state in ("", entry.state)
            and kind in ("", entry.kind)
        ]
    entries.sort(key=lambda entry: (entry.at, entry.number or 0), reverse=True)
    end = offset + limit
    return LogPage(tuple(entries[offset:end]), len(entries), end if end < len(entries) else None)


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
    rows = reader.connection.execute(select(DECISIONS)).all()
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
