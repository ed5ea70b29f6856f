"""Playlists with a planted structure: kinds that titles name, and tracks that follow each other."""

import numpy as np
import pytest

from counterpoint.discover import Continuation, Model, Playlist, evaluate
from counterpoint.discover.item_graph import ItemGraphOptions
from counterpoint.discover.playlists import playlist_matrix
from counterpoint.discover.titles import Words, words_of
from counterpoint.errors import InputError

KINDS = ("rainy sunday", "gym", "夜のドライブ", "party 🎉", "deep focus", "road trip")
TRACKS = 900


def planted(count: int = 900, *, seed: int = 0) -> list[Playlist]:
    """Each playlist is of one kind; its tracks are of that kind in runs, with some of any kind between."""
    chance = np.random.default_rng(seed)
    size = TRACKS // len(KINDS)
    popular = 1 / (1 + chance.permutation(TRACKS)) ** 0.6
    made = []
    for _ in range(count):
        kind = int(chance.integers(len(KINDS)))
        tracks: list[int] = []
        while len(tracks) < 30:
            if chance.random() < 0.25:
                run = [int(chance.choice(TRACKS, p=popular / popular.sum()))]
            else:
                start = int(chance.integers(size))
                run = [kind * size + (start + step) % size for step in range(4)]
            tracks.extend(each for each in run if each not in tracks)
        title = KINDS[kind] if chance.random() < 0.8 else "my playlist"
        made.append(
            Playlist(tuple(tracks[:30]), title if chance.random() < 0.5 else f"{title} {chance.integers(99)}")
        )
    return made


def cut(playlists: list[Playlist], given: int) -> tuple[list[Playlist], list[Playlist]]:
    return (
        [Playlist(each.tracks[:given], each.title) for each in playlists],
        [Playlist(each.tracks[given:]) for each in playlists],
    )


@pytest.fixture(scope="module")
def fitted() -> tuple[Continuation, list[Playlist], list[Playlist]]:
    playlists = planted()
    seen, unseen = playlists[:750], playlists[750:]
    return Continuation.fit(seen, TRACKS, options=ItemGraphOptions(rank=16)), seen, unseen


@pytest.mark.parametrize("given", [0, 1, 5, 25])
def test_a_continuation_beats_popularity_neighbours_and_als_from_any_number_of_tracks(
    fitted: tuple[Continuation, list[Playlist], list[Playlist]], given: int
) -> None:
    continuation, seen, unseen = fitted
    seeds, rest = cut(unseen, given)
    matrix, history, held = (playlist_matrix(each, TRACKS) for each in (seen, seeds, rest))
    ours = evaluate(continuation.recommend(seeds, 100), held, matrix)
    tuned = {
        "popularity": [{}],
        "neighbours": [
            {"weighting": "cosine"},
            {"weighting": "tf-idf"},
            {"weighting": "bm25", "neighbours": 300},
        ],
        "als": [{"factors": 16, "ridge": ridge} for ridge in (0.003, 0.03, 0.3)],
    }
    for name, options in tuned.items():
        for each in options:
            peer = evaluate(Model(name, options=each).fit(matrix).recommend(history, 100), held, matrix)
            for measure in ("r-precision", "ndcg"):
                assert ours.measured(measure).mean > peer.measured(measure).mean, (name, each, measure)


def test_a_title_alone_finds_its_kind_and_an_unknown_one_what_is_popular(
    fitted: tuple[Continuation, list[Playlist], list[Playlist]],
) -> None:
    continuation, _, _ = fitted
    size = TRACKS // len(KINDS)
    for kind, title in enumerate(KINDS):
        found = continuation.recommend([Playlist((), title)], 20).of(0)
        assert np.mean([each // size == kind for each in found]) > 0.9
    unknown = continuation.recommend([Playlist((), "zzz")], 20).of(0)
    assert unknown == list(np.argsort(-continuation.voices.graph.degrees, kind="stable")[:20])


def test_the_next_track_of_a_run_comes_early(
    fitted: tuple[Continuation, list[Playlist], list[Playlist]],
) -> None:
    continuation, _, _ = fitted
    seeds = [Playlist((start, start + 1, start + 2)) for start in range(0, 135, 15)]
    ranking = continuation.recommend(seeds, 10)
    assert np.mean([seed.tracks[-1] + 1 in ranking.of(row)[:5] for row, seed in enumerate(seeds)]) > 0.6


def test_continuations_are_the_same_for_a_seed_and_leave_out_what_is_there(
    fitted: tuple[Continuation, list[Playlist], list[Playlist]],
) -> None:
    continuation, seen, unseen = fitted
    again = Continuation.fit(seen, TRACKS, options=ItemGraphOptions(rank=16))
    one, other = continuation.recommend(unseen[:20], 50), again.recommend(unseen[:20], 50)
    np.testing.assert_array_equal(one.items, other.items)
    assert not [row for row in range(20) if set(one.of(row)) & set(unseen[row].tracks)]


def test_words_of_any_script_are_read() -> None:
    assert words_of("Café  DEL mar") == ["cafe", "del", "mar", "cafe del", "del mar", "=cafe del mar"]
    assert "夜の" in words_of("夜のドライブ")
    assert words_of("🎉🎉") == ["🎉", "🎉 🎉", "=🎉 🎉"]
    assert words_of("") == []
    assert len(words_of("x " * 10_000)) <= 3
    assert Words(["a b", "a", "c"]).columns == {"a": 0}


def test_a_track_that_is_not_there_is_named() -> None:
    with pytest.raises(
        InputError, match=r"playlists\[1\] has the track 9, must be a whole number from 0 to 4"
    ):
        Continuation.fit([Playlist((1, 2)), Playlist((9,))], 5)
    with pytest.raises(InputError, match="no tracks"):
        Continuation.fit([Playlist((), "empty")], 5)
