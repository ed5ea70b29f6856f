"""What differs between two versions of a document, in full: applied to the old one, it gives the new one.

Objects are compared key by key and lists of the same length item by item; a list that grew or shrank is one
change, whose items can be told apart by `gained_and_lost`. (`difference` is the short form of the activity log.)
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Literal

import msgspec

from counterpoint.errors import escape

__all__ = ["Change", "apply", "compare", "gained_and_lost"]


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place where two documents differ."""

    pointer: str
    """RFC 6901 pointer of the place, in the document that has it."""
    action: Literal["added", "removed", "changed"]
    before: Any = None
    """The value of the old document; none where the place was added."""
    after: Any = None
    """The value of the new document; none where the place was removed."""


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every difference, in the order of the new document, what was removed last in its object."""
    return tuple(_objects(before, after, ""))


def _objects(before: Mapping[str, Any], after: Mapping[str, Any], pointer: str) -> Iterator[Change]:
    for key, value in after.items():
        place = f"{pointer}/{escape(key)}"
        if key not in before:
            yield Change(place, "added", after=value)
        else:
            yield from _values(before[key], value, place)
    for key, value in before.items():
        if key not in after:
            yield Change(f"{pointer}/{escape(key)}", "removed", before=value)


def _values(before: Any, after: Any, pointer: str) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _objects(before, after, pointer)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _values(old, new, f"{pointer}/{index}")
    elif not _same(before, after):
        yield Change(pointer, "changed", before, after)


def _same(before: Any, after: Any) -> bool:
    """As JSON, where true is not 1, and 1 is not 1.0: each of them has an etag of its own."""
    if before is after:
        return True
    return bool(_canonical(before) == _canonical(after))


def _canonical(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def apply(changes: Iterable[Change], before: Mapping[str, Any]) -> dict[str, Any]:
    """The new document, from the old one and what differs.

    Raises:
        KeyError, IndexError: the changes are of another document.
    """
    document: dict[str, Any] = deepcopy(dict(before))
    for change in changes:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in change.pointer.split("/")[1:]]
        holder: Any = document
        for part in way:
            holder = holder[int(part)] if isinstance(holder, list) else holder[part]
        if change.action == "removed":
            del holder[last]
        elif isinstance(holder, list):
            holder[int(last)] = deepcopy(change.after)
        else:
            holder[last] = deepcopy(change.after)
    return document


def gained_and_lost(change: Change) -> tuple[list[Any], list[Any]] | None:
    """What a list of plain values gained and lost, in their order; none for any other change."""
    before, after = change.before or [], change.after or []
    if not (_is_plain(before) and _is_plain(after)) or not (before or after):
        return None
    old, new = [_canonical(item) for item in before], [_canonical(item) for item in after]
    had, has = set(old), set(new)
    gained = [item for item, text in zip(after, new, strict=True) if text not in had]
    lost = [item for item, text in zip(before, old, strict=True) if text not in has]
    return gained, lost


def _is_plain(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)
