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
        if (
            not is_loopback(host)
            and host.lower() not in self.names
            and host.lower().partition(":")[0] not in self.names
        ):
            remedy = "Use localhost, or add the name to hosts in [server] of counterpoint.toml."
            raise MisdirectedError(f"This server does not answer for the host {host!r}. {remedy}")
        await self.app(scope, receive, send)
