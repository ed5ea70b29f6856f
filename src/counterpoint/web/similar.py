"""What is like something new, as the pages and the API show it: with who owns it and how to reach them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.entity import Entity
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.similar.likeness import Likeness, Thing, documentation_of, entity_of
from counterpoint.graph.similar.things import (
    DOCUMENTATION,
    Near,
    Shelf,
    Things,
    thing_of,
    wanted_kinds,
)
from counterpoint.web.urls import thing_url
from counterpoint.workspace import Workspace

__all__ = ["Contact", "SimilarThing", "contacts_of", "like_entity", "like_new", "like_text", "things_of"]

LENGTH = 20_000
"""Characters of a text that are compared; nobody describes one thing with more."""
LINKS = 3


class Contact(msgspec.Struct, frozen=True):
    """A way to reach somebody."""

    label: str
    url: str


class SimilarThing(msgspec.Struct, frozen=True, rename="camel"):
    """An existing thing that is near a text, with why, and whom to ask about it."""

    ref: str
    """The entity's reference, followed by `/docs` where its documentation is meant."""
    kind: str
    title: str
    description: str
    url: str
    """Address of its page."""
    owner: str | None
    owner_title: str
    contacts: tuple[Contact, ...]
    """How to reach the owner."""
    likeness: Likeness
    phrases: tuple[str, ...]
    """What both texts say, the weightiest first."""


def things_of(workspace: Workspace) -> Things:
    """The things of a workspace that may exist twice; kept in memory while it is open."""
    return workspace.keep(Things, lambda opened: Things(opened.graph))


def like_text(
    workspace: Workspace,
    title: str,
    text: str,
    *,
    kinds: Iterable[str] = (),
    owner: str = "",
    limit: int = 5,
    documents: Shelf | None = None,
) -> tuple[SimilarThing, ...]:
    """Existing things that are like what a title and a text describe, the most alike first.

    `owner` leaves out what this unit has itself; `documents` is looked through as well where it is given.

    Raises:
        InputError: there is no such kind, or the owner is no reference.
    """
    own = str(parse_ref(owner, default_kind="Group")) if owner else None
    chosen = wanted_kinds(kinds)
    if not title.strip() and not text.strip():
        return ()
    wanted = Thing("", chosen[0] if chosen else "", title[:LENGTH], text[:LENGTH], own)
    found = _nearest(workspace, wanted, chosen, limit * 4 if own else limit, documents)
    return _shown(workspace, [near for near in found if own is None or near.thing.owner != own][:limit])


def like_entity(
    workspace: Workspace,
    ref: str,
    *,
    kinds: Iterable[str] = (),
    limit: int = 5,
    documents: Shelf | None = None,
) -> tuple[SimilarThing, ...]:
    """Existing things that are like one of them, the most alike first.

    With `documents` and the kind `Documentation` what is written about it is compared, where there is any.

    Raises:
        NotFoundError: there is no such entity.
        InputError: it is of a kind of which nothing is compared.
    """
    wanted, chosen = str(parse_ref(entity_of(ref))), wanted_kinds(kinds)
    thing = documents.thing(documentation_of(wanted)) if documents else None
    if entity_of(ref) != ref:
        chosen = chosen or (DOCUMENTATION,)
        if thing is None:
            raise NotFoundError(f"There is no documentation of {wanted} to read.")
    if thing is None or chosen != (DOCUMENTATION,):
        thing = things_of(workspace).shelf().thing(wanted)
    if thing is None:
        with workspace.graph.read() as reader:
            if not reader.exists(wanted):
                raise NotFoundError(f"There is no {wanted}.")
        message = (
            f"{wanted} is of a kind that is not compared; ask for a component, an API, a bet or the like"
        )
        raise InputError("The request is not valid.", [Problem(message)])
    found = _nearest(workspace, thing, chosen, limit + 1, documents)
    return _shown(workspace, [near for near in found if entity_of(near.thing.ref) != wanted][:limit])


def like_new(workspace: Workspace, entity: Entity) -> tuple[SimilarThing, ...]:
    """What another owner has already that is very near to something new; empty where nothing is."""
    near = things_of(workspace).at_hand().nearest_elsewhere(thing_of(entity))
    return _shown(workspace, [near]) if near else ()


def _nearest(
    workspace: Workspace, wanted: Thing, kinds: tuple[str, ...], limit: int, documents: Shelf | None
) -> list[Near]:
    shelves = [documents] if documents is not None else []
    if kinds != (DOCUMENTATION,):
        shelves.append(things_of(workspace).at_hand())
    found = [near for shelf in shelves for near in shelf.nearest(wanted, kinds=kinds, limit=limit)]
    return sorted(found, key=lambda near: (-near.likeness.score, near.thing.ref))[:limit]


def contacts_of(owner: Entity | None) -> tuple[Contact, ...]:
    """How to reach a unit or a person: the address of its mail, and the first of its links."""
    if owner is None:
        return ()
    profile: Any = owner.spec.get("profile")
    email = profile.get("email") if isinstance(profile, Mapping) else None
    found = [Contact(str(email), f"mailto:{email}")] if email else []
    for link in owner.metadata.get("links") or []:
        url = str(link.get("url") or "")
        if url.startswith(("https://", "http://")):
            found.append(Contact(str(link.get("title") or url.partition("://")[2]), url))
    return tuple(found[: LINKS + 1])


def _shown(workspace: Workspace, found: Collection[Near]) -> tuple[SimilarThing, ...]:
    refs = {entity_of(near.thing.ref) for near in found} | {
        near.thing.owner for near in found if near.thing.owner
    }
    with workspace.graph.read() as reader:
        entities = reader.get_many(refs)
    return tuple(_one(near, entities) for near in found if entity_of(near.thing.ref) in entities)


def _one(near: Near, entities: Mapping[str, Entity]) -> SimilarThing:
    thing = near.thing
    owner = entities.get(thing.owner or "")
    return SimilarThing(
        ref=thing.ref,
        kind=thing.kind,
        title=thing.title,
        description=entities[entity_of(thing.ref)].description,
        url=thing_url(thing.ref),
        owner=thing.owner,
        owner_title=owner.title if owner else "",
        contacts=contacts_of(owner),
        likeness=near.likeness,
        phrases=near.phrases,
    )
