"""Bucketing against an independent MurmurHash3 and against hand-computed vectors."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.flags.bucketing import MAX_WEIGHT, bucket_of, choose, fractional_v2, fractional_v3, hash_of

TOP = 2**32 - 1

# MurmurHash3 x86 32-bit, written for these tests from its description (Austin Appleby, smhasher).
MASK = 0xFFFFFFFF


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & MASK


def _mix(block: int) -> int:
    return (_rotate((block * 0xCC9E2D51) & MASK, 15) * 0x1B873593) & MASK


def murmur3(data: bytes, seed: int = 0) -> int:
    """The unsigned 32-bit hash."""
    state = seed
    whole = len(data) - len(data) % 4
    for start in range(0, whole, 4):
        state ^= _mix(int.from_bytes(data[start : start + 4], "little"))
        state = (_rotate(state, 13) * 5 + 0xE6546B64) & MASK
    if tail := data[whole:]:
        state ^= _mix(int.from_bytes(tail, "little"))
    state ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = ((state ^ (state >> shift)) * factor) & MASK
    return state ^ (state >> 16)


def data(subject: Any = "user-1", flag: str = "flag", **more: Any) -> dict[str, Any]:
    return {"targetingKey": subject, "$flagd": {"flagKey": flag, "timestamp": 0}, **more}


# Published vectors of MurmurHash3 x86 32-bit, seed 0.
@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", 0), (b"test", 0xBA6BD213), (b"Hello, world!", 0xC0363E43), (b"abc", 0xB3DD93FA)],
)
def test_the_independent_hash_is_right_itself(content: bytes, expected: int) -> None:
    assert murmur3(content) == expected


@given(st.binary(max_size=70))
def test_the_hash_is_murmur3_unsigned(content: bytes) -> None:
    assert hash_of(content) == murmur3(content)


@pytest.mark.parametrize(
    ("hashed", "total", "bucket"),
    [
        (0, 100, 0),
        (TOP, 100, 99),
        (2**31, 100, 50),
        (2**31 - 1, 100, 49),
        (TOP, 1, 0),
        (TOP, MAX_WEIGHT, MAX_WEIGHT - 1),
        (2**31, MAX_WEIGHT, MAX_WEIGHT // 2),
    ],
)
def test_a_bucket_is_the_share_of_the_unsigned_hash(hashed: int, total: int, bucket: int) -> None:
    assert bucket_of(hashed, total) == bucket


@pytest.mark.parametrize(
    ("hashed", "variant"),
    [(0, "a"), (2**31 - 1, "a"), (2**31, "b"), (3 * 2**30 - 1, "b"), (3 * 2**30, "c"), (TOP, "c")],
)
def test_boundary_hashes_fall_where_the_weights_say(hashed: int, variant: str) -> None:
    assert choose(hashed, [("a", 2), ("none", 0), ("b", 1), ("c", 1)]) == variant


def reference(content: bytes, distribution: list[list[Any]]) -> Any:
    total = sum(entry[1] for entry in distribution)
    at, end = murmur3(content) * total // 2**32, 0
    for variant, weight in distribution:
        end += weight
        if at < end:
            return variant
    return None


SPLIT = [["a", 1], ["b", 20], ["c", 79]]


@given(subject=st.text(min_size=1, max_size=30), flag=st.text(max_size=10), other=st.text(max_size=20))
def test_v2_hashes_the_text(subject: str, flag: str, other: str) -> None:
    assert fractional_v2(SPLIT, data(subject, flag)) == reference((flag + subject).encode(), SPLIT)
    assert fractional_v2([other, *SPLIT], data(subject, flag)) == reference(other.encode(), SPLIT)
    assert fractional_v2([None, *SPLIT], data(subject, flag)) == reference((flag + subject).encode(), SPLIT)


@given(number=st.integers(0, 2**16 - 1), word=st.text(alphabet="abcdefgh", max_size=23))
def test_v3_hashes_the_cbor(number: int, word: str) -> None:
    head = (
        bytes([number])
        if number < 24
        else b"\x18" + number.to_bytes(1, "big")
        if number < 256
        else b"\x19" + number.to_bytes(2, "big")
    )
    assert fractional_v3([number, *SPLIT], data()) == reference(head, SPLIT)
    assert fractional_v3([float(number), *SPLIT], data()) == reference(head, SPLIT)
    written = bytes([0x60 + len(word)]) + word.encode()
    assert fractional_v3([word, *SPLIT], data()) == reference(written, SPLIT)
    subject = "s" + word[:22]
    pair = b"\x82\x64flag" + bytes([0x60 + len(subject)]) + subject.encode()
    assert fractional_v3(SPLIT, data(subject)) == reference(pair, SPLIT)


def test_v2_and_v3_part_on_a_null_expression() -> None:
    assert fractional_v2([None, ["a"]], data()) == "a"
    assert fractional_v3([None, ["a"]], data()) is None


@pytest.mark.parametrize("value", [True, False, 1.5, {"b": 1, "a": [None]}, ""])
def test_v3_takes_any_value_but_an_array_and_v2_only_texts(value: Any) -> None:
    assert fractional_v3([value, ["a"]], data()) == "a"
    assert fractional_v2([value, ["a"]], data()) == ("a" if value == "" else None)


@pytest.mark.parametrize("fractional", [fractional_v2, fractional_v3])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([["on"]], "on"),
        ([["on", 5]], "on"),
        ([["on", 5.0]], "on"),
        ([[True, 5]], True),
        ([[1, 5]], 1),
        ([[None, 5]], None),
        ([["x", -5], ["on", 1]], "on"),
        ([["x", 0], ["on", 1]], "on"),
        (["salt", ["on"]], "on"),
        ([["on", MAX_WEIGHT]], "on"),
        # bad input
        ([], None),
        (["salt"], None),
        ([["on", 0]], None),
        ([["on", -1]], None),
        ([["on", MAX_WEIGHT + 1]], None),
        ([["on", MAX_WEIGHT], ["off", 1]], None),
        ([["on", 1.5]], None),
        ([["on", -1.5]], None),
        ([["on", "5"]], None),
        ([["on", True]], None),
        ([["on", None]], None),
        ([["on", float("nan")]], None),
        ([["on", float("inf")]], None),
        ([["on", 1, 2]], None),
        ([[]], None),
        ([["on"], "off"], None),
        ([[{"a": 1}, 5]], None),
        ([[["on"], 5]], None),
    ],
    ids=str,
)
def test_weights_and_variants(fractional: Any, arguments: list[Any], expected: Any) -> None:
    assert fractional(arguments, data()) == expected


@pytest.mark.parametrize("fractional", [fractional_v2, fractional_v3])
@pytest.mark.parametrize(
    "context",
    [data(""), data(None), data(7), {"targetingKey": "u"}, [], None, {"targetingKey": "u", "$flagd": 1}],
)
def test_without_a_targeting_key_there_is_no_variant(fractional: Any, context: Any) -> None:
    assert fractional([["on"]], context) is None


def test_growing_the_first_variant_only_adds_subjects() -> None:
    def treated(weight: int) -> set[int]:
        split = [["on", weight], ["off", 1000 - weight]]
        return {user for user in range(2000) if fractional_v2(split, data(f"u{user}")) == "on"}

    ramp = [treated(weight) for weight in (10, 50, 100, 500, 1000)]
    assert all(earlier <= later for earlier, later in pairwise(ramp))
    assert len(ramp[-1]) == 2000


def test_shares_are_what_the_weights_say() -> None:
    counts = Counter(fractional_v2([["a", 1], ["b", 3]], data(f"user-{user}")) for user in range(8000))
    assert abs(counts["a"] - 2000) < 5 * 39  # five standard deviations


def test_a_lone_surrogate_is_hashed_and_not_refused() -> None:
    assert fractional_v2(["\ud800", ["a"]], data()) == "a"
    assert fractional_v3(["\ud800", ["a"]], data()) == "a"
