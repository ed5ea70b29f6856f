"""Metrics in the graph: list, load with what a ratio is of, write."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from counterpoint.errors import InputError, NotAllowedError, NotFoundError, Problem
from counterpoint.experiments.metrics.definition import PER_USER, Definition, definition_from
from counterpoint.graph.actor import Actor
from counterpoint.graph.descriptor import validate
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision as Permission
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.writer import Writer
from counterpoint.spelling import near
from counterpoint.workspace import Workspace

__all__ = [
    "Loaded",
    "all_metrics",
    "load",
    "loaded_from",
    "loaded_of",
    "may_own",
    "may_write",
    "names_of",
    "preview_problems",
    "put_owned",
    "write",
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


def all_metrics(workspace: Workspace) -> list[Loaded]:
    """Every metric in the order of its name."""
    with workspace.graph.read() as reader:
        return loaded_of(reader, reader.find(kind="Metric", limit=MOST).items)


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
        return loaded_of(reader, [entity])[0]


def loaded_from(workspace: Workspace, document: Mapping[str, Any]) -> Loaded:
    """A metric that is being written, out of its checked descriptor."""
    with workspace.graph.read() as reader:
        return _with_parts(definition_from(document), None, _parts(reader, [definition_from(document)]))


def loaded_of(reader: Reader, entities: Iterable[Entity]) -> list[Loaded]:
    """Metric entities with the metrics that ratios among them are of."""
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
    elif definition.aggregation in PER_USER:
        problem = f"A {definition.aggregation} is told of users after an exposure, so it has a figure in an experiment and none of a day."
    version = tuple(each.etag for each in (*([entity] if entity else []), *parts))
    return Loaded(
        definition, version, tuple(definition_from(part.document) for part in parts), entity, problem
    )


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
        return may_own(reader, loaded.definition.owner, actor)


def may_own(reader: Reader, owner: str | None, actor: Actor) -> Permission:
    """Whether the actor may make and change what belongs to an owner, with the reason in words."""
    units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    exists = owner is not None and reader.exists(owner)
    return may(actor, "write", owner, owner_exists=exists, units=units)


def _owner_in(document: Mapping[str, Any]) -> str:
    """The reference of the owner that a valid descriptor names."""
    namespace = str(document["metadata"].get("namespace") or "default")
    return str(parse_ref(document["spec"]["owner"], default_kind="Group", default_namespace=namespace))


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
        entity = put_owned(writer, document, "Metric", actor=actor, ref=ref, new=new, if_match=if_match)
        return loaded_of(writer, [entity])[0]


def put_owned(
    writer: Writer,
    document: Mapping[str, Any],
    kind: str,
    *,
    actor: Actor,
    ref: str | None,
    new: bool,
    if_match: Collection[str] | None,
) -> Entity:
    """Store a descriptor of a kind, which only its owner may: the graph lets anybody add what is new, but what others
    decide by is its owner's to make. Raises as `write`."""
    if problems := _writing_problems(writer, document, kind, ref, new=new):
        raise InputError(f"The {kind.lower()} cannot be stored.", problems)
    decision = may_own(writer, _owner_in(document), actor)
    if not decision.allow:
        raise NotAllowedError(decision.reason, [Problem(decision.reason, "/spec/owner")])
    return writer.put(document, if_match=if_match).entity


def _writing_problems(
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
