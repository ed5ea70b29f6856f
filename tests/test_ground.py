"""Names that do not exist: what may have been meant, and pointers and moments as everybody writes them."""

from datetime import UTC, datetime

import pytest

from counterpoint.errors import InputError, escape
from counterpoint.moments import rfc3339, to_datetime, to_micros
from counterpoint.spelling import near


def test_near_names_are_offered_as_they_are_written() -> None:
    assert near("discovry", ["discovery", "payments"]) == "; did you mean discovery?"
    assert (
        near("discovry", {"discovery": "group:default/discovery"})
        == "; did you mean group:default/discovery?"
    )
    assert near("zzz", ["discovery"]) == ""


def test_a_key_is_escaped_for_a_pointer() -> None:
    assert escape("a/b~c") == "a~1b~0c"


def test_moments_keep_their_microseconds_and_need_a_zone() -> None:
    at = datetime(2026, 5, 3, 12, 0, 0, 123456, UTC)
    assert to_datetime(to_micros(at)) == at
    assert rfc3339(at) == "2026-05-03T12:00:00.123456Z"
    with pytest.raises(InputError, match="has no zone"):
        to_micros(at.replace(tzinfo=None))
