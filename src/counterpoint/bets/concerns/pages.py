"""The pages of concerns: what one may see, raising one in twenty seconds, and one with its answers."""

from datetime import date
from typing import Any

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets.choosing import live_bets, units_there, wrong_by_field
from counterpoint.bets.concerns import store
from counterpoint.bets.concerns.figures import ConcernFigures
from counterpoint.bets.concerns.model import Move, Naming, Risk
from counterpoint.bets.concerns.raising import choices_for, raise_concern
from counterpoint.bets.concerns.shown import MOVE_GUIDES, NAMED, RISKS, naming_options, offered
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.ref import parse_ref
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, one_of
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
SHOWN = 50
"""Concerns on one page."""


class RaiseForm(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the fields, as text."""

    bet: str = ""
    text: str = ""
    risk: str = Risk.DEADLINE.value
    naming: str = Naming.NAMED.value
    about_on: str = ""
    publish: bool = False


@get("/concerns", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_concerns(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
    bet: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> str:
    """The concerns that the reader may see, the open ones first, with the figures of the unit."""
    found = store.concerns_page(
        ws.graph,
        actor=actor,
        bet=bet or None,
        unit=unit or None,
        limit=SHOWN,
        cursor=cursor,
        open_first=True,
    )
    figures = store.unit_figures(ws.graph, unit or None) if not bet else None
    page = page.about(str(parse_ref(unit, default_kind="Group")) if unit else None)
    asked = {"unit": unit or None, "bet": bet or None}
    return render(
        page,
        "bets/concerns/list.html",
        groups=[
            ("Open", [each for each in found.items if not each.concern.state.closed]),
            ("Closed", [each for each in found.items if each.concern.state.closed]),
        ],
        shown=len(found.items),
        next_url=with_query("/concerns", **asked, cursor=found.next_cursor) if found.next_cursor else None,
        first_url=with_query("/concerns", **asked) if cursor else None,
        bet=bet,
        within=unit,
        units=units_there(ws),
        figures=figures,
        told_figures=figures is not None and any(_told(figures)),
    )


@get("/concerns/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_raise(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    bet: FromQuery[str] = "",
) -> str:
    """The form; `bet` says what it is about."""
    return _form(ws, actor, page, RaiseForm(bet=bet), {})


@post("/concerns/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def raise_one(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Keep the concern. What was raised without a name is answered with its receipt, which no address may hold."""
    form = RaiseForm(
        bet=one_of(data, "bet"),
        text=one_of(data, "text"),
        risk=one_of(data, "risk") or Risk.DEADLINE.value,
        naming=one_of(data, "naming") or Naming.NAMED.value,
        about_on=one_of(data, "about_on"),
        publish=bool(one_of(data, "publish")),
    )
    try:
        made = raise_concern(
            ws.graph,
            form.bet,
            form.text,
            actor=actor,
            risk=form.risk,
            naming=form.naming,
            about_on=date.fromisoformat(form.about_on) if form.about_on else None,
            publish=form.publish,
        )
    except InputError as error:
        errors = wrong_by_field(error)
        return again(_form(ws, actor, page, form, errors))
    except NotFoundError as error:
        return again(_form(ws, actor, page, form, {"bet": f"{error.message} Choose one that exists."}))
    except ValueError:
        return again(_form(ws, actor, page, form, {"about_on": "Write the date as 2026-12-31."}))
    if made.receipt is None:
        return _to(made.concern.id, "concern-raised")
    seen = store.read_concern(ws.graph, made.concern.id, actor=actor)
    return again(render(page, "bets/concerns/raised.html", made=made, seen=seen), status=200)


@get("/concerns/{concern:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_concern(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    concern: FromPath[str],
) -> str:
    """One concern, what was answered, and what its reader may do."""
    return _concern(ws, actor, page, concern, {}, {})


@post("/concerns/{concern:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def answer_one(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    concern: FromPath[str],
    data: Posted,
) -> Page:
    """Record an answer, or show the page again with what is wrong."""
    values = {key: one_of(data, key) for key in ("move", "text", "receipt")}
    try:
        store.answer(
            ws.graph,
            concern,
            values["move"],
            values["text"],
            actor=actor,
            receipt=values["receipt"] or None,
        )
    except InputError as error:
        errors = wrong_by_field(error)
        return again(_concern(ws, actor, page, concern, values, errors))
    except (ConflictError, NotAllowedError) as error:
        field = "receipt" if values["move"] == Move.WITHDRAW.value else ""
        errors = {field: error.message}
        return again(_concern(ws, actor, page, concern, values, errors), status=error.status)
    return _to(concern, "concern-answered")


def _concern(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    number: str,
    values: dict[str, str],
    errors: dict[str, str],
) -> str:
    seen = store.read_concern(ws.graph, number, actor=actor)
    page = page.about(seen.concern.owner)
    return render(
        page,
        "bets/concerns/concern.html",
        seen=seen,
        concern=seen.concern,
        guides=MOVE_GUIDES,
        offered=[(guide.move.value, page.tell(guide.label)) for guide in offered(seen)],
        naming=page.tell(NAMED[seen.concern.naming]),
        values={"move": "", "text": "", "receipt": ""} | values,
        errors=errors,
    )


def _form(ws: Workspace, actor: Actor, page: PageContext, form: RaiseForm, errors: dict[str, str]) -> str:
    choices, title = None, ""
    if form.bet:
        try:
            choices = choices_for(ws.graph, form.bet, actor=actor)
            with ws.graph.read() as reader:
                entity = reader.get(parse_ref(form.bet, default_kind="Bet"))
                title = entity.title if entity else ""
        except (InputError, NotFoundError):
            errors = {"bet": "There is no such bet; choose one that exists."} | errors
    page = page.about(choices.unit if choices else None)
    return render(
        page,
        "bets/concerns/raise.html",
        form=form,
        errors=errors,
        choices=choices,
        bet_title=title,
        bets=() if title else live_bets(ws),
        risks=[(risk.value, page.tell(label)) for risk, label in RISKS],
        namings=[(value, page.tell(label)) for value, label in naming_options(choices)],
    )


def _told(figures: ConcernFigures) -> tuple[object, ...]:
    return figures.lead_days, figures.response_days, figures.in_time, figures.helped


def _to(concern: str, told: str) -> Redirect:
    return Redirect(with_query(f"/concerns/{concern}", told=told), status_code=303)


pages: list[Any] = [show_concerns, show_raise, raise_one, show_concern, answer_one]
