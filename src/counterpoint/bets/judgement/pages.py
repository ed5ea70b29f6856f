"""The pages of judgement: estimates of a bet, the order of bets, questions and how well they were answered."""

from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets import store
from counterpoint.bets.judgement import estimating, looking_back, predicting
from counterpoint.bets.judgement.adopting import adopt_pooled
from counterpoint.bets.judgement.estimates import Quantity
from counterpoint.bets.judgement.form import (
    EstimateRow,
    amount_of,
    chance_of,
    empty_rows,
    range_of,
    read_rows,
)
from counterpoint.bets.judgement.prediction import Step
from counterpoint.bets.judgement.shown import (
    GUIDES,
    RANGES,
    calibration_chart,
    estimate_rows,
    order_chart,
    points_of,
    spread_text,
    tests_shown,
)
from counterpoint.bets.required import bet_ref
from counterpoint.errors import InputError
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, one_of
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]
MOST_OPEN, SHOWN = 200, 50
"""Open questions, and others on one page."""


@get(
    "/bets/{namespace:str}/{name:str}/judgement",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_judgement(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """What is estimated of a bet, which test comes next and why, and what was asked."""
    return _judgement(ws, actor, page, bet_ref(namespace, name))


@post(
    "/bets/{namespace:str}/{name:str}/judgement",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def record_estimates(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Keep the estimates that changed, or show the form again with what is wrong; then nothing is kept."""
    ref = bet_ref(namespace, name)
    rows, ranges = read_rows(data)
    errors = {f"{row.field}-p10": f"{row.guide.label}: {row.error}" for row in rows if row.error}
    unit, note = one_of(data, "unit"), one_of(data, "note")
    if errors:
        return again(_judgement(ws, actor, page, ref, rows=rows, errors=errors, unit=unit, note=note))
    known = {each.quantity: each for each in estimating.judged(ws.graph, ref).estimates}
    try:
        for quantity, given in ranges.items():
            held = known.get(quantity)
            if held is None or held.range != given or held.unit != unit:
                estimating.estimate(ws.graph, ref, quantity, given, actor=actor, unit=unit, note=note)
    except InputError as error:
        errors = {problem.pointer.strip("/"): problem.message for problem in error.problems}
        return again(_judgement(ws, actor, page, ref, rows=rows, errors=errors, unit=unit, note=note))
    return Redirect(with_query(f"{entity_url(ref)}/judgement", told="estimated"), status_code=303)


@post(
    "/bets/{namespace:str}/{name:str}/questions",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def ask_question(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Ask a question about a bet, or show the form again."""
    ref = bet_ref(namespace, name)
    asked = {
        key: one_of(data, key) for key in ("question", "revealOn", "resolvesOn", "quantity", "askedUnit")
    }
    try:
        quantity = Quantity(asked["quantity"]) if asked["quantity"] in set(Quantity) else None
        made = predicting.ask(
            ws.graph,
            ref,
            asked["question"],
            actor=actor,
            reveal_on=asked["revealOn"],
            resolves_on=asked["resolvesOn"],
            quantity=quantity,
            unit=asked["askedUnit"] if quantity else "",
        )
    except InputError as error:
        errors = {problem.pointer.strip("/"): problem.message for problem in error.problems}
        if "unit" in errors:
            errors["askedUnit"] = errors.pop("unit")  # the form of estimates has a field of that name
        return again(_judgement(ws, actor, page, ref, errors=errors, asked=asked))
    return Redirect(with_query(f"/predictions/{made.id}", told="asked"), status_code=303)


@get("/bets/portfolio", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_portfolio(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], owner: FromQuery[str] = ""
) -> str:
    """Which bet comes first, and where that is a tie."""
    found = estimating.portfolio(ws.graph, owner=owner or None)
    return render(
        page.about(owner or None),
        "bets/judgement/portfolio.html",
        found=found,
        owner=owner,
        charts=[(each, order_chart(each, found.titles)) for each in found.orders],
        spread_text=spread_text,
    )


@get("/predictions", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_questions(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    cursor: FromQuery[str | None] = None,
) -> str:
    """Every question, how well the organisation predicts, and the reader's own record for the reader alone."""
    live = predicting.questions_page(ws.graph, actor=actor, is_open=True, limit=MOST_OPEN).items
    past = predicting.questions_page(ws.graph, actor=actor, is_open=False, limit=SHOWN, cursor=cursor)
    calibration = looking_back.calibration(ws.graph)
    own = looking_back.own_record(ws.graph, actor)
    with ws.graph.read() as reader:
        titles = reader.titles({each.bet for each in (*live, *past.items)})
    return render(
        page,
        "bets/judgement/questions.html",
        open=live,
        past=past.items,
        next_url=with_query("/predictions", cursor=past.next_cursor) if past.next_cursor else None,
        first_url="/predictions" if cursor else None,
        titles=titles,
        calibration=calibration,
        chart=calibration_chart(calibration),
        own=own,
    )


@get("/predictions/{number:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_question(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[str],
) -> str:
    """One question: one's own prediction, and what comes next."""
    return _question(ws, actor, page, number)


@post("/predictions/{number:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def lock_prediction(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[str],
    data: Posted,
) -> Page:
    """Lock one's prediction, or show the form again."""
    asked = predicting.question(ws.graph, number, actor=actor)
    if asked.quantity is not None:
        return _lock_range(ws, actor, page, asked, asked.quantity, data)
    text = one_of(data, "p")
    try:
        predicting.predict(ws.graph, number, chance_of(text), actor=actor)
    except ValueError as error:
        return again(_question(ws, actor, page, number, errors={"p": str(error)}, typed=text))
    except InputError:
        message = f"{text} is no chance; nothing is certain, so say at least 1 and at most 99 per cent."
        return again(_question(ws, actor, page, number, errors={"p": message}, typed=text))
    return Redirect(with_query(f"/predictions/{number}", told="locked"), status_code=303)


def _lock_range(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    asked: predicting.Question,
    quantity: Quantity,
    data: dict[str, Any],
) -> Page:
    texts, given, wrong = range_of(quantity, data)
    if given is None:
        return again(_question(ws, actor, page, asked.id, errors={"p10": wrong}, points=texts))
    predicting.predict_range(ws.graph, asked.id, given, actor=actor)
    return Redirect(with_query(f"/predictions/{asked.id}", told="locked"), status_code=303)


@post(
    "/predictions/{number:str}/steps",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def step_question(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    number: FromPath[str],
    data: Posted,
) -> Page:
    """Reveal, resolve or withdraw a question."""
    wanted, outcome = one_of(data, "step"), one_of(data, "outcome")
    step = Step(wanted) if wanted in set(Step) else Step.REVEAL
    came = {"yes": True, "no": False}.get(outcome) if step is Step.RESOLVE else None
    text = one_of(data, "amount") if step is Step.RESOLVE else ""
    try:
        predicting.take_step(
            ws.graph,
            number,
            step,
            actor=actor,
            outcome=came,
            amount=amount_of(text) if text else None,
            note=one_of(data, "note"),
        )
    except ValueError as error:
        return again(_question(ws, actor, page, number, errors={"amount": str(error)}))
    except InputError as error:
        errors = {problem.pointer.strip("/"): problem.message for problem in error.problems}
        return again(_question(ws, actor, page, number, errors=errors))
    return Redirect(with_query(f"/predictions/{number}", told=f"question-{step.value}"), status_code=303)


@post(
    "/predictions/{number:str}/estimate",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def take_pooled(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], number: FromPath[str]
) -> Redirect:
    """Keep what was predicted together as the estimate of the bet."""
    made = adopt_pooled(ws.graph, number, actor=actor)
    return Redirect(with_query(f"{entity_url(made.bet)}/judgement", told="estimated"), status_code=303)


def _judgement(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    ref: str,
    *,
    rows: tuple[EstimateRow, ...] | None = None,
    errors: dict[str, str] | None = None,
    unit: str | None = None,
    note: str = "",
    asked: dict[str, str] | None = None,
) -> str:
    line = store.read(ws.graph, ref)
    page = page.about(line.bet.owner)
    judged = estimating.judged(ws.graph, ref)
    known = {each.quantity: each.range for each in judged.estimates}
    held = next((each.unit for each in judged.estimates if each.unit), "")
    return render(
        page,
        "bets/judgement/judgement.html",
        line=line,
        bet_url=entity_url(line.bet.ref),
        judged=judged,
        estimates=estimate_rows(judged),
        tests=tests_shown(judged.advised.tests),
        rows=rows or empty_rows(known),
        questions=predicting.questions(ws.graph, actor=actor, bet=ref),
        permission=store.may_write(ws.graph, line, actor),
        unit=held if unit is None else unit,
        note=note,
        errors=errors or {},
        asked=asked or dict.fromkeys(("question", "revealOn", "resolvesOn", "quantity", "askedUnit"), ""),
        quantities=[(each.quantity.value, f"A range: {each.label.lower()}") for each in RANGES],
    )


def _question(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    number: str,
    *,
    errors: dict[str, str] | None = None,
    typed: str | None = None,
    points: tuple[str, str, str] | None = None,
) -> str:
    found = predicting.question(ws.graph, number, actor=actor)
    line = store.read(ws.graph, found.bet)
    mine = "" if found.mine is None else f"{found.mine * 100:g}"
    return render(
        page.about(line.bet.owner),
        "bets/judgement/question.html",
        found=found,
        line=line,
        permission=store.may_write(ws.graph, line, actor),
        person=actor.kind in ("person", "local"),
        typed=mine if typed is None else typed,
        points=points or points_of(found),
        guide=GUIDES[found.quantity] if found.quantity else None,
        spread_text=spread_text,
        errors=errors or {},
    )


pages: list[Any] = [
    show_judgement,
    record_estimates,
    ask_question,
    show_portfolio,
    show_questions,
    show_question,
    lock_prediction,
    step_question,
    take_pooled,
]
