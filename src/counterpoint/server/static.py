"""Serves the files of the design system, read once, with validators so that browsers can keep them."""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from litestar.types import Receive, Scope, Send

from counterpoint.errors import NotFoundError
from counterpoint.server.connection import header

__all__ = ["StaticFiles"]

FOREVER = b"public, max-age=31536000, immutable"
"""For addresses that name the version (`/static/~MARK/...`)."""
CHECKED = b"no-cache"
"""For others: may be kept, and is asked for again with its ETag."""
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """A file with what its answer says of it."""

    content: bytes
    media_type: bytes
    etag: bytes


class StaticFiles:
    """An ASGI callable for the files below one folder; nothing outside of it can be named."""

    def __init__(self, prefix: str, folder: Path) -> None:
        self.prefix = prefix.rstrip("/") + "/"
        self.folder = folder

    @cached_property
    def files(self) -> dict[str, File]:
        """Every file by its path below the folder. They come with the package and do not change."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): _read(path) for path in found}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(self.prefix)
        versioned = path.startswith("~")
        file = self.files.get(path.partition("/")[2] if versioned else path)
        if file is None or scope.get("method") != "GET":
            raise NotFoundError("There is no such file.")
        headers = [(b"etag", file.etag), (b"cache-control", FOREVER if versioned else CHECKED)]
        if header(scope, b"if-none-match") == file.etag.decode():
            await _send(send, 304, headers, b"")
            return
        headers += [(b"content-type", file.media_type), (b"content-length", str(len(file.content)).encode())]
        await _send(send, 200, headers, file.content)


def _read(path: Path) -> File:
    content = path.read_bytes()
    media_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    return File(content, media_type.encode(), b'"%s"' % hashlib.sha256(content).hexdigest()[:32].encode())


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
