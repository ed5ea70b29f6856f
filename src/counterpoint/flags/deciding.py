"""Which steps of a trace led to its answer: the condition that held, the branch behind it, the split. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from counterpoint.errors import escape
from counterpoint.flags.javascript import truthy
from counterpoint.flags.model import FlagSet
from counterpoint.flags.trace import Trace, TraceStep

__all__ = ["deciding_steps"]

AROUND: Final = ("flag", "state", "targeting", "variant")
"""Steps that are not of the rule."""


def deciding_steps(flags: FlagSet, traced: Trace) -> frozenset[int]:
    """The places in `traced.steps` of those that decided.

    The last step, the answer, always does. Of the rule these are the outermost operation; of an `if` the
    condition that held and what stands behind it, and so on within. Where no condition held, each did its part.

    Args:
        flags: the set that was evaluated.
        traced: what happened.
    """
    steps = traced.steps
    found = {len(steps) - 1} if steps else set()
    rule = next((index for index, step in enumerate(steps) if step.operator not in AROUND), None)
    if rule is None:  # the flag is off, or has no rule: the step before the answer says so
        return frozenset(found | ({len(steps) - 2} if len(steps) > 1 else set()))
    waiting = [rule]
    while waiting:
        index = waiting.pop()
        found.add(index)
        if steps[index].operator in ("if", "?:"):
            waiting += _behind(flags.definition, steps, index)
    return frozenset(found)


def _behind(definition: Mapping[str, Any], steps: Sequence[TraceStep], index: int) -> list[int]:
    """The steps directly within an `if` through which it came to its result."""
    step = steps[index]
    parts = _at(definition, step.pointer)
    if not isinstance(parts, list):
        return []
    asked = len(parts) // 2
    arguments = step.arguments[:asked]
    held = next((place for place, value in enumerate(arguments) if truthy(value)), None)
    if held is None:
        chosen = {*range(0, 2 * asked, 2), len(parts) - 1 if len(parts) % 2 else -1}
    else:
        chosen = {2 * held, 2 * held + 1}
    places = {f"{_target(parts[part], f'{step.pointer}/{part}')}/" for part in chosen if part >= 0}
    within = []
    for place in range(index + 1, len(steps)):
        if steps[place].depth <= step.depth:
            break
        if steps[place].depth == step.depth + 1 and steps[place].pointer.rpartition("/")[0] + "/" in places:
            within.append(place)
    return within


def _target(part: Any, pointer: str) -> str:
    """Where a part of a rule is written: its own place, or that of the shared evaluator that it names."""
    if isinstance(part, Mapping) and len(part) == 1 and isinstance(part.get("$ref"), str):
        return f"/$evaluators/{escape(part['$ref'])}"
    return pointer


def _at(document: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name) if isinstance(document, list) else name]
    return document
