"""Documents written as YAML read back as they were."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.yaml12.reader import read_text
from counterpoint.yaml12.writing import yaml_text

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "Cc"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "text",
    [
        "0089",
        "012",
        "0o17",
        "0x1F",
        "1e3",
        "yes",
        "null",
        "~",
        ".inf",
        "2024-03-01",
        "a: b",
        "- a",
        "a\nb\n",
        "",
    ],
)
def test_texts_that_look_like_something_else_stay_texts(text):
    (document,) = read_text(yaml_text({"value": text})).documents
    assert document.value == {"value": text}


@settings(max_examples=50)
@given(st.dictionaries(TEXT, VALUES, min_size=1))
def test_every_document_reads_back_as_it_was(value):
    (document,) = read_text(yaml_text(value)).documents
    assert document.value == value
