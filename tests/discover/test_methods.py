"""What every method keeps to, whatever it computes."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from counterpoint.discover import METHODS, Model, compare, evaluate, within_rows
from counterpoint.discover.als import Als, AlsOptions
from counterpoint.discover.spark import ROUNDS, _ridge
from counterpoint.errors import InputError
from tests.discover.planted import checkerboard, tastes

SMALL = {"als": {"factors": 8, "ridge": 0.1}, "item-graph": {"rank": 16}}
PERSONAL = [name for name in METHODS if name != "popularity"]


def made(name: str, matrix: sp.csr_matrix, *, seed: int = 0) -> Model:
    return Model(name, options=SMALL.get(name, {}), seed=seed).fit(matrix)


@pytest.mark.parametrize("name", PERSONAL)
def test_the_holes_of_a_checkerboard_come_first(name: str) -> None:
    board = checkerboard()
    ranking = made(name, board).recommend(board, 3)
    for row in range(board.shape[0]):
        assert {item % 2 for item in ranking.of(row)} == {row % 2}


@pytest.mark.parametrize("name", METHODS)
def test_what_one_has_does_not_come_back_unless_asked(name: str) -> None:
    board = checkerboard()
    model = made(name, board)
    assert not np.take_along_axis(board.toarray(), model.recommend(board, 5).items, axis=1).any()
    assert np.take_along_axis(board.toarray(), model.recommend(board, 20, known=True).items, axis=1).any()


@pytest.mark.parametrize("name", METHODS)
def test_hidden_and_forbidden_items_never_come(name: str) -> None:
    board = checkerboard()
    model = made(name, board)
    first = model.recommend(board, 5)
    hidden = sp.lil_matrix(board.shape)
    hidden[0, first.items[0]] = 1
    allowed = np.ones(board.shape[1], dtype=bool)
    allowed[::3] = False
    found = model.recommend(board, 5, hidden=hidden.tocsr(), allowed=allowed)
    assert not set(found.of(0)) & set(first.of(0))
    assert not [item for row in range(len(found)) for item in found.of(row) if item % 3 == 0]


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_ranking_and_one_row_the_same_as_many(name: str) -> None:
    matrix, _, _ = tastes()
    one, two = made(name, matrix, seed=3), made(name, matrix, seed=3)
    many = one.recommend(matrix[:50], 10)
    np.testing.assert_array_equal(many.items, two.recommend(matrix[:50], 10).items)
    for row in (0, 17, 49):
        assert one.recommend(matrix[row], 10).of(0) == many.of(row)


@pytest.mark.parametrize("name", METHODS)
def test_an_empty_history_is_answered_and_rows_need_not_have_been_fitted(name: str) -> None:
    matrix, _, item = tastes()
    model = made(name, matrix[:500])
    assert len(model.recommend(sp.csr_matrix((1, 200)), 10).of(0)) == 10
    if name != "popularity":
        ranking = model.recommend(matrix[500:], 10)
        kind = [np.bincount(item[matrix[500 + row].indices]).argmax() for row in range(100)]
        right = np.mean([(item[ranking.of(row)] == kind[row]).mean() for row in range(100)])
        assert right > 0.8


@pytest.mark.parametrize("name", METHODS)
def test_every_ranking_is_by_its_scores_and_agrees_with_dense_scores(name: str) -> None:
    matrix, _, _ = tastes()
    model = made(name, matrix)
    ranking = model.recommend(matrix[:40], 10)
    assert (np.diff(ranking.scores, axis=1) <= 0).all()
    dense = model.fitted.scores(matrix[:40])
    np.testing.assert_allclose(
        np.take_along_axis(dense, ranking.items, axis=1), ranking.scores, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", PERSONAL)
def test_a_method_beats_popularity_on_planted_tastes(name: str) -> None:
    split = within_rows(tastes()[0], 0.2)
    worth = {}
    for each in (name, "popularity"):
        found = evaluate(made(each, split.fitted).recommend(split.history, 20), split.held, split.fitted)
        worth[each] = found.measured("recall").mean
    assert worth[name] > 1.5 * worth["popularity"]


@pytest.mark.parametrize("name", METHODS)
def test_a_million_plays_and_a_song_that_everybody_has_change_little(name: str) -> None:
    matrix, _, item = tastes()
    wild = matrix.tolil()
    wild[0, 0] = 1_000_000
    wild[:, 7] = 1
    ranking = made(name, wild.tocsr()).recommend(matrix[1:200], 10)
    plain = made(name, matrix).recommend(matrix[1:200], 10)
    shared = np.mean([len(set(ranking.of(row)) & set(plain.of(row))) for row in range(199)])
    assert shared > 6
    assert item.max() == 3


def test_an_unknown_method_and_unknown_options_name_what_was_meant() -> None:
    with pytest.raises(InputError, match=r"did you mean item-graph\?"):
        Model("item-grph")
    with pytest.raises(InputError, match=r'has no option "rnk".*did you mean rank'):
        Model("item-graph", options={"rnk": 3}).fit(checkerboard())
    with pytest.raises(InputError, match="not fitted"):
        Model("ease").recommend(checkerboard())
    with pytest.raises(InputError, match="rank == -1"):
        Model("item-graph", options={"rank": -1}).fit(checkerboard())


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        ("plays.csv", "no matrix of numbers"),
        (np.array([[1.0, np.nan]]), r"matrix\[0, 1\] == nan"),
        (np.array([[1.0, 0.0], [0.0, -2.0]]), r"matrix\[1, 1\] == -2.0"),
        (np.zeros((3, 3)), "matrix is empty"),
        (np.zeros((0, 3)), "matrix is empty"),
    ],
)
def test_what_is_no_matrix_of_interactions_is_refused_by_its_place(matrix: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Model("popularity").fit(matrix)


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
def test_factors_of_a_row_solve_its_normal_equations_with_the_ridge_that_is_asked_for(
    constant: float,
) -> None:
    matrix, _, _ = tastes(listeners=60, items=40, plays=8)
    options = AlsOptions(factors=4, ridge=0.05, unobserved=0.2, constant=constant)
    model = Als.fit(matrix, options)
    row, items = sp.csr_matrix(matrix[3]), model.factors.astype(np.float64)
    had = items[row.indices]
    ridge = 0.05 * (len(had) + constant * 0.2 * 40)
    system = 0.2 * items.T @ items + had.T @ had + ridge * np.eye(4)
    exact = np.linalg.solve(system, had.sum(axis=0)) @ items.T
    np.testing.assert_allclose(model.scores(row)[0], exact, rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match="constant"):
        AlsOptions(constant=1.5)


def test_a_few_rounds_lead_from_another_ridge_to_what_a_fit_of_ours_is_worth() -> None:
    """What is done with what MLlib finds: its ridge grows with a row alone."""
    split = within_rows(tastes(listeners=600, items=300, plays=20)[0], 0.2)
    ours = AlsOptions(factors=12, ridge=0.03)
    ridge, scale = _ridge(split.fitted, ours)
    theirs = Als.fit(split.fitted, replace(ours, ridge=ridge * ours.unobserved, constant=0.0), seed=1)
    found = {
        name: evaluate(model.rank(split.history, 20), split.held, split.fitted)
        for name, model in {
            "ours": Als.fit(split.fitted, ours),
            "refined": Als(ours, (scale * theirs.factors).astype(np.float32)).refined(split.fitted, ROUNDS),
        }.items()
    }
    for measure in ("recall", "ndcg"):
        apart = compare(found["refined"], found["ours"], measure)
        assert abs(apart.relative) < 0.02, measure
