"""Mapping files: what they say, and what is wrong with them, by line."""

from pathlib import Path

import pytest

from counterpoint.errors import InputError
from counterpoint.journal.mapping import load_mapping
from counterpoint.journal.model.mapping import Column, EventMapping, Text

COOKIE_CATS = """\
source: cookie-cats
subject: userid
time: 2024-01-15T00:00:00Z
exposure: {flag: gate, variant: version}
metrics:
  game.rounds: sum_gamerounds
  retention.day1: retention_1
"""


def load(folder: Path, text: str) -> EventMapping:
    file = folder / "mapping.yaml"
    file.write_text(text, encoding="utf-8")
    return load_mapping(file)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(folder, text)
    return [f"{each.line}: {each.message}" for each in caught.value.problems] or [caught.value.message]


def test_a_table_with_one_row_for_each_user_needs_few_lines(tmp_path: Path) -> None:
    mapping = load(tmp_path, COOKIE_CATS)
    assert mapping.source == Text("cookie-cats")
    assert [rule.kind for rule in mapping.rules] == ["exposure", "metric", "metric"]
    exposed = mapping.rules[0]
    assert exposed.flag == Text("gate")
    assert exposed.flag_set == Text("default")
    assert exposed.variant == Column("version", 4, "exposure variant")
    assert exposed.time == Text("2024-01-15T00:00:00Z")
    assert mapping.rules[1].data == (("value", Column("sum_gamerounds", 6, "metrics game.rounds")),)
    assert [column.name for column in mapping.columns()] == [
        "userid",
        "version",
        "sum_gamerounds",
        "retention_1",
    ]


def test_the_same_mapping_may_be_json(tmp_path: Path) -> None:
    text = '{"source": "s", "subject": "u", "metrics": {"a": "b"}}'
    assert load(tmp_path, text).rules[0].subject == Column("u", 1, "subject")


def test_the_general_form_names_everything(tmp_path: Path) -> None:
    mapping = load(
        tmp_path,
        """\
source: {column: shop}
row: [order, line]
empty: [NA, "-"]
delimiter: tab
events:
  - type: {column: kind}
    subject: {literal: everybody}
    time: {column: at, unit: ms}
    id: order
    data: {value: amount, currency: {literal: EUR}}
""",
    )
    (rule,) = mapping.rules
    assert (rule.type, rule.subject) == (Column("kind", 6, "events type"), Text("everybody"))
    assert rule.time == Column("at", 8, "events time", "ms")
    assert rule.data[1] == ("currency", Text("EUR"))
    assert (mapping.empty, mapping.delimiter) == ({"", "NA", "-"}, "\t")
    assert [column.name for column in mapping.row] == ["order", "line"]


def test_columns_may_have_any_name(tmp_path: Path) -> None:
    mapping = load(tmp_path, "source: 5\nsubject: 1\nmetrics: {yes: no, 2024-01-15: on}\n")
    assert mapping.source == Text("5")
    assert [rule.type for rule in mapping.rules] == [Text("yes"), Text("2024-01-15")]
    assert [column.name for column in mapping.columns()] == ["1", "no", "on"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("- a\n", "1: the mapping must be a mapping (key: value), not a list"),
        ("just text\n", "1: the mapping must be a mapping (key: value), not text"),
        ("source: [a\n", "2: expected ',' or ']'"),
        ("\tsource: a\n", "1: found character '\\t'"),
        ("subject: u\nmetrics: {a: b}\n", "1: source is missing"),
        ("source: s\n", "1: it makes no event"),
        (
            "source: s\nsubject: u\nmetric: {a: b}\n",
            "3: 'metric' is no key of the mapping; it knows 'source'",
        ),
        ("source: s\nsubject: u\nmetrics: {a: b, a: c}\n", "3: 'a' is given twice"),
        ("source: s\nmetrics: {a: b}\n", "2: subject is missing"),
        ("source: s\nexposure: {flag: f, variant: v}\n", "2: subject is missing"),
        ("source: s\nsubject: u\nexposure: {flag: f}\n", "3: exposure has no variant"),
        ("source: s\nsubject: u\nexposure: [x]\n", "3: exposure must be a mapping"),
        ("source: s\nsubject: u\nmetrics: {a: [b]}\n", "3: metrics a must be text, not a list"),
        (
            "source: s\nsubject: u\nmetrics: {a: {col: b}}\n",
            "3: 'col' is no key of metrics a; it knows 'column', 'literal', 'unit'",
        ),
        ("source: s\nsubject:\nmetrics: {a: b}\n", "2: subject is empty"),
        ("source: s\nsubject: u\ntime: soon\nmetrics: {a: b}\n", "3: time is 'soon': it is no time"),
        (
            "source: s\nsubject: u\ntime: {column: t, unit: h}\nmetrics: {a: b}\n",
            "3: time unit is 'h'; it must be s, ms or us",
        ),
        ("source: s\ndelimiter: ab\nsubject: u\nmetrics: {a: b}\n", "2: delimiter is 'ab'"),
        ("source: s\nevents: {type: a}\n", "2: events must be a list"),
        ("source: s\nevents:\n  - subject: u\n", "3: events has no type"),
        ("? [a]\n: b\n", "1: a key of the mapping must be text"),
        ("source: &a [*a]\nsubject: u\nmetrics: {a: b}", "1: source must be text"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(tmp_path, text)), problems(tmp_path, text)


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "subject: u\ntime: soon\nmetrics: {a: [b]}\nsauce: x\n")) == 4


def test_a_mapping_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        load_mapping(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"source: caf\xe9\n")
    with pytest.raises(InputError, match="not UTF-8"):
        load_mapping(tmp_path / "latin.yaml")
    (tmp_path / "deep.yaml").write_text("[" * 5000)
    with pytest.raises(InputError, match="not valid YAML"):
        load_mapping(tmp_path / "deep.yaml")


def test_the_subject_is_no_variant(tmp_path: Path) -> None:
    text = COOKIE_CATS.replace("variant: version", "variant: userid")
    assert problems(tmp_path, text) == [
        "4: exposure variant is the column 'userid', which is the subject already; name the column that holds the variant"
    ]
