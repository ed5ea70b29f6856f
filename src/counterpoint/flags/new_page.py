"""The page that makes a flag: from a few fields, or like another one."""

from dataclasses import replace
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import InputError, PreconditionError
from counterpoint.flags.edit_page import edit_url
from counterpoint.flags.editing import flag_in, pretty, with_flag
from counterpoint.flags.form_fields import one
from counterpoint.flags.meanwhile import may_write, set_named
from counterpoint.flags.new_flag import KINDS, Fields, flag_of
from counterpoint.flags.store import StoredSet, read_set, write_set
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.web.urls import flag_url, set_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
NAMES = ("key", "description", "kind", "variants", "default", "percent", "owner", "bet", "expires", "reason")
TRIES = 3
"""Others may write the set while a flag is put into it; it is then put into what they wrote."""


@get("/flags/-/new/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_new(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    like: FromQuery[str | None] = None,
    kind: FromQuery[str] = "boolean",
) -> str:
    """An empty form, or one filled in from another flag."""
    stored = _read(ws, set_name)
    chosen = kind if kind in KINDS else "boolean"
    fields = Fields(
        kind=chosen, variants=KINDS[chosen], default=KINDS[chosen].rpartition("\n")[2].split(" ")[0]
    )
    if like is not None and (flag := flag_in(stored.entity.spec["definition"], like)) is not None:
        metadata = flag.get("metadata") or {}
        given = {name: str(metadata.get(name) or "") for name in ("description", "owner", "bet", "expires")}
        fields = replace(fields, key=f"{like}-2", **given)
    return _shown(ws, actor, page, stored, fields, {}, like)


@post("/flags/-/new/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def make_flag(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
) -> Page:
    """Make the flag, or say what is wrong with which field."""
    fields = Fields(**{name: one(data, name).replace("\r\n", "\n") for name in NAMES})
    like = one(data, "like") or None
    stored = _read(ws, set_name)
    try:
        for tries_left in reversed(range(TRIES)):
            try:
                _write(ws, actor, stored, fields, like)
                break
            except PreconditionError:
                if not tries_left:
                    raise
                stored = _read(ws, set_name)
    except InputError as error:
        html = _shown(ws, actor, page, stored, fields, _errors(error), like)
        return Response(html, status_code=error.status, media_type=MediaType.HTML)
    return Redirect(with_query(flag_url(stored.name, fields.key), told="flags-saved"), status_code=303)


def _read(ws: Workspace, set_name: str) -> StoredSet:
    with ws.graph.read() as reader:
        return read_set(reader, set_name)


def _write(ws: Workspace, actor: Actor, stored: StoredSet, fields: Fields, like: str | None) -> None:
    """Put the flag into the set as it was read.

    Raises:
        InputError: a field cannot be read, or there is such a flag already.
        PreconditionError: somebody else has written the set since.
    """
    definition = stored.entity.spec["definition"]
    flag = flag_of(fields, definition, flag_in(definition, like) if like else None)
    made = with_flag(definition, fields.key, flag)
    write_set(ws, actor, stored.name, made, if_match=[stored.etag], reason=fields.reason or None)


def _errors(error: InputError) -> dict[str, str]:
    """The messages by field; those about no field stand above the form."""
    found: dict[str, str] = {}
    for problem in error.problems:
        name = problem.pointer.lstrip("/")
        place = name if name in NAMES else ""
        found[place] = f"{found[place]} {problem.message}" if place in found else problem.message
    return found or {"": error.message}


def _shown(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    stored: StoredSet,
    fields: Fields,
    errors: dict[str, str],
    like: str | None,
) -> str:
    with ws.graph.read() as reader:
        permission = may_write(reader, stored.entity, actor)
        owner = reader.get(stored.entity.owner) if stored.entity.owner else None
        bets = [
            entity
            for entity in reader.all(kind="Bet")
            if entity.spec.get("state") not in ("killed", "retired")
        ]
        units = sorted(reader.all(kind="Group"), key=lambda entity: entity.title.casefold())
    copied = flag_in(stored.entity.spec["definition"], like) if like else None
    return render(
        page.about(stored.entity.owner),
        "flags/new.html",
        stored=stored,
        fields=fields,
        errors=errors,
        like=like if copied is not None else None,
        copied=pretty(copied) if copied is not None else None,
        kinds=list(KINDS),
        permission=permission,
        owner=owner,
        bets=[(entity.ref, entity.title) for entity in bets],
        units=[(entity.ref, entity.title) for entity in units],
        here=set_named("new", stored.name),
        as_text=edit_url(stored.name),
        back=set_url(stored.name),
    )


pages: list[Any] = [show_new, make_flag]
