"""When a guardrail is looked at, and against which boundary; pure.

Where a user's value comes once (a metric with a `window`), the figures of all checks are sums of independent parts whose
number is that of the users, so each check is a look: that of a confidence sequence, or that of a group sequential test.

Where the values of the same users go on changing, no such sum is behind the figures. Sums grow; means settle, and where
new users come all the while they forget what was there; and a share of users who ever did something cannot rise twice by
the same user. How alike the figures of two checks are then depends on how much users differ, which nobody knows. So
nothing is assumed of it: Boole's inequality bounds the error by the sum over looks of what each spends, and looks are few.
They go by the size of the figures (`size_of`): users, or more where more is known of the same users.

- An anytime-valid guardrail has the boundary of the confidence sequence at its size, and is looked at once that has
  grown by the factor `spacing` since the last look. The chances to cross the boundary at single looks, over all sizes
  from nothing to for ever that lie that factor apart, add up to its level.
- A group sequential one has its looks at equal shares of `maximum`, and spends at each what its spending function
  allows, without the credit that independent parts would give.

In between, what the last look said holds. `benchmarks/rollouts/growing.py` simulates both.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from counterpoint.experiments.model import Metric
from counterpoint.rollouts.model import Guardrail, LookTaken, Rollout, Verdict
from counterpoint.stats import Look, confidence_sequence_margin, next_boundary, rho2_tuned
from counterpoint.stats.distributions import normal_quantile_of_log

__all__ = ["Answer", "answer_of", "anytime_boundary", "comes_once", "look_index", "size_of", "spacing"]

FINEST: Final = 0.02
"""Step of the integral over sizes, on the scale of their logarithm."""
SMALLEST, LARGEST = math.log(1e-4), math.log(1e9)
"""Sizes between which the integral runs, as multiples of the one that the boundary is tuned at: below them nothing is
ever rejected, and what is left above is added as the bound of its tail."""


LATEST: Final = 2.0**53
"""Size that nothing goes beyond: what is known of values may grow from next to nothing to next to everything."""


class Answer(NamedTuple):
    """What the test of one guardrail says at one check."""

    statistic: float
    boundary: float
    verdict: Verdict
    look: LookTaken | None = None
    """A look that this check takes, as far as it is known."""
    earlier: LookTaken | None = None
    """The look before it whose word holds, where this check takes none."""


def comes_once(metric: Metric) -> bool:
    """Whether a user's value is known for good once it counts: that of a window."""
    return metric.days is not None


def size_of(users: int, precision: float | None, first: LookTaken | None) -> float:
    """How many users figures are worth whose values go on: what is known better of the same users counts as more users.

    Args:
        users: In both arms.
        precision: Squared mean of a user of both arms by the squared standard error of their contrast.
        first: The first look of the run; none before it.

    >>> look = LookTaken(
    ...     metric="m", index=1, information=0.1, spent=0.0, boundary=3.0, statistic=0.0, verdict="pass",
    ...     users=500, precision=40.0)
    >>> size_of(1_000, 240.0, look), size_of(1_000, 60.0, look), size_of(1_000, 240.0, None)
    (3000.0, 1000.0, 1000.0)
    """
    if first is None or not (precision and first.precision and first.users):
        return float(users)
    return max(float(users), min(first.users * (precision / first.precision), LATEST))


def anytime_boundary(users: float, level: float, tuned_at: int) -> float:
    """The boundary of Z at so many users in both arms, such that crossing it at any time has at most this chance.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Annals of Statistics 52, 2613-2640, one-sided.

    >>> round(anytime_boundary(5000, 0.049, 5000), 3)
    2.787
    """
    if users < 2:
        return math.inf
    rho2 = rho2_tuned(tuned_at, min(2 * level, 0.999))
    return confidence_sequence_margin(1.0, users, alpha=level, rho2=rho2, sides=1)  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def spacing(level: float) -> float:
    """The factor between the sizes of two looks such that Boole's inequality keeps the level of `anytime_boundary`.

    The chance f to cross at one look rises up to a size and falls from there on. So over sizes that are at least a
    factor g apart the sum of f is at most ∫f d(ln size)/ln g and one largest f more; g makes that the level. The
    same for every `tuned_at`, which only scales sizes.

    >>> round(spacing(0.0245), 3), round(spacing(0.049), 3)
    (1.226, 1.27)
    """
    tuned = 10**6
    steps = int((LARGEST - SMALLEST) / FINEST)
    chances = [
        _tail(anytime_boundary(tuned * math.exp(SMALLEST + FINEST * step), level, tuned))
        for step in range(steps + 1)
    ]
    # Beyond the largest size x the boundary is above √(2·ln(√x/(2·level))), so that f falls as √(1/x) at least.
    total = FINEST * (math.fsum(chances) + max(chances)) + 2 * chances[-1]
    return math.exp(total / (level - max(chances)))


def look_index(guardrail: Guardrail, size: float) -> int:
    """The number of the newest look of a group sequential test that is due at so many users; 0 before the first."""
    share = size / (guardrail.maximum or 1)
    return min(math.floor(share * guardrail.looks + 1e-9), guardrail.looks)


def answer_of(
    rollout: Rollout,
    guardrail: Guardrail,
    statistic: float,
    taken: Sequence[LookTaken],
    *,
    users: int,
    precision: float | None,
) -> Answer:
    """The test of a guardrail at one check, after the looks that were taken before.

    Args:
        rollout: The plan.
        guardrail: One of its guardrails.
        statistic: Distance from the margin in standard errors: above 0 on the good side.
        taken: Its looks of this run, oldest first.
        users: In both arms.
        precision: As of `size_of`.
    """
    is_known = comes_once(guardrail.metric)
    size = float(users) if is_known else size_of(users, precision, taken[0] if taken else None)
    if guardrail.test == "anytime" and is_known:
        boundary = anytime_boundary(size, rollout.level, rollout.tuned_at)
        return Answer(statistic, boundary, _side(statistic, boundary))
    newest = taken[-1] if taken else None
    if not _is_due(rollout, guardrail, size, newest):
        if newest is None:
            return Answer(statistic, math.inf, "inconclusive")
        # Between two looks what the last one said holds: nothing may be tested that no look spends alpha on.
        return Answer(newest.statistic, _boundary(newest), newest.verdict, earlier=newest)
    look = _look(rollout, guardrail, size, taken)
    verdict = _side(statistic, look.boundary)
    kept = LookTaken(
        metric=guardrail.metric.name,
        index=look_index(guardrail, size) if guardrail.test == "group-sequential" else len(taken) + 1,
        information=look.information,
        spent=look.spent,
        boundary=look.boundary if math.isfinite(look.boundary) else None,
        statistic=statistic,
        verdict=verdict,
        users=users,
        precision=precision,
    )
    return Answer(statistic, look.boundary, verdict, kept)


def _is_due(rollout: Rollout, guardrail: Guardrail, size: float, newest: LookTaken | None) -> bool:
    if guardrail.test == "group-sequential":
        due = look_index(guardrail, size)
        return due > (newest.index if newest else 0)
    return newest is None or size >= spacing(rollout.level) * newest.information * rollout.tuned_at


def _look(rollout: Rollout, guardrail: Guardrail, size: float, taken: Sequence[LookTaken]) -> Look:
    spent = taken[-1].spent if taken else 0.0
    if guardrail.test == "anytime":
        boundary = anytime_boundary(size, rollout.level, rollout.tuned_at)
        return Look(size / rollout.tuned_at, spent + _tail(boundary), boundary)
    information = size / (guardrail.maximum or 1)
    is_last = look_index(guardrail, size) == guardrail.looks
    if comes_once(guardrail.metric):
        past = [Look(each.information, each.spent, _boundary(each)) for each in taken]
        return next_boundary(
            past,
            information,
            alpha=rollout.level,
            sides=1,
            spending=guardrail.alpha_spending,
            last=is_last,
        )
    allowed = (
        rollout.level if is_last else guardrail.alpha_spending.spent(min(information, 1.0), rollout.level)
    )
    left = allowed - spent
    boundary = normal_quantile_of_log(math.log(left)) if left > 0 else math.inf
    return Look(information, max(allowed, spent), boundary)


def _tail(z: float) -> float:
    """Chance of a standard normal to lie above z; without SciPy, whose import would cost each check of cron a tenth of a second."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def _boundary(look: LookTaken) -> float:
    return math.inf if look.boundary is None else look.boundary


def _side(statistic: float, boundary: float) -> Verdict:
    if statistic <= -boundary:
        return "fail"
    return "pass" if statistic >= boundary else "inconclusive"
