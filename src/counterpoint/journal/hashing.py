"""The 64-bit hash of a subject that every segment holds beside the subject itself.

It is the first eight bytes of the MD5 of the subject's UTF-8, read as a big-endian signed integer: a
function that Python, DuckDB, Spark, ClickHouse and PostgreSQL all have. It stands for no secret, and two
subjects may share one (at 100 million subjects with a chance of 1 in 4,000), so whoever joins or groups
by it compares the subject as well.
"""

from hashlib import md5
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

__all__ = ["HASH", "hash_array", "hash_expression", "subject_hash"]

HASH: Final = "subject_hash"
"""The column's name."""
_DIGITS: Final = "0123456789abcdef"


def subject_hash(subject: str) -> int:
    """The hash of one subject, from -2**63 to 2**63 - 1.

    >>> subject_hash("user-1")
    -2965778325353760010
    """
    digest = md5(subject.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def hash_array(subjects: "pa.ChunkedArray | pa.Array") -> "pa.Array":
    """The hashes of a column of subjects, null where there is none; each distinct subject is hashed once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = subjects.combine_chunks() if isinstance(subjects, pa.ChunkedArray) else subjects
    known = pc.dictionary_encode(whole)
    digests = b"".join(
        [md5(each.encode(), usedforsecurity=False).digest() for each in known.dictionary.to_pylist()]
    )
    hashes = pa.array(np.frombuffer(digests, ">i8")[::2].astype(np.int64))
    return hashes.take(known.indices)


def hash_expression(subject: "ibis.Value") -> "ibis.Value":
    """The same as an Ibis expression, for tables that hold no such column."""
    import ibis

    digest = subject.hexdigest("md5")
    digits: list[Any] = [
        ibis.literal(_DIGITS).find(digest.substr(place, 1)).cast("int64") for place in range(16)
    ]
    # The first digit holds the sign: from 8 on the number is negative.
    total = ibis.ifelse(digits[0] >= 8, digits[0] - 16, digits[0]) * 2**60
    for place, digit in enumerate(digits[1:], 1):
        total = total + digit * 2 ** (60 - 4 * place)
    return total
