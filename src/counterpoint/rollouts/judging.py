"""What guardrails say: is the harm beyond the margin shown, is it excluded, or neither yet? Pure.

The statistic Z of a guardrail is its distance from the margin in standard errors, above 0 on the good side. It
fails where Z ≤ −b and passes where Z ≥ b. The boundary b holds over all checks: that of an anytime-valid
confidence sequence, or that of a look of a group sequential test. `simulation` uses the same boundaries and the same
contrast on arrays.

A confidence sequence holds over all checks where two values of Z are as alike as those of a sum of independent parts,
whose number is its clock: corr(Z_s, Z_t) ≥ √(C_s/C_t). Then it crosses the boundary less often than that sum does
(Slepian). Where a user's value comes once, the clock is the number n of users. Where the values of the same users go on
growing or settling, q = n·SE² moves with them, and C = n·max(q/q₀, q₀/q), with q₀ that of the run's first judged check:

- sums that grow, q rising: Var(ΣD) ∝ n·q, and where what is added goes on as what was there or anew, but not against it,
  Cov_st ≥ Var_s, so that corr ≥ √(n_s·q_s/(n_t·q_t));
- means of a user's events, or what users differ by beside chance, q falling: with Var = a + e/t of each,
  Cov_st = a + e/t, so that corr = √(n_s·q_t/(n_t·q_s)) while the users stay the same. While others come, their first
  events outweigh what is left of the older users' chance, and corr may be lower where a is small beside e: no clock made
  of n and q bounds it.

Neither q₀ nor a constant factor matters for the error. `benchmarks/rollouts/growing.py` simulates all three.

References:
    Slepian (1962), The one-sided barrier problem for Gaussian noise. Bell System Technical Journal 41, 463-501.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from counterpoint.rollouts.model import (
    Figures,
    Guardrail,
    GuardrailFigures,
    LookTaken,
    Rollout,
    State,
    Verdict,
)
from counterpoint.stats import (
    Joint,
    Look,
    Pair,
    confidence_sequence_margin,
    next_boundary,
    rho2_tuned,
    sequential_sample_ratio,
)

__all__ = [
    "CONCENTRATION",
    "Observed",
    "anytime_boundary",
    "clock_of",
    "distance",
    "judge",
    "look_index",
    "weight_of_margin",
]

CONCENTRATION = 10_000
"""Weight in users of the belief that both arms are of equal size; as experiments have it."""


LATEST = 2**53
"""What a clock stands at most at: values that grow from next to nothing to next to infinity still have a boundary."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What the journal says of a running rollout."""

    control_users: int = 0
    treatment_users: int = 0
    mixed_users: int = 0
    last_exposure: datetime | None = None
    pairs: Mapping[str, Pair] = field(default_factory=dict)
    """Both arms' estimates by the metric's name."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Why a metric could not be read at all."""
    silent: tuple[str, ...] = ()
    """Names of the metrics whose events have stopped coming."""


class _Test(NamedTuple):
    """The test of one guardrail at one check."""

    statistic: float
    boundary: float
    verdict: Verdict
    look: LookTaken | None = None
    """A look that this check takes."""
    number: int | None = None


def anytime_boundary(users: int, level: float, tuned_at: int) -> float:
    """The boundary of Z at so many users in both arms, such that crossing it at any time has at most this chance.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Annals of Statistics 52, 2613-2640, one-sided.

    >>> round(anytime_boundary(5000, 0.049, 5000), 3)
    2.787
    """
    if users < 2:
        return math.inf
    rho2 = rho2_tuned(tuned_at, min(2 * level, 0.999))
    return confidence_sequence_margin(1.0, users, alpha=level, rho2=rho2, sides=1)


def clock_of(users: Any, variance: Any, first: Any) -> Any:
    """How many independent users the figures are worth as a clock; at least as many as there are; numbers or arrays.

    Args:
        users: Users in both arms, n.
        variance: q = n·SE² of the contrast.
        first: The same at the first judged check of the run.

    >>> clock_of(1000, 8.0, 2.0), clock_of(1000, 1.0, 2.0)
    (4000.0, 2000.0)
    """
    ratio = variance / first
    return users * np.maximum(ratio, 1 / ratio)


def weight_of_margin(guardrail: Guardrail) -> float:
    """What the control's mean is multiplied by before the treatment's is compared with it."""
    return 1 - guardrail.metric.gain * guardrail.margin if guardrail.scale == "relative" else 1.0


def distance(guardrail: Guardrail, control: Any, treatment: Any) -> Any:
    """How far the treatment stays on the good side of the margin, in the metric's unit; numbers or arrays."""
    gap = guardrail.metric.gain * (treatment - weight_of_margin(guardrail) * control)
    return gap if guardrail.scale == "relative" else gap + guardrail.margin


def look_index(guardrail: Guardrail, users: int) -> int:
    """The number of the newest look of a group sequential test that is due at so many users; 0 before the first."""
    share = users / (guardrail.maximum or 1)
    return min(math.floor(share * guardrail.looks + 1e-9), guardrail.looks)


def judge(rollout: Rollout, state: State, observed: Observed, now: datetime) -> Figures:
    """What a check sees: every guardrail's figures and verdict, and whether the arms are as large as planned."""
    sizes = (observed.control_users, observed.treatment_users)
    ratio = None
    if sum(sizes):
        ratio = sequential_sample_ratio(
            sizes, (1, 1), concentration=CONCENTRATION, alpha=rollout.sample_ratio_alpha
        )
    judged = [_judged(rollout, state, each, observed) for each in rollout.guardrails]
    return Figures(
        as_of=now,
        control_users=sizes[0],
        treatment_users=sizes[1],
        mixed_users=observed.mixed_users,
        last_exposure=observed.last_exposure,
        sample_ratio_p=ratio.p if ratio else None,
        mismatch=bool(ratio and ratio.mismatch),
        guardrails=tuple(figures for figures, _ in judged),
        looks=tuple(look for _, look in judged if look is not None),
        stale=observed.silent,
    )


def _judged(
    rollout: Rollout, state: State, guardrail: Guardrail, observed: Observed
) -> tuple[GuardrailFigures, LookTaken | None]:
    metric = guardrail.metric
    figures = GuardrailFigures(
        metric=metric.name,
        label=metric.label,
        verdict="missing",
        action=guardrail.action,
        margin=guardrail.margin,
        scale=guardrail.scale,
        level=rollout.level,
    )
    pair = observed.pairs.get(metric.name)
    if pair is None:
        return _because(figures, observed.unknown.get(metric.name, "There are no figures yet.")), None
    users = sum(pair.units)
    means = {"control_mean": _finite(pair.control), "treatment_mean": _finite(pair.treatment)}
    if min(pair.units) < max(rollout.least, 2):
        why = f"An arm has {min(pair.units):,} users whose values count; {rollout.least:,} are the least."
        return _because(figures, why, verdict="too few users", users=users), None
    joint = pair.joint()
    tested = joint.contrast(weight_of_margin(guardrail)) if joint else None
    if joint is None or tested is None:
        return _because(
            figures, "Its values do not vary, so no test of it exists.", users=users, **means
        ), None
    if guardrail.scale == "relative" and not joint.control > 0:
        why = "The control's mean is not above 0, so no share of it exists."
        return _because(figures, why, users=users, **means), None
    statistic = distance(guardrail, joint.control, joint.treatment) / tested.se
    variance = users * tested.se**2
    clock = int(min(clock_of(users, variance, state.user_variances.get(metric.name, variance)), LATEST))
    test = _tested(rollout, guardrail, statistic, users, clock, state.looks.get(metric.name, ()))
    low, high = _bounds(guardrail, joint, test.boundary)
    change = joint.treatment - joint.control
    found = _because(
        figures,
        "",
        verdict=test.verdict,
        users=users,
        change=change / joint.control if guardrail.scale == "relative" else change,
        low=low,
        high=high,
        statistic=statistic,
        boundary=_finite(test.boundary),
        look=test.number,
        user_variance=variance,
        **means,
    )
    return found, test.look


def _tested(
    rollout: Rollout,
    guardrail: Guardrail,
    statistic: float,
    users: int,
    clock: int,
    taken: Sequence[LookTaken],
) -> _Test:
    if guardrail.test == "anytime":
        boundary = anytime_boundary(clock, rollout.level, rollout.tuned_at)
        return _Test(statistic, boundary, _side(statistic, boundary))
    due = look_index(guardrail, users)
    newest = taken[-1] if taken else None
    if due == 0 or (newest is not None and due <= newest.index):
        if newest is None:
            return _Test(statistic, math.inf, "inconclusive")
        # Between two looks what the last one said holds: nothing may be tested that no look spends alpha on.
        boundary = math.inf if newest.boundary is None else newest.boundary
        return _Test(newest.statistic, boundary, newest.verdict, number=newest.index)
    past = [Look(e.information, e.spent, math.inf if e.boundary is None else e.boundary) for e in taken]
    information = users / (guardrail.maximum or 1)
    look = next_boundary(
        past,
        information,
        alpha=rollout.level,
        sides=1,
        spending=guardrail.alpha_spending,
        last=due == guardrail.looks,
    )
    verdict = _side(statistic, look.boundary)
    kept = LookTaken(
        metric=guardrail.metric.name,
        index=due,
        information=information,
        spent=look.spent,
        boundary=_finite(look.boundary),
        statistic=statistic,
        verdict=verdict,
    )
    return _Test(statistic, look.boundary, verdict, kept, due)


def _side(statistic: float, boundary: float) -> Verdict:
    if statistic <= -boundary:
        return "fail"
    return "pass" if statistic >= boundary else "inconclusive"


def _bounds(guardrail: Guardrail, joint: Joint, boundary: float) -> tuple[float | None, float | None]:
    """Where the change may lie at this boundary; none where that has no end.

    A relative change r is excluded exactly where the contrast μ_t − (1 + r)·μ_c is beyond the boundary: the roots of
    a quadratic (Fieller), so that the bounds and the verdict never disagree.

    References:
        Fieller (1954), Some problems in interval estimation. J. R. Statist. Soc. B 16, 175-185.
    """
    if not math.isfinite(boundary):
        return None, None
    square = boundary * boundary
    if guardrail.scale == "absolute":
        half = boundary * math.sqrt(
            max(joint.treatment_variance + joint.control_variance - 2 * joint.covariance, 0.0)
        )
        change = joint.treatment - joint.control
        return change - half, change + half
    a = joint.control**2 - square * joint.control_variance
    b = joint.treatment * joint.control - square * joint.covariance
    c = joint.treatment**2 - square * joint.treatment_variance
    root = b * b - a * c
    if a <= 0 or root < 0:
        return None, None
    return (b - math.sqrt(root)) / a - 1, (b + math.sqrt(root)) / a - 1


def _because(figures: GuardrailFigures, why: str, **found: Any) -> GuardrailFigures:
    return replace(figures, why=why, **found)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
