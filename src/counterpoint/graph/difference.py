"""What differs between two versions of a document, as the activity log keeps it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from counterpoint.errors import escape

__all__ = ["difference"]

LONG = 2_000
"""Characters of a value above which the activity log only says how long it is."""

_NOTHING = object()


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs between two documents: pointers to values on either side; lists count as one value."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    differing = [
        pointer for pointer in {**old, **new} if old.get(pointer, _NOTHING) != new.get(pointer, _NOTHING)
    ]
    return (
        {pointer: _short(old[pointer]) for pointer in differing if pointer in old},
        {pointer: _short(new[pointer]) for pointer in differing if pointer in new},
    )


def _leaves(value: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        place = f"{pointer}/{escape(key)}"
        if isinstance(item, dict) and item:
            yield from _leaves(item, place)
        else:
            yield place, item


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"({len(text)} characters)" if len(text) > LONG else value
