"""What became of the plans of flags (ramps, kills, segments, layers, holdouts), told in words from pointers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["HEAD", "PlanChange", "plan_changes", "unescaped"]

HEAD = "/spec/composition"
_SHARED = {"segments": "segment", "layers": "layer", "holdouts": "holdout"}

PlanChange = tuple[str, str, str]
"""What was done (`{}` stands for the name), whether to a flag or to something that plans share, and its name."""


def plan_changes(changes: Iterable[tuple[str, Any, Any]]) -> list[PlanChange]:
    """What was done to plans, from changed pointers of a FlagSet with the values before and after; each once."""
    found: dict[PlanChange, None] = {}
    for pointer, before, after in changes:
        for parts, was, now in _opened(pointer, before, after):
            if told := _told(parts, was, now):
                found[told] = None
    whole = {(what, name) for done, what, name in found if done.startswith(("put ", "took ", "moved "))}
    return [each for each in found if not (each[0] == "changed the plan of {}" and each[1:] in whole)]


def _opened(pointer: str, before: Any, after: Any) -> Iterator[tuple[list[str], Any, Any]]:
    """The parts of a pointer below the plans; of each thing by itself where all plans, or a room of them, came or went."""
    if pointer == HEAD:
        for name in {**_mapping(before), **_mapping(after)}:
            yield from _opened(f"{HEAD}/{name}", _mapping(before).get(name), _mapping(after).get(name))
    elif pointer.startswith(f"{HEAD}/"):
        parts = pointer.removeprefix(f"{HEAD}/").split("/")
        if len(parts) > 1:
            yield [parts[0], *map(unescaped, parts[1:])], before, after
            return
        for name in {**_mapping(before), **_mapping(after)}:
            yield [parts[0], str(name)], _mapping(before).get(name), _mapping(after).get(name)


def _told(parts: list[str], before: Any, after: Any) -> PlanChange | None:
    room, name = parts[:2]
    if room in _SHARED:
        done = "added" if before is None else "removed" if after is None else "changed"
        return f"{done if len(parts) == 2 else 'changed'} {{}}", _SHARED[room], name
    if room != "flags":
        return None  # `compiled` holds sums that say nothing to people
    if len(parts) == 2:
        return "put {} under a plan" if before is None else "took the plan from {}", "flag", name
    if parts[2:] == ["ramp"] and _is_number(before) and _is_number(after):
        return f"moved {{}} from {before:g} % to {after:g} %", "flag", name
    if parts[2] == "killed":
        return "revived {}" if after is None else "killed {}", "flag", name
    return "changed the plan of {}", "flag", name


def unescaped(key: str) -> str:
    """Return a member's name as it was before it became part of a JSON pointer."""
    return key.replace("~1", "/").replace("~0", "~")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
