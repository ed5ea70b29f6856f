"""Facts: what a check can ask of an entity besides the keys of its descriptor, as `fact.NAME`.

A fact is true, false, a number or a text. Facts are worked out for many entities at a time, and only those
that a scorecard asks for: `builtin` names those that are worked out here, `reported` keeps what other
systems send. Names are asked for in lower case, as predicates have them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

import sqlalchemy as sa
import structlog

from counterpoint.catalog.scorecards import reported
from counterpoint.catalog.scorecards.builtin import RESERVED, group_of
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import decode, status
from counterpoint.workspace import Workspace

__all__ = ["PROVIDERS", "Facts", "Gatherer", "Provider"]

Facts = Mapping[str, bool | float | str]

DEPENDANTS = frozenset({"dependencyOf", "apiConsumedBy"})
"""Relations to those who would notice if it were gone."""
ORPHAN = "backstage.io/orphan"
BATCH = 500


@dataclass(frozen=True, slots=True)
class Provider:
    """Knows a group of facts that come from outside the graph, and so may change when the graph does not."""

    facts: Callable[[Workspace, Entity, Reader], Mapping[str, Any]]
    """The facts of one entity."""
    known: Callable[[Workspace, Reader], Iterable[str]]
    """The entities of which there are any."""


def _docs(workspace: Workspace, entity: Entity, reader: Reader) -> Mapping[str, Any]:
    from counterpoint.catalog.docs.facts import facts_of  # loads the renderer, which few scorecards need

    return facts_of(workspace, entity, reader=reader)


def _documented(workspace: Workspace, reader: Reader) -> Iterable[str]:
    from counterpoint.catalog.docs.library import library_of

    return library_of(workspace).documented(reader)


PROVIDERS: dict[str, Provider] = {"docs": Provider(_docs, _documented)}
"""Groups of facts that come from elsewhere, each with who knows them."""


class Gatherer:
    """Works out the facts of entities within one consistent view of the graph."""

    def __init__(self, workspace: Workspace, reader: Reader, names: Collection[str], today: date) -> None:
        self._workspace = workspace
        self._reader = reader
        self._names = frozenset(names)
        self._groups = frozenset(map(group_of, names))
        self._today = today
        self._known: dict[str, bool] = {}

    def facts_of(self, entities: Collection[Entity]) -> dict[str, Facts]:
        """The facts of each entity that were asked for, by its reference."""
        found: dict[str, dict[str, Any]] = {entity.ref: {} for entity in entities}
        if not self._groups:
            return dict(found)
        if self._groups & {"relations", "owner"}:
            self._look_up(entities)
        problems = self._problems(list(found)) if "problems" in self._groups else {}
        if self._groups - RESERVED:
            for ref, facts in reported.values_of(self._reader, list(found)).items():
                found[ref] |= facts
        for entity in entities:
            facts = found[entity.ref]
            facts |= self._plain(entity)
            if "problems" in self._groups:
                facts["problems.count"] = problems.get(entity.ref, 0)
            for group in self._groups & PROVIDERS.keys():
                facts |= self._ask(group, entity)
        return dict(found)

    def _plain(self, entity: Entity) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "age.days": (self._today - entity.updated_at.astimezone(UTC).date()).days,
            "description.length": len(entity.description.strip()),
            "links.count": len(entity.metadata.get("links") or ()),
            "orphan": (entity.metadata.get("annotations") or {}).get(ORPHAN) == "true",
        }
        if "dependants" in self._groups:
            users = {edge.target for edge in entity.relations if edge.type in DEPENDANTS}
            facts["dependants.count"] = len(users)
        if "owner" in self._groups:
            facts["owner.exists"] = entity.owner is not None and self._known[entity.owner]
        if "relations" in self._groups:
            facts |= self._relations(entity)
        return facts

    def _relations(self, entity: Entity) -> dict[str, Any]:
        counts: dict[str, int] = {}
        missing: dict[str, int] = {}
        for edge in entity.relations:
            counts[edge.type] = counts.get(edge.type, 0) + 1
            missing[edge.type] = missing.get(edge.type, 0) + (not self._known[edge.target])
        facts: dict[str, Any] = {"relations.missing.count": sum(missing.values())}
        for name in self._names:  # those that an entity lacks are asked for as well
            first, _, rest = name.partition(".")
            kind, _, asked = rest.rpartition(".")
            if first != "relations" or kind == "missing":
                continue
            exact = next((each for each in counts if each.lower() == kind.lower()), kind)
            number = counts.get(exact, 0)
            facts[name] = number if asked == "count" else number > 0 and not missing.get(exact)
        return facts

    def _look_up(self, entities: Iterable[Entity]) -> None:
        """Learn which of the other ends exist."""
        wanted = {edge.target for entity in entities for edge in entity.relations}
        wanted |= {entity.owner for entity in entities if entity.owner}
        unknown = wanted - self._known.keys()
        there = self._reader.titles(unknown)
        self._known |= {ref: ref in there for ref in unknown}

    def _problems(self, refs: list[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for start in range(0, len(refs), BATCH):
            query = sa.select(status).where(status.c.ref.in_(refs[start : start + BATCH]))
            for row in self._reader.connection.execute(query):
                found[row.ref] = len(decode(row.items) or ())
        return found

    def _ask(self, group: str, entity: Entity) -> Mapping[str, Any]:
        try:
            return PROVIDERS[group].facts(self._workspace, entity, self._reader)
        except Exception:  # whatever one provider stumbles over, the other checks are still answered
            structlog.get_logger().exception("facts.failed", group=group, ref=entity.ref)
            return {}
