"""The catalog beside the real Backstage: ingest, rest, memory and every query, measured in the same way in one run.

    python benchmarks/catalog/run.py --peer DIR [--entities 10000] [--large 500000] [--out figures.json] [--quick]

`--peer` is a folder for the Backstage backend, which is installed there if it is missing (Node and npm, two
minutes); without it ours is measured alone. PostgreSQL needs Debian's package `postgresql`. The figures so far
are written after each part, so that parts can be run one by one: `--parts backstage,sqlite,postgresql,large`.
Machines are noisy: compare CPU seconds and minima before wall times.
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import tables
from generate import generate
from metering import children, cpu_of, family, latency, memory_of, throughput
from postgresql import QUIET, Cluster
from queries import LARGE, LOADED, ORDINARY, Query
from servers import Backstage, Counterpoint, Server, free_port

PARTS = ("backstage", "sqlite", "postgresql", "large")
POLL = 0.05
"""Seconds between two looks at how many entities are visible."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", type=Path, help="where the Backstage backend is or shall be installed")
    parser.add_argument("--entities", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=500_000, help="a multiple of 50,000")
    parser.add_argument("--repeats", type=int, default=30, help="how often each query is asked")
    parser.add_argument("--rest", type=float, default=30.0, help="seconds for which CPU at rest is measured")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--out", type=Path, default=Path("catalog-figures.json"))
    parser.add_argument(
        "--quick", action="store_true", help="1,000 and 20,000 entities, few repeats, no rest"
    )
    asked = parser.parse_args()
    if asked.quick:
        asked.entities, asked.large, asked.repeats, asked.rest = 1_000, 50_000, 7, 2.0
    figures: dict[str, Any] = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    figures["machine"] = {
        "date": datetime.now(UTC).date().isoformat(), "python": platform.python_version(),
        "cores": os.cpu_count(), "architecture": platform.machine(),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="catalog-benchmark-") as folder:
        Path(folder).chmod(0o755)  # the user postgres must reach its cluster in it
        for part in asked.parts.split(","):
            if part == "backstage" and asked.peer is None:
                continue
            figures[part] = MEASURES[part](asked, Path(folder) / part)
            asked.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    print(tables.of(figures))


def backstage(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Backstage over PostgreSQL: from the start of the process until nothing waits any more."""
    made = generate(folder / "catalog", asked.entities)
    cluster = Cluster(folder / "postgresql", free_port())
    server = Backstage("backstage", free_port(), folder / "server")
    try:
        server.run(asked.peer.resolve(), [made.root], postgresql=cluster.connection)
        up = server.wait_until_up()
        database = "backstage_plugin_catalog"
        while server.total() < made.visible or cluster.execute(database, QUIET)[0][0]:
            time.sleep(1)
        wall = time.perf_counter() - up
        assert server.process
        ingest = {
            "wall_s": round(wall, 1), "server_cpu_s": cpu_of(server.process.pid), "database_cpu_s": cpu_of(cluster.pid),
        }  # fmt: skip
        print(f"backstage: {ingest}", file=sys.stderr)
        cluster.execute(database, "VACUUM ANALYZE")
        return {"entities": made.entities, "ingest": ingest, **_served(server, asked, [cluster.pid])}
    finally:
        server.stop()
        cluster.stop()


def sqlite(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ours with the graph in SQLite."""
    return _ours(asked, folder, None)


def postgresql(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ours with the graph in PostgreSQL."""
    cluster = Cluster(folder / "postgresql", free_port())
    try:
        cluster.execute("postgres", "CREATE DATABASE graph")
        return _ours(asked, folder, cluster)
    finally:
        cluster.stop()


def _ours(asked: argparse.Namespace, folder: Path, cluster: Cluster | None) -> dict[str, Any]:
    made = generate(folder / "catalog", asked.entities)
    server = _empty(folder, cluster)
    pids = [cluster.pid] if cluster else []
    try:
        ingest = _import(server, [made.root], made.visible, pids)
        print(f"ours: {ingest}", file=sys.stderr)
        if cluster:
            cluster.execute("graph", "VACUUM ANALYZE")
        served = _served(server, asked, pids)
        server.stop()
        return {"entities": made.entities, "ingest": ingest, **served, "cold_start": _cold_start(server)}
    finally:
        server.stop()


def large(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ours alone with very many entities, in SQLite: one import of many files, watched on its way."""
    made = generate(folder / "catalog", asked.large, per_file=10_000)
    server = _empty(folder, None)
    try:
        with Progress(server.workspace / "graph.db", made.entities // 5) as progress:
            ingest = _import(server, [made.root], made.visible, [])
        print(f"large: {ingest}, {progress.reached}", file=sys.stderr)
        served = _served(server, asked, [], queries=LARGE)
        server.stop()
        disk = sum(file.stat().st_size for file in server.workspace.rglob("*") if file.is_file()) / 2**20
        return {
            "entities": made.entities, "ingest": ingest, "reached": progress.reached, "disk_mb": round(disk),
            **served, "cold_start": _cold_start(server),
        }  # fmt: skip
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Progress:
    """Notes when each fifth of the entities has been written, by looking into the graph's database from beside."""

    def __init__(self, file: Path, step: int) -> None:
        self.file, self.step = file, step
        self.reached: list[dict[str, float]] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Progress":
        self.started = time.perf_counter()
        self.thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self.ended.set()
        self.thread.join()

    def _watch(self) -> None:
        with contextlib.closing(
            sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=60)
        ) as database:
            while not self.ended.wait(0.5):
                (written,) = database.execute("SELECT coalesce(max(seq), 0) FROM activity").fetchone()
                while written >= self.step * (len(self.reached) + 1) and len(self.reached) < 5:
                    cpu = sum(
                        cpu_of(child) for child in children(os.getpid())
                    )  # the command's and the server's
                    wall = time.perf_counter() - self.started
                    self.reached.append({"wall_s": round(wall, 1), "cpu_s": round(cpu, 1)})


def _empty(folder: Path, cluster: Cluster | None) -> Counterpoint:
    server = Counterpoint("counterpoint", free_port(), folder / "server")
    if cluster:
        server.settings["COUNTERPOINT_GRAPH__URL"] = cluster.url("graph")
    server.create()
    server.serve()
    server.wait_until_up()
    return server


def _import(server: Counterpoint, files: list[Path], visible: int, pids: list[int]) -> dict[str, Any]:
    """Import with the command line beside the running server, until the server shows all of it."""
    assert server.process
    watched = [server.process.pid, *pids]
    before = [cpu_of(pid) for pid in watched]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    server.command("-w", str(server.workspace), "import", "catalog", *map(str, files))
    command = time.perf_counter() - started
    while (shown := server.total()) < visible:
        if time.perf_counter() - started > 3_600:
            raise SystemExit(f"Only {shown} of {visible} entities ever came to be visible.")
        time.sleep(POLL)
    wall = time.perf_counter() - started
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = (now.ru_utime + now.ru_stime) - (children.ru_utime + children.ru_stime)
    cpu = [round(cpu_of(pid) - earlier, 2) for pid, earlier in zip(watched, before, strict=True)]
    return {
        "wall_s": round(wall, 2), "command_s": round(command, 2),
        "server_cpu_s": round(spent + cpu[0], 2), "database_cpu_s": sum(cpu[1:]),
    }  # fmt: skip


def _served(
    server: Server, asked: argparse.Namespace, pids: list[int], queries: tuple[Query, ...] = ORDINARY
) -> dict[str, Any]:
    """CPU at rest, then every query, then many connections; memory at the end."""
    assert server.process
    watched = [server.process.pid, *pids]
    before, started = [cpu_of(pid) for pid in watched], time.perf_counter()
    time.sleep(asked.rest)
    took = time.perf_counter() - started
    rest = [
        round((cpu_of(pid) - earlier) / took * 100, 2) for pid, earlier in zip(watched, before, strict=True)
    ]
    memory = memory_of(server.process.pid)
    found = {query.name: latency(server.port, query, asked.repeats) for query in queries}
    walk = _walk(server) if queries is ORDINARY else None
    loaded = {
        query.name: throughput(server.port, query, 2 if asked.quick else 8)
        for query in queries
        if query.name in LOADED
    }
    return {
        "rest_percent": rest[0], "database_rest_percent": sum(rest[1:]), "memory_mb": round(memory),
        "memory_after_mb": round(sum(memory_of(pid) for pid in family(server.process.pid))),
        "queries": found, "walk_s": walk, "requests_per_second": loaded,
    }  # fmt: skip


def _walk(server: Server) -> dict[str, float]:
    """Seconds for all entities in pages of 200, following the cursors."""
    started, pages, path = time.perf_counter(), 0, "/entities/by-query?limit=200&orderField=metadata.name,asc"
    while path:
        page = server.get(path)
        pages += 1
        cursor = page["pageInfo"].get("nextCursor")
        path = f"/entities/by-query?limit=200&cursor={cursor}" if cursor else ""
    return {"seconds": round(time.perf_counter() - started, 2), "pages": pages}


def _cold_start(server: Counterpoint) -> dict[str, float]:
    """Seconds from the command until the first answer of the catalog, and the CPU until then."""
    started = time.perf_counter()
    server.serve()
    up = server.wait_until_up(POLL)
    assert server.process
    return {"wall_s": round(up - started, 2), "cpu_s": cpu_of(server.process.pid)}


MEASURES = {"backstage": backstage, "sqlite": sqlite, "postgresql": postgresql, "large": large}

if __name__ == "__main__":
    main()
