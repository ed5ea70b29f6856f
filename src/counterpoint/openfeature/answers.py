"""An evaluation as the SDK wants it: of the type that was asked for, or the code's default and why."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, Reason

from counterpoint.flags.flag import Evaluation

__all__ = [
    "MISFIT",
    "Fit",
    "attributes_of",
    "boolean",
    "failed",
    "mismatch",
    "number",
    "text",
    "thing",
    "whole",
]

WHOLE: Final = 2**53 - 1
"""Up to here a float holds every whole number (flagd's decision on numeric coercion)."""
MISFIT: Final = object()
"""A value that is not of the type that was asked for."""
PLAIN: Final = frozenset({str, int, float, bool, type(None)})

Fit: TypeAlias = Callable[[Any], Any]
"""A value as the type that was asked for, or MISFIT."""


def boolean(value: Any) -> Any:
    """true or false; a number is neither."""
    return value if value is True or value is False else MISFIT


def text(value: Any) -> Any:
    """A text."""
    return value if type(value) is str else MISFIT


def whole(value: Any) -> Any:
    """A whole number; a float where nothing is lost, such as 20.0."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer() and -WHOLE <= value <= WHOLE:
        return int(value)
    return MISFIT


def number(value: Any) -> Any:
    """A float; an integer where nothing is lost."""
    if type(value) is float:
        return value
    return float(value) if type(value) is int and -WHOLE <= value <= WHOLE else MISFIT


def thing(value: Any) -> Any:
    """An object or a list; a copy, so that a caller can change it and nobody else sees that."""
    return copied(value) if isinstance(value, dict | list) else MISFIT


WORDS: Final[Mapping[Fit, str]] = {
    boolean: "boolean",
    text: "text",
    whole: "whole number",
    number: "number",
    thing: "object",
}


def copied(value: Any) -> Any:
    """JSON of our own with the same values."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def attributes_of(context: EvaluationContext | None) -> dict[str, Any]:
    """The context as flagd has it: the attributes with the targeting key among them."""
    if context is None:
        return {}
    given = context.attributes
    for value in given.values():
        if type(value) not in PLAIN:
            given = {name: plain(item) for name, item in given.items()}
            break
    if context.targeting_key is not None:
        return {**given, "targetingKey": context.targeting_key}
    return dict(given)


def plain(value: Any, depth: int = 64) -> Any:
    """A value as JSON has it, and so as a remote evaluation would get it: times as texts.

    What nests deeper than `depth` levels, or in itself, is null.
    """
    if isinstance(value, datetime | date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {name: plain(item, depth - 1) for name, item in value.items()} if depth else None
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [plain(item, depth - 1) for item in value] if depth else None
    return value


def failed(default: Any, evaluation: Evaluation) -> FlagResolutionDetails[Any]:
    """The code's default, since the flag has no answer."""
    try:
        code = ErrorCode(evaluation.error_code or "GENERAL")
    except ValueError:
        code = ErrorCode.GENERAL
    return FlagResolutionDetails(
        default, code, evaluation.error_message, Reason.ERROR, None, dict(evaluation.metadata)
    )


def mismatch(key: str, fit: Fit, default: Any, evaluation: Evaluation) -> FlagResolutionDetails[Any]:
    """The code's default, since the flag's value is of another type."""
    found = {bool: "a boolean", str: "a text", int: "a number", float: "a number"}.get(
        type(evaluation.value), "an object"
    )
    message = f"The flag {key!r} holds {found}, which is no {WORDS[fit]}; ask for it as what it is."
    return FlagResolutionDetails(
        default, ErrorCode.TYPE_MISMATCH, message, Reason.ERROR, None, dict(evaluation.metadata)
    )
