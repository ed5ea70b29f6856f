"""What is refused in front of an evaluation: in OFREP's shape, and readable by the page that asked."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.ofrep import MAX_BODY, PATH
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity import tokens

from .conftest import DEFINITION, HOST

SHOP = "https://shop.example"


@pytest.fixture
def key(workspace: Workspace) -> dict[str, str]:
    """The header of a client key."""
    write_set(workspace, local_actor(), "default", DEFINITION)
    made = tokens.create_token(workspace.graph, local_actor(), "page", frozenset({"flags:evaluate"}))
    return {"X-API-Key": made[1]}


@pytest.mark.parametrize("path", [PATH, f"{PATH}/team/yes"])
@pytest.mark.parametrize("origin", [None, SHOP])
def test_every_refusal_has_the_shape_of_ofrep_and_can_be_read_by_a_page(
    make: Callable[..., TestClient], workspace: Workspace, key: dict[str, str], path: str, origin: str | None
) -> None:
    client = make(loopback=True)
    reads = tokens.create_token(workspace.graph, local_actor(), "reads", frozenset({"read"}))[1]
    asked: list[tuple[int, dict[str, Any]]] = [
        (401, {}),
        (401, {"headers": {"Authorization": "Bearer cpk_unknown"}}),
        (403, {"headers": {"Authorization": f"Bearer {reads}"}}),
        (405, {"headers": key, "method": "PUT"}),
        (413, {"headers": key, "content": b" " * (MAX_BODY + 1)}),
        (421, {"headers": key | {"Host": "evil.example"}}),
    ]
    for status, options in asked:
        headers = options.pop("headers", {}) | ({"Origin": origin} if origin else {})
        answer = client.request(**{"method": "POST", "url": path, "headers": headers, **options})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/json"
        assert answer.json().keys() == {"key", "errorCode", "errorDetails"}
        assert answer.json()["key"] == path.removeprefix(PATH).removeprefix("/")
        assert answer.json()["errorDetails"]
        assert answer.headers.get("access-control-allow-origin") == ("*" if origin else None)


def test_what_fails_inside_has_the_shape_too_and_tells_nothing(
    make: Callable[..., TestClient], key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret of ours")

    client = make()
    monkeypatch.setattr("counterpoint.flags.ofrep.selected", fail)
    answer = client.post(f"{PATH}/yes", headers=key | {"Origin": SHOP})
    assert (answer.status_code, answer.json()["key"], answer.json()["errorCode"]) == (500, "yes", "GENERAL")
    assert "secret" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"


def test_an_unknown_address_below_is_refused_in_the_shape(
    make: Callable[..., TestClient], key: dict[str, str]
) -> None:
    answer = make().get("/ofrep/v1/configuration", headers=key)
    assert (answer.status_code, answer.json()["key"], answer.json()["errorCode"]) == (404, "", "GENERAL")


def test_a_preflight_lets_a_page_send_what_clients_send(make: Callable[..., TestClient]) -> None:
    asked = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    answer = make(loopback=True).options(f"{PATH}/yes", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = set(answer.headers["access-control-allow-headers"].split(", "))
    needed = "authorization x-api-key content-type if-none-match flagd-selector last-event-id cache-control"
    assert set(needed.split()) <= allowed
    assert "access-control-allow-credentials" not in answer.headers
    assert make(loopback=True).options(PATH, headers=asked | {"Host": "evil.example"}).status_code == 421


def test_pages_elsewhere_get_no_such_headers(make: Callable[..., TestClient]) -> None:
    answer = make(auth=False).get("/api/v1/activity", headers={"Origin": SHOP})
    assert "access-control-allow-origin" not in answer.headers


def test_the_setting_limits_the_origins_of_pages_and_not_programs(
    make: Callable[..., TestClient], key: dict[str, str]
) -> None:
    client = make(origins=(SHOP,))
    mine = client.post(f"{PATH}/text", headers=key | {"Origin": SHOP})
    assert (mine.status_code, mine.headers["access-control-allow-origin"]) == (200, SHOP)
    assert "Origin" in mine.headers["vary"]
    other = client.post(f"{PATH}/text", headers=key | {"Origin": "https://other.example"})
    assert (other.status_code, other.json()["key"]) == (403, "text")
    assert "access-control-allow-origin" not in other.headers
    preflight = client.options(PATH, headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in preflight.headers
    assert client.post(f"{PATH}/text", headers=key).status_code == 200
    assert client.post(f"{PATH}/text", headers=key | {"Origin": HOST}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:5173", 200),
        ("https://[::1]:8443", 200),
        ("http://localhost.evil.example", 403),
        ("http://evil.example", 403),
        ("http://evil.example@localhost", 403),
        ("file://localhost", 403),
        ("null", 403),
    ],
)
def test_without_sign_in_only_pages_of_this_machine_evaluate_and_change_nothing(
    make: Callable[..., TestClient], key: dict[str, str], origin: str, status: int
) -> None:
    client = make(auth=False, loopback=True)
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    assert client.post(f"{PATH}/text", headers=headers).status_code == status
    assert client.post("/api/v1/bets", headers=headers, json={}).status_code == 403
    assert client.post(f"{PATH}/text", headers=headers | key).status_code == 200
