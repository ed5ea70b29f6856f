"""The reader: YAML 1.2's core schema, places of values, and what becomes of broken input."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.yaml12.reader import MAX_BYTES, read_file, read_text


def only(text):
    reading = read_text(text, name="f.yaml")
    assert reading.problems == ()
    (document,) = reading.documents
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("n", "n"),
        ("2024-03-01", "2024-03-01"),
        ("2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1.2.3", "1.2.3"),
        ("<<", "<<"),
        ("=", "="),
        ("0089", 89),
        ("012", 12),
        ("-7", -7),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'null'", "null"),
        ('"012"', "012"),
        ("!!str 012", "012"),
        ("!!int '12'", 12),
        ("!!float 1", 1.0),
        ("! 12", "12"),
        ("9223372036854775808", 9.223372036854775808e18),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_follow_the_core_schema(text, value):
    read = only(f"value: {text}")["value"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9" * 500, "!!float .inf"])
def test_numbers_that_json_cannot_hold_are_null_with_a_word_about_it(text):
    (document,) = read_text(f"a: 1\nb:\n  - {text}").documents
    assert document.value == {"a": 1, "b": [None]}
    (doubt,) = document.doubts
    assert (doubt.line, doubt.column, doubt.pointer) == (3, 5, "/b/0")
    assert "put it in quotes" in doubt.message


def test_null_written_as_null_is_no_reason_for_a_word():
    (document,) = read_text("a: null\nb: ~\nc:\nd: '.inf'").documents
    assert not document.doubts
    assert document.value["d"] == ".inf"


@pytest.mark.parametrize("text", ["!!int x", "!!bool 1", '"a\\0b"'])
def test_values_that_json_cannot_hold_are_refused_where_they_stand(text):
    reading = read_text(f"a: 1\nb:\n  - {text}\n---\nc: 1")
    assert [document.value for document in reading.documents] == [{"c": 1}]
    (problem,) = reading.problems
    assert (problem.line, problem.column, problem.pointer) == (3, 5, "/b/0")


def test_numbers_as_keys_are_text_as_in_json():
    assert only("1: a\ntrue: b\nTrue1: c") == {"1": "a", "true": "b", "True1": "c"}
    assert only("0x10: a\n1.50: b\n1e3: c\n.inf: d") == {"16": "a", "1.5": "b", "1000": "c", ".inf": "d"}
    assert only("'0x10': a\n!!str 012: b\n2024-03-01: c") == {"0x10": "a", "012": "b", "2024-03-01": "c"}


@pytest.mark.parametrize("key", ["null", "~", "Null"])
def test_null_as_a_key_is_the_empty_key_as_in_backstage(key):
    assert only(f"{key}: x") == {"": "x"}


def test_null_is_given_twice_whichever_way_it_is_written():
    reading = read_text("null: 1\n~: 2")
    assert "given twice" in reading.problems[0].message


def test_every_value_knows_its_place():
    (document,) = read_text("kind: A\nspec:\n  owner: x\n  a/b:\n    - 1\n    - ~t: 2\n", name="f").documents
    assert document.position("/kind") == (1, 7)
    assert document.position("/spec") == (2, 1)
    assert document.position("/spec/owner") == (3, 10)
    assert document.position("/spec/a~1b") == (4, 3)
    assert document.position("/spec/a~1b/1/~0t") == (6, 11)


def test_a_missing_field_is_placed_at_the_nearest_thing_above_it():
    (document,) = read_text("kind: A\nspec:\n  owner: x\n", name="f").documents
    assert str(document.problem("is missing", "/spec/type")) == "f:2:1 /spec/type: is missing"
    assert document.position("/metadata/name") == (1, 1)


def test_a_broken_document_costs_only_itself():
    reading = read_text("a: 1\n---\nb: 2\n---\nc: [1,\n---\nd: 4\n---\ne: '5'\n", name="f.yaml")
    assert [(each.index, each.value) for each in reading.documents] == [
        (1, {"a": 1}),
        (2, {"b": 2}),
        (4, {"d": 4}),
        (5, {"e": "5"}),
    ]
    (problem,) = reading.problems
    assert (problem.file, problem.line) == ("f.yaml", 6)
    assert reading.documents[2].position("/d") == (7, 4)


@pytest.mark.parametrize(
    "broken", ["@x", "%x", "\t- x", "a: 'b", "a: {", "- [", "b: 2\n c: 3\n  d", "a: \x02", "!<x", "'x' 'y'"]
)
def test_good_neighbours_survive_every_kind_of_broken_document(broken):
    reading = read_text(f"a: 1\n---\n{broken}\n---\nz: 1\n")
    values = [document.value for document in reading.documents]
    assert values[0] == {"a": 1}
    assert values[-1] == {"z": 1}
    assert len(reading.problems) == 1
    assert 3 <= (reading.problems[0].line or 0) <= 6


def test_keys_given_twice_are_refused_with_both_places():
    (problem,) = read_text("a: 1\nb:\n  c: 1\n  c: 2\n").problems
    assert (problem.line, problem.column, problem.pointer) == (4, 3, "/b")
    assert "line 3" in problem.message


def test_null_documents_are_skipped_and_others_keep_their_place():
    reading = read_text("---\n---\n# only a comment\n---\na: 1\n---\n~\n")
    assert [document.value for document in reading.documents] == [{"a": 1}]
    assert reading.problems == ()


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!timestamp", "!!binary", "!secret", "!!set"]
)
def test_tags_beyond_plain_data_are_refused(tag):
    for text in (f"a: {tag} x", f"a: {tag} [x]", f"a: {tag} {{x: 1}}"):
        (problem,) = read_text(text).problems
        assert "not allowed" in problem.message
        assert problem.pointer == "/a"


def test_aliases_repeat_values():
    assert only("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


def test_anchors_end_with_their_document():
    assert "no anchor" in read_text("a: &x 1\n---\nb: *x\n").problems[0].message


def test_alias_bombs_are_refused_and_the_rest_is_kept():
    levels = "".join(f"{c}: &{c} [{', '.join(['*' + chr(ord(c) - 1)] * 10)}]\n" for c in "bcdefghij")
    reading = read_text("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + levels + "---\nz: 1\n")
    assert [document.value for document in reading.documents] == [{"z": 1}]
    assert "aliases repeat" in reading.problems[0].message


def test_an_alias_of_what_contains_it_is_refused():
    assert "part of" in read_text("a: &a {b: *a}").problems[0].message


def test_deep_nesting_is_refused():
    (problem,) = read_text("[" * 5000 + "]" * 5000).problems
    assert "100 levels" in problem.message


def test_a_file_of_nothing_but_broken_documents_ends_with_one_clear_line():
    reading = read_text("---\n- [\n" * 500)
    assert len(reading.problems) == 101
    assert "rest of the file" in reading.problems[-1].message


def test_a_file_that_is_no_utf8_is_refused(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\nb: café\n".encode("latin-1"))
    (problem,) = read_file(path).problems
    assert problem.line == 2
    assert "UTF-8" in problem.message


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path):
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\n---\r\nb: 2\r\n")
    reading = read_file(path)
    assert [document.value for document in reading.documents] == [{"a": 1}, {"b": 2}]
    assert reading.documents[1].position("/b") == (3, 4)


def test_a_file_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert "larger than 10 MB" in read_file(path).problems[0].message


def test_a_missing_file_is_a_problem_and_no_exception(tmp_path):
    (problem,) = read_file(tmp_path / "none.yaml").problems
    assert problem.message == "does not exist"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=8), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text("abc/~", min_size=1), JSON, min_size=1))
def test_json_is_yaml(value):
    document = read_text(json.dumps(value)).documents[0]
    assert document.value == value


@given(st.text(max_size=200))
def test_no_text_raises(text):
    reading = read_text(text)
    assert all(problem.line and problem.line >= 1 for problem in reading.problems)
