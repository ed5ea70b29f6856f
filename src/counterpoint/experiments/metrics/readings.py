"""Readings of metrics in a workspace: computed from a snapshot of the journal, and kept while they hold."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

import msgspec

from counterpoint.errors import InputError
from counterpoint.experiments.metrics.check import RECENT, Remark, check, check_definition
from counterpoint.experiments.metrics.period import Period, period_of
from counterpoint.experiments.metrics.reading import Bin, Reading
from counterpoint.experiments.metrics.store import Loaded, all_metrics
from counterpoint.experiments.standing import Basis, R, Standing
from counterpoint.journal.model.outcome import TypeCount
from counterpoint.workspace import Workspace

__all__ = [
    "Asked",
    "Distributions",
    "Readings",
    "asked_for",
    "check_metric",
    "distribution_at_hand",
    "distribution_of",
    "distributions_of",
    "last_day",
    "period_for",
    "prepare",
    "preview",
    "reading_at_hand",
    "reading_of",
    "readings_of",
    "seen",
]

PREPARED: Final = 50
"""Metrics whose figures a server computes when it starts."""
REST: Final = 20.0
"""How many times as long as a reading took it is shown before it is computed again: events come all the time."""


class Asked(msgspec.Struct, frozen=True):
    """What is read: the days, and the attribute that parts the figures."""

    period: Period
    split: str | None = None
    series: int = 4
    """Parts that stand alone at most."""
    days: int | None = None
    """How many days were asked for; the period begins with a whole span and ends with the last event."""
    ended: bool = False
    """Whether the period ends before today, so that its days stay the same ones."""


class _Resting(Standing[R]):
    """Results that are renewed only so often that renewing them takes a small share of the time."""

    def __init__(self) -> None:
        super().__init__()
        self._until: dict[str, float] = {}

    def newest(self, name: str, plan: Basis, data: Basis, compute: Callable[[], R]) -> R:
        def timed() -> R:
            began = time.monotonic()
            result = compute()
            ended = time.monotonic()
            self._until[name] = ended + REST * (ended - began)
            return result

        return super().newest(name, plan, data, timed)

    def renew(self, name: str, work: Callable[[], object]) -> None:
        if time.monotonic() >= self._until.get(name, 0.0):
            super().renew(name, work)


class Readings(_Resting[Reading]):
    """The readings of metrics."""


class Distributions(_Resting[tuple[Bin, ...]]):
    """How the numbers of metrics are distributed."""


def seen(workspace: Workspace) -> dict[str, TypeCount]:
    """The types of events that the journal holds, with how many and from when to when."""
    return {each.type: each for each in workspace.journal.counts()}


def last_day(types: Mapping[str, TypeCount], events: Iterable[str], now: datetime) -> date:
    """The day that a period ends with: today, or the day of the last event where none came since."""
    lasts = [types[event].last for event in events if event in types]
    return min(max(lasts, default=now), now).astimezone(UTC).date()


def period_for(loaded: Loaded, types: Mapping[str, TypeCount], *, days: int | None, now: datetime) -> Period:
    """The period that a metric is read for, of as many days as asked for, up to its last event."""
    return period_of(loaded.definition.calendar, days=days, last=last_day(types, loaded.events, now))


def asked_for(
    loaded: Loaded,
    last: date,
    *,
    now: datetime,
    days: int | None = None,
    split: str | None = None,
    series: int = 4,
) -> Asked:
    """What is to be read of a metric: so many days up to the last one, parted by an attribute where wanted."""
    period = period_of(loaded.definition.calendar, days=days, last=last)
    return Asked(period, split, series, days, ended=last < now.astimezone(UTC).date())


def readings_of(workspace: Workspace) -> Readings:
    """The readings of a workspace that this process keeps."""
    return workspace.keep(Readings, lambda _: Readings())


def reading_of(workspace: Workspace, loaded: Loaded, asked: Asked) -> Reading:
    """The reading of the events of now; one of the same journal is not computed again.

    Raises:
        InputError: the metric cannot be computed; the message says why.
    """
    return readings_of(workspace).newest(
        *_key(workspace, loaded, asked), lambda: preview(workspace, loaded, asked)
    )


def reading_at_hand(workspace: Workspace, loaded: Loaded, asked: Asked) -> tuple[Reading, bool]:
    """The last reading, and whether it holds for the events of now; if not, it is renewed meanwhile."""
    return readings_of(workspace).at_hand(
        *_key(workspace, loaded, asked), lambda: preview(workspace, loaded, asked)
    )


def _key(workspace: Workspace, loaded: Loaded, asked: Asked) -> tuple[str, Basis, Basis]:
    # The period is of the data and not of the plan: on a new day the last reading is shown while it is renewed.
    # One that has ended is a thing of its own: pages may look at different ones.
    ended = asked.period.last if asked.ended else ""
    name = f"{loaded.definition.ref} {asked.days or 0} {ended} {asked.split or ''} {asked.series}"
    return name, loaded.version, (workspace.journal.version(), asked.period)


def preview(workspace: Workspace, loaded: Loaded, asked: Asked) -> Reading:
    """The reading, computed now and not kept: of a metric that is being written, say.

    Raises:
        InputError: the metric cannot be computed; the message says why.
    """
    from counterpoint.experiments.metrics.computing import compute

    if loaded.problem:
        raise InputError(f"{loaded.definition.title} cannot be computed. {loaded.problem}")
    with workspace.journal.snapshot() as snapshot:
        return compute(snapshot, loaded, asked)


def distribution_of(workspace: Workspace, loaded: Loaded, period: Period) -> tuple[Bin, ...]:
    """How the numbers of single events are distributed; nothing where the metric needs none."""
    from counterpoint.experiments.metrics.computing import distribution

    if not loaded.definition.numbered or loaded.problem:
        return ()
    with workspace.journal.snapshot() as snapshot:
        return distribution(snapshot, loaded.definition, period)


def check_metric(
    workspace: Workspace,
    loaded: Loaded,
    reading: Reading | None,
    types: Mapping[str, TypeCount],
    *,
    now: datetime,
    recent: int = RECENT,
) -> tuple[Remark, ...]:
    """What is to be told of a metric, or of both metrics of a ratio, on the events that came."""
    metric = loaded.definition
    if metric.aggregation == "ratio":
        problem = (Remark("warning", "definition", loaded.problem),) if loaded.problem else ()
        of_parts = (
            Remark(remark.level, remark.about, f"“{part.title}”: {remark.message}")
            for part in loaded.parts
            for remark in check(part, types, None, now=now, recent=recent)
            if remark.about == "event"
        )
        return (*problem, *of_parts, *check_definition(metric))
    keys = (
        _keys(workspace, metric.event) if reading and reading.whole.blank and metric.numbered else frozenset()
    )
    return check(metric, types, reading, now=now, keys=keys, recent=recent)


def _keys(workspace: Workspace, event: str) -> frozenset[str]:
    """Names of the fields that the newest events of a type have, with those inside of others; never a value."""
    found: set[str] = set()
    for each in workspace.journal.recent(type=event, limit=20):
        if isinstance(each.data, Mapping):
            found |= set(each.data)
            found |= {
                f"{key}.{inner}"
                for key, value in each.data.items()
                if isinstance(value, Mapping)
                for inner in value
            }
    return frozenset(found)


def distribution_at_hand(workspace: Workspace, loaded: Loaded, asked: Asked) -> tuple[Bin, ...]:
    """As `distribution_of`, kept and renewed as readings are."""
    if not loaded.definition.numbered or loaded.problem:
        return ()
    name, plan, data = _key(workspace, loaded, asked)
    return distributions_of(workspace).at_hand(
        name, plan, data, lambda: distribution_of(workspace, loaded, asked.period)
    )[0]


def distributions_of(workspace: Workspace) -> Distributions:
    """The distributions of a workspace that this process keeps."""
    return workspace.keep(Distributions, lambda _: Distributions())


def prepare(workspace: Workspace) -> None:
    """Let the readings that pages begin with be computed, where somebody renews them: the first loads the engine."""
    types, now = seen(workspace), datetime.now(UTC)
    for loaded in all_metrics(workspace)[:PREPARED]:
        if loaded.problem or not any(event in types for event in loaded.events):
            continue
        asked = asked_for(loaded, last_day(types, loaded.events, now), now=now)
        readings_of(workspace).renew(
            loaded.definition.ref, partial(_quietly, reading_of, workspace, loaded, asked)
        )
        distributions_of(workspace).renew(
            loaded.definition.ref, partial(_quietly, distribution_at_hand, workspace, loaded, asked)
        )


def _quietly(compute: Callable[..., object], *given: object) -> None:
    with suppress(InputError):  # it is raised again, and told, when somebody asks
        compute(*given)
