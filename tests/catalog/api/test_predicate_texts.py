"""What `strict` says of a predicate that it refuses is what zod says: every branch of each union."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.catalog.api.predicate_texts import refused_by_zod
from counterpoint.catalog.api.predicates import filter_of
from counterpoint.errors import InputError

ROOT = "Expected string, received object, or Expected number, received object, or Expected boolean, received object"


def plain(kind: str, place: str) -> str:
    """What is said of a value where a text, a number or a boolean may stand."""
    return ", or ".join(
        f'Expected {each}, received {kind} at "{place}"' for each in ("string", "number", "boolean")
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, f'{plain("null", "kind")}, or Expected object, received null at "kind"'),
        ([], f'{plain("array", "kind")}, or Expected object, received array at "kind"'),
        (
            {"$in": [1, None]},
            (
                f'{plain("object", "kind")}, or Required at "kind.$exists", or {plain("null", "kind.$in[1]")}'
                ', or Required at "kind.$contains", or Required at "kind.$hasPrefix"'
            ),
        ),
        (
            {"$exists": "yes"},
            (
                f'{plain("object", "kind")}, or Expected boolean, received string at "kind.$exists"'
                ', or Required at "kind.$in", or Required at "kind.$contains", or Required at "kind.$hasPrefix"'
            ),
        ),
    ],
)
def test_a_value_that_is_none_is_told_of_by_every_form_it_might_have_had(value: Any, told: str) -> None:
    kind = "null" if value is None else "array" if value == [] else "object"
    others = ", or ".join(
        f"Required at \"{name}\"; Unrecognized key(s) in object: 'kind'" for name in ("$all", "$any", "$not")
    )
    assert refused_by_zod({"kind": value}) == (
        f'Validation error: {told}, or Invalid at "kind"; Expected never, received {kind} at "kind", or {ROOT}, or {others}'
    )


@pytest.mark.parametrize(
    ("predicate", "told"),
    [
        ({"$other": 1}, 'Invalid at "$other"'),
        ({"$all": [], "kind": "x"}, "Unrecognized key(s) in object: 'kind'"),
        ({"$not": {"$all": [], "kind": "x"}}, "Unrecognized key(s) in object: 'kind' at \"$not\""),
    ],
)
def test_what_leaves_the_value_usable_is_all_that_is_told(predicate: Any, told: str) -> None:
    assert refused_by_zod(predicate) == f"Validation error: {told}"


def test_the_place_of_a_predicate_begins_every_path() -> None:
    assert refused_by_zod({"$a": "x"}, "query") == 'Validation error: Invalid at "query.$a"'


def test_of_a_very_long_predicate_the_short_text_is_told() -> None:
    with pytest.raises(InputError, match="expected a primitive value"):
        filter_of({"kind": {"$in": [None] * 10_000}}, strict=True)


names = st.sampled_from(
    ["kind", "spec.type", "$all", "$any", "$not", "$in", "$exists", "$hasPrefix", "", "a\nb"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(predicate=st.dictionaries(names, values, max_size=3))
def test_what_zod_refuses_is_refused_in_both_ways(predicate: dict[str, Any]) -> None:
    told = refused_by_zod(predicate)
    if told is not None:
        with pytest.raises(InputError) as refused:
            filter_of(predicate, strict=True)
        assert str(refused.value) == f"Invalid query: {told}"
        with pytest.raises(InputError):
            filter_of(predicate)
