"""How an experiment's error is shared among its tests, so that the decision as a whole keeps it.

Only corrections that are fixed in advance and enter a sample size give every metric an interval that
agrees with its test, so these are of Bonferroni's kind.

References:
    Schultzberg, Ankargren, Frånberg (2024), Risk-aware product decisions in A/B tests with multiple
    metrics, arXiv 2402.11609: shipping needs *any* success metric, so their error is split, and *all*
    guardrails, so theirs is not; the power is split instead.
"""

from counterpoint.errors import InputError
from counterpoint.stats.checks import level, whole

__all__ = ["alpha_deterioration", "alpha_guardrail", "alpha_success", "beta_each"]


def alpha_success(alpha: float, *, successes: int, comparisons: int = 1) -> float:
    """α_S = α/(S·k): any one success metric of any treatment may decide.

    >>> alpha_success(0.05, successes=2, comparisons=1)
    0.025
    """
    _check(alpha=alpha, comparisons=comparisons)
    whole("successes", successes)
    return alpha / (max(successes, 1) * comparisons)


def alpha_guardrail(alpha: float, *, comparisons: int = 1) -> float:
    """α_G = α/k: all guardrails must pass, so their number does not divide it.

    >>> alpha_guardrail(0.05, comparisons=2)
    0.025
    """
    _check(alpha=alpha, comparisons=comparisons)
    return alpha / comparisons


def alpha_deterioration(alpha: float, *, metrics: int, quality_tests: int = 1, comparisons: int = 1) -> float:
    """α_D = α/((M + Q)·k): any of M metrics that is worse, or any of Q quality tests, stops the ship.

    >>> alpha_deterioration(0.06, metrics=2)
    0.02
    """
    _check(alpha=alpha, comparisons=comparisons)
    whole("metrics", metrics)
    whole("quality_tests", quality_tests)
    return alpha / (max(metrics + quality_tests, 1) * comparisons)


def beta_each(beta: float, *, successes: int, guardrails: int, alpha_minus: float = 0.0) -> float:
    """β* for sizing each metric, so that the whole rule keeps power 1 − β.

    β* = (β − α₋)/(G + 1) with a success metric and (β − α₋)/G without (a rollout), by the union bound;
    α₋ is the total level of the deterioration and quality tests, which may also stop a good change.

    Raises:
        InputError: nothing is left of β, or there is no metric to size.

    >>> round(beta_each(0.2, successes=1, guardrails=1), 12)
    0.1
    >>> round(beta_each(0.2, successes=0, guardrails=4), 12)
    0.05
    """
    whole("successes", successes)
    whole("guardrails", guardrails)
    conditions = guardrails + (1 if successes else 0)
    if conditions < 1:
        raise InputError("successes and guardrails are both 0; there is no metric to size")
    if not 0 <= alpha_minus < beta < 1:
        raise InputError(f"beta == {beta}, must be above alpha_minus == {alpha_minus} and below 1")
    return (beta - alpha_minus) / conditions


def _check(*, alpha: float, comparisons: int) -> None:
    level("alpha", alpha)
    whole("comparisons", comparisons, least=1)
