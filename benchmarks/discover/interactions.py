"""Recall and cost on one fixed split of interactions, beside implicit's ALS tuned as hard, in one run.

    python benchmarks/discover/interactions.py FOLDER [--python PYTHON] [--budget 300] [--threads 1]
        [--options JSON] [--peer-options JSON]

FOLDER holds `train.npz` and `test.npz` (SciPy sparse). Options come from a search on a slice of `train`, for ours
and for the peer on the same slice and the same rows of it, by the same measure, one option at a time as long as it
helps, for as many CPU seconds; `test` is looked at once, at the end. `--options` and `--peer-options` are what an
earlier search found (ours then fits the item graph). PYTHON has `implicit`; without it only ours runs. Each part
runs in a process of its own, all at once.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

PLACES, GROUPS, GROUP = 20, 8, 300
STARTS = [
    {"factors": 128, "regularization": 10.0, "alpha": 40.0, "iterations": 15},
    {"factors": 256, "regularization": 30.0, "alpha": 40.0, "iterations": 15},
]
STEPS: dict[str, tuple[float, ...]] = {
    "regularization": (1.0, 10.0, 100.0),
    "alpha": (3.0, 10.0, 100.0),
    "factors": (64, 512),
    "iterations": (30,),
}


def cpu() -> float:
    """CPU seconds of this process."""
    return time.process_time()


def told(text: str) -> None:
    """Says how far it is on stderr."""
    print(text, file=sys.stderr, flush=True)


def load(folder: Path, name: str) -> sp.csr_matrix:
    """One matrix of the folder."""
    return sp.csr_matrix(sp.load_npz(folder / f"{name}.npz"))


def ours(folder: Path, budget: float, options: dict[str, Any] | None) -> dict[str, Any]:
    """Search, fit and rank."""
    from counterpoint.discover import evaluate, search
    from counterpoint.discover.item_graph import ItemGraph
    from counterpoint.discover.methods import fitted

    train, test = load(folder, "train"), load(folder, "test")
    method, trials = "item-graph", 0
    if options is None:
        found = search(train, budget=budget, said=told)
        method, options, trials = found.best.method, dict(found.best.options), len(found.trials)
    started = cpu()
    model = fitted(method, train, options, seed=0)
    fit = cpu() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started = cpu()
    ranking = model.rank(train, PLACES)
    batch = cpu() - started
    figures: dict[str, Any] = {"method": method, "options": options, "trials": trials}
    figures |= {"fit": fit, "peak": peak}
    figures |= {"usersPerSecond": train.shape[0] / batch, "items": ranking.items.tolist()}
    figures |= measures(evaluate(ranking, test, train))
    told(str({name: each for name, each in figures.items() if name != "items"}))
    waits, spent = [], []
    for row in range(1000):
        one = train[row]
        began, started = time.perf_counter(), cpu()
        model.rank(one, PLACES)
        spent.append((cpu() - started) * 1000)
        waits.append((time.perf_counter() - began) * 1000)
    for name, each in (("wall", waits), ("cpu", spent)):
        figures[f"oneListener.{name}"] = [float(np.quantile(each, at)) for at in (0.5, 0.95)]
    exact = 0.0
    if isinstance(model, ItemGraph):
        some = np.random.default_rng(0).choice(train.shape[0], min(train.shape[0], 5000), replace=False)
        dense = evaluate(dense_ranking(model, train[some]), test[some], train).measured("recall").mean
        exact = dense - evaluate(model.rank(train[some], PLACES), test[some], train).measured("recall").mean
    figures["lossOfTwoSteps"] = exact
    return figures


def people(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    """People that a fit has never seen: folded in, and added to its graph, against a fit that has them.

    Groups of people are left out, each small beside the rest: a fit without a tenth of the people has lost what
    these people say of others, which no folding in could bring back.
    """
    from counterpoint.discover import evaluate
    from counterpoint.discover.item_graph import ItemGraph
    from counterpoint.discover.methods import fitted

    train, test = load(folder, "train"), load(folder, "test")
    model = fitted("item-graph", train, options, seed=0)
    assert isinstance(model, ItemGraph)
    found: dict[str, Any] = {}
    cold, grown = [], []
    for seed, size in enumerate([1000] + [GROUP] * GROUPS):
        out = np.zeros(train.shape[0], dtype=bool)
        out[np.random.default_rng(seed).choice(train.shape[0], size, replace=False)] = True
        before = ItemGraph.fit(train[~out], model.options)
        started = cpu()
        added = before.added(train[out])
        if size == 1000:
            found["added"] = cpu() - started
            found["addedApart"] = float(abs(added.together - model.together).max() / model.together.max())
            told(str(found))
            continue
        warm, folded, more = (
            evaluate(each.rank(train[out], PLACES), test[out], train).values["recall"]
            for each in (model, before, added)
        )
        cold.append(warm - folded)
        grown.append(warm - more)
        told(f"{size} new people: {cold[-1].mean():.5f}, {grown[-1].mean():.5f}")
    for name, each in (("foldInLoss", cold), ("addedLoss", grown)):
        every = np.concatenate(each)
        half = 1.96 * every.std(ddof=1) / np.sqrt(len(every))
        found[name] = [float(every.mean()), float(every.mean() - half), float(every.mean() + half)]
    return found


def dense_ranking(model: Any, train: sp.csr_matrix) -> Any:
    """Every item scored for every row: what two steps must not lose against."""
    from counterpoint.discover.ranking import Ranking, top

    items, scores = [], []
    for start in range(0, train.shape[0], 500):
        rows = train[start : start + 500].astype(np.float32)
        each = model.scores(rows)
        each[rows.nonzero()] = -np.inf
        best = top(each, PLACES)
        items.append(best.items)
        scores.append(best.scores)
    return Ranking(np.vstack(items), np.vstack(scores))


def measures(found: Any) -> dict[str, Any]:
    """Each measure with its interval."""
    shown = {name: found.measured(name) for name in ("recall", "ndcg")}
    return {name: [each.mean, each.low, each.high] for name, each in shown.items()} | {
        "coverage": found.coverage
    }


def peer(folder: Path, budget: float, threads: int, chosen: dict[str, Any] | None) -> dict[str, Any]:
    """implicit's ALS, its options from the same slice in the same CPU seconds."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from implicit.als import AlternatingLeastSquares

    train = load(folder, "train").astype(np.float32)
    kept, held, rows = (load(folder, name).astype(np.float32) for name in ("kept", "held", "rows"))
    asked = rows.indices
    started, tried = cpu(), []

    def worth(options: dict[str, Any]) -> None:
        model = AlternatingLeastSquares(random_state=0, num_threads=threads, use_gpu=False, **options)
        model.fit(kept, show_progress=False)
        found, _ = model.recommend(asked, kept[asked], N=PLACES, filter_already_liked_items=True)
        hits = [
            len(set(each) & set(held[row].indices)) / held[row].nnz
            for each, row in zip(found, asked, strict=True)
        ]
        tried.append((float(np.mean(hits)), options))
        told(str(tried[-1]))

    def best() -> dict[str, Any]:
        return max(tried, key=lambda each: each[0])[1]

    if chosen:
        tried.append((1.0, chosen))
    for options in [] if chosen else STARTS:
        worth(options)
    before: dict[str, Any] = {}
    while not chosen and best() != before and cpu() - started < budget:
        before = best()
        for name, values in STEPS.items():
            for value in values:
                options = {**best(), name: value}
                if options not in [each for _, each in tried] and cpu() - started < budget:
                    worth(options)
    options = best()
    started = cpu()
    model = AlternatingLeastSquares(random_state=0, num_threads=threads, use_gpu=False, **options)
    model.fit(train, show_progress=False)
    fit = cpu() - started
    started = cpu()
    found, _ = model.recommend(np.arange(train.shape[0]), train, N=PLACES, filter_already_liked_items=True)
    batch = cpu() - started
    return {
        "options": options,
        "fit": fit,
        "trials": len(tried),
        "usersPerSecond": train.shape[0] / batch,
        "items": found.tolist(),
    }


def main() -> None:
    """Measure both, and print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python")
    parser.add_argument("--budget", type=float, default=300.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--options", type=json.loads)
    parser.add_argument("--peer-options", type=json.loads)
    parser.add_argument("--part", choices=("ours", "people", "peer"))
    given = parser.parse_args()
    if given.part:
        match given.part:
            case "ours":
                found = ours(given.folder, given.budget, given.options)
            case "people":
                found = people(given.folder, given.options or {})
            case _:
                found = peer(given.folder, given.budget, given.threads, given.peer_options)
        print(json.dumps(found))
        return
    from counterpoint.discover import Ranking, compare, evaluate
    from counterpoint.discover.search import ASKED, validation

    train, test = load(given.folder, "train"), load(given.folder, "test")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        split = validation(train.astype(np.float32), None, seed=0)
        rows = np.flatnonzero(np.diff(split.held.indptr))
        rows = np.sort(np.random.default_rng(0).choice(rows, min(ASKED, len(rows)), replace=False))
        wanted = sp.csr_matrix(
            (np.ones(len(rows)), (np.zeros(len(rows), int), rows)), shape=(1, train.shape[0])
        )
        for name, matrix in (
            ("train", train),
            ("test", test),
            ("kept", split.fitted),
            ("held", split.held),
            ("rows", wanted),
        ):
            sp.save_npz(folder / f"{name}.npz", matrix)
        started = {part: called(sys.executable, folder, part, given) for part in ("ours", "people")}
        if given.python:
            started["implicit"] = called(given.python, folder, "peer", given)
        results = {name: figures(name, process) for name, process in started.items()}
    shown = {}
    for name, each in results.items():
        if name == "people":
            continue
        items = np.array(each.pop("items"), dtype=np.int32)
        shown[name] = evaluate(Ranking(items, np.zeros(items.shape, np.float32)), test, train)
        each.update(measures(shown[name]))
    if "implicit" in shown:
        for measure in ("recall", "ndcg"):
            difference = compare(shown["ours"], shown["implicit"], measure)
            between = difference.difference
            results[f"difference of {measure}"] = {
                "mean": [between.mean, between.low, between.high],
                "relative": difference.relative,
                "p": difference.p,
            }
    print(json.dumps(results, indent=2))


def called(python: str, folder: Path, part: str, given: argparse.Namespace) -> subprocess.Popen[str]:
    """One part in a process of its own; both run at once, and each counts its own CPU seconds."""
    threads = str(given.threads)
    environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    command = [python, __file__, str(folder), "--budget", str(given.budget), "--threads", threads]
    command += ["--part", part]
    for name, value in (("--options", given.options), ("--peer-options", given.peer_options)):
        command += [name, json.dumps(value)] if value is not None else []
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)


def figures(name: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a part printed at its end."""
    printed, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(printed)
    return found


if __name__ == "__main__":
    main()
