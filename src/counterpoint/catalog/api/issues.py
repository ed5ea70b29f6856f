"""What zod says of a value of another shape: Backstage hands its list of issues on to clients as it is."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = [
    "Issue",
    "invalid_literal",
    "invalid_type",
    "invalid_union",
    "issues_text",
    "json_type",
    "unrecognised",
]

Issue = dict[str, Any]


def json_type(value: Any) -> str:
    """What zod calls the type of a value; `undefined` for `UNSET`."""
    if value is msgspec.UNSET:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def invalid_type(expected: str, value: Any, path: list[str | int]) -> Issue:
    """A value of another type, or none at all."""
    received = json_type(value)
    told = "Required" if received == "undefined" else f"Expected {expected}, received {received}"
    return {
        "code": "invalid_type",
        "expected": expected,
        "received": received,
        "path": path,
        "message": told,
    }


def unrecognised(keys: Sequence[str]) -> Issue:
    """Keys that an object may not have."""
    told = ", ".join(f"'{key}'" for key in keys)
    message = f"Unrecognized key(s) in object: {told}"
    return {"code": "unrecognized_keys", "keys": list(keys), "path": [], "message": message}


def invalid_literal(expected: str, value: Any, path: list[str | int]) -> Issue:
    """A value that is not the one that is wanted."""
    message = f'Invalid literal value, expected "{expected}"'
    return {
        "received": value,
        "code": "invalid_literal",
        "expected": expected,
        "path": path,
        "message": message,
    }


def invalid_union(choices: Sequence[str], value: Any, path: list[str | int]) -> Issue:
    """A value that is none of several literals."""
    errors = [{"issues": [invalid_literal(each, value, path)], "name": "ZodError"} for each in choices]
    return {"code": "invalid_union", "unionErrors": errors, "path": path, "message": "Invalid input"}


def issues_text(issues: Sequence[Issue]) -> str:
    """The issues as JavaScript writes them, indented by two."""
    return json.dumps(list(issues), indent=2, ensure_ascii=False)
