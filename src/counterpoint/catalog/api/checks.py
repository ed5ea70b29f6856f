"""Parameters and bodies of requests against their shapes, with the refusals in Backstage's words.

Backstage checks requests with express-openapi-validator over Ajv. Clients show these texts to people, so
they are kept: `request/query/limit must be >= 0`, `Unknown query parameter 'foo'`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from counterpoint.catalog.json_faults import json_fault
from counterpoint.errors import InputError

__all__ = ["Parameter", "Schema", "check_body", "read_body", "read_query"]

Schema = Mapping[str, Any]
"""A JSON schema, as far as `check_body` knows it: type, properties, required, items, enum, minimum, additionalProperties."""

LARGEST = 2**53 - 1
"""The largest whole number that JavaScript tells apart from its neighbours."""
TOLD = 1_000_000
"""Bytes of a broken body in which its fault is looked for."""
MOST_PARAMETERS = 12_000
"""Parameters of one request; a client that repeats `filter` has a few hundred at most."""
_CONTENT_TYPE = re.compile(r"application/json\s*(?:;(?P<parameters>.*))?$", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(r'charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_OTHER_BASE = re.compile(r"0(x[0-9a-f]+|o[0-7]+|b[01]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query string."""

    name: str
    shape: Literal["text", "texts", "list", "count"] = "text"
    """`texts` may be repeated, `list` is one text that commas divide (or repeated), `count` is a whole number from 0."""
    required: bool = False
    choices: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """The same as a JSON schema."""
        if self.shape == "count":
            return {"type": "integer", "minimum": 0}
        if self.shape != "text":
            return {"type": "array", "items": {"type": "string"}}
        return {"type": "string", "enum": list(self.choices)} if self.choices else {"type": "string"}


def read_query(text: bytes, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The parameters of a query string that were given, by name, in their shapes.

    Raises:
        InputError: one is unknown, empty, missing or of another shape.
    """
    if not text and not any(parameter.required for parameter in parameters):
        return {}
    given: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(
            text.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS
        ):
            given.setdefault(name.removesuffix("[]"), []).append(value)
    except ValueError as error:
        raise InputError(
            f"The query has more than {MOST_PARAMETERS} parameters; send the query by POST."
        ) from error
    known = {parameter.name: parameter for parameter in parameters}
    for name, values in given.items():
        if name not in known:
            base, bracket, _ = name.partition("[")
            if bracket and base in known and known[base].shape == "texts":  # an object, as express reads it
                raise InputError(f"request/query/{base}/0 must be string")
            raise InputError(f"Unknown query parameter '{name}'")
        if values == [""]:
            raise InputError(f"Empty value found for query parameter '{name}'")
    for parameter in parameters:
        if parameter.required and parameter.name not in given:
            raise InputError(f"request/query must have required property '{parameter.name}'")
    return {name: _read(known[name], given[name]) for name in known if name in given}


def _read(parameter: Parameter, values: list[str]) -> Any:
    place = f"request/query/{parameter.name}"
    if parameter.shape == "texts":
        return values
    if parameter.shape == "list":
        return values[0].split(",") if len(values) == 1 else values
    if parameter.shape == "count":
        return _count(place, values)
    if len(values) > 1:
        raise InputError(f"{place} must be string")
    if parameter.choices and values[0] not in parameter.choices:
        raise InputError(
            f"{place} must be equal to one of the allowed values: {', '.join(parameter.choices)}"
        )
    return values[0]


def _count(place: str, values: list[str]) -> int:
    number = _number(values[0]) if len(values) == 1 else float("nan")
    if not number.is_integer():
        raise InputError(f"{place} must be integer")
    if number < 0:
        raise InputError(f"{place} must be >= 0")
    return int(min(number, LARGEST))


def _number(text: str) -> float:
    """What JavaScript's `Number` makes of a text, or NaN."""
    plain = text.strip()
    if _OTHER_BASE.fullmatch(plain):
        return float(min(int(plain, 0), LARGEST))
    return float(plain) if _NUMBER.fullmatch(plain) else float("nan")


def read_body(content: bytes, content_type: str | None, *, required: bool) -> Any:
    """The JSON of a request; None where there is none and none is needed.

    Raises:
        InputError: the content is of another type or charset, or is no JSON object or array.
    """
    if content_type is None and not required:
        return None  # nobody said what the content is, so express does not look at it
    media = _CONTENT_TYPE.match((content_type or "").strip())
    if media is None:
        named = content_type.partition(";")[0].strip() if content_type else "undefined"
        raise InputError(f"unsupported media type {named}")
    charset = _CHARSET.search(media["parameters"] or "")
    if charset and not charset[1].lower().startswith("utf-8"):
        raise InputError(f'unsupported charset "{charset[1].upper()}"')
    if not content:
        return {}  # as express reads it
    try:
        if content.lstrip()[:1] in (b"{", b"["):
            return msgspec.json.decode(content)
        error: Exception | None = None
    except RecursionError as deep:
        raise InputError("The request's content nests too deeply to be read.") from deep
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        error = wrong
    told = json_fault(_start(content), only_holders=True)
    raise InputError(told or f"The request's content is not valid JSON: {error}") from error


def _start(content: bytes) -> str:
    return content[:TOLD].decode("utf-8", "replace").removeprefix("\ufeff")


def check_body(schema: Schema, value: Any, place: str = "request/body") -> None:
    """Check a value against a schema; the first that is wrong is named, with its place.

    Raises:
        InputError: in Ajv's words.
    """
    kind = schema.get("type")
    if kind is not None and not _TYPES[kind](value):
        raise InputError(f"{place} must be {kind}")
    if "enum" in schema and value not in schema["enum"]:
        raise InputError(f"{place} must be equal to one of the allowed values: {', '.join(schema['enum'])}")
    if "minimum" in schema and value < schema["minimum"]:
        raise InputError(f"{place} must be >= {schema['minimum']}")
    if isinstance(value, dict):
        _check_object(schema, value, place)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            check_body(schema["items"], item, f"{place}/{index}")


def _check_object(schema: Schema, value: dict[str, Any], place: str) -> None:
    for name in schema.get("required", ()):
        if name not in value:
            raise InputError(f"{place} must have required property '{name}'")
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is False and any(name not in properties for name in value):
        raise InputError(f"{place} must NOT have additional properties")
    for name, inner in properties.items():
        if name in value:
            check_body(inner, value[name], f"{place}/{name}")


_TYPES: Mapping[str, Any] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
