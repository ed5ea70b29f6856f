"""What fitting the item graph costs as listeners and items grow, on made-up listening with planted tastes.

    python benchmarks/discover/scale.py [--listeners 100000] [--items 50000] [--each 100] [--halvings 2] [--plot FILE]

Fits the largest size first, then halves the listeners, and then the items, `--halvings` times each, every fit in a
process of its own with one thread. Prints JSON; `--plot` writes an SVG of CPU seconds over interactions and items.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

TASTES, OWN, FALL, FLAT = 200, 0.6, 0.8, 20
"""Tastes; the share of listening that is one's own; popularity falls as (place + FLAT) ** -FALL."""
SPREAD, SURPLUS, ASKED = 0.8, 1.36, 2000
"""The spread of the logarithm of a length, what is drawn for each that is wanted, listeners that are ranked for."""


def listening(listeners: int, items: int, each: int, *, seed: int = 0) -> sp.csr_matrix:
    """Listeners who have `each` items on average, most of them of their own tastes, popular ones more often.

    Lengths are log-normal, from 5 to 3,000. What is drawn twice counts once, so that what is asked for is drawn
    with a surplus, and a little less or more comes back.
    """
    chance = np.random.default_rng(seed)
    lengths = np.exp(chance.normal(np.log(each) - SPREAD**2 / 2, SPREAD, listeners)) * SURPLUS
    lengths = np.clip(lengths, 5, 3000).astype(np.int64)
    taste, order = np.arange(listeners) % TASTES, chance.permutation(items)
    popular = np.cumsum((np.arange(items) + FLAT) ** -FALL)
    rows = np.repeat(np.arange(listeners), lengths)
    own = chance.random(len(rows)) < OWN
    found = np.searchsorted(popular, chance.random(len(rows)) * popular[-1])
    # An item of one's own taste is the nearest to a drawn one that has it: as popular as what was drawn.
    found[own] = found[own] // TASTES * TASTES + taste[rows[own]]
    columns = order[np.minimum(found, items - 1)]
    matrix = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(listeners, items))
    matrix.data[:] = 1
    return matrix


def measured(listeners: int, items: int, each: int) -> dict[str, Any]:
    """One fit: CPU seconds of its parts, the most memory that it took, and how fast it ranks."""
    from counterpoint.discover.item_graph import ItemGraph

    matrix = listening(listeners, items, each)
    began, steps = time.process_time(), []
    model = ItemGraph.fit(matrix, said=lambda text: steps.append((text, time.process_time())))
    ended = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    times = [at for _, at in steps[1:]] + [ended]
    parts = {text: round(after - at, 2) for (text, at), after in zip(steps, times, strict=True)}
    started = time.process_time()
    model.rank(matrix[:ASKED], 20)
    ranked = time.process_time() - started
    return {
        "listeners": listeners,
        "items": items,
        "interactions": int(matrix.nnz),
        "pairs": int((np.diff(matrix.indptr).astype(np.int64) ** 2).sum()),
        "fit": round(ended - began, 3),
        "parts": parts,
        "peak": round(peak, 2),
        "usersPerSecond": round(ASKED / ranked),
    }


def called(listeners: int, items: int, each: int) -> dict[str, Any]:
    """One size in a process of its own, so that its memory is its own."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--listeners", str(listeners), "--items", str(items)]
    command += ["--each", str(each), "--one"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    print(json.dumps(figures), file=sys.stderr, flush=True)
    return figures


def slope(sizes: list[float], seconds: list[float]) -> float:
    """The power of the size by which the cost grows: 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def plot(series: dict[str, list[tuple[float, float]]]) -> str:
    """CPU seconds over size, both on logarithmic axes; the thin line is linear growth from the largest size."""
    width, height, edge = 320, 240, 48
    panels = []
    for at, (name, points) in enumerate(series.items()):
        x, y = np.log2([each[0] for each in points]), np.log2([each[1] for each in points])
        low, high = np.floor(min(y.min(), y.max() - (x.max() - x.min()))), np.ceil(y.max())
        across = edge + (x - x.min()) / max(x.max() - x.min(), 1e-9) * (width - 2 * edge) + at * width
        down = height - edge - (y - low) / (high - low) * (height - 2 * edge)
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
        linear = height - edge - (y.max() - (x.max() - x) - low) / (high - low) * (height - 2 * edge)
        thin = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, linear, strict=True))
        panels.append(f'<polyline points="{thin}" fill="none" stroke="#888" stroke-dasharray="4 4"/>')
        panels.append(f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="2"/>')
        for a, (size, seconds), b in zip(across, points, down, strict=True):
            panels.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="#2563eb"/>')
            panels.append(f'<text x="{a:.1f}" y="{b - 8:.1f}" text-anchor="middle">{seconds:.0f} s</text>')
            shown = f"{size / 1e6:.1f} M" if size >= 1e6 else f"{size / 1e3:.0f} k"
            panels.append(f'<text x="{a:.1f}" y="{height - edge + 16}" text-anchor="middle">{shown}</text>')
        middle = at * width + width / 2
        panels.append(f'<text x="{middle:.0f}" y="{height - 8}" text-anchor="middle">{name}</text>')
    body = "\n".join(panels)
    title = "CPU seconds of a fit; dashed: linear"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * len(series)} {height}" role="img" '
        f'font-family="sans-serif" font-size="11" fill="#777"><title>{title}</title>\n'
        f'<text x="12" y="20">{title}</text>\n{body}\n</svg>\n'
    )


def main() -> None:
    """Measure every size, and print how cost grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listeners", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--halvings", type=int, default=2)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--one", action="store_true")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.listeners, given.items, given.each)))
        return
    sizes = [(given.listeners >> by, given.items) for by in range(given.halvings + 1)]
    fewer = [(sizes[-1][0], given.items >> by) for by in range(1, given.halvings + 1)]
    found = [called(listeners, items, given.each) for listeners, items in sizes + fewer]
    more, wider = found[: len(sizes)], found[len(sizes) - 1 :]
    series = {
        "interactions": [(each["interactions"], each["fit"]) for each in reversed(more)],
        "items": [(each["items"], each["fit"]) for each in reversed(wider)],
    }
    powers = {name: slope(*map(list, zip(*points, strict=True))) for name, points in series.items()}
    if given.plot:
        given.plot.write_text(plot(series))
    print(json.dumps({"fits": found, "powers": powers}, indent=2))


if __name__ == "__main__":
    main()
