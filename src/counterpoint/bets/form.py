"""The form of a bet: what was typed, what is wrong with it by field, and the descriptor that it makes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import zip_longest
from typing import Any

import msgspec

from counterpoint.bets.model import Bet, Risk, RiskNote
from counterpoint.errors import Problem
from counterpoint.web.forms import all_of, begun, one_of, put

__all__ = ["BetForm", "descriptor", "field_errors", "form_of", "read_form"]


PLAIN = (
    "patience",
    "deadline",
    "horizon",
    "mix",
    "size",
    "sponsor",
    "product",
    "design",
    "technology",
    "feedback",
    "feedback_version",
    "etag",
)
NAMES = ("contributors", "insights", "goals")
TRIO = ("product", "design", "technology")
PLACES = {"stakeholderSides": "sides"}
"""Fields of the form that are called otherwise in the descriptor."""


class SuccessRow(msgspec.Struct, frozen=True):
    """One line of the success metrics, as typed."""

    metric: str = ""
    expect: str = ""


class GuardrailRow(msgspec.Struct, frozen=True):
    """One line of the guardrails, as typed; the margin is in per cent."""

    metric: str = ""
    margin: str = ""


class SideRow(msgspec.Struct, frozen=True):
    """One side whom the bet concerns, as typed."""

    side: str = ""
    gain: str = ""
    fear: str = ""


class RiskRow(msgspec.Struct, frozen=True):
    """What is said of one risk, as typed."""

    risk: str
    level: str = ""
    owner_role: str = ""
    fear: str = ""


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
    deadline: str = ""
    horizon: str = ""
    mix: str = ""
    size: str = ""
    sponsor: str = ""
    product: str = ""
    design: str = ""
    technology: str = ""
    contributors: tuple[str, ...] = ()
    insights: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    sides: tuple[SideRow, ...] = ()
    risks: tuple[RiskRow, ...] = tuple(RiskRow(risk.value) for risk in Risk)
    feedback: str = ""
    """The id of the feedback that a new bet was made of; empty otherwise."""
    feedback_version: str = ""
    """What had been made of that feedback when the form was opened."""
    etag: str = ""
    """The version that was read when the form was opened; empty for a new bet."""


def read_form(data: Mapping[str, Any]) -> BetForm:
    """Read a posted form. Repeated fields come as lists; lines without a metric and a text are dropped."""
    plain: dict[str, Any] = {field: one_of(data, field) for field in PLAIN}
    names: dict[str, Any] = {field: _names(data, field) for field in NAMES}
    success = _rows(data, "success_metric", "success_expect")
    guardrails = _rows(data, "guardrail_metric", "guardrail_margin")
    return BetForm(
        title=one_of(data, "title"),
        name=one_of(data, "name"),
        owner=one_of(data, "owner"),
        purpose=one_of(data, "purpose"),
        beliefs=_names(data, "beliefs"),
        hypothesis=one_of(data, "hypothesis"),
        success=tuple(SuccessRow(*row) for row in success),
        guardrails=tuple(GuardrailRow(*row) for row in guardrails),
        kill=one_of(data, "kill"),
        **plain,
        **names,
        sides=tuple(SideRow(*row) for row in _rows(data, "side", "side_gain", "side_fear")),
        risks=tuple(
            RiskRow(
                risk.value, *(one_of(data, f"{risk.value}_{field}") for field in ("level", "owner", "fear"))
            )
            for risk in Risk
        ),
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
        deadline=bet.deadline.isoformat() if bet.deadline else "",
        horizon=bet.horizon or "",
        mix=bet.mix or "",
        size=bet.size,
        sponsor=bet.sponsor,
        product=bet.trio.product,
        design=bet.trio.design,
        technology=bet.trio.technology,
        contributors=bet.contributors,
        insights=bet.insights,
        goals=bet.goals,
        sides=tuple(SideRow(item.side, item.gain, item.fear) for item in bet.stakeholder_sides),
        risks=tuple(_risk_row(bet.note_of(risk)) for risk in Risk),
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
    patience, errors_of_date = _day("patience", form.patience)
    deadline, errors_of_deadline = _day("deadline", form.deadline)
    guardrails, errors_of_margins = _guardrails(form.guardrails)
    errors |= errors_of_date | errors_of_deadline | errors_of_margins
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
        "kill": _kill(form.kill),
        "patience": patience,
        "deadline": deadline,
        "trio": {role: getattr(form, role) for role in TRIO if getattr(form, role)} or None,
        "stakeholderSides": _sides(form.sides, spec.get("stakeholderSides")),
        "risks": [each for row in form.risks if len(each := _risk(row)) > 1],
        **{field: getattr(form, field) for field in ("horizon", "mix", "size", "sponsor")},
        **{field: list(getattr(form, field)) for field in NAMES},
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
        field = parts[3] if field == "trio" and len(parts) > 3 else PLACES.get(field, field)
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


def _day(field: str, text: str) -> tuple[str, dict[str, str]]:
    try:
        return (date.fromisoformat(text).isoformat() if text else ""), {}
    except ValueError:
        return "", {field: f"{text!r} is no date; write it as 2026-09-30."}


def _kill(text: str) -> str | list[str]:
    """One criterion is a text, as it always was; several are a list."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines if len(lines) > 1 else "".join(lines)


def _risk_row(note: RiskNote) -> RiskRow:
    return RiskRow(note.risk.value, note.level, note.owner_role, note.fear)


def _risk(row: RiskRow) -> dict[str, str]:
    filled = {"level": row.level, "ownerRole": row.owner_role, "fear": row.fear}
    return {"risk": row.risk} | {key: value for key, value in filled.items() if value}


def _sides(rows: Sequence[SideRow], before: Any) -> list[dict[str, Any]]:
    """The sides as typed; what the form does not show of one of that name, its metric, is kept."""
    kept = {item.get("side"): item for item in before if isinstance(item, Mapping)} if before else {}
    found = []
    for row in rows:
        if row.side:
            typed = {"gain": row.gain, "fear": row.fear}
            rest = {key: value for key, value in kept.get(row.side, {}).items() if key not in typed}
            found.append(rest | {"side": row.side} | {key: value for key, value in typed.items() if value})
    return found


def _names(data: Mapping[str, Any], field: str) -> tuple[str, ...]:
    given = (item for text in all_of(data, field) for item in re.split(r"[,\s]+", text) if item)
    return tuple(dict.fromkeys(given))


def _rows(data: Mapping[str, Any], *fields: str) -> list[tuple[str, ...]]:
    """The lines of a table of fields; those with nothing in them are dropped."""
    columns = [all_of(data, field) for field in fields]
    return [row for row in zip_longest(*columns, fillvalue="") if any(row)]
