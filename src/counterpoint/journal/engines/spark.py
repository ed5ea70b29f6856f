"""Spark, on this machine or a cluster that sees the journal's folder. One session for the process."""

import atexit
import logging
import os
import shutil
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
    from pyspark.sql import SparkSession

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
        return self._view(reader.parquet(*(f"{home}/{segment.path}" for segment in segments)), schema)

    def tail(self, rows: "pa.Table") -> "ibis.Table":
        """Sent to Spark once."""
        frame = self.connection._session.createDataFrame(rows, schema=_structure(rows.schema))
        return self._view(frame, rows.schema)

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
        if _running is not None and _master != master:
            _stop()
        if _running is None:
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


def _started(master: str) -> "SparkSession":
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise WorkspaceError(
            "The engine Spark needs Java 17 or newer, which is not installed;"
            " install it with: apt-get install openjdk-17-jre-headless"
        )
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    conf = SparkConf().setMaster(master).setAppName("counterpoint").setAll(_options(master).items())
    with tempfile.NamedTemporaryFile("w+", prefix="counterpoint-spark-", suffix=".log") as log:
        try:
            gateway = launch_gateway(conf, {"stdout": log, "stderr": log})
            context = SparkContext(conf=conf, gateway=gateway)
        except Exception as error:
            said = Path(log.name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise WorkspaceError(
                f"Spark does not start at {master}: {said[-1] if said else error}"
            ) from error
    logging.getLogger("SQLQueryContextLogger").setLevel(
        logging.CRITICAL
    )  # what is raised is not told as well
    atexit.register(stop_spark)
    return SparkSession(context)


def _options(master: str) -> dict[str, str]:
    options = {
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
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
