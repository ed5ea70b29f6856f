"""Images and other files of documentation: what type they have, and what a browser may do with them."""

from litestar import Response

from counterpoint.catalog.docs.site import Site
from counterpoint.errors import NotFoundError, TooLargeError

__all__ = ["file_answer"]

MAX_BYTES = 50 * 1024 * 1024
IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".svg": "image/svg+xml",
}
TEXTS = {
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".yaml": "text/plain; charset=utf-8",
    ".yml": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
DOWNLOAD = "application/octet-stream"
"""Whatever a browser could run or misread is offered for saving."""
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""An SVG that is opened by itself runs no script and loads nothing."""


def file_answer(site: Site, path: str, if_none_match: str | None = None) -> Response[bytes]:
    """A file of a site.

    Raises:
        NotFoundError: there is no such file, it is hidden, or it leads out of the documentation.
        TooLargeError: it is larger than 50 MB.
    """
    file = site.file(path)
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    # Beside a README stands the whole repository; of that only what a page can show is offered.
    if file is None or (site.only_readme and suffix not in IMAGES):
        raise NotFoundError(f"There is no {path} in the documentation of {site.place.ref}.")
    try:
        status = file.stat()
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror or error}.") from None
    if status.st_size > MAX_BYTES:
        raise TooLargeError(f"{path} is larger than {MAX_BYTES // 1024**2} MB, the most that is served.")
    etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if if_none_match is not None and etag in if_none_match:
        return Response(b"", status_code=304, headers=headers)
    media_type = IMAGES.get(suffix) or TEXTS.get(suffix) or DOWNLOAD
    if media_type == DOWNLOAD:
        headers["Content-Disposition"] = "attachment"
    content = site.content(path, MAX_BYTES)
    if status.st_size and not content:
        raise NotFoundError(f"{path} cannot be read; it was changed a moment ago. Try again.")
    return Response(content, headers=headers, media_type=media_type)
