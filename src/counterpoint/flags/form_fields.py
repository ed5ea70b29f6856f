"""Reading the fields of a form that was sent: each as what is wanted of it, or an error that names it. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from counterpoint.errors import InputError, Problem
from counterpoint.web.forms import count_of

__all__ = [
    "Data", "FormError", "as_typed", "count_in", "json_in", "json_shown", "lines_in", "many", "one", "pairs_in", "percent_in", "raw_in", "wrong",
]  # fmt: skip

Data = Mapping[str, Any]
"""What a form sent: a value, or several, by the name of the field."""


class FormError(InputError):
    """A field cannot be read; `problems` name it by its name in the form."""

    title = "The form is not filled in"


def percent_in(data: Data, name: str) -> float:
    """The percentage that was typed into a field.

    Raises:
        FormError: it is none.
    """
    text = one(data, name)
    try:
        number = float(text.rstrip("% ").replace(",", "."))
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        shown = f"{text!r} is no percentage. " if text else ""
        raise wrong(name, f"{shown}Write a number from 0 to 100, such as 25.")
    return int(number) if number == int(number) else number


def one(data: Data, name: str) -> str:
    """The first value of a field."""
    return next(iter(many(data, name)), "")


def as_typed(data: Data, name: str) -> str:
    """The value of a field of many lines, with the line breaks at its ends."""
    value = data.get(name)
    found = next(iter(value), "") if isinstance(value, list | tuple) else value
    return "" if found is None else str(found).replace("\r\n", "\n")


def many(data: Data, name: str) -> list[str]:
    """Every value of a field."""
    return [value.strip() for value in raw_in(data, name)]


def raw_in(data: Data, name: str) -> list[str]:
    """Every value of a field, with the blanks around it: names that are not ours may have some."""
    value = data.get(name)
    values = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return [str(item).replace("\r\n", "\n") for item in values]


def count_in(data: Data, name: str) -> int | None:
    """The whole number in a field, such as that of a version; None where there is none."""
    return count_of(one(data, name))


def pairs_in(data: Data, first: str, second: str) -> tuple[tuple[str, str], ...]:
    """Rows of two fields, those that are all empty left out."""
    left, right = many(data, first), many(data, second)
    size = max(len(left), len(right))
    padded = zip(left + [""] * (size - len(left)), right + [""] * (size - len(right)), strict=True)
    return tuple(row for row in padded if any(row))


def lines_in(data: Data, name: str) -> list[list[str]]:
    """The lines of each field of that name, blank ones left out, and nothing cut off the others."""
    return [[line for line in value.split("\n") if line.strip()] for value in raw_in(data, name)]


def json_in(data: Data, name: str) -> Any:
    """The JSON of a field; None where it is empty.

    Raises:
        FormError: it is none.
    """
    text = one(data, name)
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        raise wrong(name, f"This is not JSON: {error}.") from None


def wrong(name: str, message: str) -> FormError:
    """The error that a field cannot be read."""
    return FormError("The form is not filled in. Nothing was changed.", [Problem(message, name)])


def json_shown(value: Any) -> str:
    """JSON as a field shows it: in one line where it is short."""
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) < 60 else json.dumps(value, indent=2, ensure_ascii=False)
