"""The page of a set's versions: what differs between two of them in words, and the list that they are chosen from."""

from typing import Annotated, Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from counterpoint.errors import NotFoundError
from counterpoint.flags.meanwhile import may_write
from counterpoint.flags.set_facts import Compared, compared, versions_now
from counterpoint.flags.store import find_set
from counterpoint.flags.versions import VersionPage
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
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
        versions = versions_now(ws, reader, set_name, limit=VERSIONS, cursor=cursor)
        both = compared(ws, reader, set_name, old=old, new=new, most=MOST_FLAGS)
        entity = _entity(reader, set_name)
        permission = may_write(reader, entity, actor) if entity else None
        known = dict(reader.get_many({each.actor for each in versions.items if "/" in each.actor}))
    here = with_query(f"/flags/-/versions/{set_name}", **{"from": old, "to": new})
    return render(
        page.about(entity.owner if entity else None),
        "flags/versions.html",
        name=set_name,
        entity=entity,
        compared=both,
        versions=versions,
        numbers=_numbers(versions, both),
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


def _numbers(versions: VersionPage, both: Compared) -> list[int]:
    """The versions that a reader can choose from: those of the page and those that are compared."""
    listed = {each.version for each in versions.items} | {both.before, both.after}
    return sorted(listed | {0}, reverse=True)


pages: list[Any] = [show_versions]
