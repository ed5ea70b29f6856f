"""The health of ingest: on its page, as JSON and in the terminal."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.errors import WorkspaceError
from counterpoint.journal import Journal
from counterpoint.journal.arrivals import Arrivals
from counterpoint.journal.engine_state import Engines
from counterpoint.journal.health import health_of, steps_of
from counterpoint.server.app import create_app

from .conftest import event
from .test_tally import Clock

NOON = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
EMBEDDED = Engines("duckdb").state()


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient[Any]]:
    app = create_app(workspace, auth=False)
    with TestClient(app, base_url="http://counterpoint.localhost", raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def clocked(open_journal: Callable[..., Journal], clock: Clock) -> Journal:
    return open_journal(clock=clock)


def text_of(client: TestClient[Any], address: str = "/events/health") -> str:
    answer = client.get(address, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_an_empty_journal_says_what_would_fill_the_page(client: TestClient[Any]) -> None:
    text = text_of(client)
    assert "Nothing has arrived yet" in text
    assert "counterpoint token create shop --scope events:write" in text
    assert "duckdb in this process" in text


def test_the_page_tells_what_came_what_was_refused_and_what_to_do(
    client: TestClient[Any], workspace: Workspace
) -> None:
    now = datetime.now(UTC).isoformat()
    workspace.journal.append(
        [event(1, time=now), event(1), event(2, time="never"), event(3, source="web", time=now)]
    )
    client.post("/api/events", content=b"x", headers={"content-type": "text/csv"})
    text = text_of(client)
    for said in (
        "2 refused.",
        "order.placed",
        "web",
        "Its time cannot be read",
        "Send time as RFC 3339 with a zone",
        "The request had a content type or an encoding that is not taken",
        "repeats change nothing",
        "of 200,000 for the disk",
    ):
        assert said in text, said
    assert "user-2" not in text


def test_by_itself_the_page_shows_the_shortest_time_in_which_anything_came(
    client: TestClient[Any], workspace: Workspace
) -> None:
    past = datetime.now(UTC) - timedelta(hours=5)
    with Journal(workspace.path / "journal", clock=lambda: past) as journal:
        journal.append([event(1)])
    assert "in the last 24 hours" in text_of(client)
    assert "Nothing arrived in the last hour" in text_of(client, "/events/health?range=hour")
    assert "in the last 30 days" in text_of(client, "/events/health?range=month")
    assert "in the last 24 hours" in text_of(client, "/events/health?range=%3Cscript%3E")


def test_what_a_sender_writes_is_shown_as_text(client: TestClient[Any], workspace: Workspace) -> None:
    hostile = "<script>alert(1)</script>"
    workspace.journal.append([event(1, type=hostile, source=hostile), event(2, source=hostile, time=hostile)])
    answer = client.get("/events/health", headers={"accept": "text/html"})
    assert hostile not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_the_part_that_scripts_fetch_is_the_one_on_the_page(
    client: TestClient[Any], workspace: Workspace
) -> None:
    workspace.journal.append([event(1)])
    page = client.get("/events/health?range=hour").text
    part = client.get("/events/health/figures?range=hour").text
    assert "<html" not in part
    assert re.sub(r"<time.*?</time>|Free.*?disk", "", part.strip()) in re.sub(
        r"<time.*?</time>|Free.*?disk", "", page
    )


def test_a_full_disk_does_not_take_the_page_away(
    client: TestClient[Any], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise WorkspaceError("database or disk is full")

    workspace.journal.append([event(1), event(2, time="never")])
    monkeypatch.setattr("counterpoint.journal.refused.Refused._write", full)
    assert "order.placed" in text_of(client)


def test_rate_and_range_follow_the_clock(clocked: Journal, clock: Clock) -> None:
    clock.now = NOON - timedelta(minutes=1)
    clocked.append([event(number) for number in range(60)])
    clock.now = NOON
    clocked.append([event(number) for number in range(60, 90)])
    found = health_of(clocked, EMBEDDED)
    assert found.rate == pytest.approx((30 + 60 * 0.5) / 60)
    assert found.last == NOON.replace(second=0)
    steps = steps_of(found)
    assert (len(steps), steps[-1][1].accepted, steps[-2][1].accepted, steps[0][1]) == (60, 30, 60, Arrivals())
    clock.now = NOON + timedelta(hours=2)
    later = health_of(clocked, EMBEDDED, range="day")
    assert (later.rate, later.total.accepted, len(steps_of(later))) == (0.0, 90, 24)
    month = steps_of(health_of(clocked, EMBEDDED, range="month"))
    assert (len(month), month[-1][1].accepted) == (30, 90)


def test_what_is_wrong_is_said_with_the_worst_first(
    clocked: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert health_of(clocked, EMBEDDED).concerns == []
    late = (NOON - timedelta(days=9)).isoformat()
    clocked.append([event(1, time=late), event(2, time="2030-01-01T00:00:00Z"), event(3, source="")])
    monkeypatch.setattr(clocked._background, "failure", WorkspaceError("No space left on device."))
    monkeypatch.setattr(clocked, "queue", lambda: (150, 200))
    found = health_of(clocked, EMBEDDED)
    assert [each.level for each in found.concerns] == ["bad", "bad", "warn", "warn", "warn"]
    told = " ".join(each.text for each in found.concerns)
    for said in (
        "No space left",
        "150 events wait",
        "1 refused. The reason: an attribute is missing",
        "from the future",
        "more than a day",
    ):
        assert said in told, said


def test_segments_are_told_by_type(clocked: Journal) -> None:
    clocked.append([event(1), event(2), event(3, type="page.seen")])
    clocked.compact()
    clocked.append([event(4)])
    found = health_of(clocked, EMBEDDED)
    assert [(each.type, each.files, each.events) for each in found.stored] == [
        ("order.placed", 1, 2),
        ("page.seen", 1, 1),
    ]
    assert (found.in_intake, found.compacted) == (1, NOON)
    assert found.intake_bytes > 0


def test_an_engine_elsewhere_is_asked_whether_it_answers_and_no_password_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        engines = Engines(f"clickhouse://ana:secret@127.0.0.1:{port}/events")
        found = engines.state(wait=True)
    assert (found.name, found.place, found.reachable) == ("clickhouse", f"127.0.0.1:{port}", True)
    assert "secret" not in repr(found)
    gone = Engines(f"spark://127.0.0.1:{port}").state(wait=True)
    assert gone.reachable is False
    assert str(port) in gone.detail
    assert Engines("spark://local[2]").state().place == "on this machine"
    assert Engines("clickhouse://local").state().place == "in this process"
    assert Engines("clickhouse://ana:a,b@127.0.0.1:1/x").state().place == "127.0.0.1:1"


def test_an_answer_is_kept_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    class Closing:
        def close(self) -> None: ...

    def connect(place: object, timeout: float) -> Closing:
        asked.append(place)
        return Closing()

    monkeypatch.setattr("counterpoint.journal.engine_state.socket.create_connection", connect)
    engines = Engines("spark://lake:7077")
    for _ in range(5):
        assert engines.state(wait=True).reachable is True
    assert asked == [("lake", 7077)]


def test_programs_get_the_same_as_json(client: TestClient[Any], workspace: Workspace) -> None:
    workspace.journal.append([event(1), event(2, time="never")])
    found = client.get("/api/v1/events/health", params={"range": "day"}).json()
    assert found["total"]["accepted"] == 1
    assert found["rejections"][0]["reason"] == "time"
    assert found["rejections"][0]["samples"][0]["source"] == "test"
    assert client.get("/api/v1/events/health", params={"range": "year"}).status_code == 400


def test_the_terminal_tells_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERPOINT_WORKSPACE", str(tmp_path / "ws"))
    with Workspace.create(tmp_path / "ws") as workspace:
        assert run(["events", "health"]) == 0
        assert "All is well." in capsys.readouterr().out
        workspace.journal.append([event(1), event(2, time="never")])
    assert run(["events", "health"]) == 0
    out = capsys.readouterr().out
    assert "1  Its time cannot be read (from test)" in out
    assert "Accepted   1 in the last 24 hours: order.placed 1" in out
    assert run(["--json", "events", "health", "--range", "hour"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["accepted"] == 1
