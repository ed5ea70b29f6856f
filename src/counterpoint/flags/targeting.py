"""A targeting rule before it runs: shared evaluators put in, unknown operators found, flagd's schema checked."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from counterpoint.errors import Problem, escape
from counterpoint.flags.javascript import text
from counterpoint.flags.jsonlogic import LAZY, OPERATORS

__all__ = [
    "EVERYTHING",
    "expand",
    "fault_in",
    "is_rule",
    "names_read",
    "outcomes",
    "reads_time",
    "schema_faults",
    "subrules",
]

KNOWN: Final = frozenset(LAZY) | frozenset(OPERATORS) | {"starts_with", "ends_with", "sem_ver", "fractional"}


def is_rule(value: Any) -> bool:
    """Whether JsonLogic takes the value for an operation."""
    return isinstance(value, Mapping) and len(value) == 1


def expand(rule: Any, evaluators: Mapping[str, Any]) -> Any:
    """The rule with each `{"$ref": name}` replaced by the evaluator of that name, once: no nested ones."""
    if isinstance(rule, list | tuple):
        return [expand(item, evaluators) for item in rule]
    if not isinstance(rule, Mapping):
        return rule
    if len(rule) == 1 and isinstance(name := rule.get("$ref"), str) and name in evaluators:
        return evaluators[name]
    return {key: expand(value, evaluators) for key, value in rule.items()}


def subrules(rule: Any, pointer: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every operation within a rule as (pointer, operator, arguments as written), outermost first."""
    waiting = [(pointer, rule)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, list | tuple):
            waiting.extend((f"{place}/{index}", item) for index, item in reversed(list(enumerate(value))))
        elif is_rule(value):
            ((name, arguments),) = value.items()
            place = f"{place}/{escape(str(name))}"
            yield place, str(name), arguments
            waiting.append((place, arguments))


def fault_in(rule: Any, evaluators: Mapping[str, Any], pointer: str = "") -> Problem | None:
    """Why an unexpanded rule cannot run: an operator or a shared evaluator that does not exist; else None."""
    for place, name, arguments in subrules(rule, pointer):
        if name != "$ref":
            if name not in KNOWN:
                return Problem(f"There is no operator {name!r}.", place)
            continue
        if not isinstance(arguments, str) or arguments not in evaluators:
            return Problem(
                f"$ref names {arguments!r}, which is not among $evaluators ({_list(evaluators)}).", place
            )
        for _, inner, _ in subrules(evaluators[arguments]):
            if inner == "$ref":
                return Problem(
                    f"The evaluator {arguments!r} holds a $ref itself; references do not nest.", place
                )
            if inner not in KNOWN:
                return Problem(
                    f"There is no operator {inner!r}, which the evaluator {arguments!r} uses.", place
                )
    return None


def _list(names: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, names)) or "none"


# flagd's schema of rules (flagd-schemas, json/targeting.yaml), by operator.

_SEM_VER = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"
)
_COUNTS: Final[Mapping[str, tuple[int, int | None]]] = {
    **dict.fromkeys(
        ("==", "===", "!=", "!==", ">", ">=", "%", "/", "map", "filter", "all", "none", "some", "in"), (2, 2)
    ),
    **dict.fromkeys(("substr", "<", "<="), (2, 3)),
    **dict.fromkeys(("if", "or", "and", "+", "-", "max", "min", "merge", "cat"), (1, None)),
    "*": (2, None),
    "reduce": (3, 3),
}


def schema_faults(targeting: Any, pointer: str = "") -> Iterator[Problem]:
    """Each place where a rule breaks flagd's schema of rules, as JSON Schema would refuse it."""
    if not isinstance(targeting, Mapping):
        yield Problem("flagd's schema wants an object here, a rule or {}.", pointer)
    elif targeting:
        yield from _rule(targeting, pointer)


def _argument(value: Any, pointer: str) -> Iterator[Problem]:
    if isinstance(value, Mapping) and not (len(value) == 1 and isinstance(value.get("$ref"), str)):
        yield from _rule(value, pointer)


def _rule(value: Any, pointer: str) -> Iterator[Problem]:
    if not is_rule(value):
        yield Problem("flagd's schema wants a rule here: an object with one operator.", pointer)
        return
    ((name, given),) = value.items()
    place = f"{pointer}/{escape(name)}"
    if name in _COUNTS:
        yield from _counted(name, given, place)
    elif name in ("!", "!!"):
        yield from _argument(given, place)  # the schema takes any list here
    elif check := _SHAPES.get(name):
        yield from check(given, place)
    else:
        yield Problem(f"flagd's schema does not know the operator {name!r}.", place)


def _counted(name: str, given: Any, place: str) -> Iterator[Problem]:
    least, most = _COUNTS[name]
    if not isinstance(given, list) or len(given) < least or (most is not None and len(given) > most):
        wanted = f"{least}" if least == most else f"{least} to {most}" if most else f"at least {least}"
        yield Problem(f"flagd's schema wants {name!r} to have a list of {wanted} arguments.", place)
        return
    for index, item in enumerate(given):
        yield from _argument(item, f"{place}/{index}")


def _var(given: Any, place: str) -> Iterator[Problem]:
    if (
        isinstance(given, str)
        and given.startswith("$flagd.")
        and given not in ("$flagd.timestamp", "$flagd.flagKey")
    ):
        yield Problem(f"{given!r} does not exist; there are $flagd.flagKey and $flagd.timestamp.", place)


def _missing(given: Any, place: str) -> Iterator[Problem]:
    if not isinstance(given, list) or not all(isinstance(key, str) for key in given):
        yield Problem("flagd's schema wants 'missing' to have a list of names.", place)


def _missing_some(given: Any, place: str) -> Iterator[Problem]:
    match given:
        case [int() | float() as need, list() as keys] if not isinstance(need, bool) and all(
            isinstance(key, str) for key in keys
        ):
            return
    yield Problem("flagd's schema wants 'missing_some' to have a number and a list of names.", place)


def _compared(given: Any, place: str) -> Iterator[Problem]:
    if not isinstance(given, list) or len(given) != 2:
        yield Problem("flagd's schema wants exactly two arguments here.", place)
        return
    for index, item in enumerate(given):
        if isinstance(item, Mapping):
            yield from _rule(item, f"{place}/{index}")
        elif not isinstance(item, str):
            yield Problem("flagd's schema wants a text or a rule here.", f"{place}/{index}")


def _versions(given: Any, place: str) -> Iterator[Problem]:
    if not isinstance(given, list) or len(given) != 3:
        yield Problem("flagd's schema wants a version, an operator and a version here.", place)
        return
    for index in (0, 2):
        item = given[index]
        is_var = is_rule(item) and "var" in item
        if not is_var and not (isinstance(item, str) and _SEM_VER.fullmatch(item)):
            yield Problem(
                "flagd's schema wants a full version such as '1.2.3', or a var, here.", f"{place}/{index}"
            )
    if given[1] not in ("=", "!=", ">", "<", ">=", "<=", "~", "^"):
        yield Problem("flagd's schema wants one of = != > < >= <= ~ ^ here.", f"{place}/1")


def _fractional(given: Any, place: str) -> Iterator[Problem]:
    if not isinstance(given, list) or not given:
        yield Problem("flagd's schema wants 'fractional' to have a list of [variant, weight].", place)
        return
    start = 0
    if isinstance(given[0], Mapping):
        start = 1
        yield from _rule(given[0], f"{place}/0")
        if len(given) == 1:
            yield Problem("'fractional' has no [variant, weight].", place)
    for index, entry in enumerate(given[start:], start):
        yield from _share(entry, f"{place}/{index}")


def _share(entry: Any, place: str) -> Iterator[Problem]:
    if not isinstance(entry, list) or not 1 <= len(entry) <= 2:
        yield Problem("flagd's schema wants [variant] or [variant, weight] here.", place)
        return
    yield from _argument(entry[0], f"{place}/0")
    if len(entry) == 2:
        weight = entry[1]
        if isinstance(weight, Mapping):
            yield from _rule(weight, f"{place}/1")
        elif (
            isinstance(weight, bool)
            or not isinstance(weight, int | float)
            or weight < 0
            or weight != weight // 1
        ):
            yield Problem("A weight is a whole number of at least 0, or a rule.", f"{place}/1")


_SHAPES: Final[Mapping[str, Callable[[Any, str], Iterator[Problem]]]] = {
    "var": _var,
    "missing": _missing,
    "missing_some": _missing_some,
    "starts_with": _compared,
    "ends_with": _compared,
    "sem_ver": _versions,
    "fractional": _fractional,
}


_BOOLEAN = frozenset(("==", "===", "!=", "!==", "!", "!!", "<", "<=", ">", ">=", "in", "all", "some", "none"))
_BOOLEAN_OR_NULL = frozenset(("starts_with", "ends_with", "sem_ver"))


def reads_time(rule: Any) -> bool:
    """Whether an expanded rule may read `$flagd.timestamp`, so that its answer can change by itself."""
    for _, name, arguments in subrules(rule):
        path = arguments[0] if isinstance(arguments, list | tuple) and arguments else arguments
        plain = isinstance(path, str) and (
            path == "$flagd.flagKey" or path.split(".")[0] not in ("", "$flagd")
        )
        if name == "var" and not plain:
            return True
    return False


EVERYTHING: Final = "*"
"""Among the names that a rule reads: it computes one, or takes the context as a whole."""


def names_read(rule: Any) -> frozenset[str]:
    """The attributes of the context that an expanded rule may read, by the first part of their paths.

    `$flagd` is none of them. Within `map` and the like, names are those of an element, and are left out.
    """
    found: set[str] = set()
    waiting = [rule]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple):
            waiting.extend(value)
        elif is_rule(value):
            ((name, given),) = value.items()
            arguments = list(given) if isinstance(given, list | tuple) else [given]
            if name in ("map", "filter", "all", "some", "none", "reduce"):
                waiting.extend([*arguments[:1], *arguments[2:]])
                continue
            waiting.extend(arguments)
            if name == "var":
                found.add(_first_name(arguments[0] if arguments else None))
            elif name == "missing":
                found.update(map(_first_name, _flat(arguments)))
            elif name == "missing_some":
                found.update(map(_first_name, _flat(arguments[1:])))
            elif name == "fractional" and not (arguments and isinstance(arguments[0], str)):
                found.add("targetingKey")  # in v2 also for an expression that comes to null
    return frozenset(found - {"$flagd"})


def _first_name(path: Any) -> str:
    if isinstance(path, bool | int | float):
        path = text(path)
    return path.split(".")[0] if isinstance(path, str) and path else EVERYTHING


def _flat(arguments: list[Any]) -> list[Any]:
    return [one for each in arguments for one in (each if isinstance(each, list | tuple) else [each])]


def outcomes(rule: Any) -> tuple[list[Any], bool]:
    """The constants that a rule can come to, and whether that is all: False where others are computed."""
    found: list[Any] = []
    complete = True
    waiting = [rule]
    while waiting:
        value = waiting.pop()
        if not is_rule(value):
            found.append(value)
            continue
        ((name, given),) = value.items()
        arguments = list(given) if isinstance(given, list | tuple) else [given]
        if name in ("if", "?:"):
            waiting.extend(arguments[1::2])
            waiting.append(arguments[-1] if len(arguments) % 2 else None)
        elif name in _BOOLEAN:
            found.extend((True, False))
        elif name in _BOOLEAN_OR_NULL:
            found.extend((True, False, None))
        elif name == "fractional":
            entries = [entry for entry in arguments if isinstance(entry, list) and entry]
            waiting.extend(entry[0] for entry in entries)
            found.append(None)  # without a targeting key
        else:
            complete = False
    return found, complete
