"""What a plan says of a flag: who is enrolled, into which arms, and on what conditions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from counterpoint.errors import InputError

__all__ = [
    "SUBJECT",
    "TOTAL",
    "Audience",
    "Composition",
    "CompositionError",
    "FlagPlan",
    "Holdout",
    "Kill",
    "Layer",
    "Prerequisite",
    "Scheduled",
    "Slot",
    "percent_of",
    "reattach_command",
    "salt_of",
    "weight_of",
]

TOTAL: Final = 100_000
"""The total of the weights of every split, always: a weight is a thousandth of a percent."""
SUBJECT: Final = "targetingKey"


class CompositionError(InputError):
    """A composition cannot be used; `problems` names each place by pointer (and line, from a text)."""

    title = "The composition is not valid"


def weight_of(percent: Any) -> int | None:
    """The weight of a percentage, in [0, 100,000]; None unless it is a number from 0 to 100 with at most
    three decimals."""
    if isinstance(percent, bool) or not isinstance(percent, int | float | Decimal):
        return None
    try:
        weight = Decimal(str(percent)) * 1000
        whole = int(weight)
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return whole if weight == whole and 0 <= whole <= TOTAL else None


def percent_of(weight: int) -> int | float:
    """The percentage of a weight: a whole number where it is one."""
    return weight // 1000 if weight % 1000 == 0 else weight / 1000


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may be enrolled at all: in one of the segments, in none of the excluded ones, and true by the rule."""

    segments: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    rule: Any = None
    """JsonLogic; None where there is none."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Flags that exclude each other: each has a range of one common draw."""

    salt: str
    bucket_by: str = SUBJECT


@dataclass(frozen=True, slots=True)
class Holdout:
    """Subjects that get none of the treatments of its flags."""

    weight: int
    """Of `TOTAL`; a larger one only adds subjects."""
    salt: str
    bucket_by: str = SUBJECT


@dataclass(frozen=True, slots=True)
class Slot:
    """A flag's range [start, end) of a layer, in weights."""

    layer: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """Another flag that must give this variant."""

    flag: str
    variant: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    """From this second on (Unix time) the flag has this ramp, as a weight."""

    at: int
    ramp: int


@dataclass(frozen=True, slots=True)
class Kill:
    """That everybody gets the default variant until the flag is revived."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class FlagPlan:
    """The plan of one flag."""

    default: str
    """The variant of whoever is not enrolled."""
    treatments: Mapping[str, int]
    """The arms with their shares of the enrolled part, as whole numbers."""
    ramp: int = 0
    """The enrolled part as a weight of `TOTAL`; of the flag's slot, where it has one."""
    variants: Mapping[str, Any] | None = None
    """None takes those that the definition has."""
    control: str | None = None
    """The variant of a measured control, with the default's value; as large as the largest arm."""
    audience: Audience | None = None
    slot: Slot | None = None
    holdouts: tuple[str, ...] = ()
    prerequisites: tuple[Prerequisite, ...] = ()
    schedule: tuple[Scheduled, ...] = ()
    """In the order of time."""
    overrides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Targeting keys that always get a variant, by the variant; before audience, holdouts and layer."""
    salt: str | None = None
    """What the draw is salted with; None means the flag's key. See `salt_of`."""
    bucket_by: str = SUBJECT
    """The attribute whose value is drawn."""
    bucketing: str | None = None
    """v2 or v3: the bucketing that the plan was begun with."""
    guarded: bool = False
    """Whether guardrails decide on its steps, so that no time may."""
    killed: Kill | None = None
    rollout: str | None = None
    """Reference of the rollout that moves its ramp at present."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The plans of a flag set, with what they share."""

    flags: Mapping[str, FlagPlan] = field(default_factory=dict)
    segments: Mapping[str, Any] = field(default_factory=dict)
    """JsonLogic by name."""
    layers: Mapping[str, Layer] = field(default_factory=dict)
    holdouts: Mapping[str, Holdout] = field(default_factory=dict)
    detached: Mapping[str, FlagPlan] = field(default_factory=dict)
    """Plans of flags that somebody has since edited by hand. They no longer drive their flags."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """What each planned flag was compiled to, as a digest: by it an edit by hand is seen."""


def reattach_command(key: str) -> str:
    """What lets a plan that rests drive its flag again, in words of a shell: a key may hold any character."""
    quoted = key.replace("'", "'\"'\"'")
    return f"counterpoint flags compose FILE --reattach '{quoted}'"


def salt_of(key: str, plan: FlagPlan) -> str:
    """What a plan's draw is salted with: its salt, else the flag's key, always in ASCII.

    npm's flagd-core 4.0.1 hashes UTF-16 units where all others hash UTF-8, so other characters of a key are
    written as %XX of their bytes. A plan's own salt is ASCII already.
    """
    if plan.salt is not None or key.isascii():
        return plan.salt or key
    return "".join(
        char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        for char in key
    )
