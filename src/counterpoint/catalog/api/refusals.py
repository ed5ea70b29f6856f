"""Errors in the shape of the Backstage API: `{"error": {...}, "request": {...}, "response": {...}}`."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from counterpoint.catalog.api.call import JSON, weak_etag
from counterpoint.errors import (
    ConflictError,
    CounterpointError,
    InputError,
    NotAllowedError,
    NotFoundError,
    OverloadedError,
    PreconditionError,
    TooLargeError,
    UnauthenticatedError,
    WorkspaceError,
)

__all__ = ["BASE", "refusal", "relative_url"]

BASE: Final = "/api/catalog"

NAMES: Mapping[type[CounterpointError], tuple[str, int]] = {
    InputError: ("InputError", 400),
    UnauthenticatedError: ("AuthenticationError", 401),
    NotAllowedError: ("NotAllowedError", 403),
    NotFoundError: ("NotFoundError", 404),
    ConflictError: ("ConflictError", 409),
    PreconditionError: ("PreconditionFailedError", 412),
    TooLargeError: ("PayloadTooLargeError", 413),
    OverloadedError: ("ServiceUnavailableError", 503),
    WorkspaceError: ("ServiceUnavailableError", 503),
}
"""What Backstage calls each, and the status that its clients expect."""


def refusal(
    scope: Mapping[str, Any], error: BaseException, status: int, detail: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for an error; `status` and `detail` are what it means to our own API."""
    name, status = next(
        (found for kind, found in NAMES.items() if isinstance(error, kind)), (_name_of(status), status)
    )
    if isinstance(error, CounterpointError) and error.problems:
        detail = f"{detail} {' '.join(str(problem) for problem in error.problems[:20])}"
    content = msgspec.json.encode(
        {
            "error": {"name": name, "message": detail},
            "request": {"method": scope["method"], "url": relative_url(scope)},
            "response": {"statusCode": status},
        }
    )
    return (
        status,
        {"content-type": JSON, "etag": weak_etag(content), "vary": "Accept-Encoding"},
        content,
    )


def relative_url(scope: Mapping[str, Any]) -> str:
    """Path and query below the API's base, as they came."""
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1").removeprefix(BASE)
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path or '/'}?{query}" if query else path or "/"


def _name_of(status: int) -> str:
    return {400: "InputError", 403: "NotAllowedError", 404: "NotFoundError"}.get(status, "Error")
