"""What is wrong with the parameters of a request, in our words: the framework tells types, not what to write."""

import re
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from litestar import Request
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Scope

from counterpoint.errors import Problem, escape
from counterpoint.spelling import near, quoted

__all__ = ["wrong_parameters"]

LONGEST = 40
"""Characters of a value that are shown."""
MISSING = re.compile(r"Missing required (\w+) parameter '(.*?)' for path ", re.DOTALL)
WANTED: Mapping[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}


def wrong_parameters(error: HTTPException, scope: Scope) -> list[Problem]:
    """What is wrong with parameters in the query, path or headers; empty where it is something else."""
    if not isinstance(error, ValidationException):
        return []
    missing = MISSING.match(error.detail)
    if missing is not None:
        source, name = missing.groups()
        return [Problem(f"the {source} parameter {name!r} is missing; give it", f"/{escape(name)}")]
    extra = error.extra if isinstance(error.extra, list) else []
    items = [item for item in extra if isinstance(item, dict) and _source(item) != "body" and item.get("key")]
    return [_problem(str(item["key"]), item, scope) for item in items] if len(items) == len(extra) else []


def _problem(name: str, item: Mapping[str, Any], scope: Scope) -> Problem:
    source = _source(item)
    name, annotation = _field(name, scope)
    given = _given(name, source, scope)
    shown = "" if given is None else f" {given[:LONGEST]!r}"
    choices = _choices(annotation)
    if choices:
        message = f"the {source} parameter {name!r} is{shown}{near(given or '', choices)}; write one of {quoted(choices)}"
    elif wanted := next((WANTED[each] for each in _parts(annotation) if each in WANTED), ""):
        message = f"the {source} parameter {name!r} is{shown}; write {wanted}"
    else:
        message = f"the {source} parameter {name!r} is not valid: {item.get('message', '')}"
    return Problem(message, f"/{escape(name)}")


def _source(item: Mapping[str, Any]) -> str:
    return str(getattr(item.get("source"), "value", item.get("source") or "body"))


def _given(name: str, source: str, scope: Scope) -> str | None:
    request: Request[Any, Any, Any] = Request(scope)
    holder: Mapping[str, Any] = request.query_params if source == "query" else request.path_params
    return str(holder[name]) if source in {"query", "path"} and name in holder else None


def _field(key: str, scope: Scope) -> tuple[str, Any]:
    """The parameter as clients write it, and what it may hold."""
    handler = scope.get("route_handler")
    fields = getattr(getattr(handler, "parsed_fn_signature", None), "parameters", {})
    own = fields.get(key)
    if own is None:
        return key, None
    alias = getattr(own.kwarg_definition, "query", None) or getattr(own.kwarg_definition, "name", None)
    return alias or key, own.annotation


def _parts(annotation: Any) -> list[Any]:
    """The types of a union, of a list and of what is annotated; a literal as it is."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _parts(get_args(annotation)[0])
    if origin in {Union, UnionType, list, tuple}:
        return [part for each in get_args(annotation) for part in _parts(each)]
    return [annotation]


def _choices(annotation: Any) -> list[str]:
    return [
        str(choice)
        for part in _parts(annotation)
        if get_origin(part) is Literal
        for choice in get_args(part)
        if choice
    ]
