"""Reads again what entities came from: in the name of whoever brought them in, never of who asks."""

import os
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import Path

from counterpoint.catalog.addresses import is_address
from counterpoint.catalog.importer import import_sources, import_targets
from counterpoint.catalog.locations import Source
from counterpoint.catalog.patterns import WILDCARDS
from counterpoint.catalog.registered import actor_for
from counterpoint.catalog.sources import roots, source_at
from counterpoint.errors import InputError, NotFoundError
from counterpoint.graph import SYSTEM, Actor, Graph, Reader

__all__ = ["bringer_of", "covers", "reread_entity", "reread_places", "reread_roots"]


def reread_entity(graph: Graph, ref: str, *, hosts: Collection[str] = ()) -> None:
    """Read an entity's file again, and the location by which it was reached.

    Raises:
        NotFoundError: there is no such entity.
    """
    try:
        with graph.read() as reader:
            entity = reader.get(ref)
    except InputError:
        entity = None  # what is no reference names no entity
    if entity is None:
        raise NotFoundError(f"Entity {ref} not found")
    if entity.location is not None:
        reread_places(graph, [entity.location], hosts=hosts, upwards=True)


def reread_places(
    graph: Graph, locations: Iterable[str], *, hosts: Collection[str] = (), upwards: bool = False
) -> None:
    """Read some files and addresses again; with `upwards` the locations by which they were reached as well."""
    for location in dict.fromkeys(locations):
        with graph.read() as reader:
            known = source_at(reader, location)
            source = known.source if known else Source(location, location, _folder(location))
            top = source_at(reader, source.origin)
            actor = bringer_of(reader, source.origin)
        sources = [source]
        if upwards and source.origin != location:
            sources.insert(
                0, top.source if top else Source(source.origin, source.origin, _folder(source.origin))
            )
        import_sources(graph, actor, sources, hosts=hosts)


def reread_roots(graph: Graph, targets: Iterable[str], *, hosts: Collection[str] = ()) -> None:
    """Import again what was imported before, each in the name of who did it."""
    with graph.read() as reader:
        known = dict(roots(reader))
    for target in targets:
        import_targets(graph, known.get(target, SYSTEM), [target], hosts=hosts)


def bringer_of(reader: Reader, origin: str) -> Actor:
    """Who brought a location in: who registered it, or who imported what it belongs to."""
    registered = actor_for(reader, origin)
    if registered is not None:
        return registered
    target = origin.partition(":")[2]
    return next((actor for root, actor in roots(reader) if covers(root, target)), SYSTEM)


def covers(root: str, target: str) -> bool:
    """Whether a file or address is what was imported, lies below it, or matches it."""
    if root == target:
        return True
    if is_address(root) or is_address(target):
        return False
    if WILDCARDS.search(root):
        fixed = WILDCARDS.split(root)[0].rpartition("/")[0]
        return target.startswith(fixed + "/") and (
            "**" in root or fnmatch(target, root) or target.count("/") > root.count("/")
        )
    return Path(target).is_relative_to(root)


def _folder(location: str) -> Path | None:
    return Path(os.path.dirname(location.removeprefix("file:"))) if location.startswith("file:") else None
