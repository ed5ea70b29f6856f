"""What guardrails say: is the harm beyond the margin shown, is it excluded, or neither yet? Pure.

The statistic Z of a guardrail is its distance from the margin in standard errors, above 0 on the good side. It
fails where Z ≤ −b and passes where Z ≥ b. The boundary b holds over all checks: that of an anytime-valid
confidence sequence, or that of a look of a group sequential test. `simulation` uses the same boundaries and the same
contrast on arrays.

`looks` says at which checks a guardrail is looked at, and against which boundary.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from counterpoint.rollouts.looks import Answer, answer_of
from counterpoint.rollouts.model import (
    Figures,
    Guardrail,
    GuardrailFigures,
    LookTaken,
    Rollout,
    State,
)
from counterpoint.stats import Joint, Pair, sequential_sample_ratio

__all__ = [
    "CONCENTRATION",
    "Observed",
    "distance",
    "judge",
    "weight_of_margin",
]

CONCENTRATION = 10_000
"""Weight in users of the belief that both arms are of equal size; as experiments have it."""


MOST = 1e100
"""Standard errors beyond which it makes no difference how many; an endless number could not be read from the log."""


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


def weight_of_margin(guardrail: Guardrail) -> float:
    """What the control's mean is multiplied by before the treatment's is compared with it."""
    return 1 - guardrail.metric.gain * guardrail.margin if guardrail.scale == "relative" else 1.0


def distance(guardrail: Guardrail, control: Any, treatment: Any) -> Any:
    """How far the treatment stays on the good side of the margin, in the metric's unit; numbers or arrays."""
    gap = guardrail.metric.gain * (treatment - weight_of_margin(guardrail) * control)
    return gap if guardrail.scale == "relative" else gap + guardrail.margin


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
    contrast = joint.contrast(weight_of_margin(guardrail)) if joint else None
    if joint is None or contrast is None:
        return _because(
            figures, "Its values do not vary, so no test of it exists.", users=users, **means
        ), None
    if guardrail.scale == "relative" and not joint.control > 0:
        why = "The control's mean is not above 0, so no share of it exists."
        return _because(figures, why, users=users, **means), None
    statistic = distance(guardrail, joint.control, joint.treatment) / contrast.se
    if math.isnan(statistic):
        return _because(figures, "Its values are too large to be compared.", users=users, **means), None
    statistic = max(-MOST, min(statistic, MOST))
    mean = (joint.control + joint.treatment) / 2
    test = answer_of(
        rollout,
        guardrail,
        statistic,
        state.looks.get(metric.name, ()),
        users=users,
        precision=_finite((mean / contrast.se) ** 2) if mean > 0 else None,
    )
    spans = _spanned(guardrail, joint, test)
    look = replace(test.look, **spans) if test.look else None
    speaks = look or test.earlier
    found = _because(
        figures,
        "",
        verdict=test.verdict,
        users=users,
        statistic=test.statistic,
        boundary=_finite(test.boundary),
        look=speaks.index if speaks else None,
        look_users=speaks.users if speaks else None,
        **spans,
        **means,
    )
    return found, look


def _spanned(guardrail: Guardrail, joint: Joint, test: Answer) -> dict[str, float | None]:
    """The change and its bounds at the check that speaks, so that they and its verdict never disagree."""
    if test.earlier is not None and test.earlier.change is not None:
        earlier = test.earlier
        return {"change": earlier.change, "low": earlier.low, "high": earlier.high}
    change = joint.treatment - joint.control
    low, high = _bounds(guardrail, joint, test.boundary)
    return {
        "change": change / joint.control if guardrail.scale == "relative" else change,
        "low": low,
        "high": high,
    }


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
