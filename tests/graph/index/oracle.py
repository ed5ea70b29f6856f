"""The index in the plainest Python: what it must answer, worked out entity by entity."""

from collections.abc import Iterable, Sequence
from functools import cmp_to_key
from typing import Any

from counterpoint.graph.index import AllOf, AnyOf, Equals, Exists, Filter, Not, Order, Prefix, Text

__all__ = ["Oracle", "search_rows"]

SPECIAL = {
    "attachments",
    "relations",
    "status",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.etag",
}

Entity = dict[str, Any]


def search_rows(entity: Entity) -> dict[tuple[str, str | None], str | None]:
    """From (key, value in lower case or None) to the value as it was written first; after Backstage's code."""
    output: list[tuple[str, Any]] = []

    def visit(path: str, current: Any) -> None:
        if path in SPECIAL:
            return
        if current is None or isinstance(current, str | int | float | bool):
            output.append((path, current))
        elif isinstance(current, list):
            for item in current:
                visit(path, item)
                if isinstance(item, str):
                    output.append((f"{path}.{item}", True))
        else:
            for key, value in current.items():
                visit(f"{path}.{key}" if path else key, value)

    visit("", entity)
    output += [(f"metadata.{name}", entity["metadata"][name]) for name in ("name", "namespace", "uid")]
    output += [(f"relations.{edge['type']}", edge["targetRef"]) for edge in entity["relations"]]
    rows: dict[tuple[str, str | None], str | None] = {}
    for key, value in output:
        if len(key) > 200:
            continue
        text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        text = None if text is None else str(text)
        if text is None or len(text.lower()) > 200:
            rows.setdefault((key.lower(), None), None)
        else:
            rows.setdefault((key.lower(), text.lower()), text)
    return rows


class Oracle:
    """Answers from a list of final entities."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        self.entities = sorted(entities, key=lambda entity: entity["metadata"]["uid"])
        self.rows = {entity["metadata"]["uid"]: search_rows(entity) for entity in self.entities}

    def values(self, entity: Entity, key: str) -> list[str]:
        """The values of a key, in order."""
        rows = self.rows[entity["metadata"]["uid"]]
        return sorted(value for found, value in rows if found == key and value is not None)

    def meets(self, entity: Entity, wanted: Filter | None) -> bool:
        """Whether the filter lets the entity through."""
        match wanted:
            case None:
                return True
            case AllOf(parts):
                return all(self.meets(entity, part) for part in parts)
            case AnyOf(parts):
                return any(self.meets(entity, part) for part in parts)
            case Not(part):
                return not self.meets(entity, part)
            case Exists(key):
                return any(found == key for found, _ in self.rows[entity["metadata"]["uid"]])
            case Equals(key, values):
                return any(value in values for value in self.values(entity, key))
            case Prefix(key, text):
                return any(value.startswith(text) for value in self.values(entity, key))
            case Text(keys, text):
                return any(text in value for key in keys for value in self.values(entity, key))

    def found(self, wanted: Filter | None) -> list[Entity]:
        """What the filter lets through, by uid."""
        return [entity for entity in self.entities if self.meets(entity, wanted)]

    def ordered(self, wanted: Filter | None, order: Order) -> list[tuple[str | None, str]]:
        """Pairs of value and uid in an order."""
        if order.key is None:
            pairs: list[tuple[Any, str]] = [
                (None, entity["metadata"]["uid"]) for entity in self.found(wanted)
            ]
            return pairs[::-1] if order.descending else pairs
        named = [
            (value, entity["metadata"]["uid"])
            for entity in self.found(wanted)
            for value in self.values(entity, order.key)
        ]
        return sorted(named, reverse=order.descending)  # type: ignore[return-value]

    def counted(self, wanted: Filter | None, having: str | None = None) -> int:
        """How many there are, with a value for a key if one is asked for."""
        return sum(1 for e in self.found(wanted) if having is None or self.values(e, having))

    def facets(self, key: str, wanted: Filter | None) -> list[tuple[str, int]]:
        """Values as they were written, with their counts."""
        counts: dict[str, int] = {}
        for entity in self.found(wanted):
            for (found, _), written in self.rows[entity["metadata"]["uid"]].items():
                if found == key and written is not None:
                    counts[written] = counts.get(written, 0) + 1
        return sorted(counts.items())

    def sorted_uids(self, wanted: Filter | None, orders: Sequence[Order]) -> list[str]:
        """Uids by several keys, what lacks one last, ties by uid."""
        first, *rest = orders
        rows: list[tuple[list[str | None], str]] = []
        for entity in self.found(wanted):
            later = [self._leading(entity, order) for order in rest]
            own: list[str | None] = [*self.values(entity, first.key or "")] or [None]
            rows += [([value, *later], entity["metadata"]["uid"]) for value in own]

        def compare(left: tuple[list[str | None], str], right: tuple[list[str | None], str]) -> int:
            for order, one, other in zip(orders, left[0], right[0], strict=True):
                if one != other:
                    if one is None or other is None:
                        return 1 if one is None else -1
                    return (-1 if one < other else 1) * (-1 if order.descending else 1)
            return (left[1] > right[1]) - (left[1] < right[1])

        return [uid for _, uid in sorted(rows, key=cmp_to_key(compare))]

    def _leading(self, entity: Entity, order: Order) -> str | None:
        values = self.values(entity, order.key or "")
        return (values[-1] if order.descending else values[0]) if values else None
