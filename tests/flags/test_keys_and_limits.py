"""Keys for single flag sets, attributes that the server adds, and how often a client may ask."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.errors import InputError
from counterpoint.flags import rates
from counterpoint.flags.contexts import Additions
from counterpoint.flags.keys import evaluable_sets
from counterpoint.flags.ofrep import PATH
from counterpoint.flags.rates import Rates
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity import tokens
from counterpoint.server.identity.model import CLIENT_KEY_PREFIX, TOKEN_PREFIX, check_scopes, new_token
from counterpoint.settings import load_settings


def one(value: str) -> dict[str, Any]:
    """A definition with one flag, which answers this text."""
    return {"flags": {"f": {"state": "ENABLED", "variants": {"v": value}, "defaultVariant": "v"}}}


@pytest.fixture
def key(workspace: Workspace) -> Callable[..., dict[str, str]]:
    """Makes a key with the scopes given, beside the flag sets `default`, `shop` and `app`."""
    for name in ("default", "shop", "app"):
        write_set(workspace, local_actor(), name, one(name))

    def made(*scopes: str) -> dict[str, str]:
        name = "-".join(scopes).replace(":", ".")
        return {"X-API-Key": tokens.create_token(workspace.graph, local_actor(), name, frozenset(scopes))[1]}

    return made


@pytest.mark.parametrize(
    ("scopes", "selector", "answer"),
    [
        (("flags:evaluate",), None, "default"),
        (("flags:evaluate",), "shop", "shop"),
        (("flags:evaluate:shop",), None, "shop"),
        (("flags:evaluate:shop",), "flagSetId=shop", "shop"),
        (("flags:evaluate:shop",), "default", 403),
        (("flags:evaluate:shop",), "app", 403),
        (("flags:evaluate:shop",), "nobody", 403),
        (("flags:evaluate:shop", "flags:evaluate:app"), None, 403),
        (("flags:evaluate:shop", "flags:evaluate:app"), "app", "app"),
        (("flags:evaluate:shop", "flags:evaluate:default"), None, "default"),
        (("flags:evaluate:shop", "flags:evaluate"), "app", "app"),
        (("flags:evaluate:shop", "admin"), "app", "app"),
        (("read",), None, 403),
    ],
)
def test_a_key_opens_the_flag_sets_that_it_names(
    make: Callable[..., TestClient],
    key: Callable[..., dict[str, str]],
    scopes: tuple[str, ...],
    selector: str | None,
    answer: str | int,
) -> None:
    headers = key(*scopes) | ({"Flagd-Selector": selector} if selector else {})
    client = make()
    single, bulk = client.post(f"{PATH}/f", headers=headers), client.post(PATH, headers=headers)
    if isinstance(answer, int):
        assert (single.status_code, bulk.status_code) == (answer, answer)
        assert single.json()["errorCode"] == bulk.json()["errorCode"] == "GENERAL"
    else:
        assert single.json()["value"] == answer
        assert bulk.json()["flags"][0]["value"] == answer


def test_a_key_for_one_set_opens_nothing_but_evaluation(
    make: Callable[..., TestClient], key: Callable[..., dict[str, str]]
) -> None:
    client, headers = make(), key("flags:evaluate:shop")
    for path in ("/api/flags/sets/shop", "/api/v1/activity", "/catalog"):
        assert client.get(path, headers=headers).status_code == 403
    assert client.put("/api/flags/sets/shop", headers=headers, json=one("x")).status_code == 403


def test_a_key_for_sets_alone_is_public() -> None:
    assert new_token(frozenset({"flags:evaluate:a", "flags:evaluate:b"})).startswith(CLIENT_KEY_PREFIX)
    assert new_token(frozenset({"flags:evaluate:a", "read"})).startswith(TOKEN_PREFIX)


@pytest.mark.parametrize("scope", ["flags:evaluate:", "flags:evaluate:a b", "flags:evaluate:*", "read:a"])
def test_a_scope_that_names_no_set_is_refused_and_opens_nothing(scope: str) -> None:
    with pytest.raises(InputError, match="scopes"):
        check_scopes(frozenset({scope}))
    assert evaluable_sets({scope}) is None


def test_a_header_goes_over_the_setting_and_that_over_the_client() -> None:
    additions = Additions({"country": "DE", "region": "eu"}, {"X-Country": "country"})
    sent = {"country": "US", "region": "us", "plan": "free"}
    assert additions.to(sent, {b"x-country": "SE"}) == {"country": "SE", "region": "eu", "plan": "free"}
    assert additions.to(sent, {})["country"] == "DE"
    assert additions.to(sent, {b"x-country": ""})["country"] == "DE"
    assert sent["country"] == "US"


def test_what_the_server_adds_decides_single_and_bulk_evaluations(
    make: Callable[..., TestClient], workspace: Workspace
) -> None:
    rule = {"if": [{"==": [{"var": "country"}, "SE"]}, "on", None]}
    flag = {"state": "ENABLED", "variants": {"on": 1, "off": 0}, "defaultVariant": "off", "targeting": rule}
    write_set(workspace, local_actor(), "default", {"flags": {"f": flag}})
    client = make(auth=False, context={"country": "DE"}, context_headers={"X-Country": "country"})
    body = {"context": {"country": "SE"}}
    assert client.post(f"{PATH}/f", json=body).json()["variant"] == "off"
    assert client.post(f"{PATH}/f", json=body, headers={"X-Country": "SE"}).json()["variant"] == "on"
    assert client.post(PATH, json={}, headers={"X-Country": "SE"}).json()["flags"][0]["variant"] == "on"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ('context_headers = { Authorization = "user" }', "holds secrets"),
        ('context_headers = { "X Country" = "country" }', "is no header"),
        ('origins = ["https://shop.example/"]', "is no origin"),
        ('origins = ["*"]', "is no origin"),
        ("rate = 0", "at least 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Any, setting: str, told: str) -> None:
    file = tmp_path / "counterpoint.toml"
    file.write_text(f"[flags]\n{setting}\n")
    with pytest.raises(InputError) as caught:
        load_settings(file, {})
    assert told in caught.value.problems[0].message


def test_a_client_that_asks_too_often_is_told_when_to_come_back(
    make: Callable[..., TestClient], key: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("counterpoint.flags.ofrep.time.monotonic", lambda: clock[0])
    client = make(rate=2)
    mine, other = key("flags:evaluate"), key("flags:evaluate", "read")
    assert [client.post(f"{PATH}/f", headers=mine).status_code for _ in range(3)] == [200, 200, 429]
    refused = client.post(PATH, headers=mine | {"Origin": "https://shop.example"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json().keys() == {"key", "errorCode", "errorDetails"}
    assert refused.headers["access-control-allow-origin"] == "*"
    assert client.post(f"{PATH}/f", headers=other).status_code == 200
    clock[0] += 0.5
    assert [client.post(f"{PATH}/f", headers=mine).status_code for _ in range(2)] == [200, 429]


@given(rate=st.integers(1, 50), steps=st.lists(st.floats(0, 3), min_size=1, max_size=80))
def test_in_any_time_no_more_pass_than_the_rate_and_one_second_more(rate: int, steps: list[float]) -> None:
    limits, now, passed = Rates(rate), 0.0, 0
    for step in steps:
        now += step
        passed += limits.take("a", now) == 0
    assert passed <= rate + math.floor(now * rate) + 1


def test_waiting_as_told_is_enough() -> None:
    limits, now = Rates(3), 0.0
    for _ in range(20):
        wait = limits.take("a", now)
        if wait:
            assert limits.take("a", now + wait) == 0
        now += 0.1


def test_clients_beyond_count_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CLIENTS", 2)
    limits = Rates(1)
    assert [limits.take(client, 0.0) for client in "abca"] == [0, 0, 0, 0]
