"""How much each voice counts: learnt on playlists that the voices have not seen, one voice at a time. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.evaluation import per_row
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.ranking import NOTHING, Floats
from counterpoint.discover.recommender import CELLS
from counterpoint.discover.voices import VOICES, Playlist, Voices

__all__ = ["USUAL", "Mix", "blended", "learnt", "worth"]

Values = NDArray[np.float64]
Mix = tuple[float, ...]
"""What each of `VOICES` counts."""
USUAL: Mix = (1.0, 0.5, 0.5, 0.5, 0.25, 0.0)
"""Where there is nothing to learn it on."""
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0)
"""Weights that are tried."""
POPULAR = (1.0, 0.25, 0.0)
"""Weights of popularity that are tried beside each voice before all others are."""
SURE = 1.0
"""Standard errors over playlists by which a change must be worth more: less is chance on a few hundred of them."""
ROUNDS = 2
TIE = 0.001
"""What popularity counts at least: it decides where no voice speaks."""


def blended(heard: Sequence[Floats], mixes: NDArray[np.float32]) -> Floats:
    """The scores of all voices together; `mixes` has one row for each row of them."""
    total = TIE * heard[-1]
    for voice, weights in zip(heard, mixes.T, strict=True):
        total += weights[:, None] * voice
    return np.asarray(total, dtype=np.float32)


def worth(values: Mapping[str, Values]) -> Values:
    """The mean of NDCG and R-precision of each row."""
    return (values["ndcg"] + values["r-precision"]) / 2


def learnt(voices: Voices, seeds: Sequence[Playlist], held: Matrix, places: int) -> Mix:
    """The weights by which unseen playlists are continued best.

    Starts from the voice (or tracks and tastes together) that is best with or without popularity, and tries every weight of one voice after the other. Only the best
    `places` of each voice are looked at, so that a trial costs the same for any number of tracks.
    """
    if not seeds:
        return USUAL
    tracks, heard = _candidates(voices, seeds, places)
    should = np.asarray(held[np.arange(len(seeds))[:, None], np.maximum(tracks, 0)].toarray() > 0)
    should &= tracks != NOTHING
    wanted = np.diff(held.indptr)

    def value(mix: Mix) -> Values:
        scores = blended(heard, np.tile(np.array(mix, dtype=np.float32), (len(seeds), 1)))
        scores[tracks == NOTHING] = -np.inf
        order = _first(scores, places)
        return worth(per_row(np.take_along_axis(should, order, 1), wanted, order.shape[1]))

    alone = np.eye(len(VOICES))
    both = alone[[list(VOICES).index("tracks"), list(VOICES).index("tastes")]].sum(axis=0, keepdims=True)
    starts = [
        tuple(float(at) for at in each + share * alone[-1])
        for share in POPULAR
        for each in np.vstack([both, alone])
    ]
    found = max(starts, key=lambda mix: value(mix).mean())
    best = value(found)
    for _ in range(ROUNDS):
        before = found
        for voice in range(len(VOICES)):
            for share in SHARES:
                mix = (*found[:voice], share, *found[voice + 1 :])
                if mix != found and any(mix) and _better(now := value(mix), best):
                    found, best = mix, now
        if found == before:
            break
    return found


def _better(now: Values, before: Values) -> bool:
    """Whether each row beside itself is worth more by more than chance."""
    gain = now - before
    return bool(gain.mean() > SURE * gain.std() / np.sqrt(len(gain)))


def _first(scores: Floats, places: int) -> NDArray[np.intp]:
    """Where the largest of each row are, largest first."""
    if places >= scores.shape[1]:
        return np.argsort(-scores, axis=1, kind="stable")
    chosen = np.sort(np.argpartition(-scores, places - 1, axis=1)[:, :places], axis=1)
    order = np.argsort(-np.take_along_axis(scores, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1)


def _candidates(
    voices: Voices, seeds: Sequence[Playlist], places: int
) -> tuple[NDArray[np.int32], list[Floats]]:
    """The best tracks of each voice in ascending order, each once, then -1; and what all voices say of them."""
    size = max(1, CELLS // voices.graph.items)
    parts: list[tuple[NDArray[np.int32], list[Floats]]] = []
    for start in range(0, len(seeds), size):
        batch = seeds[start : start + size]
        heard = voices.heard(batch)
        for row, each in enumerate(batch):
            for voice in heard:
                voice[row, list(each.tracks)] = -np.inf
        count = min(places, voices.graph.items)
        chosen = [np.argpartition(-voice, count - 1, axis=1)[:, :count] for voice in heard]
        tracks = np.sort(np.hstack(chosen), axis=1).astype(np.int32)
        said = [np.take_along_axis(voice, tracks, 1) for voice in heard]
        again = np.hstack([np.zeros((len(batch), 1), bool), tracks[:, 1:] == tracks[:, :-1]])
        tracks[again | np.isneginf(said[0])] = NOTHING
        parts.append((tracks, [np.where(np.isneginf(each), 0, each) for each in said]))
    return np.vstack([tracks for tracks, _ in parts]), [
        np.vstack(each) for each in zip(*(said for _, said in parts), strict=True)
    ]
