"""What an operation of a rule costs, in steps: about one for each microsecond that it takes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["MAX_STEPS", "SCALARS", "cost"]

MAX_STEPS: Final = 100_000
"""Operations of one application, counting each element that `map` and the like visit; long values count more."""
SCALARS: Final = frozenset((str, int, float, bool, type(None)))
QUICK: Final = frozenset(("in", "merge"))
"""Operators that go through a long array without Python's help."""


def cost(name: str, values: Sequence[Any]) -> int:
    """The steps that long arguments count for: about one for each microsecond that going through them takes."""
    steps = 0
    for value in values:
        kind = type(value)
        if kind is str:
            steps += len(value) // 500
        elif kind not in SCALARS:
            if name in QUICK and value is not values[0]:
                steps += len(value) // 50 if isinstance(value, list | tuple) else 0
            elif isinstance(value, list | tuple) or name == "fractional":
                steps += _elements(value, objects=name == "fractional") // 4
    return steps


def _elements(value: Any, *, objects: bool) -> int:
    """How many values are within a value (in its objects only if asked); no more than can be paid for."""
    waiting, count = [value], 0
    while waiting and count <= 4 * MAX_STEPS:
        one = waiting.pop()
        if objects and isinstance(one, Mapping):
            one = list(one.values())
        if isinstance(one, list | tuple):
            count += 4 + len(one)
            if not SCALARS.issuperset(map(type, one)):
                waiting.extend(each for each in one if type(each) not in SCALARS)
    return count
