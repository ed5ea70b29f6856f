"""The API of decision records, the advice process and boundaries."""

from typing import Any

import msgspec
from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.bets.deciding import boundaries, records, search
from counterpoint.bets.deciding.latency import Latency
from counterpoint.bets.deciding.madr import from_markdown, to_markdown
from counterpoint.bets.deciding.model import AdviceKind, Content, DecisionRecord, Lack, Stance, Step, lacks
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 200


class RecordAnswer(msgspec.Struct, frozen=True):
    """A decision record and what it lacks while it is open."""

    record: DecisionRecord
    lacks: tuple[Lack, ...]


class AdviceInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Advice that is asked for (of `whom`) or given, or dissent."""

    kind: AdviceKind
    text: str
    whom: str = ""
    stance: Stance = Stance.OPEN


class DecideInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`accept` or `reject`, with a reason."""

    step: Step
    reason: str = ""


class MarkdownInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision record in MADR's shape; `unit` decides where the file names none."""

    markdown: str
    unit: str = ""


class BoundaryInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a unit decides by itself; an empty text takes the boundary away."""

    unit: str
    kind: boundaries.BoundaryKind
    text: str


class BoundaryList(msgspec.Struct, frozen=True):
    """The boundaries of a unit, its own first, then those of the units above it."""

    items: tuple[boundaries.Boundary, ...]


@get("/api/v1/decisions", tags=["bets"], sync_to_thread=True)
def list_decisions(
    ws: NamedDependency[Workspace],
    q: FromQuery[str] = "",
    unit: FromQuery[str] = "",
    decision_state: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    offset: FromQuery[int] = 0,
    limit: FromQuery[int] = 50,
) -> search.LogPage:
    """The decision log, newest first: records that hold all the words of `q`, and the decisions about bets."""
    check_limit(limit, MOST)
    return search.search_log(
        ws.graph, words=q, unit=unit, state=decision_state, kind=kind, offset=max(0, offset), limit=limit
    )


@post("/api/v1/decisions", tags=["bets"], sync_to_thread=True)
def propose(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[Content]
) -> RecordAnswer:
    """Propose a decision. Anybody may; the unit that it names decides."""
    return _answer(records.propose(ws.graph, data, actor=actor))


@get("/api/v1/decisions/latency", tags=["bets"], sync_to_thread=True)
def read_latency(ws: NamedDependency[Workspace], unit: FromQuery[str] = "") -> Latency:
    """How long decisions take and where they wait, of a unit or of all; never of a person."""
    return search.unit_latency(ws.graph, unit)


@post("/api/v1/decisions/markdown", tags=["bets"], sync_to_thread=True)
def import_markdown(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[MarkdownInput]
) -> RecordAnswer:
    """Propose a decision from a file in MADR's shape."""
    return _answer(records.propose(ws.graph, from_markdown(data.markdown, unit=data.unit), actor=actor))


@get("/api/v1/decisions/{number:int}", tags=["bets"], sync_to_thread=True)
def read_decision(ws: NamedDependency[Workspace], number: FromPath[int]) -> RecordAnswer:
    """One decision with all that happened to it, and what it lacks while it is open."""
    return _answer(records.record(ws.graph, number))


@put("/api/v1/decisions/{number:int}", tags=["bets"], sync_to_thread=True)
def revise(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[int],
    data: JSONBody[Content],
    version: FromQuery[int | None] = None,
) -> RecordAnswer:
    """Write an open decision anew; with `version` only over that one."""
    return _answer(records.revise(ws.graph, number, data, actor=actor, version=version))


@get(
    "/api/v1/decisions/{number:int}/markdown",
    tags=["bets"],
    sync_to_thread=True,
    media_type="text/markdown",
)
def export_markdown(ws: NamedDependency[Workspace], number: FromPath[int]) -> Response[str]:
    """The decision as Markdown in MADR's shape."""
    found = records.record(ws.graph, number)
    headers = {"Content-Disposition": f'inline; filename="{number:04d}.md"'}
    return Response(to_markdown(found), media_type="text/markdown", headers=headers)


@post("/api/v1/decisions/{number:int}/advice", tags=["bets"], sync_to_thread=True)
def advise(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[int],
    data: JSONBody[AdviceInput],
) -> RecordAnswer:
    """Ask for advice, give it, or put dissent beside a decision."""
    found = records.advise(
        ws.graph, number, data.kind, data.text, actor=actor, whom=data.whom, stance=data.stance
    )
    return _answer(found)


@post("/api/v1/decisions/{number:int}/steps", tags=["bets"], sync_to_thread=True)
def decide(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[int],
    data: JSONBody[DecideInput],
) -> RecordAnswer:
    """Accept or reject. Advice is no permission: nothing is refused to the unit that decides."""
    return _answer(records.take_step(ws.graph, number, data.step, actor=actor, reason=data.reason))


@get("/api/v1/boundaries", tags=["bets"], sync_to_thread=True)
def read_boundaries(ws: NamedDependency[Workspace], unit: FromQuery[str]) -> BoundaryList:
    """What a unit may decide by itself, and what those above it have set."""
    return BoundaryList(boundaries.boundaries(ws.graph, unit))


@post("/api/v1/boundaries", tags=["bets"], sync_to_thread=True)
def set_boundary(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[BoundaryInput]
) -> boundaries.Boundary:
    """Say how far a unit decides by itself."""
    return boundaries.set_boundary(ws.graph, data.unit, data.kind, data.text, actor=actor)


def _answer(found: DecisionRecord) -> RecordAnswer:
    return RecordAnswer(found, lacks(found))


routes: list[Any] = [
    list_decisions,
    propose,
    read_latency,
    import_markdown,
    read_decision,
    revise,
    export_markdown,
    advise,
    decide,
    read_boundaries,
    set_boundary,
]
