"""A flag set as it is in the graph: its entity, and what that is ready to answer."""

from dataclasses import dataclass

from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.environments import set_ref
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.model import FlagSet
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader

__all__ = ["StoredSet", "bucketing_in", "entity_of", "find_set", "shown_of", "stored_of"]


@dataclass(frozen=True, slots=True)
class StoredSet:
    """A flag set of the graph, ready to evaluate."""

    name: str
    entity: Entity
    flags: FlagSet
    problems: tuple[Problem, ...] = ()
    """Why the definition cannot be used: an older version let it in. It then has no flags."""

    @property
    def etag(self) -> str:
        """Changes with anything of the set: definition, bucketing, owner."""
        return self.entity.etag


def find_set(reader: Reader, name: str) -> Entity:
    """The entity of the flag set with this name, whether it can be used or not.

    Raises:
        NotFoundError: there is none.
    """
    entity = entity_of(reader, name)
    if entity is None:
        raise NotFoundError(
            f"There is no flag set {name!r}. Make it with: counterpoint import flags FILE --set {name}"
        )
    return entity


def bucketing_in(written: object) -> Bucketing:
    """The algorithm that a set's entity names, v2 where it names none."""
    return "v3" if written == "v3" else "v2"


def entity_of(reader: Reader, name: str) -> Entity | None:
    """The entity of the flag set with this name; None where there is none, or where none can be called so."""
    try:
        return reader.get(set_ref(name))
    except InputError:
        return None


def stored_of(entity: Entity) -> StoredSet:
    """The set of an entity.

    Raises:
        FlagSetError: it cannot be used.
    """
    return StoredSet(
        entity.name,
        entity,
        FlagSet.from_flagd(entity.spec["definition"], bucketing_in(entity.spec.get("bucketing"))),
    )


def shown_of(entity: Entity) -> StoredSet:
    """The set of an entity; one that cannot be used has its problems, and no flags."""
    try:
        return stored_of(entity)
    except FlagSetError as error:
        none = FlagSet.from_flagd({"flags": {}}, bucketing_in(entity.spec.get("bucketing")))
        return StoredSet(entity.name, entity, none, error.problems)
