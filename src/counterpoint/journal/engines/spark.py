"""Spark, on this machine or a cluster that sees the journal's folder. One session for the process."""

import atexit
import logging
import os
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.engine import EngineAddress
from counterpoint.errors import WorkspaceError
from counterpoint.journal.engines.missing import require
from counterpoint.journal.segments import Segment

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SparkEngine", "stop_spark"]


class SparkEngine:
    """Spark for one snapshot: views of the process' session."""

    def __init__(self, folder: Path, address: EngineAddress, shared: str | None) -> None:
        require("Spark", "pyspark")
        self._folder = folder
        self._address = address
        self._shared = shared
        self._views: list[str] = []

    @cached_property
    def connection(self) -> Any:
        """The Ibis backend."""
        import ibis

        from counterpoint.journal.engines.spark_backend import SparkBackend

        _ = ibis.pyspark  # registers the options that the backend reads
        backend = SparkBackend()
        backend.do_connect(_session(self._address.master))
        return backend

    def files(self, segments: Sequence[Segment], schema: "pa.Schema") -> "ibis.Table":
        """The files by name; what one lacks is null."""
        home = (self._shared or str(self._folder.absolute())).rstrip("/")
        reader = self.connection._session.read.schema(_structure(schema))
        # Names are taken as they are, and the names of folders are no columns.
        reader = reader.option("recursiveFileLookup", "true").option("__globPaths__", "false")
        try:
            frame = reader.parquet(*(f"{home}/{segment.path}" for segment in segments))
        except Exception as error:
            if "PATH_NOT_FOUND" not in str(error):
                raise
            raise WorkspaceError(
                f"Spark at {self._address.shown} does not find the journal's files under {home}. Share the folder"
                f" {self._folder} with its machines, and set `[journal] shared` to the path that it has there."
            ) from error
        return self._view(frame, schema)

    def tail(self, rows: "pa.Table") -> "ibis.Table":
        """Sent to Spark once."""
        frame = self.connection._session.createDataFrame(rows, schema=_structure(rows.schema))
        return self._view(frame, rows.schema)

    def frame(self, table: "ibis.Table") -> "DataFrame":
        """A table as Spark's own, for what Ibis has no words for."""
        return self.connection._session.table(table.get_name())

    def told(self, error: Exception) -> str | None:
        """What Spark itself says, unless the query is wrong."""
        if not type(error).__module__.startswith(("pyspark", "py4j")):
            return None
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        if type(error).__name__ in ("AnalysisException", "ParseException"):
            return None
        if any(word in str(error) for word in ("FAILED_READ_FILE", "CANNOT_READ_FILE_FOOTER")):
            return f"Spark cannot read a file of the journal ({reason[:300]}); `counterpoint doctor` lists what to restore."
        return f"Spark at {self._address.shown} does not answer: {reason[:300]}"

    def close(self) -> None:
        """Drop the views; the session stays for the next one."""
        for name in self._views:
            self.connection._session.catalog.dropTempView(name)

    def _view(self, frame: Any, schema: "pa.Schema") -> "ibis.Table":
        import ibis
        from ibis.expr import operations as ops

        name = f"journal_{uuid.uuid4().hex}"
        frame.createTempView(name)
        self._views.append(name)
        # Spark's own words for the columns do not say that its times are in UTC.
        table = ops.DatabaseTable(name, schema=ibis.Schema.from_pyarrow(schema), source=self.connection)
        found: ibis.Table = table.to_expr()
        return found


_lock = threading.Lock()
_running: "SparkSession | None" = None
_master: str | None = None


def _session(master: str) -> "SparkSession":
    global _running, _master
    with _lock:
        if _running is None or _master != master:
            _prepare(master)
            _stop()
            _running, _master = _started(master), master
        return _running


def stop_spark() -> None:
    """End Spark, if it runs in this process."""
    with _lock:
        _stop()


def _stop() -> None:
    global _running
    if _running is not None:
        session, _running = _running, None
        session.stop()


def _prepare(master: str) -> None:
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise WorkspaceError(
            "The engine Spark needs Java 17 or newer, which is not installed;"
            " install it with: apt-get install openjdk-17-jre-headless"
        )
    _reach(master)


def _started(master: str) -> "SparkSession":
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    conf = SparkConf().setMaster(master).setAppName("counterpoint").setAll(_options(master).items())
    with tempfile.NamedTemporaryFile("w+", prefix="counterpoint-spark-", suffix=".log") as log:
        try:
            # A process has one Java; it outlives Spark, so that a second one would never be used.
            gateway = SparkContext._gateway or launch_gateway(conf, {"stdout": log, "stderr": log})
            context = SparkContext(conf=conf, gateway=gateway)
        except Exception as error:
            said = Path(log.name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            reason = said[-1] if said else str(error).split("\n", 1)[0]
            raise WorkspaceError(f"Spark does not start at {master}: {reason}") from error
    # What is raised is not told as well.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    atexit.register(stop_spark)
    return SparkSession(context)


def _reach(master: str) -> None:
    """Spark itself would try for minutes."""
    places = master.removeprefix("spark://").split(",") if "://" in master else []
    problem: OSError | None = None
    for place in places:
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError as error:
            problem = error
        else:
            return
    if problem is not None:
        raise WorkspaceError(
            f"Spark does not answer at {master} ({problem.strerror or problem}); start it, or mend the setting `engine`."
        )


def _options(master: str) -> dict[str, str]:
    options = {
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        # Files are named one by one; above 32 of them Spark runs a job that lists them, which took 20 s for 73.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # times are of the proleptic calendar
        "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    }
    if "://" not in master:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        options |= {
            "spark.driver.memory": f"{max(memory // 2**20, 1024)}m",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        }
    return options


def _structure(schema: "pa.Schema") -> str:
    """The columns in Spark's words."""
    import pyarrow as pa

    def kind(field: "pa.Field") -> str:
        if pa.types.is_timestamp(field.type):
            return "TIMESTAMP"
        if pa.types.is_map(field.type):
            return "MAP<STRING, STRING>"
        names = {pa.string(): "STRING", pa.float64(): "DOUBLE", pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN"}
        return names[field.type]

    return ", ".join(f"`{field.name}` {kind(field)}" for field in schema)
