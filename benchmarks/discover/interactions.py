"""Recall and cost on one fixed split of interactions, beside implicit's ALS tuned as hard, in one run.

    python benchmarks/discover/interactions.py FOLDER [--python PYTHON] [--budget 300]

FOLDER holds `train.npz` and `test.npz` (SciPy sparse). Options come from a search on a slice of `train`, for ours
and for the peer with the same slice, measure and CPU seconds; `test` is looked at once, at the end. PYTHON has
`implicit`; without it only ours runs. Each fit runs in a process of its own with two threads.
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

PLACES, THREADS = 20, "2"
ALS = [
    {"factors": factors, "regularization": ridge, "alpha": alpha, "iterations": 15}
    for factors in (64, 128)
    for alpha in (1.0, 5.0, 20.0)
    for ridge in (0.01, 1.0, 10.0)
]


def cpu() -> float:
    """CPU seconds of this process."""
    return time.process_time()


def load(folder: Path, name: str) -> sp.csr_matrix:
    """One matrix of the folder."""
    return sp.csr_matrix(sp.load_npz(folder / f"{name}.npz"))


def ours(folder: Path, budget: float) -> dict[str, Any]:
    """Search, fit, rank and add rows."""
    from counterpoint.discover import evaluate, search
    from counterpoint.discover.item_graph import ItemGraph
    from counterpoint.discover.methods import fitted

    train, test = load(folder, "train"), load(folder, "test")
    found = search(train, budget=budget, said=lambda text: print(text, file=sys.stderr, flush=True))
    options = dict(found.best.options)
    started = cpu()
    model = fitted(found.best.method, train, options, seed=0)
    fit = cpu() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started = cpu()
    ranking = model.rank(train, PLACES)
    batch = cpu() - started
    figures = {
        "method": found.best.method,
        "options": options,
        "fit": fit,
        "peak": peak,
        "trials": len(found.trials),
    }
    figures |= {"usersPerSecond": train.shape[0] / batch, "items": ranking.items.tolist()}
    figures |= measures(evaluate(ranking, test, train))
    waits = []
    for row in range(500):
        one = train[row]
        started = time.perf_counter()
        model.rank(one, PLACES)
        waits.append((time.perf_counter() - started) * 1000)
    figures |= {"p50": float(np.quantile(waits, 0.5)), "p95": float(np.quantile(waits, 0.95))}
    exact = 0.0
    if isinstance(model, ItemGraph):
        dense = evaluate(dense_ranking(model, train), test, train).measured("recall").mean
        exact = dense - figures["recall"][0]
        before = ItemGraph.fit(train[:-1000], model.options)
        started = cpu()
        grown = before.added(train[-1000:])
        figures["added"] = cpu() - started
        apart = abs(grown.together - model.together)
        figures["addedApart"] = float(apart.max() / model.together.max())
        folded = evaluate(grown.rank(train[-1000:], PLACES), test[-1000:], train).measured("recall").mean
        cold = evaluate(before.rank(train[-1000:], PLACES), test[-1000:], train).measured("recall").mean
        warm = evaluate(model.rank(train[-1000:], PLACES), test[-1000:], train).measured("recall").mean
        figures |= {"foldInLoss": warm - cold, "addedLoss": warm - folded}
    figures["lossOfTwoSteps"] = exact
    return figures


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


def peer(folder: Path, budget: float) -> dict[str, Any]:
    """implicit's ALS, its options from the same slice in the same CPU seconds."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from implicit.als import AlternatingLeastSquares

    train = load(folder, "train").astype(np.float32)
    kept, held, rows = (load(folder, name).astype(np.float32) for name in ("kept", "held", "rows"))
    asked = rows.indices
    started, tried = cpu(), []
    for options in ALS:
        if tried and cpu() - started > budget:
            break
        model = AlternatingLeastSquares(random_state=0, num_threads=2, use_gpu=False, **options)
        model.fit(kept, show_progress=False)
        found, _ = model.recommend(asked, kept[asked], N=PLACES, filter_already_liked_items=True)
        hits = [
            len(set(each) & set(held[row].indices)) / held[row].nnz
            for each, row in zip(found, asked, strict=True)
        ]
        tried.append((float(np.mean(hits)), options))
        print(tried[-1], file=sys.stderr, flush=True)
    options = max(tried, key=lambda each: each[0])[1]
    started = cpu()
    model = AlternatingLeastSquares(random_state=0, num_threads=2, use_gpu=False, **options)
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
    parser.add_argument("--part", choices=("ours", "peer"))
    given = parser.parse_args()
    if given.part:
        figures = (ours if given.part == "ours" else peer)(given.folder, given.budget)
        print(json.dumps(figures))
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
        results = {"ours": called(sys.executable, folder, given.budget, "ours")}
        if given.python:
            results["implicit"] = called(given.python, folder, given.budget, "peer")
    shown = {}
    for name, each in results.items():
        items = np.array(each.pop("items"), dtype=np.int32)
        shown[name] = evaluate(Ranking(items, np.zeros(items.shape, np.float32)), test, train)
        each.update(measures(shown[name]))
    if "implicit" in shown:
        for measure in ("recall", "ndcg"):
            found = compare(shown["ours"], shown["implicit"], measure)
            difference = [found.difference.mean, found.difference.low, found.difference.high]
            results[f"difference of {measure}"] = {
                "mean": difference,
                "relative": found.relative,
                "p": found.p,
            }
    print(json.dumps(results, indent=2))


def called(python: str, folder: Path, budget: float, part: str) -> dict[str, Any]:
    """One part in a process of its own."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": THREADS, "OMP_NUM_THREADS": THREADS}
    command = [python, __file__, str(folder), "--budget", str(budget), "--part", part]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main()
