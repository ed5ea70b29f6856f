"""Arpeggio before today: a small reorganisation, told at its dates through the doors that every user has.

In March, one unit had the player and the library, and another the radio. In June the first was split in
two; in September the second was retired, and what it owned went to Discovery. The files tell only how
things are now; this replays how they came to be, so that every page can be asked for a date before.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterpoint.errors import CounterpointError
from counterpoint.graph import Actor
from counterpoint.graph.descriptor import ref_of
from counterpoint.people.importing import import_files
from counterpoint.people.retirement import retire
from counterpoint.workspace import Workspace
from counterpoint.yaml12.reader import read_file

__all__ = ["FOUNDED", "RETIRED", "SPLIT", "tell_past"]

FOUNDED = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When the graph began."""
SPLIT = datetime(2026, 6, 15, 9, tzinfo=UTC)
"""When the unit of player and library became two."""
RETIRED = datetime(2026, 9, 1, 9, tzinfo=UTC)
"""When the unit of the radio was retired."""
EARLIER = "library-and-player"
RADIO = "radio"
PARTS = frozenset({"player", "playlists"})
MOVED = {"ngozi.adeyemi": RADIO, "haruka.tanaka": RADIO, "axel.lindqvist": RADIO}
"""Who was in the unit of the radio before."""
CORE = Actor("user:default/sora.ishikawa", "Sora Ishikawa", "person", admin=True)
"""The chief technology officer, who carried the changes out."""

Document = dict[str, Any]


def tell_past(workspace: Workspace, arpeggio: Path) -> None:
    """Replay the months before today into an empty workspace."""
    graph = workspace.graph
    org = {str(ref_of(each)): each for each in _documents(sorted((arpeggio / "org").glob("*.yaml")))}
    things = {str(ref_of(each)): each for each in _documents(sorted((arpeggio / "catalog").glob("*.yaml")))}
    with graph.write(CORE, at=_past(FOUNDED, 3)) as writer:
        for document in (*_units_before(), *(_person_before(each) for each in org.values())):
            if document["metadata"]["name"] not in PARTS:
                writer.put(document)
        for thing in things.values():
            former = _former_owner(thing)
            writer.put(thing if former is None else _owned_by(thing, former))
    with graph.write(CORE, at=_past(SPLIT, 2)) as writer:
        for name in sorted(PARTS):
            writer.put(org[f"group:default/{name}"])
        for document in org.values():
            if document["kind"] == "User" and PARTS & set(document["spec"]["memberOf"]):
                writer.put(document)
    _retire(workspace, EARLIER, things, SPLIT, 2, "Two missions in one unit: each gets its own.")
    with graph.write(CORE, at=_past(RETIRED, 1)) as writer:
        for name in MOVED:
            writer.put(org[f"user:default/{name}"])
    _retire(workspace, RADIO, things, RETIRED, 1, "Stations are one more way to discover; they belong there.")
    report = import_files(graph, CORE, [arpeggio / "people.csv"], at=_past(RETIRED, 1))
    if report.failed:
        problems = [problem for level, problem in report.problems if level == "error"]
        raise CounterpointError("Arpeggio's people are damaged.", problems)


def _retire(
    workspace: Workspace, unit: str, things: Mapping[str, Document], at: datetime, hours: int, reason: str
) -> None:
    homes = {ref: str(each["spec"]["owner"]) for ref, each in things.items() if _former_owner(each) == unit}
    retire(workspace.graph, unit, actor=CORE, homes=homes, reason=reason, at=_past(at, hours))


def _past(at: datetime, hours: int) -> datetime:
    """The date of the story; a few hours ago where this machine's clock has not reached it."""
    return min(at, datetime.now(UTC) - timedelta(hours=hours))


def _documents(files: Iterable[Path]) -> Iterator[Document]:
    for file in files:
        for each in read_file(file).documents:
            yield each.value


def _units_before() -> tuple[Document, Document]:
    return (
        _unit(EARLIER, "Library and Player", "The sound, and everything that people collect."),
        _unit(RADIO, "Radio", "Stations that never end."),
    )


def _unit(name: str, title: str, description: str) -> Document:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": name, "title": title, "description": description},
        "spec": {"type": "squad", "parent": "listening", "children": [], "profile": {"displayName": title}},
    }


def _person_before(document: Document) -> Document:
    if document["kind"] != "User":
        return document
    spec, name = document["spec"], document["metadata"]["name"]
    units = [EARLIER if unit in PARTS else MOVED.get(name, unit) for unit in spec["memberOf"]]
    return {**document, "spec": {**spec, "memberOf": units}}


def _former_owner(document: Document) -> str | None:
    """The unit that owned a thing before the reorganisation, where it was another."""
    owner = (document.get("spec") or {}).get("owner")
    if owner in PARTS:
        return EARLIER
    return RADIO if document["metadata"]["name"] == "radio-service" else None


def _owned_by(document: Document, owner: str) -> Document:
    return {**document, "spec": {**document["spec"], "owner": owner}}
