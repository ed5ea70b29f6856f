"""Checks an entity as if it had been read from a location: its envelope, its fields, what it points to."""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from counterpoint.catalog.addresses import parse_location
from counterpoint.catalog.fetching import Fetcher
from counterpoint.catalog.gathering import Gathering
from counterpoint.catalog.locations import Source, follow
from counterpoint.catalog.placeholders import resolve_placeholders
from counterpoint.errors import InputError, Problem
from counterpoint.graph import Graph
from counterpoint.graph.descriptor import ref_of, validate
from counterpoint.yaml12.reader import Document, UnreadError

__all__ = ["Fault", "try_entity"]

TARGETS = 1_000
"""Targets of a `Location` that are read to try it."""
ENVELOPE = (("apiVersion", "/apiVersion"), ("kind", "/kind"), ("metadata", "/metadata"))


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, as the API says it."""

    name: str
    message: str
    cause: "Fault | None" = None


def try_entity(graph: Graph, body: Any, *, hosts: Collection[str]) -> list[Fault]:
    """What is wrong with `{"entity": ..., "location": "url:..."}`; empty where it would be taken."""
    if not isinstance(body, dict) or not body:
        return [Fault("InputError", "Expected body to be a JSON object" if body else "Empty request body")]
    location = body.get("location")
    if not isinstance(location, str):
        return [Fault("InputError", "Malformed request: location must be text")]
    entity = body.get("entity")
    wrong = next(_envelope(entity), None)
    if wrong is not None or not isinstance(entity, dict):
        return [Fault("TypeError", wrong or "")]
    try:
        kind, target = parse_location(location)
    except InputError as error:
        return [Fault("TypeError", error.message)]
    if kind != "url":
        message = (
            f"Invalid location ref {location}, only 'url:<target>' is supported, e.g. url:https://host/path"
        )
        return [Fault("TypeError", message)]
    source = Source(f"url:{target}", f"url:{target}")
    gathering = Gathering(Fetcher(hosts), unknown_kinds=graph.unknown_kinds)
    return list(_faults(entity, source, gathering))


def _envelope(entity: Any) -> Iterator[str]:
    """What keeps an entity from having a reference at all, in Ajv's words."""
    if not isinstance(entity, dict):
        yield "<root> must be object - type: object"
        return
    for key, pointer in ENVELOPE:
        if key not in entity:
            yield f"<root> must have required property '{key}' - missingProperty: {key}"
        elif key == "metadata":
            yield from _metadata(entity["metadata"])
        else:
            yield from _text(entity[key], pointer)


def _metadata(metadata: Any) -> Iterator[str]:
    if not isinstance(metadata, dict):
        yield "/metadata must be object - type: object"
        return
    if "name" not in metadata:
        yield "/metadata must have required property 'name' - missingProperty: name"
    for key in ("name", "namespace"):
        if key in metadata:
            yield from _text(metadata[key], f"/metadata/{key}")


def _text(value: Any, pointer: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{pointer} must be string - type: string"
    elif not value:
        yield f"{pointer} must NOT have fewer than 1 characters - limit: 1"


def _faults(entity: dict[str, Any], source: Source, gathering: Gathering) -> Iterator[Fault]:
    document = Document(entity, source.target, 1, {"": (1, 1)})
    value, remarks = resolve_placeholders(document, source, gathering.fetcher, lambda _place: None)
    for remark in remarks:
        if remark.level == "error":
            yield Fault("InputError", f"{remark.problem.pointer}: {remark.problem.message}")
    if any(remark.level == "error" for remark in remarks):
        return
    problems = validate(value, unknown_kinds=gathering.unknown_kinds)
    if problems:
        yield _invalid(str(ref_of(value)), problems)
        return
    if value["kind"] != "Location":
        return
    whole = Document(value, source.target, 1, {"": (1, 1)})
    for count, found in enumerate(follow(whole, source, gathering.fetcher.hosts)):
        if count >= TARGETS:
            yield Fault(
                "InputError", f"The location has more than {TARGETS:,} targets; the rest was not read."
            )
            return
        if not isinstance(found, Source):
            yield Fault("InputError", found.problem.message)
        else:
            yield from _target(found, gathering)


def _invalid(ref: str, problems: list[Problem]) -> Fault:
    """What is wrong with an entity, under the heading that Backstage gives to its kind of fault."""
    told = "; ".join(str(problem) for problem in problems)
    pointers = {problem.pointer for problem in problems}
    if pointers <= {"/kind", "/apiVersion"}:
        what = f"No processor recognized the entity {ref} as valid, possibly caused by a foreign kind or apiVersion"
        return Fault("InputError", what, Fault("Error", told))
    if all(pointer.startswith("/spec") for pointer in pointers):
        what = f"Processor BuiltinKindsEntityProcessor threw an error while validating the entity {ref}"
        return Fault("InputError", f"{what}; caused by TypeError: {told}", Fault("TypeError", told))
    what = f"Policy check failed for {ref}; caused by Error: {told}"
    return Fault("InputError", what, Fault("Error", told))


def _target(source: Source, gathering: Gathering) -> Iterator[Fault]:
    try:
        data = gathering.bytes_of(source)
    except UnreadError as error:
        if not (error.missing and source.optional):
            name = "NotFoundError" if error.missing else "InputError"
            why = (
                f"no matching files found for {source.target}"
                if error.missing
                else f"{source.target} {error}"
            )
            yield Fault(name, f"Unable to read url, {why}")
        return
    for remark in gathering.sheet(source, data).remarks:
        if remark.level == "error" and remark.code == "syntax":
            yield Fault("InputError", str(remark.problem))
