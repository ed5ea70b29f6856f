"""The page that builds a flag's rule from rows: no JSON is written, and whom it reaches is seen before it is saved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import InputError, NotFoundError, PreconditionError
from counterpoint.flags.edit_page import edit_url
from counterpoint.flags.editing import flag_in, pretty, with_flag
from counterpoint.flags.effects import Effect, effect_of
from counterpoint.flags.flag import Flag
from counterpoint.flags.form_fields import FormError, count_in, one
from counterpoint.flags.meanwhile import Meanwhile, may_write, set_named, since
from counterpoint.flags.model import FlagSet
from counterpoint.flags.plans_kept import composition_of
from counterpoint.flags.rule_form import (
    BLANK,
    OPERATORS,
    RuleForm,
    form_of,
    read_form,
    rule_of,
    variants_first,
)
from counterpoint.flags.seen import attributes_seen
from counterpoint.flags.sentences import Step, steps_of
from counterpoint.flags.store import StoredSet, Written, read_set, write_set
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.urls import flag_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages", "rule_url"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
SPARE = 1
"""Empty rows of conditions below those that are filled."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the rows say, as far as they can be read."""

    steps: tuple[Step, ...] = ()
    json: str = ""
    errors: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Building:
    """What is built, and what came of what was sent."""

    stored: StoredSet
    flag: Flag
    form: RuleForm | None
    """None where rows cannot show the rule."""
    version: int
    etag: str
    said: Said
    reason: str = ""
    effect: Effect | None = None
    """Of a preview."""
    meanwhile: Meanwhile | None = None
    focus: str = ""
    """The field that whoever has just moved a rule goes on with: the page is a new one, and begins at its top."""


def rule_url(set_name: str, key: str) -> str:
    """The address of the page that builds a flag's rule."""
    return with_query(set_named("rule", set_name), flag=key)


@get("/flags/-/rule/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_rule(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    flag: FromQuery[str] = "",
) -> str:
    """The rule of a flag in rows."""
    stored, found, document = _found(ws, set_name, flag)
    form = form_of(document.get("targeting"))
    said = Said(tuple(steps_of(found)), pretty(document.get("targeting") or {}))
    return _shown(ws, actor, page, Building(stored, found, form, stored.entity.version, stored.etag, said))


@post("/flags/-/rule/{set_name:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def change_rule(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
    flag: FromQuery[str] = "",
) -> Page:
    """Save the rows as a rule, tell whom that would reach, or give another row."""
    stored, found, document = _found(ws, set_name, flag)
    form, step = read_form(data), one(data, "step")
    said = _said(stored, flag, document, form)
    version, etag = count_in(data, "version") or 0, one(data, "etag")
    building = Building(stored, found, form, version, etag, said, one(data, "reason"))
    if step not in ("save", "preview"):
        rows = _moved(form, step)
        moved = replace(building, form=rows, focus=_going_on(rows, step))
        return again(_shown(ws, actor, page, moved), status=200)
    if said.errors:
        return again(_shown(ws, actor, page, building), status=InputError.status)
    try:
        written = _write(ws, actor, building, _with_rule(document, rule_of(form)), dry_run=step == "preview")
    except PreconditionError:
        with ws.graph.read() as reader:
            meanwhile = since(reader, set_name, version, key=flag)
        later = replace(building, etag=meanwhile.etag, version=meanwhile.version, meanwhile=meanwhile)
        return again(_shown(ws, actor, page, later), status=412)
    except InputError as error:
        told = error.problems[0].message if error.problems else error.message
        wrong = replace(building, said=replace(said, errors={"": told}))
        return again(_shown(ws, actor, page, wrong), status=error.status)
    if step == "preview":
        effect = effect_of(stored.entity.document, written)
        return again(_shown(ws, actor, page, replace(building, effect=effect)), status=200)
    told = "flags-as-before" if written.outcome == "unchanged" else "flags-saved"
    return Redirect(with_query(flag_url(stored.name, flag), told=told), status_code=303)


@post(
    "/flags/-/rule-check/{set_name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    status_code=200,
    sync_to_thread=True,
)
def say_rule(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    data: Posted,
    flag: FromQuery[str] = "",
) -> str:
    """What the rows say, for the script that asks while somebody fills them in. Writes nothing."""
    stored, found, document = _found(ws, set_name, flag)
    said = _said(stored, flag, document, read_form(data))
    return render(page.about(stored.entity.owner), "flags/rule_said.html", said=said, flag=found)


def _found(ws: Workspace, set_name: str, key: str) -> tuple[StoredSet, Flag, dict[str, Any]]:
    """The set, its flag, and the flag as it is written.

    Raises:
        NotFoundError: there is no such set or flag, or the set is broken.
    """
    with ws.graph.read() as reader:
        stored = read_set(reader, set_name)
    document = flag_in(stored.entity.spec["definition"], key)
    if document is None or key not in stored.flags.flags:
        raise NotFoundError(f"There is no flag {key!r} in the flag set {stored.name!r}.")
    return stored, stored.flags.flags[key], document


def _with_rule(document: Mapping[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    """The flag with the rule; one that had none, in whichever way, and gets none is as it was."""
    if not rule and not document.get("targeting"):
        return dict(document)
    if rule:
        return {**document, "targeting": rule}
    return {name: value for name, value in document.items() if name != "targeting"}


def _said(stored: StoredSet, key: str, document: Mapping[str, Any], form: RuleForm) -> Said:
    try:
        rule = rule_of(form)
        definition = stored.entity.spec["definition"]
        alone = {**definition, "flags": {key: _with_rule(document, rule)}}
        flag = FlagSet.from_flagd(alone, stored.flags.bucketing).flags[key]
    except FormError as error:
        return Said(errors={problem.pointer: problem.message for problem in error.problems})
    except InputError as error:
        return Said(errors={"": error.problems[0].message if error.problems else error.message})
    if flag.fault:
        return Said(errors={"": f"The rule cannot run. {flag.fault}"})
    return Said(tuple(steps_of(flag)), pretty(rule))


def _moved(form: RuleForm, step: str) -> RuleForm:
    """The form with a rule more, or with one taken away or moved up."""
    branches = list(form.branches)
    what, _, place = step.partition("-")
    number = int(place) if place.isascii() and place.isdigit() and len(place) < 4 else -1
    if what == "more":
        branches.append(BLANK)
    elif what == "drop" and 0 <= number < len(branches):
        del branches[number]
    elif what == "up" and 0 < number < len(branches):
        branches[number - 1 : number + 1] = branches[number], branches[number - 1]
    return replace(form, branches=tuple(branches))


def _going_on(form: RuleForm, step: str) -> str:
    """The field to go on with: of the new rule, of the one that was moved, or of what stands where one was taken away."""
    what, _, place = step.partition("-")
    last = len(form.branches) - 1
    if last < 0:
        return ""
    if what == "more" or not (place.isascii() and place.isdigit() and len(place) < 4):
        return f"b{last}-attr"
    return f"b{min(max(int(place) - (what == 'up'), 0), last)}-attr"


def _write(
    ws: Workspace, actor: Actor, building: Building, document: dict[str, Any], *, dry_run: bool
) -> Written:
    definition = building.stored.entity.spec["definition"]
    return write_set(
        ws,
        SYSTEM if dry_run else actor,  # whoever may read may ask what a change would do
        building.stored.name,
        with_flag(definition, building.flag.key, document),
        if_match=[building.etag or "none"],
        dry_run=dry_run,
        reason=building.reason or None,
    )


def _shown(ws: Workspace, actor: Actor, page: PageContext, building: Building) -> str:
    stored, flag = building.stored, building.flag
    with ws.graph.read() as reader:
        permission = may_write(reader, stored.entity, actor)
        owner = reader.get(stored.entity.owner) if stored.entity.owner else None
    read = {name for each in stored.flags for name in each.reads if name != "*"}
    return render(
        page.about(stored.entity.owner),
        "flags/rule.html",
        building=building,
        stored=stored,
        flag=flag,
        form=building.form,
        said=building.said,
        operators=[(name, each.words) for name, each in OPERATORS.items()],
        attributes=sorted({*read, *attributes_seen(ws.path, stored.name), "targetingKey"}),
        shared=sorted(stored.entity.spec["definition"].get("$evaluators") or {}),
        variants=list(flag.variants),
        split_rows=variants_first,
        planned=flag.key in composition_of(ws, stored.entity).flags,
        permission=permission,
        owner=owner,
        here=rule_url(stored.name, flag.key),
        check=with_query(set_named("rule-check", stored.name), flag=flag.key),
        text_url=edit_url(stored.name, flag.key),
        back=flag_url(stored.name, flag.key),
    )


pages: list[Any] = [show_rule, change_rule, say_rule]
