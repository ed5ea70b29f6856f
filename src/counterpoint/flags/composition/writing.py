"""A composition as the JSON that is stored and shown; reading it gives the same composition."""

from datetime import UTC, datetime
from typing import Any

from counterpoint.flags.composition.plan import (
    SUBJECT,
    Audience,
    Composition,
    FlagPlan,
    Holdout,
    Layer,
    percent_of,
)

__all__ = ["document_of", "plan_document"]


def document_of(composition: Composition) -> dict[str, Any]:
    """The composition as JSON; what is empty is left out."""
    document = {
        "segments": dict(composition.segments),
        "layers": {name: _layer(layer) for name, layer in composition.layers.items()},
        "holdouts": {name: _holdout(holdout) for name, holdout in composition.holdouts.items()},
        "flags": {key: plan_document(plan) for key, plan in composition.flags.items()},
        "detached": {key: plan_document(plan) for key, plan in composition.detached.items()},
        "compiled": dict(composition.digests),
    }
    return {name: value for name, value in document.items() if value}


def plan_document(plan: FlagPlan) -> dict[str, Any]:
    """One plan as JSON; what is as by default is left out."""
    document: dict[str, Any] = {
        "variants": dict(plan.variants) if plan.variants is not None else None,
        "default": plan.default,
        "treatments": dict(plan.treatments),
        "control": plan.control,
        "ramp": percent_of(plan.ramp),
        "audience": _audience(plan.audience) if plan.audience else None,
        "layer": _slot(plan),
        "holdouts": list(plan.holdouts) or None,
        "prerequisites": [{"flag": need.flag, "variant": need.variant} for need in plan.prerequisites]
        or None,
        "schedule": [{"at": _moment(one.at), "ramp": percent_of(one.ramp)} for one in plan.schedule] or None,
        "overrides": {name: list(keys) for name, keys in plan.overrides.items()} or None,
        "salt": plan.salt,
        "bucketBy": plan.bucket_by if plan.bucket_by != SUBJECT else None,
        "bucketing": plan.bucketing,
        "guarded": plan.guarded or None,
        "killed": ({"reason": plan.killed.reason} if plan.killed.reason else True) if plan.killed else None,
        "rollout": plan.rollout,
    }
    return {name: value for name, value in document.items() if value is not None}


def _audience(audience: Audience) -> dict[str, Any]:
    document = {
        "segments": list(audience.segments),
        "except": list(audience.excluded),
        "rule": audience.rule,
    }
    return {name: value for name, value in document.items() if value}


def _slot(plan: FlagPlan) -> dict[str, Any] | None:
    slot = plan.slot
    return {"name": slot.layer, "from": percent_of(slot.start), "to": percent_of(slot.end)} if slot else None


def _layer(layer: Layer) -> dict[str, Any]:
    return {"salt": layer.salt, **_unit(layer.bucket_by)}


def _holdout(holdout: Holdout) -> dict[str, Any]:
    return {"percent": percent_of(holdout.weight), "salt": holdout.salt, **_unit(holdout.bucket_by)}


def _unit(bucket_by: str) -> dict[str, Any]:
    return {"bucketBy": bucket_by} if bucket_by != SUBJECT else {}


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
