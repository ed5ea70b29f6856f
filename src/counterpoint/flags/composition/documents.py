"""Flags within a flagd definition, in its map form and in its array form."""

from collections.abc import Mapping
from typing import Any

from counterpoint.graph.flagd import flags_by_key

__all__ = ["flags_in", "with_flags"]


def flags_in(definition: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The flags of a definition by key; where sets of an array share a key, the definition's own comes first."""
    listed = definition.get("flags")
    if not isinstance(listed, list):
        return flags_by_key(definition)
    found: dict[str, Mapping[str, Any]] = {}
    for index in _places(definition).values():
        found[str(listed[index]["key"])] = listed[index]
    return found


def with_flags(
    definition: Mapping[str, Any], flags: Mapping[str, Mapping[str, Any]], evaluators: Mapping[str, Any]
) -> dict[str, Any]:
    """The definition with these flags in the places of those with their keys, and these evaluators."""
    listed = definition.get("flags")
    new: Any
    if isinstance(listed, list):
        new, places = list(listed), _places(definition)
        for key, flag in flags.items():
            if key in places:
                new[places[key]] = {**flag, "key": key}
            else:
                new.append({"key": key, **flag})
    else:
        new = {**(listed or {}), **flags}
    document = {name: value for name, value in definition.items() if name != "$evaluators"}
    document["flags"] = new
    return {**document, "$evaluators": dict(evaluators)} if evaluators else document


def _places(definition: Mapping[str, Any]) -> dict[str, int]:
    """The index of the flag that answers for each key, as `FlagSet` chooses it."""
    metadata = definition.get("metadata")
    own = metadata.get("flagSetId") if isinstance(metadata, Mapping) else None
    places: dict[str, int] = {}
    others: dict[str, int] = {}
    for index, flag in enumerate(definition["flags"]):
        if isinstance(flag, Mapping) and isinstance(flag.get("key"), str):
            metadata = flag.get("metadata")
            named = metadata.get("flagSetId", own) if isinstance(metadata, Mapping) else own
            (places if named == own else others).setdefault(flag["key"], index)
    return {**others, **places}
