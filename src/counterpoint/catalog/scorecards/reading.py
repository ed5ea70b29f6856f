"""From a Scorecard's descriptor to a scorecard that can be asked; what cannot be read is told, never raised."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from counterpoint.catalog.scorecards.model import Check, Exemption, Scorecard
from counterpoint.errors import Problem
from counterpoint.graph.descriptor import validate
from counterpoint.graph.entity import Entity
from counterpoint.graph.predicate import compile_predicate
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.scorecard import DEFAULT_EXEMPT_KIND

__all__ = ["PEOPLE", "Broken", "read_scorecard"]

PEOPLE = "user"
"""The kind that no scorecard is about: nothing here measures a person."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A scorecard that cannot be asked, with what is wrong in it."""

    ref: str
    title: str
    owner: str | None
    problems: tuple[Problem, ...]


def read_scorecard(entity: Entity) -> Scorecard | Broken:
    """The scorecard that an entity describes, or what is wrong with it."""
    problems = validate(entity.document)
    if problems:
        return Broken(entity.ref, entity.title, entity.owner, tuple(problems))
    spec = entity.spec
    about = spec.get("filter")
    return Scorecard(
        ref=entity.ref,
        title=entity.title,
        owner=entity.owner,
        description=entity.description,
        checks=tuple(_check(check) for check in spec["checks"]),
        levels=tuple(spec.get("levels") or ()),
        about=compile_predicate(about) if about else None,
        kinds=_kinds(about or {}),
        exemptions=_exemptions(spec.get("exemptions") or ()),
    )


def _check(check: Mapping[str, Any]) -> Check:
    return Check(
        id=check["id"],
        title=check["title"],
        predicate=compile_predicate(check["predicate"]),
        level=check.get("level"),
        why=check.get("why") or "",
        remedy=check.get("remedy") or "",
        link=check.get("link"),
    )


def _exemptions(items: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Exemption, ...]]:
    found: dict[str, tuple[Exemption, ...]] = {}
    for item in items:
        ref = str(parse_ref(item["entity"], default_kind=DEFAULT_EXEMPT_KIND))
        made = Exemption(ref, item["reason"], date.fromisoformat(item["until"]), item.get("check"))
        found[ref] = (*found.get(ref, ()), made)
    return found


def _kinds(about: Mapping[str, Any]) -> frozenset[str] | None:
    """The kinds that a filter can let through, where its own pairs say so; then others need not be read."""
    kind = next((value for key, value in about.items() if key.lower() == "kind"), None)
    if isinstance(kind, dict):
        kind = kind.get("$in")
    if isinstance(kind, str):
        return frozenset({kind.lower()})
    if isinstance(kind, list):
        return frozenset(str(each).lower() for each in kind)
    return None
