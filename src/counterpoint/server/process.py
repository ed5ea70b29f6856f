"""Runs the application in this process, and stops it without losing anything."""

import asyncio
import contextlib
import errno
import gc
import logging
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from litestar import Litestar

from counterpoint.errors import CounterpointError
from counterpoint.server.connection import is_loopback

__all__ = ["address_of", "bind", "run"]

PATIENCE = 30
"""Seconds that requests in flight get to finish once the server is told to stop."""
TICK = 1.0
"""Seconds after which the date in the headers of answers is renewed."""
RENEWING = 0
"""What uvicorn's tick is told for it to do that; it counts tenths of a second."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def bind(host: str, port: int) -> socket.socket:
    """Take the address before anything else is done, so that a taken one is known at once.

    Raises:
        CounterpointError: the port is in use, may not be used, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CounterpointError(f"The address {host!r} cannot be used: {error.strerror or error}.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Binding alone does not tell: another process may hold the port and listen on it.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise CounterpointError(_reason(host, port, error)) from error
    listener.settimeout(0)
    return listener


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use on {host}; stop what uses it or choose another, such as --port {_free_port(host, port)}."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than you have; choose one above 1023, such as --port 7700."
    return f"{host}:{port} cannot be used: {error.strerror}."


def _free_port(host: str, port: int) -> int:
    """A port that is free now, near the one that is not."""
    for candidate in range(port + 1, min(port + 50, 65536)):
        with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, candidate))
                return candidate
    return 0


def address_of(listener: socket.socket) -> str:
    """The URL under which a browser on this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    if is_loopback(host) or host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "localhost" if host == "::1" else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, which says when it really listens, ends live streams on the way out and exits with 0."""

    def __init__(self, config: uvicorn.Config, app: Litestar, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.application = app
        self.on_ready = on_ready
        self._asked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            # What the application is made of stays until the end. Nobody need walk through it for cycles,
            # which takes a tenth of a second, in the middle of answers, each time that many events have come.
            gc.freeze()
            self.on_ready()

    async def main_loop(self) -> None:
        """Wait until it shall stop. uvicorn looks ten times a second; a server at rest should cost nothing."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(RENEWING):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would never end by itself, then wait for what is in flight."""
        self.application.state.live.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and, unlike uvicorn, do not die of it afterwards: we were asked and have done it."""
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal asks to stop; a second Ctrl-C does not wait for anybody."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._asked.set)


def run(app: Litestar, listener: socket.socket, *, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight and return."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    _allow_connections()
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=PATIENCE,
    )
    server = Server(config, app, on_ready)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


def _allow_connections() -> None:
    """Let the process hold as many connections as the system allows it to; many begin with a thousand."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
