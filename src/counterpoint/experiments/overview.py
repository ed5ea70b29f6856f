"""The list of experiments by what is to be done: those that need a decision first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from counterpoint.experiments import listing, store
from counterpoint.experiments.coordination.store import experiments_in
from counterpoint.experiments.plan import moment_in
from counterpoint.experiments.recording import ABOUT_BET, DECIDED
from counterpoint.experiments.result import Result
from counterpoint.graph.entity import Activity, Entity
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = ["STATES", "Line", "Overview", "State", "overview_of", "state_of"]

State = Literal["to decide", "running", "planned", "ended"]
STATES: dict[State, Said] = {
    "to decide": "The figures have said what they can, or its end has come. Somebody decides.",
    "running": "Exposures come in; nothing is to be done but to wait.",
    "planned": "Not started, or nobody has seen it yet.",
    "ended": "Decided.",
}
SETTLED = frozenset({"ship", "do not ship", "invalid"})


@dataclass(frozen=True, slots=True)
class Line:
    """One experiment in the list."""

    item: listing.Listed
    state: State
    days: int | None
    """Since its start, up to its end."""
    users: int | None
    """So far, as the newest result knows them."""
    planned: int | None
    """In all arms, where the plan says it."""
    verdict: str | None
    """As recorded; else that of the newest result, where the plan lets it be read."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All experiments, and those that were asked for by their state."""

    total: int
    counts: dict[State, int]
    """Of the owner that was asked for."""
    owners: tuple[str, ...]
    groups: tuple[tuple[State, tuple[Line, ...]], ...]


def state_of(
    *,
    now: datetime,
    start: datetime | None,
    end: datetime | None,
    verdict: str | None,
    users: int | None,
    decided: bool,
) -> State:
    """In which group an experiment stands. A decision ends it; a verdict or its end asks for one."""
    if decided:
        return "ended"
    if verdict in SETTLED or (end is not None and now >= end):
        return "to decide"
    if (start is not None and now < start) or not (users or verdict):
        return "planned"
    return "running"


def overview_of(
    workspace: Workspace, *, owner: str | None = None, state: str | None = None, now: datetime | None = None
) -> Overview:
    """The list, of one owner and in one state where these are given."""
    now = now or datetime.now(UTC)
    with workspace.graph.read() as reader:
        entities = experiments_in(reader)
        refs = [entity.ref for entity in entities]
        read, looked = reader.newest_activity(store.READ, refs), reader.newest_activity(store.LOOK, refs)
        decided = reader.newest_activity(DECIDED, refs)
        bets = reader.newest_activity(
            ABOUT_BET, {bet for each in entities for bet in each.targets("testsBet")}
        )
    lines = []
    for entity in entities:
        newest = max(
            (each[entity.ref] for each in (read, looked) if entity.ref in each),
            key=lambda entry: entry.seq,
            default=None,
        )
        about = [bets.get(bet) for bet in entity.targets("testsBet")]
        taken = [each for each in (decided.get(entity.ref), *about) if each is not None]
        lines.append(_line(workspace, entity, newest, taken, now))
    owners = tuple(sorted({line.item.owner for line in lines if line.item.owner}))
    ours = [line for line in lines if owner is None or line.item.owner == owner]
    counts = {each: sum(line.state == each for line in ours) for each in STATES}
    groups = tuple(
        (each, tuple(line for line in ours if line.state == each)) for each in STATES if state in {None, each}
    )
    return Overview(len(lines), counts, owners, tuple(group for group in groups if group[1]))


def _line(
    workspace: Workspace, entity: Entity, newest: Activity | None, decisions: list[Activity], now: datetime
) -> Line:
    item = listing.listed(entity, newest)
    spec = entity.spec
    start, end = moment_in(spec.get("start"), last=False), moment_in(spec.get("end"), last=True)
    result = store.standing_of(workspace).kept(entity.ref)
    after: Mapping[str, Any] = newest.after if newest and isinstance(newest.after, Mapping) else {}
    users = result.users if result else after.get("users")
    start = start or (result.first_exposure if result else None)
    decided = any(newest is None or each.seq > newest.seq for each in decisions) and bool(newest)
    verdict = item.verdict or _unrecorded(result)
    state = state_of(now=now, start=start, end=end, verdict=verdict, users=users, decided=decided)
    until = min(now, end) if end else now
    days = max((until - start).days, 0) if start and start <= now and state != "ended" else None
    return Line(item, state, days, users, _planned(spec), verdict)


def _unrecorded(result: Result | None) -> str | None:
    """The verdict of a result that nobody has recorded; a plan that does not say when it is read has none."""
    if result is None or not result.users:
        return None
    declared = result.progress is not None and result.progress.declared
    return result.verdict.state if declared or result.verdict.state == "invalid" else None


def _planned(spec: Mapping[str, Any]) -> int | None:
    stopping = spec.get("stopping")
    maximum = stopping.get("maximum") if isinstance(stopping, Mapping) else None
    if isinstance(maximum, int):
        return maximum
    per_arm = spec.get("unitsPerArm")
    return per_arm * (1 + len(spec["treatments"])) if isinstance(per_arm, int) else None
