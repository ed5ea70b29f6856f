"""Playlists continued from their title, 1, 5 and 25 tracks, beside popularity, item-item and ALS, each tuned.

    python benchmarks/discover/playlists.py [--structures themes runs ...] [--slices FILE ...]

Playlists are made up with a planted structure (`STRUCTURES`), or read from slices in the Million Playlist format. A fifth of
them is held out: their first tracks and title are given, the rest should come, among the first 500 places as in the Million
Playlist Dataset challenge (Chen et al. 2018). Options of the peers are chosen by the mean of NDCG and R-precision on
another fifth, for each number of given tracks apart, from a first fit on the rest; ours are chosen by `Continuation.fit`
itself. Intervals are 95 % over playlists, paired with the best peer.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint.discover import Continuation, Model, Playlist, compare, evaluate
from counterpoint.discover.evaluation import Evaluation
from counterpoint.discover.files import read_playlists
from counterpoint.discover.playlists import playlist_matrix

GIVEN, PLACES = (0, 1, 5, 25), 500
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


@dataclass(frozen=True)
class Structure:
    """How playlists are made: what holds their tracks together, and what their titles say of it."""

    count: int = 2500
    tracks: int = 3000
    kinds: int = 30
    own: float = 0.7
    """The share of tracks that are of the playlist's kinds; the rest is what is popular."""
    mixed: int = 1
    """Kinds of one playlist."""
    run: int = 1
    """Tracks that follow each other as on their album."""
    told: float = 0.6
    """How often the title says the kind."""
    skew: float = 0.7
    """How much more popular the first are."""
    soft: float = 0.0
    """How much a kind reaches into its neighbours: tastes without borders."""


STRUCTURES: Mapping[str, Structure] = {
    "themes": Structure(),
    "runs": Structure(kinds=20, run=5),
    "mixtures": Structure(mixed=3, soft=0.5, told=0.3),
    "borders": Structure(kinds=60, soft=1.0, own=0.85, told=0.4, skew=0.3),
    "loud": Structure(own=0.35, skew=1.1, told=0.8),
    "silent": Structure(told=0.0, kinds=60),
    "few": Structure(count=400, tracks=800, kinds=12),
}
OPENINGS = ("my", "the best of", "songs for", "", "", "", "pure", "late")
PLAIN = ("playlist", "music", "stuff", "favourites", "2016", "new", "songs", "🎧")


def made(structure: Structure, seed: int = 0) -> list[Playlist]:
    """Playlists of that structure."""
    chance = np.random.default_rng(seed)
    kind = np.arange(structure.tracks) % structure.kinds
    place = np.arange(structure.tracks) // structure.kinds
    popular = chance.permutation((1 / (1 + np.arange(structure.tracks))) ** structure.skew)
    reach = np.abs(kind[None, :] - np.arange(structure.kinds)[:, None])
    reach = np.minimum(reach, structure.kinds - reach)
    near = np.where(reach == 0, 1.0, structure.soft * np.exp(-reach / 2.0)) * popular
    words = [f"{_word(chance)} {_word(chance)}" for _ in range(structure.kinds)]
    found = []
    for _ in range(structure.count):
        chosen = chance.choice(structure.kinds, structure.mixed, replace=False)
        length = int(np.clip(chance.lognormal(3.6, 0.4), 28, 120))
        tracks: dict[int, None] = {}
        while len(tracks) < length:
            weights = near[chance.choice(chosen)] if chance.random() < structure.own else popular
            first = int(chance.choice(structure.tracks, p=weights / weights.sum()))
            steps = 1 + int(chance.integers(structure.run))
            album = [first + step * structure.kinds for step in range(steps)]
            tracks.update(dict.fromkeys(each for each in album if each < structure.tracks))
        title = words[chosen[0]] if chance.random() < structure.told else str(chance.choice(PLAIN))
        if chance.random() < 0.3:  # one word of the two, as people do
            title = title.split(" ")[int(chance.integers(2)) % len(title.split(" "))]
        found.append(Playlist(tuple(tracks)[:length], f"{chance.choice(OPENINGS)} {title}".strip()))
    assert place.max() > structure.run
    return found


def _word(chance: np.random.Generator) -> str:
    return "".join(chance.choice(list("bdfgklmnprstv")) + chance.choice(list("aeiou")) for _ in range(3))


def cut(playlists: Sequence[Playlist], given: int) -> tuple[list[Playlist], list[Playlist]]:
    """What is given of those that have more, and what should come."""
    longer = [each for each in playlists if len(each.tracks) > given]
    seeds = [Playlist(each.tracks[:given], each.title) for each in longer]
    return seeds, [Playlist(tuple(set(each.tracks[given:]) - set(each.tracks[:given]))) for each in longer]


def worth(found: Evaluation) -> float:
    """What options are chosen by."""
    return sum(found.measured(each).mean for each in MEASURES) / len(MEASURES)


def measured(playlists: list[Playlist], tracks: int, seed: int = 0) -> dict[str, Any]:
    """Ours and the peers from each number of given tracks."""
    order = np.random.default_rng(seed).permutation(len(playlists))
    fifth = max(1, len(playlists) // 5)
    unseen = [playlists[at] for at in order[:fifth]]
    seen = [playlists[at] for at in order[fifth:]]
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


def measure(names: Sequence[str] = tuple(STRUCTURES), slices: Sequence[Path] = ()) -> dict[str, object]:
    """Every structure, or the slices."""
    if slices:
        playlists, tracks = read_playlists(slices)
        return {"slices": measured(playlists, len(tracks))}
    figures: dict[str, object] = {}
    for name, seed in itertools.product(names, (0,)):
        structure = STRUCTURES[name]
        figures[name] = found = measured(made(structure, seed), structure.tracks)
        print(name, json.dumps(found, indent=1), file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--structures", nargs="+", default=list(STRUCTURES), choices=list(STRUCTURES))
    parser.add_argument("--slices", type=Path, nargs="+", default=[])
    asked = parser.parse_args()
    print(json.dumps(measure(asked.structures, asked.slices), indent=2))
