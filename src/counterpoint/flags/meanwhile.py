"""Writing from a form that was opened a while ago: who may, and what others have changed since."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from counterpoint.flags.composition import CompositionError, read_composition
from counterpoint.flags.composition.checks import built_on
from counterpoint.flags.effects import FlagEffect, flag_effects
from counterpoint.flags.store import find_set
from counterpoint.flags.versions import VersionItem, versions_of_set
from counterpoint.graph.actor import Actor
from counterpoint.graph.descriptor import etag_of
from counterpoint.graph.entity import Entity
from counterpoint.graph.flag_changes import changes_between
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader

__all__ = ["Meanwhile", "may_write", "seen_then", "set_named", "since"]

MOST = 10
"""Versions that are told one by one."""


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What others have done to a set since a form was opened."""

    version: int
    """The version that is there now."""
    etag: str
    versions: tuple[VersionItem, ...]
    """The newest first."""
    flags: tuple[FlagEffect, ...]
    """All of it flag by flag."""
    touched: bool
    """Whether it is about the flag of the form, or about what that flag builds on."""


def set_named(what: str, set_name: str) -> str:
    """The address of a page that writes a set: `/flags/-/restore/checkout`."""
    return f"/flags/-/{what}/{quote(set_name, safe='')}"


def may_write(reader: Reader, entity: Entity, actor: Actor) -> Decision:
    """Whether the actor may change a flag set, with the reason in words."""
    units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    exists = entity.owner is not None and reader.exists(entity.owner)
    return may(actor, "write", entity.owner, owner_exists=exists, units=units)


def seen_then(reader: Reader, entity: Entity, version: int) -> Mapping[str, Any] | None:
    """The document of a version that somebody saw; None where there is none."""
    if version == entity.version:
        return entity.document
    found = reader.history(entity.ref, before=version + 1, limit=1) if 0 < version < 2**62 else []
    return found[0].document if found and found[0].version == version else None


def since(reader: Reader, name: str, version: int, *, key: str | None = None) -> Meanwhile:
    """What was done to a set since a version; `key` names the one flag that the form is about.

    Raises:
        NotFoundError: there is no such set any more.
    """
    entity = find_set(reader, name)
    before = seen_then(reader, entity, version)
    page = versions_of_set(reader, name, limit=MOST)
    changes = changes_between(before, entity.document)
    touched = key is None or before is None or _concerns(before, key) != _concerns(entity.document, key)
    return Meanwhile(
        entity.version,
        etag_of(entity.document),
        tuple(item for item in page.items if item.version > version),
        flag_effects(changes),
        touched,
    )


def _concerns(document: Mapping[str, Any], key: str) -> str:
    """All that one flag answers by, and all that its form shows of the set."""
    spec = document["spec"]
    definition, plans = spec.get("definition") or {}, spec.get("composition") or {}
    flags = flags_by_key(definition)
    planned = plans.get("flags") or {}
    related = {key}
    try:
        composition = read_composition(plans)
    except CompositionError:
        related |= flags.keys()
    else:
        related |= built_on(composition, key)
        if plan := composition.flags.get(key):
            related |= {need.flag for need in plan.prerequisites}
    shared = {name: plans.get(name) for name in ("segments", "layers", "holdouts")}
    slots = {each: plan.get("layer") for each, plan in planned.items() if plan.get("layer")}
    own = {each: [flags.get(each), planned.get(each)] for each in sorted(related)}
    detached = (plans.get("detached") or {}).get(key)
    others = [spec.get("bucketing"), definition.get("$evaluators"), definition.get("metadata")]
    return json.dumps([own, shared, slots, detached, others], sort_keys=True, default=str)
