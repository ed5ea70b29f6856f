"""The same fits in this process and on Spark: recall and NDCG from the same options, CPU seconds, time and memory.

    python benchmarks/discover/spark.py [--sizes 1 4] [--folder FOLDER] [--methods als ...] [--engines duckdb ...]

Listeners of planted tastes, 5,000 for each size, who play 40 of 4,000 items each; or FOLDER with `train.npz` and
`test.npz` (SciPy sparse). Each fit runs in a process of its own with two threads, Spark's start included. CPU and memory
are of Python and of Spark's Java together. It needs the extra spark, and Java.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from counterpoint.discover import Model, compare, evaluate, within_rows

ENGINES = ("duckdb", "spark://local[1]", "spark://local[2]")
METHODS: dict[str, tuple[str, dict[str, float]]] = {
    "als": ("als", {"factors": 32, "iterations": 10, "ridge": 0.01, "unobserved": 0.1}),
    "als by known": (
        "als",
        {"factors": 32, "iterations": 10, "ridge": 0.1, "unobserved": 0.1, "constant": 0.0},
    ),
    "item-graph": ("item-graph", {"rank": 64}),
}
"""By what they are called here: the method and its options. The second is MLlib's own objective."""
LISTENERS, ITEMS, PLAYS, KINDS, PLACES = 5_000, 4_000, 40, 40, 20


def planted(size: int, seed: int = 0) -> sp.csr_matrix:
    """Listeners of two kinds each, who mostly play items of them, popular ones more."""
    chance = np.random.default_rng(seed)
    kind = np.arange(ITEMS) % KINDS
    popular = 1 / (1 + np.arange(ITEMS) // KINDS) ** 0.7
    rows, columns = [], []
    for row in range(size * LISTENERS):
        likes = popular * np.where(np.isin(kind, chance.choice(KINDS, 2, replace=False)), 30.0, 1.0)
        # The largest of log weight and Gumbel noise: a draw without replacement (Vieira 2014).
        drawn = np.argpartition(np.log(likes) + chance.gumbel(size=ITEMS), -PLAYS)[-PLAYS:]
        rows.extend([row] * PLAYS)
        columns.extend(drawn.tolist())
    return sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(size * LISTENERS, ITEMS))


def java() -> Path | None:
    """Spark's process, if it runs."""
    spark = sys.modules.get("counterpoint.journal.engines.spark")
    if spark is None or spark._running is None:
        return None
    return Path(f"/proc/{spark._running.sparkContext._gateway.proc.pid}")


def processor() -> float:
    """CPU seconds of this process and of Spark's."""
    if (process := java()) is None:
        return time.process_time()
    user, system = (process / "stat").read_text("utf-8").rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def peak() -> float:
    """The most memory that both had, in GB."""
    most = 0.0
    for process in filter(None, (Path("/proc/self"), java())):
        found = re.search(r"VmHWM:\s+(\d+)", (process / "status").read_text("utf-8"))
        most += int(found[1]) / 2**20 if found else 0.0
    return most


def one(folder: Path, method: str, engine: str) -> dict[str, Any]:
    """Fit once, rank, and keep what each listener's list was worth."""
    train = sp.csr_matrix(sp.load_npz(folder / "train.npz"))
    before, spent = time.perf_counter(), processor()
    if engine != "duckdb":
        from counterpoint.engine import read_engine
        from counterpoint.journal.engines.spark import SparkEngine

        _ = SparkEngine(folder, read_engine(engine), None).connection
    started, started_cpu = time.perf_counter() - before, processor() - spent
    before, spent = time.perf_counter(), processor()
    name, options = METHODS[method]
    model = Model(name, options=options, engine=engine).fit(train)
    figures = {"fit_wall_s": time.perf_counter() - before, "fit_cpu_s": processor() - spent}
    figures |= {"start_wall_s": started, "start_cpu_s": started_cpu, "peak_gb": peak()}
    ranking = model.recommend(train, PLACES)
    np.save(folder / f"{method} {engine.replace('/', ' ')}.npy", ranking.items)
    return {name: round(value, 2) for name, value in figures.items()}


def measured(folder: Path, methods: Sequence[str], engines: Sequence[str]) -> dict[str, Any]:
    """Methods and engines over one split."""
    from counterpoint.discover.ranking import Ranking

    train, test = (sp.csr_matrix(sp.load_npz(folder / f"{name}.npz")) for name in ("train", "test"))
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    figures: dict[str, Any] = {"interactions": int(train.nnz)}
    for method in methods:
        found = {}
        for engine in engines:
            command = [sys.executable, __file__, "--one", str(folder), method, engine]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True)
            items = np.load(folder / f"{method} {engine.replace('/', ' ')}.npy")
            found[engine] = evaluate(Ranking(items, np.zeros(items.shape, np.float32)), test, train)
            figures[f"{method} on {engine}"] = each = json.loads(done.stdout.splitlines()[-1])
            for measure in ("recall", "ndcg"):
                apart = compare(found[engine], found["duckdb"], measure).difference
                each[measure] = round(found[engine].measured(measure).mean, 4)
                each[f"{measure} beside duckdb's"] = [
                    round(at, 4) for at in (apart.mean, apart.low, apart.high)
                ]
            print(method, engine, each, file=sys.stderr, flush=True)
    return figures


def measure(
    sizes: Sequence[int] = (1, 4),
    folder: Path | None = None,
    methods: Sequence[str] = tuple(METHODS),
    engines: Sequence[str] = ENGINES,
) -> dict[str, object]:
    """Every size, or the split in a folder."""
    if folder is not None:
        with tempfile.TemporaryDirectory() as made:
            for name in ("train", "test"):
                sp.save_npz(Path(made) / f"{name}.npz", sp.load_npz(folder / f"{name}.npz").tocsr())
            return measured(Path(made), methods, engines)
    figures: dict[str, object] = {}
    for size in sizes:
        split = within_rows(planted(size), 0.2)
        with tempfile.TemporaryDirectory() as made:
            sp.save_npz(Path(made) / "train.npz", split.fitted)
            sp.save_npz(Path(made) / "test.npz", split.held)
            figures[f"{size * LISTENERS:,} listeners"] = measured(Path(made), methods, engines)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=list(METHODS))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--one", nargs=3)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(Path(asked.one[0]), *asked.one[1:])))
    else:
        print(json.dumps(measure(asked.sizes, asked.folder, asked.methods, asked.engines), indent=2))
