"""One protocol judges everything: what is held out, among which candidates, by which measures and test."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from counterpoint.cli import run as call
from counterpoint.discover import Judgement, Model, Protocol, Ranking, Split, compare, evaluate, search
from counterpoint.discover.bench import MISLEADS
from counterpoint.discover.evaluating import compared
from counterpoint.discover.evaluation import PER_ROW, Evaluation
from counterpoint.discover.exposure import categories_of, exposure_of, makers_of, small_items
from counterpoint.discover.files import read_split
from counterpoint.discover.log import Log
from counterpoint.discover.ranking import NOTHING
from counterpoint.discover.recommender import Recommender
from counterpoint.errors import InputError
from tests.discover.planted import tastes

BY_HAND = settings(max_examples=60, deadline=None)


def ranking_of(lists: list[list[int]]) -> Ranking:
    items = np.array(lists, dtype=np.int32)
    return Ranking(items, np.zeros(items.shape, np.float32))


def by_hand(places: list[int], relevant: set[int], k: int) -> dict[str, float]:
    """Each measure of one list, item by item, as the definitions read."""
    seen: list[int] = []
    hits: list[int] = []
    for place, item in enumerate(places[:k], 1):
        if item in relevant and item not in seen:
            hits.append(place)
        seen.append(item)
    most = min(len(relevant), k)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, most + 1))
    return {
        "recall": len(hits) / len(relevant),
        "capped-recall": len(hits) / most,
        "ndcg": sum(1 / math.log2(place + 1) for place in hits) / ideal,
        "map": sum(found / place for found, place in enumerate(hits, 1)) / most,
        "r-precision": sum(place <= len(relevant) for place in hits) / most,
    }


@st.composite
def judged(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]], np.ndarray, int]:
    """Lists with empty places and with items that stand there twice, what was held out, what is fitted, and k."""
    items, rows = draw(st.integers(1, 9)), draw(st.integers(1, 6))
    width = draw(st.integers(1, 7))
    one = st.lists(st.integers(NOTHING, items - 1), min_size=width, max_size=width)
    lists = draw(st.lists(one, min_size=rows, max_size=rows))
    held = draw(
        st.lists(st.lists(st.integers(0, items - 1), max_size=2 * items), min_size=rows, max_size=rows)
    )
    fitted = np.array(
        draw(st.lists(st.lists(st.integers(0, 1), min_size=items, max_size=items), min_size=1, max_size=8))
    )
    return lists, held, fitted, draw(st.integers(1, width))


@BY_HAND
@given(judged())
def test_each_measure_is_what_its_definition_says_item_by_item(
    drawn: tuple[list[list[int]], list[list[int]], np.ndarray, int],
) -> None:
    lists, held, fitted, k = drawn
    matrix = sp.lil_matrix((len(lists), fitted.shape[1]))
    for row, items in enumerate(held):
        for item in items:
            matrix[row, item] += 1  # what was held out twice counts once
    found = evaluate(ranking_of(lists), matrix.tocsr(), sp.csr_matrix(fitted), places=k)
    assert found.rows.tolist() == [row for row, items in enumerate(held) if items]
    for at, row in enumerate(found.rows):
        slow = by_hand(lists[row], set(held[row]), k)
        assert {name: found.values[name][at] for name in PER_ROW} == pytest.approx(slow)
    shown = [item for row in lists for item in row[:k] if item != NOTHING]
    if not shown:
        assert (found.coverage, math.isnan(found.novelty)) == (0.0, True)
        return
    degrees = [int(sum(row[item] for row in fitted)) for item in range(fitted.shape[1])]
    popular = sorted(range(len(degrees)), key=lambda item: (-degrees[item], item))
    head = set(popular[: max(1, math.ceil(len(degrees) / 10))])
    assert found.coverage == pytest.approx(len(set(shown)) / len(degrees))
    surprise = [-math.log2(max(degrees[item], 1) / len(fitted)) for item in shown]
    assert found.novelty == pytest.approx(sum(surprise) / len(shown))
    assert found.exposure == pytest.approx(sum(item in head for item in shown) / len(shown))
    if sum(degrees):
        assert found.consumption == pytest.approx(sum(degrees[item] for item in head) / sum(degrees))


@BY_HAND
@given(judged(), st.data())
def test_exposure_by_artists_and_calibration_are_what_their_definitions_say(
    drawn: tuple[list[list[int]], list[list[int]], np.ndarray, int], data: st.DataObject
) -> None:
    lists, _, fitted, _ = drawn
    items = fitted.shape[1]
    names = st.lists(st.sampled_from(["ana", "bo", "cy", "di"]), max_size=2, unique=True)
    made = data.draw(st.lists(names, min_size=items, max_size=items))
    history = sp.csr_matrix(np.resize(fitted, (len(lists), items)))
    spread, _ = categories_of(made)
    found = exposure_of(
        ranking_of(lists), history, sp.csr_matrix(fitted), categories=spread, makers=makers_of(made)
    )
    order = list(dict.fromkeys(name for each in made for name in each))
    heard = {name: sum(int(fitted[:, at].sum()) for at in range(items) if name in made[at]) for name in order}
    ranked = sorted(order, key=lambda name: (-heard[name], order.index(name)))
    small = {name for at, name in enumerate(ranked) if at >= max(1, math.ceil(len(ranked) / 2))}
    shares = [
        sum(len(small & set(made[item])) / len(made[item]) for item in row) / len(row)
        for each in lists
        if (row := [item for item in each if item != NOTHING and made[item]])
    ]
    if not shares or not any(heard.values()):
        assert found.artists == ()
    else:
        last = found.artists[-1]
        assert (last.items, sum(tier.items for tier in found.artists)) == (len(small), len(order))
        assert last.exposure.mean == pytest.approx(sum(shares) / len(shares))
        shown = {name for each in lists for item in each if item != NOTHING for name in made[item]}
        assert last.shown == len(small & shown)
        assert sum(tier.consumption for tier in found.artists) == pytest.approx(1)
    only = small_items(makers_of(made), fitted.sum(axis=0))
    assert only.tolist() == [bool(each) and set(each) <= small for each in made]
    distances = []
    for row, each in enumerate(lists):
        wanted = spread[history[row].indices].sum(axis=0)
        got = spread[[item for item in each if item != NOTHING]].sum(axis=0)
        if wanted.sum() > 0 and got.sum() > 0:
            p, q = wanted / wanted.sum(), got / got.sum()
            distances.append(
                sum(a * math.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a)
            )
    if distances:
        assert found.calibration.mean == pytest.approx(sum(distances) / len(distances), abs=1e-9)
    assert found.calibration.rows == len(distances)


def evaluation(values: list[float]) -> Evaluation:
    rows = np.arange(len(values))
    return Evaluation(1, rows, {name: np.array(values) for name in PER_ROW}, 1, 1, 1, 1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=8), st.integers(0, 2**32)
)
def test_paired_tests_agree_with_scipy_and_with_all_signs_there_are(
    values: list[tuple[int, int]], seed: int
) -> None:
    one, other = ([float(each) for each in side] for side in zip(*values, strict=True))
    first, second = evaluation(one), evaluation(other)
    differences = np.array(one) - np.array(other)
    if differences.std() > 0:
        theirs = ttest_rel(one, other)
        ours = compare(first, second, "map", alpha=0.1)
        interval = theirs.confidence_interval(0.9)
        assert (ours.p, ours.difference.low, ours.difference.high) == pytest.approx(
            (theirs.pvalue, interval.low, interval.high), abs=1e-12
        )
    sums = [
        abs(sum(sign * each for sign, each in zip(signs, differences, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    exact = np.mean([each >= abs(differences.sum()) - 1e-9 for each in sums])
    drawn = compare(first, second, test="signs", seed=seed).p
    assert drawn == pytest.approx(exact, abs=0.03)
    assert drawn == compare(first, second, test="signs", seed=seed).p


def test_a_protocol_is_a_value_that_goes_through_json_and_refuses_what_it_cannot_be() -> None:
    protocol = Protocol(split="last", candidates="sampled", sampled=7, places=(5, 20), test="signs", seed=3)
    assert msgspec.json.decode(msgspec.json.encode(protocol), type=Protocol) == protocol
    for wrong in (
        {"split": "first"},
        {"held": 1.0},
        {"places": ()},
        {"places": (0,)},
        {"places": (20, 10_001)},
        {"places": (10**20,)},
        {"measures": ("precision",)},
        {"candidates": "given"},
        {"items": ("a",)},
        {"candidates": "all"},
        {"test": "z"},
        {"sampled": 0},
        {"seed": -1},
        {"rows": 0},
    ):
        with pytest.raises(InputError):
            Protocol(**wrong)  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(msgspec.ValidationError, match="unknown field `place`"):
        msgspec.json.decode(b'{"place": [50]}', type=Protocol)
    with pytest.raises(InputError, match=r'measure == "recal", must be one of .*did you mean recall'):
        Protocol(measures=("recal",))


@pytest.mark.parametrize(
    ("held", "told"), [(0.2, "20 %"), (0.125, "12.5 %"), (0.07, "7 %"), (0.001, "0.1 %")]
)
def test_what_is_held_out_is_told_as_it_is(held: float, told: str) -> None:
    assert Protocol(split="time", held=held).words() == f"the last {told} in time"
    assert Protocol(split="within", held=held).words().startswith(f"{told} of each")
    assert Protocol(split="listeners", held=held).words().startswith(f"{told} of listeners")


def moments_of(matrix: sp.csr_matrix) -> sp.csr_matrix:
    when = matrix.copy().astype(float)
    when.data = np.random.default_rng(4).permutation(when.nnz) + 1.0
    return when


@pytest.fixture(scope="module")
def heard() -> sp.csr_matrix:
    matrix = sp.csr_matrix(tastes(listeners=80, items=60, plays=10)[0])
    matrix.sort_indices()
    return matrix


def fitted(bench_fitted: sp.csr_matrix, name: str = "neighbours") -> Recommender:
    return Model(name).fit(bench_fitted).fitted


@pytest.mark.parametrize("split", ["within", "time", "last", "listeners"])
@pytest.mark.parametrize("candidates", ["unknown", "available", "given", "sampled"])
def test_lists_hold_candidates_alone_and_what_is_asked_for_is_among_them(
    heard: sp.csr_matrix, split: str, candidates: str
) -> None:
    moments = moments_of(heard)
    names = [f"i{at}" for at in range(60)]
    protocol = Protocol(
        split=split,  # type: ignore[arg-type]
        candidates=candidates,  # type: ignore[arg-type]
        items=tuple(names[:30]) if candidates == "given" else (),
        sampled=9,
        places=(5, 50),
    )
    if candidates == "available" and split in ("within", "listeners"):
        with pytest.raises(InputError, match="needs a split in time"):
            protocol.bench(heard, moments=moments, names=names)
        return
    bench = protocol.bench(heard, moments=moments, names=names)
    ranking = bench.ranked(fitted(bench.split.fitted))
    assert (len(ranking), ranking.items.shape[1]) == (len(bench.rows), 50)
    for row in range(len(bench.rows)):
        listed, held = ranking.of(row), set(bench.split.held[row].indices)
        assert held
        assert not set(listed) & set(bench.split.history[row].indices)
        if candidates == "given":
            assert {*listed, *held} <= set(range(30))
        if candidates == "sampled":
            assert len(listed) == len(held) + 9
            assert held <= set(listed)
        if candidates == "available" and split == "last":
            at = moments[bench.rows[row], max(held)]
            assert all(moments.getcol(item).data.min() <= at for item in {*listed, *held})
        if candidates == "available" and split == "time":
            assert {*listed, *held} <= set(bench.split.fitted.indices)
    assert (MISLEADS in bench.warnings) is (candidates == "sampled")
    # What was ranked elsewhere is judged alike, and refused where it shows what is none.
    assert bench.evaluated(ranking).values["ndcg"].tolist() == (
        bench.evaluated(fitted(bench.split.fitted)).values["ndcg"].tolist()
    )
    known = ranking.items.copy()
    known[0, 0] = bench.split.history[0].indices[0] if bench.split.history[0].nnz else 60
    with pytest.raises(InputError, match=r"is no candidate|but there are 60"):
        bench.evaluated(Ranking(known, ranking.scores))
    with pytest.raises(InputError, match="must have"):
        bench.evaluated(Ranking(known[1:], ranking.scores[1:]))


def test_a_split_that_is_given_is_judged_as_published() -> None:
    fit = sp.csr_matrix(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1]]))
    test = sp.csr_matrix(np.array([[0, 1, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0]]))
    bench = Protocol(places=(2,)).given(Split(fit, fit, test))
    assert bench.rows.tolist() == [0, 2], "who has nothing held out is left out"
    assert bench.split.held.toarray().tolist() == [[0, 0, 1, 1], [0, 1, 0, 0]]
    assert bench.warnings == ("1 held-out entries are known of the same listener, and not asked for.",)
    found = bench.judged({"mine": ranking_of([[2, 3], [2, 1]])})
    assert found.measured("mine", "recall").mean == 1
    assert found.of("mine").values["ndcg"].tolist() == pytest.approx([1, 1 / math.log2(3)])
    with pytest.raises(InputError, match="must have 3 as the history has"):
        Protocol().given(Split(fit, fit, test[:2]))
    with pytest.raises(InputError, match="nothing can be held out"):
        Protocol().given(Split(fit, fit, sp.csr_matrix((3, 4))))
    with pytest.raises(InputError, match=r"call Protocol\.given"):
        Protocol(split="given").bench(fit)


def test_every_pair_is_compared_and_p_is_held_against_how_many_were(heard: sp.csr_matrix) -> None:
    bench = Protocol(split="within", places=(5, 10), measures=("ndcg", "recall")).bench(heard)
    names = ("popularity", "neighbours", "ease")
    found: Judgement = bench.judged({name: fitted(bench.split.fitted, name) for name in names})
    pairs = found.pairs()
    assert len(pairs) == 3 * 2 * 2
    assert all(pair.difference >= 0 and pair.low is not None and pair.p <= pair.adjusted for pair in pairs)
    one = next(pair for pair in pairs if (pair.measure, pair.places) == ("recall", 10))
    direct = found.compared(one.better, one.other, "recall", places=10)
    assert (one.difference, one.p) == pytest.approx((direct.difference.mean, direct.p))
    assert found.order()[-1] == "popularity"
    with pytest.raises(InputError, match='"als" was not judged'):
        found.of("als")
    with pytest.raises(InputError, match="places == 7, must be one of 5, 10"):
        found.of("ease", places=7)


def test_popular_items_are_held_out_more_often_where_the_protocol_tilts(heard: sp.csr_matrix) -> None:
    degrees = np.asarray(heard.sum(axis=0)).ravel()
    means = [
        degrees[Protocol(split="within", tilt=tilt).bench(heard).split.held.indices].mean()
        for tilt in (-2.0, 0.0, 2.0)
    ]
    assert means[0] < means[1] < means[2]


def test_a_comparison_keeps_its_protocol_and_searches_as_it_judges(heard: sp.csr_matrix) -> None:
    rows, columns = (np.array([str(at) for at in range(size)], dtype=object) for size in heard.shape)
    log = Log(heard, moments_of(heard), rows, columns, {})
    protocol = Protocol(places=(5, 20), candidates="given", items=tuple(columns[:40]))
    done: list[tuple[int, int]] = []
    found = compared(
        log,
        protocol=protocol,
        methods=("popularity", "neighbours"),
        budget=0.01,
        makers=makers_of([[f"a{at // 3}"] for at in range(60)]),
        advance=lambda *at: done.append(at),
    )
    assert found.protocol == msgspec.structs.replace(protocol, split="time")
    assert (found.split, found.places) == ("the last 20 % in time", 5)
    assert [each.at[0].places for each in found.methods] == [20, 20]
    assert any("no candidates" in warning for warning in found.warnings)
    assert sum(tier.artists for tier in found.methods[0].artists) == 20
    assert done == [(0, 2), (1, 2), (2, 2)]
    assert msgspec.convert(msgspec.to_builtins(found), type(found)) == found
    tried = search(
        heard, methods=("popularity",), protocol=Protocol(split="within", measures=("ndcg",)), budget=1
    )
    assert tried.measure == "ndcg"
    with pytest.raises(InputError, match="must be one of"):
        search(heard, methods=("popularity",), protocol=Protocol(measures=("map",)), budget=1)
    by = {name: Protocol(measures=(name,)).validation().measures for name in PER_ROW}
    assert by["map"] == by["ndcg"] == by["r-precision"] == ("ndcg",)
    assert by["recall"] == by["capped-recall"] == ("recall",)


def test_a_published_split_is_read_as_lists_with_listeners_who_are_folded_in(tmp_path: Path) -> None:
    files = {
        "train": "0 10 2\n1 2 7\n2\n",
        "test": "0 7\n5 2 10\n",
        "fold": "5 7\n0 10\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.txt").write_text(text)
    train, test, fold = ([tmp_path / f"{name}.txt"] for name in files)
    log, split = read_split(train, test, now=0)
    assert log.items.tolist() == ["10", "2", "7"]
    assert log.listeners.tolist() == ["0", "1", "5"]
    assert split.fitted.toarray().tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert split.held.toarray().tolist() == [[0, 0, 1], [0, 0, 0], [1, 1, 0]]
    log, split = read_split(train, test, fold, now=0)
    assert split.fitted.shape == (2, 3)
    assert split.history.toarray().tolist() == [[1, 0, 0], [0, 0, 1]]
    for name, shape in (("train", (3, 4)), ("test", (2, 12))):
        sp.save_npz(tmp_path / f"{name}.npz", sp.random(*shape, 0.9, format="csr", rng=1))
    log, split = read_split([tmp_path / "train.npz"], [tmp_path / "test.npz"], now=0)
    assert (split.fitted.shape, split.held.shape) == ((3, 12), (3, 12))
    assert log.items.tolist() == [str(at) for at in range(12)]


def test_the_command_takes_a_protocol_and_takes_it_again_from_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], heard: sp.csr_matrix
) -> None:
    split = Protocol(split="within").bench(heard).split
    for name, matrix in (("log", heard), ("train", split.fitted), ("test", split.held)):
        sp.save_npz(tmp_path / f"{name}.npz", matrix)
    quick = ["--method", "popularity", "--budget", "0.01"]

    def evaluated(*words: str) -> dict[str, Any]:
        assert call(["--json", "discover", "evaluate", *words, *quick]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    asked = ["--candidates", "sampled", "--sampled", "9", "--places", "5", "--places", "10"]
    asked += ["--measure", "map", "--paired", "signs", "--seed", "3"]
    found = evaluated(str(tmp_path / "log.npz"), *asked, "--plots", str(tmp_path / "plots"))
    assert found["protocol"] == msgspec.to_builtins(
        Protocol(
            split="within",
            candidates="sampled",
            sampled=9,
            places=(5, 10),
            measures=("map",),
            test="signs",
            seed=3,
        )
    ) | {"items": [], "places": [5, 10], "measures": ["map"]}
    again = evaluated(
        str(tmp_path / "log.npz"), "--protocol", str(tmp_path / "plots" / "evaluation.json"), "--seed", "4"
    )
    assert again["protocol"] == found["protocol"] | {"seed": 4}
    given = evaluated(str(tmp_path / "train.npz"), "--test", str(tmp_path / "test.npz"), "--candidate", "3")
    assert (given["protocol"]["split"], given["protocol"]["items"]) == ("given", ["3"])
    assert given["split"] == "a part that was given"
    (tmp_path / "typo.json").write_text('{"splitt": "last"}')
    (tmp_path / "empty.txt").write_text("")
    for words, told in (
        (["--history", str(tmp_path / "test.npz")], "--history needs --test"),
        (["--protocol", str(tmp_path / "log.npz")], "has no protocol"),
        (
            ["--protocol", str(tmp_path / "typo.json")],
            "has no protocol: Object contains unknown field `splitt`",
        ),
        (["--protocol", str(tmp_path / "none.json")], "none.json cannot be read: No such file"),
        (["--test", str(tmp_path / "none.txt")], "none.txt cannot be read: No such file"),
        (["--test", str(tmp_path / "empty.txt")], "empty.txt has no line with a listener and an item"),
        (["--candidate", "nobody"], 'no item "nobody"'),
        (["--split", "last"], "needs times"),
    ):
        assert call(["discover", "evaluate", str(tmp_path / "log.npz"), *words, *quick]) == 1
        assert told in capsys.readouterr().err
