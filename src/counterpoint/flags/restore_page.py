"""The page that lets a flag set be again what it was in a version, and the undoing of a change just made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import InputError, NotFoundError, PreconditionError
from counterpoint.flags.effects import Effect, effect_of
from counterpoint.flags.form_fields import count_in, one
from counterpoint.flags.meanwhile import Meanwhile, may_write, set_named, since
from counterpoint.flags.store import set_ref
from counterpoint.flags.versions import SetVersion, read_version, restore_set, versions_of_set
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.permissions import Decision
from counterpoint.web import PageContext, render
from counterpoint.web.urls import set_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages", "restore_url"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
SHOWN = 20
"""Versions that can be chosen from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody has sent."""

    data: Mapping[str, Any]
    errors: Mapping[str, str]
    meanwhile: Meanwhile | None = None

    @property
    def reason(self) -> str:
        """Why, as typed."""
        return one(self.data, "reason")


NOTHING = Asked({}, {})


def restore_url(set_name: str, version: int | None = None) -> str:
    """The address of the page that restores a version of a set."""
    return with_query(set_named("restore", set_name), version=version)


@get(
    "/flags/-/restore/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_restore(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    version: FromQuery[int | None] = None,
) -> str:
    """What restoring a version would change, and for how many people; without one, a choice of versions."""
    return _shown(ws, actor, page, set_name, version, NOTHING)


@post(
    "/flags/-/restore/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def restore(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
) -> Page:
    """Restore it, or say what others have done since the page was opened."""
    version, etag = count_in(data, "version"), one(data, "etag")
    try:
        written = restore_set(
            ws,
            actor,
            set_name,
            version or 0,
            if_match=[etag] if etag else None,
            reason=one(data, "reason") or None,
        )
    except PreconditionError:
        with ws.graph.read() as reader:
            meanwhile = since(reader, set_name, count_in(data, "seen") or 0)
        html = _shown(ws, actor, page, set_name, version, Asked(data, {}, meanwhile))
        return Response(html, status_code=412, media_type=MediaType.HTML)
    except InputError as error:
        errors = {"": "; ".join(f"{each.pointer} {each.message}" for each in error.problems) or error.message}
        html = _shown(ws, actor, page, set_name, version, Asked(data, errors))
        return Response(html, status_code=error.status, media_type=MediaType.HTML)
    key = one(data, "back")
    known = written.stored is not None and key in written.stored.flags.flags
    to = with_query(set_named("control", set_name), flag=key) if known else set_url(set_name)
    told = "flags-as-before" if written.outcome == "unchanged" else "flags-restored"
    return Redirect(with_query(to, told=told), status_code=303)


def _shown(
    ws: Workspace, actor: Actor, page: PageContext, set_name: str, version: int | None, asked: Asked
) -> str:
    with ws.graph.read() as reader:
        history = versions_of_set(reader, set_name, limit=SHOWN)
        chosen = read_version(reader, set_name, version) if version is not None else None
        entity = reader.get(set_ref(set_name))
        permission = may_write(reader, entity, actor) if entity else Decision(allow=True, reason="")
        owner = reader.get(entity.owner) if entity and entity.owner else None
    effect, problem = _effect(ws, set_name, chosen, entity.document if entity else None)
    return render(
        page.about(entity.owner if entity else None),
        "flags/restore.html",
        set_name=set_name,
        entity=entity,
        history=history.items,
        chosen=chosen,
        effect=effect,
        problem=problem,
        asked=asked,
        permission=permission,
        owner=owner,
        here=restore_url(set_name),
        back=set_url(set_name),
    )


def _effect(
    ws: Workspace, set_name: str, chosen: SetVersion | None, before: Mapping[str, Any] | None
) -> tuple[Effect | None, str | None]:
    """What restoring would do, which whoever may read may ask; or why it cannot be told."""
    if chosen is None:
        return None, None
    try:
        return effect_of(before, restore_set(ws, SYSTEM, set_name, chosen.version, dry_run=True)), None
    except (InputError, NotFoundError) as error:
        first = error.problems[0].message if error.problems else ""
        return None, f"{error.message} {first}".strip()


pages: list[Any] = [show_restore, restore]
