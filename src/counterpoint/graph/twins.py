"""Keys of a descriptor that differ in their case only.

Filters ask for keys in lower case, so a document with both `spec.owner` and `spec.Owner` could not be
asked for either. Backstage keeps such an entity out of its catalog; so do we, and say where. The paths
are those by which an entity is filtered: keys joined by dots, lists left out, each text of a list a
path of its own.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from counterpoint.errors import Problem, escape

__all__ = ["twins_of"]

UNWALKED = frozenset({"metadata.name", "metadata.namespace", "metadata.uid", "metadata.etag"})


def twins_of(document: Mapping[str, Any], *, foreign: Collection[str] = ()) -> list[Problem]:
    """A problem for each path that another one differs from in its case only, at the second of the two.

    `foreign` fields of the spec hold documents of other standards, which tell their keys apart by case.
    """
    spec = document.get("spec")
    if foreign and isinstance(spec, dict):
        document = {**document, "spec": {key: value for key, value in spec.items() if key not in foreign}}
    if _cannot_have(document):
        return []
    paths: dict[str, str] = dict.fromkeys(("metadata.name", "metadata.namespace", "metadata.uid"), "")
    listed: set[str] = set()
    for path, pointer, in_list in _paths("", "", document):
        if in_list:
            if path.lower() in listed:
                continue
            listed.add(path.lower())
        paths.setdefault(path, pointer)
    first: dict[str, str] = {}
    problems = []
    if len({path.lower() for path in paths}) == len(paths):
        return []
    for path, pointer in paths.items():
        other = first.setdefault(path.lower(), path)
        if other != path:
            problems.append(
                Problem(
                    f"{path} differs from {other} in its case only; filters could not tell them apart.",
                    pointer,
                )
            )
    return problems


def _cannot_have(document: Mapping[str, Any]) -> bool:
    """Whether no two words that paths are made of differ in their case only, so that no two paths do; cheap."""
    parts: list[str] = ["metadata", "name", "namespace", "uid"]
    _gather(document, parts)
    text = ".".join(parts)
    return text.isascii() and len(set(text.split("."))) == len(set(text.lower().split(".")))


def _gather(value: Any, parts: list[str]) -> None:
    """Every key of a document, and every text in its lists."""
    if isinstance(value, dict):
        parts += value
        for item in value.values():
            if not isinstance(item, str):
                _gather(item, parts)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                parts.append(item)
            else:
                _gather(item, parts)


def _paths(path: str, pointer: str, value: Any) -> Iterator[tuple[str, str, bool]]:
    if isinstance(value, dict):
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            if below not in UNWALKED:
                yield from _paths(below, f"{pointer}/{escape(key)}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(path, f"{pointer}/{index}", item)
            if isinstance(item, str):
                yield f"{path}.{item}", f"{pointer}/{index}", True
    else:
        yield path, pointer, False
