"""The tests of `judging` for thousands of rollouts at once: the same boundaries and checks, on arrays. Pure."""

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from counterpoint.rollouts.looks import comes_once
from counterpoint.rollouts.model import Guardrail
from counterpoint.stats import boundaries, rho2_tuned
from counterpoint.stats.distributions import normal_quantile, normal_quantile_of_log

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

__all__ = ["anytime_boundaries", "least_boundary", "looks_of", "mismatches"]

FEWEST_APART = 9.0
"""Squared difference of the arms' sizes by the users in both, below which no check of sizes rejects at 0.01."""


def anytime_boundaries(users: "Floats", level: float, tuned_at: int) -> "Floats":
    """`looks.anytime_boundary` of each number of users."""
    x = users * rho2_tuned(tuned_at, min(2 * level, 0.999))
    depth = np.log1p(np.exp(np.log1p(x) / 2 - math.log(level) - math.log(2)))
    found: Floats = np.sqrt(2 * (x + 1) / x * depth)
    return found


@lru_cache(maxsize=64)
def least_boundary(level: float) -> float:
    """What no boundary of this level is below: that of a single look."""
    return normal_quantile(1 - level)


@lru_cache(maxsize=64)
def looks_of(guardrail: Guardrail, level: float) -> "Floats":
    """The boundary of each look of a group sequential guardrail, at equal shares of its users; see `looks`."""
    information = [(index + 1) / guardrail.looks for index in range(guardrail.looks)]
    if not comes_once(guardrail.metric):
        spent = np.array([guardrail.alpha_spending.spent(each, level) for each in (0.0, *information)])
        return np.array(
            [normal_quantile_of_log(math.log(each)) if each > 0 else math.inf for each in np.diff(spent)]
        )
    return np.array(boundaries(information, alpha=level, sides=1, spending=guardrail.alpha_spending))


def mismatches(control: "Floats", treatment: "Floats", alpha: float, concentration: float) -> "Bools":
    """Where the sequential check of two arms of equal size rejects; see `stats.sequential_sample_ratio`."""
    from scipy.special import gammaln

    users = control + treatment
    found = np.zeros(len(users), bool)
    # A mixture never rejects nearer than a single look would, so the few that are far apart are computed.
    apart = (control - treatment) ** 2 > users * FEWEST_APART if alpha <= 0.002 else users > 0
    if not apart.any():
        return found
    c, t, n, half = control[apart], treatment[apart], users[apart], concentration / 2
    log_factor = gammaln(concentration) - gammaln(concentration + n) + n * math.log(2)
    for count in (c, t):
        log_factor += gammaln(half + count) - gammaln(half)
    found[apart] = log_factor >= -math.log(alpha)
    return found
