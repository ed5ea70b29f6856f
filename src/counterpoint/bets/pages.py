"""The pages of bets: list, form, and the bet with its whole line and the decision form."""

from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets import store
from counterpoint.bets.board_pages import board_pages
from counterpoint.bets.decisions import ReasonWantedError, decide
from counterpoint.bets.evidence_pages import evidence_pages
from counterpoint.bets.facts import facts_of
from counterpoint.bets.feedback.betting import form_from, place, renewed, would_join
from counterpoint.bets.form import BetForm, SideRow, descriptor, field_errors, form_of, read_form
from counterpoint.bets.learned import read_learned
from counterpoint.bets.line import Line
from counterpoint.bets.model import Stage
from counterpoint.bets.panels import panels_of
from counterpoint.bets.required import bet_ref
from counterpoint.bets.shown import (
    EXAMPLE,
    arm_rows,
    figure_rows,
    form_rows,
    grouped,
    options,
    sight_nodes,
)
from counterpoint.bets.stages import STAGES
from counterpoint.bets.transitions import Ruling
from counterpoint.bets.why_pages import why_pages
from counterpoint.errors import ConflictError, InputError, PreconditionError
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.similar import like_text
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Page = Response[str] | Redirect
SIMILAR = ("Bet", "Component", "System")
"""Kinds of things that may make a new bet needless, or easier."""
Posted = URLEncodedBody[dict[str, Any]]


@get("/bets", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_list(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], cursor: FromQuery[str | None] = None
) -> str:
    """The bets by stage."""
    found = store.list_bets(ws.graph, limit=100, cursor=cursor, sent=ws.journal.types())
    return render(
        page,
        "bets/list.html",
        groups=grouped(found.items),
        shown=len(found.items),
        total=found.total,
        next_url=with_query("/bets", cursor=found.next_cursor) if found.next_cursor else None,
        first_url="/bets" if cursor else None,
        example=EXAMPLE,
    )


@get("/bets/learned", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_learned(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], q: FromQuery[str] = ""
) -> str:
    """What bets that have ended taught, with thanks; `q` narrows to those with some words."""
    words = q.strip()[:200]
    return render(page, "bets/learned.html", learned=read_learned(ws.graph, words=words), words=words)


@get("/bets/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_new(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    owner: FromQuery[str] = "",
    feedback: FromQuery[str] = "",
) -> str:
    """The empty form; `owner` fills in who makes the bet, `feedback` what somebody said who began it."""
    form = form_from(ws.graph, feedback, actor=actor) if feedback else BetForm(owner=owner)
    return _form(ws, page, form, {}, actor=actor)


@post("/bets/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def create(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Store a new bet, or show the form again with what is wrong."""
    form = read_form(data)
    if data.get("look"):  # what scripts do while one types
        return again(_form(ws, page, form, {}, looked=True), status=200)
    document, errors = descriptor(form)
    if not errors:
        try:
            if not form.feedback:
                return _to(store.write(ws.graph, document, actor=actor, new=True), "bet-placed")
            line, joined = place(
                ws.graph, document, form.feedback, actor=actor, version=form.feedback_version
            )
            return _to(line, "bet-placed-from-feedback" if joined else "bet-placed")
        except ConflictError as error:
            return again(
                _form(ws, page, renewed(ws.graph, form), {"": error.message}, actor=actor), status=409
            )
        except InputError as error:
            errors = field_errors(error.problems) or {"": error.message}
    else:
        found = field_errors(store.problems_of(ws.graph, document))
        if "title" in errors:  # it says already why there is no name
            found.pop("name", None)
        errors = found | errors
    return again(_form(ws, page, form, errors, actor=actor))


@get(
    "/bets/{namespace:str}/{name:str}/edit",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_edit(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """The form as the bet is."""
    line = store.read(ws.graph, bet_ref(namespace, name), sent=ws.journal.types())
    return _form(ws, page, form_of(line.bet), {}, line)


@post(
    "/bets/{namespace:str}/{name:str}/edit",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def edit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Store the changed bet, or show the form again with what is wrong."""
    ref = bet_ref(namespace, name)
    form = read_form(data)
    line = store.read(ws.graph, ref, sent=ws.journal.types())
    document, errors = descriptor(form, store.document_of(ws.graph, ref))
    if not errors:
        try:
            line = store.write(
                ws.graph, document, actor=actor, ref=ref, if_match=[form.etag] if form.etag else None
            )
            return _to(line, "bet-saved")
        except InputError as error:
            errors = field_errors(error.problems) or {"": error.message}
        except PreconditionError:
            message = "Somebody has changed this bet since you opened the form. Open it again in another tab, compare, and repeat your change there."
            return again(_form(ws, page, form, {"": message}, line), status=412)
    return again(_form(ws, page, form, errors, line))


@get(
    "/bets/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """One bet: its line of sight, newest verdict, decisions and the form for the next one."""
    return _bet(ws, actor, page, store.read(ws.graph, bet_ref(namespace, name), sent=ws.journal.types()))


@post(
    "/bets/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def record(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Record a decision, or show the page again and ask for the reason of an override."""
    ref = bet_ref(namespace, name)
    values = {key: str(data.get(key) or "").strip() for key in ("choice", "to", "reason", "learned")}
    to = Stage(values["to"]) if values["to"] in set(Stage) else None
    try:
        decide(
            ws.graph,
            ref,
            values["choice"],
            actor=actor,
            reason=values["reason"],
            to=to,
            learned=values["learned"],
            seen=str(data["seen"]) if "seen" in data else None,
            sent=ws.journal.types(),
        )
    except ConflictError as error:
        line = store.read(ws.graph, ref, sent=ws.journal.types())
        return again(_bet(ws, actor, page, line, values, {"choice": error.message}), status=409)
    except InputError as error:
        errors = {problem.pointer.strip("/"): problem.message for problem in error.problems}
        ruling = error.ruling if isinstance(error, ReasonWantedError) else None
        return again(
            _bet(ws, actor, page, store.read(ws.graph, ref, sent=ws.journal.types()), values, errors, ruling)
        )
    return Redirect(with_query(entity_url(ref), told="decided"), status_code=303)


def _bet(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    line: Line,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    ruling: Ruling | None = None,
) -> str:
    page = page.about(line.bet.owner)
    facts = facts_of(ws.graph, line, actor)
    return render(
        page,
        "bets/bet.html",
        line=line,
        people=store.people_of(ws.graph, line, facts.actors),
        bet_url=entity_url(line.bet.ref),
        nodes=sight_nodes(line),
        figures=figure_rows(line.verdict),
        arms=arm_rows(line),
        guide=STAGES[line.bet.stage.rank],
        stages=[(guide.stage.value, guide.stage.label) for guide in STAGES],
        options=options(line, page.customs.policy),
        permission=store.may_write(ws.graph, line, actor),
        permission_to_help=facts.permission,
        evidence=facts.evidence,
        counting=facts.counting,
        follow_ups=facts.follow_ups,
        thanks=facts.thanks,
        staleness=facts.staleness,
        today=facts.today,
        panels=panels_of(ws.graph, line, actor),
        values=values or {"choice": "", "to": "", "reason": "", "learned": ""},
        errors=errors or {},
        ruling=ruling,
    )


def _form(
    ws: Workspace,
    page: PageContext,
    form: BetForm,
    errors: dict[str, str],
    line: Line | None = None,
    *,
    actor: Actor | None = None,
    looked: bool = False,
) -> str:
    success, guardrails = form_rows(form)
    page = page.about(line.bet.owner if line else None)
    asked = line is None and page.practises("reuse")
    similar = like_text(ws, form.title, form.hypothesis, kinds=SIMILAR) if asked else ()
    return render(
        page,
        "bets/form.html",
        form=form,
        errors=errors,
        editing=line is not None,
        joins=actor is not None and would_join(ws.graph, form.feedback, actor),
        heading_title=line.bet.title if line else "",
        back=entity_url(line.bet.ref) if line else "/bets",
        success=success,
        guardrails=guardrails,
        units=store.names_of(ws.graph, "Group"),
        purposes=store.names_of(ws.graph, "Purpose"),
        beliefs=store.names_of(ws.graph, "Belief"),
        metrics=store.names_of(ws.graph, "Metric"),
        insights=store.names_of(ws.graph, "Insight"),
        goals=store.names_of(ws.graph, "Goal"),
        people=store.names_of(ws.graph, "User"),
        sides=[*form.sides, SideRow()],
        similar=similar,
        looked=looked,
        similar_kinds=SIMILAR,
    )


def _to(line: Line, told: str) -> Redirect:
    return Redirect(with_query(entity_url(line.bet.ref), told=told), status_code=303)


pages: list[Any] = [
    show_list,
    show_learned,
    show_new,
    create,
    show_edit,
    edit,
    show,
    record,
    *board_pages,
    *evidence_pages,
    *why_pages,
]
