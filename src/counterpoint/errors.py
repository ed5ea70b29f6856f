"""Every error that a user can cause, by what it means rather than by who reports it.

    CounterpointError
    ├── InputError            what was given is wrong            400, exit 1
    │   └── UsageError        the command was called wrongly     400, exit 2
    ├── UnauthenticatedError  nobody is signed in                401
    ├── NotAllowedError       signed in, but not theirs          403
    ├── NotFoundError         no such thing                      404
    ├── ConflictError         the state does not allow it        409
    ├── PreconditionError     it changed since it was read       412
    ├── TooLargeError         more than the limit                413
    ├── OverloadedError       try again later                    429
    └── WorkspaceError        the workspace cannot be used       503, exit 1

The command line prints `str(error)` and each problem on a line of its own; the server turns the same
error into `application/problem+json` (RFC 9457). One function does each.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

__all__ = [
    "ConflictError",
    "CounterpointError",
    "Finding",
    "InputError",
    "NotAllowedError",
    "NotFoundError",
    "OverloadedError",
    "PreconditionError",
    "Problem",
    "Said",
    "TooLargeError",
    "UnauthenticatedError",
    "UsageError",
    "WorkspaceError",
    "escape",
]


Said = Annotated[str, "a text of ours"]
"""A text in our words, perhaps with names in it; doors tell it in the reader's words (see `said`)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input, with the place and, in the message, the remedy."""

    message: Said
    pointer: str = ""
    """RFC 6901 pointer into the document, such as `/spec/owner`."""
    file: str | None = None
    line: int | None = None
    """Counted from 1."""
    column: int | None = None
    """Counted from 1."""

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
            if self.column is not None:
                place += f":{self.column}"
        where = " ".join(part for part in (place, self.pointer) if part)
        return f"{where}: {self.message}" if where else self.message


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check of a workspace saw."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: Said
    remedy: Said = ""


def escape(key: str) -> str:
    """A key as a part of an RFC 6901 pointer."""
    return key.replace("~", "~0").replace("/", "~1") if "/" in key or "~" in key else key


class CounterpointError(Exception):
    """The base of all errors that say something to a user. `problems` names each place."""

    status = 500
    exit_code = 1
    title = "The operation failed"

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    @property
    def message(self) -> str:
        """What went wrong, in one line."""
        return str(self.args[0])


class InputError(CounterpointError):
    """What was given is wrong; the problems say where and what to do."""

    status = 400
    title = "The input is not valid"


class UsageError(InputError):
    """A command was called in a way that it does not support."""

    exit_code = 2
    title = "Wrong usage"


class UnauthenticatedError(CounterpointError):
    """Nobody is signed in, or the credentials are not known."""

    status = 401
    title = "Sign in first"


class NotAllowedError(CounterpointError):
    """The actor is known and may not do this."""

    status = 403
    title = "Not allowed"


class NotFoundError(CounterpointError):
    """There is no such thing, or none that the actor may see."""

    status = 404
    title = "Not found"


class ConflictError(CounterpointError):
    """The present state does not allow the change."""

    status = 409
    title = "Conflict"


class PreconditionError(CounterpointError):
    """The thing changed since the caller read it."""

    status = 412
    title = "It has changed in the meantime"


class TooLargeError(CounterpointError):
    """The input is larger than the limit that the message names."""

    status = 413
    title = "Too large"


class OverloadedError(CounterpointError):
    """There is more work queued than the limit; the same call may succeed later."""

    status = 429
    title = "Too much at once"

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds to wait."""


class WorkspaceError(CounterpointError):
    """The workspace cannot be opened or used; the message says why and what to do."""

    status = 503
    title = "The workspace cannot be used"
