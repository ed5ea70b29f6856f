"""What a unit may decide by itself: its boundaries of money, risk, law and brand, and those of the units above."""

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import insert, select

from counterpoint.bets.deciding.tables import BOUNDARIES
from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.moments import to_datetime, to_micros
from counterpoint.said import Said

__all__ = ["BOUNDARY_KINDS", "Boundary", "BoundaryKind", "boundaries", "boundaries_of", "set_boundary"]

LONGEST = 1000
LEVELS = 32
"""Units above each other that are looked at."""


class BoundaryKind(StrEnum):
    """What a boundary is of."""

    SPEND = "spend"
    RISK = "risk"
    LEGAL = "legal"
    BRAND = "brand"


BOUNDARY_KINDS: tuple[tuple[BoundaryKind, Said], ...] = (
    (BoundaryKind.SPEND, "Money"),
    (BoundaryKind.RISK, "Risk"),
    (BoundaryKind.LEGAL, "Law"),
    (BoundaryKind.BRAND, "Brand"),
)


class Boundary(msgspec.Struct, frozen=True, rename="camel"):
    """A boundary as it was set. It informs; nothing is blocked by it."""

    unit: str
    kind: BoundaryKind
    text: str
    actor: str
    at: datetime


def set_boundary(graph: Graph, unit: str, kind: BoundaryKind, text: str, *, actor: Actor) -> Boundary:
    """Say how far a unit decides by itself; an empty text takes the boundary away.

    Raises:
        NotFoundError: there is no such unit.
        NotAllowedError: the actor does not belong to it.
        InputError: the text is too long.
    """
    text = " ".join(text.split())
    if len(text) > LONGEST:
        message = f"The text has {len(text)} characters; {LONGEST} are the most."
        raise InputError("The boundary cannot be kept.", [Problem(message, "/text")])
    ref = str(parse_ref(unit, default_kind="Group"))
    with graph.write(actor) as writer:
        if not writer.exists(ref):
            raise NotFoundError(f"There is no unit {unit}.")
        writer.require_write(ref)
        activity = writer.record("boundary.set", ref, after={"kind": kind.value, "text": text})
        made = Boundary(ref, kind, text, activity.actor, activity.at)
        row = msgspec.structs.asdict(made) | {
            "kind": kind.value,
            "at": to_micros(made.at),
            "seq": activity.seq,
        }
        writer.connection.execute(insert(BOUNDARIES).values(row))
        return made


def boundaries(graph: Graph, unit: str) -> tuple[Boundary, ...]:
    """The boundaries of a unit and of the units above it.

    Raises:
        NotFoundError: there is no such unit.
    """
    ref = str(parse_ref(unit, default_kind="Group"))
    with graph.read() as reader:
        if not reader.exists(ref):
            raise NotFoundError(f"There is no unit {unit}.")
        return boundaries_of(reader, ref)


def boundaries_of(reader: Reader, unit: str) -> tuple[Boundary, ...]:
    """The newest of each kind, the unit's own first, then those of the units above it."""
    chain = chain_of(reader, unit)
    query = select(BOUNDARIES).where(BOUNDARIES.c.unit.in_(chain)).order_by(BOUNDARIES.c.seq)
    newest = {(row.unit, row.kind): row for row in reader.connection.execute(query)}
    return tuple(
        Boundary(ref, kind, row.text, row.actor, to_datetime(row.at))
        for ref in chain
        for kind in BoundaryKind
        if (row := newest.get((ref, kind.value))) is not None and row.text
    )


def chain_of(reader: Reader, unit: str) -> list[str]:
    """The unit and those above it, nearest first."""
    chain = [unit]
    while len(chain) < LEVELS:
        entity = reader.get(chain[-1])
        above = [ref for ref in (entity.targets("childOf") if entity else ()) if ref not in chain]
        if not above:
            break
        chain.append(above[0])
    return chain
