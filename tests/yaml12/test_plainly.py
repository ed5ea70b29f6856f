"""Plain documents read line by line are the same as composed ones, places, problems and all."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from counterpoint.yaml12 import reader
from counterpoint.yaml12.plainly import Places, read_plain

KEYS = ("a", "b", "name", "metadata", "spec", "null", "true", "x/y.z", "0", "Ä", "a b", '"q"')
VALUES = (
    "", "x", "1", "0x1F", "true", "~", "null", ".inf", "9" * 30, "a: b", "a #b", "a # b", "a#b", "b:", "http://x/y",
    "kind:ns/name", "'it'", "'it''s'", '"q"', '"q\\n"', '"q', "'", "[]", "[a, b]", "[a,b]", "[a, ]", "[a: b]", "[a:b]",
    "[a:]", "[ x , 1 ]", "[x, [y]]", "['x']", "[a", "[a] # c", "[a b, c]", "{}", "{ }", "{a: 1}", "{", "| ", ">", "|\n  t",
    "&a x", "*a", "!!str 1", "! 1", "@x", "`x`", "%x", "- x", "-1", "- ", "-", "? x", "x  ", "x y", "x - y", "é", "\t", "x\ty",
    "2024-01-01", "<<", "=", "...", "---", "--- x", "# c", "a,b", "a]b", "}", "x\x85y", "\ufeff", "$text", "(x)", "\x01",
)  # fmt: skip
LINES = st.builds(
    lambda indent, dash, key, colon, value: " " * indent + dash + key + colon + value,
    st.sampled_from((0, 0, 0, 1, 2, 2, 2, 3, 4, 4, 6)),
    st.sampled_from(("", "", "", "", "- ", "-   ", "- - ")),
    st.sampled_from((*KEYS, "", "")),
    st.sampled_from((": ", ": ", ": ", ":", ":   ", "", " : ")),
    st.sampled_from(VALUES),
)
WHOLE_LINES = st.sampled_from(
    ("---", "---", "--- ", "--- # c", "...", "# c", "  # c", "", "  ", "%YAML 1.2", "a: 1", "  b: 2", "- c")
)
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + end,
    st.lists(LINES | LINES | WHOLE_LINES, max_size=12),
    st.sampled_from(("", "\n", "\n\n")),
)


def told(text):
    reading = reader.read_text(text, name="f.yaml")
    documents = [
        (
            each.value,
            each.index,
            dict(each.positions),
            len(each.positions),
            each.doubts,
            each.line("/metadata/name"),
        )
        for each in reading.documents
    ]
    return repr(documents), reading.problems


def composed(text):
    """What the composer alone says of a text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_plainly", lambda _text: None)
        return told(text)


@settings(max_examples=1_500, deadline=None)
@given(TEXTS)
@example("a:\n- b: 1\n  c:\n  - d\n- e\n")
@example("a:\n  b:\nc: 1\n---\n---\n# nothing\n---\nd: |\n  t\n---\ne: 'x")
@example('a: 1\n---\nb: "x\\ty"\n---\n')
@example("metadata:\n  name: x\n  labels:\n    name: y\nname: z\n")
@example("a: x\n  y\n")
@example("a: 1\na: 2\n")
def test_whatever_is_read_reads_the_same_either_way(text):
    assert told(text) == composed(text)


VALUE = st.recursive(
    st.sampled_from(("x", "some words", 1, True, "a:b/c", "7 up", "y's")),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from("abcdef"), inner, min_size=1)
    ),
    max_leaves=12,
)


def block(value, indent=0):
    """The lines of a value as people write them."""
    pad = " " * indent
    if isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, dict | list):
                yield f"{pad}{key}:"
                yield from block(each, indent + 2)
            else:
                yield f"{pad}{key}: {str(each).lower() if each is True else each}"
    elif isinstance(value, list):
        for each in value:
            first, *rest = block(each, indent + 2) if isinstance(each, dict | list) else [f"{pad}  {each}"]
            yield f"{pad}- {first[indent + 2 :]}".replace("True", "true")
            yield from rest


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from("uvwxyz"), VALUE, min_size=1))
def test_nested_blocks_read_the_same_either_way(value):
    text = "\n".join(block(value)) + "\n"
    assert told(text) == composed(text)


def test_a_plain_document_is_read_without_the_composer():
    text = "a: 1\n---\nb:\n  - c: [x, 2]\n    d: 'y'\n"
    documents = reader.read_text(text).documents
    assert [each.value for each in documents] == [{"a": 1}, {"b": [{"c": ["x", 2], "d": "y"}]}]
    assert all(isinstance(each.positions, Places) for each in documents)
    assert documents[1].position("/b/0/d") == (5, 8)


def test_one_document_that_is_not_plain_costs_no_other():
    first, second, third = reader.read_text("a: 1\n---\nb: |\n  text\n---\nc: 3\n").documents
    assert isinstance(first.positions, Places)
    assert not isinstance(second.positions, Places)
    assert isinstance(third.positions, Places)
    assert (second.value, second.position("/b"), third.position("/c")) == (
        {"b": "text\n"},
        (4 - 1, 4),
        (6, 4),
    )


@pytest.mark.parametrize("text", ["a:\t1\n", "%YAML 1.2\n---\na: 1\n", "a: 1\n...\n", "a: x\r\nb: y\r\n"])
def test_an_unusual_stream_is_left_to_the_composer(text):
    assert read_plain(text) is None


def test_spaces_without_end_take_no_time_to_refuse():
    text = "a: [" + " " * 200_000 + "x\nb: " + "[" * 100_000
    assert told(text) == composed(text)
