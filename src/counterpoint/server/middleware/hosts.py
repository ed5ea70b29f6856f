"""Refuses requests that name a host which is not ours: the defence against DNS rebinding."""

from litestar.types import ASGIApp, Receive, Scope, Send

from counterpoint.errors import InputError
from counterpoint.server.connection import header, is_loopback

__all__ = ["Hosts"]


class MisdirectedError(InputError):
    """The request is meant for another server (RFC 9110, section 15.5.20)."""

    status = 421
    title = "Misdirected request"


class Hosts:
    """Lets pass the loopback names and `names`.

    A server on loopback believes that whoever reaches it sits at this machine. A page of another
    site can make a browser reach it by pointing its own domain here; then `Host` still names that
    domain.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = header(scope, b"host") or ""
        # Two hosts are none: what stands between us and the client may have looked at the other one.
        named_once = sum(name == b"host" for name, _ in scope["headers"]) <= 1
        if not (named_once and self.is_ours(host.lower())):
            remedy = "Use localhost, or add the name to hosts in [server] of counterpoint.toml."
            raise MisdirectedError(f"This server does not answer for the host {host!r}. {remedy}")
        await self.app(scope, receive, send)

    def is_ours(self, host: str) -> bool:
        """Whether a `Host` in small letters is one of those that pass."""
        return is_loopback(host) or host in self.names or host.partition(":")[0] in self.names
