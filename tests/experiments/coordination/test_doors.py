"""The calendar through its doors: page, API, command; and the warnings on an experiment."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.experiments.coordination.store import calendar_of, collisions_with
from counterpoint.graph.actor import local_actor
from counterpoint.server.app import create_app
from tests.experiments.conftest import entity

NOW = datetime.now(UTC)


def days(number: int) -> str:
    return (NOW + timedelta(days=number)).strftime("%Y-%m-%d")


def experiment(name: str, flag: str, start: int, end: int, **spec: Any) -> dict[str, Any]:
    return entity(
        "Experiment",
        name,
        {"flag": flag, "flagSet": "home", "control": "off", "treatments": ["on"], "success": [{"metric": "retained"}],
         "start": days(start), "end": days(end), **spec},
        title=name.title(),
    )  # fmt: skip


HOME = entity(
    "FlagSet",
    "home",
    {
        "definition": {
            "metadata": {"component": "home-service"},
            "flags": {
                key: {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
                for key in ("covers", "shelf", "greeting")
            },
        },
        "composition": {
            "layers": {"first-screen": {"salt": "x"}},
            "flags": {
                "covers": {"default": "off", "treatments": {"on": 1}, "layer": {"name": "first-screen", "from": 0, "to": 50}},
                "shelf": {"default": "off", "treatments": {"on": 1}, "layer": {"name": "first-screen", "from": 50, "to": 100}},
            },
        },
    },
)  # fmt: skip


@pytest.fixture
def busy(games: Workspace) -> Workspace:
    """Three experiments on the component of one flag set; two of them in ranges of one layer."""
    with games.graph.write(local_actor()) as writer:
        writer.put(HOME)
        for document in (
            experiment("covers", "covers", -20, 10),
            experiment("shelf", "shelf", -10, 20),
            experiment("greeting", "greeting", -5, 5),
            experiment("search", "greeting", 30, 40, surface="search"),
        ):
            writer.put(document)
    return games


@pytest.fixture
def client(busy: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(busy, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        yield made


def test_experiments_of_one_layer_do_not_meet_and_others_on_the_component_do(busy: Workspace) -> None:
    found = calendar_of(busy, NOW)
    assert list(found.surfaces) == ["home-service", "search", ""]
    pairs = {(each.one.rpartition("/")[2], each.other.rpartition("/")[2]) for each in found.collisions}
    assert pairs == {("covers", "greeting"), ("greeting", "shelf")}
    assert {each.shared for each in found.collisions} == {("component home-service",)}
    assert len(collisions_with(busy, "experiment:default/greeting", NOW)) == 2
    assert not collisions_with(busy, "experiment:default/search", NOW)


def test_the_page_draws_the_timeline_with_links_and_says_who_meets(client: TestClient) -> None:
    shown = client.get("/experiments/calendar", headers={"Accept": "text/html"}).text
    for words in (
        "home-service",
        "running",
        "planned",
        "/experiments/default/covers",
        "may have the same users",
        "ranges of one layer",
    ):
        assert words in shown
    assert 'href="/experiments/calendar"' in client.get("/experiments", headers={"Accept": "text/html"}).text


def test_an_experiments_own_page_warns(client: TestClient) -> None:
    shown = client.get("/experiments/default/greeting", headers={"Accept": "text/html"}).text
    assert "“Covers” and “Greeting” may have the same users" in shown


def test_an_empty_calendar_says_what_would_fill_it(workspace: Workspace) -> None:
    with TestClient(create_app(workspace, auth=False, loopback=True), base_url="http://127.0.0.1") as client:
        shown = client.get("/experiments/calendar", headers={"Accept": "text/html"}).text
    assert "counterpoint import catalog experiment.yaml" in shown


def test_the_command_and_the_api_say_the_same(
    busy: Workspace, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(busy.path), "--json", "experiments", "calendar"]) == 0
    told = json.loads(capsys.readouterr().out)
    answered = client.get("/api/v1/experiments/calendar").json()
    assert (told["surfaces"], told["collisions"]) == (answered["surfaces"], answered["collisions"])
    assert run(["-w", str(busy.path), "experiments", "calendar"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 pairs may change each other's result" in shown


def test_reading_an_experiment_notes_what_it_meets(
    busy: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(busy.path), "experiments", "analyze", "greeting", "--no-record"]) == 0
    assert "note: “Greeting” and “Shelf” may have the same users" in capsys.readouterr().err
