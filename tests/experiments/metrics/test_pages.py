import re
from collections.abc import Iterator

import pytest
import yaml
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.experiments.metrics.form import descriptor, form_of
from counterpoint.experiments.metrics.pages import EXAMPLE
from counterpoint.graph.descriptor import validate
from counterpoint.server.app import create_app
from tests.experiments.conftest import entity
from tests.experiments.metrics.conftest import event, measured

LIST = "/dashboards/metrics"
PAGE = f"{LIST}/default/start"
API = "/api/v1/metrics"


@pytest.fixture
def client(squad: Workspace) -> Iterator[TestClient]:
    measured(squad, "start", field="ms", unit="ms", cap=150, decisions=[{"decision": "Whether it ships"}])
    squad.journal.append([event(day, user, {"ms": 100 + 10 * user}) for day in (0, 1) for user in range(10)])
    with TestClient(create_app(squad, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        made.headers["Accept"] = "text/html"
        yield made


def posted(client: TestClient, path: str, **fields: object) -> object:
    token = re.search(r'name="_csrf_token" value="([^"]*)"', client.get(path).text)
    assert token
    return client.post(path, data={"_csrf_token": token[1], **fields}, follow_redirects=False)


def test_the_page_explains_its_figure_down_to_the_events(client: TestClient) -> None:
    shown = client.get(PAGE).text
    for words in (
        "135.0\u202fms",  # of 100, 110, ... 190, of which those above 150 count as 150
        "Computed from 20 events of type <code>e</code> of 10 users",
        'href="/events?type=e"',
        "counts as the cap: 8 of 20 events",
        "150.0 ms",
        "Whether it ships",
        "No event has come since 5 May 2026",
    ):
        assert words.replace("\u202f", " ") in shown.replace("\u202f", " ")


def test_what_uses_it_is_named(client: TestClient, squad: Workspace) -> None:
    assert "No goal, bet, experiment or dashboard names it yet." in client.get(PAGE).text
    goal = entity("Goal", "quick", {"metric": "start", "target": 90})
    board = entity("Dashboard", "d", {"panels": [{"metric": "start"}]}, title="At a glance")
    for document in (goal, board):
        answer = client.put(
            f"/api/v1/entities/{document['kind'].lower()}/default/{document['metadata']['name']}",
            json=document,
        )
        assert answer.status_code in (200, 201)
    shown = client.get(PAGE).text
    assert "target 90" in shown
    assert "At a glance" in shown
    found = client.get(f"{API}/default/start").json()["uses"]
    assert [(use["kind"], use["how"]) for use in found] == [("Goal", "target 90"), ("Dashboard", "")]


def test_the_list_tells_roles_owners_and_events_that_never_came(client: TestClient, squad: Workspace) -> None:
    measured(squad, "gone", event="never", role="northStar")
    shown = client.get(LIST).text
    assert shown.index("gone") < shown.index("start")  # north stars first
    assert "never seen" in shown
    assert (
        "start" not in client.get(f"{LIST}?role=northStar").text.partition("<main")[2].partition("<tbody>")[2]
    )


def test_an_empty_catalogue_says_what_fills_it(squad: Workspace) -> None:
    with TestClient(create_app(squad, auth=False, loopback=True), base_url="http://127.0.0.1") as client:
        assert (
            "counterpoint import catalog metric.yaml"
            in client.get(LIST, headers={"Accept": "text/html"}).text
        )
    assert validate(yaml.safe_load(EXAMPLE)) == []


def test_a_form_that_is_filled_in_makes_a_metric(client: TestClient, squad: Workspace) -> None:
    answer = posted(
        client, f"{LIST}/new", title="Slow starts", owner="games", event="e", aggregation="quantile",
        quantile="0,95", field="ms", direction="decrease", role="guardrail", calendar="week",
        decision=["Who gets it", ""], decision_for=["metric:start", ""],
    )  # fmt: skip
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"{LIST}/default/slow-starts?told=metric-saved",
    )
    with squad.graph.read() as reader:
        spec = reader.require("metric:default/slow-starts").spec
    assert spec == {
        "owner": "games", "direction": "decrease", "aggregation": "quantile", "event": "e", "field": "ms",
        "quantile": 0.95, "window": {"calendar": "week"}, "role": "guardrail",
        "decisions": [{"decision": "Who gets it", "for": ["metric:start"]}],
    }  # fmt: skip


def test_a_form_with_errors_keeps_what_was_typed_and_says_where(client: TestClient) -> None:
    answer = posted(client, f"{LIST}/new", title="X", owner="nobody", event="e", cap="much")
    assert answer.status_code == 400
    assert "&#39;much&#39; is no number." in answer.text
    answer = posted(client, f"{LIST}/new", title="X", owner="nobody", event="e")
    assert "There is no group called nobody" in answer.text
    assert 'value="nobody"' in answer.text


def test_changing_a_metric_keeps_what_the_form_does_not_show(client: TestClient, squad: Workspace) -> None:
    document = entity(
        "Metric", "start", {"event": "e", "aggregation": "mean", "direction": "increase", "note": "ours"},
        labels={"a": "b"},
    )  # fmt: skip
    answer = client.put(f"{API}/default/start", json=document, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    etag = re.search(r'name="etag" value="([^"]*)"', client.get(f"{PAGE}/edit").text)
    assert etag
    fields = {"owner": "games", "event": "e", "aggregation": "count", "direction": "none"}
    assert posted(client, f"{PAGE}/edit", etag=etag[1], title="Start", **fields).status_code == 303
    with squad.graph.read() as reader:
        found = reader.require("metric:default/start")
    assert (found.spec["note"], found.metadata["labels"], found.spec["aggregation"]) == (
        "ours",
        {"a": "b"},
        "count",
    )
    again = posted(client, f"{PAGE}/edit", etag=etag[1], title="Start", **fields)
    assert again.status_code == 412
    assert "Somebody has changed this metric" in again.text


def test_a_metric_is_previewed_before_it_is_saved(client: TestClient, squad: Workspace) -> None:
    fields = {"event": "e", "aggregation": "sum", "field": "ms", "unit": "ms", "direction": "increase"}
    shown = posted(client, f"{LIST}/new", look="yes", **fields)
    assert shown.status_code == 200
    assert "1,450" in shown.text
    token = re.search(r'name="_csrf_token" value="([^"]*)"', shown.text)
    assert token
    part = client.post(f"{LIST}/preview", data={"_csrf_token": token[1], **fields, "event": "ee"})
    assert "No event of type <code>ee</code> has been seen" in part.text
    assert "<main" not in part.text
    unready = client.post(f"{LIST}/preview", data={"_csrf_token": token[1], "aggregation": "ratio"})
    assert "A ratio is of two metrics; name its numerator." in unready.text
    with squad.graph.read() as reader:
        assert [each.name for each in reader.find(kind="Metric").items] == ["start"]


def test_the_api_previews_reads_and_guards(client: TestClient) -> None:
    client.headers["Accept"] = "application/json"
    document = entity("Metric", "n", {"event": "e", "aggregation": "count", "direction": "increase"})
    seen = client.post(f"{API}/preview", json=document, params={"days": 7}).json()
    assert seen["reading"]["whole"]["value"] == 20
    assert client.get(f"{API}/default/n").status_code == 404
    made = client.post(API, json=document)
    assert (made.status_code, made.json()["metric"]["aggregation"]) == (201, "count")
    assert client.post(API, json=document).json()["errors"][0]["pointer"] == "/metadata/name"
    found = client.get(f"{API}/default/n/reading", params={"days": 2})
    assert [point["value"] for point in found.json()["points"]] == [10, 10]
    assert (
        client.get(f"{API}/default/n/reading", params={"days": 0}).json()["errors"][0]["pointer"] == "/days"
    )
    stale = client.put(f"{API}/default/n", json=document, headers={"If-Match": '"0"'})
    assert stale.status_code == 412


def test_the_api_never_tells_a_number_of_one_person(client: TestClient) -> None:
    client.headers["Accept"] = "application/json"
    told = client.get(f"{API}/default/start/reading", params={"split": "ms"}).json()
    # Every value of `ms` is of one user: all of them are one part.
    assert [part["part"] for part in told["parts"]] == ["(other)"]
    assert "low" not in told["whole"]


def test_what_is_saved_unchanged_keeps_every_digit() -> None:
    spec = {"event": "e", "aggregation": "sum", "direction": "increase", "cap": 123456.78}
    document = entity("Metric", "m", spec)
    changed, errors = descriptor(form_of(document), document)
    assert not errors
    assert changed == document
