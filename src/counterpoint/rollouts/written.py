"""What graph and templates say of a rollout before it starts."""

from collections.abc import Mapping
from typing import Any

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.model import Metric
from counterpoint.experiments.plan import metric_of, near_refs, part_refs, untested
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.rollouts.model import Rollout
from counterpoint.rollouts.reading import metric_refs, rollout_of, with_template

__all__ = ["DEFAULT_TEMPLATE", "metrics_of", "read_plan", "template_of"]

DEFAULT_TEMPLATE = "rollouttemplate:default/default"
"""The template of rollouts that name none, where the organisation has one of this name."""


def read_plan(reader: Reader, entity: Entity) -> Rollout:
    """The plan that a Rollout entity and its template give.

    Raises:
        InputError: a metric or the template does not exist, or no test decides by a metric.
    """
    template, template_ref = template_of(reader, entity.spec, entity.namespace)
    refs = metric_refs(with_template(entity.spec, template), entity.namespace)
    metrics = metrics_of(reader, refs)
    known = (
        [found.ref for found in reader.find(kind="Metric", limit=1000).items]
        if len(metrics) < len(refs)
        else []
    )
    return rollout_of(entity.document, metrics, template=template, template_ref=template_ref, known=known)


def template_of(
    reader: Reader, spec: Mapping[str, Any], namespace: str
) -> tuple[Mapping[str, Any] | None, str | None]:
    """The spec and the reference of a rollout's template: the one that it names, else the organisation's default.

    Raises:
        InputError: the one that it names does not exist.
    """
    named = spec.get("template")
    ref = parse_ref(
        named or DEFAULT_TEMPLATE,
        default_kind="rollouttemplate",
        default_namespace=namespace if named else "default",
    )
    found = reader.get(ref)
    if found is None and named:
        others = [each.ref for each in reader.find(kind="RolloutTemplate", limit=200).items]
        raise InputError(
            "The rollout names a template that does not exist.",
            [Problem(f"There is no {ref}{near_refs(ref, others) or '.'}", "/spec/template")],
        )
    return (found.spec, found.ref) if found else (None, None)


def metrics_of(reader: Reader, refs: list[str]) -> dict[str, Metric]:
    """Metrics by reference, with those that ratios are of; what does not exist is left out.

    Raises:
        InputError: no test can decide by one of them.
    """
    entities = {ref: each for ref, each in reader.get_many(refs).items() if each.kind == "Metric"}
    parts = reader.get_many(part_refs(entities.values()))
    everything = {**entities, **parts}
    problems = [
        Problem(why, f"/spec/guardrails/{index}/metric")
        for index, ref in enumerate(refs)
        if ref in entities and (why := untested(entities[ref], everything))
    ]
    if problems:
        raise InputError("The rollout names metrics that no test decides.", problems)
    return {ref: metric_of(entity, everything) for ref, entity in entities.items()}
