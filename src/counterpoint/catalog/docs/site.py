"""The documentation of one folder: `mkdocs.yml`, its pages, its navigation, its files.

Everything is read below one folder, links followed; hidden files are no part of it.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from counterpoint.catalog.docs.navigation import Entry, flat, index_rank, is_index, read_navigation
from counterpoint.catalog.docs.outline import title_in
from counterpoint.catalog.docs.source import Missing, Place
from counterpoint.catalog.locations import is_inside

__all__ = [
    "CONFIGURATIONS",
    "MARKDOWN",
    "MAX_BYTES",
    "MAX_PAGES",
    "PageFile",
    "Site",
    "open_site",
    "parse_configuration",
]

CONFIGURATIONS = ("mkdocs.yml", "mkdocs.yaml")
MAX_CONFIGURATION = 1024 * 1024
MAX_PAGES = 10_000
"""Pages of one site; more are left out, and this is told."""
MAX_ENTRIES = 100_000
"""Files and folders that are looked at in one site."""
MAX_BYTES = 8 * 1024 * 1024
"""Most that is read of one page."""
HEAD = 4_096
"""Bytes in which a page's title is looked for."""
DEEPEST = 20
SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})
MARKDOWN = (".md", ".markdown")
BUILT = "techdocs_metadata.json"
NAME = 200


@dataclass(frozen=True, slots=True)
class PageFile:
    """One page, as it is on disk."""

    path: str
    """Below the documentation, with slashes."""
    slug: str
    """What stands for it in addresses: `runbook` for `runbook.md`, empty for `index.md`."""
    size: int
    modified: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Site:
    """What can be read of one folder. It is a view of the disk as it was when it was opened."""

    place: Place
    folder: Path
    """The documentation itself: `docs_dir`."""
    name: str
    description: str
    pages: Mapping[str, PageFile]
    """By path."""
    configured: Any = None
    """The `nav` as it was written."""
    problems: tuple[str, ...] = ()
    only_readme: bool = False
    """Whether there is no documentation but the README beside the descriptor."""
    built: bool = False
    """Whether it was built elsewhere: HTML instead of Markdown."""
    mark: str = ""
    """Changes with `mkdocs.yml`."""
    titles: dict[str, str] = field(default_factory=dict, compare=False)

    @cached_property
    def stamp(self) -> str:
        """Changes when a page is added, removed or saved, or when `mkdocs.yml` is.

        A digest, since it is a part of the key of everything that is kept of the site, each of its pages among it.
        """
        pages = [(each.path, each.size, each.modified) for each in self.pages.values()]
        text = repr((self.place, self.folder, self.name, self.mark, pages))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def slugs(self) -> dict[str, str]:
        """The path of each page by its slug."""
        return {page.slug: page.path for page in self.pages.values()}

    @cached_property
    def _navigation(self) -> tuple[tuple[Entry, ...], list[str]]:
        return read_navigation(self.configured, self.pages, self.title_of)

    @property
    def navigation(self) -> tuple[Entry, ...]:
        """The way through the pages."""
        return self._navigation[0]

    @property
    def navigation_problems(self) -> list[str]:
        """What is wrong with the `nav`."""
        return self._navigation[1]

    @cached_property
    def order(self) -> list[Entry]:
        """The pages of the navigation in reading order, each once."""
        return list({entry.page: entry for entry in reversed(list(flat(self.navigation)))}.values())[::-1]

    @property
    def unlisted(self) -> list[str]:
        """Pages that the navigation does not name."""
        listed = {entry.page for entry in self.order}
        return [path for path in self.pages if path not in listed]

    @property
    def home(self) -> str:
        """The first page: the index, else the first of the navigation."""
        if "" in self.slugs:
            return self.slugs[""]
        return self.order[0].page if self.order else next(iter(self.pages))

    def title_of(self, path: str) -> str:
        """What a page is called by itself: front matter, first heading, else the name of its file."""
        if path not in self.titles:
            self.titles[path] = title_in(self._head(path)) or _words(path, self.name)
        return self.titles[path]

    def _head(self, path: str) -> str:
        return "" if self.built else self.content(path, HEAD).decode("utf-8-sig", "replace")

    def read(self, path: str) -> str:
        """The text of a page; empty where it cannot be read any more."""
        return self.content(path, MAX_BYTES).decode("utf-8-sig", "replace").replace("\0", "\ufffd")

    def content(self, path: str, most: int) -> bytes:
        """The beginning of a file; empty where it cannot be read any more.

        A file may be changed while it is looked at, into a link that leads out or a pipe that never ends. So
        what was opened is read only if it is what stands inside of the documentation still.
        """
        file = self.file(path)
        if file is None:
            return b""
        try:
            opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return b""
        with os.fdopen(opened, "rb") as stream:
            try:
                now = self.file(path)
                if now is None or not os.path.samestat(os.fstat(opened), now.stat()):
                    return b""
                return stream.read(most)
            except OSError:
                return b""

    def file(self, path: str) -> Path | None:
        """A file of the documentation; none where there is none, or where it is hidden or leads out."""
        parts = PurePosixPath(path).parts
        if not parts or "\0" in path or path.startswith("/"):
            return None
        if any(part == ".." or part.startswith(".") or part in SKIPPED for part in parts):
            return None
        file = self.folder.joinpath(*parts)
        try:
            real = file.resolve(strict=True)
            regular = stat.S_ISREG(real.stat().st_mode)
        except (OSError, RuntimeError, ValueError):
            return None
        inside = real.is_relative_to(self.folder) and not any(
            part.startswith(".") for part in real.relative_to(self.folder).parts
        )
        return real if regular and inside else None


def open_site(place: Place) -> Site | Missing:
    """Look at a folder: which pages there are, and what `mkdocs.yml` says of them."""
    built = place.folder / BUILT
    if not (place.folder / "mkdocs.yml").exists() and built.is_file() and is_inside(built, place.root):
        return _built(place, built)
    configuration, problems, mark = _configuration(place)
    name = _line(configuration.get("site_name")) or place.title
    named = configuration.get("docs_dir")
    folder = _documents(place, named if isinstance(named, str) and "\0" not in named else "docs")
    if isinstance(folder, Missing):
        readme = _readme(place)
        if readme is None or named:
            return folder
        return Site(
            place, place.folder, name, "", {readme.path: readme}, None, tuple(problems), only_readme=True
        )
    pages, more = _pages(folder, MARKDOWN)
    if not pages:
        readme = _readme(place)
        if readme is None:
            return Missing(f"{folder} holds no Markdown.", f"Write {folder.name}/index.md.")
        return Site(
            place, place.folder, name, "", {readme.path: readme}, None, tuple(problems), only_readme=True
        )
    if more:
        problems.append(f"{folder.name} holds more than {MAX_PAGES:,} pages or files; the rest is left out")
    description = _line(configuration.get("site_description"))
    return Site(place, folder, name, description, pages, configuration.get("nav"), tuple(problems), mark=mark)


def _documents(place: Place, named: str) -> Path | Missing:
    folder = place.folder / named
    if not is_inside(folder, place.root):
        return Missing(
            f"docs_dir is {named}, which leads out of {place.root}, the folder that was imported; it was not read.",
            "Name a folder inside of it.",
        )
    if not folder.is_dir():
        return Missing(
            f"{place.folder} holds no folder {named}.",
            f"Write {named}/index.md, in Markdown, beside the descriptor.",
        )
    return folder.resolve()


def _readme(place: Place) -> PageFile | None:
    for name in ("README.md", "readme.md", "Readme.md", "index.md"):
        file = place.folder / name
        if file.is_file() and is_inside(file, place.folder):
            status = file.stat()
            return PageFile(name, "", status.st_size, status.st_mtime)
    return None


def _pages(folder: Path, suffixes: tuple[str, ...]) -> tuple[dict[str, PageFile], bool]:
    """The pages below a folder, in order of their paths, and whether there are more than the most."""
    found: dict[str, PageFile] = {}
    for looked, (path, status) in enumerate(_walk(folder)):
        if looked >= MAX_ENTRIES or len(found) >= MAX_PAGES:
            return _slugged(found), True
        if path.lower().endswith(suffixes):
            found[path] = PageFile(path, "", status.st_size, status.st_mtime)
    return _slugged(found), False


def _walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file that is not hidden; links to folders are not followed, nor links to files that lead out."""
    for parent, folders, files in os.walk(folder):
        below = PurePosixPath(Path(parent).relative_to(folder).as_posix())
        deep = len(below.parts) >= DEEPEST
        folders[:] = [] if deep else sorted(each for each in folders if not _hidden(each))
        for name in sorted(files):
            file = Path(parent, name)
            if _hidden(name) or (file.is_symlink() and not is_inside(file, folder)):
                continue
            try:
                status = file.stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield (below / name).as_posix(), status


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in SKIPPED


def _slugged(pages: dict[str, PageFile]) -> dict[str, PageFile]:
    """Each page with its slug. Where two would share one, the index of the folder has it."""
    slugs: dict[str, str] = {}
    used: set[str] = set()
    for path in sorted(pages, key=lambda each: (index_rank(each), each)):
        bare = path.rpartition(".")[0]
        short = bare.rpartition("/")[0] if is_index(path) else bare
        slugs[path] = next((each for each in (short, bare) if each not in used), path)
        used.add(slugs[path])
    return {path: replace(page, slug=slugs[path]) for path, page in pages.items()}


def _built(place: Place, file: Path) -> Site | Missing:
    """A site that was built elsewhere, as TechDocs' own builder leaves it."""
    try:
        with file.open("rb") as stream:
            text = stream.read(MAX_CONFIGURATION)
        described = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - JSON is YAML; it makes texts only
    except (OSError, yaml.YAMLError, RecursionError):
        described = {}
    described = described if isinstance(described, dict) else {}
    pages, _more = _pages(place.folder, (".html",))
    pages = {path: page for path, page in pages.items() if path != "404.html"}
    if not pages:
        return Missing(
            f"{place.folder} holds {BUILT} and no page.", "Build it again with techdocs-cli generate."
        )
    name = _line(described.get("site_name")) or place.title
    return Site(place, place.folder, name, _line(described.get("site_description")), pages, built=True)


class _Loader(yaml.CSafeLoader):
    """Plain values only: of a tag such as `!!python/name:` nothing is read but that it is there."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge nothing: merges of merges grow without bound, and no navigation needs them."""


_Loader.add_multi_constructor("", lambda loader, suffix, node: None)


def _configuration(place: Place) -> tuple[dict[str, Any], list[str], str]:
    """What `mkdocs.yml` says, what is wrong with it, and a mark of its text; without one, nothing."""
    for name in CONFIGURATIONS:
        file = place.folder / name
        if file.is_file() and is_inside(file, place.root):
            break
    else:
        return {}, [], ""
    try:
        with file.open("rb") as stream:
            text = stream.read(MAX_CONFIGURATION + 1)
    except OSError as error:
        return {}, [f"{name} cannot be read: {error.strerror or error}"], ""
    mark = hashlib.sha256(text).hexdigest()
    value, problem = parse_configuration(name, text)
    return value, [f"{problem}; the pages are shown in the order of files"] if problem else [], mark


def parse_configuration(name: str, text: bytes) -> tuple[dict[str, Any], str]:
    """What a `mkdocs.yml` says, and what is wrong with it."""
    if len(text) > MAX_CONFIGURATION:
        return {}, f"{name} is larger than 1 MB"
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return {}, f"{name}, line {line}: {error.problem}"
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}, f"{name} is not valid YAML"
    if value and not isinstance(value, dict):
        return {}, f"{name} is no mapping"
    return value or {}, ""


def _line(value: Any) -> str:
    """A name as it was written; nothing where it is no text, since printing others may have no end."""
    return " ".join(str(value).split())[:NAME] if isinstance(value, str | int | float) else ""


def _words(path: str, site: str) -> str:
    stem = path.rpartition("/")[2].rpartition(".")[0]
    if is_index(path):
        stem = path.rpartition("/")[0].rpartition("/")[2] or site
    text = stem.replace("-", " ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]
