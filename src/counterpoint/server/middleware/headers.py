"""Headers that tell browsers what our answers may do."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ADDED", "CONTENT_SECURITY_POLICY", "SecurityHeaders"]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data:",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
    )
)
"""No inline script and no inline style: what a catalog's text says can never run."""

ALWAYS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: browsers would then send `Origin: null` with our own forms.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
UNCACHED = (b"cache-control", b"no-store")
"""What a person sees depends on who they are; an answer that may be kept says so itself."""
ADDED = (*ALWAYS, UNCACHED)
"""What every answer has that does not set it itself."""


class SecurityHeaders:
    """Adds the headers that an answer does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                names = {name.lower() for name, _ in own}
                message["headers"] = own + [line for line in ADDED if line[0] not in names]
            await send(message)

        await self.app(scope, receive, send_with_headers)
