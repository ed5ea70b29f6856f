"""One listener's recommendations: from a history, in process with the journal, after a play, and over HTTP; and weeks.

    python benchmarks/discover/serving.py [--listeners 5000] [--items 20000] [--asked 400]

Makes a workspace with generated plays (30 a listener, popular items more), fits the item graph, and asks one listener
after another for 20 items. Milliseconds are of the wall clock, so a busy machine shows in them; `cpu` is the process's
own time. The server runs in a process of its own with sign-in and a token of the scope `discover`; its floor in the
same run is `GET /readyz` with the same client.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from counterpoint import Workspace
from counterpoint.discover.answering import recommended
from counterpoint.discover.serving import Service
from counterpoint.discover.versions import fit_version
from counterpoint.discover.weeks import make_weeks
from counterpoint.graph.actor import local_actor
from counterpoint.moments import rfc3339
from counterpoint.server.identity import tokens

PLAYS, COUNT = 30, 20
NOW = datetime.now(UTC).replace(microsecond=0)


def fill(workspace: Workspace, listeners: int, items: int) -> None:
    """The recommender, and plays of kinds of items that belong together."""
    chance = np.random.default_rng(0)
    entity = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Recommender",
        "metadata": {"name": "songs"},
        "spec": {"owner": "group:default/discovery", "items": {"event": "track.described"}},
    }
    with workspace.graph.write(local_actor()) as writer:
        writer.put(entity)
    kind = np.arange(items) % 20
    weight = 1 / (1 + np.arange(items) // 20) ** 0.6
    ranked = [np.flatnonzero(kind == each) for each in range(20)]
    shares = [weight[each] / weight[each].sum() for each in ranked]
    described = [
        _event("track.described", None, 0, item=f"i{each}", genre=f"g{kind[each]}", artist=f"a{each // 10}")
        for each in range(items)
    ]
    workspace.journal.append(described)
    for start in range(0, listeners, 500):
        events = []
        for who in range(start, min(start + 500, listeners)):
            mine = chance.integers(20, size=2)
            for place in range(PLAYS):
                of = int(mine[place % 2])
                events.append(
                    _event(
                        "track.played", f"u{who}", place, item=f"i{chance.choice(ranked[of], p=shares[of])}"
                    )
                )
        workspace.journal.append(events)
    workspace.journal.compact(full=True)


def _event(kind: str, subject: str | None, place: int, **data: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=1 + place, seconds=place)
    made = {
        "specversion": "1.0",
        "id": f"{kind}/{subject}/{place}/{data['item']}",
        "source": "bench",
        "type": kind,
        "time": rfc3339(at),
        "data": data,
    }
    return made | ({"subject": subject} if subject else {})


def spread(ask: Callable[[int], object], numbers: range) -> dict[str, float]:
    """Percentiles in milliseconds of one call after another, by the wall clock and of CPU in this process."""
    wall, cpu = [], []
    for number in numbers:
        started, begun = time.perf_counter(), time.process_time()
        ask(number)
        wall.append(1e3 * (time.perf_counter() - started))
        cpu.append(1e3 * (time.process_time() - begun))
    return percentiles(wall) | {f"cpu_{name}": each for name, each in percentiles(cpu).items()}


def percentiles(values: list[float]) -> dict[str, float]:
    """The middle, and what 5 % are above."""
    return {f"p{each}": round(float(np.percentile(values, each)), 2) for each in (50, 95)}


def play(workspace: Workspace, who: int) -> None:
    """Let a listener hear something now."""
    event = _event("track.played", f"u{who}", 0, item=f"i{who % 100}") | {"time": rfc3339(datetime.now(UTC))}
    workspace.journal.append([event | {"id": f"now/{who}"}])


def in_process(workspace: Workspace, asked: int) -> dict[str, Any]:
    """From a history, with the journal, and right after a play."""
    service, actor = Service(workspace), local_actor()
    ref, plan = service.plan("songs")
    shelf = service.newest("songs").shelf
    service.recommend(actor, "songs", "u0", count=COUNT)
    first = spread(lambda who: service.recommend(actor, "songs", f"u{who}", count=COUNT), range(asked))
    histories = [service.hearing.of(ref, plan, f"u{who}").liking for who in range(asked)]
    given = spread(lambda who: recommended(shelf, histories[who], COUNT), range(asked))
    again = spread(lambda who: service.recommend(actor, "songs", f"u{who}", count=COUNT), range(asked))

    wall, cpu = [], []
    for who in range(min(asked, 200)):
        play(workspace, who)
        started, begun = time.perf_counter(), time.process_time()
        service.recommend(actor, "songs", f"u{who}", count=COUNT)
        wall.append(1e3 * (time.perf_counter() - started))
        cpu.append(1e3 * (time.process_time() - begun))
    listeners = [f"u{who}" for who in range(asked)]
    started, spent = time.perf_counter(), time.process_time()
    make_weeks(service, actor, "songs", listeners=listeners)
    return {
        "from_a_history_ms": given,
        "with_the_journal_ms": again,
        "after_a_play_ms": percentiles(wall)
        | {f"cpu_{name}": each for name, each in percentiles(cpu).items()},
        "first_question_ms": first,
        "weeks_per_cpu_s": round(asked / (time.process_time() - spent)),
        "weeks_per_s": round(asked / (time.perf_counter() - started)),
    }


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "counterpoint", "-w", str(folder), "serve", "--port", str(port)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            time.sleep(0.1)
            try:
                if httpx2.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx2.HTTPError:
                continue
        yield url
    finally:
        server.terminate()
        server.wait()


def over_http(folder: Path, secret: str, asked: int) -> dict[str, Any]:
    """The same over HTTP, by one client on one connection."""
    with (
        served(folder) as url,
        httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {secret}"}, timeout=60) as client,
    ):

        def ask(who: int) -> None:
            answer = client.get(
                f"/api/v1/discover/songs/listeners/u{who}/recommendations", params={"k": COUNT}
            )
            assert answer.status_code == 200, answer.text

        ask(0)
        first = spread(ask, range(asked))
        return {
            "again_ms": spread(ask, range(asked)),
            "first_question_ms": first,
            "readyz_ms": spread(lambda _: client.get("/readyz"), range(asked)),
        }


def measure(listeners: int = 5_000, items: int = 20_000, asked: int = 400) -> dict[str, object]:
    """Everything, on one workspace."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "workspace"
        with Workspace.create(folder) as workspace:
            fill(workspace, listeners, items)
            fit_version(workspace, local_actor(), "songs", method="item-graph", options={"rank": 256})
            _, secret = tokens.create_token(workspace.graph, local_actor(), "bench", frozenset({"discover"}))
            inside = in_process(workspace, asked)
        return {
            "listeners": listeners,
            "items": items,
            "in_process": inside,
            "http": over_http(folder, secret, asked),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in (("listeners", 5_000), ("items", 20_000), ("asked", 400)):
        parser.add_argument(f"--{name}", type=int, default=value)
    print(json.dumps(measure(**vars(parser.parse_args())), indent=2))
