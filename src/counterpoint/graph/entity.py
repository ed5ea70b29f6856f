"""What the graph answers with: entities, relations, pages, revisions, activity."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

__all__ = ["Activity", "Entity", "Page", "Put", "Relation", "Revision", "SearchHit"]


class Relation(msgspec.Struct, frozen=True, order=True):
    """One edge, seen from the entity that lists it."""

    type: str
    target: str
    """Reference of the other end, which may not exist."""


class Entity(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that exists, as it is now or was at a date."""

    ref: str
    uid: str
    """A UUID, the same through all changes until the entity is deleted."""
    etag: str
    """Hash of the content, 40 hexadecimal digits."""
    kind: str
    namespace: str
    name: str
    title: str
    owner: str | None
    """Reference of the owner; it may not exist."""
    document: dict[str, Any]
    relations: tuple[Relation, ...]
    """Sorted by type, then target; each once, whichever end declared it."""
    updated_at: datetime
    version: int = 1
    location: str | None = None
    """Where the document was read from; none where it was written here."""

    @property
    def metadata(self) -> dict[str, Any]:
        """The document's metadata."""
        found: dict[str, Any] = self.document["metadata"]
        return found

    @property
    def spec(self) -> dict[str, Any]:
        """The document's spec; empty where it has none."""
        return self.document.get("spec") or {}

    @property
    def description(self) -> str:
        """The description; empty where there is none."""
        return str(self.metadata.get("description") or "")

    def targets(self, relation: str) -> tuple[str, ...]:
        """References at the other end of one relation."""
        return tuple(edge.target for edge in self.relations if edge.type == relation)


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a list, with how many there are in all and where the next part starts."""

    items: tuple[Entity, ...]
    total: int
    next_cursor: str | None = None


class SearchHit(msgspec.Struct, frozen=True):
    """An entity that was found, with the words around what was asked for."""

    entity: Entity
    field: str
    """Where the best match is: `name`, `title`, `tags`, `description` or `text`."""
    snippet: str


class Revision(msgspec.Struct, frozen=True):
    """One version of an entity."""

    version: int
    at: datetime
    actor: str
    action: Literal["created", "updated", "deleted"]
    document: dict[str, Any] | None
    """None where the entity was deleted."""


class Activity(msgspec.Struct, frozen=True):
    """One change: who, what, when, before and after."""

    seq: int
    at: datetime
    actor: str
    action: str
    """Past tense after the noun, such as `entity.created` or `bet.decided`."""
    subject: str
    """Reference of what was changed."""
    before: Any = None
    after: Any = None
    reason: str | None = None


class Put:
    """What became of one written document."""

    __slots__ = ("_entity", "_load", "outcome", "ref")

    def __init__(
        self, outcome: Literal["created", "updated", "unchanged"], ref: str, load: Callable[[str], Entity]
    ) -> None:
        self.outcome: Literal["created", "updated", "unchanged"] = outcome
        self.ref = ref
        self._load = load
        self._entity: Entity | None = None

    @property
    def entity(self) -> Entity:
        """The entity as the graph holds it; read when first asked for, since an import of thousands never asks."""
        if self._entity is None:
            self._entity = self._load(self.ref)
        return self._entity

    def __repr__(self) -> str:
        return f"Put({self.outcome!r}, {self.ref!r})"
