"""How much each voice counts: learnt on playlists that the voices have not seen. Pure.

Each voice counts twice: by its score, as one who has something to add, and by the logarithm of it, as one who can
refuse. The weights are those under which the tracks that come are likeliest among those that any voice would have
(a conditional logit, McFadden 1974, for stacked generalisation, Wolpert 1992), every playlist counting the same, and
are held near the weights for fewer given tracks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.evaluation import per_row
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.ranking import Floats
from counterpoint.discover.recommender import CELLS
from counterpoint.discover.voices import VOICES, Playlist, Voices

__all__ = [
    "BATCH",
    "POPULAR",
    "USUAL",
    "Judged",
    "Mix",
    "beats_popularity",
    "blended",
    "chosen",
    "judged",
    "learnt",
    "worth",
]

Values = NDArray[np.float64]
Mix = tuple[float, ...]
"""What each of `VOICES` counts by its score, then what each counts by its logarithm."""
ALONE = 2
"""The last voices speak even where nothing is given."""
POPULAR: Mix = (0.0,) * (len(VOICES) - 1) + (1.0,) + (0.0,) * len(VOICES)
"""Where titles say nothing."""
USUAL: Mix = (0.5, 1.0, 1.0, 0.5, 0.5, 0.25, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.1, 0.0, 0.5, 0.0)
"""Where there is nothing to learn it on."""
EVEN: Mix = (1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 1.0, 0.0) + (0.0,) * len(VOICES)
"""Voices that hear the same tracks in different ways, none trusted more: steadier than what is learnt where much is given."""
SHARES = (0.0, 1.0, 2.0, 4.0, 8.0)
"""How much of `EVEN` is tried beside what is learnt."""
FLOOR = (0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.001, 0.001)
"""Added to what each of `VOICES` says before its logarithm is taken: less is no reason to refuse more."""
HELD_NEAR = 30.0
"""Precision of the weights before anything is learnt, scores having a standard deviation of 1."""
HELD_NEAR_EACH = 0.001
"""And for each track that is looked at: neighbours of one playlist do not speak independently."""
SURE = 1.0
"""Standard errors over playlists by which a title must be worth more than popularity."""
STEPS = 25
CLOSE = 1e-7
"""A step that gains less than this share is the last."""
BATCH = CELLS // 4
"""Cells of one voice in a batch: all of them are held at once."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What all voices say of tracks, and whether each comes."""

    said: Floats
    """(tracks of playlists, 2 × voices)."""
    comes: NDArray[np.bool_]
    rows: NDArray[np.intp]
    """The playlist of each, ascending."""
    wanted: NDArray[np.int32]
    """How many should come, for each playlist."""


def worth(values: Mapping[str, Values]) -> Values:
    """The mean of NDCG and R-precision of each row."""
    return (values["ndcg"] + values["r-precision"]) / 2


def blended(heard: Sequence[Floats], mixes: Floats) -> Floats:
    """The scores of all voices together; `mixes` has one row for each row of them.

    Where no voice but the last ones has anything to say, popularity decides.
    """
    total = np.zeros_like(heard[-1])
    for at, (voice, floor) in enumerate(zip(heard, FLOOR, strict=True)):
        score, logarithm = mixes[:, at], mixes[:, at + len(VOICES)]
        if score.any():
            total += score[:, None] * voice
        if logarithm.any():
            total += logarithm[:, None] * _logarithm(voice, floor)
    mute = ~np.any([voice.any(axis=1) for voice in heard[:-ALONE]], axis=0)
    total[mute] = heard[-1][mute]
    return total


def judged(voices: Voices, seeds: Sequence[Playlist], held: Matrix, places: int) -> Judged:
    """The `places` best tracks of each voice for each playlist, and which of them are `held`."""
    size = max(1, BATCH // voices.graph.items)
    said = [np.empty((0, 2 * len(VOICES)), np.float32)]
    comes: list[NDArray[np.bool_]] = [np.empty(0, np.bool_)]
    rows: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
    for start in range(0, len(seeds), size):
        batch = seeds[start : start + size]
        heard = voices.heard(batch)
        known = np.zeros((len(batch), voices.graph.items), dtype=bool)
        for row, each in enumerate(batch):
            known[row, list(each.tracks)] = True
        chosen = np.zeros(known.shape, dtype=bool)
        count = min(places, known.shape[1])
        for voice in heard:
            free = np.where(known, -np.inf, voice)
            best = np.argpartition(-free, count - 1, axis=1)[:, :count]
            chosen[np.arange(len(batch))[:, None], best] = True
        chosen &= ~known
        scores = [voice[chosen] for voice in heard]
        logarithms = [_logarithm(each, floor) for each, floor in zip(scores, FLOOR, strict=True)]
        said.append(np.stack([*scores, *logarithms], axis=1))
        comes.append(held[start : start + size].toarray()[chosen] > 0)
        rows.append(start + np.nonzero(chosen)[0])
    return Judged(np.vstack(said), np.concatenate(comes), np.concatenate(rows), np.diff(held.indptr))


def learnt(parts: Sequence[Judged], before: Mix) -> Mix:
    """The weights that tell best which tracks come, near `before` where little is known."""
    return _learnt(parts, [np.ones(len(each.comes), dtype=bool) for each in parts], before)


def chosen(parts: Sequence[Judged], before: Mix) -> Mix:
    """The weights that are `learnt`, with as much of `EVEN` as makes the lists of these playlists worth most."""
    found = np.array(learnt(parts, before))
    mixes = [*(found + share * np.array(EVEN) for share in SHARES), np.array(EVEN)]

    def value(mix: Values) -> float:
        return float(np.concatenate([_worth(each, each.said @ mix) for each in parts]).mean())

    return tuple(float(each) for each in max(mixes, key=value))


def beats_popularity(parts: Sequence[Judged], before: Mix) -> bool:
    """Whether weights learnt on one half of the playlists are worth more on the other than popularity, by more than chance."""
    gains = []
    for half in (0, 1):
        learn = [each.rows % 2 == half for each in parts]
        mix = np.array(_learnt(parts, learn, before), dtype=np.float32)
        for each, seen in zip(parts, learn, strict=True):
            popularity = each.said[:, len(VOICES) - 1]
            gains.append(
                (_worth(each, each.said @ mix) - _worth(each, popularity))[np.unique(each.rows[~seen])]
            )
    gain = np.concatenate(gains)
    return bool(len(gain) > 1 and gain.mean() > SURE * gain.std(ddof=1) / np.sqrt(len(gain)))


def _worth(judged: Judged, scores: Floats | Values) -> Values:
    """What the order by these scores is worth, for each playlist."""
    starts = np.searchsorted(judged.rows, np.arange(len(judged.wanted) + 1))
    place = np.arange(len(scores)) - starts[judged.rows]
    order = np.lexsort((-scores, judged.rows))
    found = np.zeros((len(judged.wanted), max(1, int(np.diff(starts).max(initial=0)))), dtype=bool)
    found[judged.rows, place] = judged.comes[order]
    return worth(per_row(found, judged.wanted, found.shape[1]))


def _learnt(parts: Sequence[Judged], learn: Sequence[NDArray[np.bool_]], before: Mix) -> Mix:
    said: list[Values] = []
    counts: list[Values] = []
    lengths: list[NDArray[np.intp]] = []
    for each, some in zip(parts, learn, strict=True):
        hits = np.bincount(each.rows, weights=each.comes * some, minlength=len(each.wanted))
        kept = some & (hits[each.rows] > 0)
        said.append(each.said[kept].astype(np.float64))
        counts.append(each.comes[kept] / hits[each.rows[kept]])
        lengths.append(np.unique(each.rows[kept], return_counts=True)[1])
    features, wanted, length = np.vstack(said), np.concatenate(counts), np.concatenate(lengths)
    if not len(length):
        return before
    # A playlist counts as much as any other, and all of them as much as the tracks that come.
    wanted *= sum(float(each.comes[some].sum()) for each, some in zip(parts, learn, strict=True)) / len(
        length
    )
    spread = features.std(axis=0)
    tells = spread > 1e-4
    prior = np.array(before)[tells] * spread[tells]
    near = np.full(len(prior), HELD_NEAR + HELD_NEAR_EACH * len(features))
    found = _fitted(
        (features[:, tells] - features[:, tells].mean(axis=0)) / spread[tells], wanted, length, prior, near
    )
    weights = np.zeros(len(before))
    weights[tells] = found / spread[tells]
    return tuple(float(each) for each in weights)


def _fitted(said: Values, wanted: Values, length: NDArray[np.intp], prior: Values, near: Values) -> Values:
    """A regression of which of the tracks of one playlist comes, by Newton's method, steps halved until they gain.

    `length` says how many rows of `said` belong to each playlist, `wanted` how much each of them comes.
    """
    starts = np.concatenate(([0], np.cumsum(length)[:-1]))
    share = np.add.reduceat(wanted, starts)

    def chances(weights: Values) -> tuple[Values, float]:
        odds = said @ weights
        odds -= np.repeat(np.maximum.reduceat(odds, starts), length)
        likely = np.exp(odds)
        total = np.add.reduceat(likely, starts)
        apart = weights - prior
        loss = np.sum(share * np.log(total)) - np.sum(wanted * odds) + np.sum(near * apart * apart) / 2
        return likely / np.repeat(total, length), float(loss)

    weights = prior
    likely, now = chances(weights)
    for _ in range(STEPS):
        expected = likely * np.repeat(share, length)
        slope = said.T @ (wanted - expected) - near * (weights - prior)
        mean = np.add.reduceat(said * likely[:, None], starts, axis=0)
        bend = (said * expected[:, None]).T @ said - (mean * share[:, None]).T @ mean + np.diag(near)
        step = np.linalg.solve(bend, slope)
        tried, after = chances(weights + step)
        while after > now and np.abs(step).max() > 1e-6:
            step = step / 2
            tried, after = chances(weights + step)
        if after >= now:
            break
        weights, gained, likely, now = weights + step, now - after, tried, after
        if gained < CLOSE * abs(now):
            break
    return weights


def _logarithm(scores: Floats, floor: float) -> Floats:
    return np.log(np.maximum(scores, 0) + np.float32(floor), dtype=np.float32)
