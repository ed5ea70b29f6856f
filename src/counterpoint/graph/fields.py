"""What a field of a `spec` may hold, and which relation a reference in it makes.

`kinds` says what every kind has by values of these types; checks and relations are read off them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from counterpoint.errors import InputError, Problem, escape
from counterpoint.graph.ref import parse_ref
from counterpoint.spelling import quoted

__all__ = ["Field", "Reference", "Shape", "check_fields", "references"]

Shape = Literal["text", "texts", "number", "flag", "date", "moment", "object", "objects", "mapping", "any"]

REFERENCE_BYTES = 1_000
"""Bytes of a reference: far beyond three parts of 63, and within what an index of PostgreSQL holds."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOUNS: dict[Shape, str] = {
    "text": "text",
    "texts": "a list of texts",
    "number": "a number",
    "flag": "true or false",
    "date": "a date such as 2026-05-03",
    "moment": "a date or a time with its zone, such as 2026-05-03T09:00:00Z",
    "object": "an object",
    "objects": "a list of objects",
    "mapping": "an object",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that points at another entity."""

    default_kind: str | None
    """Kind of a short reference; none means that the kind must be written."""
    relation: str
    """Relation from the entity that holds the field to its target."""
    inverse: str
    """The same relation seen from the target."""
    kinds: tuple[str, ...] = ()
    """Kinds, in lower case, that the target may have; none of these makes no relation. Empty means any."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an object, with what it may hold."""

    name: str
    shape: Shape = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    at_least: int = 0
    """Least number of items in a list."""
    reference: Reference | None = None
    default: str | None = None
    """The reference that holds where the field is left out."""
    lenient: bool = False
    """Whether one text may stand for a list, and anything empty counts as left out: Backstage has no schema for it."""
    blank: bool = False
    """Whether text of spaces only will do, as it does in Backstage's kinds."""
    fields: tuple["Field", ...] = ()
    """Keys of an object, of every object in a list, or (one field) every value of a mapping."""


def check_fields(fields: tuple[Field, ...], holder: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    """What is wrong with the known keys of an object. Other keys may be there: tools add their own."""
    return iter(()) if _is_good(fields, holder) else _wrong_fields(fields, holder, pointer)


def _is_good(fields: tuple[Field, ...], holder: Mapping[str, Any]) -> bool:
    """Whether an object certainly has nothing wrong: nearly always so, and told without the place of each value."""
    for field in fields:
        value = holder.get(field.name)
        if value is None:
            if field.required or (field.name in holder and not field.lenient):
                return False
        elif field.shape == "text" and not field.lenient:
            if type(value) is not str or not _is_good_text(field, value):
                return False
        elif field.shape == "texts":
            if type(value) is not list or len(value) < field.at_least or (field.lenient and not value):
                return False
            for item in value:
                if type(item) is not str or not _is_good_text(field, item):
                    return False
        elif field.shape == "object":
            if type(value) is not dict or not _is_good(field.fields, value):
                return False
        elif field.shape != "any":
            return False
    return True


def _is_good_text(field: Field, value: str) -> bool:
    if field.reference is not None:
        if len(value) > REFERENCE_BYTES // 4:
            return False
        try:
            parse_ref(value, default_kind=field.reference.default_kind)
        except InputError:
            return False
    if field.choices and value not in field.choices:
        return False
    return bool(value if field.blank else value.strip())


def _wrong_fields(fields: tuple[Field, ...], holder: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    for field in fields:
        place = f"{pointer}/{escape(field.name)}"
        value = _given(field, holder)
        if value is not None:
            yield from _check(field, value, place)
        elif field.required:
            noun = _NOUNS.get(field.shape, "a value")
            yield Problem(f"{field.name} is required; give {noun}.", place)
        elif field.name in holder and not field.lenient:
            yield Problem(
                f"{field.name} is null; give {_NOUNS.get(field.shape, 'a value')} or leave it out.", place
            )


def _given(field: Field, holder: Mapping[str, Any]) -> Any:
    value = holder.get(field.name)
    if field.lenient:
        return [value] if value and isinstance(value, str) else value or None
    return value


def _check(field: Field, value: Any, place: str) -> Iterator[Problem]:
    if field.shape == "any":
        return
    if not _has_shape(field.shape, value):
        yield Problem(f"{field.name} is {_shown(value)}; it must be {_NOUNS[field.shape]}.", place)
        return
    if field.shape in {"texts", "objects"} and len(value) < field.at_least:
        yield Problem(f"{field.name} has {len(value)} items; it needs at least {field.at_least}.", place)
    match field.shape:
        case "text":
            yield from _check_text(field, value, place)
        case "texts":
            for index, item in enumerate(value):
                yield from _check_text(field, item, f"{place}/{index}")
        case "number":
            yield from _check_range(field, value, place)
        case "object":
            yield from check_fields(field.fields, value, place)
        case "objects":
            for index, item in enumerate(value):
                yield from check_fields(field.fields, item, f"{place}/{index}")
        case "mapping":
            for key, item in value.items():
                for inner in field.fields:
                    yield from _check(inner, item, f"{place}/{escape(key)}")


def _has_shape(shape: Shape, value: Any) -> bool:
    match shape:
        case "text":
            return isinstance(value, str)
        case "texts":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _is_date(value)
        case "moment":
            return isinstance(value, str) and (_is_date(value) or _is_moment(value))
        case "objects":
            return isinstance(value, list) and all(isinstance(item, dict) for item in value)
        case _:
            return isinstance(value, dict)


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
        # The first and the last hours of the calendar can lie outside of it in UTC, where all is computed.
        return moment.tzinfo is not None and moment.astimezone(UTC) is not None
    except (ValueError, OverflowError):
        return False


def _check_text(field: Field, value: str, place: str) -> Iterator[Problem]:
    if not (value if field.blank else value.strip()):
        yield Problem(f"{field.name} is empty; give text or leave it out.", place)
    elif field.choices and value not in field.choices:
        yield Problem(f"{field.name} is {_shown(value)}; it must be one of {quoted(field.choices)}.", place)
    elif field.reference and len(value.encode()) > REFERENCE_BYTES:
        yield Problem(
            f"{field.name} has {len(value.encode()):,} bytes; a reference has {REFERENCE_BYTES:,} at most.",
            place,
        )
    elif field.reference:
        try:
            parse_ref(value, default_kind=field.reference.default_kind)
        except InputError as error:
            yield Problem(error.message, place)


def _check_range(field: Field, value: float, place: str) -> Iterator[Problem]:
    if field.minimum is not None and value < field.minimum:
        yield Problem(f"{field.name} is {value}; it must be at least {field.minimum:g}.", place)
    elif field.maximum is not None and value > field.maximum:
        yield Problem(f"{field.name} is {value}; it must be at most {field.maximum:g}.", place)


def references(fields: tuple[Field, ...], holder: Mapping[str, Any]) -> Iterator[tuple[str, Reference]]:
    """Every reference in a checked object, as text with what it means."""
    for field in fields:
        value = _given(field, holder)
        if value is None:
            value = field.default
        if value is not None:
            yield from _references(field, value)


def _references(field: Field, value: Any) -> Iterator[tuple[str, Reference]]:
    if field.reference:
        for text in [value] if isinstance(value, str) else value:
            yield text, field.reference
    elif field.shape == "object":
        yield from references(field.fields, value)
    elif field.shape == "objects":
        for item in value:
            yield from references(field.fields, item)


def _shown(value: Any) -> str:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
