"""The item graph: exact updates, reasons that add up, two steps that lose nothing, memory that is bounded."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.discover import Model, low_rank
from counterpoint.discover import item_graph as module
from counterpoint.discover.graph import co_occurrences, nearest, strongest
from counterpoint.discover.interactions import bounded, interactions
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.low_rank import right_vectors
from counterpoint.errors import InputError
from tests.discover.planted import tastes

OPTIONS = ItemGraphOptions(rank=16, neighbours=30)


def test_new_rows_give_the_graph_that_a_full_fit_gives() -> None:
    matrix, _, _ = tastes()
    grown = ItemGraph.fit(matrix[:500], OPTIONS).added(matrix[500:])
    full = ItemGraph.fit(matrix, OPTIONS)
    np.testing.assert_allclose(grown.degrees, full.degrees)
    np.testing.assert_allclose(grown.together.toarray(), full.together.toarray(), rtol=1e-5)
    # Which of two equal neighbours is kept hangs on the last bit of a sum; what they are worth does not.
    for one, other in zip(grown.graph, full.graph, strict=True):
        np.testing.assert_allclose(np.sort(one.data), np.sort(other.data), rtol=1e-4)


def test_what_each_item_of_a_history_adds_sums_to_the_score() -> None:
    matrix, _, _ = tastes()
    graph = ItemGraph.fit(matrix, OPTIONS)
    for row, item in ((0, 3), (5, 40), (9, 199)):
        parts = graph.reasons(matrix[row], item)
        assert sum(part for _, part in parts) == pytest.approx(graph.scores(matrix[row])[0, item], rel=1e-4)
        assert {each for each, _ in parts} == set(matrix[row].indices)


def test_two_steps_find_what_scoring_everything_finds() -> None:
    matrix, _, _ = tastes(listeners=1500, items=800, plays=20)
    graph = ItemGraph.fit(matrix, ItemGraphOptions(rank=32, neighbours=400))
    fast = graph.rank(matrix, 20)
    dense = graph.scores(matrix)
    dense[matrix.nonzero()] = -np.inf
    exact = np.argsort(-dense, axis=1, kind="stable")[:, :20]
    shared = np.mean([len(set(fast.of(row)) & set(exact[row])) for row in range(matrix.shape[0])])
    assert shared > 19.7


def test_a_graph_too_large_to_keep_is_the_same_and_says_that_it_takes_no_updates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix, _, _ = tastes()
    kept = ItemGraph.fit(matrix, OPTIONS)
    monkeypatch.setattr(module, "KEPT_PAIRS", 10)
    lean = ItemGraph.fit(matrix, OPTIONS)
    assert lean.together is None
    np.testing.assert_allclose(lean.graph.toarray(), kept.graph.toarray(), rtol=1e-5, atol=1e-7)
    with pytest.raises(Exception, match="too many to keep for updates; fit again"):
        lean.added(matrix)


def test_other_options_on_a_fitted_graph_are_those_of_a_fit() -> None:
    matrix, _, _ = tastes()
    wanted = ItemGraphOptions(rank=8, neighbours=30, output_power=0.2, input_power=0.1, low_pass=0.5)
    tuned, fitted = ItemGraph.fit(matrix, OPTIONS).tuned(wanted), ItemGraph.fit(matrix, wanted)
    np.testing.assert_allclose(tuned.graph.toarray(), fitted.graph.toarray(), rtol=1e-5)
    # The sketch was wider, so that the filter agrees as far as either sketch is right.
    one, other = tuned.rank(matrix, 20), fitted.rank(matrix, 20)
    assert np.mean([len(set(one.of(row)) & set(other.of(row))) for row in range(600)]) > 16


@pytest.mark.parametrize("shape", [(300, 60), (60, 300)])
def test_small_matrices_are_decomposed_exactly(shape: tuple[int, int]) -> None:
    matrix = tastes(listeners=shape[0], items=shape[1])[0]
    found = right_vectors(matrix, 4)
    exact = np.linalg.svd(matrix.toarray(), full_matrices=False)[2][:4].T
    np.testing.assert_allclose(np.abs((found * exact).sum(axis=0)), 1, atol=1e-5)


def test_large_matrices_keep_nearly_all_that_the_exact_vectors_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_rank, "EXACT", 0)
    matrix = tastes(listeners=900, items=700)[0]
    found = right_vectors(matrix, 40)
    values = np.linalg.svd(matrix.toarray(), compute_uv=False)[:40]
    kept = float((np.asarray(matrix @ found) ** 2).sum() / (values**2).sum())
    assert 0.95 < kept <= 1.0001  # two blocks only, and a spectrum that hardly falls
    np.testing.assert_allclose(found.T @ found, np.eye(40), atol=1e-3)
    np.testing.assert_array_equal(found, right_vectors(matrix, 40))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_nearest_in_blocks_are_the_strongest_of_all_pairs(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    matrix = interactions(sp.random(30, 25, 0.2, rng=chance, format="csr") > 0)
    ones, right = np.ones(25, np.float32), chance.random(25, dtype=np.float32) + 0.1
    pairs = co_occurrences(matrix).toarray() * right
    found = nearest(matrix, count, left=ones, right=right).toarray()
    for row in range(25):
        best = np.sort(pairs[row])[::-1][:count]
        np.testing.assert_allclose(np.sort(found[row])[::-1][:count], best, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_a_bounded_row_keeps_its_strongest_and_others_stay(seed: int, most: int) -> None:
    matrix = interactions(sp.random(12, 20, 0.4, rng=np.random.default_rng(seed), format="csr"))
    found = bounded(matrix, most)
    for row in range(12):
        had, kept = matrix[row].toarray().ravel(), found[row].toarray().ravel()
        wanted = np.sort(had)[::-1][: min(most, (had > 0).sum())]
        np.testing.assert_array_equal(np.sort(kept)[::-1][: len(wanted)], wanted)
        assert (kept > 0).sum() == len(wanted)


def test_scores_are_the_formula_that_is_stated() -> None:
    matrix, _, _ = tastes()
    options = ItemGraphOptions(
        rank=9, neighbours=200, low_pass=0.4, damping=0.7, input_power=0.1, output_power=0.3, row_power=0.6
    )
    dense = matrix.toarray().astype(np.float64)
    rows, items = dense.sum(axis=1), dense.sum(axis=0)
    filtered = rows[:, None] ** -0.3 * dense * items**-options.item_power
    values, vectors = np.linalg.eigh(filtered.T @ filtered)
    values, vectors = values[::-1][:9], vectors[:, ::-1][:, :9]
    together = filtered.T @ filtered
    np.fill_diagonal(together, 0)
    let_through = (vectors * (0.4 * values[0] - 0.7 * values)) @ vectors.T
    moved = options.item_power - 0.5
    expected = (dense * items ** (moved - 0.1)) @ (together + let_through) * items ** (moved + 0.3)
    found = ItemGraph.fit(matrix, options).scores(matrix)
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-3 * np.abs(expected).max())


def test_other_powers_of_rows_and_columns_want_a_fit() -> None:
    graph = ItemGraph.fit(tastes()[0], OPTIONS)
    for name in ("row_power", "item_power"):
        with pytest.raises(InputError, match=f"{name} == 0.9.*fit again"):
            graph.tuned(replace(OPTIONS, **{name: 0.9}))


def test_a_graph_too_large_to_keep_is_tuned_among_the_neighbours_that_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix, _, _ = tastes()
    monkeypatch.setattr(module, "KEPT_PAIRS", 10)
    every = ItemGraphOptions(rank=8, neighbours=200)
    wanted = replace(every, output_power=0.1, input_power=0.4, damping=0.2)
    tuned, fitted = ItemGraph.fit(matrix, every).tuned(wanted), ItemGraph.fit(matrix, wanted)
    np.testing.assert_allclose(tuned.scores(matrix), fitted.scores(matrix), rtol=1e-3, atol=1e-4)


def test_among_equal_neighbours_exactly_as_many_as_are_wanted_stay() -> None:
    ones, block = np.ones(6, np.float32), sp.csr_matrix(np.ones((6, 6), np.float32))
    found = strongest(block, 4, left=ones, right=ones)
    np.testing.assert_array_equal(found.toarray(), np.tile([1, 1, 1, 1, 0, 0], (6, 1)))


def test_a_small_catalogue_has_fewer_directions() -> None:
    assert [ItemGraphOptions.usual(items).rank for items in (10, 1700, 1_000_000)] == [16, 26, 512]


def test_a_model_takes_new_rows_and_stays_as_it_was() -> None:
    matrix, _, _ = tastes()
    model = Model("item-graph", options={"rank": 16}).fit(matrix[:500])
    before = model.recommend(matrix[:5]).items.copy()
    more = model.added(matrix[500:])
    np.testing.assert_array_equal(model.recommend(matrix[:5]).items, before)
    assert more.fitted.degrees.sum() > model.fitted.degrees.sum()  # type: ignore[attr-defined]
