"""Fits on Spark beside fits in this process, and the join of interactions with themselves on whatever Ibis speaks to."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ibis
import numpy as np
import pytest
import scipy.sparse as sp

from counterpoint.cli import run as call
from counterpoint.discover import METHODS, Model, evaluate, spark, within_rows
from counterpoint.discover.fitting import Choice, fitted_to
from counterpoint.discover.graph import nearest
from counterpoint.discover.joining import (
    entries_of,
    one_sided,
    pairs_of,
    strongest_of,
    symmetric,
    weights_of,
)
from counterpoint.discover.kept import load
from counterpoint.engine import EngineAddress, read_engine
from counterpoint.errors import InputError, WorkspaceError
from tests.discover.planted import tastes
from tests.journal.engines import SPARK, address_of, collect_sockets

ALS = {"factors": 8, "ridge": 0.1, "iterations": 5}
GRAPH = {"rank": 8, "neighbours": 100}
# py4j and PySpark leave their sockets to Python's collector; Spark starts slowly beside other work.
on_spark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.timeout(400),
]


@pytest.fixture(params=[pytest.param(SPARK.values[0], marks=[*SPARK.marks, *on_spark], id="spark")])
def address(request: pytest.FixtureRequest) -> Iterator[EngineAddress]:
    yield address_of(request.param)
    collect_sockets()


def reference(matrix: sp.csr_matrix, shares: np.ndarray) -> np.ndarray:
    """Co-occurrences in double precision."""
    dense = matrix.toarray().astype(np.float64)
    found = dense.T @ (dense * shares.astype(np.float64)[:, None])
    np.fill_diagonal(found, 0)
    return np.asarray(found)


def shares_of(matrix: sp.csr_matrix) -> np.ndarray:
    return np.asarray(1 / np.maximum(np.diff(matrix.indptr), 1), dtype=np.float32)


def dense_of(pairs: ibis.Table, items: int) -> np.ndarray:
    """All pairs in the precision in which the engine has them."""
    found = np.zeros((items, items))
    table = pairs.to_pyarrow()
    found[table["item"].to_numpy(), table["other"].to_numpy()] = table["together"].to_numpy()
    return found + found.T


def test_a_join_gives_all_co_occurrences_and_the_strongest_are_those_that_are_kept_here() -> None:
    matrix, _, _ = tastes(listeners=150, items=60)
    shares, weights = shares_of(matrix), np.linspace(0.5, 1.5, 60).astype(np.float32)
    met = pairs_of(ibis.memtable(entries_of(matrix, shares)))
    np.testing.assert_allclose(dense_of(met, 60), reference(matrix, shares), rtol=0, atol=1e-12)
    table = met.to_pyarrow()
    assert len(table) == np.count_nonzero(np.triu(reference(matrix, shares)))
    ones = np.ones(60, dtype=np.float32)
    for count in (1, 7, 60):
        kept = one_sided(strongest_of(met, ibis.memtable(weights_of(weights)), count).to_pyarrow(), 60)
        here = nearest(matrix, count, left=ones, right=weights, weights=shares)
        np.testing.assert_allclose(
            np.sort((kept.toarray() * weights), axis=1), np.sort(here.toarray(), axis=1), rtol=1e-5
        )
    assert (symmetric(table, 60) != symmetric(table, 60).T).nnz == 0


def test_rows_without_a_pair_and_no_rows_have_no_co_occurrences() -> None:
    for matrix in (sp.csr_matrix(np.eye(3, 5)), sp.csr_matrix((2, 5))):
        met = pairs_of(ibis.memtable(entries_of(matrix, shares_of(matrix)))).to_pyarrow()
        assert symmetric(met, 5).nnz == 0


def test_spark_s_join_is_the_local_graph_and_only_the_strongest_come_back_where_all_are_too_many(
    address: EngineAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix, _, _ = tastes(listeners=300, items=100)
    shares = shares_of(matrix)
    with spark._engine(address) as engine:
        met = pairs_of(engine.tail(entries_of(matrix, shares)))
        np.testing.assert_allclose(dense_of(met, 100), reference(matrix, shares), rtol=0, atol=1e-12)
    here = Model("item-graph", options=GRAPH).fit(matrix)
    there = Model("item-graph", options=GRAPH, engine=address).fit(matrix)
    # Both keep float32; here the sums are made in it too.
    np.testing.assert_allclose(
        there.fitted.together.toarray(), here.fitted.together.toarray(), rtol=1e-5, atol=1e-9
    )
    one, other = here.recommend(matrix[:50], 10), there.recommend(matrix[:50], 10)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-4)
    grown = there.added(matrix[:20])
    assert grown.fitted.degrees.sum() == there.fitted.degrees.sum() + matrix[:20].nnz
    monkeypatch.setattr(spark, "KEPT_PAIRS", 100)
    few = GRAPH | {"neighbours": 20}
    pruned = Model("item-graph", options=few, engine=address).fit(matrix)
    assert pruned.fitted.together is None
    # Which of two equal neighbours is kept hangs on the last bit of a sum; what they are worth does not.
    for mine, kept in zip(
        pruned.fitted.graph, Model("item-graph", options=few).fit(matrix).fitted.graph, strict=True
    ):
        np.testing.assert_allclose(np.sort(mine.data), np.sort(kept.data), rtol=1e-4)


def test_als_by_mllib_has_our_metrics_from_the_same_options_and_is_a_model_as_any_other(
    address: EngineAddress,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        spark, "BLOCKS", 2
    )  # each is a task of each step, which costs more than what it does here
    split = within_rows(tastes()[0], 0.2)
    sp.save_npz(tmp_path / "plays.npz", split.fitted)
    file = tmp_path / "model.npz"
    words = ["--json", "discover", "fit", str(tmp_path / "plays.npz"), "--out", str(file)]
    assert call([*words, "--method", "item-graph", "--engine", "spark://local[2]"]) == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "spark"
    assert load(file).model.rank(split.history[:3], 5).items.shape == (3, 5)
    found = {}
    for engine in ("duckdb", address):
        model = Model("als", options=ALS, engine=engine).fit(split.fitted)
        ranking = model.recommend(split.history, 20)
        found[str(engine)] = evaluate(ranking, split.held, split.fitted)
        assert len(model.recommend(sp.csr_matrix((1, 200)), 10).of(0)) == 10
    here, there = found.values()
    for measure in ("recall", "ndcg"):
        assert there.measured(measure).mean == pytest.approx(here.measured(measure).mean, abs=0.03)


def test_a_method_that_spark_has_no_part_in_is_fitted_here_and_says_so() -> None:
    said: list[str] = []
    matrix, _, _ = tastes(listeners=50, items=30, plays=5)
    Model("popularity", engine="spark://nowhere:1").fit(matrix, said=said.append)
    assert said == ["popularity", "popularity is fitted in this process; Spark fits item-graph and als"]
    assert [name for name, each in METHODS.items() if each.on_spark] == ["item-graph", "als"]


def test_spark_that_is_missing_or_no_address_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix, _, _ = tastes(listeners=50, items=30, plays=5)
    with pytest.raises(InputError, match="engine: 'sparc' is no engine of this version"):
        Model("als", engine="sparc")
    file = tmp_path / "plays.npz"
    sp.save_npz(file, matrix)
    words = ["discover", "fit", str(file), "--out", str(tmp_path / "m.npz"), "--method", "als", "--engine"]
    assert call([*words, "spark://"]) == 2
    assert "--engine" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pyspark" else name)
    with pytest.raises(WorkspaceError, match=r'pip install "counterpoint\[spark\]"'):
        Model("als", engine="spark://local[2]").fit(matrix)
    listened: Any = SimpleNamespace(matrix=matrix, moments=matrix, playlists=(), items=range(30))
    with pytest.raises(WorkspaceError, match="pyspark"):
        fitted_to(listened, Choice("als", {}), seed=0, engine=read_engine("spark://local[2]"))
    assert (
        fitted_to(listened, Choice("popularity", {}), seed=0, engine=read_engine("spark://local[2]")).items
        == 30
    )


def test_the_engine_of_the_workspace_fits_files_too_unless_another_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "counterpoint.toml").write_text('engine = "spark://nowhere.invalid:1"\n')
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pyspark" else name)
    sp.save_npz(tmp_path / "plays.npz", tastes(listeners=50, items=30, plays=5)[0])
    words = ["-w", str(tmp_path), "discover", "fit", str(tmp_path / "plays.npz"), "--method", "als"]
    words += ["--out", str(tmp_path / "model.npz")]
    assert call(words) == 1
    assert 'pip install "counterpoint[spark]"' in capsys.readouterr().err
    assert call([*words, "--engine", "duckdb"]) == 0
