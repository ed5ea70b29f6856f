"""Types of units and kinds of roles: data that every workspace can replace.

An entity of kind `UnitType` or `RoleKind` replaces the built-in one of its name. A type that nobody
has described is fine: it stands on the delivery axis where it is in the tree of parents.
"""

from typing import Any, Literal

import msgspec

from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.people.dates import When

__all__ = ["AXES", "Axis", "UnitType", "axis_of", "role_labels", "size_advice", "unit_types"]

Axis = Literal["delivery", "competence", "interest", "support"]
AXES: tuple[Axis, ...] = ("delivery", "competence", "interest", "support")


class UnitType(msgspec.Struct, frozen=True, rename="camel"):
    """A type of unit."""

    key: str
    """What `spec.type` of a Group says."""
    one: str
    many: str
    axis: Axis
    smallest: int | None = None
    """People in a unit of this type at least, as advice."""
    largest: int | None = None
    reason: str = ""
    """Why this size is advised."""
    built_in: bool = False


def _built_in(
    key: str,
    axis: Axis,
    *,
    many: str | None = None,
    size: tuple[int | None, int | None] = (None, None),
    reason: str = "",
) -> UnitType:
    return UnitType(key, key, many or f"{key}s", axis, *size, reason, built_in=True)


SMALL = "Everybody can talk to everybody, and nobody is the only one who knows something."
KNOWN = "Up to about this many people can know each other by name and trust each other's word."
BUILT_IN = {
    each.key: each
    for each in (
        _built_in("squad", "delivery", size=(3, 12), reason=SMALL),
        _built_in("team", "delivery", size=(3, 12), reason=SMALL),
        _built_in("tribe", "delivery", size=(None, 149), reason=KNOWN),
        _built_in("department", "delivery", size=(None, 149), reason=KNOWN),
        _built_in("product-area", "delivery", many="product areas", size=(None, 149), reason=KNOWN),
        _built_in("alliance", "delivery"),
        _built_in("business-unit", "delivery", many="business units"),
        _built_in("division", "delivery"),
        _built_in("organisation", "delivery"),
        _built_in("organization", "delivery"),
        _built_in("chapter", "competence"),
        _built_in("practice", "competence"),
        _built_in("guild", "interest"),
        _built_in("community", "interest", many="communities"),
        _built_in("support", "support", many="support units"),
        _built_in("enablement", "support", many="enablement units"),
    )
}
"""What is known without any entity."""

ROLES = {
    "member": "Member",
    "lead": "Lead",
    "product-owner": "Product owner",
    "engineering-manager": "Engineering manager",
    "tech-lead": "Tech lead",
    "designer": "Designer",
    "coach": "Coach",
    "sponsor": "Sponsor",
    "system-owner": "System owner",
}
"""Built-in roles; any other is fine, and shown as it is written."""


def unit_types(reader: Reader, when: When) -> dict[str, UnitType]:
    """Every described type of unit by its key, as it is or was at a date."""
    found = {each.name.lower(): _type_of(each) for each in reader.all(kind="UnitType", at=when.at)}
    return BUILT_IN | found


def role_labels(reader: Reader, when: When) -> dict[str, str]:
    """What each described role is called, by its key."""
    found = reader.all(kind="RoleKind", at=when.at)
    return ROLES | {each.name.lower(): str(each.spec.get("label") or each.title) for each in found}


def axis_of(type_: str, types: dict[str, UnitType], *, in_tree: bool) -> Axis:
    """The axis of a unit: that of its type, else delivery where it has a parent or children."""
    described = types.get(type_.lower())
    if described is not None:
        return described.axis
    return "delivery" if in_tree else "interest"


def size_advice(type_: UnitType | None, people: int) -> str | None:
    """What to look at where a unit is smaller or larger than advised, with the reason; None where it is not."""
    if type_ is None or people == 0:
        return None
    if type_.largest is not None and people > type_.largest:
        return _advice(people, f"at most {type_.largest}", type_)
    if type_.smallest is not None and people < type_.smallest:
        return _advice(people, f"at least {type_.smallest}", type_)
    return None


def _advice(people: int, bound: str, type_: UnitType) -> str:
    who = "1 person" if people == 1 else f"{people} people"
    return f"{who}; {bound} are advised. {type_.reason}".strip()


def _type_of(entity: Entity) -> UnitType:
    spec, key = entity.spec, entity.name.lower()
    labels: dict[str, Any] = spec.get("labels") or {}
    size: dict[str, Any] = spec.get("size") or {}
    one = str(labels.get("one") or entity.title)
    return UnitType(
        key,
        one,
        str(labels.get("many") or f"{one}s"),
        spec["axis"],
        _whole(size.get("min")),
        _whole(size.get("max")),
        str(size.get("reason") or ""),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
