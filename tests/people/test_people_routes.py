"""The API of people, through the whole application."""

from datetime import timedelta

import pytest

from counterpoint.people.dates import now
from tests.people.conftest import today


def test_a_membership_is_recorded_read_at_a_date_corrected_and_ended(client):
    answer = client.post(
        "/api/v1/memberships",
        json={"person": "dan", "unit": "playback", "role": "Tech lead", "from": "2026-01-01", "share": 0.5},
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["person"], made["unit"], made["role"]) == (
        "user:default/dan",
        "group:default/playback",
        "tech-lead",
    )
    assert (made["from"], made["to"], made["share"]) == ("2026-01-01", None, 0.5)

    def members(**query: str) -> list[str]:
        found = client.get("/api/v1/memberships", params={"unit": "playback"} | query)
        assert found.status_code == 200, found.text
        return [each["person"] for each in found.json()["items"]]

    assert members() == ["user:default/dan"]
    assert members(at="2025-12-31") == []
    assert members(at="2026-01-01") == ["user:default/dan"]
    known = made["recordedAt"]
    changed = client.patch(f"/api/v1/memberships/{made['id']}", json={"from": "2026-02-01"})
    assert changed.json()["from"] == "2026-02-01"
    assert members(at="2026-01-15") == []
    assert members(at="2026-01-15", known=known) == ["user:default/dan"]
    assert client.patch(f"/api/v1/memberships/{made['id']}", json={"to": "now"}).status_code == 200
    assert members() == []
    everything = client.get("/api/v1/memberships", params={"person": "dan", "all": "true"}).json()
    assert everything["total"] == 1


def test_line_managers_over_http(client):
    assert client.put("/api/v1/people/default/dan/manager", json={"manager": "ana"}).status_code == 200
    refused = client.put("/api/v1/people/default/ana/manager", json={"manager": "dan"})
    assert refused.status_code == 409
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert "circle" in refused.json()["errors"][0]["message"]
    person = client.get("/api/v1/people/default/dan").json()
    assert person["manager"]["manager"] == "user:default/ana"
    assert len(client.get("/api/v1/people/default/dan/managers").json()["items"]) == 1
    before = (today() - timedelta(days=1)).isoformat()
    assert client.get("/api/v1/people/default/dan", params={"at": before}).json()["manager"] is None


def test_units_and_people_over_http(client):
    items = client.get("/api/v1/units").json()["items"]
    assert [(each["title"], each["depth"], each["people"], each["owned"]) for each in items][:3] == [
        ("acme", 0, 2, 3),
        ("listening", 1, 2, 3),
        ("discovery", 2, 2, 2),
    ]
    unit = client.get("/api/v1/units/default/discovery").json()
    assert [each["title"] for each in unit["members"]] == ["ana", "ben"]
    assert "at least 3 are advised" in unit["advice"][0]
    assert client.get("/api/v1/units/default/nothing").status_code == 404
    found = client.get("/api/v1/people", params={"unit": "listening", "limit": 1}).json()
    assert (found["total"], len(found["items"])) == (2, 1)
    after = client.get("/api/v1/people", params={"unit": "listening", "cursor": found["nextCursor"]}).json()
    assert [each["title"] for each in after["items"]] == ["ben"]
    text = client.get("/api/v1/people/export", params={"format": "csv"}).text
    assert text.startswith("person,name,email")
    assert client.get("/api/v1/people/export", params={"format": "xml"}).status_code == 400


def test_ownership_and_retirement_over_http(client):
    found = client.get("/api/v1/ownership", params={"unit": "listening", "nested": "true"}).json()
    assert found["total"] == 3
    url = "/api/v1/units/default/discovery/retire"
    asked = client.post(url, params={"dryRun": "true"}, json={})
    assert [each["to"] for each in asked.json()["things"]] == [None, None]
    refused = client.post(url, json={})
    assert refused.status_code == 409
    assert [each["pointer"] for each in refused.json()["errors"]] == [
        "/homes/component:default~1radio",
        "/homes/component:default~1search",
    ]
    before = now().moment.isoformat()
    done = client.post(url, json={"default": "playback", "homes": {"component:default/radio": "listening"}})
    assert done.json()["done"] is True
    assert client.get("/api/v1/ownership", params={"unit": "playback"}).json()["total"] == 2
    assert client.get("/api/v1/ownership", params={"unit": "discovery", "at": before}).json()["total"] == 2
    spans = client.get("/api/v1/ownership/component/default/radio").json()["items"]
    assert [each["owner"] for each in spans] == ["group:default/discovery", "group:default/listening"]
    assert client.get("/api/v1/ownership/orphans").json()["items"] == []
    handed = client.post(
        "/api/v1/ownership/handover", json={"things": ["component:default/radio"], "owner": "playback"}
    )
    assert handed.json() == {"changed": ["component:default/radio"]}


def test_the_map_over_http(client):
    found = client.get("/api/v1/organisation").json()
    assert [each["title"] for each in found["columns"]] == ["backend"]
    row = next(each for each in found["places"] if each["title"] == "discovery")
    assert (row["people"], row["counts"], row["elsewhere"]) == (2, [1], 1)
    assert client.get("/api/v1/organisation", params={"at": "1999-01-01"}).json()["places"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"person": "dan", "unit": "playback", "from": "soon"}, "/from"),
        ({"person": "nobody", "unit": "playback"}, "/person"),
        ({"person": "dan", "unit": "nowhere"}, "/unit"),
        ({"person": "dan"}, ""),
        ({"person": "dan", "unit": "playback", "share": 3}, ""),
    ],
)
def test_bad_input_is_named_with_its_pointer(client, body, pointer):
    answer = client.post("/api/v1/memberships", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_parents_that_go_round_in_a_circle_are_told_where_they_are_written_and_shown_once(client):
    spec = {"type": "tribe", "parent": "discovery", "children": []}
    document = {"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": {"name": "listening"}}
    stored = client.put("/api/v1/entities/Group/default/listening", json={**document, "spec": spec})
    assert stored.status_code == 200
    (warning,) = stored.json()["warnings"]
    assert warning["pointer"] == "/spec/parent"
    assert "group:default/discovery → group:default/listening" in warning["message"]
    unit = client.get("/api/v1/units/default/discovery").json()
    assert any("round in a circle" in each for each in unit["advice"])
    listed = [each["ref"] for each in client.get("/api/v1/units").json()["items"]]
    assert len(listed) == len(set(listed))
    assert client.get("/units/default/discovery").status_code == 200
    assert client.get("/organisation").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/people?unit=discovry",
        "/api/v1/units/default/discovry",
        "/api/v1/memberships?unit=discovry",
        "/api/v1/ownership?unit=discovry",
        "/api/v1/scorecards/next?owner=discovry",
        "/api/v1/problems?owner=discovry",
    ],
)
def test_a_slip_in_the_name_of_a_unit_does_not_look_like_a_unit_without_anything(client, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert "did you mean group:default/discovery?" in answer.json()["detail"]
