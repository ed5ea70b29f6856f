"""What uses a metric: the line of sight from a figure to what is decided by it."""

import msgspec

from counterpoint.experiments.metrics.definition import served_refs
from counterpoint.experiments.metrics.store import Loaded
from counterpoint.graph.entity import Entity
from counterpoint.graph.ref import parse_ref
from counterpoint.workspace import Workspace

__all__ = ["Use", "Uses", "uses_of"]

RELATIONS = ("measures", "shownOn", "computedInto")
ORDER = ("goal", "bet", "experiment", "dashboard", "metric")


class Use(msgspec.Struct, frozen=True):
    """Something that names the metric."""

    ref: str
    kind: str
    title: str
    owner: str | None
    how: str
    """In which part: success, guardrail, target, and so on."""


class Uses(msgspec.Struct, frozen=True):
    """All of them, and the titles of what they and the metric's decisions name."""

    items: tuple[Use, ...]
    titles: dict[str, str]


def uses_of(workspace: Workspace, loaded: Loaded) -> Uses:
    """Goals, bets, experiments, dashboards and ratios that use a metric."""
    entity = loaded.entity
    refs = list(dict.fromkeys(ref for name in RELATIONS for ref in entity.targets(name))) if entity else []
    with workspace.graph.read() as reader:
        found = reader.get_many(refs)
        named = {*loaded.definition.parts, *served_refs(loaded.definition)}
        named |= {each.owner for each in found.values() if each.owner}
        named |= {loaded.definition.owner} if loaded.definition.owner else set()
        titles = reader.titles(named)
    items = [_use(each, loaded.definition.ref) for each in found.values()]
    rank = {kind: index for index, kind in enumerate(ORDER)}
    items.sort(key=lambda item: (rank.get(item.kind.lower(), len(rank)), item.title.lower()))
    return Uses(tuple(items), titles)


def _use(entity: Entity, ref: str) -> Use:
    return Use(entity.ref, entity.kind, entity.title, entity.owner, _how(entity, ref))


def _how(entity: Entity, ref: str) -> str:
    spec = entity.spec
    if entity.kind == "Goal":
        due = f" by {spec['due']}" if spec.get("due") else ""
        return f"target {spec['target']:,g}{due}"
    roles = [
        word
        for field, word in (("success", "success"), ("guardrails", "guardrail"))
        if any(_named(entity, item["metric"]) == ref for item in spec.get(field) or ())
    ]
    if roles:
        return " and ".join(roles)
    if entity.kind == "Metric":
        return "ratio"
    return ""


def _named(entity: Entity, text: str) -> str:
    return str(parse_ref(text, default_kind="metric", default_namespace=entity.namespace))
