"""A server of our own making, which can be as bad as servers get, and the SDK left as it was found."""

import gzip
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openfeature import api
from openfeature.event import EventDetails, ProviderEvent

from counterpoint.flags import FlagSet
from counterpoint.openfeature import CounterpointProvider

DEADLINE = 20.0
HANGS = 0
"""A status that never comes."""
PAUSES = {"shortest_pause": 0.02, "longest_pause": 0.05}


def definition(**defaults: Any) -> dict[str, Any]:
    """A definition with one flag for each keyword; its default variant is the value."""
    flags = {
        key: {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": value}
        for key, value in defaults.items()
    }
    return {"flags": flags}


@dataclass
class Request:
    """What the server was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def records(self) -> list[dict[str, Any]]:
        """The log records of an export, each as its attributes."""
        content = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        (resource,) = json.loads(content)["resourceLogs"]
        (scope,) = resource["scopeLogs"]
        return [
            {pair["key"]: pair["value"]["stringValue"] for pair in record["attributes"]}
            for record in scope["logRecords"]
        ]


@dataclass
class Server:
    """What it does is set from outside; what it was asked is remembered."""

    definition: Any = field(default_factory=lambda: definition(new="off"))
    etag: int = 1
    bucketing: str = "v2"
    status: int = 200
    """Of the definition."""
    stream_status: int = 200
    logs: list[Callable[["Handler"], None]] = field(default_factory=list)
    """What the next exports get; `accept` when it is empty."""
    requests: list[Request] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    streams: list["queue.Queue[bytes | None]"] = field(default_factory=list)
    hangs: threading.Event = field(default_factory=threading.Event)
    """Set at the end, for those who hang."""
    url: str = ""

    def put(self, document: Any, *, tell: bool = True) -> None:
        """Change the definition and tell the streams."""
        self.definition, self.etag = document, self.etag + 1
        if tell:
            self.tell(f'{{"type":"refetchEvaluation","etag":"{self.etag}"}}')

    def tell(self, data: str, event: str = "message") -> None:
        """Send a message to every stream."""
        for stream in self.streams:
            stream.put(f"id: {self.etag}\nevent: {event}\ndata: {data}\n\n".encode())

    def drop_streams(self) -> None:
        """End every stream."""
        streams, self.streams = self.streams, []
        for stream in streams:
            stream.put(None)

    def asked(self, path: str) -> list[Request]:
        """The requests whose path starts so."""
        return [each for each in list(self.requests) if each.path.startswith(path)]

    def wait(self, until: Callable[[], Any]) -> Any:
        """Wait until something that a request brings about is so."""
        with self.changed:
            assert self.changed.wait_for(until, DEADLINE), "it did not come to that"
            return until()


class Handler(BaseHTTPRequestHandler):
    """Answers as its server is told to."""

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, ValueError):
            super().handle_one_request()

    def note(self) -> Server:
        mine: Server = self.server.mine
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with mine.changed:
            mine.requests.append(Request(self.command, self.path, headers, body))
            mine.changed.notify_all()
        return mine

    def do_GET(self) -> None:
        mine = self.note()
        if self.path.startswith("/ofrep/v1/sse"):
            self.stream(mine)
        elif mine.status == HANGS:
            hang(self)
        elif mine.status != 200:
            self.answer(mine.status)
        elif self.headers.get("if-none-match") == f'"{mine.etag}"':
            self.answer(304)
        else:
            document = mine.definition
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.answer(200, body, etag=f'"{mine.etag}"', x_flag_bucketing=mine.bucketing)

    def do_POST(self) -> None:
        mine = self.note()
        (mine.logs.pop(0) if mine.logs else accept)(self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 304:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, mine: Server) -> None:
        if mine.stream_status != 200:
            self.answer(mine.stream_status)
            return
        waiting: queue.Queue[bytes | None] = queue.Queue()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.close_connection = True
        self.end_headers()
        with mine.changed:
            mine.streams.append(waiting)
            mine.changed.notify_all()
        while (part := waiting.get()) is not None:
            self.wfile.write(part)


def accept(handler: Handler) -> None:
    """All is well."""
    handler.answer(200, b"{}")


def hang(handler: Handler) -> None:
    """Say nothing until the end of the test."""
    handler.server.mine.hangs.wait(DEADLINE)
    handler.close_connection = True


def die(handler: Handler) -> None:
    """Break the connection off."""
    handler.close_connection = True
    handler.connection.close()


def garbage(handler: Handler) -> None:
    """Say what is no HTTP."""
    handler.wfile.write(b"\x00\xff not http at all\r\n\r\n")
    handler.close_connection = True


def refuse(status: int, **headers: str) -> Callable[[Handler], None]:
    """Answer with an error."""
    return lambda handler: handler.answer(status, b"<html>", **headers)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on a free port of this machine."""
    mine = Server()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    listening.block_on_close = False
    listening.mine = mine  # type: ignore[attr-defined]
    mine.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield mine
    mine.hangs.set()
    mine.drop_streams()
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.fixture
def unused_url() -> str:
    """An address at which nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as gone:
        return f"http://127.0.0.1:{gone.server_port}"


@pytest.fixture(autouse=True)
def _sdk_as_it_was() -> Iterator[None]:
    yield
    api.shutdown()


@pytest.fixture
def make(server: Server) -> Iterator[Callable[..., CounterpointProvider]]:
    """Makes providers of the server, or of another url, that are shut down at the end."""
    made: list[CounterpointProvider] = []

    def provider(**options: Any) -> CounterpointProvider:
        made.append(CounterpointProvider(**{"url": server.url, **PAUSES, **options}))
        return made[-1]

    yield provider
    for each in made:
        each.shutdown()


class Events:
    """What the SDK tells handlers."""

    def __init__(self) -> None:
        self._came: queue.Queue[tuple[ProviderEvent, EventDetails]] = queue.Queue()
        for event in ProviderEvent:
            api.add_handler(event, self._handler(event))
        self.next(ProviderEvent.PROVIDER_READY)  # the SDK tells a new handler of a provider that is ready

    def _handler(self, event: ProviderEvent) -> Callable[[EventDetails], None]:
        return lambda details: self._came.put((event, details))

    def next(self, event: ProviderEvent) -> EventDetails:
        """The next event of that kind; others before it are passed over."""
        while True:
            came, details = self._came.get(timeout=DEADLINE)
            if came is event:
                return details


@pytest.fixture
def events() -> Events:
    """What the SDK tells handlers from now on."""
    return Events()


@pytest.fixture
def flags() -> FlagSet:
    """A flag of each type and fate."""
    return FlagSet.from_flagd(
        {
            "metadata": {"version": "7"},
            "flags": {
                "yes": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "targeting": {"if": [{"==": [{"var": "country"}, "SE"]}, "on", None]}},
                "text": {"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a", "metadata": {"owner": "squad-a"}},
                "whole": {"state": "ENABLED", "variants": {"few": 20}, "defaultVariant": "few"},
                "float": {"state": "ENABLED", "variants": {"few": 20.0, "half": 0.5}, "defaultVariant": "few"},
                "half": {"state": "ENABLED", "variants": {"half": 0.5}, "defaultVariant": "half"},
                "thing": {"state": "ENABLED", "variants": {"v": {"a": [1, {"b": None}]}}, "defaultVariant": "v"},
                "off": {"state": "DISABLED", "variants": {"on": True}, "defaultVariant": "on"},
                "bare": {"state": "ENABLED", "variants": {"on": True}},
                "broken": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "targeting": {"near": [1]}},
                "lost": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "targeting": {"if": [True, "blue"]}},
                "since": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "targeting": {"if": [{"starts_with": [{"var": "joined.at"}, "2026-05-04T10:00:00Z"]}, "on", None]}},
            },
        }
    )  # fmt: skip
