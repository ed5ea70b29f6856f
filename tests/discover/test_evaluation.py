"""Measures against values worked out by hand, and splits that let no future into the past."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.discover import (
    Measured,
    Ranking,
    Trial,
    by_rows,
    by_time,
    compare,
    evaluate,
    leave_last,
    search,
    within_rows,
)
from counterpoint.discover.search import _promising
from counterpoint.errors import InputError
from tests.discover.planted import tastes

LOG3 = float(np.log2(3))


def ranked(*rows: list[int]) -> Ranking:
    items = np.array(rows, dtype=np.int32)
    return Ranking(items, -np.tile(np.arange(items.shape[1], dtype=np.float32), (len(rows), 1)))


def test_measures_of_two_rows_by_hand() -> None:
    held = sp.csr_matrix(np.array([[1, 1, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]))
    fitted = sp.csr_matrix(np.array([[1, 0, 1, 1, 0], [1, 0, 0, 1, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 1]]))
    found = evaluate(ranked([0, 2, 1], [3, 4, -1], [0, 1, 2]), held, fitted)
    assert found.rows.tolist() == [0, 1]
    assert found.values["recall"].tolist() == [1.0, 1.0]
    ideal = 1 + 1 / LOG3
    assert found.values["ndcg"].tolist() == pytest.approx([(1 + 1 / 2) / ideal, 1 / LOG3])
    assert found.values["map"].tolist() == pytest.approx([(1 + 2 / 3) / 2, 1 / 2])
    assert found.values["r-precision"].tolist() == [0.5, 0.0]
    assert found.coverage == 1.0
    assert found.measured("recall").rows == 2


def test_a_paired_comparison_needs_the_same_rows_and_knows_no_difference_from_one() -> None:
    held = sp.csr_matrix(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    good, bad = evaluate(ranked([0], [1], [2]), held, held), evaluate(ranked([0], [1], [1]), held, held)
    assert compare(good, good).p == 1
    assert compare(good, bad).difference.mean == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="different rows"):
        compare(good, evaluate(ranked([0], [1]), held[:2], held))


def test_an_interval_covers_the_mean_of_the_population() -> None:
    chance = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        held = sp.csr_matrix(np.ones((100, 1)))
        hits = ranked(*[[0] if hit else [-1] for hit in chance.random(100) < 0.3])
        found = evaluate(hits, held, held).measured("recall")
        covered += found.low <= 0.3 <= found.high
    assert 0.90 <= covered / 200 <= 0.98


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_split_loses_nothing_and_shares_nothing(seed: int) -> None:
    chance = np.random.default_rng(seed)
    matrix = sp.random(15, 20, 0.3, rng=chance, format="csr", dtype=np.float32)
    moments = matrix.copy()
    moments.data = chance.random(matrix.nnz)
    for split in (
        within_rows(matrix, 0.3, seed=seed),
        leave_last(matrix, moments, 2),
        by_time(matrix, moments, 0.5),
    ):
        assert split.fitted.multiply(split.held).nnz == 0
        np.testing.assert_allclose((split.fitted + split.held).toarray(), matrix.toarray())


def test_the_future_stays_out_of_the_past() -> None:
    matrix = sp.csr_matrix(np.ones((2, 4), np.float32))
    moments = sp.csr_matrix(np.array([[1.0, 2, 3, 4], [4, 3, 2, 1]]))
    split = by_time(matrix, moments, 3, gap=1)
    assert split.fitted.toarray().tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert split.held.toarray().tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]
    assert leave_last(matrix, moments).held.toarray().tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]
    with pytest.raises(InputError, match="exactly the cells"):
        leave_last(matrix, sp.csr_matrix(np.eye(2, 4)))


def test_whole_rows_held_out_are_in_nothing_that_is_fitted() -> None:
    matrix, _, _ = tastes(listeners=200)
    split = by_rows(matrix, 0.25)
    assert split.fitted.shape[0] + split.history.shape[0] == 200
    assert split.held.shape == split.history.shape


def test_a_search_finds_the_method_that_suits_shows_what_it_tried_and_keeps_to_its_budget() -> None:
    matrix, _, _ = tastes()
    said: list[str] = []
    found = search(matrix, methods=("popularity", "neighbours"), said=said.append, clock=lambda: 0.0)
    assert found.best.method == "neighbours"
    assert len(said) == len(found.trials) > 5
    assert found.ended == "everything was tried"
    assert found.best.recall.mean == max(each.recall.mean for each in found.trials)
    again = search(matrix, methods=("popularity", "neighbours"), clock=lambda: 0.0)
    assert [each.recall for each in again.trials] == [each.recall for each in found.trials]
    ticks = iter(range(10_000))
    short = search(matrix, methods=("popularity", "neighbours"), budget=5, clock=lambda: float(next(ticks)))
    assert short.ended == "the budget was spent"
    assert len(short.trials) < len(found.trials)


def test_a_search_begins_nothing_that_is_known_to_take_longer_than_what_is_left() -> None:
    wide = sp.csr_matrix(
        (np.ones(60), (np.repeat(np.arange(20), 3), np.arange(60) * 50 % 2_999)), (20, 3_000)
    )
    said: list[str] = []
    found = search(wide, methods=("popularity", "ease"), budget=0.1, said=said.append, clock=lambda: 0.0)
    assert [each.method for each in found.trials] == ["popularity"]
    assert found.ended == "the budget was spent"
    assert any("ease takes about" in line for line in said)


def test_a_search_improves_what_is_near_the_best_and_leaves_what_is_far_behind() -> None:
    def tried(method: str, mean: float) -> Trial:
        measured = Measured(mean, mean, mean, 100)
        return Trial(method, {}, measured, measured, 1.0)

    trials = [tried("popularity", 0.1), tried("als", 0.16), tried("item-graph", 0.2), tried("ease", 0.19)]
    named = [each.name for each in _promising(trials, "recall")]
    assert named == ["item-graph", "ease", "als"]
