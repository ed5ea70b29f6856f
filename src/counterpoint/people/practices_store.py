"""What a unit practises, what passing over a rule asks for, which limits it is advised of; and changing it."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from counterpoint.errors import InputError
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import UnitCustoms
from counterpoint.graph.entity import Entity
from counterpoint.graph.store import Graph
from counterpoint.people.holding import change
from counterpoint.people.vocabulary_store import Whence, whence
from counterpoint.practices import LIMITS, PRACTICES, RULES, Policy, check_pack
from counterpoint.said import Said

__all__ = ["LimitRow", "PracticeRow", "PracticesView", "RuleRow", "switch", "view"]


class PracticeRow(msgspec.Struct, frozen=True, rename="camel"):
    """One practice, and whether the unit does it."""

    key: str
    title: Said
    meaning: Said
    on: bool
    whence: Whence | None = None
    """None where nobody has said anything."""


class RuleRow(msgspec.Struct, frozen=True, rename="camel"):
    """One soft rule, and what passing over it asks for."""

    id: str
    text: Said
    policy: Policy
    shown: Said
    """Where it is told, of a rule that no decision passes over; empty where decisions ask about it."""
    whence: Whence | None = None


class LimitRow(msgspec.Struct, frozen=True, rename="camel"):
    """One number that is advised."""

    key: str
    text: Said
    reason: Said
    value: int
    whence: Whence | None = None


class PracticesView(msgspec.Struct, frozen=True, rename="camel"):
    """What holds for a unit, or for the organisation where `unit` is none."""

    unit: str | None
    practices: tuple[PracticeRow, ...]
    policies: tuple[RuleRow, ...]
    limits: tuple[LimitRow, ...]


def view(customs: UnitCustoms) -> PracticesView:
    """Every practice, rule and limit with where its value comes from."""
    practices = tuple(
        PracticeRow(
            each.key,
            each.title,
            each.meaning,
            customs.practises(each.key),
            whence(customs.practices.get(each.key)),
        )
        for each in PRACTICES.values()
    )
    rules = tuple(
        RuleRow(
            each.id, each.text, customs.policy(each.id), each.shown, whence(customs.policies.get(each.id))
        )
        for each in RULES.values()
    )
    limits = tuple(
        LimitRow(
            each.key, each.text, each.reason, customs.limit(each.key), whence(customs.limits.get(each.key))
        )
        for each in LIMITS.values()
    )
    return PracticesView(customs.unit, practices, rules, limits)


def switch(
    graph: Graph,
    actor: Actor,
    unit: str | None,
    *,
    practices: Mapping[str, Any] | None = None,
    policies: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    reason: str | None = None,
    if_match: Collection[str] | None = None,
) -> Entity:
    """Set practices (on or off), policies of rules and limits for a unit; none takes again what is set above.

    Raises:
        InputError: a name or a value is not valid; the problems point to it.
        ConflictError, NotAllowedError, PreconditionError: as `holding.change`.
    """
    changes = {"practices": practices or {}, "policies": policies or {}, "limits": limits or {}}
    given = {
        field: {key: value for key, value in entries.items() if value is not None}
        for field, entries in changes.items()
    }
    if problems := list(check_pack(given)):
        raise InputError("The practices were not changed.", problems)

    def edit(spec: dict[str, Any]) -> dict[str, Any]:
        for field, entries in changes.items():
            kept = {key: value for key, value in (spec.get(field) or {}).items() if key not in entries}
            spec[field] = {**kept, **given[field]}
            if not spec[field]:
                del spec[field]
        return spec

    return change(graph, actor, "PolicyPack", unit, edit, reason=reason, if_match=if_match)
