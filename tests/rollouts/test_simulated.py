"""Simulations of the workspace's rollouts: begun by people, computed beside them, kept by the plan, and shown."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from litestar.testing import TestClient
from msgspec.structs import replace
from sqlalchemy import select

from counterpoint import Workspace
from counterpoint.errors import InputError, NotAllowedError
from counterpoint.graph.actor import Actor, local_actor
from counterpoint.moments import to_datetime
from counterpoint.rollouts import pulse, simulated, store
from counterpoint.rollouts.model import Limits, Step
from counterpoint.rollouts.simulated import begin, compute, simulation_of, simulator_of
from counterpoint.rollouts.simulation import Baseline, Characteristics, simulate
from counterpoint.server import mounting
from counterpoint.server.app import create_app

from .conftest import ROLLOUT, document, plan_of

PAGE = "/rollouts/default/weekly/simulation"
HTML = {"accept": "text/html"}
BASELINE = {"metric": "crashed", "margin": 0.5, "baseline": {"mean": 0.1}}


def written(workspace: Workspace, **spec: Any) -> None:
    """Give the rollout this spec beside its steps."""
    with workspace.graph.write(local_actor()) as writer:
        writer.put(document("Rollout", "weekly", {**ROLLOUT, "guardrails": [BASELINE], **spec}))


@pytest.fixture(scope="module")
def figures() -> Characteristics:
    """Figures of a small plan, which have everything that a page shows."""
    steps = (Step(percent=50, hold_seconds=3_600.0), Step(percent=100, monitored=False, hold_seconds=0.0))
    return simulate(
        plan_of(steps=steps, limits=Limits(patience_seconds=3_600.0)),
        {"crashed": Baseline(0.1)},
        users_per_day=50_000,
        runs=30,
        regressed_runs=10,
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, figures: Characteristics) -> None:
    """What is kept and shown is not what is computed, which other tests hold to the rules."""

    def found(
        plan: Any, baselines: Any, *, users_per_day: float, advance: Any, **given: Any
    ) -> Characteristics:
        advance(20, 20)
        return replace(figures, users_per_day=users_per_day, seed=given["seed"])

    monkeypatch.setattr(simulated, "simulate", found)


def test_figures_are_kept_until_the_plan_changes(either: Workspace) -> None:
    written(either, usersPerDay=20_000)
    assert simulation_of(either, "weekly").state == "none"
    found = compute(either, local_actor(), "weekly", seed=3)
    kept = simulation_of(either, "weekly")
    assert (kept.state, kept.found, kept.is_current) == ("done", found, True)
    assert found.seed == 3
    written(either, usersPerDay=30_000)
    stale = simulation_of(either, "weekly")
    assert (stale.state, stale.found, stale.is_current) == ("none", found, False)
    written(either, usersPerDay=20_000, bet="another")
    assert simulation_of(either, "weekly").is_current
    assert compute(either, local_actor(), "weekly", users_per_day=90_000).users_per_day == 90_000
    assert simulation_of(either, "weekly").found == found


def test_what_cannot_be_simulated_is_kept_with_its_remedy(org: Workspace) -> None:
    written(org)
    with pytest.raises(InputError, match="how many users"):
        compute(org, local_actor(), "weekly")
    kept = simulation_of(org, "weekly")
    assert (kept.state, "usersPerDay" in kept.problem, kept.found) == ("failed", True, None)
    assert compute(org, local_actor(), "weekly", users_per_day=20_000).users_per_day == 20_000
    assert simulation_of(org, "weekly").state == "done"


def test_only_whoever_owns_the_rollout_has_it_simulated(org: Workspace) -> None:
    stranger = Actor("user:default/eve", "Eve", "person")
    with pytest.raises(NotAllowedError):
        begin(org, stranger, "weekly")
    store.command(org, local_actor(), "weekly", "start")
    with org.graph.write(local_actor()) as writer:
        writer.delete("rollout:default/weekly")
    with pytest.raises(NotAllowedError):
        begin(org, stranger, "weekly")
    assert simulation_of(org, "weekly").state == "none"


def test_one_whose_process_ended_is_begun_again(org: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    written(org, usersPerDay=20_000)
    waiting: list[Any] = []
    monkeypatch.setattr(simulator_of(org), "submit", lambda *given: waiting.append(given))
    assert begin(org, local_actor(), "weekly").state == "under way"
    assert begin(org, local_actor(), "weekly").state == "under way"
    assert len(waiting) == 1
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert simulation_of(org, "weekly", now=later).state == "stopped"


BEGUN = """
import sys
from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.rollouts import pulse, simulated

simulated.Pulse = lambda beat: pulse.Pulse(beat, seconds=0.02)
simulated.simulate = lambda *_, **__: sys.stdin.read()
with Workspace.open(sys.argv[1]) as workspace:
    print("begun", flush=True)
    simulated.compute(workspace, local_actor(), "weekly")
"""
"""A process that simulates until it is killed."""


def test_one_whose_process_was_killed_is_known_to_have_ended_within_seconds(either: Workspace) -> None:
    written(either, usersPerDay=20_000)

    def signs() -> int:
        with either.graph.read() as reader:
            return int(reader.connection.execute(select(simulated.SIMULATIONS.c.touched)).scalar() or 0)

    command = [sys.executable, "-c", BEGUN, str(either.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        first, last = 0, 0
        until = time.monotonic() + 60
        while not first or last <= first:  # two signs: it lives
            assert time.monotonic() < until
            first = first or signs()
            last = signs()
        assert (
            simulation_of(either, "weekly", now=to_datetime(last) + simulated.SILENCE / 2).state
            == "under way"
        )
        process.kill()
    last = signs()
    assert timedelta(seconds=20) >= simulated.SILENCE
    ended = to_datetime(last) + simulated.SILENCE + timedelta(seconds=1)
    assert simulation_of(either, "weekly", now=ended).state == "stopped"
    assert last == signs()


def test_those_that_wait_for_another_give_signs_of_life_too(org: Workspace) -> None:
    """The server computes one after the other, and what waits its turn is under way."""
    told, beaten = Event(), []

    def beat(keys: list[pulse.Key]) -> None:
        beaten.append(len(keys))
        if 2 in beaten:
            told.set()

    signs = pulse.Pulse(beat, seconds=0.001)
    with signs.of((("plan", "a"),)), signs.of((("plan", "b"),)):
        assert told.wait(10)
    many = len(beaten)
    with signs.of((("plan", "c"),)):
        pass
    assert len(beaten) - many <= 1


def test_a_server_that_stops_says_so_where_it_was_not_done(
    org: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(org, usersPerDay=20_000)
    simulator = simulator_of(org)

    def stopping(*_: Any, advance: Callable[[float, float], None], **__: Any) -> None:
        simulator._stopping.set()
        advance(1, 20)

    monkeypatch.setattr(simulated, "simulate", stopping)
    begin(org, local_actor(), "weekly")
    simulator.stop()
    kept = simulation_of(org, "weekly")
    assert (kept.state, "Begin it again" in kept.problem) == ("failed", True)


@pytest.fixture
def client(org: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Any]]:
    monkeypatch.setattr(mounting, "ROOMS", ("rollouts",))
    with TestClient(create_app(org, auth=False), base_url="http://127.0.0.1") as made:
        yield made


def test_the_page_begins_a_simulation_and_shows_it(
    client: TestClient[Any], org: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(org, usersPerDay=20_000)
    monkeypatch.setattr(
        simulator_of(org), "submit", lambda *_: None
    )  # so it is under way for as long as we look
    empty = client.get(PAGE, headers=HTML).text
    assert "counterpoint rollouts simulate weekly" in empty
    token = re.search(r'name="_csrf_token" value="([^"]*)"', empty)
    assert token
    sent = client.post(PAGE, data={"_csrf_token": token[1]}, headers=HTML, follow_redirects=False)
    assert sent.headers["location"] == f"{PAGE}?told=rollout-simulating"
    assert "data-live" in client.get(PAGE, headers=HTML).text
    compute(org, local_actor(), "weekly")
    shown = client.get(PAGE, headers=HTML).text
    for words in ("False rollbacks", "1 % worse", "5 % worse", "20 % worse", "Hours to completion"):
        assert words in shown
    for checked in ("each minute", "six-hourly", "daily"):
        assert f"Fixed threshold, checked {checked}" in shown
    assert PAGE in client.get("/rollouts/default/weekly", headers=HTML).text
    assert client.get("/rollouts/-/simulation/default/weekly", headers=HTML).status_code == 200


def test_the_interface_tells_how_far_it_is(client: TestClient[Any], org: Workspace) -> None:
    written(org)
    address = "/api/v1/rollouts/default/weekly/simulation"
    assert client.get(address).json()["state"] == "none"
    begun = client.post(address)
    assert (begun.status_code, begun.json()["command"]) == (202, "counterpoint rollouts simulate weekly")
    simulator_of(org).stop()
    assert client.get(address).json()["state"] == "failed"
    assert client.get("/api/v1/rollouts/default/none/simulation").status_code == 404
