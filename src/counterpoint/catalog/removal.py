"""What was imported or registered, and taking one of them back with all that came from it."""

import os

import msgspec
import sqlalchemy as sa

from counterpoint.catalog.addresses import is_address
from counterpoint.catalog.registered import list_locations, remove_origin
from counterpoint.catalog.rereading import bringer_of, covers
from counterpoint.catalog.sources import known_sources, refs_at, roots
from counterpoint.catalog.tables import LOCATIONS, ROOTS
from counterpoint.errors import NotAllowedError, NotFoundError, Problem
from counterpoint.graph import Actor, Graph, Reader, Writer
from counterpoint.spelling import near

__all__ = ["Place", "list_places", "named_places", "remove_place"]


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """A file, folder, pattern or address that the catalog is read from, as somebody named it."""

    target: str
    registered: bool
    """Whether it was registered over HTTP; else it was imported."""
    by: str
    """Who brought it in."""
    entities: int
    """How many entities come from it and from nothing else that was named."""


def list_places(reader: Reader) -> list[Place]:
    """Everything that was named, by target."""
    registered = {each.target for each in list_locations(reader)}
    named = {target: actor.ref for target, actor in roots(reader)}
    named |= {target: bringer_of(reader, f"url:{target}").ref for target in registered}
    return [
        Place(
            target,
            target in registered,
            by,
            sum(len(refs_at(reader, place)) for place in _places(reader, target, named)),
        )
        for target, by in sorted(named.items())
    ]


def named_places(reader: Reader) -> set[str]:
    """The targets that somebody imported or registered."""
    return {target for target, _ in roots(reader)} | {each.target for each in list_locations(reader)}


def remove_place(graph: Graph, actor: Actor, target: str) -> Place:
    """Take back what was imported or registered, with everything that came from it and from nothing else.

    Raises:
        NotFoundError: nothing of that name was imported or registered.
        NotAllowedError: somebody else brought it in, or something that came from it is not the actor's to
            remove; nothing is removed.
    """
    wanted = target if is_address(target) else os.path.abspath(os.path.expanduser(target))
    with graph.write(actor) as writer:
        found = next((each for each in list_places(writer) if each.target == wanted), None)
        if found is None:
            raise _unknown(writer, wanted)
        if actor.kind == "person" and not actor.admin and found.by != actor.ref:
            raise NotAllowedError(
                f"'{wanted}' was brought in by '{found.by}'; ask them, or an administrator, to remove it."
            )
        _remove(writer, wanted)
    return found


def _remove(writer: Writer, target: str) -> None:
    named = list(named_places(writer))
    origins = [
        known.source.location
        for known in known_sources(writer)
        if known.source.location == known.source.origin and _only(target, known.source.target, named)
    ]
    kind = "url" if is_address(target) else "file"
    for origin in dict.fromkeys([*origins, f"{kind}:{target}"]):
        remove_origin(writer, origin)
    writer.connection.execute(sa.delete(ROOTS).where(ROOTS.c.target == target))
    writer.connection.execute(sa.delete(LOCATIONS).where(LOCATIONS.c.target == target))
    writer.record("location.removed", f"{kind}:{target}", before={"target": target})


def _places(reader: Reader, target: str, named: dict[str, str]) -> list[str]:
    return [
        known.source.location
        for known in known_sources(reader)
        if _only(target, known.source.origin.partition(":")[2], named)
    ]


def _only(target: str, place: str, named: "dict[str, str] | list[str]") -> bool:
    """Whether a place is there because of one target and of no other."""
    return covers(target, place) and not any(covers(other, place) for other in named if other != target)


def _unknown(reader: Reader, wanted: str) -> NotFoundError:
    named = [each.target for each in list_places(reader)]
    above = next((root for root in named if covers(root, wanted)), None)
    if above is not None:
        message = f"'{wanted}' was imported with '{above}'; delete the file, or remove that"
    else:
        message = f"'{wanted}' was never imported or registered{near(wanted, named)}"
    return NotFoundError(f"{message.rstrip('.')}.", [Problem(message, "/target")])
