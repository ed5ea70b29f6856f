"""The tables of feedback, what is read from them, and how a piece is put in; migration 0011 makes them."""

import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from counterpoint.bets.feedback.model import Feedback, FeedbackState, Source, version_of
from counterpoint.bets.given import given_text, hashed
from counterpoint.errors import NotAllowedError
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import INTEGER, TEXT
from counterpoint.graph.writer import Writer

__all__ = [
    "DOORS",
    "FEEDBACK",
    "LONGEST",
    "SHORT",
    "Given",
    "feedback_of",
    "keep",
    "piece_of",
    "require_own",
    "speaks_for",
]

LONGEST = 5_000
"""Characters of a text; what is longer is refused, before anything is written."""
SHORT = 200
"""Characters of a title, a name or a contact."""
_META = sa.MetaData()
FEEDBACK = sa.Table(
    "bets_feedback",
    _META,
    *(sa.Column(name, TEXT) for name in ("id", "unit", "bet", "source", "door", "text", "giver", "contact")),
    *(sa.Column(name, TEXT) for name in ("secret", "received_on", "state", "reply", "became")),
    sa.Column("seq", INTEGER),
)
DOORS = sa.Table(
    "bets_feedback_door",
    _META,
    *(sa.Column(name, TEXT) for name in ("secret", "unit", "bet", "title", "made_by")),
    *(sa.Column(name, INTEGER) for name in ("made_at", "closed_at")),
)


class Given(msgspec.Struct, frozen=True, rename="camel"):
    """What was just given, with the secret by which its giver sees what becomes of it; it is told this once."""

    feedback: Feedback
    secret: str


def piece_of(
    unit: str, source: Source, text: str, day: date, *, bet: str | None, giver: str, contact: str
) -> Feedback:
    return Feedback(
        version=version_of(FeedbackState.NEW, "", None),
        id=uuid4().hex,
        unit=unit,
        source=source,
        text=given_text(text, LONGEST, "/text", wanted="Write what you want to say."),
        received_on=day,
        bet=bet,
        giver=given_text(giver, SHORT, "/giver"),
        contact=given_text(contact, SHORT, "/contact"),
    )


def keep(writer: Writer, made: Feedback, *, door: str | None = None) -> Given:
    secret = secrets.token_urlsafe(24)
    last = writer.connection.execute(sa.select(sa.func.max(FEEDBACK.c.seq))).scalar() or 0
    row = {name: value for name, value in msgspec.structs.asdict(made).items() if name != "version"}
    row |= {
        "source": made.source.value,
        "state": made.state.value,
        "received_on": made.received_on.isoformat(),
    }
    own = {"door": door, "secret": hashed(secret), "seq": last + 1}
    writer.connection.execute(sa.insert(FEEDBACK).values(row | own))
    return Given(made, secret)


def feedback_of(row: Mapping[Any, Any]) -> Feedback:
    return Feedback(
        version=version_of(FeedbackState(row["state"]), row["reply"], row["became"]),
        id=row["id"],
        unit=row["unit"],
        source=Source(row["source"]),
        text=row["text"],
        received_on=date.fromisoformat(row["received_on"]),
        bet=row["bet"],
        giver=row["giver"],
        contact=row["contact"],
        state=FeedbackState(row["state"]),
        reply=row["reply"],
        became=row["became"],
    )


def speaks_for(reader: Reader, actor: Actor, unit: str) -> bool:
    units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    return may(actor, "write", unit, units=units).allow


def require_own(reader: Reader, actor: Actor, unit: str) -> None:
    if not speaks_for(reader, actor, unit):
        raise NotAllowedError(f"Nothing was changed. That is for people of {unit}; ask one of them.")
