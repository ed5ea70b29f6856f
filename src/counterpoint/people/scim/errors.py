"""Errors as SCIM writes them (RFC 7644, section 3.12)."""

from typing import Any

from counterpoint.errors import CounterpointError

__all__ = ["ERROR_SCHEMA", "ScimError", "error_body"]

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"
KINDS = {400: "invalidValue", 409: "uniqueness"}


class ScimError(CounterpointError):
    """A request that the standard has a name for."""

    title = "The SCIM request failed"

    def __init__(self, status: int, scim_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.scim_type = scim_type


def error_body(error: CounterpointError) -> dict[str, Any]:
    """The body of an answer to a request that failed."""
    detail = " ".join([error.message, *(problem.message for problem in error.problems)])
    body: dict[str, Any] = {"schemas": [ERROR_SCHEMA], "status": str(error.status), "detail": detail}
    scim_type = error.scim_type if isinstance(error, ScimError) else KINDS.get(error.status, "")
    return body | ({"scimType": scim_type} if scim_type else {})
