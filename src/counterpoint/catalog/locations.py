"""Where descriptors are: files, folders, globs and checkouts, and what `Location` entities point to."""

import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterpoint.catalog.reader import Document
from counterpoint.catalog.remarks import Level, Remark
from counterpoint.errors import Problem

__all__ = [
    "Source",
    "annotations_of",
    "find_sources",
    "follow",
    "generated_location",
    "is_address",
    "is_inside",
    "location_of",
    "unread_descriptors",
]

NAMES = ("catalog-info.yaml", "catalog-info.yml")
SUFFIXES = (".yaml", ".yml")
SKIPPED = frozenset({"node_modules", "__pycache__"})
"""Folders that hold other people's files; hidden ones, `.git` among them, are skipped as well."""
DESCRIPTOR = re.compile(
    rb"""^["']?apiVersion["']?\s*:\s*["']?(backstage\.io|scaffolder\.backstage\.io|counterpoint\.dev)/""",
    re.MULTILINE,
)
HEAD = 64 * 1024
"""Bytes of a file in which a descriptor must show itself."""
WILDCARDS = re.compile(r"[*?\[]")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read."""

    path: Path
    """Absolute."""
    origin: Path
    """The file by which it was reached: itself, or the one that the user named."""
    root: Path
    """The folder outside of which nothing is read on behalf of this file."""


def location_of(path: Path) -> str:
    """How a file is written as a location: `file:/absolute/path`."""
    return f"file:{path}"


def generated_location(path: Path) -> dict[str, Any]:
    """The `Location` entity of a file that was imported, named as Backstage names those it is configured with."""
    location = location_of(path)
    digest = hashlib.sha1(location.encode(), usedforsecurity=False).hexdigest()
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Location",
        "metadata": {
            "name": f"generated-{digest}",
            "title": "/".join(path.parts[-2:]).removeprefix("//"),
            "annotations": annotations_of(path, path),
        },
        "spec": {"type": "file", "target": str(path)},
    }


def annotations_of(path: Path, origin: Path) -> dict[str, str]:
    """What every imported entity says about where it comes from."""
    return {
        "backstage.io/managed-by-location": location_of(path),
        "backstage.io/managed-by-origin-location": location_of(origin),
    }


def is_address(target: str) -> bool:
    """Whether a target is a URL and not a path."""
    return ADDRESS.match(target) is not None


def find_sources(target: str) -> Iterator[Source | Remark]:
    """The files that one argument of the command line stands for, in a fixed order."""
    path = Path(os.path.abspath(os.path.expanduser(target)))
    if is_address(target):
        yield Remark(
            "error", Problem("is an address; give a file, a folder or a checkout of it", file=target)
        )
    elif path.is_dir():
        failed: list[OSError] = []
        found = _in_folder(path, failed.append)
        yield from (_below(each, path) for each in found)
        for error in failed:
            yield Remark("error", Problem(f"cannot be read: {error.strerror}", file=str(error.filename)))
        if not found and not failed:
            message = "holds no catalog-info.yaml, and no other YAML file with an apiVersion of the catalog"
            yield Remark("error", Problem(message, file=target))
    elif path.is_file():
        yield Source(path, path, _checkout(path))
    elif WILDCARDS.search(target):
        yield from _matches(target, path)
    elif path.is_symlink():
        yield Remark("error", Problem(f"is a link to {os.readlink(path)}, which does not exist", file=target))
    elif os.path.lexists(path):
        yield Remark("error", Problem("is neither a file nor a folder", file=target))
    else:
        yield Remark("error", Problem("does not exist; give a file, a folder or a pattern", file=target))


def _below(path: Path, root: Path) -> Source | Remark:
    """A file that was found in a folder; not where it is a link that leads out of it."""
    if is_inside(path, root):
        return Source(path, path, root)
    return Remark("error", Problem(f"is a link that leads out of {root}; it was not read", file=str(path)))


def _matches(target: str, pattern: Path) -> Iterator[Source | Remark]:
    root = pattern
    while WILDCARDS.search(str(root)):
        root = root.parent
    found = [Path(each) for each in sorted(glob.glob(str(pattern), recursive=True))]
    files = [each for each in found if each.is_file() and not SKIPPED.intersection(each.parts)]
    for each in found:
        if each.is_dir() and not pattern.name.startswith("**"):
            files += _in_folder(each)
    yield from (Source(each, each, root) for each in dict.fromkeys(files))
    if not files:
        yield Remark("error", Problem("matches no file", file=target))


def _checkout(path: Path) -> Path:
    """The git checkout that a file is in, else its folder: a descriptor may point to its own repository."""
    return next((each for each in path.parents if (each / ".git").exists()), path.parent)


def _in_folder(folder: Path, failed: Callable[[OSError], None] | None = None) -> list[Path]:
    """The descriptors below a folder; `failed` is told of each folder that cannot be read."""
    files = list(_walk(folder, failed))
    named = [path for path in files if path.name in NAMES]
    return named or [path for path in files if _looks_like_descriptor(path)]


def unread_descriptors(folder: Path, read: Mapping[Path, Any]) -> list[Path]:
    """Files of a folder that look like descriptors and were not read, since nothing refers to them."""
    return [path for path in _walk(folder) if path not in read and _looks_like_descriptor(path)]


def _walk(folder: Path, failed: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """Every YAML file below a folder, in a fixed order; links to folders are not followed."""
    for parent, folders, files in os.walk(folder, onerror=failed):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        for name in sorted(files):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield Path(parent, name)


def _looks_like_descriptor(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return DESCRIPTOR.search(stream.read(HEAD)) is not None
    except OSError:
        return True  # reading it will say why it cannot be read


def follow(document: Document, source: Source) -> Iterator[Source | Remark]:
    """The files that a `Location` entity points to; relative paths start at its own file."""
    spec = document.value.get("spec")
    if not isinstance(spec, dict):
        return
    optional = spec.get("presence") == "optional"
    named = [("/spec/target", spec.get("target"))]
    if isinstance(spec.get("targets"), list):
        named += [(f"/spec/targets/{index}", target) for index, target in enumerate(spec["targets"])]
    for pointer, target in named:
        if isinstance(target, str) and target:
            for found in _targets(target, source, url=spec.get("type") == "url", optional=optional):
                yield found if isinstance(found, Source) else found.placed(document, pointer)


def _targets(target: str, source: Source, *, url: bool, optional: bool) -> Iterator[Source | Remark]:
    if is_address(target) or url:
        yield _remark("note", f"{target} was not read: addresses are not read yet, only files")
        return
    if not target.startswith((".", "/")):
        yield _remark(
            "note", f"{target} is read relative to this file; Backstage does so only for ./{target}"
        )
    path = Path(os.path.normpath(source.path.parent / target))
    if WILDCARDS.search(target):
        pattern = os.path.join(glob.escape(str(source.path.parent)), target)
        found = [Path(os.path.normpath(each)) for each in sorted(glob.glob(pattern, recursive=True))]
        found = [each for each in found if each.is_file() and not SKIPPED.intersection(each.parts)]
    elif path.is_dir() and is_inside(path, source.root):
        found = _in_folder(path)
    else:
        found = [path] if path.is_file() or not is_inside(path, source.root) else []
    outside = [each for each in found if not is_inside(each, source.root)]
    if outside:
        yield _remark(
            "error", f"{target} leads out of {source.root}, the folder that is imported; it was not read"
        )
    yield from (Source(each, source.origin, source.root) for each in found if each not in outside)
    if not found and not optional:
        yield _remark(
            "warning" if WILDCARDS.search(target) else "error",
            f"{target} matches no file; correct it, or set presence: optional",
        )


def is_inside(path: Path, root: Path) -> bool:
    """Whether a path, with all links followed, is in a folder."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _remark(level: Level, message: str) -> Remark:
    return Remark(level, Problem(message))
