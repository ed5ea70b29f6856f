"""Reading a composition: from YAML, JSON or a dict to checked plans, every problem with its pointer."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from counterpoint.errors import Problem
from counterpoint.flags.bucketing import BUCKETINGS
from counterpoint.flags.composition.checks import faults_of
from counterpoint.flags.composition.fields import Fields, Place
from counterpoint.flags.composition.plan import (
    SUBJECT,
    Audience,
    Composition,
    CompositionError,
    FlagPlan,
    Holdout,
    Kill,
    Layer,
    Prerequisite,
    Scheduled,
    Slot,
    percent_of,
    weight_of,
)
from counterpoint.yaml12.reader import Document, read_data, read_file

__all__ = ["Locate", "read_composition", "read_located"]

Locate: TypeAlias = Callable[[Problem], Problem]
"""Gives a problem with a pointer its file, line and column, where they are known."""
T = TypeVar("T")
MOST_SCHEDULED = 20
MOST_SHARE = 1_000_000


def read_composition(source: Mapping[str, Any] | str | bytes | Path) -> Composition:
    """The composition of a document: a dict, YAML or JSON text, or the path of a file.

    Raises:
        CompositionError: it cannot be used; `problems` name pointers, in a text lines and columns too.
    """
    return read_located(source)[0]


def read_located(source: Mapping[str, Any] | str | bytes | Path) -> tuple[Composition, Locate]:
    """The composition of a document, and what locates later problems in it; see `read_composition`."""
    if isinstance(source, Mapping):
        return _checked(source, lambda problem: problem)
    if isinstance(source, Path):
        reading = read_file(source)
    else:
        reading = read_data(source.encode() if isinstance(source, str) else source)
    documents = reading.documents
    problems = reading.problems or tuple(
        each.problem("A composition is one document. Remove this one.") for each in documents[1:]
    )
    if problems:
        raise CompositionError("The composition cannot be read. Nothing was changed.", problems)
    if not documents:
        return _checked({}, lambda problem: problem)
    return _checked(documents[0].value, lambda problem: _located(documents[0], problem))


def _located(document: Document, problem: Problem) -> Problem:
    return document.problem(problem.message, problem.pointer)


def _checked(document: Any, locate: Locate) -> tuple[Composition, Locate]:
    problems: list[Problem] = []
    composition = _composition(Place(document, "", problems))
    problems = problems or list(faults_of(composition))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise CompositionError(
            f"The composition is refused as a whole: {count}. Nothing was changed.", map(locate, problems)
        )
    return composition, locate


def _composition(place: Place) -> Composition:
    fields = Fields(place, ("segments", "layers", "holdouts", "flags", "detached", "compiled"))
    return Composition(
        flags=_each(fields, "flags", _plan),
        segments=_each(fields, "segments", Place.rule, named=True),
        layers=_each(fields, "layers", _layer, named=True),
        holdouts=_each(fields, "holdouts", _holdout, named=True),
        detached=_each(fields, "detached", _plan),
        digests=_each(fields, "compiled", Place.text),
    )


def _each(
    fields: Fields, name: str, read: Callable[[Place], T | None], *, named: bool = False
) -> dict[str, T]:
    place = fields.get(name)
    members = place.members() if place else []
    found = {}
    for key, member in members:
        if named and not member.is_name(key):
            continue
        value = read(member)
        if value is not None:
            found[key] = value
    return found


def _layer(place: Place) -> Layer | None:
    if place.value is None or place.value == {}:
        return Layer(f"layer:{place.name}")
    fields = Fields(place, ("salt", "bucketBy"))
    return Layer(fields.salt() or f"layer:{place.name}", fields.path("bucketBy", SUBJECT))


def _holdout(place: Place) -> Holdout | None:
    fields = Fields(place, ("percent", "salt", "bucketBy"))
    if not fields.sound:
        return None
    percent = fields.get("percent")
    if percent is None:
        place.refuse("A holdout has a `percent`, from 0 to 100.")
        return None
    salt = fields.salt() or f"holdout:{place.name}"
    return Holdout(_weight(percent), salt, fields.path("bucketBy", SUBJECT))


def _plan(place: Place) -> FlagPlan | None:
    fields = Fields(
        place,
        (
            "variants", "default", "treatments", "treatment", "control", "ramp", "audience", "layer", "holdouts", "prerequisites",
            "schedule", "overrides", "salt", "bucketBy", "bucketing", "guarded", "killed", "rollout",
        ),
    )  # fmt: skip
    if not fields.sound:
        return None
    default, ramp = fields.text("default"), fields.get("ramp")
    if default is None and fields.get("default") is None:
        place.refuse("A plan has a `default`: the variant of whoever is not enrolled.")
    variants = fields.get("variants")
    bucketing = fields.get("bucketing")
    if bucketing and bucketing.value not in BUCKETINGS:
        bucketing.refuse("This must be v2 or v3.")
    guarded = fields.get("guarded")
    if guarded and not isinstance(guarded.value, bool):
        guarded.refuse("This must be true or false.")
    return FlagPlan(
        default=default or "",
        treatments=_treatments(fields),
        ramp=_weight(ramp) if ramp else 0,
        variants=dict(variants.mapping()) if variants else None,
        control=fields.text("control"),
        audience=_audience(fields.get("audience")),
        slot=_slot(fields.get("layer")),
        holdouts=tuple(fields.texts("holdouts")),
        prerequisites=tuple(_prerequisites(fields.get("prerequisites"))),
        schedule=tuple(_schedule(fields.get("schedule"))),
        overrides=_overrides(fields.get("overrides")),
        salt=fields.salt(),
        bucket_by=fields.path("bucketBy", SUBJECT),
        bucketing=bucketing.value if bucketing else None,
        guarded=bool(guarded and guarded.value),
        killed=_kill(fields.get("killed")),
        rollout=fields.text("rollout"),
    )


def _weight(place: Place) -> int:
    weight = weight_of(place.value)
    if weight is None:
        place.refuse(
            f"{place.shown} is no percentage. Give a number from 0 to 100 with at most three decimals."
        )
    return weight or 0


def _treatments(fields: Fields) -> dict[str, int]:
    several, one = fields.get("treatments"), fields.text("treatment")
    if several and one:
        several.refuse("Give `treatment` or `treatments`, not both.")
    if not several:
        if one is None:
            fields.place.refuse(
                "A plan has `treatments`: the arms with their shares, such as {on: 1}; or one `treatment`."
            )
        return {one: 1} if one else {}
    found = {}
    for name, share in several.members():
        if (
            isinstance(share.value, int)
            and not isinstance(share.value, bool)
            and 1 <= share.value <= MOST_SHARE
        ):
            found[name] = share.value
        else:
            share.refuse(f"{share.shown} is no share. Give a whole number from 1 to {MOST_SHARE:,}.")
    if not several.mapping():
        several.refuse("There is no treatment. Give at least one, such as {on: 1}.")
    return found


def _audience(place: Place | None) -> Audience | None:
    if place is None:
        return None
    if isinstance(place.value, list):
        return Audience(segments=tuple(place.texts()))
    if isinstance(place.value, str):
        return Audience(segments=(place.value,))
    fields = Fields(place, ("segments", "except", "rule"))
    rule = fields.get("rule")
    return Audience(
        segments=tuple(fields.texts("segments")),
        excluded=tuple(fields.texts("except")),
        rule=rule.rule() if rule else None,
    )


def _slot(place: Place | None) -> Slot | None:
    if place is None:
        return None
    fields = Fields(place, ("name", "from", "to"))
    name, start, end = fields.text("name"), fields.get("from"), fields.get("to")
    if not fields.sound:
        return None
    if name is None or start is None or end is None:
        place.refuse("A layer is named with its range, such as {name: home, from: 0, to: 50}.")
        return None
    slot = Slot(name, _weight(start), _weight(end))
    if slot.start >= slot.end and place.clean(start, end):
        end.refuse(
            f"The range ends at {percent_of(slot.end)} %, which is not after its start at {percent_of(slot.start)} %."
        )
    return slot


def _prerequisites(place: Place | None) -> list[Prerequisite]:
    found = []
    for item in place.items() if place else []:
        fields = Fields(item, ("flag", "variant"))
        flag, variant = fields.text("flag"), fields.text("variant")
        if flag and variant:
            found.append(Prerequisite(flag, variant))
        elif fields.sound:
            item.refuse(
                "A prerequisite names a flag and its variant, such as {flag: new-player, variant: on}."
            )
    return found


def _schedule(place: Place | None) -> list[Scheduled]:
    found = []
    for item in place.items() if place else []:
        fields = Fields(item, ("at", "ramp"))
        at, ramp = fields.get("at"), fields.get("ramp")
        if at and ramp:
            found.append(Scheduled(_second(at), _weight(ramp)))
        elif fields.sound:
            item.refuse("A change has a moment and a ramp, such as {at: 2026-12-01T09:00:00Z, ramp: 25}.")
    if place and len(found) > MOST_SCHEDULED:
        place.refuse(
            f"{len(found)} changes are too many; {MOST_SCHEDULED} are the most. Remove what is over."
        )
    if place and len({one.at for one in found}) < len(found):
        place.refuse("Two changes are of the same second. Remove one.")
    return sorted(found, key=lambda one: one.at)


def _second(place: Place) -> int:
    """Unix seconds of an RFC 3339 moment, or of a whole number."""
    try:
        moment = datetime.fromisoformat(place.value) if isinstance(place.value, str) else None
    except ValueError:
        moment = None
    if (
        moment is None
        or moment.tzinfo is None
        or moment.microsecond
        or not 0 <= moment.timestamp() <= 253_402_300_799
    ):
        place.refuse(
            f"{place.shown} is no moment. Write date, time to the second and zone, such as 2026-12-01T09:00:00Z."
        )
        return 0
    return int(moment.timestamp())


def _overrides(place: Place | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    given: dict[str, str] = {}
    for variant, keys in place.members() if place else []:
        found[variant] = tuple(keys.texts())
        for key in found[variant]:
            if given.setdefault(key, variant) != variant:
                keys.refuse(f"{key!r} is given {given[key]!r} already. Give each subject one variant.")
    return {variant: keys for variant, keys in found.items() if keys}


def _kill(place: Place | None) -> Kill | None:
    if place is None or place.value is False:
        return None
    if place.value is True:
        return Kill()
    fields = Fields(place, ("reason",))
    return Kill(fields.text("reason") or "") if fields.sound else None
