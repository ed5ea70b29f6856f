"""The way through a site: the `nav` of `mkdocs.yml`, or the order of its files."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Entry", "default_navigation", "flat", "index_rank", "is_index", "read_navigation", "scheme_of"]

DEEPEST = 8
MOST = 10_000
"""Entries of one navigation."""
EXTERNAL = frozenset({"http", "https", "mailto"})
INDEXES = ("index.md", "README.md", "readme.md", "index.html")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation: a page, a link elsewhere, or a group."""

    title: str
    page: str = ""
    """Path of the page below the documentation; empty for groups and links."""
    address: str = ""
    children: tuple["Entry", ...] = ()

    def holds(self, page: str) -> bool:
        """Whether a page is this one, or in this group."""
        return bool(page) and (self.page == page or any(child.holds(page) for child in self.children))


def is_index(path: str) -> bool:
    """Whether a page stands for its folder."""
    return path.rpartition("/")[2] in INDEXES


def index_rank(path: str) -> int:
    """The order in which pages stand for their folder; those that do not come last."""
    name = path.rpartition("/")[2]
    return INDEXES.index(name) if name in INDEXES else len(INDEXES)


def flat(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """The pages of a navigation, in reading order."""
    for entry in entries:
        if entry.page:
            yield entry
        yield from flat(entry.children)


def default_navigation(pages: Collection[str], title_of: Callable[[str], str]) -> tuple[Entry, ...]:
    """Without a `nav`: the index first, then files by name, then folders as groups."""
    tree: dict[str, Any] = {}
    for path in sorted(pages, key=lambda each: (index_rank(each), each.lower(), each)):
        folder = tree
        parts = PurePosixPath(path).parts
        for part in parts[: min(len(parts) - 1, DEEPEST)]:
            folder = folder.setdefault(f"{part}/", {})
        folder[path] = None
    return _of_tree(tree, title_of)


def _of_tree(tree: dict[str, Any], title_of: Callable[[str], str]) -> tuple[Entry, ...]:
    pages = tuple(Entry(title_of(name), name) for name, below in tree.items() if below is None)
    groups = tuple(
        Entry(_words(name), children=_of_tree(below, title_of))
        for name, below in tree.items()
        if below is not None
    )
    return pages + groups


def _words(folder: str) -> str:
    text = folder.rstrip("/").replace("-", " ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]


class _Reading:
    """Reads one `nav`; what is wrong with it is gathered in `problems`."""

    def __init__(self, pages: Collection[str], title_of: Callable[[str], str]) -> None:
        self.pages = pages
        self.title_of = title_of
        self.problems: list[str] = []
        self.count = 0

    def entries(self, items: list[Any], depth: int) -> tuple[Entry, ...]:
        if depth > DEEPEST:
            self.problems.append(f"nav is nested deeper than {DEEPEST} levels; what is deeper is left out")
            return ()
        found = []
        for item in items:
            self.count += 1
            if self.count > MOST:
                if self.count == MOST + 1:
                    self.problems.append(f"nav has more than {MOST:,} entries; the rest is left out")
                break
            found += [entry for entry in self._entry(item, depth) if entry]
        return tuple(found)

    def _entry(self, item: Any, depth: int) -> Iterator[Entry | None]:
        if isinstance(item, str):
            yield self._leaf("", item)
        elif isinstance(item, dict):
            for title, value in list(item.items())[:MOST]:
                if isinstance(value, str):
                    yield self._leaf(str(title), value)
                elif isinstance(value, list):
                    children = self.entries(value, depth + 1)
                    yield Entry(str(title)[:200], children=children) if children else None
                else:
                    self.problems.append(f"nav: {str(title)[:80]!r} names no page; write a path of a page")
        else:
            self.problems.append("nav: an entry is neither a path nor a title with a path; it is left out")

    def _leaf(self, title: str, target: str) -> Entry | None:
        if scheme_of(target) in EXTERNAL:
            return Entry((title or target)[:200], address=target)
        path = target.strip().lstrip("/").removeprefix("./")
        if path in self.pages:
            return Entry(title[:200] or self.title_of(path), path)
        self.problems.append(
            f"nav names {target[:200]}, and there is no such page; correct it, or write the page"
        )
        return None


def scheme_of(text: str) -> str:
    """The scheme of an address; empty where it has none or is none."""
    try:
        return urlsplit(text.strip()).scheme.lower()
    except ValueError:
        return ""


def read_navigation(
    items: Any, pages: Collection[str], title_of: Callable[[str], str]
) -> tuple[tuple[Entry, ...], list[str]]:
    """The entries of a `nav`, and what is wrong with it; without a usable one the default, from the files."""
    if items is None:
        return default_navigation(pages, title_of), []
    if not isinstance(items, list):
        return default_navigation(pages, title_of), [
            "nav is no list; the pages are shown in the order of files"
        ]
    reading = _Reading(pages, title_of)
    entries = reading.entries(items, 1)
    if not any(flat(entries)):
        return default_navigation(pages, title_of), reading.problems
    return entries, reading.problems
