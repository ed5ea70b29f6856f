"""`fractional`: which variant a subject falls into, in whole numbers, alike in every language.

h is MurmurHash3 (x86, 32 bits, seed 0) taken as unsigned. The bucket is (h x total weight) >> 32, and the
first variant whose cumulative weight exceeds it is the answer. The two algorithms differ in the bytes
that are hashed:

- v2: the UTF-8 of the bucketing expression's text, or of flag key and targeting key concatenated;
- v3: the CBOR of the bucketing expression's value, or of the array [flag key, targeting key].

References:
    flagd's decisions "high-precision-fractional-bucketing" and "fractional-non-string-rand-units".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import mmh3

from counterpoint.flags import cbor
from counterpoint.flags.javascript import is_array
from counterpoint.flags.jsonlogic import Operator

__all__ = [
    "BUCKETINGS",
    "Bucketing",
    "bucket_of",
    "choose",
    "entries_of",
    "fractional_v2",
    "fractional_v3",
    "hash_of",
]

Bucketing: TypeAlias = Literal["v2", "v3"]

MAX_WEIGHT: Final = 2**31 - 1
"""Of one variant and of all together."""


def hash_of(data: bytes) -> int:
    """MurmurHash3 x86 32-bit with seed 0, in [0, 2^32)."""
    return mmh3.hash(data, 0, signed=False)


def bucket_of(hashed: int, total: int) -> int:
    """The bucket in [0, total) of an unsigned 32-bit hash."""
    return (hashed * total) >> 32


def choose(hashed: int, distribution: Sequence[tuple[Any, int]]) -> Any:
    """The variant that an unsigned 32-bit hash falls into; None when no variant has weight."""
    bucket = bucket_of(hashed, sum(weight for _, weight in distribution))
    end = 0
    for variant, weight in distribution:
        end += weight
        if bucket < end:
            return variant
    return None


def fractional_v2(arguments: Sequence[Any], data: Any) -> Any:
    """The variant by the text of the bucketing expression; None on bad input."""
    if not arguments:
        return None
    expression, entries = (None, arguments) if is_array(arguments[0]) else (arguments[0], arguments[1:])
    if isinstance(expression, str):
        seed = expression
    elif expression is None and (identity := _identity(data)):
        seed = "".join(identity)
    else:
        return None
    distribution = entries_of(entries)
    return None if distribution is None else choose(hash_of(cbor.utf8(seed)), distribution)


def fractional_v3(arguments: Sequence[Any], data: Any) -> Any:
    """The variant by the CBOR of the bucketing expression; None on bad input."""
    if not arguments:
        return None
    value, entries = (_identity(data), arguments) if is_array(arguments[0]) else (arguments[0], arguments[1:])
    distribution = None if value is None else entries_of(entries)
    if distribution is None:
        return None
    try:
        return choose(hash_of(cbor.encode(value)), distribution)
    except ValueError:
        return None


BUCKETINGS: Final[Mapping[str, Operator]] = {"v2": fractional_v2, "v3": fractional_v3}
"""`fractional` by the name of its bucketing."""


def _identity(data: Any) -> list[str] | None:
    """[flag key, targeting key]; None where the context has no targeting key."""
    if not isinstance(data, Mapping):
        return None
    subject, flagd = data.get("targetingKey"), data.get("$flagd")
    flag = flagd.get("flagKey") if isinstance(flagd, Mapping) else None
    if not isinstance(flag, str) or not isinstance(subject, str) or not subject:
        return None
    return [flag, subject]


def entries_of(entries: Sequence[Any]) -> list[tuple[Any, int]] | None:
    """The variants with their weights; None where they are no distribution."""
    distribution = []
    for entry in entries:
        if not is_array(entry) or not 1 <= len(entry) <= 2:
            return None
        variant, weight = entry[0], _weight(entry[1]) if len(entry) == 2 else 1
        if weight is None or not (variant is None or isinstance(variant, str | bool | int | float)):
            return None
        distribution.append((variant, weight))
    total = sum(weight for _, weight in distribution)
    return distribution if 0 < total <= MAX_WEIGHT else None


def _weight(value: Any) -> int | None:
    """The weight as a whole number, a negative one as 0; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or value > MAX_WEIGHT:
        return None
    if value <= 0 and value == value // 1:
        return 0
    return int(value) if value == value // 1 else None
