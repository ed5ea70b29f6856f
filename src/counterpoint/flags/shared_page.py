"""The page of what the plans of a set share: segments, layers and holdouts, with who uses them and forms for each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import InputError, PreconditionError
from counterpoint.flags.composing import Composed, edit_shared
from counterpoint.flags.effects import Effect, effect_of
from counterpoint.flags.form_fields import count_in, one, raw_in
from counterpoint.flags.meanwhile import Meanwhile, may_write, set_named, since
from counterpoint.flags.plans_kept import composition_of
from counterpoint.flags.seen import attributes_seen
from counterpoint.flags.shared_forms import KINDS, Shared, edit_of, shared_of
from counterpoint.flags.store import find_set, flag_sets
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.urls import set_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages", "shared_url"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
FIELDS = ("rule", "percent", "bucket_by", "name", "also")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody has sent, and what came of it."""

    data: Mapping[str, Any]
    errors: Mapping[str, str]
    effect: Effect | None = None
    """Of a preview."""
    meanwhile: Meanwhile | None = None

    def of(self, kind: str, name: str) -> bool:
        """Whether it was the form of this one; an empty name is the form of a new one."""
        return bool(self.data) and (one(self.data, "kind"), one(self.data, "which")) == (kind, name)

    def typed(self, field: str) -> str:
        """What was typed into a field."""
        return one(self.data, field)

    @property
    def sent(self) -> list[tuple[str, str]]:
        """All of it, for the form that confirms it; without what that form has itself."""
        own = ("step", "reason", "etag", "version", "_csrf_token")
        return [(name, value) for name in self.data if name not in own for value in raw_in(self.data, name)]


NOTHING = Asked({}, {})


def shared_url(set_name: str, **query: Any) -> str:
    """The address of the page."""
    return with_query(set_named("shared", set_name), **query)


@get(
    "/flags/-/shared/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True
)
def show_shared(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    done: FromQuery[int | None] = None,
) -> str:
    """Segments, layers and holdouts with who uses them; `done` is the version just written."""
    return _shown(ws, actor, page, set_name, NOTHING, done=done)


@post(
    "/flags/-/shared/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True
)
def change_shared(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
) -> Page:
    """Add, change, rename or remove one, or tell what that would do."""
    preview = one(data, "step") == "preview"
    try:
        done = _tried(ws, actor, set_name, data, dry_run=preview)
    except PreconditionError:
        with ws.graph.read() as reader:
            meanwhile = since(reader, set_name, count_in(data, "version") or 0)
        renewed = {**data, "etag": meanwhile.etag, "version": str(meanwhile.version)}
        asked = replace(_previewed(ws, actor, set_name, renewed), meanwhile=meanwhile)
        return again(_shown(ws, actor, page, set_name, asked), status=412)
    except InputError as error:
        asked = Asked(data, _errors(error))
        return again(_shown(ws, actor, page, set_name, asked), status=error.status)
    if preview:
        asked = Asked(data, {}, _effect(ws, set_name, done))
        return again(_shown(ws, actor, page, set_name, asked), status=200)
    stored = done.written.stored
    if stored is None or done.written.outcome == "unchanged":
        return Redirect(shared_url(set_name, told="flags-as-before"), status_code=303)
    return Redirect(shared_url(set_name, done=stored.entity.version), status_code=303)


def _tried(ws: Workspace, actor: Actor, set_name: str, data: Mapping[str, Any], *, dry_run: bool) -> Composed:
    etag = one(data, "etag")
    return edit_shared(
        ws,
        SYSTEM if dry_run else actor,  # whoever may read may ask what a change would do
        set_name,
        edit_of(data),
        if_match=[etag] if etag else None,
        dry_run=dry_run,
        reason=one(data, "reason") or None,
    )


def _previewed(ws: Workspace, actor: Actor, set_name: str, data: Mapping[str, Any]) -> Asked:
    try:
        return Asked(data, {}, _effect(ws, set_name, _tried(ws, actor, set_name, data, dry_run=True)))
    except InputError as error:
        return Asked(data, _errors(error))


def _effect(ws: Workspace, set_name: str, done: Composed) -> Effect:
    with ws.graph.read() as reader:
        before = find_set(reader, set_name).document
    sentences = [each for change in done.changes for each in change.sentences]
    return effect_of(before, done.written, sentences)


def _errors(error: InputError) -> dict[str, str]:
    """Each message by the field of the form that it is about."""
    found: dict[str, str] = {}
    for problem in error.problems:
        part, _, field = problem.pointer.rpartition("/")
        names = {"percent": "percent", "bucketBy": "bucket_by"}
        name = problem.pointer if problem.pointer in FIELDS else names.get(field, "")
        if not name and part.startswith("/segments"):
            name = "rule"
        if not name and part in ("/segments", "/layers", "/holdouts"):
            name = "name"
        found.setdefault(name, problem.message)
    return found or {"": error.message}


def _shown(
    ws: Workspace, actor: Actor, page: PageContext, set_name: str, asked: Asked, *, done: int | None = None
) -> str:
    with ws.graph.read() as reader:
        stored = flag_sets(ws).of(find_set(reader, set_name))
        permission = may_write(reader, stored.entity, actor)
        owner = reader.get(stored.entity.owner) if stored.entity.owner else None
    done = done if done is not None and 0 < done <= stored.entity.version else None
    undo = done - 1 if done and done == stored.entity.version and done > 1 else None
    composition = composition_of(ws, stored.entity)
    shared: dict[str, list[Shared]] = {kind: [] for kind in KINDS}
    for each in shared_of(composition):
        shared[each.kind].append(each)
    return render(
        page.about(stored.entity.owner),
        "flags/shared.html",
        stored=stored,
        shared=shared,
        asked=asked,
        attributes=sorted({*attributes_seen(ws.path, stored.name), "targetingKey"}),
        permission=permission,
        owner=owner,
        done=done,
        undo=undo,
        here=shared_url(stored.name),
        back=set_url(stored.name),
    )


pages: list[Any] = [show_shared, change_shared]
