"""What listeners say themselves of what was heard: not my taste, and private sessions. Kept for each recommender."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select

from counterpoint.discover.tables import CORRECTIONS
from counterpoint.discover.taste import Corrections
from counterpoint.graph.reader import Reader
from counterpoint.graph.writer import Writer

__all__ = ["Corrected", "PrivateSession", "corrections_of", "keep_corrections", "private_sessions"]


class PrivateSession(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A time in which nothing that was heard says anything, to anybody."""

    start: datetime
    end: datetime | None = None
    """None while it goes on."""


class Corrected(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What one listener said. A name that is none is refused: what replaces everything must not be misread."""

    items: tuple[str, ...] = ()
    """Not my taste, item by item."""
    traits: tuple[tuple[str, str], ...] = ()
    """Not my taste: facet and value, such as ["genre", "polka"] or ["artist", "Ana Blue"]."""
    private: tuple[PrivateSession, ...] = ()

    def for_taste(self) -> Corrections:
        """As a taste profile takes them; private sessions are left out of the listening itself."""
        return Corrections(frozenset(self.items), frozenset(self.traits))


def corrections_of(reader: Reader, recommender: str, listener: str) -> Corrected:
    """What a listener said of a recommender's picture of them; empty where they said nothing."""
    kept = reader.connection.execute(
        select(CORRECTIONS.c.corrections).where(
            CORRECTIONS.c.recommender == recommender, CORRECTIONS.c.listener == listener
        )
    ).scalar()
    return msgspec.json.decode(kept, type=Corrected) if kept else Corrected()


def private_sessions(
    reader: Reader, recommender: str, listeners: Iterable[str] | None = None
) -> Mapping[str, tuple[PrivateSession, ...]]:
    """The private sessions of every listener who had any, or of some."""
    query = select(CORRECTIONS.c.listener, CORRECTIONS.c.corrections).where(
        CORRECTIONS.c.recommender == recommender
    )
    if listeners is not None:
        query = query.where(CORRECTIONS.c.listener.in_(list(listeners)))
    said = {
        row.listener: msgspec.json.decode(row.corrections, type=Corrected).private
        for row in reader.connection.execute(query)
    }
    return {listener: private for listener, private in said.items() if private}


def keep_corrections(writer: Writer, recommender: str, listener: str, corrected: Corrected) -> None:
    """Replace what a listener said, in the writer's transaction. The activity log is told that it was, not by whom."""
    mine = (CORRECTIONS.c.recommender == recommender, CORRECTIONS.c.listener == listener)
    writer.connection.execute(delete(CORRECTIONS).where(*mine))
    if corrected != Corrected():
        text = msgspec.json.encode(corrected).decode()
        writer.connection.execute(
            insert(CORRECTIONS).values(
                recommender=recommender, listener=listener, at=writer.now, corrections=text
            )
        )
    writer.record("recommender.corrected", recommender)
