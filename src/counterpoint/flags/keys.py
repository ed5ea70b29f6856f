"""Which flag sets a token or client key may evaluate: the scope for all of them, or one for each."""

import re
from collections.abc import Collection
from typing import Final

__all__ = ["EVALUATE", "EVALUATE_ONE", "evaluable_sets", "is_of_one_set"]

EVALUATE: Final = "flags:evaluate"
EVALUATE_ONE: Final = EVALUATE + ":"
"""Before the name of a flag set: that set and no other."""
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def is_of_one_set(scope: str) -> bool:
    """Whether the scope is `flags:evaluate:NAME` with what can be the name of a flag set."""
    return scope.startswith(EVALUATE_ONE) and _NAME.fullmatch(scope.removeprefix(EVALUATE_ONE)) is not None


def evaluable_sets(scopes: Collection[str]) -> frozenset[str] | None:
    """The names of the only flag sets that these scopes open; None where they limit nothing.

    >>> sorted(evaluable_sets({"read", "flags:evaluate:shop"}))
    ['shop']
    >>> evaluable_sets({"flags:evaluate", "flags:evaluate:shop"}) is None
    True
    """
    named = frozenset(scope.removeprefix(EVALUATE_ONE) for scope in scopes if is_of_one_set(scope))
    return named if named and EVALUATE not in scopes and "admin" not in scopes else None
