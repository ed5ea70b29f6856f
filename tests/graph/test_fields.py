"""The quick look at fields says of nothing that it is good where the thorough one finds something wrong."""

from itertools import product
from typing import Any

import pytest

from counterpoint.graph.fields import Field, Reference, _is_good, _wrong_fields
from counterpoint.graph.kinds import KINDS
from counterpoint.graph.search import WORDS, postings_of

VALUES: tuple[Any, ...] = (
    None, "", "  ", "text", "group:a", "group:", "a/", "\0", "x" * 300, "x" * 1_200, "ä" * 600, 0, 1.5, True, [], ["a"],
    ["a", ""], ["a", 1], [None], {}, {"a": 1}, [{}], [{"name": "a"}], "2026-05-03", {"displayName": 7},
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_what_looks_good_has_nothing_wrong(kind: Any) -> None:
    good = {
        field.name: value
        for field in kind.fields
        for value in VALUES
        if field.required and not list(_wrong_fields((field,), {field.name: value}, "/spec"))
    }
    for field, value in product(kind.fields, VALUES):
        for holder in ({**good, field.name: value}, {field.name: value}):
            if _is_good(kind.fields, holder):
                assert list(_wrong_fields(kind.fields, holder, "/spec")) == []


def test_plain_fields_are_taken_at_a_glance() -> None:
    owner = Field("owner", required=True, reference=Reference("Group", "ownedBy", "ownerOf"))
    fields = (owner, Field("tags", "texts"), Field("profile", "object", fields=(Field("name"),)))
    assert _is_good(fields, {"owner": "squad", "tags": [], "profile": {"name": "Squad"}, "more": 1})
    assert not _is_good(fields, {"owner": "squad:"})
    assert not _is_good(fields, {"owner": "squad", "profile": {"name": " "}})


def test_words_are_the_same_whether_texts_are_long_or_short() -> None:
    def document(text: str) -> dict[str, Any]:
        return {
            "kind": "Component",
            "metadata": {"name": "a", "description": "One"},
            "spec": {"x": text, "y": "Two one"},
        }

    short, long = postings_of(document("ein Wort")), postings_of(document("ein " * 6_000 + "Wort"))
    assert short == long == {"a": 1, "one": 2, "ein": 3, "wort": 3, "two": 3}
    many = postings_of(document(" ".join(f"w{number}" for number in range(900))))
    assert len(many) == WORDS
    assert list(many)[-1] == f"w{WORDS - 3}"
    assert set(postings_of(document("x" * 70))) >= {"x" * 64}
