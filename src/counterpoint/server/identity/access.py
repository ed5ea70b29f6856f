"""Which requests need whom: one table of rules and pure decisions over it."""

from dataclasses import dataclass
from functools import lru_cache

from counterpoint.errors import CounterpointError, NotAllowedError, UnauthenticatedError
from counterpoint.server.identity.model import Caller, granted

__all__ = ["PUBLIC", "Rule", "is_cross_site", "needs_csrf", "refusal", "scope_needed"]

PUBLIC = None
"""Open to everybody, since it says nothing about the organisation."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
"""What a page of another site can send without the browser asking us first (CORS "simple requests")."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests whose path starts with `path` (ends there, if it ends in `$`; `*` is any one part) need `scope`."""

    path: str
    scope: str | None
    methods: frozenset[str] = frozenset()
    """Empty: any method."""

    def covers(self, method: str, path: str) -> bool:
        """Whether the rule speaks about this request."""
        if self.methods and method not in self.methods:
            return False
        whole = self.path.endswith("$")
        expected, parts = self.path.rstrip("$").split("/"), path.split("/")
        if len(parts) != len(expected) if whole else len(parts) < len(expected):
            return False
        return all(one in ("*", part) for one, part in zip(expected, parts, strict=False))


POST = frozenset({"POST"})
RULES = (
    Rule("/healthz$", PUBLIC),
    Rule("/readyz$", PUBLIC),
    Rule("/metrics$", PUBLIC),
    Rule("/static", PUBLIC),
    Rule("/login$", PUBLIC),
    Rule("/logout$", PUBLIC),
    Rule("/api/openapi.json$", PUBLIC),
    # Whoever was given such an address may use it; the secret in it says what for.
    Rule("/feedback/to/*$", PUBLIC),
    Rule("/feedback/status/*$", PUBLIC),
    # It reads by POST; what it is told by is our own API, which asks for the rest.
    Rule("/mcp$", "read"),
    Rule("/.well-known/oauth-protected-resource/mcp$", PUBLIC),
    Rule("/ofrep", "flags:evaluate"),
    Rule("/api/events$", "events:write", POST),
    Rule("/v1/logs$", "events:write", POST),
    # The Backstage API reads by POST, since its queries can be long.
    Rule("/api/catalog/entities/by-refs$", "read", POST),
    Rule("/api/catalog/entities/by-query$", "read", POST),
    Rule("/api/catalog/entity-facets$", "read", POST),
    Rule("/api/catalog/locations/by-query$", "read", POST),
    Rule("/api/catalog/validate-entity$", "read", POST),
    Rule("/api/catalog/analyze-location$", "read", POST),
    # What asks about a flag set by POST and changes nothing.
    Rule("/api/v1/flags/sets/*/trace$", "read", POST),
    Rule("/api/v1/flags/sets/*/simulation$", "read", POST),
    Rule("/scim", "scim"),
    # A listener's link is a secret as well; what programs do for listeners needs a scope that no person has.
    Rule("/discover/listen/*", PUBLIC),
    Rule("/api/v1/discover/*/listeners", "discover"),
    Rule("/api/v1/discover/*/continue$", "read", POST),
    Rule("/settings/accounts", "admin"),
    Rule("/settings/tokens", "admin"),
)
"""The first rule that covers a request decides; where none does, reading needs `read`, all else `write`."""


@lru_cache(maxsize=256)
def scope_needed(method: str, path: str) -> str | None:
    """The scope that a request needs, or `PUBLIC`."""
    for rule in RULES:
        if rule.covers(method, path):
            return rule.scope
    return "read" if method in SAFE_METHODS else "write"


def refusal(caller: Caller, method: str, path: str) -> CounterpointError | None:
    """Why the caller may not send this request, or None if they may.

    A person has every scope but `admin`, and but `discover`, which nobody has as a person, an administrator neither;
    what they may change is decided where it is stored.
    """
    needed = scope_needed(method, path)
    if needed is PUBLIC:
        return None
    if caller.actor is None:
        return UnauthenticatedError("Sign in, or send an API token as `Authorization: Bearer cpt_...`.")
    if caller.via == "token":
        if needed in granted(caller.actor.scopes):
            return None
        have = ", ".join(sorted(caller.actor.scopes))
        return NotAllowedError(f"This needs the scope {needed!r}; the token has {have}.")
    if needed == "discover":
        return NotAllowedError(
            "What was learnt of a listener is theirs alone: it needs a token with the scope 'discover', or a listener's own link."
        )
    if needed == "admin" and not caller.actor.admin:
        return NotAllowedError("This is for administrators of the workspace.")
    return None


def is_cross_site(method: str, *, host: str, origin: str | None, fetch_site: str | None) -> bool:
    """Whether a page of another site sent a request that may change something.

    `Sec-Fetch-Site` is the browser's own word and cannot be set by a page; older browsers send only
    `Origin`, whose host and port must be those of the request. Programs send neither.
    """
    if method in SAFE_METHODS:
        return False
    if fetch_site is not None:
        return fetch_site.lower() not in {"same-origin", "none"}
    if origin is not None:
        return origin.partition("://")[2].lower() != host.lower()
    return False


def needs_csrf(method: str, caller: Caller, *, from_browser: bool, content_type: str) -> bool:
    """Whether a request must carry a CSRF token: one that changes something on ambient authority.

    Behind a session every such request does. Without sign-in, programs on the same machine call the
    APIs freely; what a browser sends, or could be made to send, must prove that it saw our page.
    """
    if method in SAFE_METHODS or caller.via == "token":
        return False
    if caller.via == "session":
        return True
    # A form can be made to POST from anywhere, and can do nothing else.
    return from_browser or (method == "POST" and content_type.partition(";")[0].strip().lower() in FORM_TYPES)
