"""Where a falling function is zero."""

import math
from collections.abc import Callable

__all__ = ["falling_root"]

ROUNDS = 100
"""Upper limit of the evaluations, which are five to ten for the smooth functions of this package."""


def falling_root(
    function: Callable[[float], float], low: float, high: float, *, within: float = 1e-11
) -> float:
    """The zero, to `within`, of a continuous function that falls from `low` to `high`.

    Where it has no zero between them, the end that is nearer to one.

    References:
        Chandrupatla (1997), A new hybrid quadratic/bisection algorithm for finding the zero of a
        nonlinear function without using derivatives. Advances in Engineering Software 28, 145-149.

    >>> round(falling_root(lambda x: 2 - x * x, 0, 2), 9)
    1.414213562
    """
    at_low, at_high = function(low), function(high)
    if at_low <= 0 or at_high >= 0:
        return low if at_low <= 0 else high
    b, fb, a, fa = low, at_low, high, at_high  # the zero lies between a and b; c is the point before
    share = 0.5
    for _ in range(ROUNDS):
        x = a + share * (b - a)
        fx = function(x)
        c, fc = (a, fa) if (fx > 0) is (fa > 0) else (b, fb)
        b, fb = (b, fb) if (fx > 0) is (fa > 0) else (a, fa)
        a, fa = x, fx
        nearest = a if abs(fa) < abs(fb) else b
        least = within / (2 * abs(b - a)) if b != a else math.inf
        if least > 0.5 or min(abs(fa), abs(fb)) == 0:
            return nearest
        share = min(max(_share(a, fa, b, fb, c, fc), least), 1 - least)
    return nearest


def _share(a: float, fa: float, b: float, fb: float, c: float, fc: float) -> float:
    """How far from a to b to look next: by the inverse quadratic where it can be trusted, else half way."""
    xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
    if not (phi**2 < xi and (1 - phi) ** 2 < 1 - xi):
        return 0.5
    first = fa / (fb - fa) * fc / (fb - fc)
    second = (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    return first + second
