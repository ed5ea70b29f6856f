"""The two cookies: the session's, and the one that stands in for it where nobody is signed in."""

from litestar.datastructures import Cookie
from litestar.types import Scope

from counterpoint.server.connection import header, is_loopback

__all__ = ["BROWSER", "SESSION", "cookie", "is_secure", "read_cookie"]

SESSION = "counterpoint_session"
BROWSER = "counterpoint_browser"


def is_secure(scope: Scope, *, wanted: bool) -> bool:
    """Whether cookies go over HTTPS only: as the settings say, but never on loopback, where HTTP is safe."""
    return wanted and not is_loopback(header(scope, b"host") or "")


def cookie(name: str, value: str, *, secure: bool, forget: bool = False) -> Cookie:
    """A cookie that scripts cannot read and that other sites' forms do not carry."""
    return Cookie(
        key=_name(name, secure=secure),
        value="" if forget else value,
        path="/",
        httponly=True,
        samesite="lax",
        secure=secure,
        max_age=0 if forget else None,
    )


def read_cookie(scope: Scope, name: str, *, secure: bool) -> str | None:
    """The value of one of our cookies, or None."""
    wanted = _name(name, secure=secure)
    for part in (header(scope, b"cookie") or "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == wanted and value:
            return value
    return None


def _name(name: str, *, secure: bool) -> str:
    """Browsers let nobody but this very host set a `__Host-` cookie; they demand Secure for it."""
    return f"__Host-{name}" if secure else name
