"""Decoding once what many events say says the same as decoding each, whatever the texts look like."""

import random
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.journal.columns import AttributeColumn, Tally, attribute_table
from counterpoint.journal.documents import SUBJECT, Documents, data_documents, documents
from counterpoint.journal.model.event import EXPOSURE

STRANGE = ("value", ":", ",", ":1,", ":0,", 'a"b', "a\\", "n", "", "é", "u0000", "\0", "x" * 1_100, None)
"""Subjects that could be mistaken for the JSON around them, or are no attribute's text."""
NAMES = st.sampled_from(["a", "value", 'x"value', "feature_flag.key", "feature_flag.context.id", "é"])
FORMS = st.sampled_from(
    [
        "whole",
        "end",
        "quoted",
        "nested",
        "list",
        "key",
        "number",
        "fraction",
        "same",
        "nul",
        "true",
        "nothing",
    ]
)


def said(form: str, subject: str, chance: random.Random) -> Any:
    """A value in which the subject, or a number, is told in some way."""
    return {
        "whole": subject,
        "end": f"x{subject}",
        "quoted": f'x"{subject}',
        "nested": {"a": subject, "value": 3},
        "list": [subject],
        "key": {subject: 1},
        "number": chance.randrange(100),
        "fraction": chance.random() * 10 ** chance.randrange(-20, 20),
        "same": "same",
        "nul": "\0",
        "true": True,
        "nothing": None,
    }[form]


@given(
    st.lists(st.lists(st.tuples(NAMES, FORMS), max_size=4), min_size=1, max_size=3),
    st.lists(st.sampled_from(STRANGE), max_size=2),
    st.booleans(),
    st.sampled_from([EXPOSURE, "t"]),
    st.randoms(use_true_random=False),
)
def test_both_ways_say_the_same(
    kinds: list[list[tuple[str, str]]],
    strange: list[str | None],
    keyed: bool,
    type_: str,
    chance: random.Random,
) -> None:
    subjects: list[str | None] = [*strange, *(f"user-{number}" for number in range(60))]
    data, extensions = [], []
    for subject in subjects:
        document = {name: said(form, subject or "", chance) for name, form in chance.choice(kinds)}
        if keyed and chance.random() < 0.1:
            document[subject or ""] = 1
        data.append(msgspec.json.encode(document).decode())
        extensions.append(chance.choice([None, '{"tenant":"acme"}', '{"n":1}']))
    quick = (
        data_documents(pa.chunked_array([data]), pa.chunked_array([pa.array(subjects, pa.string())])),
        documents(pa.chunked_array([pa.array(extensions, pa.string())])),
    )
    slow = tuple(
        Documents([msgspec.json.decode(text or "{}") for text in texts]) for texts in (data, extensions)
    )
    chosen = []
    for found in (quick, slow):
        tally = Tally()
        tally.add(*found)
        chosen.append(tally.columns(type_))
    assert chosen[0] == chosen[1]
    # Also columns that other files chose, which do not fit here.
    other = tuple(
        AttributeColumn(f"data_{number}", "data", name, kind)
        for number, (name, kind) in enumerate(
            (("a", "int64"), ("é", "string"), ("feature_flag.key", "float64"))
        )
    )
    for columns in (chosen[0], other, ()):
        for types in (type_, [chance.choice([type_, "u"]) for _ in subjects]):
            first, second = (attribute_table(types, *found, columns) for found in (quick, slow))
            assert {name: array.to_pylist() for name, array in first.items()} == {
                name: array.to_pylist() for name, array in second.items()
            }


@pytest.mark.parametrize(
    ("data", "different"),
    [
        (lambda number: {"value": number / 7, "currency": "EUR"}, [{"value": 0, "currency": "EUR"}]),
        (lambda number: {"a": "b", "who": f"user-{number}"}, [{"a": "b", "who": SUBJECT}]),
        (lambda number: {"who": f"user-{number}", "value": -number * 1e30}, [{"who": SUBJECT, "value": 0}]),
        (lambda number: {"n": number % 3}, [{"n": 0}, {"n": 1}, {"n": 2}]),
    ],
)
def test_what_differs_by_subject_and_value_only_is_decoded_once(data: Any, different: list[Any]) -> None:
    texts = [msgspec.json.encode(data(number)).decode() for number in range(1_000)]
    found = data_documents(
        pa.chunked_array([texts]), pa.chunked_array([[f"user-{number}" for number in range(1_000)]])
    )
    assert len(found) == 1_000
    assert list(found.different) == [*different, {}]
    assert all(
        type(one) is type(other)
        for first, second in zip(found.different, different, strict=False)
        for one, other in zip(first.values(), second.values(), strict=True)
    )


def test_what_has_little_in_common_is_decoded_one_by_one() -> None:
    texts = [f'{{"n":{number}}}' for number in range(100)] + [None, '"text"', "[1]"]
    found = data_documents(pa.chunked_array([texts]), pa.chunked_array([["u"] * 103]))
    assert found.each() == [*({"n": number} for number in range(100)), {}, {}, {}]


@pytest.mark.parametrize("odd", ['","b":"c', "x" * 1_025])
def test_subjects_that_look_like_json_or_are_long_are_not_taken_out(odd: str) -> None:
    subjects = [*(f"user-{number}" for number in range(99)), odd]
    texts = [f'{{"a":"{subject}"}}' for subject in subjects]
    found = data_documents(pa.chunked_array([texts]), pa.chunked_array([subjects]))
    assert not any(value is SUBJECT for each in found.different for value in each.values())
    assert found.each() == [msgspec.json.decode(text) for text in texts]
