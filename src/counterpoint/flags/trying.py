"""A context to try a flag with: the attributes that its rule reads, each with a value that the rule knows. Pure."""

import json
from typing import Any, Final

from counterpoint.flags.ruletree import Node, variables

__all__ = ["example_context"]

MOST: Final = 12
"""Attributes of the example."""
GIVEN: Final = "$flagd"


def example_context(tree: Node | None) -> str:
    """The context as JSON: a targeting key, and each attribute with the first constant that it is compared with.

    Args:
        tree: the flag's rule; None where there is none.
    """
    found: dict[str, Any] = {"targetingKey": "user-1"}
    if tree is not None:
        values = _compared(tree)
        for path in dict.fromkeys(path for _, path in variables(tree)):
            if path.split(".")[0] not in ("targetingKey", GIVEN) and len(found) < MOST:
                _put(found, path.split("."), values.get(path, ""))
    written = json.dumps(found, ensure_ascii=False)
    return written if len(written) < 60 else json.dumps(found, indent=2, ensure_ascii=False)


def _compared(tree: Node) -> dict[str, Any]:
    """The first constant that stands beside each attribute in a comparison; of a list its first item."""
    found: dict[str, Any] = {}
    for node in tree.walk():
        paths = [
            part.parts[0].rule
            for part in node.parts
            if part.name == "var" and part.parts and isinstance(part.parts[0].rule, str)
        ]
        if len(paths) != 1 or node.name in ("if", "?:", "and", "or", "fractional"):
            continue
        given = [part.rule for part in node.parts if part.name is None]
        constants = [item for rule in given for item in (rule if isinstance(rule, list) else [rule])]
        chosen = next((each for each in constants if isinstance(each, str | int | float)), None)
        if chosen is not None:
            before = chosen if node.name != "ends_with" else f"someone{chosen}"
            found.setdefault(paths[0], before)
    return found


def _put(holder: dict[str, Any], steps: list[str], value: Any) -> None:
    """Put a value where a path leads; a path through what is no object is left out."""
    for step in steps[:-1]:
        inner = holder.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        holder = inner
    holder.setdefault(steps[-1], value)
