"""Public forms: an address with a secret at which anybody may write to a unit, without an account.

A form takes so many pieces in a minute and in a day, so that nobody buries a unit in them.
"""

import secrets
from collections import deque
from collections.abc import Mapping
from datetime import date
from threading import Lock
from time import monotonic
from typing import Any

import sqlalchemy as sa

from counterpoint.bets.decisions import require_bet
from counterpoint.bets.feedback.kept import (
    DOORS,
    FEEDBACK,
    SHORT,
    Given,
    keep,
    piece_of,
    require_own,
    speaks_for,
)
from counterpoint.bets.feedback.model import Door, Source
from counterpoint.bets.given import given_text, given_unit, hashed
from counterpoint.errors import NotFoundError, OverloadedError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.moments import today_utc

__all__ = ["PER_DAY", "PER_MINUTE", "close_door", "door_of", "give", "list_doors", "open_door"]

PER_DAY = 300
"""Pieces that one public form takes in a day."""
PER_MINUTE = 20
"""Pieces that one public form takes in a minute, of each process of the server."""
ID = 12
"""Characters of a door's hash that name it; they open nothing."""


class _Pace:
    """Counts what each public form took in the last minute, of this process."""

    def __init__(self) -> None:
        self._taken: dict[str, deque[float]] = {}
        self._lock = Lock()

    def take(self, door: str, now: float) -> None:
        """Count one more.

        Raises:
            OverloadedError: there were too many.
        """
        with self._lock:
            for each in [key for key, times in self._taken.items() if times[-1] <= now - 60]:
                del self._taken[each]
            times = self._taken.setdefault(door, deque(maxlen=PER_MINUTE))
            if len(times) == PER_MINUTE and times[0] > now - 60:
                raise OverloadedError("Many write here just now; try again in a minute.", retry_after=60)
            times.append(now)


_pace = _Pace()


def open_door(
    graph: Graph, unit: str, title: str, *, actor: Actor, bet: str | None = None
) -> tuple[Door, str]:
    """Make a public form of a unit; the secret of its address is told this once.

    Raises:
        InputError: the title is empty, or there is no such unit.
        NotAllowedError: the actor does not belong to the unit.
    """
    with graph.write(actor) as writer:
        ref = given_unit(writer, unit, "/unit")
        require_own(writer, actor, ref)
        words = given_text(title, SHORT, "/title", wanted="Say what people are asked about.")
        about = require_bet(writer, bet).ref if bet else None
        secret = secrets.token_urlsafe(24)
        row = {"secret": hashed(secret), "unit": ref, "bet": about, "title": words}
        made = {"made_by": actor.ref, "made_at": writer.now, "closed_at": None}
        writer.connection.execute(sa.insert(DOORS).values(row | made))
        writer.record("feedback.opened", ref, after={"title": words, "bet": about})
    return _door(row | made), secret


def close_door(graph: Graph, number: str, *, actor: Actor) -> None:
    """Let a public form take nothing more.

    Raises:
        NotFoundError: there is no such form that is open.
    """
    with graph.write(actor) as writer:
        begins, is_open = DOORS.c.secret.startswith(number, autoescape=True), DOORS.c.closed_at.is_(None)
        row = _door_row(writer, begins, is_open) if len(number) == ID else None
        if row is None:
            raise NotFoundError(f"There is no open form {number[:40]!r}.")
        require_own(writer, actor, row["unit"])
        here = DOORS.c.secret == row["secret"]
        writer.connection.execute(sa.update(DOORS).where(here).values(closed_at=writer.now))
        writer.record("feedback.closed", row["unit"], after={"title": row["title"]})


def list_doors(graph: Graph, *, actor: Actor) -> tuple[Door, ...]:
    """The public forms of the units that the actor may speak for, open ones first."""
    with graph.read() as reader:
        rows = reader.connection.execute(sa.select(DOORS).order_by(DOORS.c.made_at.desc())).all()
        found = [_door(row._mapping) for row in rows if speaks_for(reader, actor, row.unit)]
    return tuple(sorted(found, key=lambda each: each.closed))


def door_of(graph: Graph, secret: str) -> Door:
    """The public form at an address.

    Raises:
        NotFoundError: there is none, or it is closed.
    """
    with graph.read() as reader:
        return _door(_open(reader, secret))


def give(
    graph: Graph, secret: str, text: str, *, giver: str = "", contact: str = "", today: date | None = None
) -> Given:
    """Take in what somebody wrote into a public form, without an account.

    Raises:
        InputError: the text is empty or too long.
        NotFoundError: there is no such form.
        OverloadedError: the form has taken too much today, or in this minute.
    """
    day = today or today_utc()
    with graph.read() as reader:
        row = _open(reader, secret)
        _require_room(reader, row["secret"], day)
    _pace.take(row["secret"], monotonic())
    made = piece_of(row["unit"], Source.FORM, text, day, bet=row["bet"], giver=giver, contact=contact)
    with graph.write(SYSTEM) as writer:
        # Asked again, now that no other writes: a flood must not wait for the one who writes, and many who come at
        # once must not all see the last free place.
        _require_room(writer, _open(writer, secret)["secret"], day)
        return keep(writer, made, door=row["secret"])


def _require_room(reader: Reader, door: str, day: date) -> None:
    here = sa.and_(FEEDBACK.c.door == door, FEEDBACK.c.received_on == day.isoformat())
    if reader.connection.execute(sa.select(sa.func.count()).where(here)).scalar_one() >= PER_DAY:
        raise OverloadedError(
            "This form has taken all that it takes in a day; come back tomorrow.", retry_after=3600
        )


def _door_row(reader: Reader, *conditions: sa.ColumnElement[bool]) -> Mapping[Any, Any] | None:
    row = reader.connection.execute(sa.select(DOORS).where(*conditions)).first()
    return None if row is None else row._mapping


def _open(reader: Reader, secret: str) -> Mapping[Any, Any]:
    row = _door_row(reader, DOORS.c.secret == hashed(secret), DOORS.c.closed_at.is_(None))
    if row is None:
        raise NotFoundError("There is no form at this address; it may have been closed.")
    return row


def _door(row: Mapping[Any, Any]) -> Door:
    return Door(
        id=row["secret"][:ID],
        unit=row["unit"],
        title=row["title"],
        bet=row["bet"],
        closed=row["closed_at"] is not None,
    )
