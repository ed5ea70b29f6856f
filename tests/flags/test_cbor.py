"""CBOR's deterministic encoding, against the examples of RFC 8949 (appendix A) and its rules."""

import math
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterpoint.flags import cbor

from .engines import EXAMPLES

# Hexadecimal, from RFC 8949 appendix A where a value is there.
VECTORS: list[tuple[Any, str]] = [
    (0, "00"),
    (1, "01"),
    (10, "0a"),
    (23, "17"),
    (24, "1818"),
    (25, "1819"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (18446744073709551616, "c249010000000000000000"),
    (-1, "20"),
    (-10, "29"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (-18446744073709551617, "c349010000000000000000"),
    (1.1, "fb3ff199999999999a"),
    (1.5, "f93e00"),
    (5.960464477539063e-8, "f90001"),
    (0.00006103515625, "f90400"),
    (-4.1, "fbc010666666666666"),
    (3.5, "f94300"),
    (1.0e300, "fb7e37e43c8800759c"),
    (math.inf, "f97c00"),
    (-math.inf, "f9fc00"),
    (math.nan, "f97e00"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    ("", "60"),
    ("a", "6161"),
    ("IETF", "6449455446"),
    ('"\\', "62225c"),
    ("ü", "62c3bc"),
    ("水", "63e6b0b4"),
    ("a" * 24, "7818" + "61" * 24),
    ([], "80"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    ({}, "a0"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    # whole floats are integers within 64 bits
    (0.0, "00"),
    (-0.0, "00"),
    (100000.0, "1a000186a0"),
    (-4.0, "23"),
    (2.0**63, "1b8000000000000000"),
    (2.0**64, "fa5f800000"),
    (-(2.0**63), "3b7fffffffffffffff"),
    # keys by their encoded bytes: the shorter first
    ({"b": 1, "aa": 2, "": 3, "a": 4}, "a46003616104616201626161" + "02"),
]


@pytest.mark.parametrize(("value", "expected"), VECTORS, ids=[repr(value)[:40] for value, _ in VECTORS])
def test_values_take_their_one_encoding(value: Any, expected: str) -> None:
    assert cbor.encode(value).hex() == expected


def test_what_json_does_not_have_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    for value in ({1, 2}, object(), b"x", deep):
        with pytest.raises(ValueError, match=r"JSON|deeper"):
            cbor.encode(value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats()
    | st.floats(width=16)
    | st.text(st.characters(codec="utf-8"), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=30)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=30), inner, max_size=5)
    ),
    max_leaves=20,
)


def whole(value: Any) -> Any:
    """The value with its whole floats as integers within 64 bits, as flagd has it."""
    if isinstance(value, list):
        return [whole(one) for one in value]
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    fits = isinstance(value, float) and value.is_integer() and -(2.0**63) <= value < 2.0**64
    return int(value) if fits else value


@settings(max_examples=max(400, EXAMPLES), deadline=None, suppress_health_check=list(HealthCheck))
@given(value=JSON)
def test_it_is_the_canonical_encoding_of_cbor2(value: Any) -> None:
    assert cbor.encode(value) == cbor2.dumps(whole(value), canonical=True)
