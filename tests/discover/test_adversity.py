"""Whatever is put in at the doors, an answer that makes sense comes out, or an error that says what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.discover import METHODS, Continuation, Model, Playlist
from counterpoint.discover.files import read_log
from counterpoint.discover.item_graph import ItemGraphOptions
from counterpoint.discover.log import log_of
from counterpoint.errors import InputError

SMALL = {"als": {"factors": 2, "iterations": 2}, "item-graph": {"rank": 2}}
BOARD = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]], dtype=np.float64)
NAMES = (
    "😀",
    "👩‍👩‍👧",
    "مرحبا",
    "שלום",
    "\u202eabc",
    "日本",
    "é",
    "e\u0301",
    "a\0b",
    "\ud800",
    "O'Hara; --",
    "0",
    "-0",
    "nan",
)
FITTED = {name: Model(name, options=SMALL.get(name, {})).fit(BOARD) for name in METHODS}
PLAYLISTS = [Playlist((0, 1, 2), "a"), Playlist((1, 2, 3), "b"), Playlist((2, 3, 0), "a b")] * 5
CONTINUATION = Continuation.fit(PLAYLISTS, 4)


@st.composite
def matrices(draw: st.DrawFn) -> sp.csr_matrix:
    """Matrices with empty rows and columns, an item that all have, a listener of a million plays, cells that come twice."""
    rows, columns = draw(st.integers(0, 6)), draw(st.integers(1, 6))
    cell = st.tuples(st.integers(0, max(rows - 1, 0)), st.integers(0, columns - 1))
    cells = draw(st.lists(cell, max_size=20)) if rows else []
    if rows and draw(st.booleans()):
        cells += [(row, 0) for row in range(rows)]
    weights = st.sampled_from([1.0, 0.5, 1e6, 2.0**62, 1e300, 5e-324, 0.0])
    values = [draw(weights) for _ in cells]
    at = ([row for row, _ in cells], [column for _, column in cells])
    return sp.csr_matrix(sp.coo_matrix((values, at), shape=(rows, columns)))


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=40, deadline=None)
@given(
    matrix=matrices(),
    count=st.sampled_from([1, 3, 1000, 2**70]),
    known=st.booleans(),
    seed=st.integers(0, 2**70),
)
def test_any_matrix_is_fitted_and_ranked_or_said_to_be_empty(
    name: str, matrix: sp.csr_matrix, count: int, known: bool, seed: int
) -> None:
    model = Model(name, options=SMALL.get(name, {}), seed=seed)
    if not matrix.count_nonzero():
        with pytest.raises(InputError, match="matrix is empty"):
            model.fit(matrix)
        return
    ranking = model.fit(matrix).recommend(matrix, count, known=known)
    assert ranking.items.shape == (matrix.shape[0], min(count, matrix.shape[1]))
    for row in range(matrix.shape[0]):
        listed = ranking.of(row)
        had = set(matrix[row].nonzero()[1].tolist())
        assert len(set(listed)) == len(listed)
        assert set(listed) <= set(range(matrix.shape[1]))
        assert known or not set(listed) & had
        if count >= matrix.shape[1]:
            assert len(listed) == matrix.shape[1] - (0 if known else len(had)), "whatever is not known comes"
        assert np.isfinite(ranking.scores[row, : len(listed)]).all()
    assert model.recommend(sp.csr_matrix((0, matrix.shape[1])), count).items.shape[0] == 0


WRONG_MATRICES: tuple[tuple[Any, str], ...] = (
    (np.array([[1, -1.0, 0, 0]]), r"matrix\[0, 1\] == -1"),
    (np.array([[np.inf, 1, 0, 0]]), r"matrix\[0, 0\] == inf"),
    (np.array([[1j, 1]]), "no matrix of numbers"),
    (np.ones((2, 2, 2)), "no matrix of numbers"),
    (np.array([["a"]], dtype=object), "no matrix of numbers"),
    ("plays.csv", "no matrix of numbers"),
    (sp.csr_matrix((np.ones(2), np.array([0, 9]), np.array([0, 1, 2])), shape=(2, 2)), "indices must be < 2"),
)


@pytest.mark.parametrize(("matrix", "told"), WRONG_MATRICES)
def test_what_is_no_matrix_is_said_at_every_door(matrix: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Model("popularity").fit(matrix)
    for door in ("history", "hidden"):
        ask = {"history": BOARD, door: matrix}
        with pytest.raises(InputError, match=told.replace("matrix\\[", f"{door}\\[")):
            FITTED["ease"].recommend(**ask)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: FITTED["als"].recommend(BOARD, 2.5), "count == 2.5, must be a whole number of 1 or more"),
        (lambda: FITTED["als"].recommend(BOARD, "3"), "count == '3', must be a number"),
        (lambda: FITTED["als"].recommend(BOARD, 0), "count == 0"),
        (lambda: FITTED["als"].recommend(np.ones((1, 9))), "has 9 columns, must have 4"),
        (lambda: FITTED["als"].recommend(BOARD, allowed=[True]), "must be 4 truths"),
        (lambda: Model("als", seed=-1), "seed == -1"),
        (lambda: Model("als", seed="x"), "seed == 'x', must be a number"),
        (lambda: Model(None), 'method == "None", must be one of auto'),
        (lambda: Model("als", options=[1]), "options == "),
        (lambda: Model("als", options={"factors": 10**12}).fit(BOARD), "needs more memory"),
        (lambda: Model("neighbours", options={"neighbours": 1.5}).fit(BOARD), "neighbours == 1.5"),
        (lambda: Model("ease", options={"ridge": "x"}).fit(BOARD), "ridge == 'x'"),
        (lambda: Model("auto", budget=1).fit(BOARD, moments="x"), "moments is no matrix of times"),
        (lambda: Model("auto", budget=1).fit(np.eye(4)), "no row has two items or more"),
        (lambda: FITTED["item-graph"].added(np.array([[np.nan, 1, 1, 1]])), r"matrix\[0, 0\] == nan"),
        (lambda: Continuation.fit(PLAYLISTS, 4, seed=-1), "seed == -1"),
        (lambda: Continuation.fit(PLAYLISTS, -4), "tracks == -4"),
        (lambda: CONTINUATION.recommend([Playlist((1,)), Playlist((2**63,))]), r"playlists\[1\] has the track 9223372036854775808"),
        (lambda: CONTINUATION.recommend([Playlist((1.5,))]), "has the track 1.5, must be a whole number"),
        (lambda: CONTINUATION.recommend([Playlist(("a",))]), "has the track 'a', must be a whole number"),
        (lambda: CONTINUATION.recommend([Playlist((1,))], 0), "count == 0"),
        (lambda: log_of(["a"], ["b"], weights=["x"]), "weights is not an array of numbers"),
        (lambda: log_of(["a"], ["b"], times=[1], half_life=0), "half_life == 0"),
        (lambda: log_of(["a"], ["b", "c"]), "items has 2 entries, must have 1"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_by_name_and_value(call: Callable[[], object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        call()


def test_whole_numbers_may_be_written_with_a_point() -> None:
    model = Model("als", options={"factors": 2.0, "iterations": 2.0}).fit(BOARD)
    np.testing.assert_array_equal(model.recommend(BOARD, 2.0).items, FITTED["als"].recommend(BOARD, 2).items)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.one_of(st.sampled_from(NAMES), st.integers(-(2**70), 2**70), st.none()),
            st.sampled_from([1.0, 1e308, 5e-324, -1.0, 0.0, float("nan"), float("inf"), 1e6]),
            st.sampled_from([0.0, -1e300, 1e300, 1e9, 2e9, float("nan"), float("inf")]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_log_keeps_every_good_entry_of_any_name_and_counts_the_others(
    entries: list[tuple[Any, Any, float, float]],
) -> None:
    good = {
        (str(who), str(what))
        for who, what, weight, when in entries
        if what is not None and np.isfinite(weight) and weight > 0 and np.isfinite(when) and when <= 1.5e9
    }
    columns = [list(each) for each in zip(*entries, strict=True)]
    ask = {"weights": columns[2], "times": columns[3], "now": 1.5e9, "half_life": 86_400.0}
    if not good:
        with pytest.raises(InputError, match="nothing is left of the log"):
            log_of(columns[0], columns[1], **ask)
        return
    log = log_of(columns[0], columns[1], **ask)
    cells = log.matrix.tocoo()
    kept = {
        (str(log.listeners[row]), str(log.items[column]))
        for row, column in zip(cells.row, cells.col, strict=True)
    }
    assert kept == good
    assert 0 < cells.data.min() <= cells.data.max() <= 50
    assert (log.moments.indices == log.matrix.indices).all()
    Model("popularity").fit(log.matrix, moments=log.moments)


def test_names_of_any_script_come_through_a_file_as_they_are(tmp_path: Path) -> None:
    names = [each for each in NAMES if each.isprintable() or each == "\u202eabc"]
    lines = [f'"{who}","{what}"' for who in names for what in names]
    (tmp_path / "log.csv").write_text("\n".join(["user,item", *lines, *lines]), "utf-8")
    log = read_log([tmp_path / "log.csv"], now=0)
    assert set(log.items) == set(log.listeners) == set(names)
    assert (log.matrix.toarray() == 2).all()


def test_a_million_plays_of_one_song_are_fifty_and_cost_little() -> None:
    log = log_of(["robot"] * 1_000_000 + ["ana"], ["x"] * 1_000_001)
    assert log.matrix.toarray().tolist() == [[1], [50]]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=6),
    st.sampled_from(["", "a", "\ud800 😀 مرحبا", "x" * 10_000, None]),
    st.sampled_from([1, 3, 2**70]),
)
def test_any_playlist_is_continued_with_tracks_that_it_does_not_have(
    seeds: list[list[int]], title: str, count: int
) -> None:
    ranking = CONTINUATION.recommend([Playlist(tuple(each), title) for each in seeds], count)
    for row, each in enumerate(seeds):
        assert set(ranking.of(row)) <= set(range(4)) - set(each)
        assert len(ranking.of(row)) == min(count, 4 - len(set(each)))
    assert len(CONTINUATION.recommend([], 3)) == 0


@pytest.mark.parametrize(
    "playlists",
    [
        [Playlist((0, 1), "x")],
        [Playlist((each % 4,), "one track") for each in range(30)],
        [Playlist((0, each % 5 + 1), "the same track in every one") for each in range(30)],
        [Playlist((1, 1, 1, 2), ""), Playlist((), "empty")] * 8,
    ],
)
def test_odd_playlists_are_fitted(playlists: list[Playlist]) -> None:
    model = Continuation.fit(playlists, 6, options=ItemGraphOptions(rank=2))
    assert len(model.recommend([Playlist((0,), "x")], 6).of(0)) == 5
