"""From entities to a plan: what an Experiment's descriptor and those of its metrics say."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any, get_args

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.decision import Condition, Group, Node, parse_rule
from counterpoint.experiments.exposure import Links, Trigger
from counterpoint.experiments.model import (
    Aggregation,
    Experiment,
    Guardrail,
    Metric,
    QualityTest,
    Rule,
    Target,
)
from counterpoint.experiments.stopping import Stopping
from counterpoint.graph.entity import Entity
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.spelling import near

__all__ = ["metric_of", "metric_refs", "moment_in", "near_refs", "part_refs", "plan_of", "untested"]

TESTED = get_args(Aggregation)
"""Aggregations that give one number per user, which tests compare."""


def metric_refs(experiment: Entity) -> list[str]:
    """References of the metrics that an experiment names, each once."""
    return list(dict.fromkeys(ref for _, ref, _ in _measures(experiment)))


def part_refs(metrics: Iterable[Entity]) -> list[str]:
    """References of the metrics that ratios among these are of, each once."""
    return list(dict.fromkeys(ref for metric in metrics for _, ref in _parts(metric)))


def _parts(metric: Entity) -> Iterator[tuple[str, str]]:
    """Which it is and its reference, of both metrics of a ratio."""
    for which in ("numerator", "denominator"):
        if text := metric.spec.get(which):
            ref = parse_ref(text, default_kind="metric", default_namespace=metric.namespace)
            yield which, str(ref)


def plan_of(experiment: Entity, metrics: Mapping[str, Entity], known: Iterable[str] = ()) -> Experiment:
    """The plan of an Experiment entity.

    Args:
        experiment: The entity; its fields have the types that the graph has checked.
        metrics: Metric entities by reference, with those that ratios are of.
        known: References of all metrics, from which near spellings are told.

    Raises:
        InputError: a metric does not exist, or the plan contradicts itself; one problem for each.
    """
    known = list(known)
    problems = [
        Problem(
            f"{ref} does not exist{near_refs(ref, known) or '.'} Import its descriptor, or mend the name.",
            pointer,
        )
        for pointer, ref, _ in _measures(experiment)
        if ref not in metrics
    ]
    if problems:
        raise InputError(f"The experiment {experiment.name} names metrics that do not exist.", problems)
    refused = [
        Problem(reason, pointer)
        for pointer, ref, _ in _measures(experiment)
        if (reason := untested(metrics[ref], metrics))
    ]
    if refused:
        raise InputError(f"The experiment {experiment.name} names metrics that no test decides.", refused)
    spec = experiment.spec
    found = [
        (pointer, metric_of(metrics[ref], metrics), item) for pointer, ref, item in _measures(experiment)
    ]
    flag_set, links = spec.get("flagSet"), spec.get("links")
    return Experiment(
        name=experiment.name,
        flag=""
        if spec.get("source")
        else spec.get("flag") or "",  # a table is read, whatever flag drew its arms
        control=spec["control"],
        treatments=tuple(spec["treatments"]),
        success=tuple(metric for pointer, metric, _ in found if "/success/" in pointer),
        guardrails=tuple(
            Guardrail(metric, item.get("margin"), item.get("scale") or "relative")
            for pointer, metric, item in found
            if "/guardrails/" in pointer
        ),
        deterioration=tuple(metric for pointer, metric, _ in found if "/deterioration/" in pointer),
        kind=spec.get("kind") or "ab-test",
        quality=_quality(spec.get("quality")),
        targets={metric.name: _target(item) for pointer, metric, item in reversed(found)},
        decision=_decision(spec.get("decision") or "rule-2", experiment),
        shares=dict(spec.get("shares") or {}),
        alpha=_given(spec.get("alpha"), 0.05),
        beta=_given(spec.get("beta"), 0.2),
        alpha_minus=spec.get("alphaMinus"),
        srm_threshold=_given(spec.get("srmThreshold"), 0.001),
        stopping=_stopping(spec.get("stopping")),
        covariates=spec.get("covariates", True),
        slopes=spec.get("slopes") or "per-arm",
        units_per_arm=_whole(spec.get("unitsPerArm")),
        start=moment_in(spec.get("start"), last=False),
        end=moment_in(spec.get("end"), last=True),
        trigger=_trigger(spec.get("trigger")),
        links=Links(event=links["event"], field=links.get("field") or "user") if links else None,
        segments=_segments(spec),
        flag_set=parse_ref(flag_set, default_kind="flagset", default_namespace=experiment.namespace).name
        if flag_set
        else None,
        title=experiment.title,
        ref=experiment.ref,
    )


def _quality(named: Iterable[Mapping[str, Any]] | None) -> tuple[QualityTest, ...] | None:
    """What the plan names; an empty list is an answer too, and nothing at all leaves it to the default."""
    if named is None:
        return None
    return tuple(QualityTest(each["test"], each.get("level")) for each in named)


def _segments(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Attributes of exposures; of a table the columns that its source names as well."""
    of_table = (spec.get("source") or {}).get("segments") or ()
    return tuple(dict.fromkeys((*(spec.get("segments") or ()), *of_table)))


def untested(metric: Entity, metrics: Mapping[str, Entity]) -> str:
    """Why an experiment cannot be decided by a metric; empty where it can."""
    aggregation, direction = metric.spec["aggregation"], metric.spec["direction"]
    if aggregation not in TESTED:
        return (
            f"{metric.title} is computed as {aggregation}, and an experiment compares one number per user:"
            f" {', '.join(TESTED)}. Name a metric with one of these aggregations."
        )
    for which, ref in _parts(metric):
        if ref not in metrics:
            return f"{metric.title} is a ratio whose {which}, {ref}, does not exist. Import its descriptor, or mend the name."
        part = metrics[ref].spec["aggregation"]
        if part not in TESTED or part in {"ratio", "quantile"}:
            return f"{metric.title} is a ratio whose {which}, {metrics[ref].title}, is computed as {part}; name a metric with one number per user."
    if direction == "none":
        return (
            f"{metric.title} has the direction none, so no change of it is better or worse;"
            " give it a direction, or name another metric."
        )
    return ""


def metric_of(entity: Entity, metrics: Mapping[str, Entity] = MappingProxyType({})) -> Metric:
    """The metric that a Metric entity defines, which an experiment can be decided by.

    Args:
        entity: The metric.
        metrics: Metric entities by reference, among them those that a ratio is of.
    """
    spec, window = entity.spec, entity.spec.get("window") or {}
    parts = {which: metric_of(metrics[ref]) for which, ref in _parts(entity)}
    steps = tuple(spec.get("steps") or ())
    return Metric(
        name=entity.name if entity.namespace == "default" else f"{entity.namespace}/{entity.name}",
        event=spec.get("event") or "",
        direction="increase" if spec["direction"] == "none" else spec["direction"],
        aggregation=spec["aggregation"],
        field=spec.get("field") or "value",
        unit=spec.get("unit"),
        covariate_days=int(spec.get("covariateDays") or 0),
        numerator=parts.get("numerator"),
        denominator=parts.get("denominator"),
        window_days=int(window["days"]) if window.get("days") else None,
        offset_days=int(window.get("offset") or 0),
        cap=None if isinstance(spec.get("userCap"), Mapping) else spec.get("userCap"),
        cap_quantile=spec["userCap"]["quantile"] if isinstance(spec.get("userCap"), Mapping) else None,
        event_cap=spec.get("cap"),
        steps=steps,
        quantile=spec.get("quantile"),
        title=entity.title,
        ref=entity.ref,
    )


def near_refs(ref: Ref | str, known: Iterable[str]) -> str:
    """An ending for a message that names what may have been meant; empty where nothing is near."""
    return near(parse_ref(str(ref)).short, [parse_ref(text).short for text in known], cutoff=0.5)


def _measures(experiment: Entity) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Pointer, reference of the metric, and item of each metric in each of its roles."""
    for role in ("success", "guardrails", "deterioration"):
        for index, item in enumerate(experiment.spec.get(role) or ()):
            ref = parse_ref(item["metric"], default_kind="metric", default_namespace=experiment.namespace)
            yield f"/spec/{role}/{index}/metric", str(ref), item


def _trigger(spec: Mapping[str, Any] | None) -> Trigger | None:
    if spec is None:
        return None
    return Trigger(
        event=spec["event"],
        field=spec.get("field"),
        equals=spec.get("equals"),
        unaffected=spec.get("unaffected", False),
    )


def _target(item: Mapping[str, Any]) -> Target:
    baseline = item.get("baseline") or {}
    return Target(
        mde=item.get("mde"),
        scale=item.get("scale") or "relative",
        mean=baseline.get("mean"),
        sd=baseline.get("sd"),
        correlation=baseline.get("correlation"),
    )


def _decision(rule: Any, experiment: Entity) -> Node | Rule:
    if isinstance(rule, str):
        return rule  # type: ignore[return-value]  # the graph has checked the choice
    return _named(parse_rule(rule), experiment.namespace)


def _named(node: Node, namespace: str) -> Node:
    """The tree with metrics named as the plan names them."""
    if isinstance(node, Group):
        return Group(node.word, tuple(_named(part, namespace) for part in node.parts))
    ref = parse_ref(node.metric, default_kind="metric", default_namespace=namespace)
    return Condition(node.word, _name(ref.namespace, ref.name))


def _name(namespace: str, name: str) -> str:
    return name if namespace == "default" else f"{namespace}/{name}"


def _stopping(spec: Mapping[str, Any] | None) -> Stopping | None:
    if spec is None:
        return None
    given: dict[str, Any] = {
        "method": spec.get("method"),
        "looks": _whole(spec.get("looks")),
        "every_days": spec.get("everyDays"),
        "spending": spec.get("spending"),
        "parameter": spec.get("parameter"),
        "maximum": _whole(spec.get("maximum")),
        "tuned_at": _whole(spec.get("tunedAt")),
        "tuning": spec.get("tuning"),
    }
    return Stopping(**{name: value for name, value in given.items() if value is not None})


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def moment_in(value: Any, *, last: bool) -> datetime | None:
    """A date-time in UTC; a plain day begins at its first moment, or ends at its last."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
    moment = value if isinstance(value, datetime) else datetime.combine(value, time.max if last else time.min)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _given(value: float | None, default: float) -> float:
    return default if value is None else float(value)
