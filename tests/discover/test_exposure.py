"""What lists show beside what is heard, methods compared on a log, and the charts of it."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from counterpoint.discover.evaluating import Compared, compared
from counterpoint.discover.exposure import categories_of, exposure_of, tiers_of
from counterpoint.discover.log import Log
from counterpoint.discover.plots import write_plots
from counterpoint.discover.ranking import NOTHING, Ranking
from counterpoint.errors import InputError
from counterpoint.web.charts.files import as_file
from tests.discover.planted import tastes


def ranking(lists: list[list[int]]) -> Ranking:
    items = np.array(lists, dtype=np.int32)
    return Ranking(items, np.zeros(items.shape, np.float32))


@pytest.fixture(scope="module")
def comparison() -> Compared:
    matrix, _, _ = tastes(listeners=150, items=60, plays=12)
    rows, columns = (np.array([str(at) for at in range(size)], dtype=object) for size in matrix.shape)
    log = Log(matrix, None, rows, columns, {})
    return compared(log, methods=("popularity", "neighbours"), budget=0.01)


def test_tiers_follow_how_many_have_an_item() -> None:
    degrees = np.arange(200.0, 0, -1)
    tiers = tiers_of(degrees)
    assert np.bincount(tiers).tolist() == [2, 18, 80, 100]
    assert tiers[:2].tolist() == [0, 0]
    assert np.bincount(tiers_of(np.ones(3)), minlength=4).tolist() == [1, 0, 1, 1]


def test_each_tier_has_its_share_of_places_beside_its_share_of_listening() -> None:
    heard = sp.csr_matrix(np.tril(np.ones((10, 10))))  # item 0 is heard by ten, item 9 by one
    lists = ranking([[0, 1], [0, 9], [NOTHING, NOTHING]])
    found = exposure_of(lists, heard[[0, 1, 2]], heard)
    assert [tier.name for tier in found.tiers] == ["top 1 %", "next 9 %", "next 40 %", "other half"]
    assert [tier.exposure.mean for tier in found.tiers] == [0.5, 0.0, 0.25, 0.25]
    assert [tier.consumption for tier in found.tiers] == pytest.approx([10 / 55, 0, 30 / 55, 15 / 55])
    assert [tier.shown for tier in found.tiers] == [1, 0, 1, 1]
    assert found.tiers[0].exposure.rows == 2  # who has no list says nothing


def test_the_curve_is_even_where_all_are_shown_alike_and_uneven_where_one_is() -> None:
    heard = sp.csr_matrix(np.ones((4, 4)))
    even = exposure_of(ranking([[0], [1], [2], [3]]), heard, heard)
    one = exposure_of(ranking([[3], [3], [3], [3]]), heard, heard)
    assert (even.shown.gini, one.shown.gini) == (0.0, 0.75)
    assert one.shown.points[-2:] == ((0.75, 0.0), (1.0, 1.0))
    nothing = exposure_of(ranking([[NOTHING]] * 4), heard, heard)
    assert (nothing.shown.points, np.isnan(nothing.shown.gini)) == ((), True)


def test_a_list_of_what_the_same_people_hear_has_no_diversity_and_one_of_strangers_has_all() -> None:
    heard = sp.csr_matrix([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 0]])
    alike, apart, unheard = (
        exposure_of(ranking([list(each)] * 4), heard, heard).diversity.mean
        for each in ((0, 1), (0, 2), (2, 4))
    )
    assert (alike, apart, unheard) == (pytest.approx(0.0), pytest.approx(1.0), pytest.approx(1.0))
    half = exposure_of(ranking([[2, 3, NOTHING]] + [[0, NOTHING, NOTHING]] * 3), heard, heard).diversity
    assert (half.mean, half.rows) == (pytest.approx(1 - 0.5**0.5), 1)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_diversity_is_one_less_the_mean_cosine_of_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    heard = (rng.random((12, 9)) < 0.4).astype(float)
    lists = [list(rng.permutation(9)[:4]) for _ in range(12)]
    norms = np.maximum(np.linalg.norm(heard, axis=0), 1e-12)
    cosine = (heard.T @ heard) / np.outer(norms, norms)
    slow = [1 - np.mean([cosine[i, j] for i in each for j in each if i != j]) for each in lists]
    found = exposure_of(ranking(lists), sp.csr_matrix(heard), sp.csr_matrix(heard)).diversity
    assert found.mean == pytest.approx(np.mean(slow))


def test_a_list_like_the_history_is_calibrated() -> None:
    history = sp.csr_matrix([[1, 1, 0, 0], [1, 1, 0, 0]])
    spread, names = categories_of([["jazz"], ["polka"], ["jazz"], ["polka"]])
    assert names == ("jazz", "polka")
    close = exposure_of(ranking([[2, 3], [2, 3]]), history, history, categories=spread)
    far = exposure_of(ranking([[2, 2], [2, 2]]), history, history, categories=spread)
    assert close.calibration.mean == 0
    assert far.calibration.mean == pytest.approx(0.5 * np.log(0.5 / 0.995) + 0.5 * np.log(0.5 / 0.005))
    with pytest.raises(InputError, match="categories has 4 rows, must have 3"):
        exposure_of(ranking([[0]]), sp.csr_matrix([[1, 1, 0]]), history[:, :3], categories=spread)


def test_methods_are_compared_with_the_best_and_with_popularity(comparison: Compared) -> None:
    best, base = comparison.methods
    assert (best.method, base.method) == ("neighbours", "popularity")
    assert base.behind is not None
    assert best.beside_popularity is not None
    assert base.behind.recall == pytest.approx(best.recall.mean - base.recall.mean)
    assert best.beside_popularity.low < best.beside_popularity.recall < best.beside_popularity.high
    assert (best.behind, base.beside_popularity, comparison.rows) == (None, None, 150)
    assert base.gini > best.gini
    assert sum(tier.exposure.mean for tier in base.tiers) == pytest.approx(1)


def test_charts_are_files_of_their_own_with_their_figures_beside_them(
    comparison: Compared, tmp_path: Path
) -> None:
    written = write_plots(tmp_path / "new" / "plots", comparison)
    names = {path.name for path in written}
    assert {"recall.svg", "map.svg", "calibration.svg", "lorenz.svg", "tiers-neighbours.svg"} <= names
    for path in written:
        text = path.read_text("utf-8")
        if path.suffix == ".svg":
            assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own
            assert "var(--" not in text
            assert "prefers-color-scheme: dark" in text
    figures = json.loads((tmp_path / "new" / "plots" / "evaluation.json").read_text("utf-8"))
    assert figures["methods"][0]["r-precision"]["low"] <= figures["methods"][0]["r-precision"]["mean"]
    assert figures["methods"][0]["calibration"]["mean"] == comparison.methods[0].calibration.mean
    with pytest.raises(ValueError, match="no chart"):
        as_file(Markup(""))
