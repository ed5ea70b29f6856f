"""What stands ready around a bet before real users get it: who measures it, what takes it back, who is called."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from counterpoint.bets.documents import mapping
from counterpoint.bets.model import Bet
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.reader import Reader

__all__ = ["ON_CALL", "Readiness", "on_call_of", "readouts_of", "unmeasured_of"]

ON_CALL: Final = (
    "counterpoint.dev/on-call",
    "pagerduty.com/integration-key",
    "pagerduty.com/service-id",
    "opsgenie.com/team",
    "opsgenie.com/component-selector",
    "splunk.com/on-call-team",
    "grafana.com/oncall-schedule",
)
"""Annotations that say who is called when it breaks: our own (a person, a rota or an address), and those by which
Backstage's users name a service of PagerDuty, a team of Opsgenie or Splunk, or a schedule of Grafana."""
CHECKS: Final = ("rollout.advanced", "rollout.checked", "rollout.completed", "rollout.rolled-back")
"""Entries of the activity log in which a rollout says what its guardrails showed."""
READ: Final = frozenset({"pass", "fail", "inconclusive"})
"""What a guardrail says once there was enough to read it from."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked up around a bet."""

    flags: int = 0
    """How many flags name the bet: each takes the change back at once."""
    unmeasured: tuple[str, ...] = ()
    """Titles of the bet's metrics that the catalogue does not define, or whose event has never been seen."""
    on_call: tuple[str, ...] = ()
    """Its unit and the components of its flags that say who is called."""
    guardrails_read: bool = False
    """Whether a rollout of the bet has said what a guardrail showed."""


def unmeasured_of(
    bet: Bet,
    metrics: Mapping[str, Entity | None],
    found: Mapping[str, Entity],
    sent: Collection[str] | None,
) -> tuple[str, ...]:
    """Those of the bet's metrics that nothing measures, by title.

    `metrics` are the entities by what the bet says, `found` those that they may be computed from. `sent` are the
    types of events that the journal has seen, None where nobody looked: then it is enough that the metric is
    defined.
    """
    lacking = []
    for name in dict.fromkeys(
        [*(each.metric for each in bet.success), *(each.metric for each in bet.guardrails)]
    ):
        metric = metrics.get(name)
        if metric is None:
            lacking.append(name)
        elif sent is not None and not _events(metric, found) <= set(sent):
            lacking.append(metric.title or metric.name)
    return tuple(lacking)


def _events(metric: Entity, found: Mapping[str, Entity]) -> set[str]:
    """The types of events that a metric is computed from, by itself and by the metrics that it divides."""
    parts = [found[ref] for ref in metric.targets("computedFrom") if ref in found]
    named = [each.spec.get("event") for each in (metric, *parts)]
    for each in (metric, *parts):
        steps = each.spec.get("steps")
        named += steps if isinstance(steps, list) else ()
    return {each for each in named if isinstance(each, str) and each}


def on_call_of(entities: Iterable[Entity]) -> tuple[str, ...]:
    """Those of the entities that say who is called, by title."""
    return tuple(
        each.title or each.name
        for each in entities
        if any(str(mapping(each.metadata.get("annotations")).get(key) or "").strip() for key in ON_CALL)
    )


def readouts_of(reader: Reader, rollouts: Sequence[str]) -> frozenset[str]:
    """Those of the rollouts of which a guardrail has been read, by the newest entry of each kind."""
    if not rollouts:
        return frozenset()
    entries = [each for action in CHECKS for each in reader.newest_activity(action, rollouts).values()]
    return frozenset(each.subject for each in entries if _read(each))


def _read(entry: Activity) -> bool:
    figures = mapping(mapping(entry.after).get("figures"))
    return bool(READ & {str(each) for each in mapping(figures.get("guardrails")).values()})
