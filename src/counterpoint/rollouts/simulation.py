"""How often a plan takes back a change that is good, and how late one that is bad: by simulation. Pure, by a seed.

Each simulated rollout gets users as they come (Poisson) in two arms of equal size and is checked every minute by the
boundaries, contrasts and rules of `judging` and `deciding`, thousands of rollouts at once as arrays; a test drives the
rules themselves over the same figures. Beside it stand fixed thresholds, which take a change back where the treatment's
mean is worse than the control's by more than the margin at a check, whatever the number of users.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from counterpoint.errors import InputError
from counterpoint.rollouts.crowd import (
    COMPLETED,
    MINUTES,
    PAUSED,
    ROLLED_BACK,
    UNDER_WAY,
    Baseline,
    Paths,
    Policy,
    simulate_once,
)
from counterpoint.rollouts.model import Rollout
from counterpoint.said import Said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "POLICIES",
    "REGRESSIONS",
    "Baseline",
    "Characteristics",
    "Outcome",
    "Policy",
    "check_seed",
    "often",
    "simulate",
    "simulate_once",
]

REGRESSIONS: Final = (0.01, 0.05, 0.20)
MOST_USERS, MOST_RUNS = 1e12, 1_000_000
"""Users a day, and simulated rollouts at once."""
MOST: Final = 1e100
"""A baseline from here on has no square that a float can hold."""


POLICIES: Final = (
    Policy("this plan", "plan", 1),
    Policy("fixed threshold", "threshold", 1),
    Policy("fixed threshold", "threshold", 360),
    Policy("fixed threshold", "threshold", MINUTES),
)


class Outcome(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What became of many simulated rollouts of one true effect under one policy."""

    policy: Policy
    regression: float
    """How much worse the first guardrail's metric truly is, as a share of its mean; 0 is a clean change."""
    is_margin: bool = False
    """Whether that is exactly the margin: the worst change that may not be taken back more often than alpha."""
    runs: int
    rolled_back: int
    rate: float
    """Share that was taken back; of a clean change the false rollbacks."""
    low: float
    """Lower end of the rate's 95 % interval (Clopper and Pearson)."""
    high: float
    completed: int
    paused: int
    """Paused because nothing was shown within the plan's patience."""
    under_way: int
    users_before: float | None = None
    """Median of the users who had the treatment when it was taken back; none where it never was."""
    users_before_low: float | None = None
    """Lower end of that median's 95 % interval (order statistics); none where too few were taken back for one."""
    users_before_high: float | None = None
    users_before_most: float | None = None
    """The same for one rollout in ten: the 90th percentile."""
    hours_before: float | None = None
    """Median of the hours until it was taken back."""
    users_exposed: float
    """Mean over all runs of the users who had the treatment in measured steps, taken back or not."""
    hours_to_completion: float | None = None
    """Median of the hours until all steps were done, of those that came so far."""
    hours_to_completion_low: float | None = None
    """Lower end of that median's 95 % interval."""
    hours_to_completion_high: float | None = None
    hours_to_completion_most: float | None = None
    """The same for one rollout in ten: the 90th percentile."""


class Characteristics(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a plan does, beside what fixed thresholds do."""

    rollout: str
    title: str
    alpha: float
    level: float
    """One-sided level of each guardrail."""
    users_per_day: float
    baselines: Mapping[str, Baseline]
    runs: int
    seed: int
    outcomes: tuple[Outcome, ...]
    assumptions: tuple[Said, ...]

    def of(self, policy: str, minutes: int, regression: float) -> Outcome:
        """The outcome of one policy at one regression (not the one at the margin).

        Raises:
            KeyError: that was not simulated.
        """
        for each in self.outcomes:
            key = (each.policy.kind, each.policy.minutes, each.regression)
            if key == (policy, minutes, regression) and not each.is_margin:
                return each
        raise KeyError((policy, minutes, regression))


ASSUMPTIONS: Final = (
    "A check is left out while fewer than 0.2 % of an arm's users are new since the last one, or 1 % under a plan all of whose guardrails wait until a fifth more is known.",
    "Users come evenly through the day, each once, and have their whole value when they come.",
    "The first guardrail is worse by the stated share, the others are as they were.",
    "Guardrails vary independently of each other, which makes false rollbacks most frequent.",
    "Approvals are given at once, exposures reach the journal, and nobody intervenes.",
)


def simulate(
    rollout: Rollout,
    baselines: Mapping[str, Baseline],
    *,
    users_per_day: float,
    runs: int = 10_000,
    regressed_runs: int = 1_000,
    regressions: Sequence[float] = REGRESSIONS,
    policies: Sequence[Policy] = POLICIES,
    seed: int = 1,
    advance: Callable[[float, float], None] = lambda done, total: None,
) -> Characteristics:
    """Simulate a plan, clean and regressed, beside fixed thresholds.

    Args:
        rollout: The plan.
        baselines: Each guardrail's metric per user, by its name.
        users_per_day: Users a day that are seen for the first time, of those that the flag is for.
        runs: Simulated rollouts of a clean change.
        regressed_runs: Simulated rollouts of each regression, and of a change exactly at the margin.
        regressions: Shares by which the first guardrail's metric is worse.
        policies: Who decides.
        seed: The same seed gives the same figures.
        advance: Told how much is done.

    Raises:
        InputError: a guardrail has no baseline, no step is monitored, or a number is out of range.
    """
    check_seed(seed)
    _check(rollout, baselines, users_per_day, runs=(min(runs, regressed_runs), max(runs, regressed_runs)))
    first = rollout.guardrails[0]
    at_margin = (
        first.margin if first.scale == "relative" else first.margin / baselines[first.metric.name].mean
    )
    if not at_margin < MOST:
        raise InputError(
            f"The margin of {first.metric.name} is {first.margin:g}, endlessly many of its means; give one that could be reached."
        )
    cases = [
        (0.0, False, runs),
        (at_margin, True, regressed_runs),
        *((each, False, regressed_runs) for each in regressions),
    ]
    outcomes: list[Outcome] = []
    total = len(policies) * len(cases)
    for number, policy in enumerate(policies):
        for index, (regression, is_margin, times) in enumerate(cases):
            advance(len(outcomes), total)
            rng = np.random.Generator(np.random.SFC64([seed, number, index]))
            paths = simulate_once(rollout, baselines, users_per_day, policy, regression, runs=times, rng=rng)
            outcomes.append(_outcome(policy, regression, paths, is_margin=is_margin))
    advance(total, total)
    return Characteristics(
        rollout=rollout.ref,
        title=rollout.title or rollout.name,
        alpha=rollout.alpha,
        level=rollout.level,
        users_per_day=users_per_day,
        baselines=dict(baselines),
        runs=runs,
        seed=seed,
        outcomes=tuple(outcomes),
        assumptions=ASSUMPTIONS,
    )


def often(minutes: int) -> Said:
    """How often a policy checks.

    >>> often(360), often(5)
    ('six-hourly', 'every 5 minutes')
    """
    return {1: "each minute", 360: "six-hourly", 1440: "daily"}.get(minutes, f"every {minutes} minutes")


def check_seed(seed: int) -> None:
    """Refuse a seed that nothing can be drawn or kept by.

    Raises:
        InputError: it is below 0, or needs more than 63 bits.
    """
    if not 0 <= seed < 2**63:
        raise InputError(f"seed is {seed}; it must be a whole number from 0 to {2**63 - 1}.")


def _check(
    rollout: Rollout, baselines: Mapping[str, Baseline], users_per_day: float, *, runs: tuple[int, int]
) -> None:
    if missing := [each.metric.name for each in rollout.guardrails if each.metric.name not in baselines]:
        raise InputError(
            f"There is no baseline of {', '.join(missing)}: what a user has without the change."
            " Write `baseline: {mean: 3.2, sd: 1.1}` beside the metric of the guardrail."
        )
    if not any(step.monitored for step in rollout.steps):
        raise InputError("No step is monitored, so nothing is ever taken back. Give the rollout a guardrail.")
    if not 0 < users_per_day <= MOST_USERS:
        raise InputError(
            f"usersPerDay is {users_per_day:g}; it must be above 0, and {MOST_USERS:g} at most: first seen each day."
        )
    if runs[0] < 1:
        raise InputError(f"runs == {runs[0]}, must be 1 or more")
    if runs[1] > MOST_RUNS:
        raise InputError(f"runs == {runs[1]}, must be at most {MOST_RUNS:,}: all are held in memory at once")
    for name, baseline in baselines.items():
        good = 0 < baseline.mean < (1 if baseline.sd is None else MOST)
        if not good or not (baseline.sd is None or 0 < baseline.sd < MOST):
            raise InputError(
                f"The baseline of {name} has the mean {baseline.mean:g}; it must be above 0"
                f" (and below 1 for a share of users), its sd above 0, and both below {MOST:g}."
            )


def _outcome(policy: Policy, regression: float, paths: Paths, *, is_margin: bool) -> Outcome:
    runs = len(paths.end)
    back, done = paths.end == ROLLED_BACK, paths.end == COMPLETED
    low, high = _clopper_pearson(int(back.sum()), runs)
    users_low, users_high = _median_between(paths.exposed[back])
    hours_low, hours_high = _median_between(paths.minutes[done] / 60)

    def quantile(values: "Floats", level: float) -> float | None:
        return float(np.quantile(values, level)) if len(values) else None

    return Outcome(
        policy=policy,
        regression=regression,
        is_margin=is_margin,
        runs=runs,
        rolled_back=int(back.sum()),
        rate=float(back.mean()),
        low=low,
        high=high,
        completed=int(done.sum()),
        paused=int((paths.end == PAUSED).sum()),
        under_way=int((paths.end == UNDER_WAY).sum()),
        users_before=quantile(paths.exposed[back], 0.5),
        users_before_low=users_low,
        users_before_high=users_high,
        users_before_most=quantile(paths.exposed[back], 0.9),
        hours_before=quantile(paths.minutes[back] / 60, 0.5),
        users_exposed=float(paths.exposed.mean()),
        hours_to_completion=quantile(paths.minutes[done] / 60, 0.5),
        hours_to_completion_low=hours_low,
        hours_to_completion_high=hours_high,
        hours_to_completion_most=quantile(paths.minutes[done] / 60, 0.9),
    )


def _clopper_pearson(times: int, runs: int, alpha: float = 0.05) -> tuple[float, float]:
    """The exact interval of a share.

    References:
        Clopper, Pearson (1934), The use of confidence or fiducial limits. Biometrika 26, 404-413.
    """
    from scipy.special import betaincinv

    low = float(betaincinv(times, runs - times + 1, alpha / 2)) if times else 0.0
    high = float(betaincinv(times + 1, runs - times, 1 - alpha / 2)) if times < runs else 1.0
    return low, high


def _median_between(values: "Floats", alpha: float = 0.05) -> tuple[float | None, float | None]:
    """The interval of a median between two order statistics, whatever the distribution; none of five or fewer values.

    References:
        Conover (1999), Practical Nonparametric Statistics, 3rd ed., section 3.2: the number of values below the
        median is binomial with one half.
    """
    from scipy.special import bdtr

    count = len(values)
    # The most values that may be left out at each end.
    out = (
        int(np.searchsorted(bdtr(np.arange(count // 2 + 1), count, 0.5), alpha / 2, side="right"))
        if count
        else 0
    )
    if out == 0:
        return None, None
    ordered = np.sort(values)
    return float(ordered[out - 1]), float(ordered[count - out])
