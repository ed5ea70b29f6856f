"""Segments, layers and holdouts of a set as forms: what each is, who uses it, and what a form makes of it. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from counterpoint.flags.composition import Composition, document_of, read_composition
from counterpoint.flags.composition.plan import SUBJECT, percent_of
from counterpoint.flags.form_fields import Data, json_in, json_shown, one, percent_in, wrong
from counterpoint.flags.sentences import condition

__all__ = ["KINDS", "Shared", "Use", "edit_of", "shared_of"]

KINDS: Final[Mapping[str, str]] = {"segment": "segments", "layer": "layers", "holdout": "holdouts"}
"""What plans share, and where it stands in a composition."""


@dataclass(frozen=True, slots=True)
class Use:
    """A flag whose plan names it."""

    flag: str
    words: str
    resting: bool = False
    """Whether the plan rests, since the flag was edited by hand."""


@dataclass(frozen=True, slots=True)
class Shared:
    """One segment, layer or holdout, as its form shows it."""

    kind: str
    name: str
    words: str
    uses: tuple[Use, ...]
    rule: str = ""
    percent: str = ""
    bucket_by: str = ""


def shared_of(composition: Composition) -> list[Shared]:
    """All that the plans of a set share, kind by kind."""
    document = document_of(composition)
    found = [
        Shared("segment", name, condition(rule), _uses(document, "segment", name), rule=json_shown(rule))
        for name, rule in composition.segments.items()
    ]
    found += [
        Shared(
            "layer",
            name,
            f"drawn by {layer.bucket_by}",
            _uses(document, "layer", name),
            bucket_by=layer.bucket_by,
        )
        for name, layer in composition.layers.items()
    ]
    found += [
        Shared(
            "holdout",
            name,
            f"{percent_of(holdout.weight)} % by {holdout.bucket_by}",
            _uses(document, "holdout", name),
            percent=f"{percent_of(holdout.weight)}",
            bucket_by=holdout.bucket_by,
        )
        for name, holdout in composition.holdouts.items()
    ]
    return found


def _uses(document: Mapping[str, Any], kind: str, name: str) -> tuple[Use, ...]:
    found = []
    for key, plan, resting in _plans(document):
        words = _named(plan, kind, name)
        if words:
            found.append(Use(key, words, resting))
    return tuple(found)


def _plans(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for part in ("flags", "detached"):
        for key, plan in (document.get(part) or {}).items():
            yield key, plan, part == "detached"


def _named(plan: Mapping[str, Any], kind: str, name: str) -> str:
    """How a plan uses it; empty where it does not."""
    if kind == "segment":
        audience = plan.get("audience") or {}
        if name in audience.get("segments", ()):
            return "for those in it"
        return "for those who are not in it" if name in audience.get("except", ()) else ""
    if kind == "holdout":
        return "keeps out of it" if name in plan.get("holdouts", ()) else ""
    slot = plan.get("layer") or {}
    return f"has {slot['from']} to {slot['to']} % of it" if slot.get("name") == name else ""


def edit_of(data: Data) -> Callable[[Composition], Composition]:
    """What a posted form makes of the plans: one thing added, changed, renamed or removed.

    Args:
        data: `kind`, `which` (empty for a new one), `name` and the fields of the kind; `remove` takes it away, and
            with `also` out of the plans that use it.

    Raises:
        FormError: a field cannot be read. The function that is given back raises it, too: where what is meant is
            gone, a name is taken, or flags use what is to go.
        CompositionError: of that function: what was made cannot be used.
    """
    kind, which, name = one(data, "kind"), one(data, "which"), one(data, "name")
    if kind not in KINDS:
        raise wrong("", f"There is no form {kind!r} on this page. Open the page again.")
    removing = one(data, "remove") != ""
    value: Any = {} if removing else _value(kind, data)
    if not removing and not name:
        raise wrong("name", f"A {kind} has a name.")

    def edit(composition: Composition) -> Composition:
        document = document_of(composition)
        known = document.setdefault(KINDS[kind], {})
        if which and which not in known:
            raise wrong("", f"There is no {kind} {which!r} any more.")
        if removing:
            used = [use.flag for use in _uses(document, kind, which)]
            if used and not one(data, "also"):
                raise wrong(
                    "also", f"It is used by {', '.join(used)}. Tick that it is taken out of them, too."
                )
            del known[which]
            _put(document, kind, which, None)
        else:
            if name != which and name in known:
                raise wrong("name", f"There is a {kind} {name!r} already.")
            # What a form does not show of it, such as its salt, stays.
            old = known.get(which)
            new = {**old, **value} if isinstance(old, dict) and kind != "segment" else value
            document[KINDS[kind]] = {
                (name if each == which else each): (new if each == which else given)
                for each, given in known.items()
            } | ({} if which else {name: new})
            if which and name != which:
                _put(document, kind, which, name)
        return read_composition({part: each for part, each in document.items() if each})

    return edit


def _value(kind: str, data: Data) -> Any:
    if kind == "segment":
        rule = json_in(data, "rule")
        if rule is None:
            raise wrong("rule", 'A segment has a rule, such as {"in": [{"var": "country"}, ["SE"]]}.')
        return rule
    by = {"bucketBy": one(data, "bucket_by") or SUBJECT}
    return by if kind == "layer" else {"percent": percent_in(data, "percent"), **by}


def _put(document: dict[str, Any], kind: str, old: str, new: str | None) -> None:
    """Let every plan name it by its new name, or not at all."""
    for _, plan, _ in _plans(document):
        if kind == "segment":
            audience = plan.get("audience") or {}
            for side in ("segments", "except"):
                if old in audience.get(side, ()):
                    audience[side] = _replaced(audience[side], old, new)
            kept = {name: value for name, value in audience.items() if value not in (None, [])}
            plan.pop("audience", None)
            if kept:
                plan["audience"] = kept
        elif kind == "holdout" and old in plan.get("holdouts", ()):
            plan["holdouts"] = _replaced(plan["holdouts"], old, new)
        elif kind == "layer" and (plan.get("layer") or {}).get("name") == old:
            if new is None:
                del plan["layer"]
            else:
                plan["layer"] = {**plan["layer"], "name": new}


def _replaced(names: list[str], old: str, new: str | None) -> list[str]:
    own = [] if new is None else [new]
    return [name for each in names for name in (own if each == old else [each])]
