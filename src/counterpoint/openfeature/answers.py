"""An evaluation as the SDK wants it: of the type that was asked for, or the code's default and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any, Final, NoReturn, TypeAlias

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagResolutionDetails, Reason

from counterpoint.flags.compiling import AsGiven
from counterpoint.flags.flag import Evaluation
from counterpoint.flags.model import FlagSet

__all__ = [
    "MISFIT",
    "Answers",
    "Fit",
    "attributes_of",
    "boolean",
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
REASONS: Final[Mapping[str, Reason]] = {str(reason): reason for reason in Reason}
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


class Ready(FlagResolutionDetails[Any]):  # noqa: PLW1641 - has no hash, as the dataclass
    """An answer that was made before and is given again, so that nobody may change it; `replace` makes another.

    The details that the SDK makes of it are the caller's own.
    """

    def __init__(self, *values: Any, **named: Any) -> None:
        made = FlagResolutionDetails(*values, **named)
        for each in fields(made):
            object.__setattr__(self, each.name, getattr(made, each.name))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"This answer is shared: {name!r} cannot be set; use dataclasses.replace.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FlagResolutionDetails):
            return NotImplemented
        return all(getattr(self, each.name) == getattr(other, each.name) for each in fields(self))

    def to_flag_evaluation_details(self, flag_key: str) -> FlagEvaluationDetails[Any]:
        return FlagEvaluationDetails(flag_key, self.value, self.variant, {**self.flag_metadata}, self.reason)


def _details(self: Ready, flag_key: str) -> FlagEvaluationDetails[Any]:
    """What the dataclass's own making comes to, in two thirds of the time."""
    made: FlagEvaluationDetails[Any] = _new(FlagEvaluationDetails)
    made.flag_key, made.value, made.variant = flag_key, self.value, self.variant
    made.flag_metadata, made.reason = {**self.flag_metadata}, self.reason
    made.error_code = made.error_message = None
    return made


_new: Final[Any] = object.__new__
if [each.name for each in fields(FlagEvaluationDetails)] == [
    "flag_key",
    "value",
    "variant",
    "flag_metadata",
    "reason",
    "error_code",
    "error_message",
]:  # in an SDK whose details hold more, they are made by themselves
    Ready.to_flag_evaluation_details = _details  # type: ignore[method-assign]


class Answers:
    """What a set of flags answers where a value of one type is asked for.

    A flag answers with few evaluations, again and again the same; what the SDK wants of each is made once.
    """

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        self.quick: dict[str, AsGiven] = {}
        """For each flag that was asked for: what gives the answer, or raises where it has to be worked out."""

    def of(self, key: str, default: Any, found: Evaluation) -> FlagResolutionDetails[Any]:
        """The answer for an evaluation."""
        if found.variant is None:
            return _without_value(default, found)
        answer = self.ready(found)
        if answer is None:
            return mismatch(key, self.fit, default, found)
        return replace(answer, flag_metadata=dict(found.metadata)) if self.fit is thing else answer

    def ready(self, found: Evaluation) -> FlagResolutionDetails[Any] | None:
        """The answer for an evaluation that has a value; None where the value is of another type."""
        value = self.fit(found.value)
        if value is MISFIT:
            return None
        reason = REASONS.get(found.reason, found.reason)
        make = FlagResolutionDetails if self.fit is thing else Ready
        return make(value, None, None, reason, found.variant, found.metadata)

    def prepare(self, key: str, flags: FlagSet, quick: dict[str, AsGiven]) -> None:
        """See to it that the flag's next answers are quick, among those of the same set."""
        if key not in quick and key in flags:
            quick[key] = flags.answering(key, self.ready) or _never


def _never(_attributes: Mapping[str, Any], _now: float | None, _subject: Any) -> NoReturn:
    raise LookupError("It has to be worked out every time.")


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


def _without_value(default: Any, evaluation: Evaluation) -> FlagResolutionDetails[Any]:
    """The code's default, since the flag has no value or no answer at all."""
    if not evaluation.error_code:
        reason = REASONS.get(evaluation.reason, evaluation.reason)
        return FlagResolutionDetails(default, None, None, reason, None, dict(evaluation.metadata))
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
