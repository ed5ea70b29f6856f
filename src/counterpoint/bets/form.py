"""The form of a bet: what was typed, what is wrong with it by field, and the descriptor that it makes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from counterpoint.bets.model import Bet
from counterpoint.errors import Problem
from counterpoint.web.forms import all_of, begun, one_of, put

__all__ = ["BetForm", "descriptor", "field_errors", "form_of", "read_form"]


class SuccessRow(msgspec.Struct, frozen=True):
    """One line of the success metrics, as typed."""

    metric: str = ""
    expect: str = ""


class GuardrailRow(msgspec.Struct, frozen=True):
    """One line of the guardrails, as typed; the margin is in per cent."""

    metric: str = ""
    margin: str = ""


class BetForm(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the fields, as text, so that a form with errors keeps what was typed."""

    title: str = ""
    name: str = ""
    owner: str = ""
    purpose: str = ""
    beliefs: tuple[str, ...] = ()
    hypothesis: str = ""
    success: tuple[SuccessRow, ...] = ()
    guardrails: tuple[GuardrailRow, ...] = ()
    kill: str = ""
    patience: str = ""
    etag: str = ""
    """The version that was read when the form was opened; empty for a new bet."""


def read_form(data: Mapping[str, Any]) -> BetForm:
    """Read a posted form. Repeated fields come as lists; lines without a metric and a text are dropped."""
    success = _rows(data, "success_metric", "success_expect")
    guardrails = _rows(data, "guardrail_metric", "guardrail_margin")
    return BetForm(
        title=one_of(data, "title"),
        name=one_of(data, "name"),
        owner=one_of(data, "owner"),
        purpose=one_of(data, "purpose"),
        beliefs=tuple(
            dict.fromkeys(
                item for text in all_of(data, "beliefs") for item in re.split(r"[,\s]+", text) if item
            )
        ),
        hypothesis=one_of(data, "hypothesis"),
        success=tuple(SuccessRow(*row) for row in success),
        guardrails=tuple(GuardrailRow(*row) for row in guardrails),
        kill=one_of(data, "kill"),
        patience=one_of(data, "patience"),
        etag=one_of(data, "etag"),
    )


def form_of(bet: Bet) -> BetForm:
    """The form that shows a bet as it is."""
    return BetForm(
        title=bet.title,
        name=bet.name,
        owner=bet.owner or "",
        purpose=bet.purpose,
        beliefs=bet.beliefs,
        hypothesis=bet.hypothesis,
        success=tuple(SuccessRow(item.metric, item.expect) for item in bet.success),
        guardrails=tuple(GuardrailRow(item.metric, f"{item.margin * 100:.6g}") for item in bet.guardrails),
        kill=bet.kill,
        patience=bet.patience.isoformat() if bet.patience else "",
        etag=bet.etag,
    )


def descriptor(
    form: BetForm, before: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The Bet descriptor that the form makes, and an error by field for what cannot be read.

    `before` is the document being edited: what the form does not show (labels, stage, other fields) is kept.
    """
    document = begun("Bet", before, name=form.name, title=form.title)
    metadata, spec = document["metadata"], document["spec"]
    errors: dict[str, str] = {}
    if not metadata["name"] and form.title:
        errors["name"] = (
            "Write a name of Latin letters, digits and dashes; the title holds none to make it from."
        )
    elif not metadata["name"]:
        errors["title"] = "Give the bet a title; its name in addresses is made from it."
    put(metadata, "title", form.title)
    if not form.owner:
        errors["owner"] = "Every bet has exactly one owner: choose the squad that makes the bet."
    patience, errors_of_date = _patience(form.patience)
    guardrails, errors_of_margins = _guardrails(form.guardrails)
    errors |= errors_of_date | errors_of_margins
    if any(row.expect and not row.metric for row in form.success):
        errors["success"] = "Choose the metric that this expectation is about."
    fields: dict[str, Any] = {
        "owner": form.owner,
        "purpose": form.purpose,
        "beliefs": list(form.beliefs),
        "hypothesis": form.hypothesis,
        "success": [
            {"metric": row.metric} | ({"expect": row.expect} if row.expect else {})
            for row in form.success
            if row.metric
        ],
        "guardrails": guardrails,
        "kill": form.kill,
        "patience": patience,
    }
    for key, value in fields.items():
        put(spec, key, value)
    return document, errors


def field_errors(problems: Iterable[Problem]) -> dict[str, str]:
    """The graph's problems by the field of the form that shows them; what has no field is under the empty text."""
    fields = {"/metadata/name": "name", "/metadata/title": "title"}
    errors: dict[str, str] = {}
    for problem in problems:
        parts = problem.pointer.split("/")
        field = fields.get(problem.pointer) or (parts[2] if len(parts) > 2 and parts[1] == "spec" else "")
        errors.setdefault(field if field in BetForm.__struct_fields__ else "", problem.message)
    return errors


def _guardrails(rows: Sequence[GuardrailRow]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        if not row.metric:
            return found, {"guardrails": "Choose the metric that this margin belongs to."}
        try:
            margin = float(row.margin.rstrip("% ").replace(",", ".") or 0)
        except ValueError:
            margin = -1.0
        if not 0 <= margin <= 100:
            return found, {
                "guardrails": f"The margin {row.margin!r} is no percentage; write a number from 0 to 100, such as 1."
            }
        found.append({"metric": row.metric, "margin": round(margin / 100, 8)})
    return found, {}


def _patience(text: str) -> tuple[str, dict[str, str]]:
    try:
        return (date.fromisoformat(text).isoformat() if text else ""), {}
    except ValueError:
        return "", {"patience": f"{text!r} is no date; write it as 2026-09-30."}


def _rows(data: Mapping[str, Any], first: str, second: str) -> list[tuple[str, str]]:
    metrics, texts = all_of(data, first), all_of(data, second)
    size = max(len(metrics), len(texts))
    padded = zip(metrics + [""] * (size - len(metrics)), texts + [""] * (size - len(texts)), strict=True)
    return [row for row in padded if any(row)]
