"""Playlists continued from their title, 1, 5 and 25 tracks, beside popularity, item-item and ALS, each tuned.

    python benchmarks/discover/playlists.py [--structures themes runs ...] [--seed 0] [--slices FILE ...]

Playlists are made up with a planted structure (`made_playlists.py`), four fifths of their number to fit and 2,000 more of
the same kind held out, so that intervals are narrow; or read from slices in the Million Playlist format, a fifth of them
held out. The first tracks and the title of those are given, the rest should come, among the first 500 places as in the
Million Playlist Dataset challenge (Chen et al. 2018). Options of the peers are chosen by the mean of NDCG and R-precision on
another fifth, for each number of given tracks apart, from a first fit on the rest; ours are chosen by `Continuation.fit`
itself. Intervals are 95 % over playlists, paired with the best peer.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint.discover import Continuation, Model, Playlist, compare, evaluate
from counterpoint.discover.evaluation import Evaluation
from counterpoint.discover.files import read_playlists
from counterpoint.discover.playlists import playlist_matrix

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.discover.made_playlists import TUNED, UNSEEN, made

GIVEN, PLACES, HELD = (0, 1, 5, 25), 500, 2000
STRUCTURES = {**TUNED, **UNSEEN}
MEASURES = ("r-precision", "ndcg")
PEERS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "popularity": [{}],
    "neighbours": [
        {"weighting": weighting, "neighbours": neighbours}
        for weighting in ("cosine", "tf-idf", "bm25")
        for neighbours in (50, 200, 800)
    ],
    "als": [
        {"factors": factors, "ridge": ridge, "unobserved": unobserved}
        for factors in (16, 64)
        for ridge in (0.003, 0.03, 0.1)
        for unobserved in (0.03, 0.3)
    ],
}


def cut(playlists: Sequence[Playlist], given: int) -> tuple[list[Playlist], list[Playlist]]:
    """What is given of those that have more, and what should come."""
    longer = [each for each in playlists if len(each.tracks) > given]
    seeds = [Playlist(each.tracks[:given], each.title) for each in longer]
    return seeds, [Playlist(tuple(set(each.tracks[given:]) - set(each.tracks[:given]))) for each in longer]


def worth(found: Evaluation) -> float:
    """What options are chosen by."""
    return sum(found.measured(each).mean for each in MEASURES) / len(MEASURES)


def measured(seen: list[Playlist], unseen: list[Playlist], tracks: int, seed: int = 0) -> dict[str, Any]:
    """Ours and the peers from each number of given tracks."""
    started = time.process_time()
    ours = Continuation.fit(seen, tracks, seed=seed)
    figures: dict[str, Any] = {"fit_cpu_s": round(time.process_time() - started, 1)}
    figures["weights"] = {given: list(mix) for given, mix in ours.weights.items()}
    train = playlist_matrix(seen, tracks)
    held = {given: cut(unseen, given) for given in GIVEN}
    tested = {
        given: evaluate(ours.recommend(seeds, PLACES), playlist_matrix(rest, tracks), train)
        for given, (seeds, rest) in held.items()
    }
    best = _peers(seen, held, tracks)
    for given in GIVEN:
        for measure in MEASURES:
            peers = {name: found[given].measured(measure).mean for name, found in best.items()}
            name = max(peers, key=lambda each: peers[each])
            apart = compare(tested[given], best[name][given], measure)
            figures[f"{given} given, {measure}"] = {
                "ours": round(tested[given].measured(measure).mean, 4),
                **{each: round(value, 4) for each, value in peers.items()},
                "beside": name,
                "difference": [
                    round(at, 4)
                    for at in (apart.difference.mean, apart.difference.low, apart.difference.high)
                ],
            }
    return figures


def _peers(
    seen: list[Playlist], held: Mapping[int, tuple[list[Playlist], list[Playlist]]], tracks: int
) -> dict[str, dict[int, Evaluation]]:
    """Each peer with the options that were best for that many tracks on a slice of what is fitted."""
    slice_of = len(seen) // 4
    first, judged = playlist_matrix(seen[slice_of:], tracks), seen[:slice_of]
    cuts = {given: cut(judged, given) for given in GIVEN}
    train = playlist_matrix(seen, tracks)
    found: dict[str, dict[int, Evaluation]] = {}
    for name, grid in PEERS.items():
        best: dict[int, tuple[float, Mapping[str, Any]]] = {}
        for options in grid:
            model = Model(name, options=options).fit(first)
            for given, (seeds, rest) in cuts.items():
                ranking = model.recommend(playlist_matrix(seeds, tracks), PLACES)
                value = worth(evaluate(ranking, playlist_matrix(rest, tracks), first))
                if given not in best or value > best[given][0]:
                    best[given] = value, options
        found[name] = {}
        for given, (seeds, rest) in held.items():
            ranking = (
                Model(name, options=best[given][1])
                .fit(train)
                .recommend(playlist_matrix(seeds, tracks), PLACES)
            )
            found[name][given] = evaluate(ranking, playlist_matrix(rest, tracks), train)
    return found


def measure(
    names: Sequence[str] = tuple(STRUCTURES), slices: Sequence[Path] = (), seed: int = 0
) -> dict[str, object]:
    """Every structure, or the slices."""
    if slices:
        playlists, tracks = read_playlists(slices)
        order = np.random.default_rng(seed).permutation(len(playlists))
        fifth = max(1, len(playlists) // 5)
        parts = [[playlists[at] for at in each] for each in (order[fifth:], order[:fifth])]
        return {"slices": measured(*parts, len(tracks), seed)}
    figures: dict[str, object] = {}
    for name in names:
        structure = STRUCTURES[name]
        playlists = made(structure, seed, more=HELD)
        seen = playlists[: structure.count * 4 // 5]
        figures[name] = found = measured(seen, playlists[structure.count :], structure.tracks, seed)
        print(name, json.dumps(found, indent=1), file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--structures", nargs="+", default=list(STRUCTURES), choices=list(STRUCTURES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slices", type=Path, nargs="+", default=[])
    asked = parser.parse_args()
    print(json.dumps(measure(asked.structures, asked.slices, asked.seed), indent=2))
