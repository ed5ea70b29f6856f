"""Which requests need whom, decided without any I/O."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import NotAllowedError, UnauthenticatedError
from counterpoint.graph.actor import Actor
from counterpoint.server.connection import is_loopback
from counterpoint.server.identity.access import is_cross_site, needs_csrf, refusal, scope_needed
from counterpoint.server.identity.model import SCOPES, Caller, csrf_matches, csrf_token, granted, new_secret

PERSON = Actor("user:default/ana", "ana", "person")
ADMIN = Actor("user:default/eve", "eve", "person", admin=True)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/healthz", None),
        ("GET", "/healthz/secrets", "read"),
        ("GET", "/static/base.css", None),
        ("GET", "/staticky", "read"),
        ("POST", "/login", None),
        ("GET", "/api/openapi.json", None),
        ("GET", "/", "read"),
        ("HEAD", "/catalog", "read"),
        ("GET", "/api/catalog/entities", "read"),
        ("POST", "/api/catalog/entities/by-refs", "read"),
        ("POST", "/api/catalog/locations", "write"),
        ("DELETE", "/api/catalog/entities/by-uid/1", "write"),
        ("PUT", "/api/flags/sets/default", "write"),
        ("POST", "/api/v1/flags/sets/shop/trace", "read"),
        ("POST", "/api/v1/flags/sets/shop/simulation", "read"),
        ("PUT", "/api/v1/flags/sets/shop/trace", "write"),
        ("POST", "/api/v1/flags/sets/shop/simulation/more", "write"),
        ("POST", "/api/v1/flags/sets/shop/versions/1/trace", "write"),
        ("POST", "/api/v1/flags/sets/trace", "write"),
        ("POST", "/ofrep/v1/evaluate/flags/a/b", "flags:evaluate"),
        ("GET", "/ofrep/v1/configuration", "flags:evaluate"),
        ("POST", "/api/events", "events:write"),
        ("GET", "/api/events", "read"),
        ("GET", "/api/v1/events", "read"),
        ("POST", "/v1/logs", "events:write"),
        ("GET", "/scim/v2/Users", "scim"),
        ("PATCH", "/scim/v2/Groups/1", "scim"),
        ("POST", "/settings/tokens", "admin"),
        ("POST", "/settings/tokens/revoke", "admin"),
        ("GET", "/settings", "read"),
        ("BREW", "/coffee", "write"),
    ],
)
def test_each_request_needs_the_scope_of_its_rule(method: str, path: str, scope: str | None) -> None:
    assert scope_needed(method, path) == scope


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_a_token_opens_what_its_scope_and_those_it_includes_open(scope: str) -> None:
    opened = {
        "read": {"read"},
        "write": {"read", "write"},
        "events:write": {"events:write"},
        "flags:evaluate": {"flags:evaluate"},
        "scim": {"scim"},
        "discover": {"discover"},
        # What belongs to listeners no role opens.
        "admin": set(SCOPES) - {"discover"},
    }
    assert granted(frozenset({scope})) == opened[scope]


def test_nobody_is_asked_to_sign_in_and_a_member_is_refused_what_is_an_administrators() -> None:
    assert isinstance(refusal(Caller(), "GET", "/"), UnauthenticatedError)
    assert refusal(Caller(), "GET", "/healthz") is None
    assert isinstance(refusal(Caller(PERSON, "session"), "POST", "/settings/tokens"), NotAllowedError)
    assert refusal(Caller(PERSON, "session"), "POST", "/bets/new") is None
    assert refusal(Caller(ADMIN, "session"), "POST", "/settings/tokens") is None


@pytest.mark.parametrize(
    ("method", "origin", "fetch_site", "cross"),
    [
        ("POST", None, None, False),
        ("POST", "http://localhost:7700", None, False),
        ("POST", "http://LOCALHOST:7700", None, False),
        ("POST", "http://localhost:3000", None, True),
        ("POST", "https://evil.example", None, True),
        ("POST", "null", None, True),
        ("POST", None, "cross-site", True),
        ("POST", None, "same-site", True),
        ("POST", None, "same-origin", False),
        ("POST", None, "none", False),
        ("POST", "http://localhost:7700", "cross-site", True),
        ("DELETE", "https://evil.example", None, True),
        ("GET", "https://evil.example", "cross-site", False),
    ],
)
def test_a_change_sent_by_another_site_is_recognised(
    method: str, origin: str | None, fetch_site: str | None, *, cross: bool
) -> None:
    assert is_cross_site(method, host="localhost:7700", origin=origin, fetch_site=fetch_site) is cross


@pytest.mark.parametrize(
    ("method", "via", "from_browser", "content_type", "needed"),
    [
        ("GET", "session", True, "", False),
        ("POST", "session", True, "application/json", True),
        ("POST", "session", False, "application/json", True),
        ("POST", "token", True, "application/x-www-form-urlencoded", False),
        ("POST", "local", False, "application/json", False),
        ("POST", "local", False, "application/cloudevents+json", False),
        ("POST", "local", True, "application/json", True),
        ("POST", "local", False, "application/x-www-form-urlencoded", True),
        ("POST", "local", False, "Text/Plain; charset=utf-8", True),
        ("POST", "nothing", False, "multipart/form-data; boundary=x", True),
        ("PUT", "local", False, "application/x-www-form-urlencoded", False),
        ("PUT", "local", True, "application/json", True),
    ],
)
def test_a_change_on_ambient_authority_needs_a_csrf_token(
    method: str, via: str, content_type: str, *, from_browser: bool, needed: bool
) -> None:
    caller = Caller(PERSON, via)  # type: ignore[arg-type]
    assert needs_csrf(method, caller, from_browser=from_browser, content_type=content_type) is needed


@given(st.text(max_size=80), st.text(max_size=80))
def test_only_its_own_csrf_token_matches_a_cookie(secret: str, other: str) -> None:
    assert not csrf_matches(secret, other)
    assert csrf_matches(secret, csrf_token(secret)) is bool(secret)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LocalHost.:7700", True),
        ("a.localhost", True),
        ("127.0.0.1", True),
        ("127.255.1.2:80", True),
        ("::1", True),
        ("[::1]", True),
        ("[::1]:7700", True),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104 - compared, not bound
        ("::", False),
        ("[::]", False),
        ("10.0.0.1", False),
        ("[::1].evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("notlocalhost", False),
        ("127.0.0.1@evil.example", False),
        ("2130706433", False),
    ],
)
def test_only_names_and_addresses_of_this_machine_are_loopback(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_secrets_are_long_and_never_repeat() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == 43 for secret in made)
