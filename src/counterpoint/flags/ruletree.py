"""A targeting rule as a tree whose every part knows its place in the definition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from counterpoint.errors import escape
from counterpoint.flags.flag import Flag
from counterpoint.flags.model import FlagSet
from counterpoint.flags.targeting import is_rule

__all__ = ["Node", "tree_of", "variables"]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of a rule: an operation, a list, or a constant."""

    pointer: str
    """Where it is written; within a shared evaluator, where the evaluator is."""
    rule: Any
    """The part as JSON, shared evaluators put in."""
    name: str | None = None
    """The operator; None where it is none."""
    parts: tuple["Node", ...] = ()
    """The arguments of an operation, or the items of a list."""
    evaluator: str | None = None
    """The shared evaluator that was put in here."""

    def walk(self) -> Iterator["Node"]:
        """This part and all within it, outermost first."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.parts))


def tree_of(flags: FlagSet, flag: Flag) -> Node | None:
    """The tree of a flag's targeting; None where it has none, or one that cannot run."""
    if flag.targeting is None or flag.fault:
        return None
    written = _at(flags.definition, flag.pointer)["targeting"]
    return _node(written, f"{flag.pointer}/targeting", flags.definition.get("$evaluators") or {})


def _node(rule: Any, pointer: str, evaluators: Mapping[str, Any], evaluator: str | None = None) -> Node:
    if isinstance(rule, list | tuple):
        items = tuple(_node(item, f"{pointer}/{index}", evaluators) for index, item in enumerate(rule))
        return Node(pointer, [item.rule for item in items], None, items, evaluator)
    if not is_rule(rule):
        return Node(pointer, rule, evaluator=evaluator)
    ((name, given),) = rule.items()
    if name == "$ref" and isinstance(given, str) and given in evaluators:
        return _node(evaluators[given], f"/$evaluators/{escape(given)}", {}, given)
    place = f"{pointer}/{escape(str(name))}"
    if isinstance(given, list | tuple):
        parts = tuple(_node(item, f"{place}/{index}", evaluators) for index, item in enumerate(given))
        return Node(pointer, {name: [part.rule for part in parts]}, str(name), parts, evaluator)
    part = _node(given, place, evaluators)
    return Node(pointer, {name: part.rule}, str(name), (part,), evaluator)


def _at(document: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name) if isinstance(document, list) else name]
    return document


def variables(node: Node) -> Iterator[tuple[Node, str]]:
    """Each `var`, `missing` and `missing_some` of a rule with the attribute that it reads.

    Within `map`, `filter` and the like the names are those of an element; they are left out.
    """
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.name == "var" and part.parts and isinstance(part.parts[0].rule, str) and part.parts[0].rule:
            yield part, part.parts[0].rule
        elif part.name in ("missing", "missing_some"):
            for inner in part.walk():
                if inner.name is None and isinstance(inner.rule, str) and inner.rule:
                    yield inner, inner.rule
            continue
        inside = (
            part.parts[:1] if part.name in ("map", "filter", "reduce", "all", "some", "none") else part.parts
        )
        waiting.extend(reversed(inside))
