"""What happened around a rollout: its moves, the deployments of its component, and its guardrails over the checks.

Deployments are events of the journal about the component: CDEvents of a service (`dev.cdevents.service.*`) and plain
`deployment` events, whose subject is the component's reference or name.

References:
    cdevents/spec 0.5.1, continuous deployment events.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from markupsafe import Markup

from counterpoint.errors import CounterpointError
from counterpoint.experiments.wording import percent
from counterpoint.flags.composing import read_plans
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.journal.model.event import Event as JournalEvent
from counterpoint.rollouts.model import Event, Figures, Rollout, state_of
from counterpoint.rollouts.outcome import change_of
from counterpoint.rollouts.store import Status
from counterpoint.web.charts import Mark, Moved, Series, line_chart, moves_chart
from counterpoint.workspace import Workspace

__all__ = [
    "BEFORE",
    "CheckShown",
    "Deployment",
    "charts_of",
    "checks_of",
    "component_of",
    "deployments_of",
    "log_of",
    "timeline_of",
]

SERVICE: Final = "dev.cdevents.service."
"""Types of CDEvents about a service: deployed, upgraded, rolledback, removed, published, each with a version."""
PLAIN: Final = "deployment"
MOST: Final = 100
"""Deployments that are read, the newest."""
BEFORE: Final = timedelta(days=2)
"""How long before the first move deployments are told of, too."""


class Deployment(msgspec.Struct, frozen=True, rename="camel"):
    """Something about the component was deployed."""

    at: datetime
    did: str
    """What: deployed, upgraded, rolledback, removed, published."""
    version: str = ""
    environment: str = ""
    event: str = ""
    """Id of the event."""


@dataclass(frozen=True, slots=True)
class CheckShown:
    """What one guardrail said at one check that was recorded."""

    at: datetime
    label: str
    users: int
    said: str
    verdict: str


def component_of(reader: Reader, plan: Rollout) -> str | None:
    """The component whose deployments matter: the rollout's, else the one that the flag's definition names."""
    if plan.component:
        return plan.component
    try:
        _, entity = read_plans(reader, plan.flag_set)
    except CounterpointError:
        return None
    metadata = flags_by_key(entity.spec.get("definition")).get(plan.flag, {}).get("metadata")
    named = metadata.get("component") if isinstance(metadata, Mapping) else None
    try:
        return str(parse_ref(str(named), default_kind="component")) if named else None
    except CounterpointError:
        return None


class _Kept:
    """Deployments that were read, until another one comes."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, datetime], tuple[object, list[Deployment]]] = {}

    def get(
        self, key: tuple[str, datetime], stamp: object, read: Callable[[], list[Deployment]]
    ) -> list[Deployment]:
        known = self._known.get(key)
        if known is None or known[0] != stamp:
            if len(self._known) >= MOST:
                self._known.clear()
            known = self._known[key] = stamp, read()
        return known[1]


def deployments_of(workspace: Workspace, component: str, since: datetime) -> list[Deployment]:
    """Deployments of a component since then, oldest first, the newest `MOST` of them."""
    types = [
        each
        for each in workspace.journal.counts()
        if (each.type == PLAIN or each.type.startswith(SERVICE)) and each.last >= since
    ]
    if not types:
        return []
    kept: _Kept = workspace.keep(_Kept, lambda _: _Kept())
    stamp = [(each.type, each.count, each.last) for each in types]
    names = [each.type for each in types]
    return kept.get((component, since), stamp, lambda: _read(workspace, names, component, since))


def _read(workspace: Workspace, types: Sequence[str], component: str, since: datetime) -> list[Deployment]:
    ref = parse_ref(component)
    names = [str(ref), f"{ref.namespace}/{ref.name}", *([ref.name] if ref.namespace == "default" else [])]
    found = [
        event
        for type_ in types
        for name in names
        for event in workspace.journal.recent(type=type_, subject=name, limit=MOST)
        if event.time >= since
    ]
    found.sort(key=lambda event: (event.time, event.id))
    return [_deployment(event) for event in found[-MOST:]]


def _deployment(event: JournalEvent) -> Deployment:
    data = _mapping(event.data)
    content = _mapping(_mapping(data.get("subject")).get("content"))
    environment = _mapping(content.get("environment")).get("id") or data.get("environment")
    artifact = str(content.get("artifactId") or "")
    version = data.get("version") or artifact.partition("@")[2].partition("?")[0]
    did = event.type.removeprefix(SERVICE).partition(".")[0] if event.type != PLAIN else "deployed"
    return Deployment(event.time, did, str(version or "")[:60], str(environment or "")[:60], event.id)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def timeline_of(
    events: Sequence[Event], deployments: Sequence[Deployment], *, now: datetime, title: str
) -> Markup:
    """The share of users over time by all moves, oldest first, with the deployments marked."""
    tones = {"rolled-back": "bad", "completed": "good"}
    moves = [
        Moved(event.at, event.percent / 100, tones.get(event.kind, ""))
        for event in events
        if event.percent is not None
    ]
    until = events[-1].at if _is_over(events) else now
    marks = [Mark(each.at, f"{each.did} {each.version}".strip()) for each in deployments]
    return moves_chart(moves, marks, until=until, title=title)


def _is_over(events: Sequence[Event]) -> bool:
    """Whether nothing is under way, so that time stands still for the chart."""
    return bool(events) and state_of(events).phase in ("rolled-back", "completed", "pending")


def log_of(
    events: Sequence[Event], deployments: Sequence[Deployment], *, most: int
) -> list[tuple[Event | None, Deployment | None]]:
    """What happened, newest first: events of the rollout and deployments in one order; at most so many."""
    rows: list[tuple[datetime, int, Event | None, Deployment | None]] = [
        *((event.at, event.sequence, event, None) for event in events),
        *((each.at, 0, None, each) for each in deployments),
    ]
    rows.sort(key=lambda row: row[:2], reverse=True)
    return [(event, each) for _, _, event, each in rows[:most]]


def checks_of(found: Status) -> list[CheckShown]:
    """Every guardrail at every recorded check of the present run and now, oldest first."""
    return [
        CheckShown(at, each.label, each.users, change_of(each), each.verdict)
        for at, figures in _figures(found)
        for each in figures.guardrails
    ]


def charts_of(found: Status) -> Iterator[tuple[str, Markup]]:
    """For each guardrail its change with its bounds, check by check of the present run; of those with two or more."""
    recorded = list(_figures(found))
    for guardrail in found.plan.guardrails:
        name, relative = guardrail.metric.name, guardrail.scale == "relative"
        known = [
            (at, each.change, (each.low, each.high))
            for at, figures in recorded
            for each in figures.guardrails
            if each.metric == name
            and each.change is not None
            and each.low is not None
            and each.high is not None
        ]
        if len(known) < 2:
            continue
        # Evenly spaced: checks come in bursts, and a wait of weeks would press all others together. The wide bounds of
        # the first ones would do so too, so that the drawing ends before theirs; the table has them whole.
        most = max(
            4 * guardrail.margin, *(1.5 * abs(change) for _, change, _ in known), *map(abs, known[-1][2])
        )
        series = Series(
            guardrail.metric.label,
            tuple((float(n), change) for n, (_, change, _) in enumerate(known)),
            tuple((max(low, -most), min(high, most)) for _, _, (low, high) in known),
        )
        limit = -guardrail.metric.gain * guardrail.margin
        yield (
            guardrail.metric.label,
            line_chart(
                [series],
                title=f"{guardrail.metric.label}: change with its sequential bounds, check by check",
                write_x=_moment_text([at for at, _, _ in known]),
                write_y=(lambda value: percent(value, signed=True)) if relative else None,
                targets=((limit, "margin"),),
                marks=range(len(known)),
                height=220,
            ),
        )


def _figures(found: Status) -> Iterator[tuple[datetime, Figures]]:
    """The figures of the present run with their moments, oldest first, and those of now."""
    events = found.events[::-1]
    starts = [index for index, event in enumerate(events) if event.kind == "started"]
    run = events[starts[-1] :] if starts else []
    last = None
    for event in run:
        seen = event.figures
        if seen is not None and seen.guardrails and (last is None or seen.as_of > last.as_of):
            last = seen
            yield seen.as_of, seen
    now = found.figures
    if run and now is not None and now.guardrails and (last is None or now.as_of > last.as_of):
        yield now.as_of, now


def _moment_text(moments: Sequence[datetime]) -> Callable[[float], str]:
    """Writes the moment of a check by its number."""
    form = "%H:%M" if moments[-1] - moments[0] < timedelta(days=1) else "%d %b"
    return lambda number: f"{moments[round(number)]:{form}}"
