"""What reading, fitting, loading and forgetting cost in a workspace: a journal of made-up plays, and one robot among them.

    python benchmarks/discover/listening.py [--plays 1000000] [--listeners 20000] [--items 20000]

A fifth of the plays are one robot's. Prints CPU seconds, seconds on the clock and the peak of memory so far.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint import Workspace
from counterpoint.discover.forgetting import forget_listener
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import read_plan
from counterpoint.discover.versions import fit_version, load_version
from counterpoint.graph.actor import SYSTEM

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
BATCH = 20_000
REF = "recommender:default/plays"
DOCUMENT = {
    "apiVersion": "counterpoint.dev/v1",
    "kind": "Recommender",
    "metadata": {"name": "plays"},
    "spec": {"owner": "discovery", "signals": [{"event": "track.played", "item": "track"}]},
}


def fill(workspace: Workspace, plays: int, listeners: int, items: int) -> None:
    """Puts the plays into the journal: popular items more, over 300 days."""
    chance = np.random.default_rng(0)
    who, what = chance.integers(listeners, size=plays), chance.zipf(1.3, plays) % items
    ago = chance.random(plays) * 300
    for start in range(0, plays, BATCH):
        workspace.journal.append(
            [
                {
                    "specversion": "1.0",
                    "id": f"play-{at}",
                    "source": "benchmark",
                    "type": "track.played",
                    "subject": "robot" if at % 5 == 0 else f"listener-{who[at]:06d}",
                    "time": (UNTIL - timedelta(days=float(ago[at]))).isoformat(),
                    "data": {"track": f"track-{what[at]}"},
                }
                for at in range(start, min(start + BATCH, plays))
            ]
        )
    workspace.journal.compact(full=True)


def told(what: str, does: Callable[[], Any]) -> Any:
    """Does it, and prints what it cost."""
    cpu, clock = time.process_time(), time.perf_counter()
    found = does()
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<34} {cpu:>8.3f} CPU s {clock:>8.3f} s {peak:>8,.0f} MB", flush=True)
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("plays", 1_000_000), ("listeners", 20_000), ("items", 20_000)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    given = asked.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Workspace.create(Path(folder) / "workspace") as workspace,
    ):
        with workspace.graph.write(SYSTEM) as writer:
            writer.put(DOCUMENT)
        told("plays into the journal", lambda: fill(workspace, given.plays, given.listeners, given.items))
        with workspace.graph.read() as reader:
            _, plan = read_plan(reader, REF)
        read = told("everybody read", lambda: listening_of(workspace, REF, plan, until=UNTIL))
        print(
            f"  {len(read.listeners):,} listeners, {len(read.items):,} items; left out: {dict(read.left_out)}"
        )
        one = str(read.listeners[7])
        told("one listener read", lambda: listening_of(workspace, REF, plan, until=UNTIL, listeners=[one]))
        told(
            "item graph fitted and judged",
            lambda: fit_version(workspace, SYSTEM, REF, method="item-graph", until=UNTIL),
        )
        told("version loaded", lambda: load_version(workspace, REF, 1))
        told(
            "the same again, a thousand times", lambda: [load_version(workspace, REF, 1) for _ in range(1000)]
        )
        done = told("a listener forgotten", lambda: forget_listener(workspace, SYSTEM, REF, one))
        print(f"  fitted anew: {', '.join(done.fitted)}")


if __name__ == "__main__":
    main()
