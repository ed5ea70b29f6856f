"""The page that controls one flag: on and off, kill, ramp, schedule, and who may be enrolled at all."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import InputError, NotFoundError, PreconditionError
from counterpoint.flags.adopting import NotAdoptable, Offer, offer_of
from counterpoint.flags.composing import Composed, edit_plans, kill, ramp, revive, switch
from counterpoint.flags.composition import (
    Composition,
    CompositionError,
    FlagPlan,
    percent_of,
    read_composition,
    reattached,
    settled,
    upcoming,
    with_plan,
    without_plan,
)
from counterpoint.flags.composition.checks import built_on
from counterpoint.flags.control_forms import (
    FORMS,
    edit_of,
    field_of,
    ramp_steps,
    takes_other,
    typed_into,
    values_of,
)
from counterpoint.flags.control_shown import arm_parts, rows_of, unshown_keys
from counterpoint.flags.effects import Effect, effect_of
from counterpoint.flags.flag import Flag
from counterpoint.flags.flag_words import state_sentence
from counterpoint.flags.form_fields import count_in, one, percent_in, raw_in
from counterpoint.flags.layer_view import holdouts_of, layers_of
from counterpoint.flags.meanwhile import Meanwhile, may_write, set_named, since
from counterpoint.flags.plan_gates import steps_now
from counterpoint.flags.state import state_of
from counterpoint.flags.store import StoredSet, find_set, flag_sets
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.entity import Entity
from counterpoint.spelling import near
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.urls import flag_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["control_url", "pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
CERTAIN = ("kill", "off")
"""What is done whoever else has changed something: it only takes away."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody has sent, and what came of it."""

    data: Mapping[str, Any]
    errors: Mapping[str, str]
    effect: Effect | None = None
    """Of a preview."""
    meanwhile: Meanwhile | None = None

    @property
    def form(self) -> str:
        """Which of the forms it was."""
        return one(self.data, "do")

    @property
    def reason(self) -> str:
        """Why, as typed."""
        return one(self.data, "reason")


NOTHING = Asked({}, {})


def control_url(set_name: str, key: str, **query: Any) -> str:
    """The address of the page that controls a flag."""
    return with_query(set_named("control", set_name), flag=key, **query)


@get(
    "/flags/-/control/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_control(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    flag: FromQuery[str] = "",
    done: FromQuery[int | None] = None,
) -> str:
    """One flag with everything that changes it without editing its rule; `done` is the version just written."""
    return _shown(ws, actor, page, set_name, flag, NOTHING, done=done)


@post(
    "/flags/-/control/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def change_control(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
    flag: FromQuery[str] = "",
) -> Page:
    """Make one change, or tell what it would do, what is wrong with it, or what others have done meanwhile."""
    return _changed(ws, actor, page, set_name, flag, data)


def _changed(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    set_name: str,
    key: str,
    data: Mapping[str, Any],
    *,
    tries: int = 3,
) -> Page:
    preview = one(data, "step") == "preview"
    try:
        done = _tried(ws, actor, set_name, key, data, dry_run=preview)
    except PreconditionError:
        with ws.graph.read() as reader:
            meanwhile = since(reader, set_name, count_in(data, "version") or 0, key=key)
        renewed = {**data, "etag": meanwhile.etag, "version": str(meanwhile.version)}
        if not meanwhile.touched and tries:  # others have changed other flags: neither loses anything
            return _changed(ws, actor, page, set_name, key, renewed, tries=tries - 1)
        asked = replace(_previewed(ws, actor, set_name, key, renewed), meanwhile=meanwhile)
        return again(_shown(ws, actor, page, set_name, key, asked), status=412)
    except InputError as error:
        asked = Asked(data, _errors(error, one(data, "do"), key))
        return again(_shown(ws, actor, page, set_name, key, asked), status=error.status)
    if preview:
        asked = Asked(data, {}, _effect(ws, set_name, done))
        return again(_shown(ws, actor, page, set_name, key, asked), status=200)
    stored = done.written.stored
    if stored is None or done.written.outcome == "unchanged":
        return Redirect(control_url(set_name, key, told="flags-as-before"), status_code=303)
    return Redirect(control_url(set_name, key, done=stored.entity.version), status_code=303)


def _tried(
    ws: Workspace, actor: Actor, set_name: str, key: str, data: Mapping[str, Any], *, dry_run: bool
) -> Composed:
    actor = SYSTEM if dry_run else actor  # whoever may read may ask what a change would do
    form, etag, reason = one(data, "do"), one(data, "etag"), one(data, "reason") or None
    if_match = [etag] if etag and form not in CERTAIN else None
    if form in ("on", "off"):
        return switch(
            ws, actor, set_name, key, on=form == "on", if_match=if_match, dry_run=dry_run, reason=reason
        )
    if form == "kill":
        return kill(ws, actor, set_name, key, dry_run=dry_run, reason=reason)
    if form == "revive":
        return revive(ws, actor, set_name, key, if_match=if_match, dry_run=dry_run, reason=reason)
    if form == "ramp":
        percent = percent_in(data, "other" if takes_other(data) else "percent")
        return ramp(ws, actor, set_name, key, percent, if_match=if_match, dry_run=dry_run, reason=reason)
    edit = _edit(ws, set_name, key, form, data)
    return edit_plans(ws, actor, set_name, key, edit, if_match=if_match, dry_run=dry_run, reason=reason)


def _edit(ws: Workspace, set_name: str, key: str, form: str, data: Mapping[str, Any]) -> Any:
    """What the form makes of the plans.

    Raises:
        InputError: it is none of the forms, or a field cannot be read.
    """
    if form == "reattach":
        return lambda composition: reattached(composition, [key])
    if form == "release":
        return lambda composition: without_plan(composition, key)
    if form == "adopt":
        with ws.graph.read() as reader:
            stored = flag_sets(ws).of(find_set(reader, set_name))
        offer = offer_of(_flag(stored, key), stored.flags.bucketing)
        if isinstance(offer, NotAdoptable):
            raise InputError(offer.reason)
        return lambda composition: with_plan(composition, key, offer.plan)
    if form not in FORMS:
        raise InputError(f"There is no form {form!r} on this page. Open the page again.")
    return edit_of(key, data, now=time.time())


def _previewed(ws: Workspace, actor: Actor, set_name: str, key: str, data: Mapping[str, Any]) -> Asked:
    try:
        return Asked(data, {}, _effect(ws, set_name, _tried(ws, actor, set_name, key, data, dry_run=True)))
    except InputError as error:
        return Asked(data, _errors(error, one(data, "do"), key))


def _says(stored: StoredSet, flag: Flag, plan: FlagPlan | None, composition: Composition, now: float) -> str:
    """The state of the flag in the words of its own page."""
    state = state_of(stored.flags, flag, plan, now=now)
    return state_sentence(flag, state, steps_now(flag, plan, composition, now=now), plan)


def _effect(ws: Workspace, set_name: str, done: Composed) -> Effect:
    with ws.graph.read() as reader:
        before = find_set(reader, set_name).document
    sentences = [each for change in done.changes for each in change.sentences]
    return effect_of(before, done.written, sentences)


def _shown(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    set_name: str,
    key: str,
    asked: Asked,
    *,
    done: int | None = None,
) -> str:
    with ws.graph.read() as reader:
        stored = flag_sets(ws).of(find_set(reader, set_name))
        composition, problem = _plans(stored.entity, key)
        flag = None if stored.problems else _flag(stored, key)
        permission = may_write(reader, stored.entity, actor)
        owner = reader.get(stored.entity.owner) if stored.entity.owner else None
        done = done if done is not None and 0 < done <= stored.entity.version else None
        undo = done - 1 if done and done == stored.entity.version and done > 1 else None
    now = time.time()
    plan = composition.flags.get(key)
    values = typed_into(values_of(composition, key, tuple(flag.variants) if flag else ()), asked.data)
    offer = (
        offer_of(flag, stored.flags.bucketing)
        if flag and plan is None and key not in composition.detached
        else None
    )
    return render(
        page.about(stored.entity.owner),
        "flags/control.html",
        stored=stored,
        key=key,
        flag=flag,
        plan=plan,
        detached=key in composition.detached,
        unreadable=problem,
        says=_says(stored, flag, plan, composition, now) if flag else "",
        now_percent=f"{percent_of(plan.ramp)}" if plan else "",
        steps=ramp_steps(composition, key) if plan else [],
        coming=[each for each in upcoming(composition, now) if each.key == key],
        children=sorted(built_on(composition, key) - {key}),
        values=values,
        rows=rows_of(values),
        parts=arm_parts(values.arms),
        unshown=unshown_keys(plan) if plan else [],
        composition=composition,
        layers=layers_of(composition),
        holdouts=holdouts_of(composition),
        keys=[other for other in stored.flags.flags if other != key],
        variants=sorted({name for each in stored.flags.flags.values() for name in each.variants}),
        offer=offer if isinstance(offer, Offer) else None,
        refusal=offer.reason if isinstance(offer, NotAdoptable) else None,
        asked=asked,
        sent=_sent(asked.data),
        permission=permission,
        owner=owner,
        done=done,
        undo=undo,
        here=control_url(set_name, key),
        back=flag_url(set_name, key),
        edit_url=with_query(set_named("edit", set_name), flag=key),
    )


def _plans(entity: Entity, key: str) -> tuple[Composition, str | None]:
    """The plans of a set, that of the flag at rest where it was edited; or why they cannot be read."""
    try:
        composition = read_composition(entity.spec.get("composition") or {})
    except CompositionError as error:
        return Composition(), str(error.problems[0] if error.problems else error.message)
    return settled(composition, entity.spec["definition"], only=[key])[0], None


def _flag(stored: StoredSet, key: str) -> Flag:
    flag = stored.flags.flags.get(key)
    if flag is None:
        hint = near(key, list(stored.flags.flags))
        raise NotFoundError(f"There is no flag {key!r} in the flag set {stored.name!r}{hint or '.'}")
    return flag


def _sent(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that was typed, for the form that confirms it; without what that form has itself."""
    own = ("step", "reason", "etag", "version", "_csrf_token")
    return [(name, value) for name in data if name not in own for value in raw_in(data, name)]


def _errors(error: InputError, form: str, key: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for problem in error.problems:
        found.setdefault(field_of(form, key, problem), problem.message)
    return found or {f"form-{form}": error.message}


pages: list[Any] = [show_control, change_control]
