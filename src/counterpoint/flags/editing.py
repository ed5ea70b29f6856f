"""A definition as it is edited: one flag taken out and put back, and what two people changed put together. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from counterpoint.graph.flagd import flags_by_key

__all__ = [
    "Merged",
    "flag_in",
    "merged",
    "pretty",
    "with_flag",
    "without_flag",
]

NONE: Final = object()
"""Stands for a member that is not there."""


def pretty(value: Any) -> str:
    """JSON for people, two spaces a level; what fits on a short line stays on one."""
    return _written(value, 0)


SHORT: Final = 72
"""Characters of a line up to which an object or a list is kept on it."""


def _written(value: Any, depth: int) -> str:
    line = json.dumps(value, ensure_ascii=False)
    simple = not isinstance(value, dict | list) or not value
    if simple or (len(line) + 2 * depth <= SHORT and not _is_large(value)):
        return line
    inner = "  " * (depth + 1)
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name, ensure_ascii=False)}: {_written(one, depth + 1)}"
            for name, one in value.items()
        )
        opening, closing = "{", "}"
    else:
        members = (_written(one, depth + 1) for one in value)
        opening, closing = "[", "]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(members) + f"\n{'  ' * depth}{closing}"


def _is_large(value: Any) -> bool:
    """Whether a short object holds objects, which read better one below the other."""
    inner = value.values() if isinstance(value, dict) else ()
    return any(isinstance(one, dict) and len(one) > 1 for one in inner)


def flag_in(definition: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """The flag as it is written, without the `key` that the array form repeats; None where there is none."""
    flag = flags_by_key(definition).get(key)
    return None if flag is None else {name: value for name, value in flag.items() if name != "key"}


def with_flag(definition: Mapping[str, Any], key: str, flag: Mapping[str, Any]) -> dict[str, Any]:
    """The definition with the flag in its place, or at the end where it is new."""
    written = definition.get("flags")
    if isinstance(written, list):
        made = [{"key": key, **flag} if _is(each, key) else each for each in written]
        if not any(_is(each, key) for each in written):
            made.append({"key": key, **flag})
        return {**definition, "flags": made}
    return {**definition, "flags": {**(written or {}), key: dict(flag)}}


def without_flag(definition: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The definition without the flag."""
    written = definition.get("flags")
    if isinstance(written, list):
        return {**definition, "flags": [each for each in written if not _is(each, key)]}
    return {**definition, "flags": {name: each for name, each in (written or {}).items() if name != key}}


def _is(flag: Any, key: str) -> bool:
    return isinstance(flag, Mapping) and flag.get("key") == key


@dataclass(frozen=True, slots=True)
class Merged:
    """What two people changed in one definition, put together."""

    definition: dict[str, Any]
    """Where both changed the same thing, mine."""
    conflicts: tuple[str, ...]
    """What both changed, each otherwise: keys of flags, and names of other members."""


def merged(base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Merged:
    """Put together what became of a definition on two sides, flag by flag.

    Args:
        base: what both began with.
        mine: what one of them made of it; it counts where both changed the same thing.
        theirs: what the other made of it.
    """
    conflicts: list[str] = []
    whole = _members(base, mine, theirs, conflicts, "“{}”".format, skip=("flags", *SHARED))
    for name in SHARED:
        sides = [side.get(name) or {} for side in (base, mine, theirs)]
        if all(isinstance(side, Mapping) for side in sides):
            made = _members(sides[0], sides[1], sides[2], conflicts, f"{name} {{}}".format)
            if made or name in mine:
                whole[name] = made
    flags = [{key: _bare(flag) for key, flag in flags_by_key(side).items()} for side in (base, mine, theirs)]
    together = _members(flags[0], flags[1], flags[2], conflicts, str)
    listed = isinstance(mine.get("flags"), list)
    whole["flags"] = [{"key": key, **flag} for key, flag in together.items()] if listed else together
    return Merged(whole, tuple(conflicts))


SHARED: Final = ("$evaluators", "metadata")


def _bare(flag: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flag.items() if name != "key"}


def _members(
    base: Mapping[str, Any],
    mine: Mapping[str, Any],
    theirs: Mapping[str, Any],
    conflicts: list[str],
    told: Callable[[str], str],
    *,
    skip: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Each member as whoever changed it left it, in the order of mine; what only they added comes last."""
    made: dict[str, Any] = {}
    for name in {**mine, **theirs, **base}:
        if name in skip:
            continue
        before, one, other = (side.get(name, NONE) for side in (base, mine, theirs))
        if not _same(before, one) and not _same(before, other) and not _same(one, other):
            conflicts.append(told(name))
        kept = other if _same(before, one) else one
        if kept is not NONE:
            made[name] = kept
    return made


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; the order of members does not matter."""
    if one is NONE or other is NONE:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
