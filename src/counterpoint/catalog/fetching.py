"""Reads files over HTTP from the hosts that the workspace allows, within limits of time and size."""

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from counterpoint.catalog.addresses import host_of, is_address, is_allowed
from counterpoint.graph.weburls import is_absolute_url
from counterpoint.yaml12.reader import MAX_BYTES, UnreadError

if TYPE_CHECKING:
    import httpx2

__all__ = ["Fetcher", "not_allowed"]

SECONDS = 10.0
"""Longest time for one file, redirects included, however slowly its bytes arrive."""
SILENCE = 5.0
"""Longest wait for the next bytes."""
REDIRECTS = 5
HEADERS = {"User-Agent": "counterpoint", "Accept": "*/*", "Accept-Encoding": "identity"}
"""Nothing compressed: a few bytes could unfold into more than memory holds."""


def not_allowed(address: str) -> str:
    """What Backstage says of an address that may not be read."""
    if not is_absolute_url(address):
        return "Invalid URL"
    return f"Reading from '{address}' is not allowed. You may need to configure an integration for the target host, or add it to the configured list of allowed hosts at 'backend.reading.allow'"


class Fetcher:
    """Reads addresses. Names are compared as they are written: nothing is looked up to decide."""

    def __init__(self, hosts: Collection[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        """Allow these hosts, each written `host` or `host:port`."""
        self.hosts = tuple(hosts)
        self._clock = clock

    def read(self, address: str) -> bytes:
        """The bytes of a file.

        Raises:
            UnreadError: the host is not allowed, it does not answer in time, there is no such file, or
                the file is too large.
        """
        address = address.strip()  # browsers and Node take an address with blanks around it
        import httpx2  # late: a command that reads files only does not pay for it

        end = self._clock() + SECONDS
        limits = httpx2.Timeout(SILENCE)
        try:
            with httpx2.Client(timeout=limits, headers=HEADERS, trust_env=False) as client:
                for _ in range(REDIRECTS + 1):
                    self.require_allowed(address)
                    with client.stream("GET", address) as response:
                        if not response.has_redirect_location:
                            return self._body(response, end)
                        address = urljoin(address, response.headers["location"])
        except httpx2.TimeoutException:
            raise UnreadError(f"did not answer within {SILENCE:g} seconds") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise UnreadError(f"cannot be read: {str(error) or type(error).__name__}") from None
        raise UnreadError(f"redirects more than {REDIRECTS} times")

    def require_allowed(self, address: str) -> None:
        """Make sure that an address may be read.

        Raises:
            UnreadError: it may not; the message names the setting.
        """
        if is_allowed(address, self.hosts):
            return
        host = host_of(address)
        told = not_allowed(address)
        if host is None:
            what = "is no address of the web" if is_address(address) else "is no address"
            raise UnreadError(
                f"{what}; give http:// or https:// with a host, without name and password", told=told
            )
        raise UnreadError(f"was not read, since {host} is not in the setting [catalog] read_hosts", told=told)

    def _body(self, response: "httpx2.Response", end: float) -> bytes:
        if response.status_code in {404, 410}:
            raise UnreadError(f"does not exist (the server answered {response.status_code})", missing=True)
        if not response.is_success:
            raise UnreadError(f"cannot be read: the server answered {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UnreadError("was sent compressed although that was not asked for")
        data = bytearray()
        for chunk in response.iter_raw():
            data += chunk
            if len(data) > MAX_BYTES:
                raise UnreadError(
                    f"is larger than {MAX_BYTES // 1024**2} MB, the most a file may have; split it"
                )
            if self._clock() > end:
                raise UnreadError(f"took longer than {SECONDS:g} seconds to arrive")
        return bytes(data)
