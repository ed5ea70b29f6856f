"""Errors in the shape of the Backstage API: `{"error": {...}, "request": {...}, "response": {...}}`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

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

__all__ = ["BASE", "refusal", "refusal_below", "relative_url"]

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


Answer: TypeAlias = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


def refusal(scope: Mapping[str, Any], error: BaseException, status: int, detail: str) -> Answer:
    """The answer to an error; `status` and `detail` are what it means to our own API."""
    return _refusal(BASE, scope, error, status, detail)


def refusal_below(base: str) -> Callable[[Mapping[str, Any], BaseException, int, str], Answer]:
    """The same for another plugin of Backstage, whose API lies below `base`."""
    return partial(_refusal, base)


def _refusal(base: str, scope: Mapping[str, Any], error: BaseException, status: int, detail: str) -> Answer:
    name, status = next(
        (found for kind, found in NAMES.items() if isinstance(error, kind)), (_name_of(status), status)
    )
    if isinstance(error, CounterpointError) and error.problems:
        detail = f"{detail} {' '.join(str(problem) for problem in error.problems[:20])}"
    content = msgspec.json.encode(
        {
            "error": {"name": name, "message": detail},
            "request": {"method": scope["method"], "url": relative_url(scope, base)},
            "response": {"statusCode": status},
        }
    )
    return (
        status,
        {"content-type": JSON, "etag": weak_etag(content), "vary": "Accept-Encoding"},
        content,
    )


def relative_url(scope: Mapping[str, Any], base: str = BASE) -> str:
    """Path and query below an API's base, as they came."""
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1").removeprefix(base)
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path or '/'}?{query}" if query else path or "/"


def _name_of(status: int) -> str:
    return {400: "InputError", 403: "NotAllowedError", 404: "NotFoundError"}.get(status, "Error")
