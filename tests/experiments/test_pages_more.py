"""Effects by segment and day by day on an experiment's page, by the API, the command and the decision record."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.experiments import over_time_store, store
from counterpoint.graph.actor import local_actor
from counterpoint.server.app import create_app

from .conftest import ENTITIES, happened

PAGE = "/experiments/default/gate"


def plan(**spec: Any) -> dict[str, Any]:
    document = next(each for each in ENTITIES if each["kind"] == "Experiment")
    return {**document, "spec": {**document["spec"], **spec}}


@pytest.fixture
def split(games: Workspace) -> Workspace:
    """Users of two countries, and one of a third."""
    with games.graph.write(local_actor()) as writer:
        writer.put(plan(segments=["country"]))
    made = happened()
    for number, each in enumerate(made):
        if each["type"] == "feature_flag.evaluation":
            user = int(each["subject"][1:])
            country = "somebody's own" if number == 0 else "se" if user % 3 else "no"
            each["data"]["country"] = country
    assert not games.journal.append(made).rejected
    return games


@pytest.fixture
def client(split: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(split, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        yield made


def test_the_page_shows_effects_by_segment_and_never_whom_hardly_anybody_is_like(client: TestClient) -> None:
    shown = client.get(PAGE, headers={"Accept": "text/html"}).text
    for words in (
        "By country",
        "no part of the verdict",
        "as in the decision",
        "p corrected",
        ">se<",
    ):
        assert words in shown
    told = client.get(f"/api/v1{PAGE}/result").text
    assert "somebody" not in shown.replace("until somebody", "")
    assert "somebody's own" not in told
    (segment,) = client.get(f"/api/v1{PAGE}/result").json()["segments"]
    assert [level["name"] for level in segment["levels"]] == ["se"]  # with "no", one user could be told apart
    assert segment["others"] == 200 - sum(segment["levels"][0]["users"].values())


def test_the_command_and_the_record_tell_segments_before_what_decides(
    split: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-w", str(split.path), "experiments", "analyze", "gate", "--no-record"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("By country") < shown.index("Verdict:")
    assert run(["-w", str(split.path), "experiments", "record", "gate"]) == 0
    assert "## By country" in capsys.readouterr().out


def test_the_course_of_each_metric_is_drawn_and_told(client: TestClient, games: Workspace) -> None:
    later = [
        {**each, "id": f"later-{each['id']}", "time": each["time"].replace("2026-05-01", "2026-05-03")}
        for each in happened()
        if each["type"] == "rounds"
    ]
    assert not games.journal.append(later).rejected
    found = client.get(f"/api/v1{PAGE}/over-time").json()
    result = client.get(f"/api/v1{PAGE}/result").json()
    assert [line["name"] for line in found["lines"]] == ["retained", "rounds"]
    for line, metric in zip(found["lines"], result["comparisons"][0]["metrics"], strict=True):
        assert [day["day"] for day in line["days"]] == ["2026-05-01", "2026-05-02", "2026-05-03"]
        assert line["days"][-1]["difference"] == pytest.approx(metric["difference"])
    shown = client.get(PAGE, headers={"Accept": "text/html"}).text
    for words in ("Day by day", "The days as a table", "3 May", "the change at the end of each day"):
        assert words in shown


def test_the_course_of_success_waits_for_the_end(client: TestClient, games: Workspace) -> None:
    with games.graph.write(local_actor()) as writer:
        writer.put(plan(segments=["country"], end="2126-05-01"))
    found = client.get(f"/api/v1{PAGE}/over-time").json()
    assert ([line["name"] for line in found["lines"]], found["withheld"]) == (["rounds"], ["retained"])
    shown = client.get(PAGE, headers={"Accept": "text/html"}).text
    assert "The course of retained is withheld until then" in shown
    assert "are shown once the plan lets effects be read" in shown


def test_a_large_journal_is_read_behind_the_readers_back(
    client: TestClient, games: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_time_store, "LARGE", 0)
    waiting: list[Any] = []
    standing = over_time_store.over_times_of(games)
    monkeypatch.setattr(standing, "renew", lambda _, work: waiting.append(work))
    shown = client.get(PAGE, headers={"Accept": "text/html"}).text
    assert "being read for the first time" in shown
    waiting[0]()
    loaded = store.load(games, "gate")
    assert over_time_store.over_time_at_hand(games, loaded, store.result_of(games, loaded)) is not None
