"""The page of what a rollout's plan does to good and to bad changes, by simulation, beside fixed thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from counterpoint.errors import InputError
from counterpoint.experiments.wording import percent
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.rollouts import store
from counterpoint.rollouts.crowd import Policy
from counterpoint.rollouts.simulated import CLEAN, Simulation, begin, simulation_of
from counterpoint.rollouts.simulation import Characteristics, Outcome, often
from counterpoint.said import Said
from counterpoint.web import PageContext, render
from counterpoint.web.charts import Interval, interval_plot
from counterpoint.web.forms import again
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["simulation_pages"]


@dataclass(frozen=True, slots=True)
class OutcomeShown:
    """One true change under one policy, as texts."""

    change: Said
    back: str
    between: str
    users: str
    users_between: str
    hours: str
    to_end: str
    to_end_between: str
    ends: str


@get(
    "/rollouts/{namespace:str}/{name:str}/simulation",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_simulation(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """What the plan of a rollout does, by simulation."""
    return _page(ws, actor, page, f"rollout:{namespace}/{name}")


@get(
    "/rollouts/-/simulation/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_simulation_live(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """The part of that page that follows the simulation."""
    ref = f"rollout:{namespace}/{name}"
    plan = store.load(ws, ref).plan
    return render(page.about(plan.owner), "rollouts/simulated.html", **_shown(ws, page, ref))


@post(
    "/rollouts/{namespace:str}/{name:str}/simulation",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def start_simulation(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> Response[str] | Redirect:
    """Begin to compute the figures, and show the page with how far it is."""
    ref = f"rollout:{namespace}/{name}"
    try:
        begin(ws, actor, ref)
    except InputError as error:
        return again(_page(ws, actor, page, ref, errors={"": error.message}))
    return Redirect(with_query(f"{entity_url(ref)}/simulation", told="rollout-simulating"), status_code=303)


def _page(
    ws: Workspace, actor: Actor, page: PageContext, ref: str, errors: Mapping[str, str] | None = None
) -> str:
    loaded = store.load(ws, ref)
    owner = loaded.plan.owner
    with ws.graph.read() as reader:
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
        exists = owner is not None and reader.exists(owner)
        titles = reader.titles({owner} if owner else set())
    shown = _shown(ws, page, ref)
    return render(
        page.about(owner),
        "rollouts/simulation.html",
        **shown,
        plan=loaded.plan,
        titles=titles,
        live=f"/rollouts/-/simulation{entity_url(ref).removeprefix('/rollouts')}",
        permission=may(actor, "write", owner, owner_exists=exists, units=units),
        errors=errors or {},
    )


def _shown(ws: Workspace, page: PageContext, ref: str) -> dict[str, Any]:
    kept = simulation_of(ws, ref)
    found = kept.found
    shown: dict[str, Any] = {"kept": kept, "found": found, "url": entity_url(ref), "clean": CLEAN}
    if found is None:
        return shown
    plan = [each for each in found.outcomes if each.policy.kind == "plan"]
    return shown | {
        "clean_outcome": next(each for each in plan if each.regression == 0 and not each.is_margin),
        "policies": [
            (each, often(each.minutes), [_outcome(o) for o in found.outcomes if o.policy == each])
            for each in _policies(found)
        ],
        "regressed": [_outcome(each) for each in plan if each.regression and not each.is_margin],
        "rates": _rates(found, page),
        "said": _said(kept),
    }


def _policies(found: Characteristics) -> list[Policy]:
    return list(dict.fromkeys(each.policy for each in found.outcomes))


def _rates(found: Characteristics, page: PageContext) -> Any:
    """How often each policy takes back a clean change, with the interval and what alpha allows."""
    rows = [
        Interval(
            page.tell(f"{each.policy.name}, {often(each.policy.minutes)}"),
            each.rate,
            each.low,
            each.high,
            "good" if each.high <= found.alpha else "bad" if each.low > found.alpha else "quiet",
            found.alpha,
        )
        for each in found.outcomes
        if each.regression == 0 and not each.is_margin
    ]
    return interval_plot(
        rows,
        title=page.tell("Share of clean changes that each policy takes back, with what alpha allows"),
        write=percent,
        lower="fewer",
        higher="more taken back",
    )


def _said(kept: Simulation) -> Said:
    """The answer in one sentence."""
    found = kept.found
    if found is None:
        return ""
    clean = found.of("plan", 1, 0.0)
    allowed = f"alpha allows {percent(found.alpha)}"
    if clean.high <= found.alpha:
        return f"Of clean changes it takes back {percent(clean.rate, places=2)}, and {allowed}."
    if clean.low > found.alpha:
        return (
            f"It takes back {percent(clean.rate, places=2)} of clean changes, more than its guardrails may ({allowed})."
            " Too few users come for its steps, so they end at their limits: give them more time, or a smaller sample."
        )
    return f"Of clean changes it takes back {percent(clean.rate, places=2)}; {allowed}."


def _outcome(each: Outcome) -> OutcomeShown:
    change = "as it was" if each.regression == 0 else f"{100 * each.regression:g} % worse"
    return OutcomeShown(
        change=f"{change} (the margin)" if each.is_margin else change,
        back=percent(each.rate, places=2),
        between=f"{percent(each.low, places=2)} to {percent(each.high, places=2)}",
        users=_number(each.users_before),
        users_between=_between(each.users_before_low, each.users_before_high),
        hours=_number(each.hours_before, places=1),
        to_end=_number(each.hours_to_completion),
        to_end_between=_between(each.hours_to_completion_low, each.hours_to_completion_high),
        ends=" / ".join(percent(count / each.runs, places=0) for count in (each.completed, each.paused)),
    )


def _number(value: float | None, places: int = 0) -> str:
    return "–" if value is None else f"{value:,.{places}f}"


def _between(low: float | None, high: float | None) -> str:
    """An interval as a text; empty where there is none, or nothing between its ends."""
    if low is None or high is None or f"{low:,.0f}" == f"{high:,.0f}":
        return ""
    return f"{low:,.0f} to {high:,.0f}"


simulation_pages: list[Any] = [show_simulation, show_simulation_live, start_simulation]
