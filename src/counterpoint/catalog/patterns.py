"""Files that match a pattern: `*`, `?`, `[...]`, `{a,b}` and `**` for any number of folders.

Links to folders are not followed and other people's folders are left out, so a pattern ends whatever
the file system holds.
"""

import os
import re
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path

__all__ = ["SKIPPED", "WILDCARDS", "matches"]

SKIPPED = frozenset({"node_modules", "__pycache__"})
"""Folders that hold other people's files; hidden ones, `.git` among them, are skipped as well."""
WILDCARDS = re.compile(r"[*?\[{]")
MOST_BRACES = 100
"""Patterns that `{a,b}` may unfold into."""


def matches(pattern: str) -> list[Path]:
    """Files and folders that match an absolute pattern, sorted, each once."""
    found: dict[Path, None] = {}
    for each in _unfold(pattern):
        parts = tuple(part for part in each.split("/") if part not in ("", "."))
        found |= dict.fromkeys(_below(Path("/"), parts, set()))
    return sorted(found)


def _unfold(pattern: str) -> list[str]:
    """The pattern without braces, once for each choice; what is no choice is left as it is."""
    done: list[str] = []
    waiting = [pattern]
    while waiting and len(done) + len(waiting) <= MOST_BRACES:
        text = waiting.pop(0)
        match = re.search(r"\{([^{}/]*,[^{}/]*)\}", text)
        if match is None:
            done.append(text)
        else:
            waiting += [
                text[: match.start()] + choice + text[match.end() :] for choice in match[1].split(",")
            ]
    return done


def _below(folder: Path, parts: tuple[str, ...], seen: set[tuple[Path, int]]) -> Iterator[Path]:
    """What matches the parts from a folder on; `seen` keeps several `**` from asking the same twice."""
    if (folder, len(parts)) in seen:
        return
    seen.add((folder, len(parts)))
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _any_depth(folder, rest, seen)
    elif part == "..":
        yield from _below(Path(os.path.normpath(folder / "..")), rest, seen)
    elif WILDCARDS.search(part):
        fits = re.compile(translate(part)).match
        for entry in _entries(folder):
            if not fits(entry.name) or entry.name.startswith(".") > part.startswith("."):
                continue
            if not rest or (entry.name not in SKIPPED and entry.is_dir(follow_symlinks=False)):
                yield from _below(folder / entry.name, rest, seen)
    elif os.path.lexists(folder / part):
        yield from _below(folder / part, rest, seen)


def _any_depth(folder: Path, rest: tuple[str, ...], seen: set[tuple[Path, int]]) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if rest:
            yield from _below(here, rest, seen)
        for entry in _entries(here):
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name not in SKIPPED:
                    waiting.append(here / entry.name)
            elif not rest and not entry.name.startswith("."):
                yield here / entry.name


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
