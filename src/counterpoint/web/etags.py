"""Versions in HTTP headers: `ETag`, `If-Match` and `If-None-Match` (RFC 9110, section 13.1)."""

from typing import Annotated

from litestar.params import HeaderParameter

__all__ = ["IfMatch", "IfNoneMatch", "etag_header", "read_etags"]

IfMatch = Annotated[str | None, HeaderParameter(name="If-Match")]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match")]
"""Parameters of handlers."""


def etag_header(etag: str) -> dict[str, str]:
    """The header that tells the version of what is answered."""
    return {"ETag": f'"{etag}"'}


def read_etags(header: str | None) -> tuple[str, ...] | None:
    """The versions that a condition names, `*` for any; None where the header is missing."""
    if header is None:
        return None
    return tuple(tag.strip().removeprefix("W/").strip('"') for tag in header.split(",") if tag.strip())
