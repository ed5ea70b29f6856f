import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.experiments import store
from counterpoint.experiments.overview import state_of
from counterpoint.experiments.shown import EXAMPLE
from counterpoint.graph.actor import local_actor
from counterpoint.graph.descriptor import validate
from counterpoint.server.app import create_app

from .conftest import entity, happened

PAGE = "/experiments/default/gate"


@pytest.fixture
def client(games: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(games, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        made.headers["Accept"] = "text/html"
        yield made


@pytest.fixture
def busy(games: Workspace, client: TestClient) -> TestClient:
    games.journal.append(happened())
    return client


def token_of(shown: str) -> str:
    """The token that a form of the page must send."""
    found = re.search(r'name="_csrf_token" value="([^"]*)"', shown)
    assert found
    return found[1]


def test_the_list_shows_every_experiment_and_its_newest_verdict(busy: TestClient) -> None:
    assert "Not read yet" in busy.get("/experiments").text
    assert busy.post("/api/v1/experiments/default/gate/readings").status_code == 201
    shown = busy.get("/experiments").text
    assert "Gate at level 40" in shown
    assert "Ship gate_40" in shown


def test_the_page_shows_the_verdict_before_the_metrics_with_plot_and_table(busy: TestClient) -> None:
    shown = busy.get(PAGE).text
    assert (
        shown.index("Ship gate_40")
        < shown.index("<svg", shown.index("Ship gate_40"))
        < shown.index("+40.00\u202fpp")
    )
    for words in ("+200\u202f%", "within margin", "as planned", "/events?type=retained", "per_user"):
        assert words in shown


def test_reading_now_records_and_returns_to_the_page(busy: TestClient, games: Workspace) -> None:
    answer = busy.post(PAGE, data={"_csrf_token": token_of(busy.get(PAGE).text)}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?told=read")
    with games.graph.read() as reader:
        assert len(reader.activity(action="experiment.read")) == 1
    assert "Last recorded" in busy.get(PAGE).text


def test_an_invalid_experiment_withholds_its_figures_until_somebody_acknowledges_that(
    client: TestClient, games: Workspace
) -> None:
    lost = {f"u{user}" for user in range(1, 400, 4)}  # half of the treatment
    games.journal.append([event for event in happened(400) if event["subject"] not in lost])
    shown = client.get(PAGE).text
    assert "The experiment is invalid" in shown
    assert "mismatch" in shown
    assert 'id="metric-retained"' not in shown
    assert "retained is better" not in shown
    answer = client.post(
        f"{PAGE}/acknowledgement",
        data={"_csrf_token": token_of(shown), "reason": "to find the cause"},
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?told=acknowledged")
    shown = client.get(PAGE).text
    assert 'id="metric-retained"' in shown
    assert "they are no evidence" in shown
    with games.graph.read() as reader:
        (entry,) = reader.activity(action="experiment.acknowledged")
    assert entry.reason == "to find the cause"


def test_the_decision_stands_as_a_tree_with_the_condition_that_decides(busy: TestClient) -> None:
    shown = busy.get(PAGE).text
    tree = shown[shown.index('id="decision-1"') : shown.index('id="metrics"')]
    assert tree.index("All of these") < tree.index("retained is not significantly worse")
    assert "Rounds played loses less than" in tree
    (decides,) = re.findall(r'<div class="is-deciding">(.*?)</div>', tree, re.S)
    assert "retained is better" in decides


def test_each_level_says_where_it_came_from(busy: TestClient) -> None:
    shown = busy.get(PAGE).text
    levels = shown[shown.index('id="levels"') :]
    assert "α 0.05, not divided" in levels
    assert "α₋ 0.05 over 3 tests of harm and quality" in levels


def test_before_its_end_the_page_and_the_command_show_no_effect(
    busy: TestClient, games: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = store.load(games, "gate").entity.spec
    with games.graph.write(local_actor()) as writer:
        writer.put(entity("Experiment", "gate", {**spec, "end": "2099-01-01"}))
    shown = busy.get(PAGE).text
    assert "Keep running until 1 Jan 2099" in shown
    assert "withheld" in shown
    assert run(["-w", str(games.path), "experiments", "analyze", "gate", "--no-record"]) == 0
    printed = capsys.readouterr().out
    assert "not read yet" in printed
    for text in (shown, printed):
        assert "60.00" not in text
        assert "+40.00" not in text


def test_the_size_is_answered_with_its_curve(busy: TestClient) -> None:
    found = busy.get("/api/v1/experiments/default/gate/sizing?usersPerDay=50").json()
    rounds = found["metrics"][1]
    assert (rounds["name"], rounds["test"], found["perDay"]) == ("rounds", "non-inferiority", 50)
    totals = [point["total"] for point in rounds["curve"]]
    assert totals == sorted(totals, reverse=True)
    assert busy.get("/api/v1/experiments/default/gate/sizing?usersPerDay=0").status_code == 400


def test_without_exposures_the_page_says_what_would_fill_it(client: TestClient) -> None:
    shown = client.get(PAGE).text
    assert "No exposures yet" in shown
    assert "counterpoint import events" in shown


def test_without_experiments_the_list_shows_how_one_is_written(workspace: Workspace) -> None:
    with TestClient(create_app(workspace, auth=False, loopback=True), base_url="http://127.0.0.1") as client:
        shown = client.get("/experiments").text
    assert "No experiments yet" in shown
    assert "kind: Experiment" in shown


def test_the_api_lists_and_answers_results(busy: TestClient) -> None:
    listed = busy.get("/api/v1/experiments").json()
    assert [item["ref"] for item in listed["items"]] == ["experiment:default/gate"]
    result = busy.get("/api/v1/experiments/default/gate/result").json()
    assert result["verdict"]["state"] == "ship"
    assert result["levels"] == pytest.approx(
        {
            "success": 0.05,
            "guardrail": 0.05,
            "deterioration": 0.05 / 3,
            "sampleRatio": 0.001,
            "quality": 0.05 / 3,
        }
    )


def test_an_unknown_experiment_is_a_problem_document(client: TestClient) -> None:
    answer = client.get("/api/v1/experiments/default/gates/result")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "did you mean gate?" in answer.json()["detail"]


def test_the_interval_plot_and_the_example_survive_their_readers(
    client: TestClient, games: Workspace
) -> None:

    assert [validate(document) for document in yaml.safe_load_all(EXAMPLE)] == [[], []]


def test_a_recorded_reading_stays_as_it_was_read_while_events_go_on(
    busy: TestClient, games: Workspace
) -> None:
    seq = busy.post("/api/v1/experiments/default/gate/readings").json()["activity"]
    happy = busy.get(PAGE).text
    kept = happy[happy.index(f'id="reading-{seq}"') :]
    assert "Ship gate_40" in kept
    assert f'href="#reading-{seq}"' in happy
    assert "variant=gate_40" in happy


def test_the_list_is_grouped_by_what_is_to_be_done_and_filtered_by_owner_and_state(
    busy: TestClient, games: Workspace
) -> None:
    busy.post("/api/v1/experiments/default/gate/readings")
    shown = busy.get("/experiments").text
    assert "To decide" in shown
    assert 'value="group:default/games"' in shown
    assert "Gate at level 40" in busy.get("/experiments?owner=group:default/games&state=to decide").text
    assert "None like this" in busy.get("/experiments?state=running").text
    with games.graph.write(local_actor()) as writer:
        writer.record("experiment.decided", "experiment:default/gate", after={"choice": "ship"})
    assert "Gate at level 40" in busy.get("/experiments?state=ended").text


DAY = datetime(2026, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "planned"),
        ({"start": DAY + timedelta(days=1), "users": 5}, "planned"),
        ({"users": 5}, "running"),
        ({"verdict": "keep running"}, "running"),
        ({"users": 5, "end": DAY}, "to decide"),
        ({"verdict": "invalid"}, "to decide"),
        ({"verdict": "ship", "end": DAY + timedelta(days=9)}, "to decide"),
        ({"verdict": "ship", "decided": True}, "ended"),
    ],
)
def test_the_state_in_the_list_follows_from_dates_verdict_and_decision(
    facts: dict[str, Any], state: str
) -> None:
    known: dict[str, Any] = {"start": None, "end": None, "verdict": None, "users": None, "decided": False}
    assert state_of(now=DAY, **(known | facts)) == state


def test_the_page_leads_to_the_decision_record_that_the_api_writes(busy: TestClient) -> None:
    found = re.search(r'href="(/api/v1/[^"]*record[^"]*)"', busy.get(PAGE).text)
    assert found
    record = busy.get(found[1])
    assert record.status_code == 200
    assert record.text.startswith("# Decision record: Gate at level 40")


def test_a_page_without_a_stopping_plan_offers_a_look_that_is_kept_and_opens_nothing(
    busy: TestClient, games: Workspace
) -> None:
    spec = store.load(games, "gate").entity.spec
    with games.graph.write(local_actor()) as writer:
        writer.put(entity("Experiment", "gate", {name: spec[name] for name in spec if name != "end"}))
    shown = busy.get(PAGE).text
    assert "The plan does not say when it is read" in shown
    assert "+40.00" not in shown
    data = {"_csrf_token": token_of(shown), "reason": "a fault was reported"}
    answer = busy.post(f"{PAGE}/explorations", data=data, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{PAGE}?told=explored#reading-")
    shown = busy.get(PAGE).text
    readings = shown.index('id="readings"')
    assert "+40.00" in shown[readings:]
    assert "no evidence" in shown[readings:]
    assert "+40.00" not in shown[:readings]
    assert "It was explored without a stopping plan" in shown
