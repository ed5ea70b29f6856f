"""One structured line for each request: what, by whom, with which outcome, in how many milliseconds."""

import asyncio
import json
import logging
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from counterpoint.server.connection import caller_of, logged_path, untold

__all__ = ["RequestLines", "RequestLogs", "configure_logs"]

QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
"""Asked so often that their lines would hide the others; logged when they fail."""
MOMENT = 0.1
"""Seconds that the line of a quick request waits for others."""
MOST_WAITING = 5_000


def configure_logs(*, verbose: bool = False) -> None:
    """Send logs to stderr: for people if it is a terminal, else as JSON lines.

    Tracebacks are shown without the values of variables, which can be secrets.
    """
    final: list[structlog.types.Processor] = (
        [printable, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if sys.stderr.isatty()
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            *final,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def printable(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Escape what a terminal would obey: a request's path can hold its control sequences and line ends."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(text: str) -> str:
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


class RequestLogs:
    """Writes the line; never a query string or a header, since both can hold secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.log = structlog.get_logger("counterpoint.server")
        self._bound: tuple[object, Any] = None, None

    def _logger(self) -> Any:
        """The logger that writes to the present standard error; to put one together takes as long as a small answer."""
        stream, logger = self._bound
        if stream is not sys.stderr:
            logger = self.log.bind()
            self._bound = sys.stderr, logger
        return logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = 0
        path = scope["path"]
        method = scope.get("method", "")

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noting_status)
        finally:
            hidden = untold(path)
            if status >= 500 or (not path.startswith(QUIET) and hidden is None):
                actor = caller_of(scope).actor if hidden is None else None
                path = hidden or logged_path(scope)
                self._logger().info(
                    "request",
                    method=method,
                    path=path,
                    status=status or None,
                    ms=round((time.perf_counter() - begun) * 1000, 2),
                    actor=actor.ref if actor else None,
                )


@dataclass(frozen=True, slots=True)
class _Line:
    method: str
    path: str
    status: int
    ms: float
    actor: str | None
    request_id: str
    at: float
    """Unix seconds."""


class RequestLines:
    """The same lines for requests that are answered in microseconds: a moment's worth is written at once.

    For use on the event loop alone. `flush` is to be called when the server stops.
    """

    def __init__(self) -> None:
        self._waiting: list[_Line] = []

    def add(
        self, *, method: str, path: str, status: int, ms: float, actor: str | None, request_id: str
    ) -> None:
        """Take a line, to be written within `MOMENT`."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(MOMENT, self.flush)
        self._waiting.append(_Line(method, path, status, ms, actor, request_id, time.time()))
        if len(self._waiting) >= MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        lines, self._waiting = self._waiting, []
        if not lines:
            return
        if isinstance(structlog.get_config()["processors"][-1], structlog.processors.JSONRenderer):
            sys.stderr.write("".join(map(_as_json, lines)))
            sys.stderr.flush()
            return
        log = structlog.get_logger("counterpoint.server")
        for line in lines:
            facts = {name: getattr(line, name) for name in ("method", "path", "status", "ms", "actor")}
            log.info("request", **facts, request_id=line.request_id)


def _as_json(line: _Line) -> str:
    """What structlog writes for the same, in a tenth of the time."""
    at = datetime.fromtimestamp(line.at, UTC).isoformat().replace("+00:00", "Z")
    return (
        f'{_alike(line.method, line.path, line.status)}"ms": {line.ms}, "actor": {_named(line.actor)}, '
        f'"event": "request", "request_id": {_quoted(line.request_id)}, "level": "info", "time": "{at}"}}\n'
    )


@lru_cache(maxsize=1_000)
def _alike(method: str, path: str, status: int) -> str:
    return f'{{"method": {_quoted(method)}, "path": {_quoted(path)}, "status": {status}, '


@lru_cache(maxsize=1_000)
def _named(actor: str | None) -> str:
    return "null" if actor is None else _quoted(actor)


_quoted = json.encoder.encode_basestring_ascii
