"""Files into the journal: tables by a mapping, CloudEvents as they are."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from counterpoint.errors import InputError, UsageError
from counterpoint.journal import Event, Journal
from counterpoint.journal import readers as readers_module
from counterpoint.journal.ingest import Ingested, ingest
from counterpoint.journal.mapping import load_mapping

MAPPING = """\
source: test
subject: user
time: 2024-01-15T00:00:00Z
exposure: {flag: gate, variant: arm}
metrics:
  rounds: rounds
  came.back: back
"""
HEADER = "user,arm,rounds,back\n"
HEAD = {"specversion": "1.0", "source": "s", "type": "t"}

Import = Callable[..., Ingested]


@pytest.fixture
def bring(tmp_path: Path, journal: Journal) -> Import:
    """Imports one file with this content; `mapping` None means none."""

    def run(content: str | bytes, *, name: str = "test.csv", mapping: str | None = MAPPING) -> Ingested:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        chosen = None
        if mapping is not None:
            (tmp_path / "mapping.yaml").write_text(mapping)
            chosen = load_mapping(tmp_path / "mapping.yaml")
        return ingest(journal, [file], chosen, advance=lambda done, total: None)

    return run


def places(done: Ingested) -> list[str]:
    return [f"{problem.line}: {problem.message}" for problem in done.problems]


def by_type(journal: Journal) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for each in reversed(journal.recent(limit=1000)):
        found.setdefault(each.type, []).append(each)
    return found


def test_one_row_for_each_user_becomes_an_exposure_and_its_metrics(bring: Import, journal: Journal) -> None:
    assert bring(HEADER + "1,a,5,True\n2,b,0.5,no\n3,b,,0\n") == Ingested(accepted=8)
    found = by_type(journal)
    assert [
        (each.subject, each.flag, each.variant, each.flag_set) for each in found["feature_flag.evaluation"]
    ] == [
        ("1", "gate", "a", "default"),
        ("2", "gate", "b", "default"),
        ("3", "gate", "b", "default"),
    ]
    assert [(each.subject, each.value) for each in found["rounds"]] == [("1", 5), ("2", 0.5)]
    assert [(each.subject, each.value) for each in found["came.back"]] == [("1", 1), ("2", 0), ("3", 0)]
    assert {each.time for each in found["rounds"]} == {datetime(2024, 1, 15, tzinfo=UTC)}


def test_importing_twice_gives_only_duplicates(bring: Import, journal: Journal) -> None:
    table = HEADER + "1,a,5,True\n2,b,6,no\n"
    bring(table)
    journal.compact()
    assert bring(table) == Ingested(duplicates=6)
    assert bring(HEADER + "2,b,6,no\n3,b,7,no\n").accepted == 3


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("9,a,many,1", "3: rounds is 'many', which is no number"),
        ("9,a,1.5.2,1", "3: rounds is '1.5.2', which is no number"),
        ("9,a,nan,1", "3: rounds is 'nan', which is no number"),
        ("9,a,5,perhaps", "3: back is 'perhaps', which is no number"),
        (",a,5,1", "3: user is empty; it is needed as subject"),
        ("9, ,5,1", "3: arm is empty; it is needed as exposure variant"),
        ("9,a,5", "3: the row has 3 fields, the header has 4"),
        ("9,a,5,1,2", "3: the row has 5 fields, the header has 4"),
        ('9,a,"5"5,1', "3: the row cannot be read: ',' expected after '\"'"),
        ("1,b,6,1", "3: user: '1' names an earlier row with other values"),
        ("9,a\x01,5,1", None),
        ("9\x01,a,5,1", "3: user is '9\\x01', which is too long or holds a control character"),
    ],
)
def test_a_wrong_row_costs_only_itself(
    bring: Import, journal: Journal, row: str, problem: str | None
) -> None:
    done = bring(HEADER + "1,a,5,1\n" + row + "\n3,b,7,0\n")
    if problem is None:
        assert done.rejected == 0
        return
    assert done.accepted == 6
    assert len(places(done)) == 1
    assert places(done)[0].startswith(problem)
    assert {"1", "3"} <= {each.subject for each in journal.recent()}


def test_bytes_that_are_no_utf8_cost_only_their_row(bring: Import) -> None:
    done = bring(HEADER.encode() + b"1,a,5,1\ncaf\xe9,b,5,1\n3,b,7,0\n")
    assert (done.accepted, places(done)) == (6, ["3: the row is not UTF-8 text; save the file as UTF-8"])


def test_line_numbers_count_the_lines_inside_quotes(bring: Import) -> None:
    done = bring(HEADER + '1,"a\nb\nc",5,1\n2,a,x,1\n\n3,a,y,1\n')
    # The variant with a line break is fine as data; what follows keeps its true line.
    assert places(done) == ["5: rounds is 'x', which is no number", "7: rounds is 'y', which is no number"]


def test_a_quote_that_is_never_closed_is_told_where_it_opens(bring: Import) -> None:
    done = bring(HEADER + '1,a,5,1\n2,"a,5,1\n3,a,5,1\n')
    assert done.accepted == 3
    assert places(done) == ["3: the row cannot be read: unexpected end of data (is a quote not closed?)"]


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("", "test.csv", "is empty"),
        (" \n\n", "test.csv", "is empty"),
        ("user,arm\n1,a\n", "test.csv", "does not fit the mapping. It has the columns user, arm"),
        ("user,arm,rounds,back,arm\n", "test.csv", "does not fit"),
        ("user,arm,round,back\n1,a,1,1\n", "test.csv", "does not fit"),
        ("user,arm,rounds,back\n".encode("utf-16"), "test.csv", "no UTF-8 text"),
        (b"us\xe9r,arm\n", "test.csv", "header cannot be read"),
        (b"PAR1 but not really", "test.parquet", "cannot be read as Parquet"),
        (b"user,arm\n1,a\n", "test.parquet", "cannot be read as Parquet"),
        (b"\x89PNG\0\0", "test.bin", "no UTF-8 text"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_written(
    bring: Import, journal: Journal, content: Any, name: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        bring(content, name=name)
    assert journal.recent() == []


def test_a_missing_column_is_named_with_the_mappings_line(bring: Import) -> None:
    with pytest.raises(InputError) as caught:
        bring("user,arm,round,back\n1,a,1,1\n")
    (problem,) = caught.value.problems
    assert (problem.line, problem.message.partition(" has ")[2]) == (
        6,
        "no column 'rounds' (metrics rounds); did you mean 'round'?",
    )


def test_a_missing_file_is_refused_before_the_others_are_read(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "there.ndjson").write_text('{"specversion":"1.0","id":"1","source":"s","type":"t"}\n')
    with pytest.raises(InputError, match=r"none\.ndjson cannot be read: No such file"):
        ingest(
            journal,
            [tmp_path / "there.ndjson", tmp_path / "none.ndjson"],
            None,
            advance=lambda done, total: None,
        )
    assert journal.recent() == []


def test_a_table_needs_a_mapping_and_cloudevents_need_none(bring: Import) -> None:
    with pytest.raises(UsageError, match="--mapping FILE"):
        bring(HEADER, mapping=None)
    with pytest.raises(UsageError, match="need no --mapping"):
        bring("{}", name="test.ndjson")
    with pytest.raises(InputError, match="holds no CloudEvents"):
        bring("hello", name="test.txt", mapping=None)


@pytest.mark.parametrize(
    ("table", "further"),
    [
        ("user;arm;rounds;back\n1;a;5;1\n", ""),
        ("user\tarm\trounds\tback\n1\ta\t5\t1\n", ""),
        ("user|arm|rounds|back\n1|a|5|1\n", 'delimiter: "|"\n'),
        ('user;arm;rounds;back;"sum, in EUR"\n1;a;5;1;9\n', ""),
    ],
)
def test_other_delimiters_are_read(bring: Import, table: str, further: str) -> None:
    assert bring(table, mapping=MAPPING + further).accepted == 3


def test_a_byte_order_mark_is_no_part_of_a_column(bring: Import) -> None:
    assert bring(b"\xef\xbb\xbf" + HEADER.encode() + b"1,a,5,1\r\n2,a,5,1\r\n").accepted == 6


def test_a_long_table_makes_events_with_their_own_times(bring: Import, journal: Journal) -> None:
    mapping = """\
source: shop
subject: user
time: {column: at}
events:
  - type: {column: what}
    data: {value: amount, note: note}
"""
    table = "at,user,what,amount,note\n2026-05-04 10:00:00,1,order,5,first\n2026-05-04 11:00:00,1,order,5,first\n2026-05-05,2,visit,,007\n"
    assert bring(table, mapping=mapping).accepted == 3
    found = by_type(journal)
    assert [each.value for each in found["order"]] == [5, 5]
    assert found["visit"][0].data == {"note": "007"}
    assert bring(table, mapping=mapping) == Ingested(duplicates=3)
    assert bring(table + "2026-05-05,2,soon,5,\nlater,2,visit,5,\n", mapping=mapping).accepted == 1


def test_ids_may_come_from_a_column(bring: Import, journal: Journal) -> None:
    mapping = "source: shop\nevents:\n  - {type: order, id: number, subject: user, data: {value: amount}}\n"
    assert bring("number,user,amount\nA1,7,5\nA2,7,5\nA1,7,6\n", mapping=mapping) == Ingested(
        accepted=2, duplicates=1
    )
    assert {each.id for each in journal.recent()} == {"A1", "A2"}


def test_two_tests_in_one_table_keep_apart(bring: Import, journal: Journal) -> None:
    mapping = "source: s\nsubject: u\ntime: 2026-01-01\nexposure:\n  - {flag: one, variant: a}\n  - {flag: two, variant: b, set: other}\n"
    assert bring("u,a,b\n1,on,off\n", mapping=mapping).accepted == 2
    assert {(each.flag, each.variant, each.flag_set) for each in journal.recent()} == {
        ("one", "on", "default"),
        ("two", "off", "other"),
    }


def test_texts_that_stand_for_nothing_make_no_event(bring: Import, journal: Journal) -> None:
    assert bring(HEADER + "1,a,NA,-\n", mapping=MAPPING + "empty: [NA, '-']\n").accepted == 1


def test_parquet_is_read_with_its_types(bring: Import, journal: Journal, tmp_path: Path) -> None:
    table = pa.table(
        {
            "user": pa.array([1.0, 2.0, None]),
            "arm": ["a", "b", "b"],
            "rounds": pa.array([5, None, 7]),
            "back": pa.array([True, False, True]),
        }
    )
    pq.write_table(table, tmp_path / "made.parquet")
    done = bring((tmp_path / "made.parquet").read_bytes(), name="test.parquet")
    assert (done.accepted, done.rejected) == (5, 1)
    assert done.problems[0].message == "row 3: user is empty; it is needed as subject"
    assert {(each.subject, each.value) for each in journal.recent(type="came.back")} == {
        ("1", 1.0),
        ("2", 0.0),
    }


def test_ndjson_keeps_good_lines_and_names_bad_ones(bring: Import, journal: Journal) -> None:
    text = (
        '{"specversion":"1.0","id":"1","source":"s","type":"t"}\n\n{"specversion":"1.0","source":"s","type":"t"}\n'
        '{"half\n[]\nnull\n{"specversion":"1.0","id":"2","source":"s","type":"t"}'
    )
    done = bring(text, name="test.ndjson", mapping=None)
    assert (done.accepted, done.rejected) == (2, 4)
    assert [place.split(":")[0] for place in places(done)] == ["3", "4", "5", "6"]
    assert "id is missing" in places(done)[0]
    assert "not valid JSON" in places(done)[1]


def test_an_array_of_events_is_read_too(bring: Import) -> None:
    text = '\n[{"specversion":"1.0","id":"1","source":"s","type":"t"},\n{"specversion":"1.0","id":"2","source":"s","type":"t"}, 5]'
    assert bring(text, name="test.json", mapping=None).accepted == 2


def test_an_array_that_is_broken_is_told_with_its_line(bring: Import) -> None:
    done = bring('[\n{"id": 1},\n{"id": }\n]', name="test.json", mapping=None)
    assert (done.accepted, places(done)[0][:2]) == (0, "3:")


def test_a_line_that_is_too_long_is_skipped(bring: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers_module, "LINE", 100)
    good = '{"specversion":"1.0","id":"%s","source":"s","type":"t"}\n'
    done = bring(good % 1 + "{" + "x" * 1000 + "\n" + good % 2, name="test.ndjson", mapping=None)
    assert (done.accepted, places(done)) == (2, ["2: the line has more than 100 bytes"])


def test_a_small_queue_only_slows_an_import(
    tmp_path: Path, open_journal: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers_module, "ROWS", 10)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "test.csv").write_text(HEADER + "".join(f"{user},a,1,1\n" for user in range(200)))
    journal = open_journal(tmp_path / "small", queue=5)
    steps: list[float] = []
    done = ingest(
        journal,
        [tmp_path / "test.csv"],
        load_mapping(tmp_path / "mapping.yaml"),
        advance=lambda part, total: steps.append(part / total),
    )
    assert done.accepted == 600
    assert steps == sorted(steps)
    assert steps[-1] == 1


def test_a_wrong_item_of_an_array_is_told_with_its_pointer(bring: Import) -> None:
    events = [HEAD | {"id": "1"}, HEAD | {"id": ""}]
    done = bring(json.dumps(events, indent=1), name="test.json", mapping=None)
    (problem,) = done.problems
    assert (done.accepted, problem.pointer, problem.line) == (1, "/1", None)


@pytest.mark.parametrize("text", ['[\n{"id": 1},\n{"id":', '{"id": 1}\n\n{"id":'])
def test_json_that_ends_too_early_is_told_with_its_line(bring: Import, text: str) -> None:
    problem = bring(text, name="test.json", mapping=None).problems[-1]
    assert (problem.line, problem.message) == (3, "not valid JSON: it ends too early")
