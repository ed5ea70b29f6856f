"""Search everywhere over HTTP, and what is like what, in a workspace of 10,000 made-up entities."""

import random
import statistics
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph import SYSTEM
from counterpoint.graph.similar.things import Things
from counterpoint.server.app import create_app

ENTITIES = 10_000
SOUGHT = ("p", "pla", "w7", "w7 w30", "component-4321", "unit-17", "componnet", "nothing-has-this")
WORDS = [f"w{number}" for number in range(20_000)]
WEIGHTS = list(accumulate(1 / (rank + 1) for rank in range(len(WORDS))))
"""Words as often as natural ones are: the second half as often as the first (Zipf)."""


def measure() -> dict[str, object]:
    """Milliseconds of a search (median of each, then the least and the most); CPU seconds of the comparison."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Workspace.create(Path(folder) / "made", name="Made") as workspace,
    ):
        _fill(workspace)
        return _searches(workspace) | _comparison(workspace)


def _fill(workspace: Workspace) -> None:
    chance = random.Random(11)
    with workspace.graph.write(SYSTEM) as writer:
        for number in range(100):
            writer.put(_document("Group", f"unit-{number}", {"type": "unit", "children": []}))
        for number in range(ENTITIES - 100):
            text = " ".join(chance.choices(WORDS, cum_weights=WEIGHTS, k=16))
            spec = {"type": "service", "lifecycle": "production", "owner": f"unit-{number % 100}"}
            writer.put(_document("Component", f"component-{number}", spec, description=text))


def _document(kind: str, name: str, spec: dict[str, object], **metadata: str) -> dict[str, object]:
    metadata = {"name": name, **metadata}
    return {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _searches(workspace: Workspace) -> dict[str, object]:
    medians = []
    with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as client:
        for text in SOUGHT:
            spent = []
            for _ in range(9):
                begun = time.perf_counter()
                client.get("/api/v1/search", params={"q": text}).raise_for_status()
                spent.append((time.perf_counter() - begun) * 1000)
            medians.append(statistics.median(spent))
    return {"search_ms_least": round(min(medians), 1), "search_ms_most": round(max(medians), 1)}


def _comparison(workspace: Workspace) -> dict[str, object]:
    things, begun = Things(workspace.graph), time.process_time()
    shelf = things.shelf()
    filled = time.process_time()
    shelf.pairs()
    paired = time.process_time()
    wanted = shelf.things[0]
    for _ in range(20):
        shelf.nearest(wanted)
    return {
        "fill_cpu_s": round(filled - begun, 2),
        "pairs_cpu_s": round(paired - filled, 2),
        "nearest_ms": round((time.process_time() - paired) / 20 * 1000, 2),
    }
