"""The decision log of 20,000 decisions, searched by words: how long that takes, beside reading all of it as before.

    python -m benchmarks.decisions [POSTGRESQL_URL]

Half are records with about forty words of which some are frequent (Zipf), half are decisions about a thousand bets.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.bets.deciding.model import Content, Kind
from counterpoint.bets.deciding.records import all_records
from counterpoint.bets.deciding.search import search_log
from counterpoint.bets.deciding.tables import RECORDS
from counterpoint.bets.decision_log import DECISIONS
from counterpoint.graph import SYSTEM, Graph

RECORDED, DECIDED, BETS = 10_000, 10_000, 1_000
WORDS = [f"w{number}x" for number in range(20_000)]
WEIGHTS = list(accumulate(1 / (rank + 1) for rank in range(len(WORDS))))
ASKED: dict[str, dict[str, str]] = {
    "none": {},
    "in one": {"words": "unicorn"},
    "rare": {"words": "w15000x"},
    "common": {"words": "w0x"},
    "three": {"words": "w0x w1x w2x"},
    "a beginning": {"words": "w1"},
    "nothing": {"words": "zebra"},
    "a kind": {"kind": "spend"},
    "a unit": {"words": "w3x", "unit": "unit-7"},
}


def measure(address: str = "") -> dict[str, object]:
    """Milliseconds of CPU here (least of seven) and on the wall (median) of each question."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.db"
        file.touch()
        with Graph(address or file) as graph:
            graph.migrate()
            _fill(graph)
            found: dict[str, object] = {}
            for name, asked in ASKED.items():
                found[name] = _timed(lambda asked=asked: search_log(graph, **asked))  # type: ignore[misc]
            found["reading all records"] = _timed(lambda: all_records(graph), rounds=2)
            return found


def _timed(call: Callable[[], Any], rounds: int = 7) -> str:
    spent, waited = [], []
    for _ in range(rounds):
        begun, cpu = time.perf_counter(), time.process_time()
        call()
        spent.append((time.process_time() - cpu) * 1000)
        waited.append((time.perf_counter() - begun) * 1000)
    return f"{min(spent):.1f} CPU, {statistics.median(waited):.1f} wall"


def _fill(graph: Graph) -> None:
    chance = random.Random(7)
    ours = {"apiVersion": "counterpoint.dev/v1", "kind": "Bet"}
    group = {"apiVersion": "backstage.io/v1alpha1", "kind": "Group"}

    def text(words: int) -> str:
        return " ".join(chance.choices(WORDS, cum_weights=WEIGHTS, k=words))

    with graph.write(SYSTEM) as writer:
        for number in range(20):
            writer.put(
                group | {"metadata": {"name": f"unit-{number}"}, "spec": {"type": "squad", "children": []}}
            )
        for number in range(BETS):
            metadata = {"name": f"bet-{number}", "title": text(3)}
            writer.put(ours | {"metadata": metadata, "spec": {"owner": f"unit-{number % 20}"}})
        columns = [column.name for column in RECORDS.columns]
        kinds = [kind.value for kind in Kind]
        rows: list[tuple[Any, ...]] = []
        for number in range(1, RECORDED + 1):
            unit = f"group:default/unit-{number % 20}"
            content = Content(title=text(6), unit=unit, kind=Kind(chance.choice(kinds)), context=text(34))
            if number == RECORDED // 2:
                content = msgspec.structs.replace(content, title="The unicorn")
            said = msgspec.json.encode(content).decode()
            rows.append((number, number, 1, unit, "", said, SYSTEM.ref, number * 1_000))
        writer.insert(RECORDS, columns, rows)
        columns = [column.name for column in DECISIONS.columns]
        stages = ("think", "think", "active", "active")
        rows = []
        for number in range(DECIDED):
            bet, at = f"bet:default/bet-{number % BETS}", number * 1_000 + 500
            choice = ("persevere", text(12), 0, '{"etag": "e"}')
            rows.append(
                (f"d{number}", 100_000 + number, bet, at, SYSTEM.ref, choice[0], *stages, *choice[1:])
            )
        writer.insert(DECISIONS, columns, rows)
        begun = time.process_time()
        import_module("counterpoint.graph.migrations.versions.0019_decision_words").fill(writer.connection)
        print(f"the migration's part of it: {time.process_time() - begun:.1f} s of CPU here")
        if writer.connection.dialect.name == "postgresql":
            writer.connection.execute(sa.text("ANALYZE"))


if __name__ == "__main__":
    for name, taken in measure(*sys.argv[1:2]).items():
        print(f"{name}: {taken}")
