"""Having the index at hand before somebody asks: when a server starts, and after a large import."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa

from counterpoint.catalog.beside import Beside
from counterpoint.errors import CounterpointError
from counterpoint.graph.tables import revision
from counterpoint.workspace import Workspace

__all__ = ["index_if_large", "indexing"]

LARGE = 20_000
"""Entities from which reading all of them takes so long that a server should find it done."""
_COUNT = sa.select(sa.func.count()).select_from(revision).where(revision.c.valid_to.is_(None))


@asynccontextmanager
async def indexing(workspace: Workspace) -> AsyncIterator[None]:
    """Bring the index up to date while the server starts; requests that need it wait for it."""
    stop = threading.Event()
    thread = threading.Thread(target=_bring, args=(workspace, stop), name="catalog-index", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        await asyncio.to_thread(thread.join)


def _bring(workspace: Workspace, stop: threading.Event) -> None:
    from counterpoint.graph.index import index_of

    with suppress(CounterpointError):  # the first request meets the same error, and reports it
        if len(index_of(workspace).snapshot(stop)):
            import pyarrow.compute  # noqa: F401 - the first search for a text should not wait for it


def index_if_large(workspace: Workspace, beside: Beside | None = None) -> None:
    """Keep the index of a large catalog in its file, so that servers find it there.

    A second process that has read all of the catalog has most of the work behind it.
    """
    if beside is not None and beside.mark is not None:
        from counterpoint.graph.index import file_of

        beside.index(file_of(workspace))
    with workspace.graph.read() as reader:
        count = reader.connection.execute(_COUNT).scalar_one()
    if count >= LARGE:
        from counterpoint.graph.index import index_of  # numpy, which a small import does without

        index_of(workspace).snapshot()
