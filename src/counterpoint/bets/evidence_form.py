"""The form of evidence: what was typed, and what is wrong with it by field."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from counterpoint.bets.evidence import Direction, EvidenceInput, Method
from counterpoint.bets.model import Risk
from counterpoint.errors import Problem
from counterpoint.web.forms import number_of, one_of

__all__ = ["EvidenceForm", "errors_of", "given_by", "read_evidence_form"]


class EvidenceForm(msgspec.Struct, frozen=True):
    """What stands in the fields, as text."""

    risk: str = ""
    method: str = ""
    direction: str = ""
    strength: str = ""
    sample: str = ""
    cost: str = ""
    date: str = ""
    link: str = ""
    note: str = ""
    corrects: str = ""


def read_evidence_form(data: Mapping[str, Any]) -> EvidenceForm:
    """Read a posted form."""
    return EvidenceForm(*(one_of(data, field) for field in EvidenceForm.__struct_fields__))


def given_by(form: EvidenceForm) -> tuple[EvidenceInput | None, dict[str, str]]:
    """The evidence that the form makes, or an error by field for what cannot be read."""
    errors: dict[str, str] = {}
    choices: dict[str, Any] = {}
    for field, kind in (("risk", Risk), ("method", Method), ("direction", Direction)):
        try:
            choices[field] = kind(getattr(form, field))
        except ValueError:
            errors[field] = f"Choose one: {', '.join(kind)}."
    numbers: dict[str, Any] = {}
    for field in ("strength", "sample", "cost"):
        text = getattr(form, field)
        try:
            numbers[field] = number_of(text) if text else None
        except ValueError:
            errors[field] = f"{text!r} is no number."
    for field in ("strength", "sample"):
        if isinstance(numbers.get(field), float):
            errors[field] = f"{getattr(form, field)} is no whole number."
    try:
        day = date.fromisoformat(form.date) if form.date else None
    except ValueError:
        errors["date"] = f"{form.date!r} is no date; write it as 2026-09-30."
        day = None
    if errors:
        return None, errors
    given = EvidenceInput(
        **choices, **numbers, date=day, link=form.link, note=form.note, corrects=form.corrects
    )
    return given, {}


def errors_of(problems: Iterable[Problem]) -> dict[str, str]:
    """The problems of recording by the field that shows them."""
    found: dict[str, str] = {}
    for problem in problems:
        field = problem.pointer.strip("/")
        found.setdefault(field if field in EvidenceForm.__struct_fields__ else "", problem.message)
    return found
