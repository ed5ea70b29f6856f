"""What an entity was read through: the `Location` entities from it up to the one that was named.

Every imported entity says in its annotations from which location it was read and which was named for it.
"""

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urljoin

from counterpoint.catalog.api.call import Answer, Call, json_answer
from counterpoint.catalog.api.entities import now_of, ref_of
from counterpoint.catalog.locations import generated_name
from counterpoint.errors import NotFoundError
from counterpoint.graph.index import AllOf, Equals, Row, Snapshot

__all__ = ["ancestry"]

MANAGED = "backstage.io/managed-by-location"
ORIGIN = "backstage.io/managed-by-origin-location"
MOST = 1_000
"""Locations of one origin that are looked at."""

Entity = dict[str, Any]


def ancestry(call: Call) -> Answer:
    """GET .../ancestry: the entity first, then what is above it, each with its parents."""
    now = now_of(call)
    row = now.by_ref(ref_of(call))
    if row is None:
        raise NotFoundError(f"No such entity {ref_of(call)}")
    items, seen, waiting = [], {row.uid}, [row]
    while waiting:
        entity = waiting.pop().entity
        parents = list(_parents(now, entity))
        items.append({"entity": entity, "parentEntityRefs": [_ref(parent.entity) for parent in parents]})
        fresh = list({parent.uid: parent for parent in parents if parent.uid not in seen}.values())
        seen.update(parent.uid for parent in fresh)
        waiting += fresh
    return json_answer({"rootEntityRef": ref_of(call), "items": items})


def _parents(now: Snapshot, entity: Entity) -> Iterator[Row]:
    annotations = entity["metadata"].get("annotations") or {}
    managed, origin = annotations.get(MANAGED), annotations.get(ORIGIN)
    if not isinstance(managed, str) or not isinstance(origin, str):
        return
    root = now.by_ref(f"location:default/{generated_name(origin)}")
    own = entity["metadata"]["uid"]
    if root is not None and root.uid == own:
        return
    between = [found for found in _locations(now, origin) if found.uid not in (own, root and root.uid)]
    # A location that leads to a file in two ways is its parent twice, as in Backstage.
    declaring = [
        found for found in between if managed != origin for _ in range(_times(found.entity, managed))
    ]
    yield from declaring or ([root] if root is not None else ())


def _locations(now: Snapshot, origin: str) -> list[Row]:
    key = f"metadata.annotations.{ORIGIN}"
    wanted = AllOf((Equals("kind", ("location",)), Equals(key, (origin.lower(),))))
    return now.page(wanted, limit=MOST)


def _times(location: Entity, managed: str) -> int:
    """How many of a location's targets are, or as patterns hold, the location that was read."""
    spec = location.get("spec") or {}
    base = (location["metadata"].get("annotations") or {}).get(MANAGED, "")
    kind, _, place = str(base).partition(":")
    kind = spec.get("type") or kind
    targets = [spec.get("target"), *(spec.get("targets") or ())]
    named = (f"{kind}:{_resolved(kind, place, target)}" for target in targets if isinstance(target, str))
    return sum(managed == each or _matches(managed, each) for each in named)


def _matches(managed: str, pattern: str) -> bool:
    """`**` stands for folders, and for none."""
    return fnmatchcase(managed, pattern) or fnmatchcase(managed, pattern.replace("/**/", "/"))


def _resolved(kind: str, base: str, target: str) -> str:
    if kind == "url":
        return urljoin(base, target)
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), target))


def _ref(entity: Entity) -> str:
    metadata = entity["metadata"]
    text: str = f"{entity['kind']}:{metadata['namespace']}/{metadata['name']}"
    return text.lower()
