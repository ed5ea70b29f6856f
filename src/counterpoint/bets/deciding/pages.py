"""The pages of decisions: the log, one record with its advice, the form, and the boundaries of a unit."""

from datetime import UTC, datetime
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets import store
from counterpoint.bets.deciding import records, search
from counterpoint.bets.deciding.boundaries import BOUNDARY_KINDS, BoundaryKind, boundaries_of, set_boundary
from counterpoint.bets.deciding.form import RecordForm, content_of, form_of, read_form
from counterpoint.bets.deciding.latency import waits_of, where_open
from counterpoint.bets.deciding.model import (
    KINDS,
    AdviceKind,
    DecisionRecord,
    DecisionState,
    Stance,
    Step,
    lacks,
)
from counterpoint.errors import ConflictError, InputError
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, count_of, one_of
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
STANCES = ((Stance.FOR.value, "For it"), (Stance.AGAINST.value, "Against it"), (Stance.OPEN.value, "Neither"))
STATES = [(state.value, state.value.capitalize()) for state in DecisionState]


@get("/decisions", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_log(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    q: FromQuery[str] = "",
    unit: FromQuery[str] = "",
    status: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> str:
    """The decision log, and where decisions wait."""
    found = search.search_log(ws.graph, words=q, unit=unit, state=status, kind=kind, cursor=cursor)
    latency = search.unit_latency(ws.graph, unit)
    with ws.graph.read() as reader:
        titles = reader.titles({ref for each in found.items for ref in (each.unit, each.bet) if ref})
    asked = {"q": q, "unit": unit, "status": status, "kind": kind}
    following = with_query("/decisions", **asked, cursor=found.next_cursor) if found.next_cursor else None
    return render(
        page.about(unit or None),
        "bets/deciding/log.html",
        found=found,
        latency=latency,
        titles=titles,
        asked=asked,
        units=store.names_of(ws.graph, "Group"),
        kinds=[*[(kind.value, label) for kind, label in KINDS], ("bet", page.tell("About a bet"))],
        states=STATES,
        next_url=following,
        first_url=with_query("/decisions", **asked) if cursor else None,
    )


@get("/decisions/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_new(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
    bet: FromQuery[str] = "",
    kind: FromQuery[str] = "other",
    supersedes: FromQuery[str] = "",
    review: FromQuery[str] = "",
) -> str:
    """The empty form."""
    form = RecordForm(unit=unit, bet=bet, kind=kind, supersedes=supersedes, review=review)
    return _form(ws, page, form, {})


@post("/decisions/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def create(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Propose a decision, or show the form again with what is wrong."""
    form = read_form(data)
    try:
        made = records.propose(ws.graph, content_of(form), actor=actor)
    except InputError as error:
        return again(_form(ws, page, form, _errors(error)))
    return _to(made.number, "decision-proposed")


@get("/decisions/{number:int}/edit", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_edit(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], number: FromPath[int]
) -> str:
    """The form as the decision is."""
    found = records.record(ws.graph, number)
    return _form(ws, page, form_of(found.content, found.version), {}, found)


@post("/decisions/{number:int}/edit", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def edit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[int],
    data: Posted,
) -> Page:
    """Keep the changed decision, or show the form again."""
    form = read_form(data)
    found = records.record(ws.graph, number)
    version = count_of(form.version)
    try:
        records.revise(ws.graph, number, content_of(form), actor=actor, version=version)
    except InputError as error:
        return again(_form(ws, page, form, _errors(error), found))
    except ConflictError as error:
        return again(_form(ws, page, form, {"": error.message}, found), status=409)
    return _to(number, "decision-kept")


@get("/decisions/{number:int}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[int],
) -> str:
    """One decision: what it says, advice and dissent, what it lacks, and the boundaries beside it."""
    return _record(ws, actor, page, records.record(ws.graph, number))


@post(
    "/decisions/{number:int}/advice", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True
)
def advise(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[int],
    data: Posted,
) -> Page:
    """Ask for advice, give it, or dissent."""
    values = {key: one_of(data, key) for key in ("kind", "whom", "text", "stance")}
    kind = AdviceKind(values["kind"]) if values["kind"] in set(AdviceKind) else AdviceKind.GIVEN
    stance = Stance(values["stance"]) if values["stance"] in set(Stance) else Stance.OPEN
    try:
        records.advise(
            ws.graph, number, kind, values["text"], actor=actor, whom=values["whom"], stance=stance
        )
    except InputError as error:
        found = records.record(ws.graph, number)
        errors = {f"{kind.value}-{name}": text for name, text in _errors(error).items()}
        return again(_record(ws, actor, page, found, errors, values))
    return _to(number, f"advice-{kind.value}")


@post(
    "/decisions/{number:int}/steps", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True
)
def decide(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[int],
    data: Posted,
) -> Page:
    """Accept or reject."""
    step = Step.REJECT if one_of(data, "step") == Step.REJECT.value else Step.ACCEPT
    reason = one_of(data, "reason")
    try:
        records.take_step(ws.graph, number, step, actor=actor, reason=reason)
    except InputError as error:
        errors = _errors(error)
        if isinstance(error, records.GroundsWantedError):
            errors = {"reason": f"{error.message} {errors['reason']}"}
        return again(_record(ws, actor, page, records.record(ws.graph, number), errors, {"reason": reason}))
    return _to(number, f"decision-{step.value}")


@get("/boundaries", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_boundaries(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
) -> str:
    """What a unit may decide by itself, and the form that says so."""
    return _boundaries(ws, actor, page, unit)


@post("/boundaries", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def keep_boundaries(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Keep the boundaries that changed."""
    unit = one_of(data, "unit")
    with ws.graph.read() as reader:
        ref = str(reader.require(unit).ref)
        held = {each.kind: each.text for each in boundaries_of(reader, ref) if each.unit == ref}
    try:
        for kind in BoundaryKind:
            text = " ".join(one_of(data, kind.value).split())
            if text != held.get(kind, ""):
                set_boundary(ws.graph, ref, kind, text, actor=actor)
    except InputError as error:
        return again(_boundaries(ws, actor, page, unit, _errors(error)))
    return Redirect(with_query("/boundaries", unit=unit, told="boundaries-kept"), status_code=303)


def _record(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    found: DecisionRecord,
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> str:
    content = found.content
    with ws.graph.read() as reader:
        refs = {content.unit, content.bet, found.proposed_by}
        refs |= {ref for row in found.advice for ref in (row.actor, row.whom)}
        refs |= {step.actor for step in found.steps} | {
            *content.deciders,
            *content.consulted,
            *content.informed,
        }
        titles = reader.titles({ref for ref in refs if ref.count(":") == 1 and "/" in ref})
        limits = boundaries_of(reader, content.unit)
        titles |= reader.titles({each.unit for each in limits})
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    permission = may(actor, "write", content.unit, units=units)
    return render(
        page.about(content.unit),
        "bets/deciding/record.html",
        found=found,
        content=content,
        titles=titles,
        limits=limits,
        limit_words=dict(BOUNDARY_KINDS),
        kind_label=dict(KINDS)[content.kind],
        lacks=lacks(found),
        waits=waits_of(found, datetime.now(UTC)),
        waiting=page.about(content.unit).tell(where_open(found)) if found.state.open else "",
        permission=permission,
        may_ask=permission.allow or actor.ref == found.proposed_by,
        stances=STANCES,
        whom=store.names_of(ws.graph, "Group"),
        errors=errors or {},
        values={"text": "", "whom": "", "stance": "", "reason": "", "kind": ""} | (values or {}),
    )


def _form(
    ws: Workspace,
    page: PageContext,
    form: RecordForm,
    errors: dict[str, str],
    found: DecisionRecord | None = None,
) -> str:
    return render(
        page.about(found.content.unit if found else None),
        "bets/deciding/form.html",
        form=form,
        errors=errors,
        found=found,
        kinds=[(kind.value, label) for kind, label in KINDS],
        units=store.names_of(ws.graph, "Group"),
        bets=store.names_of(ws.graph, "Bet"),
    )


def _boundaries(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    unit: str,
    errors: dict[str, str] | None = None,
) -> str:
    names = store.names_of(ws.graph, "Group")
    if not unit:
        return render(page, "bets/deciding/boundaries.html", entity=None, names=names)
    with ws.graph.read() as reader:
        entity = reader.require(
            unit if ":" in unit else f"group:{unit if '/' in unit else f'default/{unit}'}"
        )
        limits = boundaries_of(reader, entity.ref)
        titles = reader.titles({each.unit for each in limits})
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    return render(
        page,
        "bets/deciding/boundaries.html",
        entity=entity,
        names=names,
        own={each.kind: each.text for each in limits if each.unit == entity.ref},
        above=[each for each in limits if each.unit != entity.ref],
        titles=titles,
        kinds=BOUNDARY_KINDS,
        words=dict(BOUNDARY_KINDS),
        permission=may(actor, "write", entity.ref, units=units),
        errors=errors or {},
    )


def _errors(error: InputError) -> dict[str, str]:
    fields = {"reviewOn": "review_on"}
    found = {problem.pointer.strip("/"): problem.message for problem in error.problems}
    return {fields.get(name, name): text for name, text in found.items()}


def _to(number: int, told: str) -> Redirect:
    return Redirect(with_query(f"/decisions/{number}", told=told), status_code=303)


pages: list[Any] = [
    show_log,
    show_new,
    create,
    show_edit,
    edit,
    show,
    advise,
    decide,
    show_boundaries,
    keep_boundaries,
]
