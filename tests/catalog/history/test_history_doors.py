"""The past over HTTP, on pages and on the command line."""

import json
import time
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from counterpoint.catalog.history.shown import Line, rows_of
from counterpoint.cli import run
from counterpoint.graph.comparison import Change, apply, compare
from counterpoint.graph.comparison import Change as Made
from tests.catalog.conftest import CATALOG

WEB = "/api/v1/entities/component/default/web-player"
PAGE = "/catalog/component/default/web-player/diff"
HTML = {"Accept": "text/html"}
assert "web-player" in CATALOG


@pytest.fixture
def changed(client, filled):
    """A component in two versions: the moments of both, and both documents."""
    old = client.get(WEB).json()
    document = old["document"]
    new = document | {
        "metadata": document["metadata"] | {"tags": ["typescript", "wasm"], "description": "One.\nTwo.\n"},
        "spec": document["spec"] | {"lifecycle": "deprecated", "dependsOn": ["component:lyrics"]},
    }
    answer = client.put(WEB, json=new).json()
    return old["updatedAt"], answer["updatedAt"], document, answer["document"]


def test_the_difference_between_two_dates_leads_from_one_document_to_the_other(client, changed):
    first, second, old, new = changed
    found = client.get(f"{WEB}/diff", params={"from": first, "to": second}).json()
    changes = [Made(**{"before": None, "after": None} | each) for each in found["changes"]]
    assert apply(changes, old) == new
    assert found["gained"] == [{"type": "dependsOn", "target": "component:default/lyrics"}]
    assert found["lost"] == [{"type": "dependsOn", "target": "resource:default/missing"}]
    assert (found["before"]["version"], found["after"]["version"]) == (1, 2)
    assert [step["version"] for step in found["steps"]] == [2]


def test_without_dates_it_is_what_the_last_change_changed(client, changed):
    _, second, _, _ = changed
    found = client.get(f"{WEB}/diff").json()
    assert {each["pointer"] for each in found["changes"]} == {
        "/metadata/tags", "/metadata/description", "/spec/lifecycle", "/spec/dependsOn/0",
    }  # fmt: skip
    just_before = (datetime.fromisoformat(second) - timedelta(microseconds=1)).isoformat()
    first = client.get(f"{WEB}/diff", params={"to": just_before}).json()
    assert (first["before"]["version"], first["after"]["version"]) == (None, 1)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{WEB}/diff?from=someday", 400),
        (f"{WEB}/diff?from=2026-05-02&to=2026-05-01", 400),
        ("/api/v1/entities/component/default/none/diff", 404),
        ("/api/v1/entities/component/default/none/relations", 404),
        (f"{WEB}/relations?at=2001-01-01", 404),
        ("/api/v1/facets", 400),
        ("/api/v1/facets?field=colour", 400),
        ("/api/v1/facets?field=kind&at=x", 400),
        ("/api/v1/entities?relation=ownedBy", 400),
        ("/api/v1/entities?relation=ownedBy&target=:", 400),
        (f"{PAGE}?from=someday", 400),
        ("/catalog/component/default/none/diff", 404),
    ],
)
def test_requests_that_mean_nothing_are_told(client, changed, path, status):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_relations_are_those_of_the_date(client, changed):
    first, _, _, _ = changed
    now = client.get(f"{WEB}/relations", params={"type": "dependsOn"}).json()["items"]
    assert [each["target"] for each in now] == ["component:default/lyrics"]
    then = client.get(f"{WEB}/relations", params={"type": "dependsOn", "at": first}).json()["items"]
    assert [each["target"] for each in then] == ["resource:default/missing"]
    assert then[0]["declaredBy"] == ["component:default/web-player"]
    assert then[0]["since"] == first


def test_lists_and_facets_are_those_of_the_date(client, changed):
    first, _, _, _ = changed
    query = {"relation": "dependsOn", "target": "component:default/lyrics"}
    assert client.get("/api/v1/entities", params=query).json()["total"] == 1
    assert client.get("/api/v1/entities", params=query | {"at": first}).json()["total"] == 0
    field = {"field": ["lifecycle", "tag"], "kind": "Component"}
    assert client.get("/api/v1/facets", params=field).json()["facets"] == {
        "lifecycle": [{"value": "deprecated", "count": 2}],
        "tag": [{"value": "typescript", "count": 1}, {"value": "wasm", "count": 1}],
    }
    then = client.get("/api/v1/facets", params=field | {"at": first}).json()["facets"]
    assert {each["value"]: each["count"] for each in then["lifecycle"]} == {"deprecated": 1, "production": 1}


def test_the_page_shows_fields_lists_relations_and_leads_back(client, changed):
    first, second, _, _ = changed
    page = client.get(f"{PAGE}?from={quote(first)}&to={quote(second)}", headers=HTML).text
    assert "From version 1 to version 2" in page
    assert "<ins>wasm</ins>" in page
    assert "spec.lifecycle" in page
    assert "/catalog/component/default/lyrics" in page
    entity = client.get("/catalog/component/default/web-player", headers=HTML).text
    assert f"{PAGE}?to=" in entity
    assert "Nothing changed" in client.get(f"{PAGE}?from={quote(second)}", headers=HTML).text


def test_a_deleted_entity_still_has_its_page(client, changed):
    assert client.delete(WEB).status_code == 204
    page = client.get(PAGE, headers=HTML)
    assert page.status_code == 200
    assert "It did not exist at the end" in page.text


def test_values_are_escaped(client, filled):
    document = client.get(WEB).json()["document"]
    evil = "<script>alert(1)</script>\n<b>"
    client.put(WEB, json=document | {"metadata": document["metadata"] | {"description": evil, "tags": []}})
    assert "<script>alert" not in client.get(PAGE, headers=HTML).text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change("/spec/a~1b/0/x", "changed", 1, True), ("spec.a/b[0].x", "1", "true")),
        (Change("/x", "added", after=None), ("x", None, "null")),
        (Change("/x", "removed", {"a": 1}), ("x", "a: 1\n", None)),
        (Change("/x", "changed", [{"a": 1}], {}), ("x", "- a: 1\n", "{}")),
        (Change("/x", "changed", "", "y"), ("x", "", "y")),
    ],
)
def test_values_are_written_as_people_read_them(change, expected):
    (row,) = rows_of([change])
    assert (row.field, row.before, row.after) == expected


def test_long_texts_are_compared_line_by_line_and_very_long_ones_whole():
    before = "".join(f"line {number}\n" for number in range(50))
    (row,) = rows_of(compare({"x": before}, {"x": before.replace("line 25\n", "line 25b\n")}))
    assert row.lines[0].kind == "gap"
    assert Line("removed", "line 25") in row.lines
    assert Line("added", "line 25b") in row.lines
    assert len(row.lines) == 9
    (row,) = rows_of(compare({"x": "a\n" * 5_000}, {"x": "b\n" * 5_000}))
    assert row.lines == ()


def test_the_command_lists_versions_shows_the_past_and_the_difference(client, changed, filled, capsys):
    first, second, old, _ = changed
    at = ["-w", str(filled.path)]
    assert run([*at, "history", "component:web-player"]) == 0
    assert "   2  " in capsys.readouterr().out
    assert run([*at, "history", "component:web-player", "--at", first]) == 0
    assert "lifecycle: production" in capsys.readouterr().out
    assert run([*at, "--json", "history", "component:web-player", "--at", first]) == 0
    assert json.loads(capsys.readouterr().out)["document"] == old
    assert run([*at, "history", "component:web-player", "--diff", first, second]) == 0
    shown = capsys.readouterr().out
    assert "  + wasm" in shown
    assert "- dependsOn resource:default/missing" in shown
    assert run([*at, "history", "component:none"]) == 1
    assert "There never was" in capsys.readouterr().err
    assert run([*at, "history", "component:web-player", "--at", "2001-01-01"]) == 1
    assert run([*at, "history", "component:web-player", "--at", first, "--diff", first, second]) == 2


def test_the_versions_come_a_page_at_a_time(client, changed):
    first = client.get(f"{WEB}/history", params={"limit": 1}).json()
    assert [each["version"] for each in first["items"]] == [2]
    second = client.get(f"{WEB}/history", params={"limit": 1, "cursor": first["nextCursor"]}).json()
    assert [each["version"] for each in second["items"]] == [1]
    assert second["nextCursor"] is None
    assert client.get(f"{WEB}/history", params={"limit": 0}).status_code == 400
    assert client.get(f"{WEB}/history", params={"cursor": "x"}).status_code == 400


def test_a_page_of_large_versions_holds_fewer_but_always_one(client, changed, monkeypatch):
    monkeypatch.setattr("counterpoint.graph.reader.HISTORY_CHARACTERS", 10)
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{WEB}/history", params={"cursor": cursor} if cursor else {}).json()
        seen.append([each["version"] for each in page["items"]])
        cursor = page["nextCursor"]
    assert seen == [[2], [1]]


def test_the_page_of_an_entity_reads_no_document_of_its_versions(client, changed, monkeypatch):
    def refuse(*_given, **_named):
        raise AssertionError("ten thousand versions of megabytes would be read")

    monkeypatch.setattr("counterpoint.graph.reader.Reader.history", refuse)
    page = client.get("/catalog/component/default/web-player", headers=HTML)
    assert page.status_code == 200
    assert "Version 2" in page.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": [f"x{i}" for i in range(200_000)]}, {"a": [f"y{i}" for i in range(200_001)]}),
        ({f"k{i}": i for i in range(100_000)}, {f"k{i}": -1 - i for i in range(100_000)}),
        ({f"k{i}": "a\nb\n" * 190 for i in range(2_000)}, {f"k{i}": "b\na\nc\n" * 120 for i in range(2_000)}),
        (
            {"a": {"deep": [{"n": i} for i in range(200_000)]}},
            {"a": {"deep": [{"n": i} for i in range(200_001)]}},
        ),
        ({"a": "x" * 5_000_000}, {"a": "y" * 5_000_000}),
    ],
    ids=["a list", "many fields", "many texts", "a deep list", "a long text"],
)
def test_hostile_differences_cost_little_and_are_cut(before, after):
    start = time.process_time()
    rows = rows_of(compare(before, after))
    assert time.process_time() - start < 5
    assert len(rows) <= 500
    assert sum(len(repr(row)) for row in rows) < 50_000_000


def test_very_many_changes_are_cut_and_said_to_be(client, changed, monkeypatch):
    monkeypatch.setattr("counterpoint.catalog.history.shown.ROWS", 1)
    page = client.get(PAGE, headers=HTML).text
    assert "The first 1 of 4 changes" in page
    assert f'href="{WEB}/diff"' in page


def test_the_page_says_kinds_and_relations_in_the_words_of_the_organisation(client, filled):
    ours = {"apiVersion": "counterpoint.dev/v1", "metadata": {"name": "radio"}}
    spec = {"owner": "player", "nouns": {"bet": "wager", "flag": "toggle"}}
    client.put("/api/v1/entities/vocabulary/default/radio", json={**ours, "kind": "Vocabulary", "spec": spec})
    bet = {**ours, "kind": "Bet", "spec": {"owner": "player", "touches": ["web-player"]}}
    assert client.put("/api/v1/entities/bet/default/radio", json=bet).status_code == 201
    page = client.get("/catalog/bet/default/radio/diff", headers=HTML).text
    assert "Wager" in page
    assert ">Bet</a>" not in page, "the descriptor alone says its kind"


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_wrong_date_is_named_by_the_parameter_that_holds_it(client, filled, name):
    answer = client.get(f"{WEB}/diff", params={name: "x"})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "pointer": f"/{name}",
            "message": f"{name} is 'x'; write a date such as 2026-05-03, or a moment such as 2026-05-03T12:00:00Z",
        }
    ]
