"""Recall and cost on one fixed split of interactions, beside implicit's ALS tuned as hard, in one run.

    python benchmarks/discover/interactions.py FOLDER [--python PYTHON] [--budget 300] [--peer-budget 1500]
        [--tilt 0.2] [--threads 1] [--options JSON] [--peer-options JSON] [--lists-alone]

FOLDER holds `train.npz` and `test.npz` (SciPy sparse). Options of both come from a search on one slice of `train`, the
same rows of it and the same measure: a fifth of each person's, drawn by how many have an item to the power of `--tilt`,
so that popularity finds as much of the slice as is published of the split. `test` is looked at once, at the end, by the
protocol of the published tables. `--options` and `--peer-options` are what an earlier search found (ours then fits the
item graph). PYTHON has `implicit` (0.7.3 was measured); without it only ours runs. Each part runs in a process of its
own, all at once, and counts its own CPU seconds.
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

from counterpoint.discover import Bench, Protocol, Ranking, Split, evaluate, search
from counterpoint.discover.item_graph import ItemGraph
from counterpoint.discover.methods import fitted
from counterpoint.discover.protocol import ASKED
from counterpoint.discover.ranking import top

PLACES, GROUPS, GROUP = 20, 8, 300
PROTOCOL = Protocol(places=(PLACES,), measures=("recall", "ndcg"))


def cpu() -> float:
    """CPU seconds of this process."""
    return time.process_time()


def told(text: str) -> None:
    """Says how far it is on stderr."""
    print(text, file=sys.stderr, flush=True)


def load(folder: Path, name: str) -> sp.csr_matrix:
    """One matrix of the folder."""
    return sp.csr_matrix(sp.load_npz(folder / f"{name}.npz"))


def judged_on(train: sp.csr_matrix, test: sp.csr_matrix) -> Bench:
    """The published split: who has nothing in it is left out."""
    return PROTOCOL.given(Split(train, train, test))


def slice_of(tilt: float) -> Protocol:
    """What options are chosen by."""
    return Protocol(split="within", tilt=tilt, rows=ASKED, places=(PLACES,), measures=("recall", "ndcg"))


def ours(
    folder: Path, budget: float, tilt: float, options: dict[str, Any] | None, *, alone: bool
) -> dict[str, Any]:
    """Search, fit and rank; unless `alone`, what one listener waits and what two steps lose is measured as well."""
    train, test = load(folder, "train"), load(folder, "test")
    method, trials = "item-graph", 0
    if options is None:
        found = search(train, budget=budget, protocol=slice_of(tilt), said=told)
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
    figures |= measures(judged_on(train, test), ranking)
    told(str({name: each for name, each in figures.items() if name != "items"}))
    if alone:
        return figures
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
    items, scores = [], []
    for start in range(0, train.shape[0], 500):
        rows = train[start : start + 500].astype(np.float32)
        each = model.scores(rows)
        each[rows.nonzero()] = -np.inf
        best = top(each, PLACES)
        items.append(best.items)
        scores.append(best.scores)
    return Ranking(np.vstack(items), np.vstack(scores))


def measures(bench: Bench, ranking: Ranking) -> dict[str, Any]:
    """Each measure with its interval, from lists of everybody."""
    found = bench.evaluated(of_rows(bench, ranking))
    shown = {name: found.measured(name) for name in PROTOCOL.measures}
    return {name: [each.mean, each.low, each.high] for name, each in shown.items()} | {
        "coverage": found.coverage
    }


def of_rows(bench: Bench, ranking: Ranking) -> Ranking:
    """The lists of those who are asked."""
    return Ranking(ranking.items[bench.rows], ranking.scores[bench.rows])


def main() -> None:
    """Measure both, and print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python")
    parser.add_argument("--budget", type=float, default=300.0)
    parser.add_argument("--peer-budget", type=float, default=1500.0)
    parser.add_argument("--tilt", type=float, default=0.2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--options", type=json.loads)
    parser.add_argument("--peer-options", type=json.loads)
    parser.add_argument(
        "--lists-alone", action="store_true", help="fit and lists are measured, and nothing else"
    )
    parser.add_argument("--part", choices=("ours", "people"))
    given = parser.parse_args()
    if given.part == "ours":
        print(
            json.dumps(ours(given.folder, given.budget, given.tilt, given.options, alone=given.lists_alone))
        )
    elif given.part == "people":
        print(json.dumps(people(given.folder, given.options or {})))
    else:
        print(json.dumps(beside(given), indent=2))


def beside(given: argparse.Namespace) -> dict[str, Any]:
    """All parts at once, and then ours less the peer's, paired over people."""
    train, test = load(given.folder, "train"), load(given.folder, "test")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_parts(folder, train, test, given.tilt)
        results = {name: figures(name, process) for name, process in started(folder, given).items()}
    bench, rankings = judged_on(train, test), {}
    for name, each in results.items():
        if name != "people":
            items = np.array(each.pop("items"), dtype=np.int32)
            rankings[name] = of_rows(bench, Ranking(items, np.zeros(items.shape, np.float32)))
            each.update(measures(bench, Ranking(items, np.zeros(items.shape, np.float32))))
    judgement = bench.judged(rankings)
    for measure in PROTOCOL.measures if "implicit" in rankings else ():
        difference = judgement.compared("ours", "implicit", measure)
        between = difference.difference
        results[f"difference of {measure}"] = {
            "mean": [between.mean, between.low, between.high],
            "relative": difference.relative,
            "p": difference.p,
        }
    return results


def write_parts(folder: Path, train: sp.csr_matrix, test: sp.csr_matrix, tilt: float) -> None:
    """The split, and the slice of it that options are chosen by."""
    chosen = slice_of(tilt).bench(train)
    held = sp.lil_matrix(train.shape, dtype=np.float32)
    held[chosen.rows] = chosen.split.held
    where = (np.zeros(len(chosen.rows), int), chosen.rows)
    rows = sp.csr_matrix((np.ones(len(chosen.rows)), where), shape=(1, train.shape[0]))
    parts = {"train": train, "test": test, "kept": chosen.split.fitted, "held": held.tocsr(), "rows": rows}
    for name, matrix in parts.items():
        sp.save_npz(folder / f"{name}.npz", matrix)


def started(folder: Path, given: argparse.Namespace) -> dict[str, subprocess.Popen[str]]:
    """Every part in a process of its own; all run at once, and each counts its own CPU seconds."""
    mine = ["--budget", str(given.budget), "--tilt", str(given.tilt)]
    mine += ["--lists-alone"] if given.lists_alone else []
    mine += ["--options", json.dumps(given.options)] if given.options is not None else []
    parts = ("ours",) if given.lists_alone else ("ours", "people")
    commands = {part: [sys.executable, __file__, str(folder), "--part", part, *mine] for part in parts}
    if given.python:
        peer = Path(__file__).with_name("implicit_als.py")
        commands["implicit"] = [given.python, str(peer), str(folder), "--budget", str(given.peer_budget)]
        commands["implicit"] += ["--threads", str(given.threads)]
        if given.peer_options is not None:
            commands["implicit"] += ["--options", json.dumps(given.peer_options)]
    threads = str(given.threads)
    environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    return {
        name: subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        for name, command in commands.items()
    }


def figures(name: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a part printed at its end."""
    printed, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(printed)
    return found


if __name__ == "__main__":
    main()
