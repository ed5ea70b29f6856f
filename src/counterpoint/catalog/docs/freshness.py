"""When documentation was changed: by the history of its checkout, else by its files.

One `git log` tells of a whole site. It is asked again only when the checkout has moved or a page was saved.
"""

import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from counterpoint.catalog.docs.site import Site

__all__ = ["Freshness", "history_mark", "read_freshness"]

SECONDS = 5
OUTPUT = 8 * 1024 * 1024
STALE_DAYS = 90
"""Days by which code may be newer than its documentation before a page says so."""
QUIET = (
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false",
    "-c", "protocol.allow=never",
)  # fmt: skip
"""A checkout's own settings may name programs; none of them is run."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """When the pages of a site were changed."""

    pages: dict[str, datetime] = field(default_factory=dict)
    code: datetime | None = None
    """The last change of what is documented; none where there is no history of it."""
    by_history: bool = False
    """Whether the times are those of commits; else those of files."""

    @property
    def newest(self) -> datetime | None:
        """The last change of any page."""
        return max(self.pages.values(), default=None)

    @property
    def lag_days(self) -> int:
        """Days by which the code is newer than the newest page; 0 where it is not."""
        if self.code is None or self.newest is None:
            return 0
        return max(0, (self.code - self.newest).days)

    @property
    def is_behind(self) -> bool:
        """Whether the code has been changed long after the documentation."""
        return self.lag_days > STALE_DAYS


def history_mark(site: Site) -> tuple[int, int]:
    """Changes when somebody commits to the checkout that holds a site, or changes its branch."""
    checkout = _checkout(site.folder)
    if checkout is None:
        return 0, 0
    for name in (".git/logs/HEAD", ".git/HEAD", ".git"):
        try:
            status = (checkout / name).stat()
        except OSError:
            continue
        return status.st_mtime_ns, status.st_size
    return 0, 0


def read_freshness(site: Site) -> Freshness:
    """When each page was changed; pages that no commit holds have the time of their file."""
    times = {path: datetime.fromtimestamp(page.modified, UTC) for path, page in site.pages.items()}
    checkout = _checkout(site.folder)
    if checkout is None:
        return Freshness(times)
    committed = _committed(checkout, site.folder)
    if not committed:
        return Freshness(times)
    inside = site.folder.relative_to(checkout).as_posix()
    start = "" if inside == "." else f"{inside}/"
    for path in times:
        at = committed.get(start + path)
        if at is not None:
            times[path] = datetime.fromtimestamp(at, UTC)
    return Freshness(times, None if site.only_readme else _code_changed(checkout, site), by_history=True)


def _checkout(folder: Path) -> Path | None:
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def _committed(checkout: Path, folder: Path) -> dict[str, int]:
    """Seconds since 1970 of the newest commit of each file below a folder, by path below the checkout."""
    listing = ("log", "--format=%x01%ct", "--name-only", "-z", "--no-renames", "--", f":(literal){folder}")
    found: dict[str, int] = {}
    at = 0
    for piece in _git(checkout, *listing).replace("\x01", "\0\x01").split("\0"):
        text = piece.strip("\n")
        if text.startswith("\x01"):
            at = int(text[1:]) if text[1:].isdigit() else at
        elif text:
            found.setdefault(text, at)
    return found


def _code_changed(checkout: Path, site: Site) -> datetime | None:
    """The last commit to what stands beside the documentation, which the descriptor speaks for."""
    around = site.place.folder
    if site.folder == around:
        return None
    without = (f":(exclude,literal){site.folder}", ":(exclude,glob)**/*.md")
    output = _git(checkout, "log", "-1", "--format=%ct", "--", f":(literal){around}", *without).strip()
    return datetime.fromtimestamp(int(output), UTC) if output.isdigit() else None


def _git(checkout: Path, *arguments: str) -> str:
    """What git says; empty where it is not installed, fails, or takes too long."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    try:
        done = subprocess.run(
            ["git", "--no-pager", *QUIET, *arguments],
            cwd=checkout,
            capture_output=True,
            timeout=SECONDS,
            check=True,
            env=environment,
        )
    except (subprocess.SubprocessError, OSError):
        return ""
    return done.stdout[:OUTPUT].decode("utf-8", "replace")
