"""DuckDB in this process and in memory; what is larger than half of the memory goes to a folder."""

import os
import sys
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.journal.segments import Segment

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

__all__ = ["EmbeddedEngine", "engine_options"]

NICE = 10
"""Of the threads that help with a query, so that writing, which one thread does, keeps its pace beside it."""
DAMAGE = ("Invalid Input Error", "IO Error", "TProtocolException", "Invalid Error")
"""How DuckDB begins to say that a file is not what it should be."""


class EmbeddedEngine:
    """DuckDB, closed with the snapshot."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def connection(self) -> "Backend":
        """The Ibis backend."""
        from counterpoint.journal.engines.duckdb_backend import DuckDBBackend

        # DuckDB's threads have the priority of the one that opens it; whoever asks has their own all the same.
        with ThreadPoolExecutor(1, initializer=_give_way) as opener:
            return opener.submit(DuckDBBackend().connect, **engine_options(self._folder)).result()

    def files(self, segments: Sequence[Segment], schema: "pa.Schema") -> "ibis.Table":
        """The files, united by the names of their columns."""
        import ibis

        paths = [str(self._folder / segment.path) for segment in segments]
        table = self.connection.read_parquet(paths, union_by_name=True, hive_partitioning=False)
        types = ibis.Schema.from_pyarrow(schema)
        missing = {name: ibis.null(types[name]) for name in schema.names if name not in table.columns}
        return table.mutate(**missing).select(*schema.names)

    def tail(self, rows: "pa.Table") -> "ibis.Table":
        """A temporary table."""
        return self.connection.create_table(f"journal_tail_{uuid.uuid4().hex}", rows, schema=None, temp=True)

    def told(self, error: Exception) -> str | None:
        """Damage is told in words."""
        reason = str(error).split("\n", 1)[0]
        if ".parquet" in reason and any(word in reason for word in DAMAGE):
            return f"A file of the journal cannot be read ({reason}); `counterpoint doctor` lists what to restore."
        return None

    def close(self) -> None:
        """Close the database."""
        if "connection" in self.__dict__:
            self.connection.disconnect()


def _give_way() -> None:
    """Let other threads of this machine go before this one, where each thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def engine_options(folder: Path) -> dict[str, Any]:
    """DuckDB's settings: without them a large join could take all memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"memory_limit": f"{memory // 2 // 2**20}MiB", "temp_directory": str(folder / "spill")}
