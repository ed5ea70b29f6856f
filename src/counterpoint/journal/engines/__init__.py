"""Engines: DuckDB in this process, Spark, ClickHouse; each makes Ibis tables of the same files and the same tail.

embedded        DuckDB
spark           Spark, on this machine or a cluster
clickhouse      ClickHouse, in this process (chdb) or a server
missing         what to say where a package or program is not there
dialects        what Ibis' SQL lacks for the three to give the same answers

A room writes one Ibis expression; where two engines would answer it differently, the difference is
mended here, in how the engine reads the files, compiles the expression or hands back the rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from counterpoint.engine import DUCKDB, EngineAddress
from counterpoint.errors import CounterpointError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis
    import pyarrow as pa

    from counterpoint.journal.segments import Segment

__all__ = ["Engine", "Speaking", "open_engine", "spoken"]


class Speaking(Protocol):
    """What can say what keeps an engine from answering."""

    def told(self, error: Exception) -> str | None:
        """What an error of the engine means for whoever asked; none where the question itself was wrong."""


class Engine(Speaking, Protocol):
    """One engine for one snapshot."""

    @property
    def connection(self) -> Any:
        """The Ibis backend that the tables live on."""

    def files(self, segments: "Sequence[Segment]", schema: "pa.Schema") -> "ibis.Table":
        """The rows of these files, with the columns of `schema`; a file that lacks one has nulls in it.

        Raises:
            WorkspaceError: the engine does not see a file, or sees another one.
        """

    def tail(self, rows: "pa.Table") -> "ibis.Table":
        """The rows that are in no file yet."""

    def close(self) -> None:
        """Let go of what the snapshot held; its tables cannot be read after that."""


def open_engine(folder: Path, address: EngineAddress = DUCKDB, *, shared: str | None = None) -> Engine:
    """An engine for a snapshot of the journal in `folder`.

    Args:
        folder: The journal's folder as this process sees it.
        address: Which engine, and where it is.
        shared: The same folder as the engine's machines see it; none means by the same path.

    Raises:
        WorkspaceError: a package or Java is missing, or nobody answers at the address.
    """
    if address.kind == "spark":
        from counterpoint.journal.engines.spark import SparkEngine

        return SparkEngine(folder, address, shared)
    if address.kind == "clickhouse":
        from counterpoint.journal.engines.clickhouse import ClickHouseEngine

        return ClickHouseEngine(folder, address, shared)
    from counterpoint.journal.engines.embedded import EmbeddedEngine

    return EmbeddedEngine(folder)


@contextmanager
def spoken(engine: Speaking) -> Iterator[None]:
    """Say in words what keeps the engine from answering; a query that is wrong stays an error of the program."""
    try:
        yield
    except CounterpointError:
        raise
    except Exception as error:
        if words := engine.told(error):
            raise WorkspaceError(words) from error
        raise
