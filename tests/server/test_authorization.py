"""Who gets through which door: anonymous, session, token of each scope, client key."""

from collections.abc import Callable

import httpx2
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity import tokens
from counterpoint.server.identity.model import SCOPES

HTML = {"Accept": "text/html"}
REFUSED = {401, 403}

DOORS = {
    "health": ("GET", "/healthz"),
    "document": ("GET", "/api/openapi.json"),
    "read": ("GET", "/api/v1/activity"),
    "page": ("GET", "/settings"),
    "write": ("POST", "/api/v1/bets"),
    "events": ("POST", "/api/events"),
    "flags": ("POST", "/ofrep/v1/evaluate/flags/x"),
    "tokens": ("POST", "/settings/tokens"),
    "scim": ("GET", "/scim/v2/ServiceProviderConfig"),
    "listener": ("GET", "/api/v1/discover/x/listeners/y/profile"),
}
OPEN = {"health", "document"}
MATRIX: dict[str, set[str]] = {
    "nobody": OPEN,
    "read": OPEN | {"read", "page"},
    "write": OPEN | {"read", "page", "write"},
    "events:write": OPEN | {"events"},
    "flags:evaluate": OPEN | {"flags"},
    "scim": OPEN | {"scim"},
    "discover": OPEN | {"listener"},
    "admin": set(DOORS) - {"listener"},
    "member's session": set(DOORS) - {"tokens", "listener"},
    "administrator's session": set(DOORS) - {"listener"},
}


@pytest.mark.parametrize("who", MATRIX)
def test_each_caller_passes_exactly_its_doors(
    who: str,
    guarded: TestClient,
    token: Callable[..., dict[str, str]],
    sign_in: Callable[..., httpx2.Response],
    csrf: Callable[[httpx2.Response], str],
) -> None:
    headers: dict[str, str] = {}
    if who in SCOPES:
        headers = token(who)
    elif who != "nobody":
        if who.startswith("member"):  # the first account is an administrator's
            sign_in(guarded, "first")
            guarded.cookies.clear()
        assert sign_in(guarded, "ana", admin=who.startswith("admin")).status_code == 303
        headers = {"X-CSRF-Token": csrf(guarded.get("/settings", headers=HTML))}
    passed = set()
    for door, (method, path) in DOORS.items():
        response = guarded.request(method, path, headers=headers, follow_redirects=False)
        assert response.status_code < 500, response.text
        if response.status_code not in REFUSED:
            passed.add(door)
    assert passed == MATRIX[who]


@pytest.mark.parametrize("kind", ["Bearer", "bearer"])
def test_a_token_is_taken_from_either_header(
    guarded: TestClient, token: Callable[..., dict[str, str]], kind: str
) -> None:
    secret = token("read")["Authorization"].removeprefix("Bearer ")
    assert guarded.get("/api/v1/activity", headers={"Authorization": f"{kind} {secret}"}).status_code == 200
    assert guarded.get("/api/v1/activity", headers={"X-API-Key": secret}).status_code == 200


@pytest.mark.parametrize("secret", ["cpt_unknown", "x", "cpt_" + "é" * 9])
def test_an_unknown_token_is_401_and_is_no_way_to_be_somebody_else(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response], secret: str
) -> None:
    sign_in(guarded)
    header = b"Bearer " + secret.encode("latin-1")
    assert guarded.get("/api/v1/activity", headers={b"Authorization": header}).status_code == 401


def test_a_revoked_token_is_useless_at_once(
    workspace: Workspace, guarded: TestClient, token: Callable[..., dict[str, str]]
) -> None:
    headers = token("read")
    assert guarded.get("/api/v1/activity", headers=headers).status_code == 200
    tokens.revoke_token(workspace.graph, local_actor(), "token0")
    assert guarded.get("/api/v1/activity", headers=headers).status_code == 401


def test_without_sign_in_the_caller_is_the_local_user_and_tokens_still_mean_themselves(
    client: TestClient, token: Callable[..., dict[str, str]]
) -> None:
    assert client.get("/api/v1/activity").status_code == 200
    assert client.get("/api/v1/activity", headers=token("events:write")).status_code == 403
    assert client.get("/api/v1/activity", headers={"Authorization": "Bearer cpt_unknown"}).status_code == 401
    assert (
        client.get("/api/v1/activity", headers={"Authorization": "Bearer another-system's"}).status_code
        == 200
    )


def test_a_path_written_oddly_needs_the_same_scope(
    guarded: TestClient, token: Callable[..., dict[str, str]]
) -> None:
    for path in ("//settings/tokens", "/settings//tokens", "/settings/tokens/"):
        assert guarded.post(path, headers=token("write")).status_code in {403, 404}


@pytest.mark.parametrize("path", ["/api/v1/activity", "/activity", "/", "/settings"])
def test_who_has_accounts_sessions_and_tokens_is_told_to_administrators_only(
    path: str,
    guarded: TestClient,
    token: Callable[..., dict[str, str]],
    sign_in: Callable[..., httpx2.Response],
) -> None:
    secret = token("read")
    sign_in(guarded, "zoe")  # the first account is an administrator's
    words = ("zoe", "token0", "session", "token.created")
    assert any(word in guarded.get(path, headers=HTML).text for word in ("zoe", "token0"))
    guarded.cookies.clear()
    sign_in(guarded, "ana")
    for headers in ({}, secret):
        shown = guarded.get(path, headers=HTML | headers).text
        told = ("zoe",) if path == "/settings" else words[:2] if path == "/" else words
        if headers:  # a token may know its own name
            told = tuple(word for word in told if word != "token0")
        assert [word for word in told if word in shown] == []
