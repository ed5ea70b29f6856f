"""Putting a flag whose rule was written by hand under a plan that says the same, where a plan can. Pure."""

from dataclasses import dataclass, replace
from functools import reduce
from math import gcd
from typing import Any, Final

from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition.plan import (
    SUBJECT,
    TOTAL,
    Audience,
    CompositionError,
    FlagPlan,
    percent_of,
    salt_of,
    weight_of,
)
from counterpoint.flags.composition.reading import read_composition
from counterpoint.flags.composition.writing import plan_document
from counterpoint.flags.flag import Flag, variant_name
from counterpoint.flags.targeting import is_rule
from counterpoint.said import Said
from counterpoint.spelling import quoted

__all__ = ["NotAdoptable", "Offer", "offer_of"]

BY_HAND: Final = "Its rule stays as it is, and is edited by hand."


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan that a flag could have."""

    plan: FlagPlan
    sentence: Said
    """What the plan says."""
    exact: bool
    """Whether it also draws everybody as the rule does now, as far as that can be told without asking."""


@dataclass(frozen=True, slots=True)
class NotAdoptable:
    """Why a flag cannot be put under a plan."""

    reason: Said


def offer_of(flag: Flag, bucketing: Bucketing = "v2") -> Offer | NotAdoptable:
    """The plan that says what a flag's rule says, or why no plan does; `bucketing` is that of its set."""
    if flag.fault:
        return NotAdoptable(f"Its rule cannot run: {flag.fault} Correct the rule first.")
    if flag.default is None:
        return NotAdoptable(
            "It leaves its default to the code, and a plan names the variant of whoever is not enrolled. Give the flag a `defaultVariant` first."
        )
    others = [name for name in flag.variants if name != flag.default]
    if not others:
        return NotAdoptable("It has one variant only, so that there is nothing to ramp. Add a variant first.")
    if flag.targeting is None:
        arms = ", ".join(f"'{name}'" for name in others)
        plan = FlagPlan(flag.default, dict.fromkeys(others, 1))
        return Offer(plan, f"Everybody gets '{flag.default}'; nobody is enrolled in {arms} yet.", exact=True)
    return _of_rule(flag, flag.targeting, bucketing)


def _of_rule(flag: Flag, rule: Any, bucketing: Bucketing) -> Offer | NotAdoptable:
    condition, answer = _unwrapped(flag, rule)
    if answer is None:
        return NotAdoptable(
            f"A plan has one audience and one split, and its rule decides in another way. {BY_HAND}"
        )
    split = _split_of(flag, answer, bucketing)
    if isinstance(split, str):
        return NotAdoptable(f"{split} {BY_HAND}")
    plan, exact = split
    if condition is not None:
        plan = replace(plan, audience=Audience(rule=condition))
        if fault := _fault_in(flag, plan):
            return NotAdoptable(f"Its condition cannot be that of an audience: {fault} {BY_HAND}")
    whom = "of those for whom its condition is true" if condition is not None else "of users"
    arms = quoted(plan.treatments)
    sentence = f"{percent_of(plan.ramp)} % {whom} get {arms}; whoever else, and whoever asks without a targetingKey, gets '{plan.default}'."
    return Offer(plan, sentence, exact)


def _unwrapped(flag: Flag, rule: Any) -> tuple[Any, Any]:
    """The condition before a split (None where there is none), and the split; None for what is neither."""
    if not is_rule(rule):
        return None, rule if isinstance(rule, str) and rule in flag.variants else None
    ((name, given),) = rule.items()
    if name == "fractional":
        return None, rule
    if name not in ("if", "?:") or not isinstance(given, list) or len(given) not in (2, 3):
        return None, None
    rest = given[2] if len(given) == 3 else None
    if rest is not None and rest != flag.default:
        return None, None
    answer = given[1]
    known = isinstance(answer, str | bool) and variant_name(answer) in flag.variants
    if not (known or (is_rule(answer) and "fractional" in answer)):
        return None, None
    return given[0], answer


def _split_of(flag: Flag, answer: Any, bucketing: Bucketing) -> tuple[FlagPlan, bool] | str:
    assert flag.default is not None  # noqa: S101 - `offer_of` has looked
    if not is_rule(answer):
        name = str(variant_name(answer))
        if name == flag.default:
            return "Its condition leads to its default."
        return FlagPlan(flag.default, {name: 1}, ramp=TOTAL), True
    given = answer["fractional"]
    entries = given if isinstance(given, list) else [given]
    seeded = bool(entries) and not isinstance(entries[0], list)
    shares = _shares(flag, entries[1:] if seeded else entries)
    if shares is None:
        return "Its split has computed parts, or parts that are no variant."
    total = sum(weight for _, weight in shares)
    arms = {name: weight for name, weight in shares if name != flag.default and weight}
    ramp = weight_of(round(100 * sum(arms.values()) / total, 10)) if total else None
    if not arms or ramp is None:
        return (
            "Its split gives nobody anything but the default, or parts finer than a thousandth of a percent."
        )
    divisor = reduce(gcd, arms.values())
    plan = FlagPlan(flag.default, {name: weight // divisor for name, weight in arms.items()}, ramp=ramp)
    ordered = len(arms) == 1 and shares[0][0] in arms
    salt = _salt_of(flag, entries[0] if seeded else None, bucketing)
    if salt is None:
        return plan, False
    return (plan if salt == salt_of(flag.key, plan) else replace(plan, salt=salt)), ordered


def _salt_of(flag: Flag, seed: Any, bucketing: Bucketing) -> str | None:
    """The salt on which a plan draws as the split does; None where there is none."""
    if seed is None:  # v3 hashes key and subject as a list, and plans hash a text
        return flag.key if bucketing == "v2" and flag.key.isascii() else None
    parts = seed.get("cat") if is_rule(seed) else None
    if not isinstance(parts, list) or len(parts) != 2 or parts[1] != {"var": SUBJECT}:
        return None
    salt = flag.key if parts[0] == {"var": "$flagd.flagKey"} else parts[0]
    return salt if isinstance(salt, str) and salt.isascii() and salt.isprintable() and salt else None


def _fault_in(flag: Flag, plan: FlagPlan) -> str | None:
    """What keeps a plan from being kept and read again."""
    try:
        read_composition({"flags": {flag.key: plan_document(plan)}})
    except CompositionError as error:
        return error.problems[0].message
    return None


def _shares(flag: Flag, entries: list[Any]) -> list[tuple[str, int]] | None:
    """Variants with their whole weights, in order; those that follow each other under one name together."""
    found: list[tuple[str, int]] = []
    for entry in entries:
        if not isinstance(entry, list) or not 1 <= len(entry) <= 2:
            return None
        name = flag.default if entry[0] is None else entry[0]
        weight = entry[1] if len(entry) == 2 else 1
        if isinstance(name, bool):
            name = variant_name(name)
        sound = isinstance(weight, int) and not isinstance(weight, bool) and weight >= 0
        if not isinstance(name, str) or name not in flag.variants or not sound:
            return None
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1] + weight)
        elif any(name == other for other, _ in found):
            return None
        else:
            found.append((name, weight))
    return found
