"""A targeting rule as rows of a form: conditions of attribute, operator and value, and who gets what. Pure.

A rule is shown in rows only where the rows say all of it: what they are read back to is the rule, byte for byte as
JSON. Whatever else JsonLogic can say is left to the editor of the text.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from counterpoint.errors import Problem
from counterpoint.flags.form_fields import Data, FormError, many, one, raw_in

__all__ = [
    "BLANK",
    "OPERATORS",
    "Branch",
    "Condition",
    "Outcome",
    "RuleForm",
    "fields_of",
    "form_of",
    "read_form",
    "rule_of",
    "variants_first",
]

DEFAULT: Final = ""
"""Stands in the field of an outcome for the flag's default variant."""
SPLIT: Final = "%"
"""Stands there for a split; a variant's name is written behind `=`, so that any name will do."""
ALL, ANY = "and", "or"
MOST_BRANCHES: Final = 50
MOST_WEIGHT: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Condition:
    """One row: what is asked of an attribute. The texts are as they stand in the fields."""

    attribute: str = ""
    operator: str = "=="
    value: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who meets the conditions gets this: a variant, the default (empty), or a split."""

    choice: str = DEFAULT
    shares: tuple[tuple[str, str], ...] = ()
    """Variants with their weights, where it is a split."""
    by: str = ""
    """The attribute that a split is drawn by; empty for the flag and the targeting key."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Conditions, of which all or one must hold, and what then."""

    conditions: tuple[Condition, ...] = ()
    join: str = ALL
    outcome: Outcome = Outcome()


BLANK: Final = Branch()
"""A rule that nobody has filled in yet; it says nothing."""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A whole rule: the first branch whose conditions hold decides, else `otherwise`."""

    branches: tuple[Branch, ...] = ()
    otherwise: Outcome = Outcome()


@dataclass(frozen=True, slots=True)
class _Operator:
    words: str
    write: Callable[[Any, Any], Any]
    """The condition, from what reads the attribute and the value."""
    kind: str = "scalar"
    """What its value is: a scalar, a list, a text, or nothing."""


def _binary(name: str) -> Callable[[Any, Any], Any]:
    return lambda read, value: {name: [read, value]}


def _version(relation: str) -> Callable[[Any, Any], Any]:
    return lambda read, value: {"sem_ver": [read, relation, value]}


OPERATORS: Final[Mapping[str, _Operator]] = {
    "==": _Operator("is", _binary("==")),
    "!=": _Operator("is not", _binary("!=")),
    "in": _Operator("is one of", _binary("in"), "list"),
    "not in": _Operator("is none of", lambda read, value: {"!": [{"in": [read, value]}]}, "list"),
    "<": _Operator("is less than", _binary("<")),
    "<=": _Operator("is at most", _binary("<=")),
    ">": _Operator("is more than", _binary(">")),
    ">=": _Operator("is at least", _binary(">=")),
    "starts_with": _Operator("starts with", _binary("starts_with"), "text"),
    "ends_with": _Operator("ends with", _binary("ends_with"), "text"),
    "contains": _Operator("contains", lambda read, value: {"in": [value, read]}),
    "not contains": _Operator("does not contain", lambda read, value: {"!": [{"in": [value, read]}]}),
    "set": _Operator("has a value", lambda read, _: {"!!": [read]}, "nothing"),
    "not set": _Operator("has no value", lambda read, _: {"!": [read]}, "nothing"),
    **{
        f"version {sign}": _Operator(f"is a version {words}", _version(sign), "text")
        for sign, words in {
            "=": "equal to", "!=": "other than", "<": "before", "<=": "up to", ">": "after", ">=": "from",
            "^": "of the same major as", "~": "of the same major and minor as",
        }.items()
    },
    "===": _Operator("is exactly", _binary("===")),
    "!==": _Operator("is not exactly", _binary("!==")),
    "shared": _Operator("is met (a shared rule)", lambda read, _: {"$ref": read["var"]}, "nothing"),
}  # fmt: skip
"""In the order in which a choice lists them. Of `shared` the attribute is the name of the shared rule."""


def form_of(rule: Any) -> RuleForm | None:
    """The rule in rows; None where rows cannot say all of it."""
    try:
        form = _form(rule)
        again = rule_of(read_form(fields_of(form)))
    except (FormError, KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    return form if _written(again) == _written(rule if rule is not None else {}) else None


def rule_of(form: RuleForm) -> dict[str, Any]:
    """The rule that the rows say.

    Raises:
        FormError: a field cannot be read; its name is the place of the row, such as `b0-value`.
    """
    if len(form.branches) > MOST_BRANCHES:
        raise _wrong("otherwise", f"More than {MOST_BRANCHES} rules in rows are too many; edit the JSON.")
    parts: list[Any] = []
    for number, branch in enumerate(form.branches):
        if branch == replace(BLANK, join=branch.join):
            continue
        parts += [_condition(branch, f"b{number}"), _outcome(branch.outcome, f"b{number}")]
    last = _outcome(form.otherwise, "otherwise")
    if not parts:
        if isinstance(last, str):
            raise _wrong(
                "otherwise", "Without a condition everybody gets the default: choose another default variant."
            )
        return last or {}
    return {"if": parts if last is None else [*parts, last]}


def read_form(data: Data) -> RuleForm:
    """What was sent. Conditions that are all empty are left out; rules are not, so that each keeps its number."""
    branches = []
    for number in range(MOST_BRANCHES + 1):
        place = f"b{number}"
        if f"{place}-out" not in data:
            break
        rows = zip(raw_in(data, f"{place}-attr"), many(data, f"{place}-op"), raw_in(data, f"{place}-value"), strict=False)  # fmt: skip
        conditions = tuple(Condition(attribute.strip(), *rest) for attribute, *rest in rows if attribute.strip() or rest[1].strip())  # fmt: skip
        branches.append(Branch(conditions, one(data, f"{place}-join") or ALL, _read_outcome(data, place)))
    return RuleForm(tuple(branches), _read_outcome(data, "otherwise"))


def fields_of(form: RuleForm) -> dict[str, Any]:
    """What a browser sends of the rows when nobody has changed anything."""
    data: dict[str, Any] = {}
    for number, branch in enumerate(form.branches):
        place = f"b{number}"
        data[f"{place}-join"] = branch.join
        for name, values in zip(
            ("attr", "op", "value"),
            zip(*((each.attribute, each.operator, each.value) for each in branch.conditions), strict=True),
            strict=True,
        ):
            data[f"{place}-{name}"] = list(values)
        data |= _outcome_fields(branch.outcome, place)
    return data | _outcome_fields(form.otherwise, "otherwise")


def _outcome_fields(outcome: Outcome, place: str) -> dict[str, Any]:
    rows = {
        "variant": [name for name, _ in outcome.shares],
        "weight": [weight for _, weight in outcome.shares],
    }
    return {
        f"{place}-{name}": value for name, value in {"out": outcome.choice, "by": outcome.by, **rows}.items()
    }


def _read_outcome(data: Data, place: str) -> Outcome:
    choice = next(iter(raw_in(data, f"{place}-out")), DEFAULT)
    shares = zip(raw_in(data, f"{place}-variant"), many(data, f"{place}-weight"), strict=False)
    return Outcome(choice, tuple(row for row in shares if row[1]), one(data, f"{place}-by"))


# From rows to JSON.


def _condition(branch: Branch, place: str) -> Any:
    made = [_asked(each, place) for each in branch.conditions]
    if not made:
        raise _wrong(f"{place}-attr", "Say for whom this is: an attribute, such as country, and its value.")
    return made[0] if len(made) == 1 else {ALL if branch.join != ANY else ANY: made}


def _asked(condition: Condition, place: str) -> Any:
    operator = OPERATORS.get(condition.operator)
    if operator is None:
        raise _wrong(f"{place}-op", f"{condition.operator!r} is no comparison.")
    if not condition.attribute:
        raise _wrong(
            f"{place}-attr", f"Which attribute {operator.words} {condition.value}?".replace(" ?", "?")
        )
    if operator.kind != "nothing" and condition.value == "":
        raise _wrong(
            f"{place}-value", f'{condition.attribute} {operator.words} what? For the empty text write "".'
        )
    value: Any = None
    if operator.kind == "list":
        value = _items(condition.value, f"{place}-value")
    elif operator.kind == "text":
        value = _scalar(condition.value)
        if not isinstance(value, str):
            value = condition.value.strip()
    elif operator.kind == "scalar":
        value = _scalar(condition.value)
    return operator.write({"var": condition.attribute}, value)


def _outcome(outcome: Outcome, place: str) -> Any:
    if outcome.choice == DEFAULT:
        return None
    if outcome.choice != SPLIT:
        return outcome.choice.removeprefix("=")
    entries: list[Any] = [[variant, _weight(weight, place)] for variant, weight in outcome.shares]
    if not entries or not any(weight for _, weight in entries):
        raise _wrong(f"{place}-weight", "A split needs a weight for at least one variant, such as 10 and 90.")
    return {"fractional": [*([{"var": outcome.by}] if outcome.by else []), *entries]}


def _weight(text: str, place: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _wrong(f"{place}-weight", f"{text!r} is no weight. Write a whole number, such as 10.")
    digits = text.lstrip("0")
    if len(digits) > 10 or int(digits or "0") > MOST_WEIGHT:
        raise _wrong(
            f"{place}-weight", f"A weight is at most {MOST_WEIGHT:,}. Write a smaller one, such as 10."
        )
    return int(digits or "0")


def _scalar(text: str) -> Any:
    """A number, true, false, null or a text in quotes as JSON has it; all else is a text as it stands."""
    bare = text.strip()
    try:
        value = json.loads(bare)
    except (ValueError, RecursionError):
        return bare
    return bare if isinstance(value, dict | list) else value


_ITEM: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"(?=\s*(?:,|$))|[^,]*?)\s*(?:,|$)')


def _items(text: str, place: str) -> list[Any]:
    found, at = [], 0
    while at < len(text):
        match = _ITEM.match(text, at)
        if match is None or match.end() == at:  # pragma: no cover - it takes any text
            break
        if match[1]:
            found.append(_scalar(match[1]))
        at = match.end()
    if not found:
        raise _wrong(place, "Write the values with commas between them, such as SE, NO.")
    return found


# From JSON to rows; whatever does not fit raises, or is found not to come back as it was.


def _form(rule: Any) -> RuleForm:
    if rule in (None, {}):
        return RuleForm()
    if list(rule) != ["if"]:
        return RuleForm((), _shown_outcome(rule))
    parts = rule["if"]
    branches = tuple(_shown_branch(parts[index], parts[index + 1]) for index in range(0, len(parts) - 1, 2))
    return RuleForm(branches, _shown_outcome(parts[-1]) if len(parts) % 2 else Outcome())


def _shown_branch(condition: Any, outcome: Any) -> Branch:
    ((name, given),) = condition.items()
    several = name in (ALL, ANY) and isinstance(given, list) and len(given) > 1
    rows = given if several else [condition]
    return Branch(tuple(map(_shown_condition, rows)), name if several else ALL, _shown_outcome(outcome))


def _shown_outcome(outcome: Any) -> Outcome:
    if outcome is None:
        return Outcome()
    if isinstance(outcome, str):
        return Outcome(f"={outcome}")
    entries = outcome["fractional"]
    by = "" if isinstance(entries[0], list) else entries[0]["var"]
    shares = tuple((variant, str(weight)) for variant, weight in (entries[1:] if by else entries))
    return Outcome(SPLIT, shares, by)


def _shown_condition(condition: Any) -> Condition:
    ((name, given),) = condition.items()
    if name == "$ref":
        return Condition(given, "shared")
    if name == "!" and isinstance(given[0], dict) and "in" in given[0]:
        inner = _shown_condition(given[0])
        return Condition(inner.attribute, f"not {inner.operator}", inner.value)
    if name in ("!", "!!"):
        return Condition(given[0]["var"], "set" if name == "!!" else "not set")
    if name == "sem_ver":
        return Condition(given[0]["var"], f"version {given[1]}", _shown_text(given[2]))
    if name == "in" and isinstance(given[1], dict):
        return Condition(given[1]["var"], "contains", _shown(given[0]))
    if name == "in":
        return Condition(given[0]["var"], "in", ", ".join(_shown(item, within=True) for item in given[1]))
    show = _shown_text if OPERATORS[name].kind == "text" else _shown
    return Condition(given[0]["var"], name, show(given[1]))


def _shown_text(value: Any) -> str:
    """The same where nothing but a text is meant, so that 1.10 needs no quotes."""
    if isinstance(value, str) and value and value == value.strip() and value[0] != '"' and "\n" not in value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _shown(value: Any, *, within: bool = False) -> str:
    """A value as it stands in its field: a text as it is where it comes back so, else in quotes."""
    if isinstance(value, str):
        plain = value and value == value.strip() and _scalar(value) == value and '"' not in value and "\n" not in value  # fmt: skip
        return value if plain and not (within and "," in value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _wrong(name: str, message: str) -> FormError:
    return FormError("The rule is not filled in. Nothing was changed.", [Problem(message, name)])


def variants_first(outcome: Outcome, variants: Sequence[str]) -> list[tuple[str, str]]:
    """The rows of a split: those that have a weight, then every other variant."""
    given = {variant for variant, _ in outcome.shares}
    return [*outcome.shares, *((name, "") for name in variants if name not in given)]
