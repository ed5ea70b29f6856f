"""What `rollouts simulate` is given: a plan in a file, which needs no workspace, or a rollout of the workspace.

kind: Rollout          as it would be imported; its metrics stand in the file too, or in the workspace,
spec: ...              or say beside their margin in which `direction` they get better; without an `sd` they are a share
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.model import Metric
from counterpoint.experiments.plan import metric_of
from counterpoint.graph.descriptor import validate
from counterpoint.graph.entity import Entity
from counterpoint.graph.ref import parse_ref
from counterpoint.rollouts.figures import experiment_of
from counterpoint.rollouts.model import Rollout
from counterpoint.rollouts.reading import rollout_of, with_template
from counterpoint.rollouts.simulation import Baseline
from counterpoint.rollouts.store import load
from counterpoint.workspace import Workspace
from counterpoint.yaml12.reader import read_file

__all__ = ["Simulated", "of_file", "of_rollout"]

OF_SHARES = frozenset({"any", "retention", "funnel"})
"""Aggregations whose value of a user is 0 or 1."""


class Simulated(msgspec.Struct, frozen=True):
    """What is simulated: the plan, and what users do without the change."""

    plan: Rollout
    baselines: Mapping[str, Baseline]
    users_per_day: float | None = None


def of_file(path: Path) -> Simulated:
    """The plan in a file, with the metrics that stand beside it.

    Raises:
        InputError: the file cannot be read, holds no rollout, or its plan cannot be used; with file and pointer.
    """
    reading = read_file(path)
    if reading.problems:
        raise InputError(f"{path} cannot be used.", reading.problems)
    documents = [each.value for each in reading.documents if isinstance(each.value, dict)]
    found = [each for each in documents if each.get("kind") == "Rollout"]
    if not found:
        found = [_bare(each, path) for each in documents if "kind" not in each and "guardrails" in each]
    if len(found) != 1:
        message = f"The file holds {len(found)} rollouts; write one, with `kind: Rollout` and its guardrails."
        raise InputError(f"{path} cannot be used.", [Problem(message, file=str(path))])
    document = found[0]
    problems = list(validate(_without_hints(document)))
    if problems:
        raise InputError(f"{path} cannot be used.", [_in_file(each, path) for each in problems])
    try:
        return _simulated(document, _metrics_in(document, documents))
    except InputError as error:
        raise InputError(error.message, [_in_file(each, path) for each in error.problems]) from error


def of_rollout(workspace: Workspace, name: str) -> Simulated:
    """A rollout of the workspace; what its guardrails say of no baseline comes from the journal's last weeks.

    Raises:
        NotFoundError, InputError: as `store.load`.
    """
    loaded = load(workspace, name)
    plan, spec = loaded.plan, loaded.entity.spec if loaded.entity else {}
    given = {
        str(parse_ref(item["metric"], default_kind="metric", default_namespace=_namespace(loaded.ref))): item[
            "baseline"
        ]
        for item in spec.get("guardrails") or ()
        if item.get("baseline")
    }
    baselines = {
        each.metric.name: _baseline(each.metric, given[each.metric.ref])
        for each in plan.guardrails
        if each.metric.ref in given
    }
    per_day = spec.get("usersPerDay")
    if per_day is None or len(baselines) < len(plan.guardrails):
        known, seen = _from_journal(workspace, plan)
        baselines = {**known, **baselines}
        per_day = seen if per_day is None else per_day
    return Simulated(plan, baselines, per_day)


def _from_journal(workspace: Workspace, plan: Rollout) -> tuple[dict[str, Baseline], float | None]:
    """What the last weeks say of the metrics, and how many users a day come."""
    from msgspec.structs import replace

    from counterpoint.experiments.history import history_of
    from counterpoint.experiments.journal_totals import EXPOSURE
    from counterpoint.experiments.users import exposures_of

    named = replace(plan, control=plan.control or "control", treatment=plan.treatment or "treatment")
    compared = experiment_of(named, None)
    with workspace.journal.snapshot(workspace.journal.engine) as snapshot:
        exposures = exposures_of(compared, snapshot.events(EXPOSURE))
        known = history_of(compared, exposures, snapshot.events(*compared.types), now=datetime.now(UTC))
    shares = {each.metric.name for each in plan.guardrails if each.metric.aggregation in OF_SHARES}
    found = {
        name: Baseline(baseline.mean, None if name in shares else baseline.sd)
        for name, baseline in known.baselines.items()
    }
    return found, known.per_day


def _simulated(document: Mapping[str, Any], metrics: Mapping[str, Metric]) -> Simulated:
    plan = rollout_of(document, metrics)
    items = with_template(document["spec"])["guardrails"] if document["spec"].get("guardrails") else ()
    baselines = {
        guardrail.metric.name: _baseline(guardrail.metric, item["baseline"])
        for guardrail, item in zip(plan.guardrails, items, strict=True)
        if item.get("baseline")
    }
    return Simulated(plan, baselines, document["spec"].get("usersPerDay"))


def _baseline(metric: Metric, given: Mapping[str, Any]) -> Baseline:
    if given.get("mean") is None:
        raise InputError(
            f"The baseline of {metric.name} has no mean.",
            [
                Problem(
                    "Write what a user has without the change: `baseline: {mean: 3.2, sd: 1.1}`.",
                    "/spec/guardrails",
                )
            ],
        )
    mean, sd = float(given["mean"]), given.get("sd")
    if sd is None and metric.aggregation == "count":
        sd = mean**0.5  # of a count that is spread as chance spreads it
    if sd is None and metric.aggregation not in OF_SHARES:
        raise InputError(
            f"The baseline of {metric.name} has no sd, the standard deviation per user.",
            [Problem("Write it beside the mean: `baseline: {mean: 3.2, sd: 1.1}`.", "/spec/guardrails")],
        )
    return Baseline(mean, None if metric.aggregation in OF_SHARES else float(sd or 0.0))


def _metrics_in(document: Mapping[str, Any], documents: list[dict[str, Any]]) -> dict[str, Metric]:
    """The metrics of the guardrails: those of the file, and those that say beside their margin what they are."""
    entities: dict[str, Entity] = {}
    for each in documents:
        if each.get("kind") == "Metric" and not list(validate(each)):
            entities |= {(entity := _entity(each)).ref: entity}
    found = {ref: metric_of(entity, entities) for ref, entity in entities.items()}
    namespace = str(document["metadata"].get("namespace") or "default")
    for item in document["spec"].get("guardrails") or ():
        ref = parse_ref(item["metric"], default_kind="metric", default_namespace=namespace)
        if str(ref) not in found and item.get("direction") in ("increase", "decrease"):
            is_share = not (item.get("baseline") or {}).get("sd")
            found[str(ref)] = Metric(
                name=ref.name,
                event=ref.name,
                direction=item["direction"],
                aggregation="any" if is_share else "mean",
                ref=str(ref),
            )
    return found


def _entity(document: Mapping[str, Any]) -> Entity:
    metadata = document["metadata"]
    namespace = str(metadata.get("namespace") or "default")
    return Entity(
        ref=str(parse_ref(f"metric:{namespace}/{metadata['name']}")),
        uid="",
        etag="",
        kind="Metric",
        namespace=namespace,
        name=metadata["name"],
        title=metadata.get("title") or metadata["name"],
        owner=None,
        document=dict(document),
        relations=(),
        updated_at=datetime.fromtimestamp(0, UTC),
    )


def _bare(spec: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """A rollout of the fields alone, as one writes to try something."""
    name = "".join(char if char.isalnum() or char in "-_." else "-" for char in path.stem)[:63].strip("-_.")
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Rollout",
        "metadata": {"name": name or "plan"},
        "spec": {"owner": "nobody", "flag": "plan", **spec},
    }


def _without_hints(document: Mapping[str, Any]) -> dict[str, Any]:
    spec = document.get("spec")
    return {
        **document,
        "spec": {"owner": "nobody", "flag": "plan", **spec} if isinstance(spec, dict) else spec,
    }


def _in_file(problem: Problem, path: Path) -> Problem:
    return Problem(problem.message, problem.pointer, str(path), problem.line, problem.column)


def _namespace(ref: str) -> str:
    return parse_ref(ref).namespace
