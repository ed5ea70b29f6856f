"""Boundaries of a group sequential test, look by look, and what an estimate says at each of them.

A boundary is in units of Z (the estimate in standard errors) and comes out of the exact recursion of
`crossing`. What was spent and where the boundary was at an earlier look is given, never computed anew:
whatever the information turns out to be, the past stays and the chance of a false alarm stays at most
alpha. The looks must not be chosen by the results seen so far; that no boundary could allow for.

References:
    Lan, DeMets (1983), Discrete sequential boundaries for clinical trials. Biometrika 70, 659-663.
    Jennison, Turnbull (2000), Group Sequential Methods, chapters 7 to 9.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from counterpoint.errors import InputError
from counterpoint.stats.checks import finite, whole
from counterpoint.stats.crossing import (
    Walk,
    checked_information,
    checked_sides,
    type_one_error,
)
from counterpoint.stats.distributions import normal_quantile_of_log
from counterpoint.stats.roots import falling_root
from counterpoint.stats.spending import SQUARE, Spending, checked_level

__all__ = ["Look", "boundaries", "classical_boundaries", "next_boundary"]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a sequential test, as it was and stays."""

    information: float
    """Share of the planned information: units seen by units planned; above 1 after an overshoot."""
    spent: float
    """Error spent up to and with this look, over all sides."""
    boundary: float
    """The look rejects where Z is at or beyond this; infinite where nothing was left to spend."""


def boundaries(
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    sides: int = 2,
    spending: Spending = SQUARE,
    last: bool = False,
    spending_times: Sequence[float] | None = None,
) -> tuple[float, ...]:
    """The boundary of each look, in units of Z, that spends alpha as the spending function says.

    Args:
        information: Share of the planned information at each look, above 0, never falling. The first
            look at 1 or beyond spends all that is left; looks after it cannot reject.
        alpha: The error over all sides and looks.
        sides: 1 rejects at Z ≥ boundary, 2 also at Z ≤ −boundary with half of alpha for each.
        spending: The spending function.
        last: Whether the last look ends the test and so spends the rest, though information is below 1.
        spending_times: A clock of its own by which alpha is spent (the share of the calendar, say, while
            information is 1/se² on the planned 1/se²); none spends by information.

    Two looks at the same information have the same boundary: nothing new may be spent.

    Raises:
        InputError: information is empty, falls or is not above 0; alpha or sides is out of range.

    References:
        Lan, DeMets (1983), Biometrika 70, 659-663, solved by the recursion of `crossing`.

    >>> [round(each, 4) for each in boundaries([0.2, 0.4, 0.6, 0.8, 1.0], spending=Spending("obrien-fleming"))]
    [4.8769, 3.357, 2.6803, 2.2898, 2.031]
    """
    times = checked_information(information)
    clock = None if spending_times is None else checked_information(spending_times, "spending_times")
    if clock is not None and len(clock) != len(times):
        raise InputError(
            f"spending_times has {len(clock)} numbers and information {len(times)}; give one of each for every look"
        )
    looks = _planned(times, checked_level(alpha), checked_sides(sides), spending, last=last, clock=clock)
    return tuple(look.boundary for look in looks)


def next_boundary(
    past: Sequence[Look],
    information: float,
    *,
    alpha: float = 0.05,
    sides: int = 2,
    spending: Spending = SQUARE,
    last: bool = False,
    spending_time: float | None = None,
) -> Look:
    """The look at `information`, given those that were made: they keep what they spent and their boundaries.

    Spent is what the spending function allows at `information`; all that is left when that is 1 or more,
    or with `last`, so an experiment may overshoot its plan or end before it. Nothing is spent, and the
    boundary is infinite, when the past has already spent as much (the plan was changed, or all is spent)
    or information is less than it was. At the same information as before the look is repeated: nothing
    new is spent, and the boundary is the same. `spending_time` is the time by which alpha is spent where that is not
    information (see `boundaries`).

    Raises:
        InputError: a past look or information is not above 0, spent falls or exceeds alpha, or alpha or
            sides is out of range.

    >>> first = next_boundary([], 0.5)
    >>> round(first.boundary, 4), first.spent
    (2.4977, 0.0125)
    >>> round(next_boundary([first], 1.2).boundary, 4)
    2.0293
    """
    _check(past, information, checked_level(alpha), sides)
    clock = None if spending_time is None else checked_information([spending_time], "spending_time")[0]
    return _next(
        tuple(past), float(information), alpha, checked_sides(sides), spending, last=last, clock=clock
    )


def classical_boundaries(
    looks: int, *, alpha: float = 0.05, sides: int = 2, delta: float = 0.0
) -> tuple[float, ...]:
    """Boundaries c·(k/K)^(delta − ½) of the classical designs with K equally spaced looks.

    `delta` 0 is O'Brien–Fleming's, ½ is Pocock's (the same at each look), others are Wang and Tsiatis'.

    Raises:
        InputError: looks is below 1, delta is not a number, or alpha (below ½) or sides is out of range.

    References:
        O'Brien, Fleming (1979), Biometrics 35, 549-556. Pocock (1977), Biometrika 64, 191-199. Wang,
        Tsiatis (1987), Biometrics 43, 193-199.

    >>> [round(each, 4) for each in classical_boundaries(5)]
    [4.5617, 3.2256, 2.6337, 2.2809, 2.0401]
    """
    whole("looks", looks, least=1)
    finite("delta", delta)
    if checked_level(alpha) / checked_sides(sides) >= 0.5:
        raise InputError(f"alpha == {alpha}, must leave less than one half to each side")
    return _classical(looks, alpha, sides, float(delta))


@lru_cache(maxsize=256)
def _classical(looks: int, alpha: float, sides: int, delta: float) -> tuple[float, ...]:
    information = tuple((k + 1) / looks for k in range(looks))
    shape = [t ** (delta - 0.5) for t in information]

    def excess(constant: float) -> float:
        return type_one_error(information, [constant * part for part in shape], sides=sides) - alpha

    # The last look alone needs `single`, and so does the look with the lowest boundary.
    single = normal_quantile_of_log(math.log(alpha / sides))
    shared = normal_quantile_of_log(math.log(alpha / sides / looks))
    constant = falling_root(excess, single / max(shape), shared / min(shape))
    return tuple(constant * part for part in shape)


class _Test:
    """A test on its way: the recursion with what has been spent."""

    def __init__(self, alpha: float, sides: int, spending: Spending) -> None:
        self.alpha, self.sides, self.spending = alpha, sides, spending
        self.walk = Walk(sides)
        self.spent = 0.0
        self.time = 0.0
        self.score = math.inf
        self.stopping = 0.0
        """Information of the newest look that could reject."""
        self.clock = 0.0
        """The time by which that look spent."""

    def keep(self, look: Look, *, clock: float | None = None) -> None:
        """Go past a look that was made."""
        score = look.boundary * math.sqrt(look.information)
        if look.information >= self.time and score < math.inf:
            again = look.information == self.stopping
            if again:
                score = min(score, self.score)
            else:
                self.walk.reach(look.information, score)
            self.walk.stop(look.information, score)
            self.stopping, self.score = look.information, score
            self.clock = look.information if clock is None else clock
        self.time = max(self.time, look.information)
        self.spent = max(self.spent, look.spent)

    def look(self, time: float, *, last: bool, clock: float | None = None) -> Look:
        """The look at `time`, which spends what it may by its information or by a clock."""
        if time < self.time:
            return Look(time, self.spent, math.inf)
        now = time if clock is None else clock
        rest = last or now >= 1
        allowed = self.alpha if rest else self.sides * self.spending.spent(now, self.alpha / self.sides)
        again = time == self.stopping
        if again and (allowed <= self.spent or not last):
            return Look(time, self.spent, self.score / math.sqrt(time))
        log_chance = self._log_chance(now, allowed, rest=rest)
        if log_chance == -math.inf:
            return Look(time, self.spent, math.inf)
        if again:  # the rest goes to the scores just below the boundary that this information had
            log_chance = math.log(math.exp(log_chance) + self.walk.tails(time, self.score)[0])
        score = self.walk.solve(time, log_chance)
        return Look(time, max(allowed, self.spent), score / math.sqrt(time))

    def _log_chance(self, time: float, allowed: float, *, rest: bool) -> float:
        """Logarithm of the chance that one side may spend at this look: −∞ for nothing."""
        if self.spent == 0 and not rest:
            # What is spent may be too small for a number, but has a logarithm.
            alpha = self.alpha / self.sides
            log_allowed = self.spending.log_spent(time, alpha)
            if not self.stopping:
                return log_allowed
            before = self.spending.log_spent(self.clock, alpha) - log_allowed
            return log_allowed + math.log(-math.expm1(before)) if before < 0 else -math.inf
        left = (allowed - self.spent) / self.sides
        return math.log(left) if left > 0 else -math.inf


@lru_cache(maxsize=256)
def _planned(
    information: tuple[float, ...],
    alpha: float,
    sides: int,
    spending: Spending,
    *,
    last: bool,
    clock: tuple[float, ...] | None,
) -> tuple[Look, ...]:
    test = _Test(alpha, sides, spending)
    looks = []
    for place, time in enumerate(information):
        now = clock[place] if clock else None
        look = test.look(time, last=last and place == len(information) - 1, clock=now)
        test.keep(look, clock=now)
        looks.append(look)
    return tuple(looks)


@lru_cache(maxsize=1024)
def _next(
    past: tuple[Look, ...],
    information: float,
    alpha: float,
    sides: int,
    spending: Spending,
    *,
    last: bool,
    clock: float | None,
) -> Look:
    test = _Test(alpha, sides, spending)
    for look in past:
        test.keep(look)
    return test.look(information, last=last, clock=clock)


def _check(past: Sequence[Look], information: float, alpha: float, sides: int) -> None:
    checked_information([information])
    spent = 0.0
    for place, look in enumerate(past):
        if not (math.isfinite(look.information) and look.information > 0):
            raise InputError(f"past[{place}].information == {look.information}, must be above 0")
        if not spent <= look.spent <= alpha * (1 + 1e-9):
            raise InputError(
                f"past[{place}].spent == {look.spent}, must be {spent} (spent before it) to {alpha} (alpha)"
            )
        if math.isnan(look.boundary) or (sides == 2 and look.boundary < 0):
            raise InputError(
                f"past[{place}].boundary == {look.boundary}, must be a number, 0 or more with two sides"
            )
        spent = look.spent
