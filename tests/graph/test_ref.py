"""References are read as Backstage reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.graph.ref import Ref, parse_ref


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("component:default/player", "component:default/player"),
        ("Component:Media/Player", "component:media/player"),
        ("component:player", "component:default/player"),
        ("player", "group:default/player"),
        ("media/player", "group:media/player"),
        ("a/b:c", "group:a/b:c"),
        ("k:ns/a/b", "k:ns/a/b"),
        ("k:a:b", "k:default/a:b"),
    ],
)
def test_a_reference_splits_at_the_first_colon_and_slash(text: str, canonical: str) -> None:
    assert str(parse_ref(text, default_kind="Group")) == canonical


@pytest.mark.parametrize("text", ["", ":", "/", "k:", ":n", "k:/n", "k:ns/", "/n", "ns/", "k:\x00"])
def test_empty_parts_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_ref(text, default_kind="Group")


def test_a_short_reference_needs_a_default_kind() -> None:
    with pytest.raises(InputError, match="kind:player"):
        parse_ref("player")


def test_the_namespace_of_the_referring_entity_is_the_default() -> None:
    assert str(parse_ref("player", default_kind="API", default_namespace="media")) == "api:media/player"


PARTS = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,10}", fullmatch=True)


@given(PARTS, PARTS, PARTS)
def test_the_canonical_text_is_read_back_as_the_same_reference(kind: str, namespace: str, name: str) -> None:
    ref = Ref(kind, namespace, name)
    assert parse_ref(str(ref)) == ref
    assert str(ref) == str(ref).lower()
