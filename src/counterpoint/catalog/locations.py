"""Where descriptors are: files, folders, patterns, checkouts, addresses, and what `Location` entities point to."""

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterpoint.catalog.addresses import host_of, is_address, is_allowed, is_script, resolve
from counterpoint.catalog.fetching import not_allowed
from counterpoint.catalog.patterns import SKIPPED, WILDCARDS, matches
from counterpoint.catalog.remarks import Level, Remark
from counterpoint.catalog.verdicts import Fault
from counterpoint.errors import Problem
from counterpoint.yaml12.reader import Document

__all__ = [
    "ALLOWED",
    "Source",
    "annotations_of",
    "file_source",
    "find_sources",
    "follow",
    "generated_location",
    "generated_name",
    "is_inside",
    "location_of",
    "looks_like_descriptors",
    "shown_path",
    "unread_descriptors",
]

NAMES = ("catalog-info.yaml", "catalog-info.yml")
SUFFIXES = (".yaml", ".yml")
DESCRIPTOR = re.compile(
    rb"""^["']?apiVersion["']?\s*:\s*["']?(backstage\.io|scaffolder\.backstage\.io|counterpoint\.dev)/""",
    re.MULTILINE,
)
HEAD = 64 * 1024
"""Bytes of a file in which a descriptor must show itself."""
TOLD = 20
"""Targets of one `Location` that are named one by one where they cannot be read."""
FILE, URL = "file:", "url:"
ALLOWED = 'Registered locations must be of an allowed type ["url"]'
"""What Backstage says of a type that it does not read."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file or address to read."""

    location: str
    """`file:/absolute/path` or `url:https://...`."""
    origin: str
    """The location by which it was reached: its own, or the one that was named."""
    root: Path | None = None
    """The folder outside of which nothing is read on behalf of a file; none for an address."""
    optional: bool = False
    """Whether it is no problem if there is no such thing."""

    @property
    def kind(self) -> str:
        """`file` or `url`."""
        return self.location.partition(":")[0]

    @property
    def target(self) -> str:
        """The path or address itself."""
        return self.location.partition(":")[2]

    @property
    def path(self) -> Path | None:
        """The file; none for an address."""
        return Path(self.target) if self.location.startswith(FILE) else None

    @property
    def shown(self) -> str:
        """What problems call it."""
        return self.target if self.path is None else shown_path(self.path)


def location_of(path: Path) -> str:
    """How a file is written as a location: `file:/absolute/path`."""
    return f"{FILE}{path}"


def file_source(path: Path, root: Path, origin: str | None = None) -> Source:
    """A file that is named itself, or that was reached from the location `origin`."""
    location = location_of(path)
    return Source(location, origin or location, root)


def shown_path(path: Path) -> str:
    """A path as people write it: from the current folder where it is below that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def generated_name(location: str) -> str:
    """The name of a location's entity, as Backstage makes it: from the hash of `type:target`."""
    return f"generated-{hashlib.sha1(location.encode(), usedforsecurity=False).hexdigest()}"


def generated_location(location: str, name: str | None = None) -> dict[str, Any]:
    """The `Location` entity of a file or address that was named, or of a registered location called `name`."""
    kind, _, target = location.partition(":")
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Location",
        "metadata": {
            "name": name or generated_name(location),
            "annotations": annotations_of(location, location),
        },
        "spec": {"type": kind, "target": target},
    }


def annotations_of(location: str, origin: str) -> dict[str, str]:
    """What every imported entity says about where it comes from."""
    found = {
        "backstage.io/managed-by-location": location,
        "backstage.io/managed-by-origin-location": origin,
    }
    return found | (
        {"backstage.io/view-url": location[len(URL) :].strip()} if location.startswith(URL) else {}
    )


def find_sources(target: str, hosts: Collection[str] = ()) -> Iterator[Source | Remark]:
    """The files and addresses that one named target stands for, in a fixed order."""
    if is_address(target):
        yield _address(target, hosts)
        return
    path = Path(os.path.abspath(os.path.expanduser(target)))
    if path.is_dir():
        failed: list[OSError] = []
        found = _in_folder(path, failed.append)
        yield from (_below(each, path) for each in found)
        for error in failed:
            yield _unread(f"cannot be read: {error.strerror}", str(error.filename))
        if not found and not failed:
            yield _unread(
                "holds no catalog-info.yaml, and no other YAML file with an apiVersion of the catalog", target
            )
    elif path.is_file():
        yield file_source(path, _checkout(path))
    elif WILDCARDS.search(target):
        yield from _matches(target, path)
    elif path.is_symlink():
        yield _unread(f"is a link to {os.readlink(path)}, which does not exist", target)
    elif os.path.lexists(path):
        yield _unread("is neither a file nor a folder", target)
    else:
        yield _unread("does not exist; give a file, a folder or a pattern", target)


def _unread(message: str, file: str) -> Remark:
    return Remark("error", Problem(message, file=file), "unread")


def _address(target: str, hosts: Collection[str]) -> Source | Remark:
    if is_allowed(target, hosts):
        return Source(f"{URL}{target}", f"{URL}{target}")
    message = "is an address whose host is not in the setting [catalog] read_hosts; add it, or give a file, a folder or a checkout"
    return _unread(message, target)


def _below(path: Path, root: Path) -> Source | Remark:
    """A file that was found in a folder; not where it is a link that leads out of it."""
    if is_inside(path, root):
        return file_source(path, root)
    return _unread(f"is a link that leads out of {root}; it was not read", str(path))


def _matches(target: str, pattern: Path) -> Iterator[Source | Remark]:
    root = pattern
    while WILDCARDS.search(str(root)):
        root = root.parent
    found = matches(str(pattern))
    files = [each for each in found if each.is_file() and not SKIPPED.intersection(each.parts)]
    for each in found:
        if each.is_dir() and not pattern.name.startswith("**"):
            files += _in_folder(each)
    yield from (file_source(each, root) for each in dict.fromkeys(files))
    if not files:
        yield _unread("matches no file", target)


def _checkout(path: Path) -> Path:
    """The git checkout that a file is in, else its folder: a descriptor may point to its own repository."""
    return next((each for each in path.parents if (each / ".git").exists()), path.parent)


def _in_folder(folder: Path, failed: Callable[[OSError], None] | None = None) -> list[Path]:
    """The descriptors below a folder; `failed` is told of each folder that cannot be read."""
    files = list(_walk(folder, failed))
    named = [path for path in files if path.name in NAMES]
    return named or [path for path in files if _looks_like_descriptor(path)]


def unread_descriptors(folder: Path, read: Collection[str]) -> list[Path]:
    """Files of a folder that look like descriptors and whose locations were not read, since nothing refers to them."""
    return [path for path in _walk(folder) if location_of(path) not in read and _looks_like_descriptor(path)]


def _walk(folder: Path, failed: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """Every YAML file below a folder, in a fixed order; links to folders are not followed."""
    for parent, folders, files in os.walk(folder, onerror=failed):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        for name in sorted(files):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield Path(parent, name)


def looks_like_descriptors(data: bytes) -> bool:
    """Whether some document in it has an apiVersion of the catalog."""
    return DESCRIPTOR.search(data[:HEAD]) is not None


def _looks_like_descriptor(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return looks_like_descriptors(stream.read(HEAD))
    except OSError:
        return True  # reading it will say why it cannot be read


def follow(
    document: Document, source: Source, hosts: Collection[str] = (), *, strict: bool = False
) -> Iterator[Source | Remark]:
    """The files and addresses that a `Location` entity points to; relative ones start at its own place.

    With `strict` what Backstage cannot read is an error here, too.
    """
    spec = document.value.get("spec")
    if not isinstance(spec, dict):
        return
    optional = spec.get("presence") == "optional"
    named = [("/spec/target", spec.get("target"))]
    if isinstance(spec.get("targets"), list):
        named += [(f"/spec/targets/{index}", target) for index, target in enumerate(spec["targets"])]
    kind = spec.get("type") or source.kind
    if strict and kind not in {source.kind, "url"}:
        yield _remark("error", ALLOWED, Fault("InputError", ALLOWED)).placed(document, "/spec/type")
        return
    told = 0
    for pointer, target in named:
        if not isinstance(target, str) or not target:
            continue
        for found in _targets(target, source, kind=kind, optional=optional, strict=strict):
            if isinstance(found, Source) and (found.path is not None or is_allowed(found.target, hosts)):
                yield found
            elif isinstance(found, Source):
                why = (
                    "since its host is not in the setting [catalog] read_hosts"
                    if host_of(found.target)
                    else "since it is no address of the web; give http:// or https:// with a host, or a path"
                )
                message = f"{target} was not read, {why}"
                fault = Fault("Error", f"Unable to read url, {not_allowed(found.target)}")
                yield _remark("error" if strict else "note", message, fault).placed(document, pointer)
            elif (told := told + 1) <= TOLD:
                yield found.placed(document, pointer)
    if told > TOLD:
        yield _remark("error", f"{told - TOLD:,} more targets cannot be read").placed(
            document, "/spec/targets"
        )


def _targets(
    target: str, source: Source, *, kind: str, optional: bool, strict: bool
) -> Iterator[Source | Remark]:
    if is_script(target):
        yield _remark("error", f"{target} is a script and no place to read from; remove it")
    elif source.path is None:
        yield _from_address(target, source, kind, optional=optional)
    elif is_address(target) or kind == "url":
        if is_address(target):
            yield Source(f"{URL}{target}", source.origin, optional=optional)
        else:
            fault = Fault("Error", "Unable to read url, Invalid URL")
            yield _remark(
                "error", f"{target} is no address, which type: url asks for; write it in full", fault
            )
    elif strict and (problem := _unread_there(target, source.path)) is not None:
        yield problem
    else:
        yield from _files(target, source, source.path, optional=optional)


def _unread_there(target: str, path: Path) -> Remark | None:
    """Why Backstage cannot read a target that we can; none where it can."""
    if target.endswith("/"):
        what = f"LocationEntityProcessor cannot handle file type location with target {path} that ends with a path separator"
        return _remark("error", f"{target} is a folder; name its files", Fault("InputError", what))
    if not target.startswith((".", "/")):
        what = f"file {target} does not exist"
        return _remark(
            "error", f"{target} is no path; Backstage wants ./{target}", Fault("NotFoundError", what)
        )
    place = os.path.normpath(path.parent / target)
    if "\0" not in target and os.path.isdir(place):
        what = f"file {place} could not be read, Error: EISDIR: illegal operation on a directory, read"
        return _remark("error", f"{target} is a folder; name its files", Fault("Error", what))
    return None


def _from_address(target: str, source: Source, kind: str, *, optional: bool) -> Source | Remark:
    if kind != "url":
        message = f"{target} is a file, and what was read from an address may name addresses only"
        return _remark("error", message, Fault("InputError", ALLOWED))
    address = resolve(source.target, target)
    if WILDCARDS.search(target) and "*" in target:
        return _remark("error", f"{target} is a pattern; name each file, since addresses cannot be listed")
    return Source(f"{URL}{address}", source.origin, optional=optional)


def _files(target: str, source: Source, path: Path, *, optional: bool) -> Iterator[Source | Remark]:
    root = source.root or path.parent
    if not target.startswith((".", "/")):
        yield _remark(
            "note", f"{target} is read relative to this file; Backstage does so only for ./{target}"
        )
    place = Path(os.path.normpath(path.parent / target))
    if "\0" in target:
        found = []
    elif WILDCARDS.search(target):
        # What lies outside is not even looked at.
        fixed, slash, _ = WILDCARDS.split(target)[0].rpartition("/")
        start = os.path.normpath(path.parent / f"{fixed}{slash}")
        inside = is_inside(Path(start), root)
        found = matches(os.path.join(path.parent, target)) if inside else [Path(start)]
        found = [each for each in found if not inside or each.is_file()]
        found = [each for each in found if not SKIPPED.intersection(each.parts)]
    elif not is_inside(place, root):
        found = [place]
    elif place.is_dir():
        found = _in_folder(place)
    else:
        found = [place] if place.is_file() else []
    missing = Fault("NotFoundError", f"file {os.path.normpath(path.parent / target)} does not exist")
    outside = [each for each in found if not is_inside(each, root)]
    if outside:
        message = f"{target} leads out of {root}, the folder that is imported; it was not read"
        yield _remark("error", message, missing)
    yield from (file_source(each, root, source.origin) for each in found if each not in outside)
    if not found and not optional:
        yield _remark(
            "warning" if WILDCARDS.search(target) else "error",
            f"{target} matches no file; correct it, or set presence: optional",
            missing,
        )


def is_inside(path: Path, root: Path) -> bool:
    """Whether a path, with all links followed, is in a folder."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _remark(level: Level, message: str, fault: Fault | None = None) -> Remark:
    return Remark(level, Problem(message), "target", fault=fault)
