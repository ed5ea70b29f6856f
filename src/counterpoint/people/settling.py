"""Lets the graph's relations follow the calendar: a dated membership makes them on the days on which it holds.

Whoever records a membership settles it at once; this is for spans that begin or end by themselves. The
server settles when it starts, then sleeps until the next one begins or ends, or until midnight in UTC
(somebody else may have recorded one meanwhile); nothing looks in between.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta

import sqlalchemy as sa
import structlog

from counterpoint.errors import CounterpointError
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.graph.tables import relation
from counterpoint.people.dates import When, edge_of, edge_text
from counterpoint.people.memberships import ORIGIN, effective
from counterpoint.people.model import Membership, moment_of
from counterpoint.people.tables import memberships
from counterpoint.workspace import Workspace

__all__ = ["due", "next_change", "settle", "settling"]

MORE = timedelta(milliseconds=50)
"""How long after its moment a change is settled, so that the clock has surely passed it."""
AGAIN = timedelta(minutes=5)
"""When it is tried again where another process kept the database busy."""
_LIVE = sa.select(relation.c.origin, relation.c.source, relation.c.target).where(
    relation.c.origin >= ORIGIN,
    relation.c.origin < "membership;",
    relation.c.type == "memberOf",
    relation.c.valid_to.is_(None),
)


def due(reader: Reader, moment: datetime) -> dict[str, Membership | tuple[str, str]]:
    """What the graph's relations do not say yet, by origin: a membership that holds, or (person, unit) of one that held."""
    live = {row.origin: (row.source, row.target) for row in reader.connection.execute(_LIVE)}
    holding = {f"{ORIGIN}{each.id}": each for each in effective(reader, When(moment)) if each.id is not None}
    begun: dict[str, Membership | tuple[str, str]] = {
        origin: each for origin, each in holding.items() if live.get(origin) != (each.person, each.unit)
    }
    return begun | {origin: edge for origin, edge in live.items() if origin not in holding}


def settle(graph: Graph, moment: datetime | None = None) -> int:
    """Let the relations be what holds now; returned is how many memberships began or ended.

    Reads only where nothing has changed, which is nearly always.
    """
    moment = moment or datetime.now(UTC)
    with graph.read() as reader:
        if not due(reader, moment):
            return 0
    with graph.write(SYSTEM) as writer:
        changes = due(writer, moment)  # another process may have been faster
        for origin, change in changes.items():
            if isinstance(change, Membership):
                person, unit, edges = change.person, change.unit, [(change.person, "memberOf", change.unit)]
            else:
                (person, unit), edges = change, []
            writer.relate(origin, edges)
            what = "joined" if edges else "left"
            after = {"person": person, "unit": unit, "membership": origin.removeprefix(ORIGIN)}
            writer.record(f"member.{what}", unit, after=after)
            writer.record(f"person.{what}", person, after=after)
        return len(changes)


@asynccontextmanager
async def settling(workspace: Workspace) -> AsyncIterator[None]:
    """Settle now, and whenever a membership begins or ends while the block runs."""
    task = asyncio.create_task(_follow(workspace))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _follow(workspace: Workspace) -> None:
    while True:
        try:
            wait = await asyncio.to_thread(_settle_and_look_ahead, workspace.graph)
        except CounterpointError as error:
            structlog.get_logger("counterpoint.people").warning("settling failed", reason=error.message)
            wait = AGAIN
        await asyncio.sleep(wait.total_seconds())


def _settle_and_look_ahead(graph: Graph) -> timedelta:
    settle(graph)
    with graph.read() as reader:
        return next_change(reader, datetime.now(UTC)) - datetime.now(UTC) + MORE


def next_change(reader: Reader, moment: datetime) -> datetime:
    """When the next membership begins or ends, or midnight, whichever comes first."""
    tomorrow = datetime.combine(moment.date() + timedelta(days=1), time(), UTC)
    here = edge_text(moment)
    edges = [
        sa.select(sa.func.min(column)).where(column > here, memberships.c.recorded_to.is_(None))
        for column in (memberships.c.from_day, memberships.c.to_day)
    ]
    found = [reader.connection.execute(edge).scalar() for edge in edges]
    return min(tomorrow, *(moment_of(edge_of(text)) for text in found if text), tomorrow)
