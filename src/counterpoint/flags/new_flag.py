"""A new flag from the fields of a form. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from counterpoint.errors import InputError, Problem
from counterpoint.flags.composition.plan import weight_of
from counterpoint.graph.flagd import flags_by_key

__all__ = ["KINDS", "Fields", "FieldsError", "flag_of"]

KINDS: Final[Mapping[str, str]] = {
    "boolean": "on = true\noff = false",
    "string": "new = new\nold = old",
    "number": "many = 20\nfew = 10",
    "object": 'new = {"rows": 2}\nold = {"rows": 1}',
}
"""The types of values, each with variants to begin with; the last variant is the default."""
_LINE: Final = re.compile(r"^(?P<name>[^=]+?)\s*=\s*(?P<value>.*)$")
SPLIT: Final = 100_000


class FieldsError(InputError):
    """A field cannot be read; `problems` name it by its name in the form."""

    title = "The form is not filled in"


@dataclass(frozen=True, slots=True)
class Fields:
    """What was typed."""

    key: str = ""
    description: str = ""
    kind: str = "boolean"
    variants: str = KINDS["boolean"]
    """A line for each: name = value."""
    default: str = "off"
    percent: str = "0"
    """Who gets the first variant; all others get the default."""
    owner: str = ""
    bet: str = ""
    expires: str = ""
    reason: str = ""


def flag_of(fields: Fields, definition: Mapping[str, Any], like: Mapping[str, Any] | None) -> dict[str, Any]:
    """The flag, as flagd has it.

    Args:
        fields: what was typed.
        definition: the set, whose flags have other keys.
        like: a flag whose variants and rule it takes over; None builds them from the fields.

    Raises:
        FieldsError: a field cannot be read; all of them are told.
    """
    problems: list[Problem] = []
    if not fields.key.strip():
        problems.append(Problem("Give the flag a key, such as new-checkout.", "/key"))
    elif fields.key in flags_by_key(definition):
        problems.append(Problem(f"There is a flag {fields.key!r} in this set already.", "/key"))
    if fields.expires:
        try:
            date.fromisoformat(fields.expires)
        except ValueError:
            problems.append(Problem("Write a date as 2027-03-31.", "/expires"))
    flag = dict(like) if like is not None else _made(fields, problems)
    if problems:
        raise FieldsError("The form is not filled in.", problems)
    given = {
        "description": fields.description.strip(),
        "owner": fields.owner.strip(),
        "bet": fields.bet.strip(),
        "expires": fields.expires,
    }
    metadata = {**(flag.get("metadata") or {}), **given}
    flag["metadata"] = {name: value for name, value in metadata.items() if value != ""}
    return flag if flag["metadata"] else {name: value for name, value in flag.items() if name != "metadata"}


def _made(fields: Fields, problems: list[Problem]) -> dict[str, Any]:
    variants = _variants(fields, problems)
    weight = _weight(fields.percent)
    if weight is None:
        problems.append(Problem("Give a percentage from 0 to 100, with at most three decimals.", "/percent"))
    if variants and fields.default not in variants:
        problems.append(Problem(f"The default is one of the variants: {', '.join(variants)}.", "/default"))
    flag: dict[str, Any] = {"state": "ENABLED", "variants": variants, "defaultVariant": fields.default}
    first = next((name for name in variants if name != fields.default), None)
    if weight and first is None:
        problems.append(Problem("There is only the default to get.", "/percent"))
    elif weight == SPLIT:
        flag["defaultVariant"] = first
    elif weight and first:
        flag["targeting"] = {"fractional": [[first, weight], [fields.default, SPLIT - weight]]}
    return flag


def _weight(text: str) -> int | None:
    try:
        return weight_of(float(text.strip().removesuffix("%").strip().replace(",", ".") or 0))
    except (ValueError, OverflowError):
        return None


def _variants(fields: Fields, problems: list[Problem]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, line in enumerate(fields.variants.splitlines(), 1):
        if not line.strip():
            continue
        parts = _LINE.match(line.strip())
        if parts is None:
            problems.append(Problem(f"Line {number}: write name = value.", "/variants"))
        elif parts["name"] in found:
            problems.append(Problem(f"Line {number}: {parts['name']!r} is there twice.", "/variants"))
        else:
            try:
                found[parts["name"]] = _value(fields.kind, parts["value"])
            except ValueError as error:
                problems.append(Problem(f"Line {number}: {error}", "/variants"))
    if not found and not problems:
        problems.append(Problem("Give at least one variant, such as on = true.", "/variants"))
    return found


def _value(kind: str, text: str) -> Any:
    """The value of a variant.

    Raises:
        ValueError: it is not of this type.
    """
    if kind == "string":
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    fits = {
        "boolean": isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "object": isinstance(value, dict),
    }
    if not fits.get(kind):
        wanted = {"boolean": "true or false", "number": "a number", "object": 'JSON such as {"rows": 2}'}
        raise ValueError(f"{text!r} is not {wanted.get(kind, 'a value')}.")
    return value
