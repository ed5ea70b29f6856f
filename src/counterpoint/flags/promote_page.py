"""The page that promotes flags from one environment of a set to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import InputError, NotFoundError, PreconditionError
from counterpoint.flags.change_words import plan_sentences
from counterpoint.flags.effects import Effect, FlagEffect, effect_of, flag_effects
from counterpoint.flags.environments import all_places, place_of, promoted
from counterpoint.flags.form_fields import count_in, many, one
from counterpoint.flags.meanwhile import Meanwhile, may_write, set_named, since
from counterpoint.flags.promotion import Way, promote_set, way_of
from counterpoint.flags.store import Written, find_set, set_ref
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.flag_changes import changes_of_definitions
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader
from counterpoint.web import PageContext, render
from counterpoint.web.urls import set_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages", "promote_url"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
From = Annotated[str, QueryParameter(name="from")]
To = Annotated[str, QueryParameter(name="to")]
Done = Annotated[int | None, QueryParameter(name="done")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody has sent, and what came of it."""

    data: Mapping[str, Any]
    errors: Mapping[str, str]
    effect: Effect | None = None
    meanwhile: Meanwhile | None = None
    source_moved: bool = False
    """Whether what is promoted was changed since the page was opened."""

    @property
    def keys(self) -> list[str]:
        """The flags that were ticked."""
        return many(self.data, "flags")

    @property
    def whole(self) -> bool:
        """Whether the whole set is to be promoted."""
        return one(self.data, "scope") == "whole"

    @property
    def with_state(self) -> bool:
        """Whether it is copied which flags are on."""
        return not self.data or one(self.data, "with_state") == "yes"

    @property
    def reason(self) -> str:
        """Why, as typed."""
        return one(self.data, "reason")


@dataclass(frozen=True, slots=True)
class Standing:
    """Both ends of a promotion as they are, and what differs."""

    source: Entity | None
    target: Entity | None
    flags: tuple[FlagEffect, ...]
    permission: Decision
    owner: Entity | None
    """Of the target."""


NOTHING = Asked({}, {})


def promote_url(set_name: str, *, origin: str | None = None, target: str | None = None, **query: Any) -> str:
    """The address of the page that promotes a set."""
    return with_query(set_named("promote", set_name), **{"from": origin, "to": target}, **query)


@get(
    "/flags/-/promote/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_promote(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    origin: From = "",
    target: To = "",
    done: Done = None,
) -> str:
    """What differs between two environments, flag by flag, to tick what is to be promoted."""
    return _shown(ws, actor, page, set_name, (origin, target), NOTHING, done=done)


@post(
    "/flags/-/promote/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def promote(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
) -> Page:
    """Promote what was ticked, or tell whom that would reach, or what was changed since the page was opened."""
    ends, asked = (one(data, "from"), one(data, "to")), Asked(data, {})
    preview = one(data, "step") == "preview"
    try:
        way = _way(ws, set_name, ends)
        moved = not preview and one(data, "source") != _version(ws, way.from_set)
        written = _tried(ws, actor, way, asked, dry_run=preview or moved)
        if preview or moved:
            asked = replace(asked, effect=_effect(ws, way, written), source_moved=moved)
            html = _shown(ws, actor, page, set_name, ends, asked)
            return Response(html, status_code=412 if moved else 200, media_type=MediaType.HTML)
    except PreconditionError:
        moved = one(data, "source") != _version(ws, way.from_set)
        asked = replace(_overtaken(ws, actor, way, data), source_moved=moved)
        html = _shown(ws, actor, page, set_name, ends, asked)
        return Response(html, status_code=412, media_type=MediaType.HTML)
    except InputError as error:
        asked = replace(asked, errors=_errors(error))
        html = _shown(ws, actor, page, set_name, ends, asked)
        return Response(html, status_code=error.status, media_type=MediaType.HTML)
    back = promote_url(set_name, origin=way.origin, target=way.target)
    if written.stored is None or written.outcome == "unchanged":
        return Redirect(with_query(back, told="flags-as-before"), status_code=303)
    done = written.stored.entity.version
    return Redirect(with_query(back, told="flags-promoted", done=done), status_code=303)


def _way(ws: Workspace, set_name: str, ends: tuple[str, str]) -> Way:
    """The way of a promotion; to the last environment, where its set is named, from the one before."""
    environments = ws.settings.flags.environments
    origin, target = ends
    last = place_of(set_name, environments).environment == environments[-1] if environments else False
    if last and not origin and not target and len(environments) > 1:
        origin = environments[-2]
    return way_of(set_name, environments, origin=origin or None, target=target or None)


def _tried(ws: Workspace, actor: Actor, way: Way, asked: Asked, *, dry_run: bool) -> Written:
    etag = one(asked.data, "etag")
    if not asked.whole and not asked.keys:
        raise InputError("No flag is ticked. Tick at least one, or choose the whole set.")
    return promote_set(
        ws,
        SYSTEM if dry_run else actor,  # whoever may read may ask what a promotion would do
        way,
        flags=None if asked.whole else asked.keys,
        with_state=asked.with_state,
        source_version=None if dry_run else count_in(asked.data, "source"),
        if_match=[etag] if etag else None,
        dry_run=dry_run,
        reason=asked.reason or None,
    )


def _overtaken(ws: Workspace, actor: Actor, way: Way, data: Mapping[str, Any]) -> Asked:
    """What others have done to the target, and what this promotion would do now."""
    with ws.graph.read() as reader:
        meanwhile = since(reader, way.to_set, count_in(data, "seen") or 0)
    renewed = Asked({**data, "etag": meanwhile.etag}, {}, meanwhile=meanwhile)
    try:
        written = _tried(ws, actor, way, renewed, dry_run=True)
    except InputError as error:
        return replace(renewed, errors=_errors(error))
    return replace(renewed, effect=_effect(ws, way, written))


def _effect(ws: Workspace, way: Way, written: Written) -> Effect:
    with ws.graph.read() as reader:
        target = reader.get(set_ref(way.to_set))
    before = target.document if target else None
    planned = plan_sentences(before, written.document)
    sentences = [each for told in planned.values() for each in told]
    return effect_of(before, written, sentences)


def _shown(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    set_name: str,
    ends: tuple[str, str],
    asked: Asked,
    *,
    done: int | None = None,
) -> str:
    environments = ws.settings.flags.environments
    problem, way, standing = None, None, None
    try:
        way = _way(ws, set_name, ends)
    except InputError as error:
        problem = error.message
    with ws.graph.read() as reader:
        if way is None:
            find_set(reader, set_name)
        elif (standing := _standing(reader, actor, way)) is None:
            problem = _elsewhere(reader, way, place_of(set_name, environments).base, environments)
    target = standing.target if standing else None
    undo = done - 1 if target and done == target.version and done > 1 else None
    return render(
        page.about(target.owner if target else None),
        "flags/promote.html",
        set_name=set_name,
        environments=environments,
        problem=problem,
        way=way,
        standing=standing,
        asked=asked,
        ticked=_ticked(standing, asked),
        done=done,
        undo=undo,
        here=promote_url(set_name),
        back=set_url(set_name),
    )


def _elsewhere(reader: Reader, way: Way, base: str, environments: Sequence[str]) -> str:
    """That the set is in neither environment, and where it is.

    Raises:
        NotFoundError: it is nowhere.
    """
    places = [each for each in all_places(base, environments) if reader.get(set_ref(each[1]))]
    if not places:
        raise NotFoundError(f"There is no flag set {base!r} in any environment.")
    known = " and ".join(f"{environment} ({name!r})" for environment, name in places)
    return f"The set {base!r} is neither in {way.origin} nor in {way.target}. It is in {known}: choose from there, or make it here."


def _standing(reader: Reader, actor: Actor, way: Way) -> Standing | None:
    """Both ends; None where the set is at neither."""
    source, target = (reader.get(set_ref(name)) for name in (way.from_set, way.to_set))
    if source is None and target is None:
        return None
    flags = _differing(source, target) if source else ()
    owner = reader.get(target.owner) if target and target.owner else None
    permission = may_write(reader, target, actor) if target else may(actor, "write", new=True)
    return Standing(source, target, tuple(flags), permission, owner)


def _differing(source: Entity, target: Entity | None) -> Sequence[FlagEffect]:
    """Each flag that differs, with what its plan says of it; also one of which only the plan differs."""
    there = target.spec["definition"] if target else None
    changes = changes_of_definitions(there, promoted(source.spec["definition"], there).definition)
    flags = {flag.key: flag for flag in flag_effects(changes)}
    if target is None:
        return list(flags.values())
    known = flags_by_key(there)
    for key, sentences in plan_sentences(target.document, source.document).items():
        flag = flags.get(key)
        if flag and flag.action == "changed":
            flags[key] = replace(flag, words=(*flag.words, *sentences))
        elif flag is None and key in known:
            flags[key] = FlagEffect(key, "changed", sentences, ())
    return list(flags.values())


def _ticked(standing: Standing | None, asked: Asked) -> list[str]:
    """What is ticked when the page is opened: all that differs, but nothing that would be removed."""
    if asked.data or standing is None:
        return asked.keys
    return [flag.key for flag in standing.flags if flag.action != "removed"]


def _version(ws: Workspace, name: str) -> str:
    with ws.graph.read() as reader:
        entity = reader.get(set_ref(name))
    return str(entity.version) if entity else ""


def _errors(error: InputError) -> dict[str, str]:
    if not error.problems:
        return {"": error.message}
    return {"": " ".join(f"{each.message} ({each.pointer})" if each.pointer else each.message for each in error.problems)}  # fmt: skip


pages: list[Any] = [show_promote, promote]
