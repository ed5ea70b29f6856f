"""Signing in, staying in and signing out, as a browser does it."""

import json
from collections.abc import Callable

import httpx2
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity import accounts
from counterpoint.server.identity.attempts import PER_ACCOUNT

HTML = {"Accept": "text/html"}


def set_cookies(response: httpx2.Response) -> dict[str, str]:
    """The attributes of each cookie that an answer sets, by its name."""
    return {line.partition("=")[0]: line for line in response.headers.get_list("set-cookie")}


def test_a_session_cookie_is_unreadable_for_scripts_and_not_sent_by_other_sites(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response]
) -> None:
    line = set_cookies(sign_in(guarded))["counterpoint_session"].lower()
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in line.split(";")}
    assert "secure" not in line  # the client is on loopback
    assert "domain" not in line


def test_off_loopback_cookies_go_over_https_only_and_belong_to_this_host(
    make_client: Callable[..., TestClient], sign_in: Callable[..., httpx2.Response]
) -> None:
    client = make_client(base="https://counterpoint.example")
    line = set_cookies(sign_in(client))["__Host-counterpoint_session"].lower()
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= {part.strip() for part in line.split(";")}
    assert client.get("/api/v1/activity").status_code == 200


def test_off_loopback_without_https_the_form_says_why_nobody_would_stay_signed_in(
    workspace: Workspace, make_client: Callable[..., TestClient], csrf: Callable[[httpx2.Response], str]
) -> None:
    accounts.create_account(workspace.graph, local_actor(), "ana", "correct horse battery")
    client = make_client(base="http://counterpoint.example")
    page = client.get("/login", headers=HTML)
    # A browser drops a secure cookie that came over HTTP; here it is sent by hand to come further.
    kept = {"Cookie": page.headers["set-cookie"].partition(";")[0]}
    data = {"account": "ana", "password": "x", "_csrf_token": csrf(page)}
    assert "secure_cookies = false" in client.post("/login", data=data, headers=kept).text


def test_before_the_first_account_the_form_tells_how_to_make_one(guarded: TestClient) -> None:
    assert "counterpoint account create NAME" in guarded.get("/login", headers=HTML).text


def test_signing_in_leads_to_the_page_that_was_asked_for_and_signing_out_ends_the_session(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response], csrf: Callable[[httpx2.Response], str]
) -> None:
    assert sign_in(guarded).headers["location"] == "/"
    page = guarded.get("/settings", headers=HTML)
    assert "ana" in page.text
    session = guarded.cookies["counterpoint_session"]
    out = guarded.post("/logout", data={"_csrf_token": csrf(page)}, follow_redirects=False)
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    assert guarded.get("/api/v1/activity").status_code == 401
    stolen = {"Cookie": f"counterpoint_session={session}"}
    assert guarded.get("/api/v1/activity", headers=stolen).status_code == 401


def test_signing_in_anew_ends_the_session_before(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response], csrf: Callable[[httpx2.Response], str]
) -> None:
    sign_in(guarded)
    before = guarded.cookies["counterpoint_session"]
    page = guarded.get("/settings", headers=HTML)
    data = {"account": "ana", "password": "correct horse battery", "_csrf_token": csrf(page)}
    assert guarded.post("/login", data=data, follow_redirects=False).status_code == 303
    assert guarded.cookies["counterpoint_session"] != before
    assert guarded.get("/api/v1/activity").status_code == 200
    guarded.cookies.clear()
    stolen = {"Cookie": f"counterpoint_session={before}"}
    assert guarded.get("/api/v1/activity", headers=stolen).status_code == 401


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/catalog?kind=API", "/catalog?kind=API"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("/flags/default/größe", "/flags/default/gr%C3%B6%C3%9Fe"),
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(
    guarded: TestClient,
    sign_in: Callable[..., httpx2.Response],
    csrf: Callable[[httpx2.Response], str],
    target: str,
    location: str,
) -> None:
    sign_in(guarded)
    guarded.cookies.clear()
    token = csrf(guarded.get("/login", headers=HTML))
    data = {"account": "ana", "password": "correct horse battery", "next": target, "_csrf_token": token}
    assert guarded.post("/login", data=data, follow_redirects=False).headers["location"] == location


def test_a_wrong_password_keeps_the_name_says_nothing_more_and_runs_into_a_limit(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response], csrf: Callable[[httpx2.Response], str]
) -> None:
    sign_in(guarded)
    guarded.cookies.clear()
    token = csrf(guarded.get("/login", headers=HTML))
    answers = {}
    for name in ("ana", "nobody"):
        data = {"account": name, "password": "wrong" * 3, "_csrf_token": token}
        answers[name] = guarded.post("/login", data=data)
        assert answers[name].status_code == 400
        assert f'value="{name}"' in answers[name].text
    assert answers["ana"].text.replace("ana", "nobody") == answers["nobody"].text
    data = {"account": "ana", "password": "wrong" * 3, "_csrf_token": token}
    statuses = [guarded.post("/login", data=data).status_code for _ in range(PER_ACCOUNT)]
    assert statuses == [400] * (PER_ACCOUNT - 1) + [429]
    right = guarded.post("/login", data={**data, "password": "correct horse battery"})
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) > 0


def test_a_session_is_new_at_every_sign_in(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response]
) -> None:
    sign_in(guarded)
    first = guarded.cookies["counterpoint_session"]
    guarded.cookies.clear()
    sign_in(guarded)
    assert guarded.cookies["counterpoint_session"] != first


def test_logs_name_who_did_what_and_hold_no_secret(
    guarded: TestClient, sign_in: Callable[..., httpx2.Response], capfd: pytest.CaptureFixture[str]
) -> None:
    sign_in(guarded)
    guarded.get("/api/v1/activity?limit=1&token=cpt_in_a_query", headers={"X-Request-ID": "request-0007"})
    guarded.get("/healthz")
    text = capfd.readouterr().err
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    last = next(line for line in lines if line["request_id"] == "request-0007")
    assert (last["method"], last["path"], last["status"]) == ("GET", "/api/v1/activity", 200)
    assert last["actor"] == "user:default/ana"
    assert last["ms"] >= 0
    assert not [line for line in lines if line["path"] == "/healthz"]
    for secret in ("cpt_in_a_query", "correct horse battery", guarded.cookies["counterpoint_session"]):
        assert secret not in text
