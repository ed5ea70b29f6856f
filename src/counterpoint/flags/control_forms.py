"""The forms of a flag's plan: what stands in their fields, and what they make of the plans. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from counterpoint.errors import Problem, escape
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
from counterpoint.flags.form_fields import (
    Data,
    json_in,
    json_shown,
    lines_in,
    many,
    one,
    pairs_in,
    percent_in,
    raw_in,
    wrong,
)
from counterpoint.said import Said

__all__ = [
    "FORMS",
    "STEPS",
    "RampStep",
    "Values",
    "edit_of",
    "field_of",
    "ramp_steps",
    "takes_other",
    "typed_into",
    "values_of",
]

MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
STEPS: Final = (1, 5, 10, 25, 50, 100)
"""Percentages that a ramp is taken to with one press."""


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
    arms: tuple[tuple[str, str], ...] = ()
    """Every variant that can be an arm with its share; empty where it is none."""
    overrides: tuple[tuple[str, str], ...] = ()
    """Every variant with the targeting keys that always get it, one a line."""


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


def takes_other(data: Data) -> bool:
    """Whether the percentage that was typed counts: nobody chose one of the steps since the form was opened."""
    return one(data, "percent") in ("", "other", one(data, "now") if one(data, "other") else "")


def values_of(composition: Composition, key: str, variants: Sequence[str] = ()) -> Values:
    """The forms as the plan is; `variants` are those of the flag."""
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
        rule=json_shown(audience.rule) if audience and audience.rule is not None else "",
        arms=tuple((name, str(plan.treatments.get(name, ""))) for name in _possible_arms(plan, variants)),
        overrides=tuple(
            (name, "\n".join(plan.overrides.get(name, ())))
            for name in dict.fromkeys([*variants, *plan.overrides])
        ),
    )


def _possible_arms(plan: FlagPlan, variants: Sequence[str]) -> list[str]:
    """The arms as they are, then the variants that could become some."""
    others = [name for name in variants if name not in (plan.default, plan.control)]
    return list(dict.fromkeys([*plan.treatments, *others]))


def typed_into(values: Values, data: Data) -> Values:
    """The forms with what was typed into one of them."""
    form = one(data, "do")
    if form == "ramp":
        return replace(values, percent="other" if takes_other(data) else one(data, "percent"))
    if form == "schedule":
        return replace(values, schedule=pairs_in(data, "at", "to"))
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
        return replace(values, needs=pairs_in(data, "needed", "variant"))
    if form == "arms":
        return replace(values, arms=_shares(data))
    if form == "overrides":
        typed = zip(raw_in(data, "override"), lines_in(data, "keys"), strict=False)
        return replace(values, overrides=tuple((name, "\n".join(keys)) for name, keys in typed))
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
    if problem.pointer.startswith((place + "treatments", place + "overrides")):
        return "arms" if form == "arms" else "overrides"
    names = {"layer/from": "start", "layer/to": "end", "layer": "layer", "audience/rule": "rule"}
    return names.get(problem.pointer.removeprefix(place), f"form-{form}")


_Change = Callable[[dict[str, Any], dict[str, Any]], None]
"""Changes the document of the plans, and within it that of the flag's plan."""


def _schedule(data: Data, now: float) -> _Change:
    rows: list[dict[str, Any]] = [
        {"at": _moment(at), "ramp": _number("to", to)} for at, to in pairs_in(data, "at", "to")
    ]
    past = datetime.fromtimestamp(now, UTC).strftime(MOMENT)

    def change(_: dict[str, Any], plan: dict[str, Any]) -> None:
        known = [row["at"] for row in plan.get("schedule") or ()]
        for row in rows:
            if row["at"] < past and row["at"] not in known:
                raise wrong("at", f"{row['at']} is past. To have the ramp at once, set it above.")
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
                raise wrong("new_holdout", f"There is a holdout {new!r} already; tick it above.")
            known[new] = {"percent": percent}
        plan["holdouts"] = list(dict.fromkeys([*names, *([new] if new else [])]))

    return change


def _needs(data: Data, _: float) -> _Change:
    rows = pairs_in(data, "needed", "variant")
    for flag, variant in rows:
        if not (flag and variant):
            raise wrong("needed", "A prerequisite names a flag and the variant that it must give.")

    def change(_: dict[str, Any], plan: dict[str, Any]) -> None:
        plan["prerequisites"] = [{"flag": flag, "variant": variant} for flag, variant in rows]

    return change


def _audience(data: Data, _: float) -> _Change:
    sides = _sides(data)
    rule, new = json_in(data, "rule"), one(data, "new_segment")
    given = json_in(data, "segment_rule")
    if new and given is None:
        raise wrong("segment_rule", 'A segment has a rule, such as {"in": [{"var": "country"}, ["SE"]]}.')

    def change(document: dict[str, Any], plan: dict[str, Any]) -> None:
        if new:
            known = document.setdefault("segments", {})
            if new in known:
                raise wrong("new_segment", f"There is a segment {new!r} already; choose it above.")
            known[new] = given
        chosen = [name for name, side in sides.items() if side == "in"] + ([new] if new else [])
        audience = {
            "segments": chosen,
            "except": [name for name, side in sides.items() if side == "out"],
            "rule": rule,
        }
        plan["audience"] = {name: value for name, value in audience.items() if value not in (None, [])}

    return change


def _arms(data: Data, _: float) -> _Change:
    shares = {arm: _share(share) for arm, share in _shares(data) if share}
    if not any(shares.values()):
        raise wrong("arms", "Give at least one arm a share, such as 1.")

    def change(_: dict[str, Any], plan: dict[str, Any]) -> None:
        plan["treatments"] = {arm: share for arm, share in shares.items() if share}

    return change


def _shares(data: Data) -> tuple[tuple[str, str], ...]:
    return tuple(zip(raw_in(data, "arm"), many(data, "share"), strict=False))


def _share(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise wrong("arms", f"{text!r} is no share. Write a whole number, such as 1 or 50; 0 for no arm.")
    return int(text.lstrip("0")[:12] or "0")


def _overrides(data: Data, _: float) -> _Change:
    given = list(zip(raw_in(data, "override"), lines_in(data, "keys"), strict=False))

    def change(_: dict[str, Any], plan: dict[str, Any]) -> None:
        known = {key for keys in (plan.get("overrides") or {}).values() for key in keys}
        # Blanks around what is typed are a slip, and around a key that was there before they are part of it.
        plan["overrides"] = {
            name: list(dict.fromkeys(key if key in known else key.strip() for key in keys))
            for name, keys in given
        }

    return change


FORMS: Final[Mapping[str, Callable[[Data, float], _Change]]] = {
    "schedule": _schedule,
    "layer": _layer,
    "holdouts": _holdouts,
    "needs": _needs,
    "audience": _audience,
    "arms": _arms,
    "overrides": _overrides,
}


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
        raise wrong("at", f"{text!r} is no moment. Write it as 2026-12-01T09:00, in UTC.") from None
    return utc.replace(microsecond=0).strftime(MOMENT)


def _local(at: int) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M")
