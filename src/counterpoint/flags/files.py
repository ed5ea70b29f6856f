"""Flag definitions from files: flagd's JSON or YAML, several files as one set, each problem with its line."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.flags.definition import Source, check, read
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.places import Places
from counterpoint.graph.flagd import flag_places
from counterpoint.yaml12.reader import Document, UnreadError, read_bytes, read_data

__all__ = ["STDIN", "merged", "read_definitions"]

STDIN = Path("-")
"""Stands for what is piped in."""
YAML = frozenset({".yaml", ".yml"})


def read_definitions(files: Sequence[Path], *, strict: bool = False) -> tuple[Source, tuple[Problem, ...]]:
    """The definition that the files hold together, with warnings about what they hold twice.

    A file is JSON or YAML, as flagd reads both: by its name, else by its first character.

    Raises:
        FlagSetError: a file cannot be read, is broken, or contradicts another; every problem names its file.
    """
    sources: list[Source] = []
    warnings: list[Problem] = []
    problems: list[Problem] = []
    for file in files:
        try:
            source, doubts = _read(file)
            check(source, strict=strict)
            sources.append(source)
            warnings += doubts
        except FlagSetError as error:
            if len(files) == 1:
                raise
            problems += error.problems
    if problems:
        raise FlagSetError("The flag definitions are refused as a whole. Nothing was changed.", problems)
    source, remarks = (sources[0], ()) if len(sources) == 1 else merged(sources)
    return source, (*warnings, *remarks)


def merged(sources: Sequence[Source]) -> tuple[Source, tuple[Problem, ...]]:
    """Several definitions as one; of a flag that is there twice the last counts, as in flagd.

    Where the files differ in their metadata, that goes to their flags, so that each answers as before.

    Raises:
        FlagSetError: they have different shared rules of one name.
    """
    flags: dict[tuple[str, Any], dict[str, Any]] = {}
    shared: dict[str, tuple[Any, Source]] = {}
    members: dict[str, Any] = {}
    warnings: list[Problem] = []
    problems: list[Problem] = []
    metadata = [source.document.get("metadata") or {} for source in sources]
    common = metadata[0] if all(each == metadata[0] for each in metadata) else {}
    for source in sources:
        document = source.document
        members |= {key: value for key, value in document.items() if key not in _MERGED}
        for key, flag, pointer in _flags(document, {} if common else document.get("metadata") or {}):
            identity = (key, (flag.get("metadata") or {}).get("flagSetId"))
            if identity in flags:
                message = f"The flag {key!r} is in another file as well; the last one counts."
                warnings.append(source.located(Problem(message, pointer)))
            flags[identity] = flag
        for name, rule in (document.get("$evaluators") or {}).items():
            pointer = f"/$evaluators/{escape(name)}"
            if name in shared and shared[name][0] != rule:
                message = (
                    f"The shared rule {name!r} is another one in {shared[name][1].file}. Rename one of them."
                )
                problems.append(source.located(Problem(message, pointer)))
            shared[name] = rule, source
    if problems:
        raise FlagSetError("The flag definitions contradict each other. Nothing was changed.", problems)
    definition: dict[str, Any] = {**members, **({"metadata": common} if common else {})}
    if shared:
        definition["$evaluators"] = {name: rule for name, (rule, _) in shared.items()}
    keys = [key for key, _ in flags]
    if len(set(keys)) < len(keys):
        definition["flags"] = [{"key": key, **flag} for (key, _), flag in flags.items()]
    else:
        definition["flags"] = {key: flag for (key, _), flag in flags.items()}
    return Source(definition), tuple(warnings)


_MERGED = frozenset({"flags", "$evaluators", "metadata"})


def _flags(document: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    """Key, flag and pointer of each flag, with the file's metadata beneath its own."""
    found = []
    for key, flag, pointer in flag_places(document):
        own = {name: value for name, value in flag.items() if name != "key"}
        if metadata:
            own["metadata"] = {**metadata, **(own.get("metadata") or {})}
        found.append((key, own, pointer))
    return found


def _read(file: Path) -> tuple[Source, tuple[Problem, ...]]:
    """A file's definition, and what of it was not taken as it was written."""
    suffix = file.suffix.lower()
    if file != STDIN and suffix == ".json":
        return read(file), ()
    name = "stdin" if file == STDIN else str(file)
    try:
        data = sys.stdin.buffer.read() if file == STDIN else read_bytes(file)
    except UnreadError as error:
        remedy = "Give the path of a flag definition in flagd's JSON or YAML, or - for what is piped in."
        raise FlagSetError(
            "The flag definition cannot be read. Nothing was changed.",
            [Problem(f"The file {error}. {remedy}", file=name)],
        ) from error
    if suffix not in YAML and data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in _JSON:
        try:
            return replace(read(data), file=name), ()
        except FlagSetError as error:
            raise FlagSetError(
                error.message, [replace(each, file=name) for each in error.problems]
            ) from error
    return _from_yaml(data, name)


_JSON = (b"{", b"[", b'"', b"/", b"")
"""How JSON begins, comments and nothing at all included: the reader of JSON has the better words for them."""


@dataclass(frozen=True, slots=True)
class _YamlPlaces(Places):
    """The places of a YAML document."""

    document: Document | None = None

    def of(self, pointer: str) -> tuple[int, int] | None:
        return self.document.position(pointer) if self.document else None


def _from_yaml(data: bytes, name: str) -> tuple[Source, tuple[Problem, ...]]:
    reading = read_data(data, name=name)
    problems = list(reading.problems)
    if not problems and len(reading.documents) != 1:
        count = len(reading.documents)
        problems = [Problem(f"The file has {count} YAML documents; a flag definition is one.", file=name)]
    if problems:
        raise FlagSetError("The flag definition cannot be read. Nothing was changed.", problems)
    (document,) = reading.documents
    return Source(document.value, name, _YamlPlaces({}, (), (), document)), document.doubts
