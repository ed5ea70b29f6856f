"""implicit's ALS, searched on a validation slice and fitted to all; run by `interactions.py`, in an environment that has implicit.

    python benchmarks/discover/implicit_als.py FOLDER [--budget 1500] [--threads 1] [--options JSON]

FOLDER holds `train.npz`, and of the slice `kept.npz`, `held.npz` and `rows.npz` (the rows that are asked about). Starts
over the whole range are tried first; the best is then improved one option at a time by a factor, up and down, as long
as that helps, and then by smaller factors, until the budget of CPU seconds is spent. It never sees what is judged.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

PLACES = 20
STARTS: list[dict[str, Any]] = [
    {"factors": 128, "alpha": alpha, "regularization": ridge, "iterations": 15}
    for alpha in (3.0, 10.0, 40.0)
    for ridge in (1.0, 10.0)
]
RANGES = {
    "alpha": (0.5, 400.0),
    "regularization": (0.001, 1000.0),
    "iterations": (5, 40),
    "factors": (64, 512),
}
"""In the order in which options are changed: what costs most last."""
FACTORS = (2.0, 1.4)
"""By how much an option is changed, first and then."""


def load(folder: Path, name: str) -> sp.csr_matrix:
    """One matrix of the folder."""
    return sp.csr_matrix(sp.load_npz(folder / f"{name}.npz")).astype(np.float32)


def model_of(options: dict[str, Any], threads: int) -> Any:
    """The model, not fitted."""
    from implicit.als import AlternatingLeastSquares

    return AlternatingLeastSquares(random_state=0, num_threads=threads, use_gpu=False, **options)


def searched(folder: Path, budget: float, threads: int) -> list[tuple[float, dict[str, Any]]]:
    """Every trial with its recall on the slice."""
    kept, held, asked = load(folder, "kept"), load(folder, "held"), load(folder, "rows").indices
    tried: list[tuple[float, dict[str, Any]]] = []
    started = time.process_time()
    for options in proposals(tried):
        if time.process_time() - started > budget:
            break
        model = model_of(options, threads)
        model.fit(kept, show_progress=False)
        found, _ = model.recommend(asked, kept[asked], N=PLACES, filter_already_liked_items=True)
        each = [
            len(set(row) & set(held[at].indices)) / held[at].nnz for row, at in zip(found, asked, strict=True)
        ]
        tried.append((float(np.mean(each)), options))
        print(f"{time.process_time() - started:7.0f} s {tried[-1]}", file=sys.stderr, flush=True)
    return tried


def proposals(tried: list[tuple[float, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """What to try next, looking at what came of what was tried."""
    yield from STARTS
    for factor in FACTORS:
        before: dict[str, Any] | None = None
        while best(tried) != before:
            before = best(tried)
            for name, (least, most) in RANGES.items():
                for by in (factor, 1 / factor):
                    while True:  # on in this direction, as long as it helps
                        was = best(tried)
                        value = min(max(was[name] * by, least), most)
                        options = {**was, name: type(was[name])(round(value, 6))}
                        if options in [each for _, each in tried]:
                            break
                        yield options
                        if best(tried) == was:
                            break


def best(tried: list[tuple[float, dict[str, Any]]]) -> dict[str, Any]:
    """The options that found most."""
    return max(tried, key=lambda each: each[0])[1]


def main() -> None:
    """Search unless options are given, fit to all, rank, and print what came out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budget", type=float, default=1500.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--options", type=json.loads)
    given = parser.parse_args()
    tried = [] if given.options else searched(given.folder, given.budget, given.threads)
    options = given.options or best(tried)
    train = load(given.folder, "train")
    model = model_of(options, given.threads)
    started = time.process_time()
    model.fit(train, show_progress=False)
    fit = time.process_time() - started
    started = time.process_time()
    found, _ = model.recommend(np.arange(train.shape[0]), train, N=PLACES, filter_already_liked_items=True)
    batch = time.process_time() - started
    figures = {
        "options": options,
        "trials": len(tried),
        "validation": [[recall, each] for recall, each in sorted(tried, key=lambda each: -each[0])[:5]],
        "fit": fit,
        "usersPerSecond": train.shape[0] / batch,
        "items": found.tolist(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
