"""Where an entity's documentation is: its annotations, and the folder that may be read for it.

The location of an entity is set by the import alone; what a document says of itself is not believed.
So an entity that somebody writes over the API names no folder, and one whose annotation leads out of
what was imported is not followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from counterpoint.catalog.addresses import host_of, resolve
from counterpoint.catalog.locations import URL, generated_name, is_inside
from counterpoint.errors import InputError
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref

__all__ = ["REF", "SHARED", "Missing", "Place", "Remote", "find_place", "is_annotated"]

REF = "backstage.io/techdocs-ref"
SHARED = "backstage.io/techdocs-entity"
SHARED_PATH = "backstage.io/techdocs-entity-path"
ORIGIN = "backstage.io/managed-by-origin-location"
VIEW = "backstage.io/view-url"
FILE = "file:"
HOPS = 5
"""Entities that may send on to the documentation of another."""
ADDRESSES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with documentation that may be read."""

    ref: str
    """The entity that it belongs to: the one asked for, or the one that it sends on to."""
    title: str
    folder: Path
    """Where `mkdocs.yml` is looked for."""
    root: Path
    """The folder outside of which nothing is read."""
    descriptor: Path
    """The file that declares the entity."""
    start: str = ""
    """The page that `techdocs-entity-path` names."""
    view: str = ""
    """The address at which people look at the descriptor."""
    address: str = ""
    """Where the folder was fetched from; empty where it is read in place."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is nothing to read, and what to do."""

    reason: str
    remedy: str = ""
    address: str = ""
    """Where the documentation is, if that is elsewhere."""
    wanted: bool = True
    """Whether the entity says that it has documentation."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Documentation at an address."""

    ref: str
    """The entity that it belongs to."""
    title: str
    address: str
    """Below it are `mkdocs.yml` and the pages; it ends with a slash."""
    start: str = ""
    named: str = ""
    """The address as it was written, which people open."""


def is_annotated(entity: Entity) -> bool:
    """Whether an entity says that it has documentation."""
    return any(name in _annotations(entity) for name in (REF, SHARED))


def find_place(reader: Reader, entity: Entity) -> Place | Remote | Missing:
    """The folder or address of an entity's documentation, with `techdocs-entity` followed."""
    seen = {entity.ref}
    start = ""
    for _hop in range(HOPS):
        shared = _annotations(entity).get(SHARED)
        if not isinstance(shared, str):
            return _own_place(reader, entity, start)
        start = start or str(_annotations(entity).get(SHARED_PATH) or "").strip("/")
        try:
            ref = str(parse_ref(shared, default_kind="component"))
        except InputError:
            return Missing(f"{SHARED} is {shared!r}.", "Write an entity reference, such as component:player.")
        other = reader.get(ref)
        if other is None:
            return Missing(f"{SHARED} names {ref}, which does not exist.", "Import it, or name another.")
        if other.ref in seen:
            break
        seen.add(other.ref)
        entity = other
    return Missing(f"{SHARED} of {entity.ref} leads in a circle.", f"Give one of them {REF} instead.")


def _own_place(reader: Reader, entity: Entity, start: str) -> Place | Remote | Missing:
    annotations = _annotations(entity)
    named = annotations.get(REF)
    if not isinstance(named, str) or not named.strip():
        return Missing(
            f"{entity.title} names no documentation.",
            f"Put Markdown into docs/ beside its descriptor, and give it the annotation {REF}: dir:.",
            wanted=False,
        )
    how, _, target = named.strip().partition(":")
    origin = entity.location or ""
    if how == "url" or (how == "dir" and origin.startswith(URL)):
        base = origin.removeprefix(URL) if origin.startswith(URL) else ""
        return _elsewhere(entity, resolve(base, target.strip()) if base else target.strip(), start)
    if how != "dir":
        return Missing(f"{REF} is {named!r}.", "Write dir:. or dir:./folder, seen from the descriptor.")
    if entity.location is None:
        return Missing(
            f"{entity.ref} was written here, and so there is no folder beside its descriptor.",
            "Import it from a file that stands beside its documentation: counterpoint import catalog FILE",
        )
    return _folder(reader, entity, target.strip(), start)


def _elsewhere(entity: Entity, target: str, start: str) -> Remote | Missing:
    if host_of(target) is None:
        return Missing(
            f"{REF} names {target}, which is no address of the web.",
            "Write url:https://host/path, without name and password, or dir:. for a folder beside the descriptor.",
        )
    address = urlsplit(target)
    folder = address.path.removesuffix("mkdocs.yml")
    plain = address._replace(path=folder if folder.endswith("/") else f"{folder}/", query="", fragment="")
    return Remote(entity.ref, entity.title, urlunsplit(plain), start, target)


def _folder(reader: Reader, entity: Entity, target: str, start: str) -> Place | Missing:
    descriptor = Path((entity.location or "").removeprefix(FILE))
    root = _root(reader, entity, descriptor)
    if "\0" in target:
        return Missing(f"{REF} holds a NUL character.", "Remove it.")
    folder = descriptor.parent / target
    if not is_inside(folder, root):
        return Missing(
            f"{REF} is dir:{target}, which leads out of {root}, the folder that was imported; it was not read.",
            "Name a folder inside of it, or import the checkout that holds both.",
        )
    if not folder.is_dir():
        return Missing(f"{REF} is dir:{target}, and {folder} is no folder.", "Make it, or correct the name.")
    view = _annotations(entity).get(VIEW)
    safe = isinstance(view, str) and urlsplit(view).scheme in ADDRESSES
    return Place(
        entity.ref,
        entity.title,
        folder.resolve(),
        root.resolve(),
        descriptor,
        start,
        str(view) if safe else "",
    )


def _root(reader: Reader, entity: Entity, descriptor: Path) -> Path:
    """The folder that was imported: the checkout of a file, else the folder of the file that was named.

    Which file was named is an annotation, so it counts only where the import has left a location of it.
    """
    roots = [_checkout(descriptor)]
    origin = str(_annotations(entity).get(ORIGIN) or "")
    if origin.startswith(FILE) and origin != entity.location:
        found = reader.get(f"location:default/{generated_name(origin)}")
        if found is not None and found.location == origin:
            roots.append(_checkout(Path(origin.removeprefix(FILE))))
    holding = [root for root in roots if is_inside(descriptor, root)]
    return min(holding, key=lambda root: len(root.parts), default=descriptor.parent)


def _checkout(path: Path) -> Path:
    return next((each for each in path.parents if (each / ".git").exists()), path.parent)


def _annotations(entity: Entity) -> Mapping[str, Any]:
    return entity.metadata.get("annotations") or {}
