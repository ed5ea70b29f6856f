"""What the page of a bet sends: evidence, answers to the exit question, what was learned, thanks."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets import store
from counterpoint.bets.evidence import LADDER, METHODS, Direction
from counterpoint.bets.evidence_form import EvidenceForm, errors_of, given_by, read_evidence_form
from counterpoint.bets.evidence_log import add_evidence
from counterpoint.bets.follow_ups import learn
from counterpoint.bets.learned import keep_learning, thank
from counterpoint.bets.model import Risk
from counterpoint.bets.required import bet_ref
from counterpoint.bets.stances import take_stance
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.moments import today_utc
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, one_of
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["evidence_pages"]

Posted = URLEncodedBody[dict[str, Any]]
Page = Response[str] | Redirect
BET = "/bets/{namespace:str}/{name:str}"
DIRECTIONS = [
    (Direction.FOR.value, "It speaks for the bet"),
    (Direction.AGAINST.value, "It speaks against it"),
    (Direction.UNCLEAR.value, "It says neither"),
]


@get(f"{BET}/evidence", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_evidence_form(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    risk: FromQuery[str] = "",
    corrects: FromQuery[str] = "",
) -> str:
    """The empty form of evidence; `risk` fills in which risk it is about, `corrects` which one it replaces."""
    today = today_utc().isoformat()
    return _form(
        ws, page, bet_ref(namespace, name), EvidenceForm(risk=risk, date=today, corrects=corrects), {}
    )


@post(f"{BET}/evidence", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def record_evidence(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Record evidence, or show the form again with what is wrong."""
    ref, form = bet_ref(namespace, name), read_evidence_form(data)
    given, errors = given_by(form)
    if given is not None:
        try:
            add_evidence(ws.graph, ref, given, actor=actor)
            return _to(ref, "evidence-added", "evidence")
        except InputError as error:
            errors = errors_of(error.problems) or {"": error.message}
    return again(_form(ws, page, ref, form, errors))


@post(f"{BET}/stance", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def record_stance(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Redirect:
    """Record what one side answers to the exit question."""
    ref = bet_ref(namespace, name)
    side, answer, reason = (one_of(data, field) for field in ("side", "answer", "stance-reason"))
    take_stance(ws.graph, ref, side, answer, actor=actor, reason=reason)
    return _to(ref, "answered", "stage")


@post(f"{BET}/follow-up", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def record_follow_up(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Redirect:
    """Keep what was learned from an override, or the day on which it comes back."""
    ref, learned, due = bet_ref(namespace, name), _numbered(data, "learned"), _numbered(data, "due")
    try:
        day = date.fromisoformat(due) if due else None
    except ValueError:
        problem = Problem(f"{due!r} is no date; write it as 2026-09-30.", "/due")
        raise InputError("The follow-up cannot be recorded.", [problem]) from None
    learn(ws.graph, ref, one_of(data, "decision"), actor=actor, learned=learned, due=day)
    return _to(ref, "follow-up-kept", "follow-ups")


@post(f"{BET}/learned", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def record_learning(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Redirect:
    """Keep what a bet taught."""
    ref = bet_ref(namespace, name)
    keep_learning(ws.graph, ref, one_of(data, "learned"), actor=actor)
    return _to(ref, "learned-kept", "learned")


@post(f"{BET}/thanks", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def record_thanks(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Redirect:
    """Thank those who made a bet that has ended."""
    ref = bet_ref(namespace, name)
    thank(ws.graph, ref, actor=actor, note=one_of(data, "note"))
    return _to(ref, "thanked", "learned")


def _form(ws: Workspace, page: PageContext, ref: str, form: EvidenceForm, errors: dict[str, str]) -> str:
    line = store.read(ws.graph, ref)
    page = page.about(line.bet.owner)
    return render(
        page,
        "bets/evidence_form.html",
        bet=line.bet,
        back=entity_url(line.bet.ref),
        form=form,
        errors=errors,
        risks=[(risk.value, risk.value.capitalize()) for risk in Risk],
        methods=[(guide.method.value, page.tell(guide.label)) for guide in METHODS],
        directions=[(value, page.tell(label)) for value, label in DIRECTIONS],
        ladder=LADDER,
        strengths=[(str(rung.strength), f"{rung.strength} {rung.name}") for rung in LADDER],
    )


def _numbered(data: Mapping[str, Any], field: str) -> str:
    """The text of a field that stands on the page several times, each with a number of its own."""
    return next((text for key in data if key.partition("-")[0] == field and (text := one_of(data, key))), "")


def _to(ref: str, told: str, place: str) -> Redirect:
    return Redirect(f"{with_query(entity_url(ref), told=told)}#{place}", status_code=303)


evidence_pages: list[Any] = [
    show_evidence_form,
    record_evidence,
    record_stance,
    record_follow_up,
    record_learning,
    record_thanks,
]
