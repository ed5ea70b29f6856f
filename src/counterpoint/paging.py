"""Pages of a list: how many entries one has at most, and the opaque text that asks for the next page."""

import base64
from typing import TypeVar

import msgspec

from counterpoint.errors import InputError, Problem

__all__ = ["check_limit", "cursor_of", "read_cursor"]

T = TypeVar("T", bound=tuple[object, ...])

WHOLE = range(-(2**63), 2**63)
"""Whole numbers that the databases can compare with."""


def check_limit(limit: int, most: int) -> None:
    """Refuse a page without entries, or with more than `most`.

    Raises:
        InputError: naming the query parameter and the limit.
    """
    if not 1 <= limit <= most:
        message = f"query parameter 'limit' is {limit}, must be 1 to {most}"
        raise InputError("The request is not valid.", [Problem(message)])


def cursor_of(*place: str | int) -> str:
    """The text that says where the next page starts, by what the list is ordered by."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str, place: type[T]) -> T:
    """The place that `cursor_of` wrote; `place` is its type, a tuple.

    Raises:
        InputError: the text is no cursor, or one of another list.
    """
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=place)
        if any(isinstance(part, int) and part not in WHOLE for part in found):
            raise ValueError("a number of more than 64 bits")
    except (ValueError, msgspec.MsgspecError) as error:
        raise InputError(
            f"{text[:40]!r} is no cursor of this list; take the one that the page before gave."
        ) from error
    return found
