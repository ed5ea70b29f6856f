"""A plan of a flag in words, part by part. Pure."""

from collections.abc import Mapping

from counterpoint.flags.composition.plan import SUBJECT, Audience, FlagPlan, percent_of
from counterpoint.flags.sentences import condition
from counterpoint.moments import rfc3339, to_datetime

__all__ = ["plan_parts"]


def plan_parts(plan: FlagPlan) -> dict[str, str]:
    """What the plan says, by what people call the part; parts that say nothing are left out."""
    parts = {
        "Killed": plan.killed and f"everybody gets {plan.default}",
        "Enrolled": f"{percent_of(plan.ramp)} %: {_arms(plan.treatments)}",
        "Otherwise": plan.default,
        "Measured control": plan.control,
        "Audience": _audience(plan.audience),
        "Layer": plan.slot
        and f"{percent_of(plan.slot.start)} to {percent_of(plan.slot.end)} % of {plan.slot.layer}",
        "Holdouts": ", ".join(plan.holdouts),
        "Needs": ", ".join(f"{need.flag} = {need.variant}" for need in plan.prerequisites),
        "Always": ", ".join(
            f"{variant} for {len(subjects)} named" for variant, subjects in plan.overrides.items()
        ),
        "Schedule": "; ".join(
            f"{percent_of(step.ramp)} % from {rfc3339(to_datetime(step.at * 1_000_000))}"
            for step in plan.schedule
        ),
        "Drawn by": plan.bucket_by if plan.bucket_by != SUBJECT else "",
        "Salt": plan.salt,
        "Guardrails": "decide on its steps" if plan.guarded else "",
    }
    return {label: str(words) for label, words in parts.items() if words}


def _arms(treatments: Mapping[str, int]) -> str:
    if len(treatments) == 1:
        return next(iter(treatments))
    total = sum(treatments.values()) or 1
    return ", ".join(f"{name} {share / total:.0%}" for name, share in treatments.items())


def _audience(audience: Audience | None) -> str:
    if audience is None:
        return ""
    parts = list(audience.segments)
    parts += [f"not {name}" for name in audience.excluded]
    parts += [condition(audience.rule)] if audience.rule is not None else []
    return ", ".join(parts)
