"""Attributes: the same values from a column, from the map and from JSON, whatever they are called."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.journal import Attribute, Journal
from counterpoint.journal.columns import MOST, Tally
from counterpoint.journal.documents import Documents
from counterpoint.settings import JournalSettings

from .conftest import event, exposure
from .engines import OTHERS, address_of

Opens = Callable[..., Journal]
INT64 = range(-(2**63), 2**63)


def file_of(journal: Journal) -> Path:
    (file,) = (journal.folder / "segments").glob("*/*/*.parquet")
    return file


def read(journal: Journal, attributes: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """By the event's id."""
    with journal.snapshot() as snapshot:
        found = snapshot.events(attributes=attributes).select("id", *attributes).to_pyarrow().to_pylist()
    return {row.pop("id"): tuple(row.values()) for row in found}


def expected(value: object, kind: str) -> object:
    """What a value counts as where it is asked for as `kind`."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "string":
        return value if isinstance(value, str) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind == "float64":
        return float(value) if number else None  # type: ignore[arg-type]
    return int(value) if number and value == int(value) and int(value) in INT64 else None  # type: ignore[call-overload]


def test_what_most_events_have_becomes_a_typed_column(journal: Journal) -> None:
    journal.append(
        [
            event(
                number,
                data={"value": 1, "country": "SE", "n": number, "share": number / 4, "new": number % 2 == 0}
                | ({"rare": "x"} if number == 7 else {}),
                tenant="acme",
            )
            for number in range(40)
        ]
    )
    journal.compact()
    schema = pq.read_schema(file_of(journal))
    assert {name: str(schema.field(name).type) for name in schema.names if "_" in name} == {
        "flag_set": "string",
        "subject_hash": "int64",
        "data_country": "string",
        "data_n": "int64",
        "data_share": "double",
        "data_new": "bool",
        "attributes_tenant": "string",
    }
    rest = pq.read_table(file_of(journal), columns=["id", "rest"]).to_pylist()
    assert [(row["id"], row["rest"]) for row in rest if row["rest"]] == [("e7", [("string:data.rare", "x")])]


def test_types_that_conflict_stay_in_the_map(journal: Journal) -> None:
    journal.append([event(number, data={"x": number if number % 2 else "text"}) for number in range(20)])
    journal.compact()
    assert not [name for name in pq.read_schema(file_of(journal)).names if name.startswith("data_")]
    found = read(journal, {"x": "int64"})
    assert (found["e3"], found["e4"]) == ((3,), (None,))


def test_ten_thousand_names_make_a_bounded_number_of_columns(journal: Journal) -> None:
    wide = {f"n{number}": number for number in range(10_000)}
    journal.append([event(number, data=wide) for number in range(12)])
    journal.compact()
    columns = [name for name in pq.read_schema(file_of(journal)).names if name.startswith("data_")]
    assert len(columns) == MOST
    assert read(journal, {"n9999": "int64", "n0": "int64"})["e3"] == (9999, 0)
    assert journal.recent(limit=1)[0].data == wide


def test_names_that_an_engine_would_mix_up_are_kept_apart(journal: Journal) -> None:
    data = {
        "Country": "A",
        "country": "b",
        "a.b": "dot",
        "a b": "space",
        "é": "accent",
        "": "none",
        "'\"$": "odd",
    }
    journal.append([event(number, data=data) for number in range(20)])
    journal.compact()
    names = [name for name in pq.read_schema(file_of(journal)).names if name.startswith("data_")]
    assert sorted(names) == ["data_Country", "data_a_b"]
    assert read(journal, {f"c{place}": Attribute(name, "string") for place, name in enumerate(data)})[
        "e1"
    ] == tuple(data.values())


def test_data_comes_before_the_extension_attribute_unless_said_otherwise(journal: Journal) -> None:
    journal.append(
        [event(1, data={"kind": "data"}, kind="extension"), event(2, data={"kind": 5}, kind="extension")]
    )
    for _ in range(2):
        found = read(
            journal,
            {
                "kind": "string",
                "outer": Attribute("kind", "string", of="attributes"),
                "inner": Attribute("kind", "string", of="data"),
            },
        )
        assert found == {"e1": ("data", "extension", "data"), "e2": ("extension", "extension", None)}
        journal.compact()


def test_what_exposures_have_a_column_for_is_found_under_its_name_too(journal: Journal) -> None:
    journal.append([exposure(1, "off"), event(2, data={"feature_flag.key": "plain"})])
    for _ in range(2):
        assert read(journal, {"flag_name": Attribute("feature_flag.key", "string")}) == {
            "x1": ("checkout",),
            "e2": ("plain",),
        }
        journal.compact()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"type": "string"}, "There is a column 'type' already; give the attribute another name"),
        ({"Subject_Hash": "string"}, "There is a column 'Subject_Hash' already"),
        ({"a": "string", "A": "string"}, "There is a column 'A' already"),
        ({"a": "text"}, "is asked for as 'text'; there are string, int64, float64, boolean"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(journal: Journal, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words), journal.snapshot() as snapshot:
        snapshot.events(attributes=asked)


names = st.sampled_from(["a", "A", "a.b", "ü", "$x", "it's", 'q"', "feature_flag.key", "", "value2"])
values = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=4),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([0.5, 3.0, "x"]),
    st.none(),
    st.just([1]),
)
documents = st.dictionaries(names, values, max_size=6)


@settings(max_examples=10)
@given(st.lists(st.tuples(documents, st.booleans()), min_size=1, max_size=30), names, st.booleans())
def test_a_column_the_map_and_the_tail_give_the_same(
    found: list[tuple[dict[str, Any], bool]], name: str, exposed: bool
) -> None:
    type_ = "feature_flag.evaluation" if exposed else "t"
    kinds = ("string", "int64", "float64", "boolean")
    asked = {f"as_{kind}": Attribute(name, kind, of="data") for kind in kinds}
    with TemporaryDirectory() as folder, Journal(Path(folder), JournalSettings()) as journal:
        # Twelve times each, so that columns come to be.
        journal.append(
            [
                event(number, id=f"{number}-{copy}", type=type_, data=json.loads(json.dumps(data)))
                for number, (data, often) in enumerate(found)
                for copy in range(12 if often else 1)
            ]
        )
        before = read(journal, asked)
        journal.compact()
        assert read(journal, asked) == before
    for number, (data, _) in enumerate(found):
        assert before[f"{number}-0"] == tuple(expected(data.get(name), kind) for kind in kinds)


ODD = ("a", "it's [é].b", "feature_flag.key")
VALUES = (
    "x", "", "5", "it's", 5, -3, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, 3.0, 1e300, 5e-324, 1 / 3, 1e22,
    True, False, None,
)  # fmt: skip


@pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"
)  # py4j and PySpark leave their sockets to the collector
@pytest.mark.timeout(300)  # Spark takes a minute to start on a machine that is busy
@pytest.mark.parametrize("address", OTHERS)
def test_every_engine_gives_the_same(journal: Journal, address: str) -> None:
    engine = address_of(address)
    chance = random.Random(5)  # noqa: S311 - made-up data
    for part in range(3):  # two files with different columns, and the intake
        journal.append(
            [
                event(
                    number,
                    type=chance.choice(["t", "feature_flag.evaluation"]),
                    data={
                        name: chance.choice(VALUES) if chance.random() < 0.6 else "x" for name in ODD[part:]
                    },
                    tenant="acme" if number % 3 else "b",
                )
                for number in range(part * 60, part * 60 + 60)
            ]
        )
        if part < 2:
            journal.compact()
    kinds = ("string", "int64", "float64", "boolean")
    asked: dict[str, Any] = {
        f"c{place}_{kind}": Attribute(name, kind) for place, name in enumerate(ODD) for kind in kinds
    }
    answers = []
    for each in (None, engine):
        with journal.snapshot(each) as snapshot:
            table = snapshot.events(attributes={**asked, "tenant": "string"}, data=False)
            rows = table.select("id", "subject_hash", "tenant", *asked).to_pyarrow().to_pylist()
        answers.append({row["id"]: row for row in rows})
    assert answers[0] == answers[1]
    assert len(answers[0]) == 180


def test_a_file_of_the_first_layout_is_read_from_its_json(journal: Journal) -> None:
    journal.append(
        [
            event(1, data={"a": "text", "n": 3, "f": 2.5, "b": True, "big": 2**63 + 5}),
            event(2, data={"n": 4.0}),
        ]
    )
    asked: dict[str, Any] = {"a": "string", "n": "int64", "f": "float64", "b": "boolean", "big": "int64"}
    before = read(journal, asked)
    journal.compact()
    file = file_of(journal)
    table = pq.read_table(file)
    pq.write_table(table.drop_columns(["subject_hash", "rest"]), file)
    with journal._reading() as database:
        database.execute("UPDATE segments SET layout = 1, columns = '[]', lowest = NULL, highest = NULL")
    assert read(journal, asked) == before
    with journal.snapshot() as snapshot:
        hashes = snapshot.events().select("subject", "subject_hash").to_pyarrow()
    assert (
        hashes.sort_by("subject")["subject_hash"].to_pylist()
        == table.sort_by("subject")["subject_hash"].to_pylist()
    )
    with pytest.raises(InputError, match="counterpoint events compact"), journal.snapshot() as snapshot:
        snapshot.events(attributes={"x": Attribute("a.b", "string")})


def test_without_data_no_json_is_read(journal: Journal) -> None:
    text = "nobody reads this " * 50
    journal.append(
        [event(number, data={"value": number, "note": f"{text}{number}", "c": "x"}) for number in range(50)]
    )
    journal.compact()
    file = file_of(journal)
    metadata = pq.read_metadata(file)
    raw = bytearray(file.read_bytes())
    for place in range(metadata.num_columns):
        column = metadata.row_group(0).column(place)
        if column.path_in_schema in ("data", "attributes"):
            start = min(filter(None, (column.dictionary_page_offset, column.data_page_offset)))
            raw[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(raw)
    with journal.snapshot() as snapshot:
        table = snapshot.events("order.placed", attributes={"c": "string"}, data=False)
        assert {"data", "attributes"}.isdisjoint(table.columns)
        assert table.to_pyarrow().num_rows == 50
        full = snapshot.events("order.placed")
        assert full.value.sum().to_pyarrow().as_py() == sum(range(50))


def test_names_beyond_all_bounds_are_counted_in_bounded_memory() -> None:
    tally = Tally()
    for number in range(60_000):
        tally.add(Documents([{"common": 1, f"only{number}": 1}]), Documents([{}]))
    assert [column.name for column in tally.columns("t")] == ["common"]
    assert len(tally._counts) <= 20_002


def test_the_map_is_one_that_arrow_knows(journal: Journal) -> None:
    journal.append([event(1, data={"a": 1})])
    journal.compact()
    assert pq.read_schema(file_of(journal)).field("rest").type == pa.map_(pa.string(), pa.string())
