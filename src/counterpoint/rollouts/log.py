"""What happened to rollouts: a table that only grows, and the order in which two who act at once are told apart."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Column, MetaData, Table, func, insert, select

from counterpoint.errors import ConflictError
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import INTEGER, TEXT
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_micros
from counterpoint.rollouts.model import Event, Figures
from counterpoint.rollouts.outcome import ENDS, outcome_of

__all__ = ["MovedOnError", "append", "events_by_rollout", "events_of", "is_at"]

EVENTS = Table(
    "rollouts_event",
    MetaData(),
    Column("rollout", TEXT, primary_key=True),
    Column("sequence", INTEGER, primary_key=True),
    Column("seq", INTEGER, nullable=False, unique=True),
    Column("kind", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("event", TEXT, nullable=False),
)
"""`seq` is the number of the event in the activity log, `event` a JSON value; see migration 0012."""


class MovedOnError(ConflictError):
    """Somebody else has acted since the state was read; nothing was changed."""


def events_of(reader: Reader, ref: str) -> tuple[Event, ...]:
    """What happened to one rollout, oldest first; to a deleted one too."""
    rows = reader.connection.execute(
        select(EVENTS.c.event).where(EVENTS.c.rollout == ref).order_by(EVENTS.c.sequence)
    )
    return tuple(msgspec.json.decode(row.event, type=Event) for row in rows)


def events_by_rollout(reader: Reader, refs: Iterable[str] | None = None) -> dict[str, tuple[Event, ...]]:
    """What happened to each of some rollouts, or of all that ever started, oldest first."""
    found: dict[str, list[Event]] = {}
    query = select(EVENTS.c.rollout, EVENTS.c.event).order_by(EVENTS.c.rollout, EVENTS.c.sequence)
    if refs is not None:
        query = query.where(EVENTS.c.rollout.in_(list(refs)))
    rows = reader.connection.execute(query)
    for row in rows:
        found.setdefault(row.rollout, []).append(msgspec.json.decode(row.event, type=Event))
    return {ref: tuple(events) for ref, events in found.items()}


def is_at(reader: Reader, ref: str, sequence: int) -> bool:
    """Whether the newest event of a rollout is still this one."""
    newest = reader.connection.execute(
        select(func.max(EVENTS.c.sequence)).where(EVENTS.c.rollout == ref)
    ).scalar()
    return (newest or 0) == sequence


def append(writer: Writer, ref: str, event: Event) -> None:
    """Record an event and tell the activity log, in the writer's transaction.

    Writers wait for each other on both databases, so what is read here holds until the commit: of two who decided
    from the same state the second finds that it has passed.

    Raises:
        MovedOnError: the event does not follow the newest one.
    """
    if not is_at(writer, ref, event.sequence - 1):
        raise MovedOnError(
            f"{ref} has moved on since it was read, by the controller or somebody else. Look again, then decide."
        )
    told = {
        "step": event.step,
        "percent": event.percent,
        "rule": event.rule,
        "trouble": event.trouble,
        "figures": _short(event.figures),
    }
    after = {name: value for name, value in told.items() if value is not None}
    activity = writer.record(f"rollout.{event.kind}", ref, after=after, reason=event.reason or None)
    writer.connection.execute(
        insert(EVENTS).values(
            rollout=ref,
            sequence=event.sequence,
            seq=activity.seq,
            kind=event.kind,
            at=to_micros(event.at),
            event=msgspec.json.encode(event).decode(),
        )
    )
    if event.kind in ENDS:  # what the bet's evidence is taken from
        writer.record("rollout.ended", ref, after=outcome_of(events_of(writer, ref)))


def _short(figures: Figures | None) -> dict[str, Any] | None:
    """The figures as the activity log has them: users and each guardrail's verdict; the event has all of them."""
    if figures is None:
        return None
    return {
        "controlUsers": figures.control_users,
        "treatmentUsers": figures.treatment_users,
        "guardrails": {each.metric: each.verdict for each in figures.guardrails},
    }
