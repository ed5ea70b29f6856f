"""The form of a metric: what was typed, and the descriptor that it makes."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from counterpoint.errors import Problem
from counterpoint.web.forms import all_of, begun, number_of, one_of, put, text_of

__all__ = [
    "MetricForm",
    "descriptor",
    "field_errors",
    "form_of",
    "read_form",
]

NUMBERS = ("quantile", "cap", "days")


class MetricForm(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the fields, as text, so that a form with errors keeps what was typed."""

    title: str = ""
    name: str = ""
    owner: str = ""
    description: str = ""
    unit: str = ""
    direction: str = "increase"
    event: str = ""
    aggregation: str = "mean"
    field: str = ""
    quantile: str = ""
    numerator: str = ""
    denominator: str = ""
    per: str = "all"
    calendar: str = "day"
    days: str = ""
    cap: str = ""
    role: str = "ordinary"
    decisions: tuple[tuple[str, str], ...] = ()
    """What is decided, and the references that it is about."""
    etag: str = ""


def read_form(data: Mapping[str, Any]) -> MetricForm:
    """Read a posted form; lines without a decision are dropped."""
    plain = {
        name: one_of(data, name)
        for name in MetricForm.__struct_fields__
        if name != "decisions" and name in data
    }
    texts, refs = all_of(data, "decision"), all_of(data, "decision_for")
    padded = refs + [""] * (len(texts) - len(refs))
    return MetricForm(**plain, decisions=tuple(row for row in zip(texts, padded, strict=False) if row[0]))


def form_of(document: Mapping[str, Any], etag: str = "") -> MetricForm:
    """The form that shows a metric as it is."""
    metadata, spec = document["metadata"], document["spec"]
    window = spec.get("window") or {}
    return MetricForm(
        title=str(metadata.get("title") or ""),
        name=str(metadata.get("name") or ""),
        owner=str(spec.get("owner") or ""),
        description=str(metadata.get("description") or "").strip(),
        unit=spec.get("unit") or "",
        direction=spec["direction"],
        event=spec.get("event") or "",
        aggregation=spec["aggregation"],
        field=spec.get("field") or "",
        quantile=text_of(spec.get("quantile")),
        numerator=spec.get("numerator") or "",
        denominator=spec.get("denominator") or "",
        per=spec.get("per") or "all",
        calendar=window.get("calendar") or "day",
        days=text_of(window.get("days")),
        cap=text_of(spec.get("cap")),
        role=spec.get("role") or "ordinary",
        decisions=tuple(
            (str(item["decision"]), ", ".join(item.get("for") or ())) for item in spec.get("decisions") or ()
        ),
        etag=etag,
    )


def descriptor(
    form: MetricForm, before: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The Metric descriptor that the form makes, and an error by field for what cannot be read.

    `before` is the document being edited: what the form does not show (labels, other fields) is kept.
    """
    document = begun("Metric", before, name=form.name, title=form.title)
    metadata, spec = document["metadata"], document["spec"]
    errors: dict[str, str] = {}
    if not metadata["name"]:
        errors["title"] = (
            "Give the metric a title of Latin letters or digits; its name in addresses is made from it."
        )
    put(metadata, "title", form.title)
    put(metadata, "description", form.description)
    numbers: dict[str, float | None] = {}
    for name in NUMBERS:
        text = getattr(form, name)
        try:
            numbers[name] = number_of(text) if text else None
        except ValueError:
            errors[name] = f"{text!r} is no number."
            numbers[name] = None
    ratio, quantile = form.aggregation == "ratio", form.aggregation == "quantile"
    # What the chosen aggregation has no use for is left out, so that a change of it is one choice and not three.
    fields: dict[str, Any] = {
        "owner": form.owner,
        "direction": form.direction,
        "aggregation": form.aggregation,
        "event": "" if ratio else form.event,
        "field": "" if ratio else form.field,
        "unit": form.unit,
        "quantile": numbers["quantile"] if quantile else None,
        "numerator": form.numerator if ratio else "",
        "denominator": form.denominator if ratio else "",
        "per": form.per if form.per == "user" and form.aggregation in {"sum", "count"} else "",
        "window": _window(form.calendar, numbers["days"], (spec.get("window") or {}).get("offset")),
        "cap": numbers["cap"] if form.aggregation in {"mean", "sum"} else None,
        "role": "" if form.role == "ordinary" else form.role,
        "decisions": [
            {"decision": text}
            | ({"for": refs} if (refs := [part.strip() for part in about.split(",") if part.strip()]) else {})
            for text, about in form.decisions
        ],
    }
    for key, value in fields.items():
        put(spec, key, value)
    if not form.owner:
        errors["owner"] = "Every metric has exactly one owner, who answers for what it means."
    return document, errors


def field_errors(problems: Iterable[Problem]) -> dict[str, str]:
    """The graph's problems by the field of the form that shows them; what has no field is under the empty text."""
    named = {
        "/metadata/name": "name",
        "/metadata/title": "title",
        "/metadata/description": "description",
        "/spec/window/days": "days",
        "/spec/window/calendar": "calendar",
    }
    errors: dict[str, str] = {}
    for problem in problems:
        parts = problem.pointer.split("/")
        name = named.get(problem.pointer) or (parts[2] if len(parts) > 2 and parts[1] == "spec" else "")
        errors.setdefault(name if name in MetricForm.__struct_fields__ else "", problem.message)
    return errors


def _window(calendar: str, days: float | None, offset: float | None) -> dict[str, Any] | None:
    """The window of a metric; its offset, which the form does not show, stays with its days."""
    found: dict[str, Any] = {} if days is None else {"days": days}
    if days is not None and offset is not None:
        found["offset"] = offset
    if calendar != "day":
        found["calendar"] = calendar
    return found or None
