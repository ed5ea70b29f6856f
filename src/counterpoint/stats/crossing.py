"""The chance that a sequential statistic crosses its boundaries, by exact recursion over the looks.

Information is a share t of the planned one. The score S(t) = Z·√t is a Brownian motion whose mean is
drift·t: the drift is what Z is expected to be once all information is in (0 under the null hypothesis).
The density of S over the paths that have not stopped is carried from look to look by Gauss–Legendre
quadrature between the boundaries. A Gaussian is resolved by a few nodes for each of its standard
deviations, so the error is near the rounding of a double; the number of nodes follows the smaller of the
steps before and after a look.

References:
    Armitage, McPherson, Rowe (1969), Repeated significance tests on accumulating data. J. R. Statist. Soc.
    A 132, 235-244. Jennison, Turnbull (2000), Group Sequential Methods, chapter 19.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.stats.checks import finite
from counterpoint.stats.distributions import normal_quantile_of_log

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Crossing", "crossing", "type_one_error"]

FAR = 8.5
"""Standard deviations beyond which a normal has less mass than a double can add to one."""
DEEPEST = -650.0
"""Logarithm of the smallest chance that the recursion is trusted with; e^−708 is the smallest double."""
MOST_NODES = 2048
"""Nodes for one look. A step that would need more is taken otherwise (see `Walk.reach`)."""
FAINTEST = -30.0
"""As `DEEPEST`, where chances come out of a difference."""
REACH = 42.0
"""Steps beyond a boundary where paths that stopped are followed; `FAINTEST` is at 8."""
ROUNDS = 60
"""Upper limit of Newton's steps, which are five or six."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """For each look the chance to cross first at it, above or below."""

    upper: tuple[float, ...]
    lower: tuple[float, ...]

    @property
    def total(self) -> float:
        """The chance to cross at all."""
        return math.fsum(self.upper) + math.fsum(self.lower)


@dataclass(frozen=True, slots=True)
class Alive:
    """The paths that have not stopped: nodes of S at one time and the mass at each, under no drift."""

    time: float
    nodes: "Array"
    mass: "Array"


@dataclass(frozen=True, slots=True)
class Stopped:
    """The paths that stopped at a look too near to the next one for the nodes of `Alive`."""

    near: Alive
    """Those whose score is between the boundary and the edge."""
    edge: float
    """Beyond it, no path comes back below the boundary until the next look."""


class Walk:
    """The recursion on its way from look to look. Scores are in units of the planned information's √."""

    def __init__(self, sides: int, drift: float = 0.0) -> None:
        import numpy as np

        self.sides = sides
        self.drift = drift
        self._alive = Alive(0.0, np.zeros(1), np.ones(1))
        self._stop: tuple[float, float] | None = None
        self._stopped: Stopped | None = None

    def stop(self, time: float, score: float) -> None:
        """Stop at `time` the paths whose score is at `score` or beyond (on both sides, if there are two).

        Of two looks that are too near to each other, only the nearer boundary stops.
        """
        if self._stop is None or score < self._stop[1]:
            self._stop = (time, score)

    def reach(self, time: float, score: float) -> None:
        """Get ready for a look at `time`, whose boundary is at `score` or nearer.

        A step too small for the quadrature (information grows by less than about 0.004 %) keeps the nodes
        of the look before, and takes off what stopped there. Later looks then know of only one of the two
        stops: their chances come out too large, by no more than what the other one stopped, and their
        boundaries too strict, never the other way.
        """
        if self._stop is None or self._stop[0] == time:
            return
        at, stop = self._stop
        step, gap = at - self._alive.time, time - at
        low, high = self._ends(at, stop, time, score)
        count = _rounded(1.7 * (high - low) / math.sqrt(gap * step / (gap + step)) + 24)
        if count > MOST_NODES:
            edge = stop + REACH * math.sqrt(gap)
            self._stopped = Stopped(_placed(self._alive, at, stop, edge, 128), edge)
        else:
            self._alive = _placed(self._alive, at, low, high, count)
            self._stop = self._stopped = None

    def _ends(self, at: float, stop: float, time: float, score: float) -> tuple[float, float]:
        """Between what scores paths at `at` are followed: within the boundaries, and no further than can matter.

        A path that ends at `score` came by score·at/time, give or take √(at·(time − at)/time).
        """
        width, mean = FAR * math.sqrt(at), self.drift * at
        bridge = score * at / time + FAR * math.sqrt(at * (time - at) / time)
        if self.sides == 2:
            high = min(stop, max(bridge, abs(mean) + width))
            return -high, high
        high = min(stop, max(bridge, mean + width, width))
        return min(0.0, mean, high) - width, high

    def tails(self, time: float, score: float) -> tuple[float, float]:
        """The chances to be alive until `time` and then at `score` or above; and at −`score` or below."""
        upper = self._above(self._alive, time, score, self.drift)
        lower = self._above(self._alive, time, score, -self.drift, mirrored=True) if self.sides == 2 else 0.0
        if self._stopped is not None:
            near, edge = self._stopped.near, self._stopped.edge
            upper -= self._above(near, time, score, self.drift)
            upper -= self._above(self._alive, near.time, edge, self.drift)
            if self.sides == 2:
                lower -= self._above(near, time, score, -self.drift)
                lower -= self._above(self._alive, near.time, edge, -self.drift, mirrored=True)
        return max(upper, 0.0), max(lower, 0.0)

    @staticmethod
    def _above(paths: Alive, time: float, score: float, drift: float, *, mirrored: bool = False) -> float:
        """The chance that these paths, or their mirror image, are at `score` or above at `time`."""
        import numpy as np
        from scipy.special import ndtr

        gap = time - paths.time
        nodes, mass = -paths.nodes if mirrored else paths.nodes, paths.mass
        if drift:  # the likelihood ratio; 700 is nearly the largest exponent of a double
            mass = mass * np.exp(np.minimum(drift * (nodes - drift * paths.time / 2), 700.0))
        return float(mass @ ndtr((nodes + drift * gap - score) / math.sqrt(gap)))

    def solve(self, time: float, log_chance: float) -> float:
        """The score at `time` that is crossed upwards, and not before, with the chance e^`log_chance`.

        Newton's method on the logarithm of the chance: that is concave and falls, so from a start at or
        beyond the root it comes down to it without ever passing it. Two starts are safe: what a single
        look would need, and what the last step alone would need.
        """
        start = math.sqrt(time) * normal_quantile_of_log(log_chance)
        if self._stop is not None and self._stop[0] < time:
            at, stop = self._stop
            start = min(start, stop + math.sqrt(time - at) * normal_quantile_of_log(log_chance))
        self.reach(time, start)
        if log_chance < (DEEPEST if self._stopped is None else FAINTEST):
            return start
        return self._descend(time, log_chance, start)

    def _descend(self, time: float, log_chance: float, start: float) -> float:
        """Newton's method from `start`, kept between the scores that are known to be too low and too high."""
        import numpy as np

        # Nearly all that is alive may be asked for, which has its boundary nowhere; nearer does not matter.
        low, high, score = 0.0 if self.sides == 2 else -FAR * math.sqrt(time), start, start
        for _ in range(ROUNDS):
            chance = self.tails(time, score)[0]
            density = float(_density(self._alive, np.array([score]), time)[0])
            if self._stopped is not None:
                density -= float(_density(self._stopped.near, np.array([score]), time)[0])
            step = -math.inf
            if chance > 0 and density > 0:
                step = (math.log(chance) - log_chance) * chance / density
            within = 1e-12 * max(abs(score), 1e-3)
            if abs(step) <= within:
                return score + step
            low, high = (score, high) if step > 0 else (low, score)
            if high - low <= within:
                return high
            score = score + step if low < score + step < high else (low + high) / 2
        return high


def _placed(alive: Alive, at: float, low: float, high: float, count: int) -> Alive:
    """The paths whose score at the time `at` is between `low` and `high`, on new nodes."""
    nodes, weights = _legendre(count)
    scores = (high + low) / 2 + (high - low) / 2 * nodes
    return Alive(at, scores, (high - low) / 2 * weights * _density(alive, scores, at))


def _density(alive: Alive, scores: "Array", time: float) -> "Array":
    """Density of S at `time` where it is one of `scores`, over the paths of `alive`."""
    import numpy as np

    gap = time - alive.time
    distance = np.subtract.outer(scores, alive.nodes)
    distance *= distance
    distance *= -0.5 / gap
    np.exp(distance, out=distance)
    found: Array = distance @ alive.mass / math.sqrt(2 * math.pi * gap)
    return found


def _rounded(count: float) -> int:
    """A number of nodes from a short list, so that few rules are ever made."""
    if not math.isfinite(count):
        return MOST_NODES + 1
    unit = 16
    while count > 8 * unit:
        unit *= 2
    return unit * math.ceil(count / unit)


@lru_cache(maxsize=256)
def _legendre(count: int) -> "tuple[Array, Array]":
    from scipy.special import roots_legendre

    nodes, weights = roots_legendre(count)
    return nodes, weights


def crossing(
    information: Sequence[float], boundaries: Sequence[float], *, drift: float = 0.0, sides: int = 2
) -> Crossing:
    """The chance to cross for the first time at each look, exactly.

    Args:
        information: Share of the planned information at each look, above 0, never falling; a look that
            repeats the one before has nothing new but a lower boundary. It may exceed 1.
        boundaries: Boundary of each look in units of Z; infinite where a look cannot stop.
        drift: Mean of Z once the share of information is 1; 0 is the null hypothesis.
        sides: 1 stops at z ≥ boundary only; 2 also at z ≤ −boundary.

    Raises:
        InputError: lengths differ, information falls or is not above 0, a boundary is not a number (or is
            negative with two sides), or sides is neither 1 nor 2.

    >>> found = crossing([0.5, 1.0], [2.5, 2.0], drift=3.0)
    >>> round(found.upper[0], 6), round(found.total, 6)
    (0.352463, 0.845714)
    """
    finite("drift", drift)
    _check(information, boundaries, sides)
    walk = Walk(sides, drift)
    upper, lower = [], []
    stopped = (0.0, math.inf)
    for time, boundary in zip(information, boundaries, strict=True):
        score = boundary * math.sqrt(time)
        found = (0.0, 0.0)
        if time == stopped[0]:  # the same score once more: only between the two boundaries is new
            score = min(score, stopped[1])
            before, there = walk.tails(time, stopped[1]), walk.tails(time, score)
            found = (there[0] - before[0], there[1] - before[1])
        elif score < math.inf:
            walk.reach(time, score)
            found = walk.tails(time, score)
        if score < math.inf:
            walk.stop(time, score)
            stopped = (time, score)
        upper.append(found[0])
        lower.append(found[1])
    return Crossing(tuple(upper), tuple(lower))


def type_one_error(information: Sequence[float], boundaries: Sequence[float], *, sides: int = 2) -> float:
    """The chance that a test with these boundaries rejects a true null hypothesis at any of its looks.

    Looking five times at the 1.96 of a single look rejects 14 % of the time, not 5 %:

    >>> round(type_one_error([0.2, 0.4, 0.6, 0.8, 1.0], [1.959963984540054] * 5), 6)
    0.141689

    Raises:
        InputError: as `crossing`.
    """
    return crossing(information, boundaries, sides=sides).total


def checked_sides(sides: int) -> int:
    """Return the number of sides, or raise an InputError that names it."""
    if sides not in (1, 2):
        raise InputError(f"sides == {sides}, must be 1 or 2")
    return sides


def checked_information(information: Sequence[float], name: str = "information") -> tuple[float, ...]:
    """Return the shares of information as numbers, or raise an InputError that names the first wrong one."""
    times = tuple(map(float, information))
    if not times:
        raise InputError(f"{name} is empty, give the share of information at each look")
    before = 0.0
    for place, time in enumerate(times):
        if not (math.isfinite(time) and time > 0):
            raise InputError(f"{name}[{place}] == {time}, must be above 0")
        if time < before:
            raise InputError(f"{name}[{place}] == {time}, must not be below {before}, the look before it")
        before = time
    return times


def _check(information: Sequence[float], boundaries: Sequence[float], sides: int) -> None:
    checked_sides(sides)
    checked_information(information)
    if len(information) != len(boundaries):
        raise InputError(
            f"{len(information)} shares of information and {len(boundaries)} boundaries: give one of each for every look"
        )
    for place, boundary in enumerate(boundaries):
        if math.isnan(boundary) or boundary == -math.inf or (sides == 2 and boundary < 0):
            rule = "must be a number" + (", 0 or more with two sides" if sides == 2 else "")
            raise InputError(f"boundaries[{place}] == {boundary}, {rule}")
