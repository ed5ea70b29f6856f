"""The search keys of a final entity with their values, exactly as Backstage flattens one.

Objects extend the dotted path, lists do not; a text `x` in a list also gives the key `path.x` with the
value `true`, hence `metadata.tags.java`. Keys and values are lower case; the text as it was written is kept
beside the value for facets.

References:
    backstage/backstage, plugins/catalog-backend/src/database/operations/stitcher/buildEntitySearch.ts.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from counterpoint.javascript import js_text

__all__ = ["LONGEST", "Pairs", "Walk"]

SPECIAL = frozenset(
    {
        "attachments",
        "relations",
        "status",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "metadata.etag",
    }
)
"""Paths that are not walked; some are added by themselves."""
BY_THEMSELVES = ("name", "namespace", "uid")
"""Those of them in `metadata` that are keys all the same, null where an entity lacks them."""
LONGEST = 200
"""Characters of a key or a value, as JavaScript counts them; longer keys are left out, longer values are null."""

SHORT = 100
"""Characters of a text that certainly fits, however JavaScript counts them."""
KNOWN = 20_000
"""Paths that are remembered."""


class Pairs(Protocol):
    """Where the values of one key go, each beside the number of the entity that has it."""

    @property
    def values(self) -> Any:
        """Takes values as they were written, None for null, by `append`."""

    @property
    def entities(self) -> Any:
        """Takes numbers of entities by `append`."""


_Take = Callable[[Any], object]
_Below = tuple[str | None, _Take | None, _Take]
"""The path below a name, none if it is not walked, and what takes values, none if the key is not kept, and numbers."""


class Walk:
    """Gives each pair of key and value of final entities to the pairs of its key.

    Keys are lower case, values as they were written. A pair may come twice. What a path leads to is
    remembered, since documents have few paths, again and again.
    """

    def __init__(self, pairs_of: Callable[[str], Pairs], listed: Callable[[str, int], None]) -> None:
        """Take what has the pairs of a key, and what is told of keys that are `true` since a list holds a text."""
        self._pairs_of, self._listed = pairs_of, listed
        self._known: dict[str, dict[str, _Below]] = {}
        self._size = 0
        self._by_themselves = [(name, *self._takes(f"metadata.{name}")) for name in BY_THEMSELVES]
        self._relations: dict[str, tuple[_Take, _Take]] = {}

    def take(self, entity: Mapping[str, Any], number: int) -> None:
        """Give the pairs of one entity."""
        if self._size > KNOWN:  # names that somebody makes up without end are forgotten
            self._known.clear()
            self._relations.clear()
            self._size = 0
        self._walk("", entity, number)
        metadata = entity["metadata"]
        for name, values, numbers in self._by_themselves:
            value = metadata.get(name)
            values(value if type(value) is str and len(value) < SHORT else _text(value))
            numbers(number)
        for relation in entity.get("relations", ()):
            kind, target = relation["type"], relation["targetRef"]
            takes = self._relations.get(kind)
            if takes is None:
                self._size += 1
                takes = self._relations[kind] = self._takes(f"relations.{kind.lower()}")
            takes[0](target if len(target) < SHORT else _kept(target))
            takes[1](number)

    def _takes(self, key: str) -> tuple[_Take, _Take]:
        pairs = self._pairs_of(key)
        return pairs.values.append, pairs.entities.append

    def _walk(self, path: str, value: Any, number: int) -> None:
        if isinstance(value, dict):
            known = self._known.get(path)
            if known is None:
                known = self._known[path] = {}
            for name, inner in value.items():
                found = known.get(name)
                if found is None:
                    found = known[name] = self._below(path, name)
                below, values, numbers = found
                if type(inner) is str:  # most are, and a call for each would be most of the time
                    if values is not None:
                        values(inner if len(inner) < SHORT else _kept(inner))
                        numbers(number)
                elif below is not None:
                    self._walk(below, inner, number)
        elif isinstance(value, list):
            for item in value:
                self._walk(path, item, number)
                if isinstance(item, str):
                    key = f"{path}.{item}".lower()
                    if len(key) < SHORT or _fits(key):
                        self._listed(key, number)
        elif _fits(key := path.lower()):
            values, numbers = self._takes(key)
            values(_text(value))
            numbers(number)

    def _below(self, path: str, name: str) -> _Below:
        self._size += 1
        below = f"{path}.{name}" if path else name
        if below in SPECIAL:
            return None, None, _nothing
        key = below.lower()
        return (below, *self._takes(key)) if len(key) < SHORT or _fits(key) else (below, None, _nothing)


def _nothing(_number: int) -> None:
    """Take no number."""


def _text(value: Any) -> str | None:
    return None if value is None else _kept(js_text(value))


def _kept(value: str) -> str | None:
    return value if _fits(value.lower()) else None


def _fits(text: str) -> bool:
    if len(text) <= LONGEST // 2:
        return True
    return len(text) <= LONGEST and len(text) + sum(character > "\uffff" for character in text) <= LONGEST
