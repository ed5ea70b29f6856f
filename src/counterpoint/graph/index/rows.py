"""The search keys of a final entity with their values, exactly as Backstage flattens one.

Objects extend the dotted path, lists do not; a text `x` in a list also gives the key `path.x` with the
value `true`, hence `metadata.tags.java`. Keys and values are lower case; the text as it was written is kept
beside the value for facets.

References:
    backstage/backstage, plugins/catalog-backend/src/database/operations/stitcher/buildEntitySearch.ts.
"""

from collections.abc import Mapping
from functools import lru_cache
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


SHORT = 100
"""Characters of a text that certainly fits, however JavaScript counts them."""
KNOWN = 20_000
"""Paths that are remembered."""

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
        pairs.append((_relation_key(relation["type"]), target if len(target) < SHORT else _kept(target)))
    return pairs, listed


@lru_cache(maxsize=1_024)
def _relation_key(kind: str) -> str:
    return f"relations.{kind.lower()}"


def _walk(path: str, value: Any, pairs: list[tuple[str, str | None]], listed: list[str]) -> None:
    if isinstance(value, dict):
        known = _known.get(path)
        if known is None:
            known = _remembered(path)
        for name, inner in value.items():
            found = known.get(name)
            if found is None:
                found = known[name] = _below(path, name)
            below, key = found
            if type(inner) is str:  # most are, and a call for each would be most of the time
                if key is not None:
                    pairs.append((key, inner if len(inner) < SHORT else _kept(inner)))
            elif below is not None:
                _walk(below, inner, pairs, listed)
    elif isinstance(value, list):
        for item in value:
            _walk(path, item, pairs, listed)
            if isinstance(item, str):
                key = f"{path}.{item}".lower()
                if len(key) < SHORT or _fits(key):
                    listed.append(key)
    else:
        _take(path.lower(), value, pairs)


def _take(key: str, value: Any, pairs: list[tuple[str, str | None]]) -> None:
    if _fits(key):
        texts = isinstance(value, str)
        pairs.append((key, _kept(value) if texts else None if value is None else js_text(value)))


Below = tuple[str | None, str | None]
_known: dict[str, dict[str, Below]] = {}
"""By path and name, the path below and its key: documents have few, again and again."""


def _remembered(path: str) -> dict[str, Below]:
    """What is known below a path. Names that somebody makes up without end are forgotten."""
    if len(_known) > KNOWN or sum(map(len, _known.values())) > KNOWN:
        _known.clear()
    return _known.setdefault(path, {})


def _below(path: str, name: str) -> Below:
    """The path below, none if it is not walked, and its key, none if it is not kept."""
    below = f"{path}.{name}" if path else name
    if below in SPECIAL:
        return None, None
    key = below.lower()
    return below, key if len(key) < SHORT or _fits(key) else None


def _kept(value: str) -> str | None:
    return value if _fits(value.lower()) else None


def _fits(text: str) -> bool:
    if len(text) <= LONGEST // 2:
        return True
    return len(text) <= LONGEST and len(text) + sum(character > "\uffff" for character in text) <= LONGEST
