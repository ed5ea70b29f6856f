"""Kinds that nobody named, and how much each voice is made to count."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.discover import playlists
from counterpoint.discover.blending import (
    POPULAR,
    USUAL,
    Judged,
    beats_popularity,
    blended,
    chosen,
    judged,
    learnt,
)
from counterpoint.discover.continued import packed, unpacked
from counterpoint.discover.playlists import Continuation, Playlist
from counterpoint.discover.topics import Topics, placed
from counterpoint.discover.voices import VOICES, playlist_matrix

KINDS, SIZE = 4, 20
NAMES = list(VOICES)


def rows(count: int = 200, *, seed: int = 0) -> tuple[sp.csr_matrix, np.ndarray]:
    """Rows that have a third of the columns of their kind, and one or two of any."""
    chance = np.random.default_rng(seed)
    kind = chance.integers(KINDS, size=count)
    found = np.zeros((count, KINDS * SIZE), dtype=np.float32)
    for row, each in enumerate(kind):
        found[row, each * SIZE + chance.choice(SIZE, 7, replace=False)] = 1
        found[row, chance.integers(KINDS * SIZE, size=2)] = 1
    return sp.csr_matrix(found), kind


def test_planted_kinds_are_found_and_a_row_of_nothing_is_of_what_everybody_has() -> None:
    matrix, _ = rows()
    topics = Topics.fit(matrix, KINDS, placed(matrix))
    assert topics.kinds == KINDS
    one = sp.csr_matrix(
        (np.ones(KINDS), (range(KINDS), range(0, KINDS * SIZE, SIZE))), shape=(KINDS, KINDS * SIZE)
    )
    best = np.argsort(-topics.scores(one, KINDS * SIZE), axis=1)[:, :SIZE]
    assert (best // SIZE == np.arange(KINDS)[:, None]).mean() > 0.95
    nothing = topics.scores(sp.csr_matrix((1, KINDS * SIZE), dtype=np.float32), KINDS * SIZE)[0]
    assert np.corrcoef(nothing, np.asarray(matrix.sum(axis=0)).ravel())[0, 1] > 0.9


@settings(max_examples=15)
@given(st.integers(0, 50), st.integers(1, 9))
def test_mixtures_are_shares_and_the_same_for_a_seed(seed: int, kinds: int) -> None:
    matrix, _ = rows(12, seed=seed)
    one, other = (Topics.fit(matrix, kinds, placed(matrix), seed=seed) for _ in range(2))
    np.testing.assert_array_equal(one.spread, other.spread)
    np.testing.assert_allclose(one.spread.sum(axis=0), 1, rtol=1e-4)
    np.testing.assert_allclose(one.mixtures(matrix).sum(axis=1), 1, rtol=1e-4)


def looked_at(tells: str | None, *, seed: int = 0, playlists: int = 60, tracks: int = 40) -> Judged:
    """Tracks of which one voice, or none, says whether they come; all others are noise."""
    chance = np.random.default_rng(seed)
    said = chance.random((playlists * tracks, 2 * len(VOICES)), dtype=np.float32)
    comes = chance.random(playlists * tracks) < 0.1
    if tells is not None:
        said[:, NAMES.index(tells)] += 2 * comes
    lists = np.repeat(np.arange(playlists), tracks)
    return Judged(said, comes, lists, np.bincount(lists, weights=comes).astype(np.int32))


@pytest.mark.parametrize("voice", NAMES)
def test_the_voice_that_is_right_comes_to_count_most(voice: str) -> None:
    weights = learnt([looked_at(voice)], (0.0,) * len(USUAL))
    assert int(np.argmax(np.abs(weights))) == NAMES.index(voice)


def test_nothing_to_learn_leaves_the_weights_and_little_moves_them_little() -> None:
    nothing = Judged(
        np.empty((0, len(USUAL)), np.float32), np.empty(0, bool), np.empty(0, np.intp), np.empty(0, np.int32)
    )
    assert learnt([nothing], USUAL) == USUAL
    few = np.array(learnt([looked_at("order", playlists=1)], USUAL))
    many = np.array(learnt([looked_at("order", playlists=200)], USUAL))
    usual = np.array(USUAL)
    assert np.abs(few - usual).max() < np.abs(many - usual).max() / 4


def test_titles_count_only_where_they_say_more_than_popularity() -> None:
    assert beats_popularity([looked_at("title")], USUAL)
    assert not beats_popularity([looked_at("popularity")], USUAL)


def test_what_is_learnt_is_steadied_only_where_lists_become_worth_more() -> None:
    steady, apart = [looked_at("tracks")], [looked_at("order")]
    assert np.argmax(chosen(steady, USUAL)) == NAMES.index("tracks")
    assert chosen(apart, USUAL) == pytest.approx(learnt(apart, USUAL))


def test_where_nothing_is_given_popularity_decides() -> None:
    heard = [np.zeros((2, 5), np.float32) for _ in NAMES]
    heard[-1][:], heard[-2][:] = np.arange(5), np.arange(5)[::-1]
    heard[0][1, 0] = 1
    found = blended(heard, np.array([USUAL, USUAL], dtype=np.float32))
    assert np.argmax(found, axis=1).tolist() == [4, 0]
    assert np.array_equal(blended(heard, np.array([POPULAR] * 2, np.float32)), heard[-1])


def test_what_is_judged_is_never_given_and_a_continuation_taken_apart_is_the_same() -> None:
    matrix, kind = rows(80)
    lists = [Playlist(tuple(matrix[row].indices), f"kind {kind[row]}") for row in range(80)]
    continuation = Continuation.fit(lists, KINDS * SIZE)
    seeds = [Playlist(each.tracks[:3], each.title) for each in lists]
    held = playlist_matrix([Playlist(each.tracks[3:]) for each in lists], KINDS * SIZE)
    found = judged(continuation.voices, seeds, held, 10)
    assert found.comes.sum() <= held.nnz
    assert (np.bincount(found.rows) <= KINDS * SIZE - 3).all()
    again = unpacked(*packed(continuation))
    assert again is not None
    np.testing.assert_array_equal(again.recommend(seeds, 9).items, continuation.recommend(seeds, 9).items)


def test_options_of_many_playlists_are_chosen_on_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, kind = rows(120)
    lists = [Playlist(tuple(matrix[row].indices), f"kind {kind[row]}") for row in range(120)]
    asked: list[int] = []
    weigh = playlists._kinds
    monkeypatch.setattr(playlists, "SOME", 30)
    monkeypatch.setattr(
        playlists, "_kinds", lambda some, *rest: asked.append(len(some)) or weigh(some, *rest)
    )
    found = Continuation.fit(lists, KINDS * SIZE).recommend([Playlist((), "kind 2")], SIZE).of(0)
    assert 0 < max(asked) <= 30
    assert np.mean([each // SIZE == 2 for each in found]) > 0.9
