"""ClickHouse, in this process (chdb) or a server that sees the journal's folder."""

import os
import re
import shutil
import tempfile
import threading
import uuid
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from counterpoint.engine import EngineAddress
from counterpoint.errors import WorkspaceError
from counterpoint.journal.engines.missing import require
from counterpoint.journal.segments import Segment

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

__all__ = ["ClickHouseEngine"]

TAIL = "journal_tail"
PATTERN = re.compile(r"[*?{}\[\],|\\'\n]")
"""What ClickHouse takes for a pattern in the name of a file, or that would have to be escaped."""
SETTINGS: dict[str, Any] = {
    "join_use_nulls": 1,  # what a left join does not find is null, not 0
    "aggregate_functions_null_for_empty": 0,
    "enable_extended_results_for_datetime_functions": 1,  # times before 1970 and after 2106
    "session_timezone": "UTC",
    "union_default_mode": "ALL",
    "input_format_parquet_allow_missing_columns": 1,  # a file of an older layout has nulls
    "input_format_parquet_case_insensitive_column_matching": 0,
    "output_format_arrow_string_as_string": 1,
    "use_hive_partitioning": 0,  # names of folders are no columns
}


LONGEST = 20_000
"""Characters of names in a query; a server takes 128 KiB for all of it, where a table comes along."""
MISTAKES = ("Code: 42.", "Code: 43.", "Code: 46.", "Code: 47.", "Code: 62.", "Code: 386.")
"""How errors of a query itself begin: arguments, types, unknown names, syntax."""


class Client(Protocol):
    """Sends a query; gets an Arrow table, or nothing where there are no rows."""

    def arrow(self, query: str, tails: "Mapping[str, pa.Table]") -> "pa.Table | None": ...

    def close(self) -> None: ...


class ClickHouseEngine:
    """ClickHouse for one snapshot."""

    def __init__(self, folder: Path, address: EngineAddress, shared: str | None) -> None:
        require("ClickHouse", "clickhouse_connect", *(() if address.host else ("chdb",)))
        self._folder = folder
        self._address = address
        self._shared = shared
        self._tails: dict[str, pa.Table] = {}
        self._links: list[Path] = []

    @cached_property
    def connection(self) -> Any:
        """The Ibis backend."""
        import ibis

        from counterpoint.journal.engines.clickhouse_backend import ClickHouseBackend

        _ = ibis.clickhouse  # registers the options that the backend reads
        client: Client = Server(self._address) if self._address.host else InProcess()
        backend: Any = ClickHouseBackend.from_connection(client)
        backend.external = self._external
        return backend

    def files(self, segments: Sequence[Segment], schema: "pa.Schema") -> "ibis.Table":
        """The files through the table function `file`, whose count is compared with the manifest's."""
        path = self._pattern(segments)
        source = _file(path, schema)
        self._check(source, segments)
        return self._table(source, schema)

    def tail(self, rows: "pa.Table") -> "ibis.Table":
        """Sent along with each query; in this process, a small file."""
        name = f"{TAIL}_{len(self._tails)}"
        self._tails[name] = rows
        if self._address.host:
            return self._table(name, rows.schema)
        import pyarrow.parquet as pq

        file = Path(self._temporary.name) / f"{name}.parquet"
        pq.write_table(rows, file)
        return self._table(_file(str(file), rows.schema), rows.schema)

    def told(self, error: Exception) -> str | None:
        """What ClickHouse itself says, unless the query is wrong."""
        reason = " ".join(str(error).split())
        if "DB::Exception" not in reason and not type(error).__module__.startswith(
            ("clickhouse_connect", "urllib3")
        ):
            return None
        if any(code in reason for code in MISTAKES):
            return None
        return f"ClickHouse at {self._address.shown} does not answer: {_short(reason)}"

    def close(self) -> None:
        """Close the connection and remove what was written for it."""
        if "connection" in self.__dict__:
            self.connection.disconnect()
        if "_temporary" in self.__dict__:
            self._temporary.cleanup()
        for folder in self._links:
            shutil.rmtree(folder, ignore_errors=True)

    def _external(self) -> "dict[str, pa.Table]":
        return self._tails

    def _table(self, source: str, schema: "pa.Schema") -> "ibis.Table":
        import ibis

        columns = ", ".join(f'"{name}"' for name in schema.names)
        found: ibis.Table = self.connection.sql(
            f"SELECT {columns} FROM {source}", schema=ibis.Schema.from_pyarrow(schema)
        )
        return found

    def _pattern(self, segments: Sequence[Segment]) -> str:
        """A pattern that matches these files alone: their names, or a folder of links where those are too many."""
        names = ",".join(segment.path for segment in segments)
        if len(segments) == 1:
            return f"{self._home}/{names}"
        if len(names) <= LONGEST:
            return f"{self._home}/{{{names}}}"
        links = self._folder / "spill" / f"clickhouse-{uuid.uuid4().hex}"
        links.mkdir(parents=True)
        self._links.append(links)
        for number, segment in enumerate(segments):
            (links / f"{number}.parquet").symlink_to(Path("..", "..", segment.path))
        return f"{self._home}/spill/{links.name}/*.parquet"

    @cached_property
    def _home(self) -> str:
        """The journal's folder as ClickHouse names it, without anything that it takes for a pattern."""
        if self._shared:
            return self._shared.rstrip("/")
        folder = str(self._folder.absolute())
        if not PATTERN.search(folder):
            return folder
        if self._address.host:
            raise WorkspaceError(
                f"The journal's folder {folder} has a character in its name that ClickHouse takes for a pattern;"
                " set `[journal] shared` to a path of it without one, such as a link's."
            )
        link = Path(self._temporary.name) / "journal"
        link.symlink_to(folder)
        return str(link)

    @cached_property
    def _temporary(self) -> "tempfile.TemporaryDirectory[str]":
        return tempfile.TemporaryDirectory(prefix="counterpoint-")

    def _check(self, source: str, segments: Sequence[Segment]) -> None:
        """A pattern of which a part matches nothing is no error to ClickHouse, so the rows are counted first."""
        wanted = sum(segment.events for segment in segments)
        query = f"SELECT toInt64(count()) AS n FROM {source}"
        try:
            answer = self.connection.con.arrow(query, {})
        except Exception as error:
            if (words := self.told(error)) is None:
                raise
            raise WorkspaceError(f"{words}. {self._share()}") from error
        found = answer["n"][0].as_py()
        if found != wanted:
            raise WorkspaceError(
                f"ClickHouse at {self._address.shown} finds {found:,} of the {wanted:,} events in the journal's files"
                f" under {self._home}. {self._share()}"
            )

    def _share(self) -> str:
        if self._address.host is None:
            return "`counterpoint doctor` lists files to restore."
        return (
            f"Share the folder {self._folder} with its machine, within its user_files_path, and set"
            " `[journal] shared` to the path that it has there."
        )


class InProcess:
    """chdb: one engine for the process, one query at a time."""

    _lock = threading.Lock()
    _engine: Any = None

    def arrow(self, query: str, tails: "Mapping[str, pa.Table]") -> "pa.Table | None":
        """The answer, or the engine's own error."""
        import pyarrow as pa

        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        settings = {
            **SETTINGS,
            "max_memory_usage": memory,
            "max_bytes_before_external_group_by": memory // 2,
            "max_bytes_before_external_sort": memory // 2,
        }
        clause = ", ".join(f"{name} = {value!r}" for name, value in settings.items())
        with InProcess._lock:
            if InProcess._engine is None:
                import chdb

                InProcess._engine = chdb.connect(":memory:")
            answer = InProcess._engine.query(f"{query}\nSETTINGS {clause}", "ArrowStream")
        data = answer.bytes()
        return pa.ipc.open_stream(data).read_all() if data else None

    def close(self) -> None:
        """The engine stays: to start it costs a second, and there is one for each process."""


class Server:
    """A ClickHouse server over HTTP."""

    def __init__(self, address: EngineAddress) -> None:
        import clickhouse_connect
        from clickhouse_connect.driver.exceptions import ClickHouseError

        try:
            self._client = clickhouse_connect.get_client(
                host=address.host or "",
                port=address.port or (8443 if address.secure else 8123),
                username=address.user,
                password=address.password or "",
                database=address.database or "__default__",
                secure=address.secure,
                client_name="counterpoint",
                form_encode_query_params=True,  # an address may be no longer than some proxies allow
                autogenerate_session_id=False,  # queries of one server may run side by side
            )
        except ClickHouseError as error:
            raise WorkspaceError(
                f"ClickHouse does not answer at {address.shown} ({_short(str(error))}); start it, or mend the setting `engine`."
            ) from error

    def arrow(self, query: str, tails: "Mapping[str, pa.Table]") -> "pa.Table | None":
        """The answer; the tail goes along where the query names it."""
        import pyarrow as pa
        from clickhouse_connect.driver.external import ExternalData

        external = ExternalData()
        for name, tail in tails.items():
            if name not in query:
                continue
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, tail.schema) as writer:
                writer.write_table(tail)
            data, structure = sink.getvalue().to_pybytes(), _structure(tail.schema)
            external.add_file(file_name=name, data=data, fmt="ArrowStream", structure=structure)
        answer = self._client.raw_query(
            query, settings=SETTINGS, fmt="ArrowStream", external_data=external if external.files else None
        )
        return pa.ipc.open_stream(answer).read_all() if answer else None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _short(reason: str) -> str:
    """The first sentence of what ClickHouse or its client says."""
    plain = " ".join(reason.split()).split(": While executing", 1)[0].split("(for url", 1)[0]
    return plain[:300].rstrip(". ")


def _file(path: str, schema: "pa.Schema") -> str:
    structure = _structure(schema).replace("'", "\\'")
    return f"file('{path}', 'Parquet', '{structure}')"


def _structure(schema: "pa.Schema") -> str:
    """The columns in ClickHouse's words; all may be null, since what may not would be 0 where nothing is."""
    import pyarrow as pa

    def kind(field: "pa.Field") -> str:
        if pa.types.is_map(field.type):  # no map of ClickHouse may be null: nothing is an empty one
            return "Map(String, Nullable(String))"
        return f"Nullable({single(field)})"

    def single(field: "pa.Field") -> str:
        if pa.types.is_timestamp(field.type):
            return "DateTime64(6, 'UTC')"
        names = {
            pa.string(): "String",
            pa.float64(): "Float64",
            pa.int64(): "Int64",
            pa.uint64(): "UInt64",
            pa.bool_(): "Bool",
        }
        return names[field.type]

    return ", ".join(f"`{field.name}` {kind(field)}" for field in schema)
