"""Requests that another site makes a browser send, and pages that pretend to be this machine."""

from collections.abc import Callable

import httpx2
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.server.identity import tokens

HTML = {"Accept": "text/html"}
FORM = {"name": "ci", "scopes": "read"}


def made(workspace: Workspace) -> int:
    with workspace.graph.read() as reader:
        return len(tokens.list_tokens(reader))


@pytest.fixture(params=["session", "local"])
def browser(
    request: pytest.FixtureRequest,
    make_client: Callable[..., TestClient],
    sign_in: Callable[..., httpx2.Response],
) -> TestClient:
    """A browser of an administrator: one who signed in, or one of a server without sign-in."""
    client = make_client(auth=request.param == "session")
    if request.param == "session":
        sign_in(client)
    client.get("/settings", headers=HTML)
    return client


def test_a_form_with_the_token_of_our_page_passes(
    browser: TestClient, workspace: Workspace, csrf: Callable[[httpx2.Response], str]
) -> None:
    token = csrf(browser.get("/settings", headers=HTML))
    assert browser.post("/settings/tokens", data={**FORM, "_csrf_token": token}).status_code == 200
    assert (
        browser.post(
            "/settings/tokens", data={**FORM, "name": "b"}, headers={"X-CSRF-Token": token}
        ).status_code
        == 200
    )
    assert made(workspace) == 2


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_form_without_our_token_is_refused(
    browser: TestClient, workspace: Workspace, token: str | None
) -> None:
    data = FORM if token is None else {**FORM, "_csrf_token": token}
    assert browser.post("/settings/tokens", data=data).status_code == 403
    assert made(workspace) == 0


def test_the_token_of_another_browser_is_refused(
    browser: TestClient,
    make_client: Callable[..., TestClient],
    workspace: Workspace,
    csrf: Callable[[httpx2.Response], str],
) -> None:
    stolen = csrf(make_client(auth=False).get("/settings", headers=HTML))
    assert browser.post("/settings/tokens", data={**FORM, "_csrf_token": stolen}).status_code == 403
    assert made(workspace) == 0


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", ""]
)
def test_no_kind_of_body_slips_past_the_token(
    browser: TestClient, workspace: Workspace, content_type: str
) -> None:
    headers = {"Content-Type": content_type, "Origin": "http://counterpoint.localhost"}
    response = browser.post("/settings/tokens", content=b"name=ci&scopes=read", headers=headers)
    assert response.status_code == 403
    assert made(workspace) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:3000"},
    ],
)
def test_a_change_sent_by_another_site_is_refused_even_with_the_token(
    browser: TestClient, workspace: Workspace, csrf: Callable[[httpx2.Response], str], headers: dict[str, str]
) -> None:
    token = csrf(browser.get("/settings", headers=HTML))
    response = browser.post("/settings/tokens", data={**FORM, "_csrf_token": token}, headers=headers)
    assert response.status_code == 403
    assert made(workspace) == 0


def test_a_bearer_token_may_come_from_anywhere(
    guarded: TestClient, workspace: Workspace, token: Callable[..., dict[str, str]]
) -> None:
    headers = {**token("admin"), "Origin": "https://other.example", "Sec-Fetch-Site": "cross-site"}
    assert guarded.post("/settings/tokens", data=FORM, headers=headers).status_code == 200


def test_signing_in_needs_the_token_of_the_form(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response]
) -> None:
    sign_in(guarded)
    guarded.cookies.clear()
    guarded.get("/login", headers=HTML)
    response = guarded.post("/login", data={"account": "ana", "password": "correct horse battery"})
    assert response.status_code == 403


def test_signing_out_needs_the_token(guarded: TestClient, sign_in: Callable[..., httpx2.Response]) -> None:
    sign_in(guarded)
    assert guarded.post("/logout").status_code == 403
    assert guarded.get("/api/v1/activity").status_code == 200


def test_programs_on_this_machine_send_json_without_a_token_where_nobody_signs_in(
    make_client: Callable[..., TestClient],
) -> None:
    client = make_client(auth=False)
    response = client.post("/api/v1/bets", json={})
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:7700", 200),
        ("127.0.0.1:7700", 200),
        ("[::1]:7700", 200),
        ("counterpoint.localhost", 200),
        ("127.9.9.9", 200),
        ("evil.example", 421),
        ("evil.example:7700", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("[::1].evil.example", 421),
        ("", 421),
    ],
)
def test_on_loopback_only_names_of_this_machine_are_answered(
    make_client: Callable[..., TestClient], host: str, status: int
) -> None:
    client = make_client(auth=False, loopback=True)
    assert client.get("/api/v1/activity", headers={"Host": host}).status_code == status


def test_a_request_that_names_two_hosts_is_answered_for_neither(
    make_client: Callable[..., TestClient],
) -> None:
    client = make_client(auth=False, loopback=True)
    twice = [("Host", "localhost"), ("Host", "evil.example")]
    assert client.get("/api/v1/activity", headers=twice).status_code == 421


def test_a_proxys_name_can_be_allowed(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    from counterpoint.server.app import create_app

    monkeypatch.setenv("COUNTERPOINT_SERVER__HOSTS", '["Counterpoint.example"]')
    with Workspace.open(workspace.path) as again, TestClient(create_app(again, loopback=True)) as client:
        assert client.get("/healthz", headers={"Host": "counterpoint.example"}).status_code == 200
        assert client.get("/healthz", headers={"Host": "counterpoint.example:443"}).status_code == 200
        assert client.get("/healthz", headers={"Host": "other.example"}).status_code == 421


def test_client_keys_may_be_used_from_any_page(guarded: TestClient) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    preflight = guarded.options("/ofrep/v1/evaluate/flags", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in preflight.headers
    assert "access-control-allow-origin" not in guarded.get("/healthz", headers=asked).headers


def test_asking_for_a_flag_changes_nothing_and_needs_no_token(make_client: Callable[..., TestClient]) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl sends unless told otherwise
    client = make_client(auth=False)
    answer = client.post("/ofrep/v1/evaluate/flags/none", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "FLAG_NOT_FOUND")


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://evil.example", "null"])
def test_a_session_does_not_evaluate_flags_for_a_page_of_another_site(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response], origin: str
) -> None:
    sign_in(guarded)
    path = "/ofrep/v1/evaluate/flags"
    assert guarded.post(path, headers={"Origin": origin}).status_code == 403
    assert guarded.post(path, headers={"Origin": "http://counterpoint.localhost"}).status_code == 200
