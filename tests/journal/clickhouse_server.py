"""ClickHouse's HTTP interface over chdb: the engine is ClickHouse's own, what is in between is ours.

No package brings ClickHouse's server, so that the client, its settings and the data that it sends along
are tested against this; a user and password, and one folder that files may be read from, as a server has.
"""

import base64
import email.parser
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import parse_qsl, urlsplit

USER, PASSWORD = "ana", "se:cret@/"
OURS = {
    "query", "database", "client_protocol_version", "default_format", "session_id", "compress", "query_id",
    "wait_end_of_query", "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression",
}  # fmt: skip
"""Parameters of a request that are no settings; so are those of tables that come along."""


@contextmanager
def clickhouse_server(files: Path) -> Iterator[int]:
    """A server on loopback that reads files of one folder; its port."""

    class Handler(_Handler):
        folder = str(files)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder = ""

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            self._answer(
                403, b"Code: 516. DB::Exception: ana: Authentication failed. (AUTHENTICATION_FAILED)"
            )
            return
        try:
            self._answer(200, self._run(asked, body))
        except Exception as error:
            self._answer(500, str(error).encode())

    def _run(self, asked: dict[str, str], body: bytes) -> bytes:
        from counterpoint.journal.engines import clickhouse

        query, tables = body.decode("utf-8", "replace"), dict[str, bytes]()
        if "multipart/form-data" in self.headers.get("Content-Type", ""):
            query, tables = asked.get("query", ""), self._parts(body)
            query = tables.pop("query", query.encode()).decode()
        if "file('" in query and f"file('{self.folder}/" not in query:
            raise ValueError(
                "Code: 291. DB::Exception: File is not inside the user files. (DATABASE_ACCESS_DENIED)"
            )
        prefixes = tuple(f"{name}_" for name in tables)
        settings = {
            name: value
            for name, value in asked.items()
            if name not in OURS and not name.startswith(prefixes or ("\n",))
        }
        engine = clickhouse.InProcess()
        engine.arrow("SELECT 1", {})  # starts the one engine of this process
        run: Any = clickhouse.InProcess._engine
        with clickhouse.InProcess._lock:
            for name, data in tables.items():
                with NamedTemporaryFile(suffix=".arrow") as file:
                    file.write(data)
                    file.flush()
                    structure = asked[f"{name}_structure"].replace("'", "\\'")
                    source = f"file('{file.name}', '{asked[f'{name}_format']}', '{structure}')"
                    run.query(f"CREATE OR REPLACE TABLE {name} ENGINE = Memory AS SELECT * FROM {source}")
            query, _, form = (
                query.rpartition("FORMAT ") if "FORMAT " in query[-30:] else (query, "", "TabSeparated")
            )
            clause = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
            answer: bytes = run.query(
                f"{query} {'SETTINGS ' if clause else ''}{clause}", form.strip()
            ).bytes()
        return answer

    def _parts(self, body: bytes) -> dict[str, bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.parser.BytesParser().parsebytes(head + body)
        found = {}
        for part in message.get_payload():
            name = part.get_param("name", header="content-disposition")
            found[str(name)] = part.get_payload(decode=True)
        return found

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status != 200:
            self.send_header(
                "X-ClickHouse-Exception-Code", body.split(b".")[0].removeprefix(b"Code: ").decode()
            )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
