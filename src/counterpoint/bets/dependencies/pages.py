"""The pages of dependencies: the matrix, one unit's, one in the words of both sides, and the report."""

from datetime import date
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets.choosing import units_there, wrong_by_field
from counterpoint.bets.dependencies import store
from counterpoint.bets.dependencies.model import SEVERITIES, STEPS, Matrix, Severity, Step, worst_of
from counterpoint.bets.dependencies.store import Side
from counterpoint.errors import ConflictError, InputError, NotAllowedError
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
"""Dependencies on one page."""
BESIDE = 25
"""Those of each side of one unit, before all of that side are asked for."""
UNITS = 20
"""Units on each side of the matrix; more would be no map."""
FIELDS = ("from_unit", "to_unit", "subject", "severity", "since", "words")


@get("/dependencies", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_dependencies(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
    side: FromQuery[Side] = Side.EITHER,
    *,
    gone: FromQuery[bool] = False,
    cursor: FromQuery[str | None] = None,
) -> str:
    """All as a matrix and a list, or those of a unit by side; `gone` adds those that are over."""
    ref = str(parse_ref(unit, default_kind="Group")) if unit else ""
    whole = not ref or side is not Side.EITHER
    wanted = [side] if whole else [Side.WAITS, Side.WAITED_FOR]
    found = {
        each: store.dependencies_page(
            ws.graph,
            actor=actor,
            unit=ref or None,
            side=each,
            gone=gone,
            limit=SHOWN if whole else BESIDE,
            cursor=cursor if whole else None,
        )
        for each in wanted
    }
    matrix = found[side].matrix if not ref else Matrix((), (), ())
    shown = worst_of(matrix, UNITS)
    with ws.graph.read() as reader:
        titles = reader.titles({ref, *shown.rows, *shown.columns} - {""})
    titles |= {
        key: title for part in found.values() for seen in part.items for key, title in seen.titles.items()
    }
    asked = {"unit": ref or None, "gone": "true" if gone else None}
    here = asked | {"side": side.value if ref and whole else None}
    following = found[side].next_cursor if whole else None
    return render(
        page.about(ref or None),
        "bets/dependencies/list.html",
        parts=[(each, found[each]) for each in wanted],
        matrix=shown,
        left_out=max(len(matrix.rows) - len(shown.rows), len(matrix.columns) - len(shown.columns), 0),
        cells={(cell.from_unit, cell.to_unit): cell for cell in shown.cells},
        columns=[titles.get(each, each) for each in shown.columns],
        titles=titles,
        within=ref,
        units=units_there(ws),
        gone=gone,
        asked=asked,
        other_url=with_query("/dependencies", **here | {"gone": None if gone else "true"}),
        next_url=with_query("/dependencies", **here, cursor=following) if following else None,
        first_url=with_query("/dependencies", **here) if cursor and whole else None,
    )


@get("/dependencies/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_report(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
) -> str:
    """The form; `unit` is who is waited for."""
    own = sorted(store.speaks_for(ws.graph, actor))
    values = {"from_unit": own[0] if own else "", "to_unit": unit, "severity": Severity.SLOWING.value}
    return _form(ws, page, values, {})


@post("/dependencies/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def report(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Keep the report, or show the form again with what is wrong."""
    values = {field: one_of(data, field) for field in FIELDS}
    try:
        since = date.fromisoformat(values["since"]) if values["since"] else None
    except ValueError:
        return again(_form(ws, page, values, {"since": "Write the date as 2026-12-31."}))
    try:
        made = store.report_dependency(
            ws.graph,
            values["from_unit"],
            values["to_unit"],
            values["subject"],
            actor=actor,
            severity=values["severity"],
            since=since,
            words=values["words"],
        )
    except InputError as error:
        named = {"fromUnit": "from_unit", "toUnit": "to_unit"}
        places = ((problem.pointer.strip("/"), problem.message) for problem in error.problems)
        errors = {named.get(place, place): message for place, message in places}
        return again(_form(ws, page, values, errors))
    except NotAllowedError as error:
        return again(_form(ws, page, values, {"from_unit": error.message}), status=403)
    return _to(made.dependency.id, "dependency-reported")


@get(
    "/dependencies/{dependency:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True
)
def show_dependency(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    dependency: FromPath[str],
) -> str:
    """One dependency with both views, and what its reader may do."""
    return _one(ws, actor, page, dependency, {}, {})


@post(
    "/dependencies/{dependency:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True
)
def step(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    dependency: FromPath[str],
    data: Posted,
) -> Page:
    """Take a step, or show the page again with what is wrong."""
    values = {field: one_of(data, field) for field in ("step", "text", "severity")}
    try:
        store.take_step(
            ws.graph,
            dependency,
            values["step"],
            values["text"],
            actor=actor,
            severity=values["severity"] or None,
        )
    except InputError as error:
        errors = wrong_by_field(error)
        return again(_one(ws, actor, page, dependency, values, errors))
    except (ConflictError, NotAllowedError) as error:
        return again(_one(ws, actor, page, dependency, values, {"": error.message}), status=error.status)
    return _to(dependency, "dependency-changed")


def _one(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    number: str,
    values: dict[str, str],
    errors: dict[str, str],
) -> str:
    seen = store.read_dependency(ws.graph, number, actor=actor)
    with_words = [each for each in seen.steps if STEPS[each].text]
    return render(
        page.about(seen.dependency.from_unit),
        "bets/dependencies/dependency.html",
        seen=seen,
        dependency=seen.dependency,
        titles=seen.titles,
        severity=SEVERITIES[seen.dependency.severity],
        severities=[(each.value, page.tell(text)) for each, text in SEVERITIES.items()],
        with_words=[(each.value, page.tell(STEPS[each].label)) for each in with_words],
        at_once=[STEPS[each] for each in seen.steps if each in (Step.CONFIRM, Step.CLEAR)],
        regrades=Step.REGRADE in seen.steps,
        values={"step": "", "text": "", "severity": ""} | values,
        errors=errors,
    )


def _form(ws: Workspace, page: PageContext, values: dict[str, str], errors: dict[str, str]) -> str:
    return render(
        page,
        "bets/dependencies/form.html",
        values=dict.fromkeys(FIELDS, "") | values,
        errors=errors,
        units=units_there(ws),
        severities=[(each.value, page.tell(text)) for each, text in SEVERITIES.items()],
    )


def _to(number: str, told: str) -> Redirect:
    return Redirect(with_query(f"/dependencies/{number}", told=told), status_code=303)


pages: list[Any] = [show_dependencies, show_report, report, show_dependency, step]
