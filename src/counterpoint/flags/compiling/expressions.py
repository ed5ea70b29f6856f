"""Operations of JsonLogic as Python expressions; what is not written here raises `UnwrittenError`."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from counterpoint.flags.javascript import (
    SAFE_INTEGER,
    UNDEFINED,
    loosely_equal,
    strictly_equal,
    truthy,
)
from counterpoint.flags.jsonlogic import OPERATORS, Operator
from counterpoint.flags.operators import FLAGD_OPERATORS

__all__ = ["BOOLEAN", "Constants", "Expressions", "Unusual", "UnwrittenError", "is_constant", "look_up"]

LONG: Final = 10_000
"""Elements or characters of the data beyond which the interpreter looks at it, and counts."""
FEW: Final = 50
"""Elements of an array of the data that becomes a text or a number without being counted."""


class Unusual(Exception):  # noqa: N818 - it is no error: the interpreter answers
    """The data is of a type that the generated code is not written for."""


class UnwrittenError(Exception):
    """An operation that is not compiled; where a branch comes to it, the interpreter answers."""


JSON: Final = frozenset((str, int, float, bool, type(None)))
"""Types of values that hold no others, as JSON has them."""
PLAIN: Final = (*FLAGD_OPERATORS, "substr", "cat", "+", "-", "*", "/", "%", "min", "max")
"""Operators on evaluated arguments alone, called as the interpreter calls them."""
BOOLEAN: Final = frozenset(("==", "===", "!=", "!==", "!", "!!", "<", "<=", ">", ">=", "in"))
"""Operators that answer true or false, and nothing else."""
ORDER: Final = frozenset(("<", "<=", ">", ">="))


def is_constant(rule: Any) -> bool:
    """Whether a rule is a value that is neither an operation nor an array."""
    return not isinstance(rule, list | tuple) and not (isinstance(rule, Mapping) and len(rule) == 1)


def look_up(data: dict[str, Any], path: Sequence[str], default: Any) -> Any:
    """The value at a path of names through objects; anything else on the way is the interpreter's."""
    value: Any = data
    for name in path:
        if type(value) is not dict:
            if value is None or isinstance(value, bool | int | float):
                return default
            raise Unusual
        value = value.get(name, UNDEFINED)
        if value is UNDEFINED:
            return default
    return value


def _pure(value: Any) -> Any:
    """A value of an attribute, where it is as JSON has it; another may have to become so first."""
    kind = type(value)
    if kind in JSON or (kind is list and all(type(item) in JSON for item in value)):
        return value
    raise Unusual


def _contains(wanted: Any, container: Any) -> bool:
    if isinstance(container, list | tuple | str) and len(container) > LONG:
        raise Unusual
    if not _light(wanted):
        raise Unusual
    return bool(OPERATORS["in"]((wanted, container), None))


def _light(value: Any) -> bool:
    """Whether an operator is soon through with the value, however often a rule asks."""
    if isinstance(value, list | tuple):
        return len(value) <= FEW and all(isinstance(one, str | int | float | None) for one in value)
    return not isinstance(value, str) or len(value) <= LONG


@cache
def _counted(operator: Operator) -> Operator:
    """The operator for values that need no count of steps; what is long is the interpreter's."""

    def run(values: Sequence[Any], data: Any) -> Any:
        if not all(map(_light, values)):
            raise Unusual
        return operator(values, data)

    return run


def _alike(equal: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def run(left: Any, right: Any) -> bool:
        if not (_light(left) and _light(right)):
            raise Unusual
        return equal(left, right)

    return run


def _small(value: Any) -> bool:
    """A number that every integer compares with exactly as its double does."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < SAFE_INTEGER


class Constants:
    """The values that generated code refers to, each under a name of ours."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {
            "truthy": truthy,
            "loosely": _alike(loosely_equal),
            "strictly": strictly_equal,
            "contains": _contains,
            "look_up": look_up,
            "pure": _pure,
            "clock": time.time,
            "Unusual": Unusual,
        }
        self._count = 0

    def name(self, value: Any) -> str:
        """A name for a value."""
        name = f"k{self._count}"
        self._count += 1
        self.values[name] = value
        return name


class Expressions:
    """Writes expressions for one flag. `get` reads the context, `c` is the context itself.

    Where attributes come as callers gave them, the targeting key is `t`, apart from them, and whatever is of no
    type of JSON, such as a time, is the interpreter's.
    """

    def __init__(self, flag_key: str, constants: Constants, *, as_given: bool = False) -> None:
        self.flag_key = flag_key
        self.constants = constants
        self.as_given = as_given
        self._locals = 0

    def local(self) -> str:
        """A name for a value that is read more than once."""
        self._locals += 1
        return f"v{self._locals}"

    def condition(self, rule: Any) -> str:
        """An expression that is true in Python where the rule's value is true in JsonLogic."""
        if is_constant(rule):
            return "True" if truthy(rule) else "False"
        name, arguments = _operation(rule)
        if name in ("and", "or"):
            parts = [self.condition(argument) for argument in arguments]
            return f"({f' {name} '.join(parts)})" if parts else "False"
        if name == "!":
            return f"(not {self.condition(arguments[0])})" if arguments else "True"
        if name == "!!":
            return self.condition(arguments[0]) if arguments else "False"
        if name in ("if", "?:"):
            return self._chain(arguments, self.condition, "False")
        if name in BOOLEAN or name in FLAGD_OPERATORS:
            return self.value(rule)
        return f"truthy({self.value(rule)})"

    def value(self, rule: Any) -> str:
        """An expression for the rule's value.

        Raises:
            UnwrittenError: the interpreter has to answer.
        """
        if is_constant(rule):
            return self.constants.name(rule)
        name, arguments = _operation(rule)
        if name == "var":
            return self.pure(self._var(arguments))
        if name in ("!", "!!"):
            return f"bool({self.condition(rule)})"
        if name in ("and", "or"):
            return self._deciding(name, arguments)
        if name in ("if", "?:"):
            return self._chain(arguments, self.value, "None")
        if writer := WRITERS.get(name):
            return writer(self, name, arguments)
        if name in PLAIN:
            function = self.constants.name(_counted({**OPERATORS, **FLAGD_OPERATORS}[name]))
            return f"{function}([{', '.join(self.value(argument) for argument in arguments)}], None)"
        raise UnwrittenError(name)

    def unchecked(self, rule: Any) -> str:
        """An expression for the rule's value, of whatever type an attribute is; who asks looks at the type."""
        if not is_constant(rule):
            name, arguments = _operation(rule)
            if name == "var":
                return self._var(arguments)
        return self.value(rule)

    def pure(self, text: str) -> str:
        """The expression for what may be an attribute as it was given, where its type is one of JSON's."""
        return f"pure({text})" if self.as_given else text

    def subject(self) -> str:
        """An expression for the targeting key."""
        return "t" if self.as_given else f"get({self.constants.name('targetingKey')})"

    def _chain(self, arguments: Sequence[Any], write: Callable[[Any], str], nothing: str) -> str:
        text = write(arguments[-1]) if len(arguments) % 2 else nothing
        for index in reversed(range(0, len(arguments) - 1, 2)):
            text = f"({write(arguments[index + 1])} if {self.condition(arguments[index])} else {text})"
        return text

    def _deciding(self, name: str, arguments: Sequence[Any]) -> str:
        if not arguments:
            raise UnwrittenError(name)
        text = self.value(arguments[-1])
        for argument in reversed(arguments[:-1]):
            held = self.local()
            asked = f"truthy({held} := {self.value(argument)})"
            text = f"({text} if {asked} else {held})" if name == "and" else f"({held} if {asked} else {text})"
        return text

    def _var(self, arguments: Sequence[Any]) -> str:
        path = arguments[0] if arguments else None
        default = arguments[1] if len(arguments) > 1 else None
        if not isinstance(path, str) or not path or not is_constant(default):
            raise UnwrittenError("var")
        names = path.split(".")
        if names[0] == "$flagd":
            if names[1:] == ["flagKey"]:
                return self.constants.name(self.flag_key)
            if names[1:] == ["timestamp"]:
                return "int(clock() if now is None else now)"
            raise UnwrittenError("var")
        if self.as_given and names[0] == "targetingKey":
            if default is not None or len(names) > 1:
                raise UnwrittenError("var")
            return "t"
        other = "" if default is None else f", {self.constants.name(default)}"
        if len(names) == 1:
            return f"get({self.constants.name(path)}{other})"
        return f"look_up(c, {self.constants.name(tuple(names))}{other or ', None'})"


def _operation(rule: Any) -> tuple[str, Sequence[Any]]:
    if isinstance(rule, list | tuple):
        raise UnwrittenError("an array")
    ((name, given),) = rule.items()
    return name, given if isinstance(given, list | tuple) else (given,)


def _equality(write: Expressions, name: str, arguments: Sequence[Any]) -> str:
    if len(arguments) < 2:
        raise UnwrittenError(name)
    left, right = arguments[0], arguments[1]
    function = "strictly" if len(name) == 3 else "loosely"
    if is_constant(left) and not is_constant(right):
        left, right = right, left  # both kinds of equality are symmetric
    text = _equal_to(write, left, right, function) if is_constant(right) else None
    if text is None:
        text = f"{function}({write.value(left)}, {write.value(right)})"
    return f"(not {text})" if name[0] == "!" else text


def _equal_to(write: Expressions, dynamic: Any, constant: Any, function: str) -> str | None:
    """An expression for equality with a constant, quick for values of its own type; None where it has none."""
    if is_constant(dynamic):
        return None
    if constant is None:
        return f"({write.unchecked(dynamic)} is None)"
    kinds = "str" if isinstance(constant, str) else "bool" if isinstance(constant, bool) else "int"
    if kinds == "int" and not _small(constant):
        return None
    if not isinstance(constant, str | bool | int | float):
        return None
    held, other = write.local(), write.constants.name(constant)
    return (
        f"({held} == {other} if ({held} := {write.unchecked(dynamic)}).__class__ is {kinds}"
        f" else {function}({write.pure(held)}, {other}))"
    )


def _order(write: Expressions, name: str, arguments: Sequence[Any]) -> str:
    if len(arguments) < 2:
        raise UnwrittenError(name)
    given = list(arguments[: 3 if name in ("<", "<=") else 2])
    dynamic = [argument for argument in given if not is_constant(argument)]
    numbers = all(_small(argument) for argument in given if is_constant(argument))
    function = write.constants.name(_counted(OPERATORS[name]))
    if len(dynamic) != 1 or not numbers:
        return f"{function}([{', '.join(write.value(argument) for argument in given)}], None)"
    held = write.local()
    parts = [held if not is_constant(argument) else write.constants.name(argument) for argument in given]
    others = [write.pure(held) if part == held else part for part in parts]
    kind = write.local()
    return (
        f"({f' {name} '.join(parts)} if ({kind} := ({held} := {write.unchecked(dynamic[0])}).__class__) is int"
        f" or {kind} is float else {function}([{', '.join(others)}], None))"
    )


def _in(write: Expressions, name: str, arguments: Sequence[Any]) -> str:
    if len(arguments) < 2:
        raise UnwrittenError(name)
    wanted, container = arguments[0], arguments[1]
    held = write.local()
    if isinstance(container, list | tuple) and all(is_constant(item) for item in container):
        texts = write.constants.name(frozenset(item for item in container if isinstance(item, str)))
        whole = write.constants.name(list(container))
    elif isinstance(container, str) and container:
        texts = whole = write.constants.name(container)
    else:
        return f"contains({write.value(wanted)}, {write.value(container)})"
    return (
        f"({held} in {texts} if ({held} := {write.unchecked(wanted)}).__class__ is str"
        f" else contains({write.pure(held)}, {whole}))"
    )


def _ends(write: Expressions, name: str, arguments: Sequence[Any]) -> str:
    function = write.constants.name(_counted(FLAGD_OPERATORS[name]))
    if len(arguments) != 2 or not isinstance(arguments[1], str) or is_constant(arguments[0]):
        return f"{function}([{', '.join(write.value(argument) for argument in arguments)}], None)"
    held, method, end = write.local(), name.replace("_", ""), write.constants.name(arguments[1])
    return (
        f"({held}.{method}({end}) if ({held} := {write.unchecked(arguments[0])}).__class__ is str"
        f" else {function}([{write.pure(held)}, {end}], None))"
    )


WRITERS: Final[Mapping[str, Callable[[Expressions, str, Sequence[Any]], str]]] = {
    **dict.fromkeys(("==", "===", "!=", "!=="), _equality),
    **dict.fromkeys(ORDER, _order),
    "in": _in,
    "starts_with": _ends,
    "ends_with": _ends,
}
