"""The form of a datum, an insight, a belief or a purpose, and the descriptor that it makes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import zip_longest
from typing import Any

import msgspec

from counterpoint.errors import Problem
from counterpoint.web.forms import all_of, begun, name_from, number_of, one_of, put

__all__ = ["HORIZONS", "WhyForm", "read_why_form", "why_descriptor", "why_errors", "why_form_of"]

HORIZONS = (("quarter", "This quarter"), ("year", "This year"), ("years", "Several years"))
"""How far a belief looks."""
TEXTS: Mapping[str, tuple[str, ...]] = {
    "Datum": ("statement", "metric", "source", "link", "date"),
    "Insight": ("statement",),
    "Belief": ("statement", "purpose", "horizon", "confidence", "expires"),
    "Purpose": ("statement",),
}
LISTS: Mapping[str, str] = {"Insight": "data", "Belief": "insights"}
"""The field that names what a node rests on, by kind."""
WORDS_OF_NAME = 6


class Beneficiary(msgspec.Struct, frozen=True):
    """For whom a purpose is, as typed."""

    who: str = ""
    gain: str = ""


class WhyForm(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the fields, as text."""

    kind: str
    title: str = ""
    owner: str = ""
    statement: str = ""
    metric: str = ""
    source: str = ""
    link: str = ""
    date: str = ""
    purpose: str = ""
    horizon: str = ""
    confidence: str = ""
    """In per cent."""
    expires: str = ""
    rests_on: tuple[str, ...] = ()
    beneficiaries: tuple[Beneficiary, ...] = ()
    etag: str = ""


def read_why_form(kind: str, data: Mapping[str, Any]) -> WhyForm:
    """Read a posted form."""
    plain = {
        field: one_of(data, field)
        for field in WhyForm.__struct_fields__
        if field not in ("kind", "rests_on", "beneficiaries")
    }
    named = (item for text in all_of(data, "rests_on") for item in re.split(r"[,\s]+", text) if item)
    rows = zip_longest(all_of(data, "who"), all_of(data, "gain"), fillvalue="")
    return WhyForm(
        kind=kind,
        **plain,
        rests_on=tuple(dict.fromkeys(named)),
        beneficiaries=tuple(Beneficiary(*row) for row in rows if any(row)),
    )


def why_form_of(kind: str, document: Mapping[str, Any], etag: str) -> WhyForm:
    """The form that shows a node as it is."""
    metadata, spec = document["metadata"], document.get("spec") or {}
    confidence = spec.get("confidence")
    texts = {field: str(spec.get(field) or "") for field in TEXTS[kind] if field != "confidence"}
    return WhyForm(
        kind=kind,
        title=str(metadata.get("title") or ""),
        owner=str(spec.get("owner") or ""),
        confidence=f"{confidence * 100:.6g}" if isinstance(confidence, int | float) else "",
        **texts,
        rests_on=tuple(map(str, spec.get(LISTS.get(kind, "")) or ())),
        beneficiaries=tuple(
            Beneficiary(str(item.get("who") or ""), str(item.get("gain") or ""))
            for item in spec.get("beneficiaries") or ()
        ),
        etag=etag,
    )


def why_descriptor(
    form: WhyForm, before: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The descriptor that the form makes, and an error by field for what cannot be read.

    `before` is the document being edited; what the form does not show of it is kept.
    """
    words = form.title or " ".join(form.statement.split()[:WORDS_OF_NAME])
    document = begun(form.kind, before, name=name_from(words), title=words)
    spec, errors = document["spec"], dict(_missing(form, document))
    put(document["metadata"], "title", form.title)
    put(spec, "owner", form.owner)
    for field in TEXTS[form.kind]:
        text = getattr(form, field)
        if field in ("date", "expires"):
            errors |= _day_error(field, text)
        put(spec, field, text)
    if form.kind == "Belief":
        confidence, wrong = _confidence(form.confidence)
        errors |= wrong
        put(spec, "confidence", confidence)
    if form.kind in LISTS:
        put(spec, LISTS[form.kind], list(form.rests_on))
    if form.kind == "Purpose":
        if any(not row.who for row in form.beneficiaries):
            errors["beneficiaries"] = "Say for whom this gain is."
        rows: Sequence[Beneficiary] = [row for row in form.beneficiaries if row.who]
        put(
            spec,
            "beneficiaries",
            [{"who": row.who} | ({"gain": row.gain} if row.gain else {}) for row in rows],
        )
    return document, errors


def why_errors(problems: Iterable[Problem]) -> dict[str, str]:
    """The graph's problems by the field that shows them."""
    found: dict[str, str] = {}
    for problem in problems:
        parts = problem.pointer.split("/")
        field = parts[2] if len(parts) > 2 else ""
        field = {"data": "rests_on", "insights": "rests_on", "name": "title"}.get(field, field)
        found.setdefault(field if field in WhyForm.__struct_fields__ else "", problem.message)
    return found


def _missing(form: WhyForm, document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if not form.statement:
        yield "statement", "Say it in one sentence."
    elif not document["metadata"].get("name"):
        yield "title", "Give it a title of Latin letters; its name in addresses is made from it."
    if not form.owner:
        yield "owner", "Name the unit that answers for it."


def _day_error(field: str, text: str) -> dict[str, str]:
    try:
        date.fromisoformat(text or "2026-01-01")
    except ValueError:
        return {field: f"{text!r} is no date; write it as 2026-09-30."}
    return {}


def _confidence(text: str) -> tuple[float | None, dict[str, str]]:
    if not text:
        return None, {}
    try:
        value = number_of(text.rstrip("% "))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        return None, {"confidence": f"{text!r} is no percentage; write a number from 0 to 100."}
    return round(value / 100, 6), {}
