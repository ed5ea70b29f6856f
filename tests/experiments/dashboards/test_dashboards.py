import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.errors import NotAllowedError
from counterpoint.experiments.dashboards import store
from counterpoint.experiments.dashboards.form import DashboardForm, PanelRow, changed
from counterpoint.experiments.dashboards.pages import EXAMPLE
from counterpoint.graph.actor import Actor, local_actor
from counterpoint.graph.descriptor import validate
from counterpoint.server.app import create_app
from tests.experiments.conftest import entity
from tests.experiments.metrics.conftest import event, measured, squad

__all__ = ["squad"]

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)
API = "/api/v1/dashboards"
PAGE = "/dashboards/default/d"


def board(*panels: dict[str, Any], name: str = "d", owner: str = "games", **spec: Any) -> dict[str, Any]:
    made = entity("Dashboard", name, {"panels": list(panels), **spec}, title="At a glance")
    made["spec"]["owner"] = owner
    return made


@pytest.fixture
def measured_squad(squad: Workspace) -> Workspace:
    measured(squad, "start", field="ms", unit="ms")
    measured(squad, "opens", aggregation="count")
    countries = ["SE"] * 6 + ["DE"] * 5 + ["IN"] * 2
    squad.journal.append(
        [
            event(day, user, {"ms": 100 + user, "country": each})
            for day in (0, 1)
            for user, each in enumerate(countries)
        ]
    )
    return squad


@pytest.fixture
def client(measured_squad: Workspace) -> Iterator[TestClient]:
    with TestClient(
        create_app(measured_squad, auth=False, loopback=True), base_url="http://127.0.0.1"
    ) as made:
        made.headers["Accept"] = "text/html"
        yield made


def member(name: str, *units: str) -> Actor:
    return Actor(f"user:default/{name}", name, "person", units=frozenset(units))


def test_panels_are_read_side_by_side_and_end_on_the_same_day(measured_squad: Workspace) -> None:
    measured(measured_squad, "late", event="later", aggregation="count")
    measured_squad.journal.append([event(2, user, kind="later") for user in range(5)])
    goal = entity("Goal", "quick", {"metric": "start", "target": 90, "due": "2026-12-31"})
    with measured_squad.graph.write(local_actor()) as writer:
        writer.put(goal)
    document = board(
        {"metric": "start", "goal": "quick", "target": 80}, {"metric": "late", "days": 2}, days=3
    )
    opened = store.write(measured_squad, document, actor=local_actor())
    start, late = store.read_panels(measured_squad, opened, now=NOW)
    assert start.reading is not None
    assert late.reading is not None
    assert [each.period.last for each in (start.reading, late.reading)] == [date(2026, 5, 6)] * 2
    assert [each.period.days for each in (start.reading, late.reading)] == [3, 2]
    assert start.targets == ((80.0, "target"), (90.0, "quick by 2026-12-31"))


def test_a_panel_without_its_metric_says_so_and_keeps_the_others(measured_squad: Workspace) -> None:
    opened = store.write(measured_squad, board({"metric": "gone"}, {"metric": "opens"}), actor=local_actor())
    gone, opens = store.read_panels(measured_squad, opened, now=NOW)
    assert "metric:default/gone is not in the graph" in gone.problem
    assert opens.reading is not None
    assert opens.reading.whole.value == 26


def test_whoever_belongs_to_the_unit_makes_its_dashboards_and_nobody_else(measured_squad: Workspace) -> None:
    ours, theirs = member("ana", "group:default/games"), member("bo", "group:default/others")
    with pytest.raises(NotAllowedError, match="bo is no member"):
        store.write(measured_squad, board(), actor=theirs, new=True)
    store.write(measured_squad, board(), actor=ours, new=True)
    with pytest.raises(NotAllowedError):
        store.write(measured_squad, board({"metric": "start"}), actor=theirs)
    with pytest.raises(NotAllowedError):
        store.delete(measured_squad, "d", actor=theirs)
    assert store.units_for(measured_squad, ours) == ("games",)
    store.delete(measured_squad, "d", actor=ours)
    assert store.all_dashboards(measured_squad) == []


def test_the_page_shows_each_figure_with_its_definition_and_its_events(
    client: TestClient, measured_squad: Workspace
) -> None:
    panels = ({"metric": "start", "split": "country", "target": 90}, {"metric": "opens", "chart": "figure"})
    store.write(measured_squad, board(*panels), actor=local_actor())
    shown = client.get(PAGE).text
    for words in (
        "At a glance",
        "/dashboards/metrics/default/start",
        "/events?type=e",
        "Split by",
        "target",
        "(other)",
    ):
        assert words in shown
    assert ">IN<" not in shown  # two people only: they are among the others, with the next smallest
    assert f'data-live="{PAGE}/panels"' in shown
    part = client.get(f"{PAGE}/panels")
    assert part.text.strip() in shown
    assert "<main" not in part.text


def test_the_list_is_by_unit_and_an_empty_one_says_what_fills_it(
    client: TestClient, measured_squad: Workspace
) -> None:
    assert "counterpoint import catalog dashboard.yaml" in client.get("/dashboards").text
    assert validate(yaml.safe_load(EXAMPLE)) == []
    store.write(measured_squad, board({"metric": "start"}), actor=local_actor())
    assert "At a glance" in client.get("/dashboards").text
    assert "At a glance" in client.get("/dashboards?owner=group:default/games").text
    assert "No dashboards of this unit yet" in client.get("/dashboards?owner=group:default/x").text
    assert "At a glance" in client.get("/units/default/games").text


def test_the_form_makes_moves_and_removes_without_a_script(
    client: TestClient, measured_squad: Workspace
) -> None:
    def post(path: str, **fields: Any) -> Any:
        token = re.search(r'name="_csrf_token" value="([^"]*)"', client.get(path).text)
        assert token
        return client.post(path, data={"_csrf_token": token[1], **fields}, follow_redirects=False)

    typed = {
        "title": "Our day",
        "owner": "games",
        "panel_metric": ["start", "opens"],
        "panel_split": ["", "country"],
    }
    moved = post("/dashboards/new", **typed, do="down-0")
    assert moved.status_code == 200
    assert re.findall(r'name="panel_metric" value="([^"]*)"', moved.text) == ["opens", "start"]
    assert re.search(r'id="panel-1-up"[^>]*autofocus', moved.text)  # "down" is of no use on the last line
    saved = post("/dashboards/new", **typed)
    assert (saved.status_code, saved.headers["location"]) == (
        303,
        "/dashboards/default/our-day?told=dashboard-saved",
    )
    spec = store.open_dashboard(measured_squad, "our-day").entity.spec
    assert spec == {
        "owner": "games",
        "panels": [{"metric": "start"}, {"metric": "opens", "split": "country"}],
    }
    wrong = post("/dashboards/default/our-day/edit", **typed | {"panel_split": ["", "subject"], "days": "x"})
    assert wrong.status_code == 400
    assert "is no number" in wrong.text
    refused = post("/dashboards/default/our-day/edit", **typed | {"panel_split": ["", "subject"]})
    assert "its parts would be single people" in refused.text
    answer = post("/dashboards/default/our-day/edit", do="remove-0", **typed)
    assert re.findall(r'name="panel_metric" value="([^"]*)"', answer.text) == ["opens"]


@pytest.mark.parametrize(
    ("action", "metrics", "focus"),
    [
        ("up-1", "bac", "panel-0-down"),
        ("up-2", "acb", "panel-1-up"),
        ("down-0", "bac", "panel-1-down"),
        ("remove-1", "ac", "panel-1-metric"),
        ("remove-9", "abc", ""),
        ("up-0", "abc", ""),
        ("sideways-1", "abc", ""),
        ("up-²", "abc", ""),
    ],
)
def test_a_line_moves_and_the_keyboard_goes_on_where_it_is(action: str, metrics: str, focus: str) -> None:
    form = changed(DashboardForm(panels=tuple(PanelRow(metric=name) for name in "abc")), action)
    assert ("".join(row.metric for row in form.panels), form.focus) == (metrics, focus)


def test_the_api_makes_reads_changes_and_deletes(client: TestClient) -> None:
    client.headers["Accept"] = "application/json"
    made = client.post(API, json=board({"metric": "opens"}))
    assert (made.status_code, made.headers["location"]) == (201, f"{API}/default/d")
    found = client.get(f"{API}/default/d", params={"days": 7})
    assert found.json()["panels"][0]["reading"]["whole"]["value"] == 26
    assert client.get(API).json()["items"][0]["title"] == "At a glance"
    assert client.put(f"{API}/default/d", json=board(), headers={"If-Match": '"0"'}).status_code == 412
    changed_ = client.put(f"{API}/default/d", json=board(), headers={"If-Match": found.headers["etag"]})
    assert changed_.json()["panels"] == []
    assert client.get(f"{API}/default/d", params={"days": 4000}).json()["errors"][0]["pointer"] == "/days"
    assert client.delete(f"{API}/default/d").status_code == 204
    assert client.get(f"{API}/default/d").status_code == 404


def test_dashboards_are_listed_and_shown_in_a_terminal(
    measured_squad: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write(measured_squad, board({"metric": "opens"}, {"metric": "gone"}), actor=local_actor())
    path = str(measured_squad.path)
    assert run(["-w", path, "dashboards", "list"]) == 0
    assert "At a glance" in capsys.readouterr().out
    assert run(["-w", path, "dashboards", "show", "d"]) == 0
    shown = capsys.readouterr().out
    assert "13" in shown
    assert "is not in the graph" in shown
    assert run(["-w", path, "--json", "dashboards", "show", "d"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["panels"][0]["reading"]["whole"]["value"] == 26
