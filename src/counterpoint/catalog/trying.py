"""Checks an entity as if it had been read from a location: its envelope, its fields, what it points to."""

from collections.abc import Collection, Iterator
from typing import Any

from counterpoint.catalog.addresses import parse_location
from counterpoint.catalog.fetching import Fetcher
from counterpoint.catalog.gathering import Gathering
from counterpoint.catalog.locations import Source, follow
from counterpoint.catalog.placeholders import resolve_placeholders
from counterpoint.catalog.verdicts import Fault, envelope_fault, ref_text, unrecognised, verdict
from counterpoint.errors import InputError, Problem
from counterpoint.graph import Graph
from counterpoint.graph.descriptor import validate
from counterpoint.graph.kinds import BACKSTAGE
from counterpoint.graph.twins import twins_of
from counterpoint.yaml12.reader import Document, UnreadError

__all__ = ["Fault", "try_entity"]

TARGETS = 1_000
"""Targets of a `Location` that are read to try it."""
PLACES = ("backstage.io/managed-by-location", "backstage.io/managed-by-origin-location")


def try_entity(graph: Graph, body: Any, *, hosts: Collection[str]) -> list[Fault]:
    """What is wrong with `{"entity": ..., "location": "url:..."}`, in Backstage's words; empty where it would be taken."""
    if not isinstance(body, dict) or not body:
        return [Fault("InputError", "Expected body to be a JSON object" if body else "Empty request body")]
    location = body.get("location")
    if not isinstance(location, str):
        return [Fault("InputError", "Malformed request: location must be text")]
    entity = body.get("entity")
    wrong = envelope_fault(entity)
    if wrong is not None or not isinstance(entity, dict):
        return [wrong or Fault("TypeError", "")]
    try:
        kind, target = parse_location(location)
    except InputError as error:
        return [Fault("TypeError", error.message)]
    if kind != "url":
        message = (
            f"Invalid location ref {location}, only 'url:<target>' is supported, e.g. url:https://host/path"
        )
        return [Fault("TypeError", message)]
    entity = _placed(entity, location)
    misplaced = next(_misplaced(entity), None)
    if misplaced is not None:
        return [misplaced]
    source = Source(f"url:{target}", f"url:{target}")
    gathering = Gathering(Fetcher(hosts), unknown_kinds=graph.unknown_kinds, strict=graph.strict)
    return list(_faults(entity, source, gathering))


def _placed(entity: dict[str, Any], location: str) -> dict[str, Any]:
    """The entity with the location in its annotations, spread into an object as JavaScript spreads anything."""
    own = entity["metadata"].get("annotations")
    given = own if isinstance(own, dict) else {}
    if isinstance(own, str | list):
        given = {str(index): each for index, each in enumerate(own)}
    annotations = dict.fromkeys(PLACES, location) | given
    return {**entity, "metadata": {**entity["metadata"], "annotations": annotations}}


def _misplaced(entity: dict[str, Any]) -> Iterator[Fault]:
    """Annotations of its own that say no location."""
    for key in PLACES:
        place = entity["metadata"]["annotations"][key]
        if not place:
            message = f"Entity '{ref_text(entity)}' does not have the annotation {key}"
            yield Fault("InputError", message)
        elif isinstance(place, str):
            try:
                parse_location(place)
            except InputError as error:
                yield Fault("TypeError", error.message)


def _faults(entity: dict[str, Any], source: Source, gathering: Gathering) -> Iterator[Fault]:
    document = Document(entity, source.target, 1, {"": (1, 1)})
    value, remarks = resolve_placeholders(
        document, source, gathering.fetcher, lambda _place: None, strict=gathering.strict
    )
    wrong = [remark for remark in remarks if remark.level == "error"]
    if wrong:
        yield from (remark.fault for remark in wrong if remark.fault is not None)
        return
    invalid = _invalid(value, gathering)
    if invalid is not None:
        yield invalid
        return
    if value["kind"] != "Location":
        return
    whole = Document(value, source.target, 1, {"": (1, 1)})
    found = follow(whole, source, gathering.fetcher.hosts, strict=gathering.strict)
    for count, each in enumerate(found):
        if count >= TARGETS:
            yield Fault(
                "InputError", f"The location has more than {TARGETS:,} targets; the rest was not read."
            )
            return
        if not isinstance(each, Source):
            yield each.fault or Fault("InputError", each.problem.message)
        else:
            yield from _target(each, gathering)


def _invalid(value: dict[str, Any], gathering: Gathering) -> Fault | None:
    """Why an entity is not valid: as Backstage says it, or in our words of kinds and rules that it does not know."""
    fault = verdict(value)
    if fault is not None:
        return fault
    # Keys that differ in their case only keep an entity out of the index, there as here; it is valid before that.
    twins = {problem.pointer for problem in twins_of(value)}
    found = validate(value, unknown_kinds=gathering.unknown_kinds)
    problems = [problem for problem in found if problem.pointer not in twins]
    if not problems:
        return None
    ref = ref_text(value)
    if gathering.strict and value["kind"].lower() == "template":
        return unrecognised(ref)  # a catalog without the scaffolder's module knows none
    told = "; ".join(map(str, problems[:20]))
    if {problem.pointer for problem in problems} <= {"/kind", "/apiVersion"}:
        return unrecognised(ref) if value["apiVersion"] in BACKSTAGE else unrecognised(ref).reworded(told)
    return _ours(ref, problems, told)


def _ours(ref: str, problems: list[Problem], told: str) -> Fault:
    if all(problem.pointer.startswith("/spec") for problem in problems):
        what = f"Processor BuiltinKindsEntityProcessor threw an error while validating the entity {ref}"
        return Fault.caused(what, Fault("TypeError", told))
    return Fault.caused(f"Policy check failed for {ref}", Fault("Error", told))


def _target(source: Source, gathering: Gathering) -> Iterator[Fault]:
    try:
        data = gathering.bytes_of(source)
    except UnreadError as error:
        yield from (
            remark.fault for remark in gathering.unread(source, error).remarks if remark.fault is not None
        )
        return
    for remark in gathering.sheet(source, data).remarks:
        if remark.level == "error" and remark.code == "syntax" and remark.fault is not None:
            yield remark.fault
