"""One step of an evaluation as a sentence."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from counterpoint.flags.javascript import truthy
from counterpoint.flags.ruletree import Node
from counterpoint.flags.sentences import condition, constant

if TYPE_CHECKING:
    from counterpoint.flags.trace import Split

__all__ = ["words_of"]


def words_of(
    node: Node, arguments: Sequence[Any], result: Any, *, split: "Split | None", stopped: bool
) -> str:
    """What an operation did.

    Args:
        node: the operation.
        arguments: the values that it looked at, in order.
        result: what came of it.
        split: how a `fractional` fell.
        stopped: whether the evaluation ended within it.
    """
    if stopped:
        return f"The evaluation was stopped within {condition(node.rule)}."
    if node.name == "fractional":
        return _of_split(arguments, split)
    if told := _SENTENCES.get(node.name or ""):
        return told(node, arguments, result)
    said = condition(node.rule)
    if isinstance(result, bool):
        given = ", ".join(map(constant, arguments))
        return f"{said}: {'yes' if result else 'no'}{f' (it compares {given})' if given else ''}."
    if result is None:
        return f"{said} decides nothing: its values are not of the kind that it needs."
    return f"{said} gives {constant(result)}."


def _of_var(node: Node, arguments: Sequence[Any], result: Any) -> str:
    name = condition(node.rule)
    return f"{name} has no value." if result is None else f"{name} is {constant(result)}."


def _of_if(node: Node, arguments: Sequence[Any], result: Any) -> str:
    parts = node.parts
    for asked, index in enumerate(range(0, len(parts) - 1, 2)):
        if asked >= len(arguments):
            break
        if truthy(arguments[asked]):
            where = (
                f"Condition {asked + 1} of {len(parts) // 2} holds"
                if len(parts) > 3
                else "The condition holds"
            )
            return f"{where} ({condition(parts[index].rule)}), which leads to {_led(result)}."
    rest = "no condition holds" if len(parts) > 3 else "the condition does not hold"
    return f"{rest[0].upper()}{rest[1:]}, which leads to {_led(result)}."


def _led(result: Any) -> str:
    return "nothing, and so to the default" if result is None else constant(result)


def _of_and(node: Node, arguments: Sequence[Any], result: Any) -> str:
    if truthy(result):
        return f"All {len(node.parts)} conditions hold."
    return f"Condition {len(arguments)} of {len(node.parts)} does not hold, so that not all of them do."


def _of_or(node: Node, arguments: Sequence[Any], result: Any) -> str:
    if truthy(result):
        return f"Condition {len(arguments)} of {len(node.parts)} holds, which is enough."
    return f"None of the {len(node.parts)} conditions holds."


def _of_not(node: Node, arguments: Sequence[Any], result: Any) -> str:
    return f"{condition(node.rule)}: {'yes' if result else 'no'}."


def _of_split(arguments: Sequence[Any], split: "Split | None") -> str:
    if split is None:
        return "The split decides nothing: there is no value to split by, or its weights cannot be used."
    part = next((part for part in split.parts if split.bucket < part.end), None)
    chosen = "nothing" if part is None else "the default" if part.variant is None else constant(part.variant)
    span = f", within {part.start:,} to {part.end - 1:,}" if part else ""
    return (
        f"{constant(split.seed)} hashes to {split.hash}, which is bucket {split.bucket:,} of {split.total:,}"
        f"{span}: {chosen}."
    )


_SENTENCES: Final[Mapping[str, Callable[[Node, Sequence[Any], Any], str]]] = {
    "var": _of_var,
    "if": _of_if,
    "?:": _of_if,
    "and": _of_and,
    "or": _of_or,
    "!": _of_not,
    "!!": _of_not,
}
