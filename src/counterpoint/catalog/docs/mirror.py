"""Documentation at an address: what `mkdocs.yml` and its pages lead to, fetched into a folder when somebody reads it.

Nothing can be listed at an address, so `mkdocs.yml` says which pages there are, and pages say which others
and which images. What was fetched is kept in the workspace and looked at again after a while; where the
address does not answer, the last copy is shown. Only hosts of `[catalog] read_hosts` are asked.
"""

import hashlib
import posixpath
import re
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urljoin

from counterpoint.catalog.addresses import is_allowed
from counterpoint.catalog.docs.site import CONFIGURATIONS, MARKDOWN, parse_configuration
from counterpoint.catalog.docs.source import REF, Missing, Place, Remote
from counterpoint.catalog.fetching import Fetcher
from counterpoint.yaml12.reader import UnreadError

__all__ = ["Mirrors"]

PAUSE = 60.0
"""Seconds after which an address is asked again."""
FILES = 200
"""Files of one site that are fetched."""
TOTAL = 20 * 1024 * 1024
"""Bytes of one site."""
SECONDS = 10.0
"""Longest time for one site."""
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")
_LINK = re.compile(r"\]\(\s*<?([^)\s<>#?]{1,500})|^\[[^\]]{1,200}\]:\s*<?([^\s<>#?]{1,500})", re.MULTILINE)


class Mirrors:
    """The copies of one workspace."""

    def __init__(self, folder: Path, hosts: Collection[str]) -> None:
        """Keep them below `folder`; ask these hosts only."""
        self._folder = folder
        self._hosts = tuple(hosts)
        self._asked: dict[str, tuple[float, Missing | None]] = {}
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def place(self, remote: Remote, *, fetch: bool) -> Place | Missing:
        """The folder of a copy; without `fetch` the one at hand, so that nobody waits for an address."""
        if not is_allowed(remote.address, self._hosts):
            return Missing(
                f"{REF} leads to {remote.address}, and its host is not in the setting [catalog] read_hosts.",
                f"Add the host there, or import a checkout of that repository and write {REF}: dir:. in its descriptor.",
                address=remote.named,
            )
        key = hashlib.sha256(remote.address.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        folder = self._folder / key / "site"
        missing = self._refreshed(remote, folder) if fetch else None
        if not folder.is_dir():
            return missing or Missing(
                f"{remote.address} has not been read yet.",
                "Open the documentation of the entity once.",
                address=remote.named,
            )
        descriptor = folder / "catalog-info.yaml"
        return Place(
            remote.ref, remote.title, folder, folder, descriptor, remote.start, address=remote.address
        )

    def _refreshed(self, remote: Remote, folder: Path) -> Missing | None:
        with self._lock:
            own = self._locks.setdefault(remote.address, threading.Lock())
        with own:  # two who come at once fetch once, and nobody waits for another address
            asked, missing = self._asked.get(remote.address, (-PAUSE, None))
            if time.monotonic() - asked < PAUSE:
                return missing
            missing = None
            try:
                _store(folder, _Visit(Fetcher(self._hosts), remote.address).files())
            except UnreadError as error:
                missing = Missing(
                    f"{remote.address} {error}.",
                    "Write mkdocs.yml there, or docs/index.md, and see that the address answers.",
                    address=remote.named,
                )
            self._asked[remote.address] = (time.monotonic(), missing)
            return missing


class _Visit:
    """One walk through a site at an address."""

    def __init__(self, fetcher: Fetcher, address: str) -> None:
        self.fetcher, self.address = fetcher, address
        self.end = time.monotonic() + SECONDS
        self.size = 0
        self.found: dict[str, bytes] = {}

    def files(self) -> dict[str, bytes]:
        """The content of each file by its path.

        Raises:
            UnreadError: there is no documentation.
        """
        configured: dict[str, Any] = {}
        for name in CONFIGURATIONS:
            if self.fetch(name):
                configured, _problem = parse_configuration(name, self.found[name])
                break
        named = configured.get("docs_dir")
        folder = _plain(named if isinstance(named, str) else "docs") or "docs"
        listed = list(_leaves(configured.get("nav"), 0))[: FILES * 2]
        waiting = [posixpath.join(folder, path) for path in ["index.md", *listed]]
        seen = set(waiting)
        while waiting and len(self.found) < FILES:
            path = waiting.pop(0)
            if self.fetch(path) and path.lower().endswith(MARKDOWN):
                new = [each for each in _linked(path, self.found[path]) if each not in seen]
                inside = [each for each in new if each.startswith(f"{folder}/")]
                seen.update(inside)
                waiting += inside
        if not any(path.lower().endswith(MARKDOWN) for path in self.found) and not self.fetch("README.md"):
            raise UnreadError(
                "holds no documentation that can be found: no page of mkdocs.yml, no docs/index.md"
            )
        return self.found

    def fetch(self, path: str) -> bool:
        """Whether a file is there now; one that is not is left out, and so is what goes beyond the limits.

        Raises:
            UnreadError: the address does not answer at all.
        """
        plain = _plain(path)
        if plain is None or time.monotonic() > self.end or self.size > TOTAL:
            return False
        try:
            content = self.fetcher.read(urljoin(self.address, quote(plain)))
        except UnreadError as error:
            if error.missing or self.found:
                return False
            raise
        self.size += len(content)
        if self.size <= TOTAL:
            self.found[plain] = content
        return self.size <= TOTAL


def _leaves(nav: Any, depth: int) -> Iterator[str]:
    """The pages that a `nav` names."""
    if isinstance(nav, str):
        if nav.lower().endswith(MARKDOWN) and ":" not in nav:
            yield nav.strip().lstrip("/")
    elif depth < 20 and isinstance(nav, list | dict):
        for each in nav if isinstance(nav, list) else nav.values():
            yield from _leaves(each, depth + 1)


def _linked(path: str, content: bytes) -> Iterator[str]:
    """Pages and images beside a page that it leads to."""
    for match in _LINK.finditer(content.decode("utf-8", "replace")):
        target = unquote(match[1] or match[2])
        if ":" in target or target.startswith("/") or not target.lower().endswith((*MARKDOWN, *IMAGES)):
            continue
        found = _plain(posixpath.join(posixpath.dirname(path), target))
        if found is not None:
            yield found


def _plain(path: str) -> str | None:
    """A path below the site; none where it leads out of it, is hidden, or is none."""
    found = posixpath.normpath(path.replace("\\", "/")).lstrip("/")
    parts = PurePosixPath(found).parts
    good = parts and len(found) <= 500 and found.isprintable()
    return found if good and not any(part.startswith(".") or len(part) > 200 for part in parts) else None


def _store(folder: Path, files: dict[str, bytes]) -> None:
    """Bring a folder to these files. What has not changed is left alone, so that it keeps its time."""
    for path, content in files.items():
        file = folder / path
        if file.is_file() and file.read_bytes() == content:
            continue
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(f".{file.name}.new")
            new.write_bytes(content)
            new.replace(file)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue  # one is a folder where another is a file: the first stays
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.relative_to(folder).as_posix() not in files:
            file.unlink(missing_ok=True)
