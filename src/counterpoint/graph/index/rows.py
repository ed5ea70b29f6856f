"""The search keys of a final entity with their values, exactly as Backstage flattens one.

Objects extend the dotted path, lists do not; a text `x` in a list also gives the key `path.x` with the
value `true`, hence `metadata.tags.java`. Keys and values are lower case; the text as it was written is kept
beside the value for facets.

References:
    backstage/backstage, plugins/catalog-backend/src/database/operations/stitcher/buildEntitySearch.ts.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from counterpoint.javascript import js_text

__all__ = ["LONGEST", "Rows", "rows_of"]

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
LONGEST = 200
"""Characters of a key or a value, as JavaScript counts them; longer keys are left out, longer values are null."""


Rows: TypeAlias = tuple[list[tuple[str, str | None]], list[str]]


def rows_of(entity: Mapping[str, Any]) -> Rows:
    """The keys of an entity: pairs of key and value, and the keys whose value is `true` since a list holds a text.

    Keys are lower case, values as they were written, None for null. Either may come twice.
    """
    pairs: list[tuple[str, str | None]] = []
    listed: list[str] = []
    _walk("", entity, pairs, listed)
    metadata = entity["metadata"]
    for key in ("name", "namespace", "uid"):
        value = metadata.get(key)
        pairs.append((f"metadata.{key}", None if value is None else _kept(js_text(value))))
    for relation in entity.get("relations", ()):
        target = relation["targetRef"]
        pairs.append(
            (f"relations.{relation['type'].lower()}", target if len(target) < 100 else _kept(target))
        )
    return pairs, listed


def _walk(path: str, value: Any, pairs: list[tuple[str, str | None]], listed: list[str]) -> None:
    if isinstance(value, str):
        key = path.lower()
        if len(key) < 100 or _fits(key):
            pairs.append((key, value if len(value) < 100 else _kept(value)))
    elif isinstance(value, dict):
        for name, inner in value.items():
            below = f"{path}.{name}" if path else name
            if below not in SPECIAL:
                _walk(below, inner, pairs, listed)
    elif isinstance(value, list):
        for item in value:
            _walk(path, item, pairs, listed)
            if isinstance(item, str):
                key = f"{path}.{item}".lower()
                if len(key) < 100 or _fits(key):
                    listed.append(key)
    else:
        key = path.lower()
        if _fits(key):
            pairs.append((key, None if value is None else js_text(value)))


def _kept(value: str) -> str | None:
    return value if _fits(value.lower()) else None


def _fits(text: str) -> bool:
    if len(text) <= LONGEST // 2:
        return True
    return len(text) <= LONGEST and len(text) + sum(character > "\uffff" for character in text) <= LONGEST
