"""A thousand flags in one set: CPU time of what is done with them, on SQLite, the best of five.

python benchmarks/flags/sets.py [FLAGS]
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from counterpoint import Workspace
from counterpoint.flags.listing import items_of
from counterpoint.flags.promotion import promote_set, way_of
from counterpoint.flags.store import find_set, flag_sets, read_sets, write_set
from counterpoint.flags.versions import difference_of, restore_set, versions_of_set
from counterpoint.graph.actor import local_actor

REPEATS = 5
ACTOR = local_actor()


def definition(flags: int, weight: int) -> dict[str, Any]:
    """Flags with three conditions, a shared rule and a split, as long-lived sets have them."""
    conditions = [
        {"ends_with": [{"var": "email"}, "@corp.example"]},
        {"$ref": "nordic"},
        {"==": [{"var": "plan"}, "beta"]},
    ]
    rule = [part for condition in conditions for part in (condition, "on")]
    split = {"fractional": [["on", weight], ["off", 100 - weight]]}
    flag = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": {"if": [*rule, split]},
        "metadata": {"bet": "weekly", "component": "player", "description": "What it does for listeners"},
    }
    return {
        "$evaluators": {"nordic": {"in": [{"var": "country"}, ["SE", "NO", "DK"]]}},
        "flags": {f"flag-{number}": flag for number in range(flags)},
    }


def measured(action: Callable[[], object]) -> float:
    """Milliseconds of CPU time, the best of some repeats."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        times.append((time.process_time() - start) * 1000)
    return min(times)


def actions(workspace: Workspace, flags: int) -> dict[str, Callable[[], object]]:
    """What is measured, by what it is called."""
    graph, numbers = workspace.graph, count(1)
    whole = [json.dumps(definition(flags, weight)).encode() for weight in range(1, 99)]
    one = definition(flags, 99)

    def put_whole() -> None:
        write_set(workspace, ACTOR, "default", whole[next(numbers) % len(whole)])

    def put_one() -> None:
        one["flags"]["flag-0"] = one["flags"]["flag-1"] | {"metadata": {"step": next(numbers)}}
        write_set(workspace, ACTOR, "default", json.dumps(one).encode())

    def served() -> None:
        put_one()
        flag_sets(workspace).get("default")

    def read(what: Callable[[Any], object]) -> Callable[[], object]:
        def action() -> object:
            with graph.read() as reader:
                return what(reader)

        return action

    return {
        "write, every flag changed": put_whole,
        "write, one flag changed": put_one,
        "write, until the next reader has it": served,
        "read the definition": read(lambda reader: find_set(reader, "default").spec["definition"]),
        "list every flag": read(lambda reader: items_of(read_sets(reader, compiled=flag_sets(workspace)))),
        "difference of two versions, every flag changed": read(
            lambda reader: difference_of(reader, "default", old=1, new=3)
        ),
        "a page of 20 versions": read(lambda reader: versions_of_set(reader, "default")),
        "restore a version, dry run": lambda: restore_set(workspace, ACTOR, "default", 1, dry_run=True),
        "promote the whole set, dry run": lambda: promote_set(
            workspace,
            ACTOR,
            way_of("default", workspace.settings.flags.environments, target="staging"),
            dry_run=True,
        ),
    }


def main() -> None:
    """Print a line for each action."""
    flags = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with (
        tempfile.TemporaryDirectory() as folder,
        Workspace.create(Path(folder) / "workspace") as workspace,
    ):
        size = len(json.dumps(definition(flags, 1)))
        print(f"{flags:,} flags, {size / 1024:,.0f} kB of JSON; milliseconds of CPU time")
        for name, action in actions(workspace, flags).items():
            print(f"{name:48} {measured(action):8.1f}")


if __name__ == "__main__":
    main()
