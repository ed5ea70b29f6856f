"""The tables of concerns, and rows as values; migration 0011 makes them.

The database refuses an author where the concern is not a named one, and any change of who raised it, where and when.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from counterpoint.bets.concerns.model import Answer, Concern, ConcernState, Move, Naming, Risk
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import INTEGER, TEXT

__all__ = ["OPEN", "after_place", "answers", "concerns", "of_units", "place_of", "read_concerns", "row_of"]

_METADATA = sa.MetaData()

concerns = sa.Table(
    "bets_concern",
    _METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("bet", TEXT),
    sa.Column("unit", TEXT),
    sa.Column("owner", TEXT),
    sa.Column("risk", TEXT),
    sa.Column("text", TEXT),
    sa.Column("naming", TEXT),
    sa.Column("author", TEXT),
    sa.Column("receipt", TEXT),
    sa.Column("raised_on", TEXT),
    sa.Column("about_on", TEXT),
    sa.Column("shared", INTEGER),
    sa.Column("published_on", TEXT),
    sa.Column("state", TEXT),
)
"""`receipt` is the SHA-256 of a random secret that only whoever raised a nameless concern was shown."""

answers = sa.Table(
    "bets_concern_answer",
    _METADATA,
    sa.Column("concern", TEXT, primary_key=True),
    sa.Column("number", INTEGER, primary_key=True),
    sa.Column("move", TEXT),
    sa.Column("by", TEXT),
    sa.Column("on", TEXT),
    sa.Column("text", TEXT),
    sa.Column("outside", INTEGER),
)

BATCH = 500
_ORDER = (concerns.c.raised_on.desc(), concerns.c.id)
OPEN = concerns.c.state.not_in([state.value for state in ConcernState if state.closed])
"""Concerns of which nobody has said how they ended."""
_is_closed: sa.ColumnElement[int] = sa.case((OPEN, 0), else_=1)


def read_concerns(
    reader: Reader, *conditions: sa.ColumnElement[bool], limit: int | None = None, open_first: bool = False
) -> list[Concern]:
    """The concerns that the conditions let through, whoever asks: callers show of them what `model.sees` allows.

    Newest day first, within a day in the order of their ids, which are random; with `open_first` those that are
    closed after all others.
    """
    order = (_is_closed, *_ORDER) if open_first else _ORDER
    query = sa.select(concerns).where(*conditions).order_by(*order)
    query = query if limit is None else query.limit(limit)
    rows = [row._mapping for row in reader.connection.execute(query)]
    told = _answers(reader, [row["id"] for row in rows])
    return [_concern(row, told.get(row["id"], ())) for row in rows]


def place_of(concern: Concern, *, open_first: bool = False) -> tuple[int, str, str]:
    """Where a concern stands in the order of `read_concerns`."""
    return int(open_first and concern.state.closed), concern.raised_on.isoformat(), concern.id


def after_place(place: tuple[int, str, str], *, open_first: bool = False) -> sa.ColumnElement[bool]:
    """What comes after a place in the order of `read_concerns`."""
    closed, day, number = place
    same_day = sa.and_(concerns.c.raised_on == day, concerns.c.id > number)
    later = sa.or_(concerns.c.raised_on < day, same_day)
    return sa.or_(_is_closed > closed, sa.and_(_is_closed == closed, later)) if open_first else later


def of_units(units: Collection[str]) -> sa.ColumnElement[bool]:
    """Concerns that were raised in one of the units, or about a bet that was theirs."""
    listed = sorted(units)
    return sa.or_(concerns.c.unit.in_(listed), concerns.c.owner.in_(listed))


def row_of(concern: Concern) -> dict[str, Any]:
    """The columns of a concern, without its receipt."""
    return {
        "id": concern.id,
        "bet": concern.bet,
        "unit": concern.unit,
        "owner": concern.owner,
        "risk": concern.risk.value,
        "text": concern.text,
        "naming": concern.naming.value,
        "author": concern.author,
        "raised_on": concern.raised_on.isoformat(),
        "about_on": concern.about_on.isoformat() if concern.about_on else None,
        "shared": int(concern.shared),
        "published_on": concern.published_on.isoformat() if concern.published_on else None,
        "state": concern.state.value,
    }


def _answers(reader: Reader, ids: list[str]) -> dict[str, tuple[Answer, ...]]:
    found: dict[str, list[Answer]] = {}
    for start in range(0, len(ids), BATCH):
        here = answers.c.concern.in_(ids[start : start + BATCH])
        query = sa.select(answers).where(here).order_by(answers.c.concern, answers.c.number)
        for row in reader.connection.execute(query):
            found.setdefault(row.concern, []).append(_answer(row._mapping))
    return {each: tuple(items) for each, items in found.items()}


def _answer(row: Mapping[Any, Any]) -> Answer:
    return Answer(
        number=row["number"],
        move=Move(row["move"]),
        by=row["by"],
        on=date.fromisoformat(row["on"]),
        text=row["text"],
        outside=bool(row["outside"]),
    )


def _concern(row: Mapping[Any, Any], told: Iterable[Answer]) -> Concern:
    return Concern(
        id=row["id"],
        bet=row["bet"],
        unit=row["unit"],
        owner=row["owner"],
        risk=Risk(row["risk"]),
        text=row["text"],
        naming=Naming(row["naming"]),
        author=row["author"],
        raised_on=date.fromisoformat(row["raised_on"]),
        about_on=_day(row["about_on"]),
        shared=bool(row["shared"]),
        published_on=_day(row["published_on"]),
        state=ConcernState(row["state"]),
        answers=tuple(told),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
