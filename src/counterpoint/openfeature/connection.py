"""The few HTTP requests that a provider needs, on the standard library, so that it weighs little.

Redirects are not followed: the token goes to the address that was given and to no other.
"""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import quote, urlsplit

__all__ = ["Fetched", "Server", "Unreachable"]

MOST = 64 * 1024 * 1024
"""Bytes of a definition."""
SMALL = 1024
"""Bytes up to which compressing is not worth it."""


class Unreachable(Exception):  # noqa: N818 - it says what is, as the others here do
    """The server did not give what was asked for."""

    def __init__(self, message: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status; 0 where no answer came."""
        self.retry_after = retry_after
        """Seconds that the server asks us to wait."""


class Fetched(NamedTuple):
    """A flag set as a server or a file holds it."""

    definition: bytes
    """flagd's JSON."""
    bucketing: str
    etag: str


class Server:
    """One Counterpoint server. Safe to use from several threads."""

    def __init__(self, url: str, token: str | None, *, timeout: float, idle: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url == {url!r}, must be an address such as http://127.0.0.1:7700.")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "url must have no user, password, query or fragment; a token is given with `token`."
            )
        if token is not None and not (token.isascii() and token.isprintable() and token.strip()):
            raise ValueError("token must be visible ASCII, as `counterpoint token create` prints it.")
        self.url = url.rstrip("/")
        self._https = parts.scheme == "https"
        self._host, self._port, self._base = parts.hostname, parts.port, parts.path.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._idle = idle
        self._open: set[socket.socket] = set()
        self._opening = threading.Lock()

    def fetch(self, flag_set: str, etag: str | None) -> Fetched | None:
        """The flag set, or None where it is still the one with this ETag.

        Raises:
            Unreachable: no answer, or another one.
        """
        headers = {"accept": "application/json"} | ({"if-none-match": etag} if etag else {})
        path = f"/api/flags/sets/{quote(flag_set, safe='')}"
        with self._asked("GET", path, headers) as response:
            if response.status == 304:
                return None
            if response.status != 200:
                raise self._refused(response, f"the flag set {flag_set!r}")
            content = self._read(response, MOST)
            return Fetched(
                content, response.getheader("x-flag-bucketing") or "v2", response.getheader("etag") or ""
            )

    @contextlib.contextmanager
    def follow(self, flag_set: str, last_id: str) -> Iterator[Iterator[bytes]]:
        """The stream of a set's changes, as parts of bytes.

        Raises:
            Unreachable: there is no such stream.
        """
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if last_id:
            headers["last-event-id"] = last_id
        path = f"/ofrep/v1/sse?channels={quote(flag_set, safe='')}"
        with self._asked("GET", path, headers, idle=self._idle) as response:
            kind = (response.getheader("content-type") or "").partition(";")[0].strip().lower()
            if response.status != 200 or kind != "text/event-stream":
                raise self._refused(response, "the stream of changes")
            yield iter(lambda: response.read1(65_536), b"")

    def send(self, path: str, content_type: str, body: bytes, *, compressed: bool) -> bytes:
        """Post a body; what the server answers to it.

        Raises:
            Unreachable: it was not taken; the status says whether it ever can be.
        """
        headers = {"content-type": content_type, "accept": "application/json"}
        if compressed and len(body) > SMALL:
            headers["content-encoding"] = "gzip"
            body = gzip.compress(body, 4)
        with self._asked("POST", path, headers, body) as response:
            if not 200 <= response.status < 300:
                raise self._refused(response, path)
            return self._read(response, MOST)

    def interrupt(self) -> None:
        """End what is under way, so that the threads that wait for it go on."""
        with self._opening:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def after_fork(self) -> None:
        """Forget the parent's connections, which stay the parent's."""
        self._opening = threading.Lock()
        self._open = set()

    @contextlib.contextmanager
    def _asked(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        idle: float | None = None,
    ) -> Iterator[HTTPResponse]:
        """One request and its answer, on a connection of its own; `idle` is the time limit between two parts."""
        made = HTTPSConnection if self._https else HTTPConnection
        connection = made(self._host, self._port, timeout=self._timeout)
        sock = None
        try:
            connection.connect()
            sock = connection.sock
            with self._opening:
                self._open.add(sock)
            connection.request(method, self._base + path, body, self._headers(headers))
            response = connection.getresponse()
            if idle is not None:
                sock.settimeout(idle)
            with contextlib.closing(response):
                yield response
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"{self.url} did not answer: {_why(error)}") from error
        finally:
            with self._opening:
                self._open.discard(sock)
            connection.close()

    def _headers(self, further: Mapping[str, str]) -> dict[str, str]:
        own = {"user-agent": "counterpoint-openfeature", "connection": "close"}
        if self._token:
            own["authorization"] = f"Bearer {self._token}"
        return own | dict(further)

    def _read(self, response: HTTPResponse, most: int) -> bytes:
        """The whole content; a server that sends it drop by drop is as good as none."""
        end, size, parts = time.monotonic() + 4 * self._timeout, 0, []
        while part := response.read1(1024 * 1024):
            parts.append(part)
            size += len(part)
            if size > most:
                raise Unreachable(f"{self.url} answered with more than {most:,} bytes.")
            if time.monotonic() > end:
                raise Unreachable(f"{self.url} did not finish its answer in {4 * self._timeout:g} seconds.")
        if response.length:
            raise Unreachable(f"{self.url} broke its answer off.")
        return b"".join(parts)

    def _refused(self, response: HTTPResponse, wanted: str) -> Unreachable:
        remedy = {
            401: "; give the token that `counterpoint token create` printed",
            403: "; the token needs the scopes read, flags:evaluate and events:write",
            404: "; look whether url and flag_set are right",
        }.get(response.status, "")
        return Unreachable(
            f"{self.url} answered {response.status} for {wanted}{remedy}.",
            status=response.status,
            retry_after=_seconds(response.getheader("retry-after")),
        )


def _why(error: Exception) -> str:
    text = str(getattr(error, "strerror", None) or error)
    return text or type(error).__name__


def _seconds(header: str | None) -> float | None:
    """`Retry-After`: seconds, or a date."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header.strip()[:9])
    try:
        at = parsedate_to_datetime(header)
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except ValueError:
        return None
