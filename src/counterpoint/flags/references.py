"""Where code names flags: file and line of each key, in folders and checkouts."""

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from counterpoint.errors import InputError, Problem

__all__ = ["Place", "find_references"]

MAX_BYTES: Final = 2 * 1024 * 1024
"""Of a file that is read; larger ones are data."""
MOST_PLACES: Final = 200
"""Places of one flag that are kept."""
SKIPPED: Final = frozenset((
    ".git", ".hg", ".svn", ".tox", ".venv", "venv", "node_modules", "__pycache__", "dist", "build", "target",
    ".mypy_cache", ".ruff_cache", ".pytest_cache",
))  # fmt: skip
"""Folders without code of one's own, where no `.gitignore` can say so."""
_WORD: Final = re.compile(rb"[\w-]+")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
_DEFINITION: Final = re.compile(rb'"(?:defaultVariant|variants)"\s*:')


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line that names a flag."""

    file: str
    line: int
    """Counted from 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def find_references(paths: Iterable[Path], keys: Collection[str]) -> dict[str, list[Place]]:
    """The places that name each flag, by key, for all keys; at most `MOST_PLACES` of each.

    In a git checkout git says which files there are, so that what `.gitignore` names is left out. Flag
    definitions, binary and very large files are left out too. A key is found as a whole word only:
    `new-home` is not in `new-home-2`.

    Raises:
        InputError: a path does not exist.
    """
    found: dict[str, list[Place]] = {key: [] for key in keys}
    plain = {key.encode(): key for key in keys if _PLAIN.fullmatch(key)}
    others = {key.encode(): key for key in keys if key and not _PLAIN.fullmatch(key)}
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise InputError(
                "The code cannot be searched.", [Problem("There is no such file or folder.", file=str(path))]
            )
        for file in _files(path):
            if (real := file.resolve()) in seen:
                continue
            seen.add(real)
            for key, lines in _in_file(file, plain, others).items():
                room = MOST_PLACES - len(found[key])
                found[key] += [Place(str(file), line) for line in lines[:room]]
    return {key: sorted(places) for key, places in found.items()}


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    listed = _listed_by_git(path)
    if listed is not None:
        yield from listed
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if name not in SKIPPED)
        if Path(folder) != path and ".git" in names:
            names.clear()
        inside = _listed_by_git(Path(folder)) if (Path(folder) / ".git").exists() else None
        if inside is not None:
            names.clear()
            yield from inside
            continue
        yield from (Path(folder) / name for name in sorted(files))


def _listed_by_git(folder: Path) -> list[Path] | None:
    """The files of a checkout that are not ignored; None where this is none, or there is no git."""
    command = ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return [folder / os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def _in_file(file: Path, plain: Mapping[bytes, str], others: Mapping[bytes, str]) -> dict[str, list[int]]:
    """The lines of a file that name each flag."""
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_BYTES:
            return {}
        content = file.read_bytes()
    except OSError:
        return {}
    if b"\0" in content[:8192] or (file.suffix == ".json" and _DEFINITION.search(content)):
        return {}
    named = plain.keys() & set(_WORD.findall(content))
    odd = {key for key in others if key in content}
    if not named and not odd:
        return {}
    lines: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(content.split(b"\n"), 1):
        for key in named.intersection(_WORD.findall(line)) if named else ():
            lines[plain[key]].append(number)
        for key in odd:
            if key in line and _stands_alone(key, line):
                lines[others[key]].append(number)
    return lines


def _stands_alone(key: bytes, line: bytes) -> bool:
    """Whether a key is in a line and no letter, digit or dash goes on before or after it."""
    return re.search(rb"(?<![\w-])" + re.escape(key) + rb"(?![\w-])", line) is not None
