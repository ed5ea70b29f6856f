"""Logs out of files, models in a file, and the commands over both."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from counterpoint.cli import run as call
from counterpoint.discover import Model, kept
from counterpoint.discover.files import read_log, read_playlists
from counterpoint.discover.kept import keep, load
from counterpoint.discover.log import log_of
from counterpoint.errors import InputError
from tests.discover.planted import tastes

NOW = 1_800_000_000.0


def write_log(folder: Path, *, listeners: int = 120, items: int = 60) -> Path:
    matrix, _, _ = tastes(listeners=listeners, items=items, plays=12)
    file = folder / "plays.csv"
    coo = matrix.tocoo()
    lines = [
        f"écouteur {row},曲{column},{1_700_000_000 + at}"
        for at, (row, column) in enumerate(zip(coo.row, coo.col, strict=True))
    ]
    file.write_text("\n".join(["user,track,timestamp", *lines]), "utf-8")
    return file


def test_a_log_leaves_out_what_is_no_interaction_and_says_how_many() -> None:
    log = log_of(
        ["a", "a", "a", "b", "", "c", "d"],
        [1, 1, 2, 1, 1, 1, 1],
        weights=[1, 1, 9e9, 1, 1, -1, 1],
        times=[5, 5, 6, 7, 1, 1, 99],
        now=50,
    )
    assert log.left_out == {"no name": 1, "weight not above 0": 1, "in the future": 1, "there twice": 1}
    assert log.listeners.tolist() == ["a", "b"]
    assert log.matrix.toarray().tolist() == [[1, 50], [1, 0]]
    assert log.moments is not None
    assert log.moments.toarray().tolist() == [[5, 6], [7, 0]]
    assert log.rows(["b"]).tolist() == [1]
    with pytest.raises(InputError, match='no listener "z"'):
        log.rows(["z"])
    with pytest.raises(InputError, match="nothing is left of the log: 1 in the future"):
        log_of(["a"], ["b"], times=[9], now=1)


def test_older_entries_count_less_by_halves() -> None:
    log = log_of(["a", "a"], ["x", "y"], times=[0, 100], now=100, half_life=50)
    np.testing.assert_allclose(log.matrix.toarray(), [[0.25, 1]])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("semicolons.csv", 'user;track\n a;x\n"b;c";y\n'),
        ("tabs.csv", "user\ttrack\n a\tx\nb;c\ty\n"),
        ("a*b?[c].csv", "\ufeffuser,track\n a,x\nb;c,y\n"),
        ("quotes.csv", 'user,"the ""item""",track\n a,1,x\nb;c,2,y\n'),
    ],
)
def test_a_csv_is_read_as_its_first_line_says(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    log = read_log([file], now=NOW)
    assert list(log.listeners) == ["a", "b;c"]
    assert list(log.items) == ["x", "y"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "empty"),
        (b"user,user\na,b\n", "first line"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"us\x00er", "NUL"),
    ],
)
def test_what_is_no_csv_is_said(tmp_path: Path, raw: bytes, message: str) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(raw)
    with pytest.raises(InputError, match=message):
        read_log([file], now=NOW)


@pytest.mark.parametrize("ending", ["csv", "parquet", "ndjson"])
def test_files_of_each_kind_give_the_same_log(tmp_path: Path, ending: str) -> None:
    import duckdb

    file = write_log(tmp_path)
    other = tmp_path / f"same.{ending}"
    form = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet", "ndjson": "FORMAT json"}[ending]
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{file}')) TO '{other}' ({form})")
    one, same = (read_log([each], now=NOW) for each in (file, other))
    assert one.items.tolist() == same.items.tolist()
    assert (one.matrix != same.matrix).nnz == 0
    assert (one.moments != same.moments).nnz == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2", "no column for the listener; name it with --listener-column"),
        ("user,item,time\nada,x,yesterday", 'row 1, column "time" == "yesterday", must be a time'),
        ("user,item,plays\nada,x,many", 'row 1, column "plays" == "many", must be a number'),
        ("user,item\n,", "nothing is left of the log"),
    ],
)
def test_files_that_are_no_log_are_refused_by_their_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "log.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=told):
        read_log([file], now=NOW)
    with pytest.raises(InputError, match="is no file"):
        read_log([tmp_path / "missing.csv"], now=NOW)
    with pytest.raises(InputError, match=r'ends in "\.txt"'):
        read_log([_renamed(file)], now=NOW)


def _renamed(file: Path) -> Path:
    return Path(file.replace(file.with_suffix(".txt")))


@pytest.mark.parametrize("name", ["popularity", "neighbours", "item-graph", "ease", "als"])
def test_a_kept_model_ranks_as_the_one_that_was_kept(tmp_path: Path, name: str) -> None:
    matrix, _, _ = tastes(listeners=200, items=50)
    model = Model(name, options={"als": {"factors": 8}, "item-graph": {"rank": 8}}.get(name, {})).fit(matrix)
    keep(tmp_path / "model.npz", model.fitted, [f"曲{at}" for at in range(50)], {"seed": 0})
    found = load(tmp_path / "model.npz")
    assert found.items[3] == "曲3"
    np.testing.assert_array_equal(found.model.rank(matrix, 5).items, model.recommend(matrix, 5).items)
    assert [each.name for each in tmp_path.iterdir()] == ["model.npz"]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "arrays.npz", a=np.ones(3))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "arrays.npz").read_bytes()[:40])
    for name in ("text", "arrays", "cut"):
        with pytest.raises(InputError, match="is no model"):
            load(tmp_path / f"{name}.npz")


def test_a_model_of_an_older_format_says_to_fit_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model("popularity").fit(tastes(listeners=30, items=20, plays=5)[0])
    monkeypatch.setattr(kept, "FORMAT", 1)
    keep(tmp_path / "old.npz", model.fitted, [str(at) for at in range(20)], {})
    monkeypatch.undo()
    with pytest.raises(InputError, match="has the format 1, must have 3; fit the model again"):
        load(tmp_path / "old.npz")


def test_playlists_are_read_in_their_order_and_a_broken_one_is_named(tmp_path: Path) -> None:
    tracks = [{"track_uri": "b", "pos": 1}, {"track_uri": "a", "pos": 0}, {"track_uri": "a", "pos": 2}]
    file = tmp_path / "slice.json"
    file.write_text(json.dumps({"playlists": [{"name": "Gym", "tracks": tracks}, {"name": "empty"}]}))
    playlists, names = read_playlists([file])
    assert (names, playlists[0].tracks, playlists[0].title) == (["a", "b"], (0, 1), "Gym")
    file.write_text(json.dumps({"playlists": [{"tracks": [{"uri": "a"}]}]}))
    with pytest.raises(InputError, match="playlist 1 is not in the Million Playlist format"):
        read_playlists([file])


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = call([str(each) for each in words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_fit_recommend_and_evaluate_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, model = write_log(tmp_path), tmp_path / "model.npz"
    code, out, _ = run(capsys, "--json", "discover", "fit", log, "--out", model, "--method", "neighbours")
    assert (code, json.loads(out)["listeners"]) == (0, 120)
    code, out, _ = run(
        capsys, "--json", "discover", "recommend", model, "--item", "曲0", "--item", "曲4", "--count", 5
    )
    items = [each["item"] for each in json.loads(out)["items"]]
    assert (code, len(items), {"曲0", "曲4"} & set(items)) == (0, 5, set())
    code, out, _ = run(capsys, "discover", "recommend", model, "--log", log, "--listener", "écouteur 3")
    assert (code, "曲" in out) == (0, True)
    words = ("--method", "popularity", "--method", "neighbours", "--split", "within", "--budget", 1)
    code, out, _ = run(capsys, "--json", "discover", "evaluate", log, *words)
    methods = json.loads(out)["methods"]
    assert (code, methods[0]["method"], methods[1]["behind"]["by"]) == (0, "neighbours", "neighbours")
    code, _, err = run(capsys, "discover", "recommend", model, "--item", "曲00")
    assert (code, "Traceback" in err, 'no item "曲00"' in err) == (1, False, True)
    code, _, err = run(capsys, "discover", "recommend", model)
    assert (code, "give either --item" in err) == (2, True)


def test_a_sparse_matrix_is_a_log_too(tmp_path: Path) -> None:
    sp.save_npz(tmp_path / "m.npz", tastes(listeners=30, items=20, plays=5)[0])
    assert read_log([tmp_path / "m.npz"], now=NOW).items[3] == "3"
    np.savez(tmp_path / "x.npz", a=np.ones(2))
    with pytest.raises(InputError, match="no sparse matrix"):
        read_log([tmp_path / "x.npz"], now=NOW)
