"""Secrets, scopes and callers: pure, apart from the system's random source."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from counterpoint.errors import InputError, Problem
from counterpoint.flags.keys import EVALUATE, is_of_one_set
from counterpoint.graph.actor import Actor

__all__ = [
    "CLIENT_KEY_PREFIX",
    "MACHINE_ONLY",
    "SCOPES",
    "TOKEN_PREFIX",
    "Caller",
    "check_account_name",
    "check_password",
    "check_scopes",
    "csrf_matches",
    "csrf_token",
    "granted",
    "hash_secret",
    "new_secret",
    "new_token",
]

SCOPES = {
    "read": "read everything that is open inside the organisation",
    "write": "change what its owner may change; includes read",
    "events:write": "send events to the journal",
    EVALUATE: "evaluate flags",
    "scim": "bring people and groups in and take them out, by SCIM alone",
    "discover": "act for the listeners of recommenders, as a product's own backend; no other scope includes it",
    "admin": "everything but what belongs to listeners, accounts and tokens too",
}
"""Each scope with what it allows; beside them `flags:evaluate:NAME`, which opens one flag set."""

IMPLIED = {"write": frozenset({"read"}), "admin": frozenset(SCOPES) - {"discover"}}
"""What belongs to a listener no role opens."""
MACHINE_ONLY = frozenset({"discover"})
"""Scopes that are given on the machine itself only: whoever is signed in could else give themselves what no role opens."""
TOKEN_PREFIX = "cpt_"  # noqa: S105 - a prefix, not a secret
CLIENT_KEY_PREFIX = "cpk_"
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024
"""Characters; argon2 reads all of them, so there is an upper bound on the work."""

NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, and how that is known."""

    actor: Actor | None = None
    """None: nobody is signed in."""
    via: Literal["nothing", "session", "token", "local"] = "nothing"
    """`local`: the server runs with --no-auth, and whoever reaches it is the user who started it."""
    browser_secret: str | None = None
    """The secret cookie that the request's CSRF token has to match."""
    expires_at: datetime | None = None
    """When the token ends, where one was sent and it does."""


def new_secret() -> str:
    """256 random bits as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_token(scopes: frozenset[str]) -> str:
    """A new API token (`cpt_...`), or a public client key (`cpk_...`) if all it may do is evaluate flags.

    Everybody can read a client key in the page or the app that holds it.
    """
    public = all(scope == EVALUATE or is_of_one_set(scope) for scope in scopes)
    return (CLIENT_KEY_PREFIX if public else TOKEN_PREFIX) + new_secret()


def hash_secret(secret: str) -> str:
    """SHA-256 in hexadecimal: enough for 256 random bits, and what the database keeps."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def csrf_token(browser_secret: str) -> str:
    """The token that proves that a form came from a page shown to the holder of this cookie."""
    digest = hmac.new(browser_secret.encode(), b"counterpoint csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def csrf_matches(browser_secret: str | None, given: str | None) -> bool:
    """Whether the token given belongs to the cookie; compared in constant time."""
    if not browser_secret or not given:
        return False
    return hmac.compare_digest(csrf_token(browser_secret).encode(), given.encode("utf-8", "replace"))


def granted(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes with all that they include."""
    implied = (
        frozenset({EVALUATE}) if is_of_one_set(scope) else IMPLIED.get(scope, frozenset()) for scope in scopes
    )
    return scopes.union(*implied)


def check_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes given, if all are known and there is at least one.

    Raises:
        InputError: naming the unknown ones and all that exist.
    """
    known = ", ".join((*SCOPES, "flags:evaluate:NAME"))
    if not scopes:
        raise InputError(
            "A token needs at least one scope.", [Problem(f"Choose at least one of {known}.", "/scopes")]
        )
    if unknown := sorted(scope for scope in scopes if scope not in SCOPES and not is_of_one_set(scope)):
        problems = [Problem(f"{name!r} is no scope; choose from {known}", "/scopes") for name in unknown]
        raise InputError("The scopes are not valid.", problems)
    return scopes


def check_account_name(name: str) -> str:
    """The name given, if it can be the name of a User entity.

    Raises:
        InputError: saying what a name may hold.
    """
    if not NAME.fullmatch(name):
        rule = "1 to 63 of a-z, 0-9, '.', '_' and '-', starting and ending with a letter or a digit"
        raise InputError("The name is not valid.", [Problem(f"{name!r} must be {rule}", "/name")])
    return name


def check_password(password: str) -> str:
    """The password given, if its length is acceptable.

    Raises:
        InputError: saying the bounds.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        rule = f"has {len(password)} characters, must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
        raise InputError("The password is not valid.", [Problem(f"the password {rule}", "/password")])
    return password
