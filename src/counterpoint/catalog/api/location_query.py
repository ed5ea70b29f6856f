"""Queries over registered locations: Backstage's predicates on `id`, `type`, `target` and `entityRef`.

They differ from those over entities where Backstage's do: an empty `$all` matches nothing, and
`$contains` never matches, since no field is a list.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from counterpoint.catalog.registered import Registered
from counterpoint.errors import InputError

__all__ = ["Asked", "cursor", "matches", "read"]

LIMIT = 1_000
DEPTH = 60
FIELDS = {"id": "id", "type": "type", "target": "target", "entityref": "entity_ref"}
OPERATORS = ("$exists", "$in", "$hasPrefix", "$contains")


class Asked(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is asked for; the same as JSON is the cursor's content."""

    limit: int = LIMIT
    after: str | None = msgspec.field(default=None, name="afterId")
    query: Any = None


def read(body: Mapping[str, Any]) -> Asked:
    """What a request asks for.

    Raises:
        InputError: the cursor, the limit or the query is not valid.
    """
    if "cursor" in body:
        return _from_cursor(body["cursor"])
    limit = body.get("limit", LIMIT)
    if isinstance(limit, float) and limit.is_integer():
        limit = int(limit)
    if not isinstance(limit, int) or limit < 1:
        raise InputError("Limit must be a positive integer >= 1")
    if "query" in body:
        _check(body["query"], 0)
    return Asked(limit, None, body.get("query"))


def cursor(asked: Asked, last: str) -> str:
    """The cursor of the page after the location with this id."""
    held = {"limit": asked.limit, "afterId": last} | ({} if asked.query is None else {"query": asked.query})
    return base64.b64encode(msgspec.json.encode(held)).decode()


def _from_cursor(text: str) -> Asked:
    if not text:
        raise InputError("Cursor cannot be empty")
    try:
        held = msgspec.json.decode(base64.b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise InputError("Malformed cursor, unknown encoding") from error
    limit, after = (
        (held.get(name) for name in ("limit", "afterId")) if isinstance(held, dict) else (None, None)
    )
    if isinstance(held, dict) and "limit" not in held:
        raise InputError('Malformed cursor: Validation error: Required at "limit"')
    if not isinstance(limit, int) or limit < 1 or not isinstance(after, str | None):
        raise InputError("Malformed cursor: limit must be a positive integer, afterId text")
    if "query" in held:
        _check(held["query"], 0)
    return Asked(limit, after, held.get("query"))


def _check(query: Any, depth: int) -> None:
    """Make sure that a query is one.

    Raises:
        InputError: it is not, with what was expected.
    """
    if not isinstance(query, dict):
        raise InputError(
            "Query must be an object" if depth == 0 else "Invalid filter predicate, expected an object"
        )
    if depth > DEPTH:
        raise InputError(f"Invalid query: it nests more than {DEPTH} levels deep")
    operator = next((name for name in ("$all", "$any", "$not") if name in query), None)
    if operator is not None:
        if len(query) > 1:
            raise InputError(f"Invalid query: {operator} must be the only key of its object")
        inner = [query[operator]] if operator == "$not" else query[operator]
        if not isinstance(inner, list):
            raise InputError(f"Invalid query: {operator} takes a list")
        for each in inner:
            _check(each, depth + 1)
        return
    unknown = [key for key in query if key.startswith("$")]
    if unknown:
        raise InputError(f"Invalid filter predicate, unknown logic operator '{', '.join(query)}'")
    for key, value in query.items():
        if key.lower() not in FIELDS:
            raise InputError(
                f"Invalid filter predicate, expected key to be 'id', 'type', 'target', or 'entityRef', got '{key}'"
            )
        _check_value(value)


def _check_value(value: Any) -> None:
    if isinstance(value, str | int | float):
        return
    if not isinstance(value, dict) or not any(name in value for name in OPERATORS):
        text = msgspec.json.encode(value).decode()[:200]
        raise InputError(f"Invalid filter predicate, got unknown matcher object '{text}'")
    if "$in" in value and not (
        isinstance(value["$in"], list) and all(isinstance(each, str | int | float) for each in value["$in"])
    ):
        raise InputError("Invalid query: $in takes a list of plain values")
    if "$hasPrefix" in value and not isinstance(value["$hasPrefix"], str):
        raise InputError("Invalid query: $hasPrefix takes text")


def matches(query: Any, location: Registered) -> bool:
    """Whether a location is what a checked query asks for."""
    if query is None:
        return True
    if "$all" in query:
        return bool(query["$all"]) and all(matches(each, location) for each in query["$all"])
    if "$any" in query:
        return any(matches(each, location) for each in query["$any"])
    if "$not" in query:
        return not matches(query["$not"], location)
    return all(_fits(value, getattr(location, FIELDS[key.lower()])) for key, value in query.items())


def _fits(value: Any, text: str) -> bool:
    if not isinstance(value, dict):
        return _plain(value) == text.lower()
    if "$exists" in value:
        return bool(value["$exists"])
    if "$in" in value:
        return text.lower() in {_plain(each) for each in value["$in"]}
    if "$hasPrefix" in value:
        return text.lower().startswith(value["$hasPrefix"].lower())
    return False


def _plain(value: Any) -> str:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return text.lower()
