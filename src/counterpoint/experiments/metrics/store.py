"""Metrics in the workspace: definitions from the graph, readings from the journal, kept while they hold."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import msgspec

from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.experiments.metrics.check import RECENT, Remark, check, check_definition
from counterpoint.experiments.metrics.definition import Definition, definition_from
from counterpoint.experiments.metrics.period import Period, period_of
from counterpoint.experiments.metrics.reading import Bin, Reading
from counterpoint.experiments.standing import Standing
from counterpoint.graph.actor import Actor
from counterpoint.graph.descriptor import validate
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision as Permission
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.journal.model.outcome import TypeCount
from counterpoint.spelling import near
from counterpoint.workspace import Workspace

__all__ = [
    "Asked",
    "Distributions",
    "Loaded",
    "Readings",
    "all_metrics",
    "check_metric",
    "distribution_at_hand",
    "distribution_of",
    "distributions_of",
    "last_day",
    "load",
    "loaded_from",
    "may_write",
    "names_of",
    "period_for",
    "prepare",
    "preview",
    "preview_problems",
    "reading_at_hand",
    "reading_of",
    "readings_of",
    "seen",
    "write",
    "writing_problems",
]

PREPARED = 50
"""Metrics whose figures a server computes when it starts."""
MOST = 1_000
"""Metrics that a list holds."""


class Loaded(msgspec.Struct, frozen=True):
    """A metric as the graph has it, with the metrics that a ratio is of."""

    definition: Definition
    version: tuple[str, ...]
    parts: tuple[Definition, ...] = ()
    entity: Entity | None = None
    """None for one that is being written."""
    problem: str = ""
    """Why no figure can be computed; empty where one can."""

    @property
    def computed(self) -> tuple[Definition, ...]:
        """The metrics that events are read for: itself, or those that a ratio is of."""
        return self.parts if self.definition.aggregation == "ratio" else (self.definition,)

    @property
    def events(self) -> tuple[str, ...]:
        """Types of the events, each once."""
        return tuple(dict.fromkeys(each.event for each in self.computed))


class Asked(msgspec.Struct, frozen=True):
    """What is read: the days, and the attribute that parts the figures."""

    period: Period
    split: str | None = None
    series: int = 4
    """Parts that stand alone at most."""


class Readings(Standing[Reading]):
    """The readings of metrics."""


class Distributions(Standing[tuple[Bin, ...]]):
    """How the numbers of metrics are distributed."""


def all_metrics(workspace: Workspace) -> list[Loaded]:
    """Every metric in the order of its name."""
    with workspace.graph.read() as reader:
        return _loaded(reader, reader.find(kind="Metric", limit=MOST).items)


def load(workspace: Workspace, name: str) -> Loaded:
    """A metric by its name or reference.

    Raises:
        NotFoundError: there is none of that name; the message tells near ones.
        InputError: the name is a reference to something else.
    """
    ref = parse_ref(name, default_kind="metric")
    if ref.kind != "metric":
        raise InputError(f"{ref} is no metric; write its name, or metric:{ref.namespace}/{ref.name}.")
    with workspace.graph.read() as reader:
        entity = reader.get(ref)
        if entity is None:
            names = [parse_ref(each.ref).short for each in reader.find(kind="Metric", limit=MOST).items]
            raise NotFoundError(f"There is no metric {ref.short}{near(ref.short, names, cutoff=0.5) or '.'}")
        return _loaded(reader, [entity])[0]


def loaded_from(workspace: Workspace, document: Mapping[str, Any]) -> Loaded:
    """A metric that is being written, out of its checked descriptor."""
    with workspace.graph.read() as reader:
        return _with_parts(definition_from(document), None, _parts(reader, [definition_from(document)]))


def _loaded(reader: Reader, entities: Iterable[Entity]) -> list[Loaded]:
    found = [(entity, definition_from(entity.document)) for entity in entities]
    known = _parts(reader, [definition for _, definition in found])
    return [_with_parts(definition, entity, known) for entity, definition in found]


def _parts(reader: Reader, definitions: Iterable[Definition]) -> Mapping[str, Entity]:
    refs = {ref for definition in definitions for ref in definition.parts}
    return (
        {ref: entity for ref, entity in reader.get_many(refs).items() if entity.kind == "Metric"}
        if refs
        else {}
    )


def _with_parts(definition: Definition, entity: Entity | None, known: Mapping[str, Entity]) -> Loaded:
    parts = [known[ref] for ref in definition.parts if ref in known]
    problem = ""
    if definition.aggregation == "ratio":
        missing = [parse_ref(ref).short for ref in definition.parts if ref not in known]
        nested = [part.title for part in parts if part.spec["aggregation"] == "ratio"]
        if missing:
            problem = f"It is a ratio of {' and '.join(missing)}, which is not in the graph; import it, or mend the name."
        elif nested:
            problem = f"It is a ratio of {' and '.join(nested)}, itself a ratio; divide metrics that are computed from events."
    version = tuple(each.etag for each in (*([entity] if entity else []), *parts))
    return Loaded(
        definition, version, tuple(definition_from(part.document) for part in parts), entity, problem
    )


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


def _key(
    workspace: Workspace, loaded: Loaded, asked: Asked
) -> tuple[str, tuple[object, ...], tuple[object, ...]]:
    # The days are no part of the name: who asks for another period replaces the one that was kept.
    name = f"{loaded.definition.ref} {asked.period.days} {asked.split or ''} {asked.series}"
    return name, (*loaded.version, asked), (workspace.journal.version(),)


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


def distribution_at_hand(workspace: Workspace, loaded: Loaded, period: Period) -> tuple[Bin, ...]:
    """As `distribution_of`, kept and renewed as readings are."""
    if not loaded.definition.numbered or loaded.problem:
        return ()
    name, plan, data = _key(workspace, loaded, Asked(period))
    return distributions_of(workspace).at_hand(
        name, plan, data, lambda: distribution_of(workspace, loaded, period)
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
        period = period_for(loaded, types, days=None, now=now)
        readings_of(workspace).renew(
            loaded.definition.ref, partial(_quietly, reading_of, workspace, loaded, Asked(period))
        )
        distributions_of(workspace).renew(
            loaded.definition.ref, partial(_quietly, distribution_at_hand, workspace, loaded, period)
        )


def _quietly(compute: Callable[..., object], *given: object) -> None:
    with suppress(InputError):  # it is raised again, and told, when somebody asks
        compute(*given)


def names_of(workspace: Workspace, kind: str, *, limit: int = 500) -> tuple[str, ...]:
    """What a field of this kind may name, as short as it can be written."""
    with workspace.graph.read() as reader:
        items = reader.find(kind=kind, limit=limit).items
    return tuple(
        each.name if each.namespace == "default" else f"{each.namespace}/{each.name}" for each in items
    )


def preview_problems(document: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a descriptor by itself."""
    return list(validate(document))


def may_write(workspace: Workspace, loaded: Loaded, actor: Actor) -> Permission:
    """Whether the actor may change the metric, with the reason in words."""
    with workspace.graph.read() as reader:
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
        owner = loaded.definition.owner
        exists = owner is not None and reader.exists(owner)
    return may(actor, "write", owner, owner_exists=exists, units=units)


def write(
    workspace: Workspace,
    document: Mapping[str, Any],
    *,
    actor: Actor,
    ref: str | None = None,
    new: bool = False,
    if_match: Collection[str] | None = None,
) -> Loaded:
    """Store a Metric descriptor. `ref` says which it must be, `new` that there is none of that name yet.

    Raises:
        InputError: the descriptor is not valid, or names another metric.
        PreconditionError: the metric has a version that `if_match` does not name.
        NotAllowedError: the metric belongs to somebody else.
    """
    with workspace.graph.write(actor) as writer:
        if problems := writing_problems(writer, document, "Metric", ref, new=new):
            raise InputError("The metric cannot be stored.", problems)
        put = writer.put(document, if_match=if_match)
        return _loaded(writer, [put.entity])[0]


def writing_problems(
    reader: Reader, document: Mapping[str, Any], kind: str, ref: str | None, *, new: bool
) -> list[Problem]:
    """What is wrong with a descriptor of a kind, and what the graph does not ask: it is this one, and owned."""
    if document.get("kind") != kind:
        return [Problem(f"Write `kind: {kind}`.", "/kind")]
    problems = list(validate(document))
    if problems:
        return problems
    metadata, spec = document["metadata"], document["spec"]
    namespace = str(metadata.get("namespace") or "default")
    named = str(parse_ref(f"{kind.lower()}:{namespace}/{metadata['name']}"))
    if ref is not None and named != str(parse_ref(ref, default_kind=kind)):
        problems.append(
            Problem(f"The document is {named} and the address says {ref}; make them agree.", "/metadata/name")
        )
    if new and reader.exists(named):
        problems.append(Problem(f"{named} exists already; choose another name.", "/metadata/name"))
    owner = parse_ref(spec["owner"], default_kind="Group", default_namespace=namespace)
    if not reader.exists(owner):
        message = f"There is no {owner.kind} called {owner.name}; import it first, or choose one that exists."
        problems.append(Problem(message, "/spec/owner"))
    return problems
