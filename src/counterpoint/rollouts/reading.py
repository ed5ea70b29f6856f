"""A rollout's plan from its entity (or a file), what its template gives, and the metrics of its guardrails. Pure.

What the rollout says outdoes its template, and the template what we deliver.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.model import Metric
from counterpoint.experiments.plan import near_refs
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.rollout_checks import MOST_MONITORED, seconds_of
from counterpoint.rollouts.model import Guardrail, Limits, Rollout, Step

__all__ = ["DELIVERED", "metric_refs", "rollout_of", "with_template"]

DELIVERED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "steps": [
            {"percent": 1, "hold": "6h", "inconclusive": "proceed"},
            {"percent": 5, "hold": "24h", "inconclusive": "proceed"},
            {"percent": 25, "hold": "24h", "inconclusive": "proceed"},
            {"percent": 50, "hold": "24h", "inconclusive": "hold"},
            {"percent": 100, "hold": "0s"},
        ],
        "alpha": 0.05,
        "limits": {"stale": "1h", "trouble": "24h", "patience": "7d"},
    }
)
"""What a rollout does where neither it nor a template says otherwise. Small steps end unless harm is shown, since a
hundredth of the users rarely shows its absence; half of them must show it before everybody follows."""


def with_template(spec: Mapping[str, Any], template: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The spec with what its template and we give where it says nothing; limits one by one."""
    found = {**DELIVERED, **_plan_part(template or {}), **spec}
    given = [holder.get("limits") or {} for holder in (DELIVERED, template or {}, spec)]
    found["limits"] = {name: value for holder in given for name, value in holder.items()}
    return found


def metric_refs(spec: Mapping[str, Any], namespace: str = "default") -> list[str]:
    """References of the metrics of the guardrails, in their order."""
    return [ref for _, ref, _ in _guardrails(spec, namespace)]


def rollout_of(
    document: Mapping[str, Any],
    metrics: Mapping[str, Metric],
    *,
    template: Mapping[str, Any] | None = None,
    template_ref: str | None = None,
    known: Iterable[str] = (),
) -> Rollout:
    """The plan of a Rollout's document, which the graph has checked.

    Args:
        document: The descriptor.
        metrics: Metrics by reference.
        template: The spec of its template.
        template_ref: The template's reference.
        known: References of all metrics, from which near spellings are told.

    Raises:
        InputError: a metric does not exist, or template and rollout together contradict themselves.
    """
    metadata = document["metadata"]
    namespace = str(metadata.get("namespace") or "default")
    spec = with_template(document["spec"], template)
    guardrails = list(_guardrails(spec, namespace))
    problems = [
        Problem(
            f"{ref} does not exist{near_refs(ref, list(known)) or '.'} Import its descriptor, or mend the name.",
            pointer,
        )
        for pointer, ref, _ in guardrails
        if ref not in metrics
    ]
    if problems:
        raise InputError(f"The rollout {metadata['name']} names metrics that do not exist.", problems)
    limits = spec["limits"]
    flag_set = spec.get("flagSet") or "default"

    def ref_of(name: str, kind: str) -> str | None:
        text = spec.get(name)
        return str(parse_ref(text, default_kind=kind, default_namespace=namespace)) if text else None

    return Rollout(
        ref=str(parse_ref(f"rollout:{namespace}/{metadata['name']}")),
        name=metadata["name"] if namespace == "default" else f"{namespace}/{metadata['name']}",
        title=metadata.get("title") or metadata["name"],
        flag=spec.get("flag") or "",
        flag_set=parse_ref(flag_set, default_kind="flagset", default_namespace=namespace).name,
        owner=ref_of("owner", "group"),
        bet=ref_of("bet", "bet"),
        component=ref_of("component", "component"),
        environment=spec.get("environment"),
        steps=tuple(_steps(spec, guarded=bool(guardrails))),
        guardrails=tuple(_guardrail(item, metrics[ref]) for _, ref, item in guardrails),
        alpha=float(spec["alpha"]),
        sample_ratio_alpha=float(spec.get("sampleRatioAlpha") or min(0.001, spec["alpha"] / 10)),
        least=int(spec.get("least") or 100),
        tuned_at=int(spec.get("tunedAt") or 5_000),
        limits=Limits(
            stale_seconds=seconds_of(limits["stale"]) or 3_600.0,
            trouble_seconds=seconds_of(limits["trouble"]) or 86_400.0,
            patience_seconds=seconds_of(limits["patience"]) or 7 * 86_400.0,
        ),
        template=template_ref,
    )


def _plan_part(template: Mapping[str, Any]) -> dict[str, Any]:
    """What a template gives: everything but its owner."""
    return {name: value for name, value in template.items() if name != "owner"}


def _guardrails(spec: Mapping[str, Any], namespace: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for index, item in enumerate(spec.get("guardrails") or ()):
        ref = parse_ref(item["metric"], default_kind="metric", default_namespace=namespace)
        yield f"/spec/guardrails/{index}/metric", str(ref), item


def _steps(spec: Mapping[str, Any], *, guarded: bool) -> Iterator[Step]:
    for item in spec["steps"]:
        percent = float(item["percent"])
        watched = item.get("monitored", guarded) and guarded and percent <= MOST_MONITORED
        hold = seconds_of(item.get("hold") or "24h")
        yield Step(
            percent=percent,
            hold_seconds=86_400.0 if hold is None else hold,
            minimum_sample=int(item.get("minimumSample", 100)) if watched else 0,
            monitored=watched,
            approval=item.get("approval", False),
            inconclusive=item.get("inconclusive") or "hold",
        )


def _guardrail(item: Mapping[str, Any], metric: Metric) -> Guardrail:
    maximum = item.get("maximum")
    return Guardrail(
        metric=metric,
        margin=float(item["margin"]),
        scale=item.get("scale") or "relative",
        test=item.get("test") or "anytime",
        action=item.get("action") or "roll-back",
        looks=int(item.get("looks") or 10),
        maximum=int(maximum) if maximum else None,
        spending=item.get("spending") or "power",
        parameter=item.get("parameter"),
    )
