"""A week out of the events: what was decided, learned and begun, told of units and bets and of no person."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import or_, select

from counterpoint.bets.reviews.boards import parts_of, require_board
from counterpoint.errors import InputError, Problem
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.graph.tables import activity, decode
from counterpoint.moments import to_datetime, to_micros
from counterpoint.said import Said

__all__ = ["Digest", "DigestLine", "Section", "digest", "digests", "sections", "week_of"]

MOST = 5000
"""Events of a week that are read."""
ACTIONS = (
    "bet.decided",
    "decision.accepted",
    "decision.rejected",
    "experiment.read",
    "prediction.resolved",
    "prediction.revealed",
    "prediction.withdrawn",
    "entity.created",
    "review.closed",
    "prediction.asked",
    "decision.proposed",
    "bet.estimated",
)


DECIDED = ("decision.accepted", "decision.rejected")
PREDICTED = ("prediction.revealed", "prediction.resolved", "prediction.withdrawn")
"""After these nobody predicts any more."""


class DigestLine(msgspec.Struct, frozen=True):
    """One thing that happened."""

    subject: str
    title: str
    text: Said
    href: str = ""
    """Its page; the page of the subject where empty."""


class Section(msgspec.Struct, frozen=True):
    """Things of one sort."""

    title: Said
    lines: tuple[DigestLine, ...]


class Digest(msgspec.Struct, frozen=True, rename="camel"):
    """A week of a board, or of all."""

    week: str
    """As ISO 8601 writes it: 2026-W30."""
    start: date
    end: date
    """The Monday after it."""
    board: str
    sections: tuple[Section, ...]

    @property
    def previous(self) -> str:
        """The week before."""
        return week_of(self.start - timedelta(days=7))[0]


def week_of(day: date | str) -> tuple[str, date]:
    """The ISO week of a day, or the one that is written as 2026-W30, with its Monday.

    Raises:
        InputError: there is no such week.

    >>> week_of("2026-W01")
    ('2026-W01', datetime.date(2025, 12, 29))
    """
    if isinstance(day, date):
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}", date.fromisocalendar(year, week, 1)
    found = re.fullmatch(r"(\d{4})-W(\d{2})", day)
    try:
        # The calendar's first and last year have no week beside them, which the digest names.
        if found is None or not date.min.year < int(found[1]) < date.max.year:
            raise ValueError
        return day, date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        problem = Problem(f"{day!r} is no week; write it as 2026-W30.", "/week")
        raise InputError("There is no digest of that.", [problem]) from None


def digest(graph: Graph, week: str, unit: str = "") -> Digest:
    """What happened in a week to the bets of a unit and its parts, or to all.

    Raises:
        InputError: there is no such week.
        NotFoundError: there is no such unit.
    """
    with graph.read() as reader:
        return digests(reader, week, [unit])[0]


def digests(reader: Reader, week: str, units: Sequence[str]) -> tuple[Digest, ...]:
    """The same for several units, whose events are read once; the empty name is everybody."""
    name, start = week_of(week)
    end = start + timedelta(days=7)
    boards = [require_board(reader, unit) if unit else None for unit in units]
    found = _events(reader, start, end)
    subjects = reader.get_many({each.subject for each in found if each.subject.count(":") == 1})
    tests = {ref: bet for ref, each in subjects.items() for bet in each.targets("testsBet")}
    bets = reader.get_many(tests.values())
    tested = {ref: bets[bet] for ref, bet in tests.items() if bet in bets}
    made = []
    for board in boards:
        parts = parts_of(reader, board.ref) if board else None
        kept = [
            each
            for each in found
            if parts is None or _owner(each.subject, subjects, tested) in parts or each.subject in parts
        ]
        made.append(Digest(name, start, end, board.ref if board else "", sections(kept, subjects)))
    return tuple(made)


def sections(events: Sequence[Activity], subjects: Mapping[str, Entity]) -> tuple[Section, ...]:
    """The sections of a digest that have something in them; events oldest first."""
    built = (
        Section("Decided", tuple(_decided(events, subjects))),
        Section("Learned", tuple(_learned(events, subjects))),
        Section("Begun", tuple(_begun(events, subjects))),
        Section("Open", tuple(_open(events, subjects))),
        Section("Reviewed", tuple(_reviewed(events, subjects))),
    )
    return tuple(each for each in built if each.lines)


def _decided(events: Iterable[Activity], subjects: Mapping[str, Entity]) -> Iterable[DigestLine]:
    for each in events:
        after = _after(each)
        if each.action == "bet.decided":
            stage, before = after.get("stage"), _before(each).get("stage")
            moved = f", {before} to {stage}" if before and stage and before != stage else ""
            override = ", an override" if after.get("override") else ""
            yield _line(each, subjects, f"{after.get('choice', 'decided')}{moved}{override}")
        elif each.action in ("decision.accepted", "decision.rejected"):
            chosen = after.get("chosen") if each.action.endswith("accepted") else "rejected"
            title = str(after.get("title") or "")
            yield DigestLine(each.subject, title, f"{chosen}", f"/decisions/{after.get('decision')}")


def _learned(events: Iterable[Activity], subjects: Mapping[str, Entity]) -> Iterable[DigestLine]:
    newest = {each.subject: each for each in events if each.action == "experiment.read"}
    for each in newest.values():
        yield _line(each, subjects, str(_after(each).get("sentence") or "was read"))
    for each in events:
        if each.action == "prediction.resolved":
            came = _came(_after(each))
            href = f"/predictions/{_after(each).get('id')}"
            question = str(_after(each).get("question") or _title(each.subject, subjects))
            yield DigestLine(each.subject, question, came, href)


def _came(after: Mapping[str, Any]) -> Said:
    if "amount" in after:
        return f"came to {after['amount']:g}"
    return "came true" if after.get("outcome") else "did not come true"


def _begun(events: Iterable[Activity], subjects: Mapping[str, Entity]) -> Iterable[DigestLine]:
    for each in events:
        if each.action == "entity.created" and each.subject.startswith("bet:") and each.subject in subjects:
            yield _line(each, subjects, "a new bet")
    estimated = {each.subject for each in events if each.action == "bet.estimated"}
    for subject in sorted(estimated):
        yield DigestLine(subject, _title(subject, subjects), "was estimated")


def _open(events: Iterable[Activity], subjects: Mapping[str, Entity]) -> Iterable[DigestLine]:
    done = {_after(each).get("id") for each in events if each.action in PREDICTED}
    done |= {("decision", _after(each).get("decision")) for each in events if each.action in DECIDED}
    for each in events:
        after = _after(each)
        if after.get("id") in done or ("decision", after.get("decision")) in done:
            continue
        if each.action == "prediction.asked":
            question = str(after.get("question") or "")
            yield DigestLine(
                each.subject, question, "a question to predict", f"/predictions/{after.get('id')}"
            )
        elif each.action == "decision.proposed":
            title = str(after.get("title") or "")
            yield DigestLine(
                each.subject, title, "a decision is proposed", f"/decisions/{after.get('decision')}"
            )


def _reviewed(events: Iterable[Activity], subjects: Mapping[str, Entity]) -> Iterable[DigestLine]:
    for each in events:
        if each.action == "review.closed":
            count = _after(each).get("decisions", 0)
            text = f"reviewed its bets, with {count} decision{'' if count == 1 else 's'}"
            yield DigestLine(
                each.subject, _title(each.subject, subjects), text, f"/bets/reviews/{_after(each).get('id')}"
            )


def _line(each: Activity, subjects: Mapping[str, Entity], text: str) -> DigestLine:
    return DigestLine(each.subject, _title(each.subject, subjects), text)


def _title(ref: str, subjects: Mapping[str, Entity]) -> str:
    entity = subjects.get(ref)
    return (entity.title or entity.name) if entity else ref.rpartition("/")[2]


def _owner(ref: str, subjects: Mapping[str, Entity], tested: Mapping[str, Entity]) -> str | None:
    """The unit that an event concerns: the owner of its bet, or of what it happened to."""
    if ref in tested:
        return tested[ref].owner
    entity = subjects.get(ref)
    return entity.owner if entity else None


def _events(reader: Reader, start: date, end: date) -> list[Activity]:
    first, last = (to_micros(datetime(day.year, day.month, day.day, tzinfo=UTC)) for day in (start, end))
    query = (
        select(activity)
        .where(
            activity.c.at >= first,
            activity.c.at < last,
            activity.c.action.in_(ACTIONS),
            # Of what was made only bets are told; an import makes thousands of other things in a minute.
            or_(activity.c.action != "entity.created", activity.c.subject.like("bet:%")),
        )
        .order_by(activity.c.seq)
        .limit(MOST)
    )
    return [
        Activity(
            row.seq,
            to_datetime(row.at),
            "",  # a digest tells of units, so nobody's name is even read
            row.action,
            row.subject,
            decode(row.before),
            decode(row.after),
            row.reason,
        )
        for row in reader.connection.execute(query)
    ]


def _after(each: Activity) -> Mapping[str, object]:
    return each.after if isinstance(each.after, dict) else {}


def _before(each: Activity) -> Mapping[str, object]:
    return each.before if isinstance(each.before, dict) else {}
