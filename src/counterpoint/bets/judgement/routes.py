"""The API of judgement: estimates, the order of bets, questions and predictions."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.bets.judgement import estimating, looking_back, predicting
from counterpoint.bets.judgement.adopting import adopt_pooled
from counterpoint.bets.judgement.calibration import Calibration
from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.bets.judgement.prediction import Step
from counterpoint.bets.required import bet_ref
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 500
"""Questions on one page."""


class EstimateInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A range that somebody is 80 % sure of."""

    quantity: Quantity
    p10: float
    p50: float
    p90: float
    unit: str = ""
    note: str = ""


class QuestionInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A question that yes or no will answer, or of a `quantity` a range; dates as 2026-09-30."""

    question: str
    reveal_on: str = ""
    resolves_on: str = ""
    quantity: Quantity | None = None
    """`value`, `cost`, `cost-of-delay` or `duration`, where a range is asked for."""
    unit: str = ""
    """What the range is counted in."""


class PredictionInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The chance that the answer will be yes, strictly between 0 and 1; or a range that one is 80 % sure of."""

    p: float | None = None
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None


class StepInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a question; `outcome`, or `amount`, is what it is resolved with."""

    step: Step
    outcome: bool | None = None
    amount: float | None = None
    """What it came to, where a range was asked for."""
    note: str = ""


@get("/api/v1/bets/{namespace:str}/{name:str}/estimates", tags=["bets"], sync_to_thread=True)
def read_estimates(
    ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]
) -> estimating.Judged:
    """The newest estimate of each quantity, and which test should come next by what it is worth."""
    return estimating.judged(ws.graph, bet_ref(namespace, name))


@post("/api/v1/bets/{namespace:str}/{name:str}/estimates", tags=["bets"], sync_to_thread=True)
def record_estimate(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[EstimateInput],
) -> estimating.Estimate:
    """Record an estimate as a 10/50/90 % range; the owner's newest one counts."""
    given = Range(data.p10, data.p50, data.p90)
    return estimating.estimate(
        ws.graph,
        bet_ref(namespace, name),
        data.quantity,
        given,
        actor=actor,
        unit=data.unit,
        note=data.note,
    )


@get("/api/v1/bets/portfolio", tags=["bets"], sync_to_thread=True)
def read_portfolio(ws: NamedDependency[Workspace], owner: FromQuery[str | None] = None) -> estimating.Ranked:
    """The active bets by cost of delay over duration; an order only where it is likely, else a tie."""
    return estimating.portfolio(ws.graph, owner=owner)


@get("/api/v1/bets/{namespace:str}/{name:str}/questions", tags=["bets"], sync_to_thread=True)
def list_questions(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> predicting.QuestionPage:
    """The questions about a bet. Of an open one the reader sees their own prediction and how many there are."""
    check_limit(limit, MOST)
    return predicting.questions_page(
        ws.graph, actor=actor, bet=bet_ref(namespace, name), limit=limit, cursor=cursor
    )


@post("/api/v1/bets/{namespace:str}/{name:str}/questions", tags=["bets"], sync_to_thread=True)
def ask_question(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[QuestionInput],
) -> predicting.Question:
    """Ask what will happen, before anybody knows."""
    return predicting.ask(
        ws.graph,
        bet_ref(namespace, name),
        data.question,
        actor=actor,
        reveal_on=data.reveal_on,
        resolves_on=data.resolves_on,
        quantity=data.quantity,
        unit=data.unit,
    )


@get("/api/v1/predictions/calibration", tags=["bets"], sync_to_thread=True)
def read_calibration(ws: NamedDependency[Workspace]) -> Calibration:
    """How well the organisation predicts, over all resolved questions; never of a person."""
    return looking_back.calibration(ws.graph)


@get("/api/v1/predictions/mine", tags=["bets"], sync_to_thread=True)
def read_own(ws: NamedDependency[Workspace], actor: NamedDependency[Actor]) -> looking_back.Own:
    """What the reader predicted and how it came; nobody else can ask for it."""
    return looking_back.own_record(ws.graph, actor)


@get("/api/v1/predictions/{number:str}", tags=["bets"], sync_to_thread=True)
def read_question(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], number: FromPath[str]
) -> predicting.Question:
    """One question, as the reader may see it."""
    return predicting.question(ws.graph, number, actor=actor)


@post("/api/v1/predictions/{number:str}", tags=["bets"], sync_to_thread=True)
def lock_prediction(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[str],
    data: JSONBody[PredictionInput],
) -> predicting.Question:
    """Lock one's prediction. Nobody else sees it before the reveal, and afterwards only what all said together is shown."""
    if data.p10 is not None and data.p50 is not None and data.p90 is not None and data.p is None:
        return predicting.predict_range(ws.graph, number, Range(data.p10, data.p50, data.p90), actor=actor)
    if data.p is None:
        message = "Give `p`, a chance, or `p10`, `p50` and `p90`, a range."
        raise InputError("The prediction cannot be taken.", [Problem(message, "/p")])
    return predicting.predict(ws.graph, number, data.p, actor=actor)


@post("/api/v1/predictions/{number:str}/steps", tags=["bets"], sync_to_thread=True)
def step_question(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[str],
    data: JSONBody[StepInput],
) -> predicting.Question:
    """Reveal, resolve or withdraw a question."""
    return predicting.take_step(
        ws.graph, number, data.step, actor=actor, outcome=data.outcome, amount=data.amount, note=data.note
    )


@post("/api/v1/predictions/{number:str}/estimate", tags=["bets"], sync_to_thread=True)
def adopt_range(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], number: FromPath[str]
) -> estimating.Estimate:
    """Keep the range that people predicted together as the estimate of the bet."""
    return adopt_pooled(ws.graph, number, actor=actor)


routes: list[Any] = [
    read_estimates,
    record_estimate,
    read_portfolio,
    list_questions,
    ask_question,
    read_calibration,
    read_own,
    read_question,
    lock_prediction,
    step_question,
    adopt_range,
]
