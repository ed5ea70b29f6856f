"""The copy of a flag set on this machine's disk, for a start without the server."""

import contextlib
import logging
import os
import tempfile
from pathlib import Path

import msgspec

from counterpoint.openfeature.connection import Fetched

__all__ = ["PersistedCopy"]

log = logging.getLogger("counterpoint.openfeature")
FORMAT = 1


class _Content(msgspec.Struct, rename="camel"):
    """What the file holds. No token is in it."""

    format: int
    url: str
    flag_set: str
    bucketing: str
    etag: str
    definition: msgspec.Raw


class PersistedCopy:
    """One file that holds the last good definition. Several processes may share it."""

    def __init__(self, file: Path, url: str, flag_set: str) -> None:
        self.file = file
        self._url = url
        self._flag_set = flag_set
        self._complained = False

    def read(self) -> Fetched | None:
        """The copy; None where there is none, or none of this set and server."""
        try:
            found = msgspec.json.decode(self.file.read_bytes(), type=_Content)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, ValueError, RecursionError) as error:
            self.ignore(str(error))
            return None
        if found.format != FORMAT:
            self.ignore(f"it has format {found.format}, this version reads {FORMAT}")
        elif (found.url, found.flag_set) != (self._url, self._flag_set):
            self.ignore(f"it is of the flag set {found.flag_set!r} at {found.url}")
        else:
            return Fetched(bytes(found.definition), found.bucketing, found.etag)
        return None

    def ignore(self, reason: str) -> None:
        """Say that the copy cannot be used."""
        log.warning("The persisted flag set %s is ignored: %s.", self.file, reason)

    def write(self, fetched: Fetched) -> None:
        """Replace the copy as a whole: a reader sees the old one or the new one, whenever we are stopped."""
        content = _Content(
            FORMAT,
            self._url,
            self._flag_set,
            fetched.bucketing,
            fetched.etag,
            msgspec.Raw(fetched.definition),
        )
        try:
            self._replace(msgspec.json.encode(content))
        except OSError as error:
            if not self._complained:
                log.warning("The flag set cannot be kept in %s: %s.", self.file, error.strerror or error)
            self._complained = True

    def _replace(self, content: bytes) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{self.file.name}.", suffix=".part", dir=self.file.parent)
        try:
            with os.fdopen(handle, "wb") as made:
                made.write(content)
                made.flush()
                os.fsync(made.fileno())
            os.replace(name, self.file)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
