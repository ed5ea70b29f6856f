"""`experiments analyze --table`: from a file to a verdict, and what is said of files that are wrong."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from counterpoint.cli import run
from counterpoint.experiments.tables.asking import plain_name

from .conftest import Write

ENDED = ("--end", "2026-06-01")
ASKED = ("--subject", "user", "--variant", "arm", "--control", "a", "--metric", "spent", *ENDED)


def call(*arguments: str) -> int:
    return run(["experiments", "analyze", *arguments])


def read(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["--json", "experiments", "analyze", *arguments]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert call(*arguments) in {1, 2}
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


def rows(users: int = 40, *, sign: str = ",", extra: str = "") -> str:
    lines = [sign.join((f"u{i}", "ab"[i % 2], str(i % 5))) for i in range(users)]
    return sign.join(("user", "arm", "spent")) + "\n" + "\n".join(lines) + "\n" + extra


CATS = (
    "--subject",
    "userid",
    "--variant",
    "version",
    "--control",
    "gate_30",
    "--metric",
    "retention_7",
    *ENDED,
)


@pytest.mark.parametrize(("threshold", "state"), [("0.001", "do not ship"), ("0.01", "invalid")])
def test_the_declared_threshold_decides_whether_cookie_cats_is_valid(
    cats: Path, folder: Path, capsys: pytest.CaptureFixture[str], threshold: str, state: str
) -> None:
    found = read(capsys, "--table", str(cats), *CATS, "--srm-threshold", threshold, "--acknowledged")
    assert found["verdict"]["state"] == state
    assert found["quality"]["sampleRatio"]["p"] == pytest.approx(0.008607987811, abs=1e-12)
    (metric,) = found["comparisons"][0]["metrics"]
    assert metric["aggregation"] == "any"
    assert metric["difference"] == pytest.approx(8_279 / 45_489 - 8_502 / 44_700, rel=1e-12)


def test_figures_of_an_invalid_table_are_withheld_until_somebody_acknowledges_it(
    cats: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (metric,) = read(capsys, "--table", str(cats), *CATS, "--srm-threshold", "0.01")["comparisons"][0][
        "metrics"
    ]
    assert metric["difference"] is None
    assert "withheld" in metric["note"]


def test_a_table_whose_end_is_not_declared_tells_nothing_of_success_and_says_what_to_declare(
    cats: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = read(capsys, "--table", str(cats), *CATS[:-2], "--srm-threshold", "0.0001")
    (metric,) = found["comparisons"][0]["metrics"]
    assert (found["verdict"]["state"], metric["difference"], metric["p"]) == ("keep running", None, None)
    assert "--end" in found["verdict"]["wouldChange"]
    assert "--explore" in found["verdict"]["wouldChange"]
    looked = read(capsys, "--table", str(cats), *CATS[:-2], "--explore")
    (metric,) = looked["comparisons"][0]["metrics"]
    assert metric["difference"] == pytest.approx(8_279 / 45_489 - 8_502 / 44_700, rel=1e-12)
    assert (looked["verdict"]["state"], looked["progress"]["exploratory"]) == ("keep running", True)
    for wrong in (("--explore", *ENDED), ("--end", "soon")):
        assert "--end" in refused(capsys, "--table", str(cats), *CATS[:-2], *wrong)


def test_an_end_to_come_keeps_a_table_from_being_read(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("t.csv", rows())
    found = read(capsys, "--table", "t.csv", *ASKED[:-2], "--end", "2999-01-01")
    assert (found["verdict"]["state"], found["verdict"]["condition"]) == ("keep running", "end")


def test_the_words_name_the_table_and_no_exposure(
    cats: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert call("--table", str(cats), *CATS, "--guardrail", "rounds=sum_gamerounds:2%") == 0
    shown = capsys.readouterr().out
    assert "cookie_cats.csv" in shown.splitlines()[0]
    assert "exposures" not in shown
    assert "guardrail 2.0 %" in shown
    assert "Do not ship gate_40: retention_7 got significantly worse" in shown


def test_rows_of_a_user_are_put_together_and_told(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", "user,arm,spent\nu1,a,1\nu1,a,2\nu2,a,5\nu3,b,4\nu4,b,\nu5,a,9\nu5,b,9\n,a,7\n")
    found = read(capsys, "--table", "t.csv", *ASKED)
    metric = found["comparisons"][0]["metrics"][0]
    assert (metric["controlMean"], metric["treatmentMean"]) == (4.0, 2.0)
    assert found["quality"]["mixedUsers"] == 1
    told = " ".join(found["quality"]["warnings"])
    for words in (
        "2 users have several rows",
        "1 row has no number in “spent”",
        "1 row has nobody in “user”",
    ):
        assert words in told


def test_no_row_of_a_user_is_asked_of_the_engine(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ibis

    fetched = []
    whole = ibis.expr.types.Table.to_pyarrow

    def counting(self: Any, **options: Any) -> Any:
        fetched.append(whole(self, **options))
        return fetched[-1]

    monkeypatch.setattr(ibis.expr.types.Table, "to_pyarrow", counting)
    write("t.csv", rows(1000))
    read(capsys, "--table", "t.csv", *ASKED)
    (answer,) = fetched
    assert answer.num_rows == 2
    assert "subject" not in answer.column_names


def test_what_is_packed_is_told_by_the_file_and_not_by_its_name(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("packed.csv", gzip.compress(rows().encode()))
    write("plain.csv.gz", rows())
    for name in ("packed.csv", "plain.csv.gz"):
        assert sum(arm["users"] for arm in read(capsys, "--table", name, *ASKED)["arms"]) == 40


@pytest.mark.parametrize("column", ["a:b", "clicks/day", 'sp"ent', "a=b", "drop table x;--"])
def test_any_column_can_be_named_in_double_quotes(
    write: Write, capsys: pytest.CaptureFixture[str], column: str
) -> None:
    write("t.csv", rows().replace("spent", '"' + column.replace('"', '""') + '"', 1))
    asked = f'x="{column}":decrease' if '"' not in column else f"x={column}:decrease"
    (metric,) = read(capsys, "--table", "t.csv", *ASKED[:6], *ENDED, "--metric", asked)["comparisons"][0][
        "metrics"
    ]
    assert (metric["event"], metric["direction"]) == (column, "decrease")


def test_a_ship_never_says_that_what_it_ships_for_did_not_move(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"u{i},{'ab'[i % 2]},{10**15 + i % 7 + i % 2}" for i in range(200)]
    write("t.csv", "user,arm,spent\n" + "\n".join(lines) + "\n")
    verdict = read(capsys, "--table", "t.csv", *ASKED)["verdict"]
    assert verdict["state"] == "ship"
    assert "did not move" not in verdict["sentence"]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_the_delimiter_is_found(write: Write, sign: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", rows(sign=sign))
    assert sum(arm["users"] for arm in read(capsys, "--table", "t.csv", *ASKED)["arms"]) == 40


def test_a_byte_order_mark_zipped_files_patterns_and_parquet_are_read(
    write: Write, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("bom.csv", "\ufeff" + rows())
    with gzip.open(folder / "z.csv.gz", "wt") as zipped:
        zipped.write(rows())
    write("day-1.csv", rows(20))
    write("day-2.csv", "user,arm,spent\n" + "\n".join(rows().splitlines()[21:]) + "\n")
    duckdb.sql(f"COPY (FROM read_csv('{folder}/bom.csv')) TO '{folder}/t.parquet'")
    found = [
        read(capsys, "--table", name, *ASKED) for name in ("bom.csv", "z.csv.gz", "day-*.csv", "t.parquet")
    ]
    assert {json.dumps(each["comparisons"]) for each in found} == {json.dumps(found[0]["comparisons"])}
    assert all(sum(arm["users"] for arm in each["arms"]) == 40 for each in found)


def test_another_encoding_and_decimal_commas_are_read_when_they_are_said(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("t.csv", "user;arm;städte\nü1;a;1,5\nü2;a;2,5\nü3;b;3,5\nü4;b;4,5\n".encode("latin-1"))
    asked = ("--subject", "user", "--variant", "arm", "--control", "a", "--metric", "städte")
    shown = refused(capsys, "--table", "t.csv", *asked)
    assert "t.csv:1" in shown
    assert "latin-1" in shown
    assert "decimal" in refused(capsys, "--table", "t.csv", *asked, "--encoding", "latin-1")
    found = read(capsys, "--table", "t.csv", *asked, "--encoding", "latin-1", "--decimal", ",")
    assert found["comparisons"][0]["metrics"][0]["controlMean"] == 2.0


BAD: dict[str, tuple[str | bytes, tuple[str, ...], tuple[str, ...]]] = {
    "missing column": (rows(), ("--metric", "spnet"), ("'spnet'", "did you mean spent?")),
    "text for numbers": (rows(extra="u99,a,plenty\n"), (), ("1 row holds text in spent",)),
    "yes among numbers": (rows(extra="u99,a,yes\nu98,b,No\n"), (), ("2 rows say yes, no, true or false in spent", "numbers")),
    "infinite": (rows(extra="u99,a,inf\n"), (), ("infinite", "spent")),
    "promised one row": (rows(extra="u1,b,3\n"), ("--one-row-per-user",), ("1 user has several rows", "duplicates")),
    "three variants": (rows(extra="u99,c,1\n"), (), ("2 variants", "1 more of fewer than 5 users each", "--treatment")),
    "no control": (rows().replace(",a,", ",x,"), (), ("No row of t.csv is of a", "x (20 users)")),
    "empty": ("", (), ("t.csv is empty",)),
    "header only": ("user,arm,spent\n", (), ("nothing to read in t.csv",)),
    "two columns of a name": ("user,arm,spent,arm\nu1,a,1,a\n", (), ("t.csv:1", "'arm'", "rename")),
    "no times": (rows(), ("--time", "spent"), ("no moment in spent", "2026-05-03")),
    "ragged": (rows(extra="u99,a\n" + "u98,a,1,2,3\n"), (), ("t.csv:4", "columns")),
    "not UTF-8 far down": (rows(30_000).encode() + b"u\xff,a,1\n", (), ("t.csv", "utf-8")),
    "UTF-16": (rows().encode("utf-16"), (), ("UTF-16", "encoding")),
    "a spreadsheet": (b"PK\x03\x04" + bytes(100), (), ("spreadsheet", "CSV")),
    "carriage returns alone": (rows().replace("\n", "\r"), (), ("t.csv:1", "carriage return")),
    "two signs as a delimiter": (rows(), ("--delimiter", ";;"), ("';;'", "semicolon")),
    "a column's name of two lines": ('user,arm,"sp\nent"\n', (), ("t.csv:1", "one line")),
    "points among decimal commas": (rows(sign=";", extra="u99;a;1.234\n"), ("--decimal", ","), ("1 row holds text", "no point")),
    "too large to be squared": (rows(extra="u99,a,1e200\n"), (), ("t.csv", "too large")),
    "one arm": (rows().replace(",b,", ",a,"), (), ("only a (40 users)", "nothing to compare a with")),
    "a treatment that nobody has": (rows(), ("--treatment", "bb"), ("'bb'", "did you mean b?")),
    "its own covariate": (rows(), ("--covariate", "spent=spent"), ("its own covariate",)),
    "no users per arm": (rows(), ("--units-per-arm", "-5"), ("unitsPerArm is -5",)),
    "an endless share": (rows(), ("--share", "a=inf", "--share", "b=1"), ("no share above 0",)),
    "no variants at all": ("user,arm,spent\n" + "".join(f"u{i},v{i},1\n" for i in range(1500)), (), ("more than 1,000 values",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_with_place_and_remedy(
    name: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    content, options, words = BAD[name]
    write("t.csv", content)
    shown = refused(capsys, "--table", "t.csv", *ASKED, *options)
    for word in words:
        assert word in shown, shown


def test_numbers_that_are_missing_count_as_nothing_and_are_told(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("t.csv", "user,arm,spent\nu1,a,NaN\nu2,a,4\nu3,b,NA\nu4,b,6\n")
    found = read(capsys, "--table", "t.csv", *ASKED)
    metric = found["comparisons"][0]["metrics"][0]
    assert (metric["controlMean"], metric["treatmentMean"]) == (2.0, 3.0)
    assert "2 rows have no number" in " ".join(found["quality"]["warnings"])


def test_large_values_keep_their_digits(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for offset in (0, 100_000_000):
        lines = [f"u{i},{'ab'[i % 2]},{(i * 7919 % 101) / 100 + offset}" for i in range(2000)]
        write("t.csv", "user,arm,spent\n" + "\n".join(lines) + "\n")
        found.append(read(capsys, "--table", "t.csv", *ASKED)["comparisons"][0]["metrics"][0]["t"])
    assert found[1] == pytest.approx(found[0], abs=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--table", "no.csv", *ASKED), "There is no file no.csv"),
        (("--table", ".", *ASKED), "is a folder"),
        (("--table", "t.csv", "--subject", "arm", *ASKED[2:]), "one for each"),
        (("--subject", "user"), "--subject says how to read a table"),
        ((), "--table FILE"),
        (("--table", "t.csv", "--subject", "user", "--control", "a", "--metric", "spent"), "--variant"),
        (("--table", "t.csv", *ASKED[:6]), "--metric"),
        (("--table", "t.csv", *ASKED, "--metric", "spent"), "named twice"),
        (("--table", "t.csv", *ASKED, "--guardrail", "x=spent:300%"), "share of the control mean"),
        (("--table", "t.csv", *ASKED, "--metric", "x=spent:upwards"), "increase, decrease"),
        (("--table", "t.csv", *ASKED, "--covariate", "nothing"), "METRIC=COLUMN"),
        (("--table", "t.csv", *ASKED, "--share", "a"), "VARIANT=SHARE"),
    ],
)
def test_wrong_usage_says_what_is_right(
    options: tuple[str, ...], words: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("t.csv", rows())
    assert words in " ".join(refused(capsys, *options).split())


def test_a_table_leads_to_a_decision_record_without_a_workspace(
    cats: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--table", str(cats), *CATS, "--srm-threshold", "0.01", "--record-to", "record.md") == 0
    text = (folder / "record.md").read_text()
    for words in ("## Verdict: invalid", "no evidence", "45,489 users", "mismatch, p 0.0086, threshold 0.01"):
        assert words in text


@pytest.mark.parametrize("offset", [0, 100_000_000])
def test_ratios_and_covariates_of_columns_have_the_errors_that_users_give(
    write: Write, capsys: pytest.CaptureFixture[str], offset: int
) -> None:
    # The deterministic case of the reference: 20,000 users, clicks by views of each; R computed the error.
    lines = []
    for i in range(20_000):
        views = 1 + 7919 * i % 13
        clicks = views * (25 + 104_729 * i % 31 + 2 * (i % 2)) // 100
        lines.append(f"u{i},{'ab'[i % 2]},{clicks + offset * views},{views}")
    write("t.csv", "user,arm,clicks,views\n" + "\n".join(lines) + "\n")
    found = read(capsys, "--table", "t.csv", *ASKED[:6], *ENDED, "--metric", "rate=clicks/views")
    metric = found["comparisons"][0]["metrics"][0]
    assert metric["controlMean"] == pytest.approx(offset + 0.331085521616, rel=1e-11)
    # The difference of two numbers near 100,000,000 has an eighth digit, and no ninth.
    assert metric["difference"] == pytest.approx(0.019085906955, rel=1e-6 if offset else 1e-9)
    assert metric["se"] == pytest.approx(0.001639605870, rel=1e-8)


def test_a_ratio_that_is_written_can_be_imported(
    write: Write, folder: Path, workspace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from counterpoint.experiments import store
    from tests.experiments.conftest import ENTITIES

    write(
        "t.csv",
        "user,arm,clicks,views\n" + "".join(f"u{i},{'ab'[i % 2]},{i % 3},{3 + i % 2}\n" for i in range(50)),
    )
    asked = ("--table", "t.csv", *ASKED[:6], "--metric", "rate=clicks/views", "--owner", "games")
    direct = read(capsys, "ratio", *asked, "--write", "e.yaml")
    with workspace.graph.write(_actor()) as writer:
        writer.put(ENTITIES[0])
    assert run(["-w", str(workspace.path), "import", "catalog", "e.yaml"]) == 0
    result = store.result_of(workspace, store.load(workspace, "ratio"))
    assert result.metrics[0].difference == direct["comparisons"][0]["metrics"][0]["difference"]


def _actor() -> Any:
    from counterpoint.graph.actor import local_actor

    return local_actor()


def test_no_cell_and_no_rare_variant_is_told_since_a_wrong_column_may_name_people(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    people = "".join(f"u{n},{'a' if n % 2 else 'b'},{n},ana{n}@example.org\n" for n in range(20))
    write("p.csv", "user,arm,spent,mail\n" + people)
    asked = ("--table", "p.csv", "--subject", "user", "--control", "a")
    assert "@" not in refused(capsys, *asked, "--variant", "arm", "--metric", "mail")
    assert "@" not in refused(capsys, *asked, "--variant", "mail", "--metric", "spent")
    chosen = read(capsys, *asked[:-1], "ana1@example.org", "--variant", "mail", "--treatment", "ana2@example.org",
                  "--metric", "spent")  # fmt: skip
    assert chosen["quality"]["unknownUsers"] == {"fewer than 5 users each": 18}


def test_metrics_in_any_script_have_names_of_their_own() -> None:
    assert plain_name("再生") != plain_name("収益")
    assert plain_name("Größe") == "gr-e"


def test_the_record_names_both_columns_of_a_ratio(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        "t.csv",
        "user,arm,clicks,views\n" + "".join(f"u{i},{'ab'[i % 2]},{i % 3},{4 + i % 2}\n" for i in range(40)),
    )
    asked = ("--subject", "user", "--variant", "arm", "--control", "a", "--metric", "ctr=clicks/views")
    read(capsys, "--table", "t.csv", *asked, "--record-to", str(tmp_path / "record.md"))
    assert "ctr (ratio of clicks to views) should increase" in (tmp_path / "record.md").read_text()


def test_of_three_arms_the_harm_is_told_in_good_english_and_with_the_level_that_intervals_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "three.csv"
    lines = [
        f"u{arm}{number},{arm},{int(number % 10 < good)},{minutes + number % 7}"
        for arm, good, minutes in (("a", 4, 100), ("b", 4, 100), ("c", 1, 50))
        for number in range(400)
    ]
    table.write_text("\n".join(["user,arm,paid,minutes", *lines]))
    asked = f"experiments analyze --table {table} --subject user --variant arm --control a --treatment b --treatment c"
    asked += " --metric paid --guardrail minutes:5% --units-per-arm 100000"
    assert run(asked.split()) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "(1 more metric is worse as well)" in told
    assert "each end of an interval (99.99 %)" in told
    assert "set alpha to 0.025, so that the others keep" in told
