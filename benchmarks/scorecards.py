"""What scorecards and the past cost: 10,000 entities and 20 checks, and lists of a past date over 50,000 versions.

The floor of the first is reading the same entities; the peer of the second is the same list of the present.
"""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counterpoint import Workspace
from counterpoint.catalog.scorecards import history, store
from counterpoint.catalog.scorecards.standing import Standing, standing_of
from counterpoint.graph import SYSTEM, Reader, Ref

ENTITIES = 10_000
VERSIONS = 5
PREDICATES: list[dict[str, Any]] = [
    {"fact.owner.exists": True},
    {"fact.description.length": {"$gte": 5}},
    {"spec.lifecycle": "production"},
    {"fact.dependants.count": {"$gte": 1}},
    {"metadata.tags": "java"},
    {"fact.relations.dependsOn.exists": True},
    {"fact.relations.missing.count": 0},
    {"fact.age.days": {"$lt": 30}},
    {"$any": [{"spec.type": "service"}, {"metadata.tags.x": "true"}]},
    {"metadata.links.url": {"$exists": True}},
]


def measure() -> dict[str, object]:
    """CPU seconds of asking everything, of what follows a change, and of pages of a past date."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Workspace.create(Path(folder) / "workspace", name="Bench") as workspace,
    ):
        _fill(workspace)
        floor = _cpu(lambda: _read(workspace, lambda reader: reader.all()))
        whole = _cpu(lambda: Standing(workspace).now())
        standing_of(workspace).now()
        with workspace.graph.write(SYSTEM) as writer:
            writer.put(_component(1, random.Random(5), lifecycle="experimental"))
        figures = {
            "entities": ENTITIES,
            "checks": 2 * len(PREDICATES),
            "read_all_s": floor,
            "ask_all_s": whole,
            "ratio": whole / floor,
            "after_a_change_s": _cpu(standing_of(workspace).now, times=1),
            "keep_first_s": _cpu(lambda: history.keep(workspace), times=1),
            "one_entity_s": _cpu(lambda: store.of_entity(workspace, Ref("component", "default", "c5"))),
            "all_owners_s": _cpu(lambda: store.of_owners(workspace)),
        }
        return figures | _past(workspace)


def _past(workspace: Workspace) -> dict[str, object]:
    moments = []
    for version in range(1, VERSIONS):
        with workspace.graph.write(SYSTEM) as writer:
            made = random.Random(version)
            for index in range(ENTITIES):
                writer.put(_component(index, made))
            moments.append(writer.now)
    at = _read(workspace, lambda reader: reader.activity(limit=1)[0].at)
    middle = at.fromtimestamp(moments[1] / 1e6, at.tzinfo)
    page = _cpu(lambda: _read(workspace, lambda reader: reader.find(order="title")))
    past = _cpu(lambda: _read(workspace, lambda reader: reader.find(order="title", at=middle)))
    return {"versions": ENTITIES * VERSIONS, "page_now_s": page, "page_past_s": past}


def _read(workspace: Workspace, ask: Callable[[Reader], Any]) -> Any:
    with workspace.graph.read() as reader:
        return ask(reader)


def _fill(workspace: Workspace) -> None:
    made = random.Random(0)
    checks = [{"id": f"c{i}", "title": "A check", "predicate": each} for i, each in enumerate(PREDICATES * 2)]
    card = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Scorecard",
        "metadata": {"name": "s"},
        "spec": {"owner": "g1", "filter": {"kind": "Component"}, "checks": checks},
    }
    with workspace.graph.write(SYSTEM) as writer:
        for index in range(200):
            spec = {"type": "team", "children": []}
            meta = {"name": f"g{index}"}
            writer.put(
                {"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": meta, "spec": spec}
            )
        for index in range(ENTITIES):
            writer.put(_component(index, made))
        writer.put(card)


def _component(index: int, made: random.Random, **spec: Any) -> dict[str, Any]:
    fields = {
        "type": made.choice(["service", "library"]),
        "lifecycle": made.choice(["production", "deprecated"]),
        "owner": f"g{made.randrange(210)}",
        "dependsOn": [f"component:c{made.randrange(ENTITIES)}" for _ in range(2)],
    }
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": f"c{index}", "description": "Does a thing", "tags": ["java"]},
        "spec": fields | spec,
    }


def _cpu(work: Callable[[], object], *, times: int = 3) -> float:
    """The least CPU seconds of several runs."""
    found = []
    for _ in range(times):
        before = time.process_time()
        work()
        found.append(time.process_time() - before)
    return round(min(found), 5)
