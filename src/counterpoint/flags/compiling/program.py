"""From a flag to a function of the context."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.compiling.expressions import Constants, Expressions, UnwrittenError
from counterpoint.flags.compiling.tails import Tails
from counterpoint.flags.flag import Evaluation, Flag

__all__ = ["AsGiven", "Program", "compile_as_given", "compile_flag", "source_of"]

Program: TypeAlias = Callable[[dict[str, Any], float | None], Evaluation]
"""What a flag answers for a context and a moment in Unix seconds (None: now). It raises where only the
interpreter can answer, whatever the exception is."""
AsGiven: TypeAlias = Callable[[Mapping[str, Any], float | None, Any], Any]
"""The same for attributes that nobody has looked at, and the targeting key apart from them."""

LARGEST: Final = 5_000
"""Values in a rule that is compiled; larger ones cost more to compile than they win."""


def compile_flag(flag: Flag, bucketing: Bucketing, chosen: Callable[[Any], Evaluation]) -> Program | None:
    """The rule of an enabled flag as a function; None where it is better interpreted.

    Args:
        flag: a flag whose rule can run.
        bucketing: how `fractional` hashes.
        chosen: the evaluation for what the rule comes to; called once for each constant, when compiling.
    """
    program: Program | None = _made(source_of(flag, bucketing, chosen))
    return program


def compile_as_given(flag: Flag, bucketing: Bucketing, chosen: Callable[[Any], Any]) -> AsGiven | None:
    """As `compile_flag`, for attributes as callers gave them: whatever is of no type of JSON is left to others."""
    program: AsGiven | None = _made(source_of(flag, bucketing, chosen, as_given=True))
    return program


def _made(found: tuple[str, dict[str, Any]] | None) -> Any:
    if found is None:
        return None
    source, values = found
    try:
        exec(compile(source, "<rule>", "exec"), values)  # noqa: S102 - the source holds names of ours only
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return None  # more brackets within each other than Python reads
    return values["rule"]


def source_of(
    flag: Flag, bucketing: Bucketing, chosen: Callable[[Any], Any], *, as_given: bool = False
) -> tuple[str, dict[str, Any]] | None:
    """The generated source, and the values of the names in it."""
    if _size(flag.targeting) > LARGEST:
        return None
    constants = Constants()
    try:
        body = Tails(Expressions(flag.key, constants, as_given=as_given), chosen, bucketing)
        body.tail(flag.targeting, 1)
    except (UnwrittenError, RecursionError, ValueError):
        return None
    if not body.written:
        return None
    head = "def rule(c, now, t):" if as_given else "def rule(c, now):"
    return "\n".join([head, "    get = c.get", *body.lines, ""]), constants.values


def _size(rule: Any) -> int:
    """How many values a rule has, at least as many as `LARGEST` once it has more."""
    waiting, size = [rule], 0
    while waiting and size <= LARGEST:
        value = waiting.pop()
        size += 1
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
    return size
