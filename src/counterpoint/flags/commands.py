"""Flags on the command line."""

import json
from typing import TYPE_CHECKING, Any

from counterpoint.errors import CounterpointError, NotFoundError
from counterpoint.flags.options import attributes_of
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from counterpoint.flags.flag import Evaluation

__all__ = ["evaluate"]


def evaluate(
    key: str,
    /,
    *,
    context: str = "{}",
    set: str = "default",  # noqa: A002 - the published option
    why: bool = False,
) -> None:
    """Evaluate one flag for one context.

    Parameters
    ----------
    key
        The flag's key.
    context
        Attributes as a JSON object, with the subject under targetingKey.
    set
        The flag set.
    why
        Say step by step why, as `flags trace` does.
    """
    from counterpoint.flags.store import read_set

    if why:
        from counterpoint.flags.care_commands import trace

        trace(key, context=context, set=set)
        return
    shell = terminal()
    attributes = attributes_of(context)
    with shell.open() as workspace, workspace.graph.read() as reader:
        result = read_set(reader, set).flags.evaluate(key, attributes)
    if shell.json or not result.error_code:
        shell.emit(_evaluation(key, result), lambda: _shown(key, result))
    if result.error_code:
        error = NotFoundError if result.error_code == "FLAG_NOT_FOUND" else CounterpointError
        raise error(f"{result.error_code}: {result.error_message}")


def _evaluation(key: str, result: "Evaluation") -> dict[str, Any]:
    data = {
        "key": key,
        "value": result.value,
        "variant": result.variant,
        "reason": result.reason,
        "metadata": dict(result.metadata),
    }
    if result.error_code:
        data |= {"errorCode": result.error_code, "errorDetails": result.error_message}
    return data


def _shown(key: str, result: "Evaluation") -> str:
    value = (
        "none: the code's default counts"
        if result.value is None
        else json.dumps(result.value, ensure_ascii=False)
    )
    lines = [
        f"{terminal().noun('flag'):<8} {key}",
        f"value    {value}",
        f"variant  {result.variant or '-'}",
        f"reason   {result.reason}",
    ]
    lines += [f"metadata {name} = {entry}" for name, entry in result.metadata.items()]
    return "\n".join(lines)
