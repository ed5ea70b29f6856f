"""One structured line for each request: what, by whom, with which outcome, in how many milliseconds."""

import logging
import sys
import time

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from counterpoint.server.connection import caller_of

__all__ = ["RequestLogs", "configure_logs"]

QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
"""Asked so often that their lines would hide the others; logged when they fail."""


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
            if status >= 500 or not path.startswith(QUIET):
                actor = caller_of(scope).actor
                self.log.info(
                    "request",
                    method=method,
                    path=path,
                    status=status or None,
                    ms=round((time.perf_counter() - begun) * 1000, 2),
                    actor=actor.ref if actor else None,
                )
