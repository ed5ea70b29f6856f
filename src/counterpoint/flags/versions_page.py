"""The page of a set's versions: what differs between two of them in words, and the list that they are chosen from."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from counterpoint.errors import NotFoundError
from counterpoint.flags.change_words import FlagWords, Line, flag_words, shared_words
from counterpoint.flags.set_page import permission_of
from counterpoint.flags.store import find_set
from counterpoint.flags.versions import VersionPage, documents_of, versions_of_set
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.flag_changes import SetChanges, changes_between
from counterpoint.graph.reader import Reader
from counterpoint.web import PageContext, render
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

VERSIONS = 20
MOST_FLAGS = 50
"""Flags that one difference shows in full; of the others the keys."""
From = Annotated[int | None, QueryParameter(name="from")]
To = Annotated[int | None, QueryParameter(name="to")]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions and what differs."""

    before: int
    after: int
    changes: SetChanges
    flags: list[FlagWords]
    shared: list[tuple[str, str, tuple[Line, ...]]]
    more: tuple[str, ...]
    """Keys of flags beyond those that are shown."""


@get(
    "/flags/-/versions/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_versions(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    actor: NamedDependency[Actor],
    set_name: FromPath[str],
    old: From = None,
    new: To = None,
    cursor: FromQuery[str | None] = None,
) -> str:
    """Every version of a set, a deleted one too; two of them compared, the newest with the one before unless asked otherwise."""
    with ws.graph.read() as reader:
        versions = versions_of_set(reader, set_name, limit=VERSIONS, cursor=cursor)
        compared = _compared(reader, set_name, old, new)
        entity = _entity(reader, set_name)
        permission = permission_of(reader, actor, entity) if entity else None
        known = dict(reader.get_many({each.actor for each in versions.items if "/" in each.actor}))
    here = with_query(f"/flags/-/versions/{set_name}", **{"from": old, "to": new})
    return render(
        page.about(entity.owner if entity else None),
        "flags/versions.html",
        name=set_name,
        entity=entity,
        compared=compared,
        versions=versions,
        numbers=_numbers(versions, compared),
        may=permission is None or permission.allow,
        known=known,
        next_url=with_query(here, cursor=versions.next_cursor) if versions.next_cursor else None,
        first_url=here if cursor else None,
    )


def _entity(reader: Reader, name: str) -> Entity | None:
    """The set as it is; None where it was deleted."""
    try:
        return find_set(reader, name)
    except NotFoundError:
        return None


def _compared(reader: Reader, name: str, old: int | None, new: int | None) -> Compared:
    (before, was), (after, now) = documents_of(reader, name, old=old, new=new)
    changes = changes_between(was, now)
    words = flag_words(changes, was, now, most=MOST_FLAGS)
    shown = {each.key for each in words}
    more = tuple(flag.key for flag in changes.flags if flag.key not in shown)
    return Compared(before, after, changes, words, shared_words(changes), more)


def _numbers(versions: VersionPage, compared: Compared) -> list[int]:
    """The versions that a reader can choose from: those of the page and those that are compared."""
    listed = {each.version for each in versions.items} | {compared.before, compared.after}
    return sorted(listed | {0}, reverse=True)


pages: list[Any] = [show_versions]
