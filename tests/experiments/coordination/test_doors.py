"""The calendar through its doors: page, API, command; and the warnings on an experiment."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
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


def test_writing_an_experiment_warns_of_those_that_it_meets(busy: Workspace, tmp_path: Path) -> None:
    new = experiment("shelves", "shelf", -1, 9)
    with TestClient(create_app(busy, auth=False), base_url="http://counterpoint.localhost") as client:
        answer = client.put("/api/v1/entities/experiment/default/shelves", json=new).json()
    assert any("may have the same users" in each["message"] for each in answer["warnings"])
    assert any("ranges of one layer" in each["message"] for each in answer["warnings"])


@pytest.mark.parametrize("dry", [True, False])
def test_an_import_warns_of_experiments_that_meet_once(
    busy: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], dry: bool
) -> None:
    pair = [experiment("first", "shelf", -1, 9), experiment("second", "shelf", -1, 9)]
    old = experiment("past", "shelf", -90, -80)
    file = tmp_path / "e.yaml"
    file.write_text("---\n".join(map(yaml.safe_dump, [*pair, old])))
    capsys.readouterr()
    command = [
        "--json",
        "-w",
        str(busy.path),
        "import",
        "catalog",
        str(file),
        *(["--dry-run"] if dry else []),
    ]
    assert run(command) == 0  # a warning and no error: to meet is no fault
    found = [each for each in json.loads(capsys.readouterr().out)["problems"] if each["code"] == "collision"]
    told = [
        each["message"] for each in found if "“First”" in each["message"] and "“Second”" in each["message"]
    ]
    assert len(told) == 1
    assert "read the same exposures of the flag shelf" in told[0]
    assert not any("Past" in each["message"] for each in found)
    assert {each["level"] for each in found} == {"warning"}


def test_a_flag_with_a_component_that_is_no_reference_stops_no_experiment(busy: Workspace) -> None:
    spec = {
        **HOME["spec"],
        "definition": {**HOME["spec"]["definition"], "metadata": {"component": "a b:c/d/e"}},
    }
    with busy.graph.write(local_actor()) as writer:
        writer.put({**HOME, "spec": spec})
    assert calendar_of(busy, NOW).surfaces
