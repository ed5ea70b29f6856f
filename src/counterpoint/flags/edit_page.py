"""The editor: a whole set as flagd's JSON, or one flag of it, with what is wrong and whom a change reaches."""

from dataclasses import dataclass, replace
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import InputError, NotFoundError, PreconditionError
from counterpoint.flags.care import kept_references
from counterpoint.flags.edit_check import Remark, Typed, typed
from counterpoint.flags.editing import Merged, flag_in, merged, pretty, with_flag, without_flag
from counterpoint.flags.effects import Effect, effect_of
from counterpoint.flags.form_fields import as_typed, count_in, one
from counterpoint.flags.meanwhile import Meanwhile, may_write, seen_then, set_named, since
from counterpoint.flags.plans_kept import composition_of
from counterpoint.flags.seen import attributes_seen
from counterpoint.flags.store import StoredSet, Written, read_set, write_set
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.reader import Reader
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.urls import flag_url, set_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["edit_url", "pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
PLACES = 10
"""Lines of code that a deletion tells."""


@dataclass(frozen=True, slots=True)
class Editing:
    """What is edited, and what came of what was sent."""

    stored: StoredSet
    key: str | None
    text: str
    version: int
    etag: str
    reason: str = ""
    remarks: tuple[Remark, ...] = ()
    effect: Effect | None = None
    """Of a preview."""
    meanwhile: Meanwhile | None = None
    conflicts: tuple[str, ...] = ()
    """What both sides changed, where others were faster."""

    @property
    def errors(self) -> list[Remark]:
        """What keeps the text from being saved."""
        return [each for each in self.remarks if each.level == "error"]


def edit_url(set_name: str, key: str | None = None, **query: Any) -> str:
    """The address of the editor."""
    return with_query(set_named("edit", set_name), flag=key, **query)


@get("/flags/-/edit/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_editor(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    flag: FromQuery[str | None] = None,
) -> str:
    """A set, or one flag of it, as text."""
    with ws.graph.read() as reader:
        stored = read_set(reader, set_name, broken=True)
    definition = stored.entity.spec["definition"]
    found = definition if flag is None else flag_in(definition, flag)
    if found is None:
        raise NotFoundError(f"There is no flag {flag!r} in the flag set {stored.name!r}.")
    text = pretty(found)
    remarks = _typed(ws, stored, flag, text).remarks
    editing = Editing(stored, flag, text, stored.entity.version, stored.etag, remarks=remarks)
    return _shown(ws, actor, page, editing)


@post("/flags/-/edit/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def change_text(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
    flag: FromQuery[str | None] = None,
) -> Page:
    """Save the text, or tell what saving would do, what is wrong with it, or what others have done meanwhile."""
    with ws.graph.read() as reader:
        stored = read_set(reader, set_name, broken=True)
    text = as_typed(data, "text")
    step = one(data, "step")
    if step == "delete" and flag is not None:
        made = Typed(without_flag(stored.entity.spec["definition"], flag), ())
    else:
        made = _typed(ws, stored, flag, text)
    editing = Editing(
        stored,
        flag,
        text,
        count_in(data, "version") or 0,
        one(data, "etag"),
        one(data, "reason"),
        made.remarks,
    )
    if made.definition is None:
        return again(_shown(ws, actor, page, editing), status=InputError.status)
    try:
        written = _write(ws, actor, editing, made.definition, dry_run=step == "preview")
    except PreconditionError:
        return _merged(ws, actor, page, editing, made.definition)
    except InputError as error:
        told = [
            Remark("error", each.message, each.pointer, each.line, each.column) for each in error.problems
        ]
        told = told or [Remark("error", error.message, "")]
        return again(_shown(ws, actor, page, replace(editing, remarks=tuple(told))), status=error.status)
    if step == "preview":
        effect = effect_of(stored.entity.document, written)
        return again(_shown(ws, actor, page, replace(editing, effect=effect)), status=200)
    return Redirect(_after(stored.name, flag, step, written), status_code=303)


@post("/flags/-/check/{set_name:str}", include_in_schema=False, status_code=200, sync_to_thread=True)
def check_text(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
    flag: FromQuery[str | None] = None,
) -> dict[str, Any]:
    """What is wrong with a text, for the script that asks while somebody types. Writes nothing."""
    with ws.graph.read() as reader:
        stored = read_set(reader, set_name, broken=True)
    made = _typed(ws, stored, flag, as_typed(data, "text"))
    return {
        "good": made.definition is not None,
        "remarks": [
            {
                "level": each.level,
                "message": page.tell(each.message),
                "line": each.line,
                "column": each.column,
            }
            for each in made.remarks
        ],
    }


def _typed(ws: Workspace, stored: StoredSet, key: str | None, text: str) -> Typed:
    with ws.graph.read() as reader:
        bets = [entity.ref for entity in reader.all(kind="Bet")]
    return typed(
        text,
        stored.entity.spec["definition"],
        key=key,
        bucketing="v3" if stored.entity.spec.get("bucketing") == "v3" else "v2",
        bets=bets,
        attributes=attributes_seen(ws.path, stored.name),
    )


def _write(
    ws: Workspace, actor: Actor, editing: Editing, definition: dict[str, Any], *, dry_run: bool
) -> Written:
    return write_set(
        ws,
        SYSTEM if dry_run else actor,  # whoever may read may ask what a change would do
        editing.stored.name,
        definition,
        if_match=[editing.etag or "none"],
        dry_run=dry_run,
        reason=editing.reason or None,
    )


def _merged(ws: Workspace, actor: Actor, page: PageContext, editing: Editing, mine: dict[str, Any]) -> Page:
    """Somebody was faster: what both did goes together where it can, and into the text, to be saved once more."""
    with ws.graph.read() as reader:
        now = read_set(reader, editing.stored.name, broken=True)
        found = since(reader, now.name, editing.version)
        together = _together(reader, now, editing, mine)
    definition = together.definition if editing.key is None else flag_in(together.definition, editing.key)
    text = pretty(definition) if definition is not None else editing.text
    anew = replace(
        editing,
        stored=now,
        text=text,
        version=now.entity.version,
        etag=now.etag,
        meanwhile=found,
        conflicts=tuple(name for name in together.conflicts if editing.key is None or name == editing.key),
        remarks=_typed(ws, now, editing.key, text).remarks,
    )
    return again(_shown(ws, actor, page, anew), status=412)


def _together(reader: Reader, now: StoredSet, editing: Editing, mine: dict[str, Any]) -> Merged:
    """My definition and the one that is there now, by what I began with; without that, mine as it is."""
    theirs = now.entity.spec["definition"]
    seen = seen_then(reader, now.entity, editing.version)
    base = (seen or {}).get("spec", {}).get("definition")
    if not isinstance(base, dict):
        return Merged(mine, ())
    if editing.key is not None:  # only this flag was typed; all others are theirs
        own = flag_in(mine, editing.key)
        mine = with_flag(base, editing.key, own) if own is not None else without_flag(base, editing.key)
    return merged(base, mine, theirs)


def _shown(ws: Workspace, actor: Actor, page: PageContext, editing: Editing) -> str:
    stored, key = editing.stored, editing.key
    with ws.graph.read() as reader:
        permission = may_write(reader, stored.entity, actor)
        owner = reader.get(stored.entity.owner) if stored.entity.owner else None
    plans = composition_of(ws, stored.entity)
    places = (kept_references(ws) or {}).get(key or "") or ()
    return render(
        page.about(stored.entity.owner),
        "flags/edit.html",
        editing=editing,
        stored=stored,
        key=key,
        planned=sorted(plans.flags) if key is None else [key] if key in plans.flags else [],
        permission=permission,
        owner=owner,
        places=places[:PLACES],
        more_places=max(0, len(places) - PLACES),
        here=edit_url(stored.name, key),
        check=with_query(set_named("check", stored.name), flag=key),
        back=flag_url(stored.name, key) if key is not None else set_url(stored.name),
    )


def _after(name: str, key: str | None, step: str, written: Written) -> str:
    """Where one goes after a save: to the flag or the set, where it is told and can be undone."""
    told = "flags-as-before" if written.outcome == "unchanged" else "flags-saved"
    if step == "delete":
        told, key = "flags-deleted", None
    to = flag_url(name, key) if key is not None else set_url(name)
    return with_query(to, told=told)


pages: list[Any] = [show_editor, change_text, check_text]
