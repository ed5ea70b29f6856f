"""The forms of a flag's plan: what stands in their fields, and what they make of the plans. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from counterpoint.errors import InputError, Problem, escape
from counterpoint.flags.composition import (
    Composition,
    FlagPlan,
    difference,
    document_of,
    percent_of,
    read_composition,
    with_ramp,
)
from counterpoint.flags.composition.changes import plan_of
from counterpoint.said import Said
from counterpoint.web.forms import count_of

__all__ = [
    "FORMS",
    "STEPS",
    "FormError",
    "RampStep",
    "Values",
    "as_typed",
    "count_in",
    "edit_of",
    "field_of",
    "many",
    "one",
    "percent_in",
    "ramp_steps",
    "takes_other",
    "typed_into",
    "values_of",
]

MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
STEPS: Final = (1, 5, 10, 25, 50, 100)
"""Percentages that a ramp is taken to with one press."""
Data = Mapping[str, Any]


class FormError(InputError):
    """A field cannot be read; `problems` name it by its name in the form."""

    title = "The form is not filled in"


@dataclass(frozen=True, slots=True)
class RampStep:
    """One choice of the ramp, and what it would do."""

    percent: float
    sentences: tuple[Said, ...]
    now: bool
    """Whether the ramp is there already, without a schedule that would move it."""


@dataclass(frozen=True, slots=True)
class Values:
    """What stands in the fields of the forms, as text."""

    percent: str = ""
    schedule: tuple[tuple[str, str], ...] = ()
    """Moments (as `datetime-local` writes them, in UTC) and percentages."""
    layer: str = ""
    new_layer: str = ""
    start: str = ""
    end: str = ""
    holdouts: tuple[str, ...] = ()
    new_holdout: str = ""
    holdout_percent: str = ""
    needs: tuple[tuple[str, str], ...] = ()
    """Flags and the variants that they must give."""
    segments: Mapping[str, str] = field(default_factory=dict)
    """`in` or `out` by segment; others do not matter to the flag."""
    rule: str = ""
    new_segment: str = ""
    segment_rule: str = ""


def ramp_steps(composition: Composition, key: str) -> list[RampStep]:
    """The steps of a ramp, each with what it does to people; the present one among them."""
    plan = composition.flags[key]
    alone = replace(composition, flags={key: plan})  # of a thousand other plans nothing changes
    chosen = sorted({0, *STEPS, percent_of(plan.ramp)})
    return [_step(alone, key, plan, percent) for percent in chosen]


def _step(composition: Composition, key: str, plan: FlagPlan, percent: float) -> RampStep:
    after = with_ramp(composition, key, percent)
    now = after.flags[key] == plan
    said = tuple(
        each for change in difference(composition, after) if change.key == key for each in change.sentences
    )
    before = percent_of(plan.ramp)
    for prefix in (f"ramp of {key!r} {before} % → {percent_of(after.flags[key].ramp)} %: ", f"{key!r}: "):
        said = tuple(each.removeprefix(prefix) for each in said)
    return RampStep(percent, tuple(each[:1].upper() + each[1:] for each in said), now)


def percent_in(data: Data, name: str) -> float:
    """The percentage that was typed into a field.

    Raises:
        FormError: it is none.
    """
    text = one(data, name)
    try:
        number = float(text.rstrip("% ").replace(",", "."))
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        shown = f"{text!r} is no percentage. " if text else ""
        raise _wrong(name, f"{shown}Write a number from 0 to 100, such as 25.")
    return int(number) if number == int(number) else number


def takes_other(data: Data) -> bool:
    """Whether the percentage that was typed counts: nobody chose one of the steps since the form was opened."""
    return one(data, "percent") in ("", "other", one(data, "now") if one(data, "other") else "")


def values_of(composition: Composition, key: str) -> Values:
    """The forms as the plan is."""
    plan = composition.flags.get(key)
    if plan is None:
        return Values()
    audience = plan.audience
    sides = dict.fromkeys(audience.segments, "in") if audience else {}
    sides |= dict.fromkeys(audience.excluded, "out") if audience else {}
    return Values(
        percent=f"{percent_of(plan.ramp)}",
        schedule=tuple((_local(each.at), f"{percent_of(each.ramp)}") for each in plan.schedule),
        layer=plan.slot.layer if plan.slot else "",
        start=f"{percent_of(plan.slot.start)}" if plan.slot else "",
        end=f"{percent_of(plan.slot.end)}" if plan.slot else "",
        holdouts=plan.holdouts,
        needs=tuple((need.flag, need.variant) for need in plan.prerequisites),
        segments=sides,
        rule=_pretty(audience.rule) if audience and audience.rule is not None else "",
    )


def typed_into(values: Values, data: Data) -> Values:
    """The forms with what was typed into one of them."""
    form = one(data, "do")
    if form == "ramp":
        return replace(values, percent="other" if takes_other(data) else one(data, "percent"))
    if form == "schedule":
        return replace(values, schedule=_pairs(data, "at", "to"))
    if form == "layer":
        return replace(
            values,
            layer=one(data, "layer"),
            new_layer=one(data, "new_layer"),
            start=one(data, "start"),
            end=one(data, "end"),
        )
    if form == "holdouts":
        return replace(
            values,
            holdouts=tuple(many(data, "holdouts")),
            new_holdout=one(data, "new_holdout"),
            holdout_percent=one(data, "holdout_percent"),
        )
    if form == "needs":
        return replace(values, needs=_pairs(data, "needed", "variant"))
    if form == "audience":
        return replace(
            values,
            segments=_sides(data),
            rule=one(data, "rule"),
            new_segment=one(data, "new_segment"),
            segment_rule=one(data, "segment_rule"),
        )
    return values


def edit_of(key: str, data: Data, *, now: float) -> Callable[[Composition], Composition]:
    """What a posted form makes of the plans. What it does not show of a plan is kept.

    Args:
        key: the flag's key.
        data: what was sent.
        now: Unix seconds; a schedule begins no earlier.

    Raises:
        FormError: a field cannot be read.
    """
    form = one(data, "do")
    change = FORMS[form](data, now)

    def edit(composition: Composition) -> Composition:
        plan_of(composition, key)  # says what is in the way where the flag has no plan
        document = document_of(composition)
        change(document, document["flags"][key])
        document["flags"][key] = {name: value for name, value in document["flags"][key].items() if value}
        return read_composition(document)

    return edit


def field_of(form: str, key: str, problem: Problem) -> str:
    """The field of a form that shows a problem; empty where none does."""
    place = f"/flags/{escape(key)}/"
    if not problem.pointer.startswith("/"):
        return problem.pointer
    if problem.pointer.startswith("/segments/"):
        return "segment_rule"
    if problem.pointer.startswith("/layers/"):
        return "new_layer"
    if problem.pointer.startswith("/holdouts/"):
        return "holdout_percent"
    names = {"layer/from": "start", "layer/to": "end", "layer": "layer", "audience/rule": "rule"}
    return names.get(problem.pointer.removeprefix(place), f"form-{form}")


_Change = Callable[[dict[str, Any], dict[str, Any]], None]
"""Changes the document of the plans, and within it that of the flag's plan."""


def _schedule(data: Data, now: float) -> _Change:
    rows: list[dict[str, Any]] = [
        {"at": _moment(at), "ramp": _number("to", to)} for at, to in _pairs(data, "at", "to")
    ]
    past = datetime.fromtimestamp(now, UTC).strftime(MOMENT)

    def change(_: dict[str, Any], plan: dict[str, Any]) -> None:
        known = [row["at"] for row in plan.get("schedule") or ()]
        for row in rows:
            if row["at"] < past and row["at"] not in known:
                raise _wrong("at", f"{row['at']} is past. To have the ramp at once, set it above.")
        plan["schedule"] = rows

    return change


def _layer(data: Data, _: float) -> _Change:
    name, new = one(data, "layer"), one(data, "new_layer")
    slot = None
    if new or name:
        slot = {"name": new or name, "from": percent_in(data, "start"), "to": percent_in(data, "end")}

    def change(document: dict[str, Any], plan: dict[str, Any]) -> None:
        if new:
            document.setdefault("layers", {}).setdefault(new, {})
        plan["layer"] = slot

    return change


def _holdouts(data: Data, _: float) -> _Change:
    names, new = many(data, "holdouts"), one(data, "new_holdout")
    percent = percent_in(data, "holdout_percent") if new else None

    def change(document: dict[str, Any], plan: dict[str, Any]) -> None:
        if new:
            known = document.setdefault("holdouts", {})
            if new in known:
                raise _wrong("new_holdout", f"There is a holdout {new!r} already; tick it above.")
            known[new] = {"percent": percent}
        plan["holdouts"] = list(dict.fromkeys([*names, *([new] if new else [])]))

    return change


def _needs(data: Data, _: float) -> _Change:
    rows = _pairs(data, "needed", "variant")
    for flag, variant in rows:
        if not (flag and variant):
            raise _wrong("needed", "A prerequisite names a flag and the variant that it must give.")

    def change(_: dict[str, Any], plan: dict[str, Any]) -> None:
        plan["prerequisites"] = [{"flag": flag, "variant": variant} for flag, variant in rows]

    return change


def _audience(data: Data, _: float) -> _Change:
    sides = _sides(data)
    rule, new = _json(data, "rule"), one(data, "new_segment")
    given = _json(data, "segment_rule")
    if new and given is None:
        raise _wrong("segment_rule", 'A segment has a rule, such as {"in": [{"var": "country"}, ["SE"]]}.')

    def change(document: dict[str, Any], plan: dict[str, Any]) -> None:
        if new:
            known = document.setdefault("segments", {})
            if new in known:
                raise _wrong("new_segment", f"There is a segment {new!r} already; choose it above.")
            known[new] = given
        chosen = [name for name, side in sides.items() if side == "in"] + ([new] if new else [])
        audience = {
            "segments": chosen,
            "except": [name for name, side in sides.items() if side == "out"],
            "rule": rule,
        }
        plan["audience"] = {name: value for name, value in audience.items() if value not in (None, [])}

    return change


FORMS: Final[Mapping[str, Callable[[Data, float], _Change]]] = {
    "schedule": _schedule,
    "layer": _layer,
    "holdouts": _holdouts,
    "needs": _needs,
    "audience": _audience,
}


def one(data: Data, name: str) -> str:
    """The first value of a field."""
    return next(iter(many(data, name)), "")


def as_typed(data: Data, name: str) -> str:
    """The value of a field of many lines, with the line breaks at its ends."""
    value = data.get(name)
    found = next(iter(value), "") if isinstance(value, list | tuple) else value
    return "" if found is None else str(found).replace("\r\n", "\n")


def many(data: Data, name: str) -> list[str]:
    """Every value of a field."""
    value = data.get(name)
    values = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return [str(item).replace("\r\n", "\n").strip() for item in values]


def count_in(data: Data, name: str) -> int | None:
    """The whole number in a field, such as that of a version; None where there is none."""
    return count_of(one(data, name))


def _pairs(data: Data, first: str, second: str) -> tuple[tuple[str, str], ...]:
    left, right = many(data, first), many(data, second)
    size = max(len(left), len(right))
    padded = zip(left + [""] * (size - len(left)), right + [""] * (size - len(right)), strict=True)
    return tuple(row for row in padded if any(row))


def _sides(data: Data) -> dict[str, str]:
    """`in` or `out` by segment, from fields whose names are not ours to choose: one for each side."""
    sides = dict.fromkeys(many(data, "segments_in"), "in")
    return sides | dict.fromkeys(many(data, "segments_out"), "out")


def _number(name: str, text: str) -> float:
    return percent_in({name: text}, name)


def _moment(text: str) -> str:
    """An RFC 3339 moment from what `datetime-local` sends, which has no zone and is in UTC here."""
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong("at", f"{text!r} is no moment. Write it as 2026-12-01T09:00, in UTC.") from None
    return utc.replace(microsecond=0).strftime(MOMENT)


def _local(at: int) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M")


def _json(data: Data, name: str) -> Any:
    text = one(data, name)
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        raise _wrong(name, f"This is not JSON: {error}.") from None


def _wrong(name: str, message: str) -> FormError:
    return FormError("The form is not filled in. Nothing was changed.", [Problem(message, name)])


def _pretty(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) < 60 else json.dumps(value, indent=2, ensure_ascii=False)
