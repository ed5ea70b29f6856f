"""What each unit says and does: its words, practices, policies and limits, read from the graph.

Vocabulary and PolicyPack entities name the units that they hold for; one that names none holds for the
whole organisation. For every noun, practice, rule and limit the nearest wins: the unit's own, then that
of the unit above it, and so on, then the organisation's, then ours.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.tables import relation
from counterpoint.practices import LIMITS, PRACTICES, Policy, read_limits, read_policies, read_practices
from counterpoint.vocabulary import Words, read_nouns

__all__ = ["OUR_CUSTOMS", "Custom", "Customs", "Origin", "UnitCustoms", "customs_of"]

T = TypeVar("T")
S = TypeVar("S")

KINDS = ("Vocabulary", "PolicyPack")
KEPT = 5_000
"""Units whose customs are kept in memory."""
LEVELS = 32
"""Units above each other that are looked at; a circle of parents ends sooner."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a custom comes from."""

    ref: str
    """Of the Vocabulary or PolicyPack."""
    title: str
    unit: str | None
    """The unit that the document names, at or above the one asked for; none for the organisation."""
    unit_title: str


@dataclass(frozen=True, slots=True)
class Custom(Generic[T]):
    """A value, and where it comes from; no origin where it is our default."""

    value: T
    origin: Origin | None = None


@dataclass(frozen=True)
class UnitCustoms:
    """What holds for one unit, or for the whole organisation where `unit` is none."""

    unit: str | None = None
    nouns: Mapping[str, Custom[tuple[str, str]]] = field(default_factory=dict)
    """One and many of each noun that is renamed."""
    practices: Mapping[str, Custom[bool]] = field(default_factory=dict)
    policies: Mapping[str, Custom[Policy]] = field(default_factory=dict)
    limits: Mapping[str, Custom[int]] = field(default_factory=dict)

    @cached_property
    def words(self) -> Words:
        """The words of the unit."""
        return Words({key: custom.value for key, custom in self.nouns.items()})

    def practises(self, practice: str) -> bool:
        """Whether the practice is on; everything is, unless a pack switches it off."""
        custom = self.practices.get(practice)
        return custom is None or custom.value

    def practice(self, key: str) -> Custom[bool]:
        """Whether a practice is on, and who says so."""
        return self.practices.get(key, Custom(value=True))

    def policy(self, rule: str) -> Policy:
        """What passing over the rule asks for."""
        custom = self.policies.get(rule)
        return custom.value if custom else Policy.INFORM

    def limit(self, key: str) -> int:
        """The limit in force."""
        custom = self.limits.get(key)
        return custom.value if custom else LIMITS[key].default

    @property
    def off(self) -> tuple[str, ...]:
        """The practices that are switched off."""
        return tuple(key for key in PRACTICES if not self.practises(key))


OUR_CUSTOMS = UnitCustoms()
"""What holds where nobody has said anything."""


@dataclass(frozen=True)
class _State:
    """What was read at one number of the activity log."""

    number: int
    documents: tuple[Entity, ...]
    units: dict[str | None, UnitCustoms] = field(default_factory=dict)


class Customs:
    """The customs of every unit of one graph; kept while nothing changes. Safe for several threads."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._state: _State | None = None

    def of(self, unit: str | None = None) -> UnitCustoms:
        """What holds for a unit (or a person, by the units it belongs to), or for the organisation."""
        state = self._state
        if state is not None and unit in state.units and state.number == self._graph.last_activity():
            return state.units[unit]
        with self._graph.read() as reader:
            return self.read(reader, unit)

    def read(self, reader: Reader, unit: str | None = None) -> UnitCustoms:
        """As `of`, with a reader that is open already."""
        state = self._current(reader)
        found = state.units.get(unit)
        if found is None:
            found = customs_of(reader, state.documents, unit)
            if len(state.units) < KEPT:
                state.units[unit] = found
        return found

    def _current(self, reader: Reader) -> _State:
        number, state = reader.last_activity(), self._state
        if state is None or state.number != number:
            documents = tuple(entity for kind in KINDS for entity in reader.all(kind=kind))
            state = self._state = _State(number, documents)
        return state


def customs_of(reader: Reader, documents: Iterable[Entity], unit: str | None) -> UnitCustoms:
    """Work out what holds for a unit; of two documents for the same unit the first by reference wins."""
    ordered = list(_nearest_first(reader, list(documents), unit))
    return UnitCustoms(
        unit,
        _merge(ordered, "Vocabulary", lambda spec: read_nouns(spec.get("nouns"))),
        _merge(ordered, "PolicyPack", read_practices),
        _merge(ordered, "PolicyPack", read_policies),
        _merge(ordered, "PolicyPack", read_limits),
    )


def _merge(
    ordered: list[tuple[Entity, Origin]], kind: str, read: Callable[[Mapping[str, Any]], Mapping[str, S]]
) -> dict[str, Custom[S]]:
    found: dict[str, Custom[S]] = {}
    for entity, origin in ordered:
        if entity.kind == kind:
            for key, value in read(entity.spec).items():
                found.setdefault(key, Custom(value, origin))
    return found


def _nearest_first(
    reader: Reader, documents: list[Entity], unit: str | None
) -> Iterable[tuple[Entity, Origin]]:
    whole = [entity for entity in documents if not entity.targets("appliesTo")]
    special = [entity for entity in documents if entity.targets("appliesTo")]
    if unit is not None and special:
        named = {target for entity in special for target in entity.targets("appliesTo")}
        titles = reader.titles(named)
        for level in _levels(reader, str(parse_ref(unit))):
            for entity in special:
                here = next((ref for ref in level if ref in entity.targets("appliesTo")), None)
                if here is not None:
                    yield (
                        entity,
                        Origin(entity.ref, entity.title, here, titles.get(here) or parse_ref(here).name),
                    )
    for entity in whole:
        yield entity, Origin(entity.ref, entity.title, None, "the whole organisation")


def _levels(reader: Reader, unit: str) -> Iterable[list[str]]:
    """The unit, then what it is a part of, and so on up; for a person first the units it belongs to."""
    level, seen = [unit], {unit}
    for _ in range(LEVELS):
        yield level
        query = sa.select(relation.c.target).where(
            relation.c.source.in_(level),
            relation.c.type.in_(
                ("childOf", "memberOf") if level == [unit] and unit.startswith("user:") else ("childOf",)
            ),
            relation.c.valid_to.is_(None),
        )
        level = sorted(set(reader.connection.execute(query).scalars()) - seen)
        seen.update(level)
        if not level:
            return
