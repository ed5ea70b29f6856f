"""Roles and shares as people write them."""

from counterpoint.errors import InputError, Problem
from counterpoint.people.model import MEMBER

__all__ = ["read_share", "role_key"]

LONGEST = 100
"""Characters of a role."""


def role_key(text: str) -> str:
    """A role as data: "Product Owner" is `product-owner`; none is a member."""
    return "-".join(text.lower().split())[:LONGEST] or MEMBER


def read_share(text: str, pointer: str = "") -> float | None:
    """The share that a text writes as `0.5`, `0,5`, `50%` or `50`; None where it is empty.

    Raises:
        InputError: it is no number above 0 and at most 1, or 100 %.
    """
    text = text.strip()
    if not text:
        return None
    try:
        number = float(text.rstrip("% ").replace(",", "."))
    except ValueError:
        number = float("nan")
    share = number / 100 if text.endswith("%") or number > 1 else number
    if not 0 < share <= 1:
        message = f"share is {text[:40]!r}; write a number above 0 and at most 1, or a percentage such as 50%"
        raise InputError("The share is not valid.", [Problem(message, pointer)])
    return share
