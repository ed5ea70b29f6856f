"""HTTP of the care of flags: what is stale, why a context gets its value, what a change would do."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.flags.care import recent_contexts, stale_in
from counterpoint.flags.care_records import (
    SimulationRecord,
    StaleList,
    TraceRecord,
    simulation_record,
    stale_records,
    trace_record,
)
from counterpoint.flags.model import FlagSet
from counterpoint.flags.store import read_set
from counterpoint.flags.trace import trace
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST_USERS = 1_000_000
MOST_DAYS = 3_650


class TraceInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which flag is evaluated for whom."""

    key: str
    context: dict[str, Any] = {}


class SimulationInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A definition as it is to be, and who is to be asked: given contexts, recent subjects, or invented users."""

    definition: dict[str, Any]
    users: int = 100_000
    """How many are invented."""
    contexts: list[dict[str, Any]] | None = None
    """Contexts instead of invented users."""
    recent: int | None = None
    """The subjects of the last exposures instead, this many."""
    seed: int = 0
    """For other invented users."""


@get("/api/v1/flags/stale", summary="Flags that can go", tags=["flags"], sync_to_thread=True)
def list_stale(
    ws: NamedDependency[Workspace],
    set: FromQuery[str | None] = None,  # noqa: A002 - a query parameter
    days: FromQuery[int] = 30,
) -> StaleList:
    """Flags whose time is over, with owner, reasons, since when, places in code, and the next step."""
    _check("days", days, MOST_DAYS)
    return stale_records(stale_in(ws, flag_set=set, days=days))


@post(
    "/api/v1/flags/sets/{name:str}/trace",
    summary="Why a context gets its value",
    tags=["flags"],
    status_code=200,
    sync_to_thread=True,
)
def trace_flag(
    ws: NamedDependency[Workspace], name: FromPath[str], data: JSONBody[TraceInput]
) -> TraceRecord:
    """The evaluation of a flag with every step: operator, arguments, result, and a sentence. Records no exposure."""
    with ws.graph.read() as reader:
        flags = read_set(reader, name).flags
    if data.key not in flags:
        raise NotFoundError(f"There is no flag {data.key!r} in the set {name!r}.")
    return trace_record(trace(flags, data.key, data.context))


@post(
    "/api/v1/flags/sets/{name:str}/simulation",
    summary="Who would get what from a changed definition",
    tags=["flags"],
    status_code=200,
    sync_to_thread=True,
)
def simulate_set(
    ws: NamedDependency[Workspace], name: FromPath[str], data: JSONBody[SimulationInput]
) -> SimulationRecord:
    """For each flag that would differ: counts before and after, who changes, examples, segments. Writes nothing."""
    from counterpoint.flags.population import contexts_as  # and numpy with it
    from counterpoint.flags.simulation import population_for, simulate

    _check("users", data.users, MOST_USERS)
    if data.recent is not None:
        _check("recent", data.recent, MOST_USERS)
    with ws.graph.read() as reader:
        before = read_set(reader, name).flags
    after = FlagSet.from_flagd(data.definition, before.bucketing)
    if data.contexts is not None:
        population = contexts_as(data.contexts)
    elif data.recent is not None:
        population = contexts_as(recent_contexts(ws, name, limit=data.recent))
    else:
        population = population_for(before, after, data.users, seed=abs(data.seed))
    return simulation_record(simulate(before, after, population), population.size)


def _check(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        problem = Problem(f"{name} == {value}, must be 1 to {most:,}.", f"/{name}")
        raise InputError(f"{name} is out of range.", [problem])


routes: list[Any] = [list_stale, trace_flag, simulate_set]
