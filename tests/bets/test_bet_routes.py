"""The API of bets, through the whole application."""

from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace

Client = TestClient[Any]
BET = {
    "apiVersion": "counterpoint.dev/v1",
    "kind": "Bet",
    "metadata": {"name": "weekly", "title": "Weekly"},
    "spec": {"owner": "discovery", "hypothesis": "We believe it will."},
}
PATH = "/api/v1/bets/default/weekly"


def with_spec(**spec: Any) -> dict[str, Any]:
    return BET | {"spec": spec}


def test_a_bet_is_stored_and_read_with_its_version(client: Client, org: Workspace) -> None:
    created = client.post("/api/v1/bets", json=BET)
    assert created.status_code == 201
    assert created.headers["location"] == PATH
    read = client.get(PATH)
    assert read.status_code == 200
    assert read.headers["etag"] == f'"{read.json()["bet"]["etag"]}"' == created.headers["etag"]
    assert read.json()["bet"]["stage"] == "think"
    assert read.json()["owner"] == {
        "ref": "group:default/discovery",
        "title": "Discovery",
        "text": "",
        "exists": True,
    }
    assert "No success metric" in {item["missing"] for item in read.json()["advice"]}


def test_the_list_pages_by_cursor(client: Client, org: Workspace) -> None:
    for name in ("b", "a", "c"):
        client.post("/api/v1/bets", json=BET | {"metadata": {"name": name}})
    first = client.get("/api/v1/bets?limit=2").json()
    assert ([item["bet"]["name"] for item in first["items"]], first["total"]) == (["a", "b"], 3)
    rest = client.get("/api/v1/bets", params={"limit": 2, "cursor": first["nextCursor"]}).json()
    assert ([item["bet"]["name"] for item in rest["items"]], rest["nextCursor"]) == (["c"], None)


def test_a_change_needs_the_version_that_was_read(client: Client, org: Workspace) -> None:
    etag = client.post("/api/v1/bets", json=BET).headers["etag"]
    changed = client.put(PATH, json=with_spec(owner="discovery", kill="Now."), headers={"If-Match": etag})
    assert changed.status_code == 200
    stale = client.put(PATH, json=BET, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert stale.headers["content-type"].startswith("application/problem+json")
    assert client.get(PATH).json()["bet"]["kill"] == "Now."


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (with_spec(), "/spec/owner"),
        (with_spec(owner="nobody"), "/spec/owner"),
        (with_spec(owner="discovery", stage="someday"), "/spec/stage"),
        (BET | {"kind": "Component"}, "/kind"),
        ({}, "/kind"),
        (BET | {"metadata": {"name": "not a name"}}, "/metadata/name"),
    ],
)
def test_bad_input_is_a_problem_with_its_place(
    client: Client, org: Workspace, document: dict[str, Any], pointer: str
) -> None:
    answer = client.post("/api/v1/bets", json=document)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert client.get("/api/v1/bets").json()["total"] == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=9999", "limit=x", "cursor=nonsense"])
def test_a_bad_query_is_a_problem(client: Client, query: str) -> None:
    answer = client.get(f"/api/v1/bets?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_document_must_be_the_bet_that_the_address_names(client: Client, org: Workspace) -> None:
    answer = client.put("/api/v1/bets/default/another", json=BET)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/metadata/name")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/decisions"])
def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no bet default/weekly.")


def test_decisions_are_recorded_and_listed(client: Client, org: Workspace) -> None:
    client.post("/api/v1/bets", json=BET)
    made = client.post(f"{PATH}/decisions", json={"choice": "advance", "reason": "They want it."})
    assert made.status_code == 201
    assert (made.json()["stageBefore"], made.json()["stageAfter"], made.json()["override"]) == (
        "think",
        "build",
        False,
    )
    client.post(f"{PATH}/decisions", json={"choice": "pivot", "to": "think"})
    listed = client.get(f"{PATH}/decisions").json()["items"]
    assert [item["choice"] for item in listed] == ["pivot", "advance"]
    assert listed[1] == made.json()


def test_a_decision_may_name_the_newest_one_that_was_seen(client: Client, org: Workspace) -> None:
    client.post("/api/v1/bets", json=BET)
    first = client.post(f"{PATH}/decisions", json={"choice": "advance", "seen": ""})
    late = client.post(f"{PATH}/decisions", json={"choice": "advance", "seen": ""})
    assert (first.status_code, late.status_code) == (201, 409)
    assert "since you looked" in late.json()["detail"]
    after = client.post(f"{PATH}/decisions", json={"choice": "persevere", "seen": first.json()["id"]})
    assert (after.status_code, after.json()["stageBefore"]) == (201, "build")


def test_an_override_without_a_reason_is_asked_for_one(client: Client, org: Workspace) -> None:
    client.post("/api/v1/bets", json=BET)
    asked = client.post(f"{PATH}/decisions", json={"choice": "ship"})
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (400, "/reason")
    given = client.post(f"{PATH}/decisions", json={"choice": "ship", "reason": "We know it from the pilot."})
    assert (given.status_code, given.json()["override"]) == (201, True)


@pytest.mark.parametrize(
    "body",
    [
        {"choice": "celebrate"},
        {},
        {"choice": "kill", "why": "typo"},
        {"choice": "pivot", "to": "tweak"},
        {"choice": "pivot", "to": "moon"},
    ],
)
def test_what_is_no_decision_is_a_problem(client: Client, org: Workspace, body: dict[str, Any]) -> None:
    client.post("/api/v1/bets", json=BET)
    answer = client.post(f"{PATH}/decisions", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert client.get(f"{PATH}/decisions").json()["items"] == []
