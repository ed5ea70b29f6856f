"""What arguments must be, each refused by name with its value and the rule; what is no number never passes."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING

from counterpoint.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["choice", "finite", "level", "numbers", "positive", "share", "whole"]


def level(name: str, value: float, *, below: float = 1.0) -> None:
    """An error, a power or a confidence: strictly between 0 and `below`."""
    _number(name, value)
    if not 0 < value < below:
        raise InputError(f"{name} == {value}, must be above 0 and below {below:g}")


def share(name: str, value: float) -> None:
    """A share that may be all or nothing: between 0 and 1."""
    _number(name, value)
    if not 0 <= value <= 1:
        raise InputError(f"{name} == {value}, must be between 0 and 1")


def positive(name: str, value: float) -> None:
    """A finite number above 0."""
    _number(name, value)
    if not 0 < value < math.inf:
        raise InputError(f"{name} == {value}, must be above 0 and finite")


def finite(name: str, value: float) -> None:
    """Any finite number."""
    _number(name, value)
    if not math.isfinite(value):
        raise InputError(f"{name} == {value}, must be a finite number")


def whole(name: str, value: int, *, least: int = 0) -> None:
    """A whole number of at least `least`."""
    _number(name, value)
    if not (value == value // 1 and least <= value < math.inf):
        raise InputError(f"{name} == {value}, must be a whole number of {least} or more")


def _number(name: str, value: object) -> None:
    if not isinstance(value, Real):
        raise InputError(f"{name} == {value!r}, must be a number")


def choice(name: str, value: object, choices: Sequence[object]) -> None:
    """One of a few words."""
    if value not in choices:
        listed = ", ".join(f'"{each}"' for each in choices)
        raise InputError(f"{name} == {value!r}, must be one of {listed}")


def numbers(name: str, values: "ArrayLike") -> "NDArray[np.float64]":
    """An array of floats, whatever it was made of; texts and ragged rows are refused by name."""
    import numpy as np

    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} is not an array of numbers ({error}); leave out or replace what is none"
        ) from None
