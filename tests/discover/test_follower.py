"""The server's follower: a deletion is answered at once, and what it takes is done beside, whatever kills the process."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.discover import forgetting
from counterpoint.discover.consent import declare
from counterpoint.discover.follower import Follower, _follow
from counterpoint.discover.forgetting import Followed
from counterpoint.discover.serving import service_of
from counterpoint.discover.versions import fit_version, load_version
from counterpoint.discover.weeks import make_weeks, week_of
from counterpoint.errors import WorkspaceError
from counterpoint.graph.actor import SYSTEM
from tests.discover import heard, streaming
from tests.discover.streaming import listener

REF = "recommender:default/songs"
GONE = "ana"
LISTENER = "/api/v1/discover/songs/listeners/"


@pytest.fixture
def either(each_database: None, tmp_path: Path) -> Iterator[Workspace]:
    """A small workspace with somebody who has an item of her own in its version, on each database."""
    with heard.opened(tmp_path / "either") as made:
        heard.tell(made, heard.planted(6, tracks=12, plays=3))
        heard.tell(made, [heard.played(GONE, each) for each in ("t1", "hers alone")])
        fit_version(made, SYSTEM, "weekly", method="item-graph", options={"rank": 4}, until=heard.NOW)
        yield made


class Watched:
    """A follower that says when it has looked to the end, and can be held."""

    def __init__(self, workspace: Workspace) -> None:
        self.done, self.go = threading.Event(), threading.Event()
        self.follower = workspace.keep(Follower, lambda kept: Follower(kept, work=self._work))
        self.go.set()

    def _work(self, workspace: Workspace, tell: Callable[[str], None]) -> Followed:
        assert self.go.wait(60)
        found = _follow(workspace, tell)
        self.done.set()
        return found


def known(workspace: Workspace) -> bool:
    return "hers alone" in load_version(workspace, heard.REF, 1).items


@pytest.mark.parametrize("dying_at", ["fitting", "making weeks"])
def test_a_deletion_that_was_answered_is_followed_by_the_next_process(
    either: Workspace, dying_at: str
) -> None:
    make_weeks(service_of(either), SYSTEM, "weekly")
    command = [sys.executable, "-m", "tests.discover.following", str(either.path), GONE, dying_at]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == f"answered {heard.REF}\n"
    assert forgetting.is_due(either)
    assert not known(either), "in the meantime she is out of all answers"
    assert week_of(service_of(either), SYSTEM, "weekly", "l001").note is not None
    watched = Watched(either)
    watched.follower.start()
    assert watched.done.wait(120)
    watched.follower.stop()
    assert not forgetting.is_due(either)
    assert load_version(either, heard.REF, 1).personal
    assert not known(either)
    assert week_of(service_of(either), SYSTEM, "weekly", "l001").note is None


def test_a_request_waits_for_no_fit_and_the_running_server_follows(
    songs: Workspace, clients: Callable[..., TestClient[Any]]
) -> None:
    watched = Watched(songs)
    watched.go.clear()
    client = clients("discover")
    answer = client.delete(LISTENER + listener(3))
    assert (answer.status_code, answer.json()["waiting"]) == (202, [REF])
    found = client.get(LISTENER + listener(0) + "/recommendations").json()
    assert "Somebody was forgotten" in found["note"]
    watched.go.set()
    assert watched.done.wait(120)
    found = client.get(LISTENER + listener(0) + "/recommendations").json()
    assert (found["note"], found["personal"]) == (None, True)
    assert load_version(songs, REF, 1).version.counts["listeners"] == streaming.LISTENERS - 1


def test_a_withdrawal_wakes_the_follower_and_holds_at_once_for_who_withdrew(
    songs: Workspace, clients: Callable[..., TestClient[Any]]
) -> None:
    watched = Watched(songs)
    watched.go.clear()
    client, mine = clients("discover"), LISTENER + listener(3)
    assert client.get(mine + "/recommendations").json()["personal"]
    assert client.put(mine + "/consent", json={"personalisation": False}).status_code == 200
    assert not client.get(mine + "/recommendations").json()["personal"]
    assert not client.get(mine + "/profile").json()["personal"]
    watched.go.set()
    assert watched.done.wait(120)
    assert load_version(songs, REF, 2).version.counts["listeners"] == streaming.LISTENERS - 1


def test_what_fails_is_tried_again_and_a_server_that_ends_waits_for_no_fit(songs: Workspace) -> None:
    tried: list[int] = []
    begun, ended = threading.Event(), threading.Event()

    def work(_: Workspace, tell: Callable[[str], None]) -> Followed:
        tried.append(1)
        if len(tried) == 1:
            follower.wake()
            raise WorkspaceError("the database is away")
        begun.set()
        while True:  # a fit that takes its time, and says what it does
            try:
                tell("fitting")
            except Exception:
                ended.set()
                raise

    follower = Follower(songs, work=work)
    follower.start()
    declare(songs, listener(3), "personalisation", given=False, source="app")
    follower.wake()
    assert begun.wait(60)
    follower.stop()
    assert ended.is_set()
    assert forgetting.is_due(songs)
