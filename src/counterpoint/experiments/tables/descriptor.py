"""The descriptor of an experiment on a table: its metrics and itself, ready for `import catalog`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from counterpoint.errors import InputError
from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.tables.asking import plain_name
from counterpoint.experiments.tables.source import Source

__all__ = ["descriptors", "write_descriptor"]

HEAD = """\
# Written by `counterpoint experiments analyze`. Say who owns it and what it is for, then import it:
# counterpoint import catalog {file}
"""


def write_descriptor(
    file: Path, plan: Experiment, source: Source, *, files: Sequence[Path], owner: str
) -> None:
    """Write the descriptor; the table's path in it begins at its folder.

    Raises:
        InputError: the file cannot be written, or the table does not lie in or below its folder.
    """
    folder = file.absolute().parent
    pattern = (Path.cwd() / (source.file or "")).absolute()
    path = os.path.relpath(pattern, folder)
    if path.startswith(".."):
        raise InputError(
            f"{source.file} lies outside of {folder}, and a descriptor reads tables in or below its own folder only;"
            f" write it beside the table: --write {files[0].parent / file.name}"
        )
    text = HEAD.format(file=file) + "---\n".join(
        yaml.safe_dump(each, sort_keys=False, allow_unicode=True, width=110)
        for each in descriptors(plan, source, path, owner=owner)
    )
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.") from error


def descriptors(plan: Experiment, source: Source, path: str, *, owner: str) -> list[dict[str, Any]]:
    """The documents of the metrics and of the experiment."""
    metrics = {each.name: each for metric in plan.metrics for each in (*_parts(metric), metric)}
    documents = [*map(_metric, metrics.values()), _experiment(plan, source, path)]
    for document in documents:
        document["spec"] = {"owner": owner, **document["spec"]}
    return documents


def _document(kind: str, name: str, title: str | None, spec: dict[str, Any]) -> dict[str, Any]:
    titled = {"title": title} if title and title != name else {}
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name, **titled},
        "spec": spec,
    }


def _parts(metric: Metric) -> tuple[Metric, ...]:
    return metric.parts if len(metric.parts) > 1 else ()


def _metric(metric: Metric) -> dict[str, Any]:
    if metric.numerator and metric.denominator:
        of = {"numerator": metric.numerator.name, "denominator": metric.denominator.name}
        return _document(
            "Metric", metric.name, metric.title, {"aggregation": "ratio", **of, "direction": metric.direction}
        )
    return _document(
        "Metric",
        metric.name,
        metric.title,
        {
            "event": metric.event,
            "aggregation": metric.aggregation,
            "direction": metric.direction,
            **({} if metric.cap_quantile is None else {"userCap": {"quantile": metric.cap_quantile}}),
        },
    )


def _experiment(plan: Experiment, source: Source, path: str) -> dict[str, Any]:
    guardrails = [
        {"metric": each.metric.name, **({"margin": each.margin} if each.margin is not None else {})}
        for each in plan.guardrails
    ]
    spec: dict[str, Any] = {
        "source": _source(source, path),
        "control": plan.control,
        "treatments": list(plan.treatments),
    }
    if plan.shares:
        spec["shares"] = dict(plan.shares)
    if plan.success:
        spec["success"] = [{"metric": metric.name} for metric in plan.success]
    if guardrails:
        spec["guardrails"] = guardrails
    if plan.units_per_arm:
        spec["unitsPerArm"] = plan.units_per_arm
    if plan.end:
        spec["end"] = plan.end.isoformat()
    spec |= {"alpha": plan.alpha, "srmThreshold": plan.srm_threshold}
    return _document("Experiment", plain_name(plan.name), plan.name, spec)


def _source(source: Source, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {"file": path, "subject": source.subject, "variant": source.variant}
    if source.time:
        found["time"] = source.time
    found["metrics"] = {}
    for name, columns in source.metrics.items():
        covariates = {"covariates": list(columns.covariates)} if columns.covariates else {}
        if columns.denominator:
            found["metrics"][name] = {
                "numerator": columns.value,
                "denominator": columns.denominator,
                **covariates,
            }
        else:
            found["metrics"][name] = {"column": columns.value, **covariates} if covariates else columns.value
    if source.segments:
        found["segments"] = list(source.segments)
    if source.delimiter:
        found["delimiter"] = source.delimiter
    if source.decimal != ".":
        found["decimal"] = source.decimal
    if source.encoding != "utf-8":
        found["encoding"] = source.encoding
    if source.one_row_per_user:
        found["oneRowPerUser"] = True
    return found
