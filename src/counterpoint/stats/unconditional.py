"""Which tables of two rates are more extreme than the one seen, and how likely that is at any rates."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from counterpoint.stats.contrast import Interval, agree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Tables = NDArray[np.bool_]

__all__ = ["Order", "barnard_order", "boschloo_order"]

FINE = (301, 3, 6, 21)
"""For p-values: points at which the unknown rate is first tried, how many of the highest are looked at more
closely, in how many rounds, and by how many points each."""
COARSE = (101, 2, 4, 13)
"""The same for the ends of intervals, of which each asks for the largest probability some forty times."""
TIE = 1e-10
"""Statistics that differ by less than this share are the same: they are computed in different order."""
WITHIN = 1e-8
"""How near an end of an interval is found, as a difference or in the logarithm of a ratio."""
FARTHEST = 1e9
"""Relative changes beyond this have no bound above."""


@dataclass(frozen=True, slots=True)
class Order:
    """The tables at least as extreme as the one seen, as arrays: control's successes by treatment's."""

    control: tuple[int, int]
    treatment: tuple[int, int]
    high: "Tables"
    """Tables that speak as much or more for a higher rate of the treatment."""
    low: "Tables"
    both: "Tables | None"
    """Tables as extreme on either side; none where the two-sided p doubles the one-sided."""

    def greater(self) -> float:
        """One-sided p of the alternative that the treatment's rate is higher."""
        return _largest(self.high, 0.0, relative=False)

    def less(self) -> float:
        """One-sided p of the alternative that the treatment's rate is lower."""
        return _largest(self.low, 0.0, relative=False)

    def unsplit(self) -> float:
        """Two-sided p, as other tools show it."""
        if self.both is None:
            return min(1.0, 2 * min(self.greater(), self.less()))
        return _largest(self.both, 0.0, relative=False)

    def interval(
        self, below: float | None, above: float | None, p: tuple[float, float], *, relative: bool
    ) -> Interval:
        """The differences, or relative changes, that neither one-sided test rejects.

        Away from 0 the tables are in the order of the score statistic at that effect; at 0 the test's own
        p decides on which side of it an end lies.
        """
        low = None if below is None else self._end(below, p[0], 1, relative=relative)
        high = None if above is None else self._end(above, p[1], -1, relative=relative)
        found = agree(low, high, (0.0, 0.0), *p, below, above)
        return Interval(max(found.low, -1.0), found.high if relative else min(found.high, 1.0))

    def _end(self, error: float, p: float, sign: int, *, relative: bool) -> float:
        """The effect nearest to the one seen, on its side, at which the test begins to reject."""

        def spare(place: float) -> float:
            """Above 0 where the effect at this place is rejected; it falls towards the effect that was seen."""
            effect = math.expm1(sign * place) if relative else sign * place
            z = _scores(self.control[1], self.treatment[1], effect, relative=relative)
            seen = float(z[self.control[0], self.treatment[0]])
            slack = TIE * max(abs(seen), 1.0)
            extreme = z >= seen - slack if sign > 0 else z <= seen + slack
            return error - _largest(extreme, effect, relative=relative, effort=COARSE)

        edge = math.log(FARTHEST) if relative else 1 - 1e-9
        first, last = (0.0, edge) if p <= error else (-edge, 0.0)
        if first and spare(first) <= 0:
            return (-1.0 if sign > 0 else math.inf) if relative else -float(sign)
        place = _first_kept(spare, first, last)
        return math.expm1(sign * place) if relative else sign * place


def boschloo_order(control: tuple[int, int], treatment: tuple[int, int]) -> Order:
    """By Fisher's one-sided p."""
    import numpy as np
    from scipy.special import gammaln

    nc, nt = control[1], treatment[1]
    at_least = np.ones((nc + 1, nt + 1))
    at_most = np.ones((nc + 1, nt + 1))
    for total in range(nc + nt + 1):
        x = np.arange(max(0, total - nc), min(nt, total) + 1)
        y = total - x
        logs = -(gammaln(x + 1) + gammaln(nt - x + 1) + gammaln(y + 1) + gammaln(nc - y + 1))
        mass = np.exp(logs - logs.max())
        mass /= mass.sum()
        at_most[y, x] = np.cumsum(mass)
        at_least[y, x] = np.cumsum(mass[::-1])[::-1]
    seen = (control[0], treatment[0])
    return Order(
        control,
        treatment,
        at_least <= at_least[seen] * (1 + TIE),
        at_most <= at_most[seen] * (1 + TIE),
        None,
    )


def barnard_order(control: tuple[int, int], treatment: tuple[int, int]) -> Order:
    """By the z of the pooled variance."""
    import numpy as np

    z = _scores(control[1], treatment[1], 0.0, relative=False)
    seen = float(z[control[0], treatment[0]])
    slack = TIE * max(abs(seen), 1.0)
    return Order(control, treatment, z >= seen - slack, z <= seen + slack, np.abs(z) >= abs(seen) - slack)


def _first_kept(spare: Callable[[float], float], first: float, last: float) -> float:
    """Where `spare`, which falls with small jumps, first is at or below 0: by steps, then by halving."""
    steps = 16
    before = first
    for i in range(1, steps + 1):
        place = first + (last - first) * i / steps
        if spare(place) <= 0:
            break
        before = place
    else:
        return last
    while place - before > WITHIN:
        middle = (before + place) / 2
        before, place = (middle, place) if spare(middle) > 0 else (before, middle)
    return before


def _scores(nc: int, nt: int, effect: float, *, relative: bool) -> "Array":
    """The score statistic of every table at an effect, with the rates that are most likely there.

    Those of Farrington and Manning, for all tables at once (`rates.restricted_rates` has them for one).
    """
    import numpy as np

    control, treatment = np.arange(nc + 1)[:, None] / nc, np.arange(nt + 1)[None, :] / nt
    ratio = nc / nt
    if relative:
        times, a = 1 + effect, 1 + ratio
        b = -(times * (1 + ratio * control) + ratio + treatment)
        c = times * (treatment + ratio * control)
        most = 2 * c / (-b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)))
        low, high, weight = np.clip(most / times, 0.0, 1.0), np.clip(most, 0.0, 1.0), times
    else:
        a, weight = 1 + ratio, 1.0
        third = -(1 + ratio + treatment + ratio * control + effect * (ratio + 2)) / (3 * a)
        c = effect * effect + effect * (2 * treatment + ratio + 1) + treatment + ratio * control
        v = third**3 - third * c / (2 * a) - treatment * effect * (1 + effect) / (2 * a)
        u = np.copysign(np.sqrt(np.maximum(third * third - c / (3 * a), 0.0)), v)
        angle = (math.pi + np.arccos(np.clip(v / np.where(u == 0, 1.0, u) ** 3, -1.0, 1.0))) / 3
        high = np.clip(2 * u * np.cos(angle) - third, max(0.0, effect), min(1.0, 1.0 + effect))
        low = np.clip(high - effect, 0.0, 1.0)
    distance = treatment - weight * control - (0.0 if relative else effect)
    spread = high * (1 - high) / nt + weight * weight * low * (1 - low) / nc
    with np.errstate(divide="ignore", invalid="ignore"):
        z = distance / np.sqrt(spread)
    return np.where(np.abs(distance) < 1e-14, 0.0, z)


def _largest(
    extreme: "Tables", effect: float, *, relative: bool, effort: tuple[int, int, int, int] = FINE
) -> float:
    """The largest probability of the extreme tables over all rates that are apart by the effect."""
    import numpy as np

    nc, nt = extreme.shape[0] - 1, extreme.shape[1] - 1
    ways = _ways(nc), _ways(nt)
    inside = extreme.astype(np.float64)

    def chance(rates: "Array") -> "Array":
        """At these rates of the control."""
        treated = np.clip(rates * (1 + effect) if relative else rates + effect, 0.0, 1.0)
        mass_c, mass_t = _mass(nc, rates, ways[0]), _mass(nt, treated, ways[1])
        return np.asarray(((mass_c @ inside) * mass_t).sum(axis=1))

    least, most = (
        (0.0, min(1.0, 1 / (1 + effect)) if effect > -1 else 1.0)
        if relative
        else (max(0.0, -effect), min(1.0, 1 - effect))
    )
    rates = np.linspace(least, most, effort[0])
    found = chance(rates)
    best = float(found.max())
    peaks = np.flatnonzero((found >= np.roll(found, 1)) & (found >= np.roll(found, -1)))
    for peak in peaks[np.argsort(-found[peaks])[: effort[1]]]:
        middle, step = rates[peak], rates[1] - rates[0]
        for _ in range(effort[2]):
            near = np.clip(np.linspace(middle - step, middle + step, effort[3]), least, most)
            values = chance(near)
            middle, step = near[values.argmax()], 2 * step / (effort[3] - 1)
            best = max(best, float(values.max()))
    return min(best, 1.0)


def _ways(n: int) -> "Array":
    """Logarithms of the binomial coefficients."""
    import numpy as np
    from scipy.special import gammaln

    k = np.arange(n + 1)
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _mass(n: int, rates: "Array", ways: "Array") -> "Array":
    """Binomial probabilities: rates by successes."""
    import numpy as np
    from scipy.special import xlog1py, xlogy

    k = np.arange(n + 1)
    return np.asarray(np.exp(ways + xlogy(k, rates[:, None]) + xlog1py(n - k, -rates[:, None])))
