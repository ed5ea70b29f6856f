"""One flag of a set, and what an evaluation answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from counterpoint.flags.javascript import text
from counterpoint.flags.targeting import names_read

__all__ = ["Evaluation", "Flag", "Metadata", "ReadOnly", "variant_name"]

Metadata: TypeAlias = Mapping[str, str | int | float | bool]


class ReadOnly(dict[str, Any]):
    """A dict that all callers share, so that none can change it; `dict(...)` of it is a copy."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("The metadata of an evaluation is shared; change a copy of it, dict(metadata).")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return ReadOnly, (dict(self),)


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as its definition has it, checked."""

    key: str
    enabled: bool
    variants: Mapping[str, Any]
    default: str | None
    """The variant where targeting decides nothing; None leaves the value to the code."""
    targeting: Any = None
    """The rule with its shared evaluators put in; None where there is none."""
    fault: str | None = None
    """Why the rule cannot run; None when it can."""
    metadata: Metadata = field(default_factory=ReadOnly)
    """The flag set's metadata overlaid by the flag's own."""
    pointer: str = ""
    """Where the flag is in its definition."""

    @property
    def reads(self) -> frozenset[str]:
        """The attributes that its rule may read, by the first part of their paths; "*" where it computes names."""
        return names_read(self.targeting)

    @property
    def kind(self) -> str:
        """The type of its values: boolean, string, number or object."""
        value = next(iter(self.variants.values()))
        if isinstance(value, bool):
            return "boolean"
        if isinstance(value, int | float):
            return "number"
        return "string" if isinstance(value, str) else "object"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a flag answers for a context. No value means: use the default of the code."""

    value: Any = None
    variant: str | None = None
    reason: str = "DEFAULT"
    """STATIC, TARGETING_MATCH, DEFAULT, DISABLED or ERROR."""
    error_code: str | None = None
    """FLAG_NOT_FOUND, PARSE_ERROR or GENERAL when the reason is ERROR."""
    metadata: Metadata = field(default_factory=ReadOnly)
    error_message: str | None = None


def variant_name(result: Any) -> str | None:
    """The variant that a rule's result names: a text, or a boolean or number written as one; else None."""
    if isinstance(result, str):
        return result
    return text(result) if isinstance(result, bool | int | float) else None
