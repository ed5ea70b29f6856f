"""What a piece of software needs and what needs it, two steps far: whom a change reaches."""

from collections.abc import Iterable

from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.web.charts import Layer, Step
from counterpoint.web.urls import entity_url, ref_parts

__all__ = ["Flow", "flow_of"]

NEEDS = ("dependsOn", "consumesApi", "apiProvidedBy")
NEEDED_BY = ("dependencyOf", "apiConsumedBy", "providesApi")
"""An API stands between who provides and who consumes it: the consumer needs the API, and that its provider."""
FOLLOWED = 100
"""Neighbours whose own neighbours are looked at."""
MOST = 200
"""Entities of one step that are listed."""

Flow = tuple[tuple[Layer, Layer], tuple[Layer, Layer]]
"""Two steps to the left (what needs it), two to the right (what it needs), the nearer first."""


def flow_of(reader: Reader, entity: Entity) -> Flow | None:
    """Both directions, two steps each; None where there is nothing in either."""
    left = _two_steps(reader, entity, NEEDED_BY, ("What needs it", "Two steps before"), "#needed-by")
    right = _two_steps(reader, entity, NEEDS, ("What it needs", "Two steps behind"), "#needs")
    return (left, right) if left[0].steps or right[0].steps else None


def _two_steps(
    reader: Reader, entity: Entity, relations: tuple[str, ...], labels: tuple[str, str], rest: str
) -> tuple[Layer, Layer]:
    every = _targets(entity, relations)
    first = every[:MOST]
    known = reader.get_many(first[:FOLLOWED])
    near = frozenset(every)
    parents: dict[str, list[str]] = {}
    for ref in first:
        for target in _targets(known[ref], relations) if ref in known else ():
            if target != entity.ref and target not in near:
                parents.setdefault(target, []).append(ref)
    second = sorted(parents, key=lambda ref: (-len(parents[ref]), ref))[:MOST]
    titles = reader.titles([*first, *second])
    return (
        Layer(labels[0], _steps(first, titles, dict.fromkeys(first, (entity.ref,))), len(every), f"{rest}-1"),
        Layer(
            labels[1],
            _steps(second, titles, {ref: tuple(parents[ref]) for ref in second}),
            len(parents),
            f"{rest}-2",
        ),
    )


def _steps(
    refs: Iterable[str], titles: dict[str, str], parents: dict[str, tuple[str, ...]]
) -> tuple[Step, ...]:
    """Those that most others stand behind first, then by title."""
    made = [
        Step(
            ref,
            titles.get(ref) or ref_parts(ref)[2],
            entity_url(ref) if ref in titles else None,
            ref_parts(ref)[0],
            parents[ref],
        )
        for ref in refs
    ]
    return tuple(sorted(made, key=lambda step: (-len(step.parents), step.label.casefold())))


def _targets(entity: Entity, relations: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(ref for relation in relations for ref in entity.targets(relation)))
