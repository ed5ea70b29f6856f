"""What people change by forms: memberships, line managers, the charter of a unit."""

from collections.abc import Mapping
from typing import Any

from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.store import Graph
from counterpoint.people.dates import plain_edge, read_edge
from counterpoint.people.managers import set_manager
from counterpoint.people.memberships import end, join, moment_of_writing
from counterpoint.people.model import ManagerLine, Membership
from counterpoint.people.roles import read_share, role_key

__all__ = ["CHARTER", "add_member", "charter_document", "charter_form", "end_membership", "name_manager"]

CHARTER = ("mission", "usersServed", "waysOfWorking", "howToAskUs", "channels")
"""The fields of the form of a charter."""
TEXTS = ("usersServed", "waysOfWorking", "howToAskUs")


def add_member(graph: Graph, actor: Actor, unit: str, values: Mapping[str, str]) -> Membership:
    """Record the membership that a form describes; without a first day it begins now.

    Raises:
        InputError: a field is not valid; the pointers name the fields.
        NotFoundError: there is no such person.
        NotAllowedError: the actor may not change the unit.
    """
    if not values.get("person"):
        raise InputError("The membership is not valid.", [Problem("Say who.", "/person")])
    with graph.write(actor) as writer:
        start = values.get("from")
        new = Membership(
            person=values["person"],
            unit=unit,
            role=role_key(values.get("role", "")),
            start=read_edge(start, "/from") if start else plain_edge(moment_of_writing(writer)),
            end=read_edge(values["to"], "/to") if values.get("to") else None,
            share=read_share(values.get("share", ""), "/share"),
        )
        return join(writer, new)[0]


def end_membership(graph: Graph, actor: Actor, number: str) -> None:
    """End a membership now."""
    with graph.write(actor) as writer:
        end(writer, number, moment_of_writing(writer))


def name_manager(graph: Graph, actor: Actor, person: str, values: Mapping[str, str]) -> ManagerLine:
    """Record the line manager that a form names; without a first day from now on.

    Raises:
        InputError, NotFoundError, ConflictError, NotAllowedError: as for `set_manager`.
    """
    if not values.get("manager"):
        raise InputError("The line manager is not valid.", [Problem("Say who.", "/manager")])
    with graph.write(actor) as writer:
        start = values.get("from")
        line = ManagerLine(
            person=person,
            manager=values["manager"],
            start=read_edge(start, "/from") if start else plain_edge(moment_of_writing(writer)),
        )
        return set_manager(writer, line)[0]


def charter_form(unit: Entity) -> dict[str, str]:
    """The charter of a unit as the fields of its form."""
    charter = unit.spec.get("charter") or {}
    channels = [
        " ".join(filter(None, (str(each.get("title") or ""), str(each.get("url") or ""))))
        for each in unit.spec.get("channels") or ()
    ]
    texts = {key: str(charter.get(key) or "") for key in TEXTS}
    return {
        "mission": str(unit.spec.get("mission") or ""),
        **texts,
        "channels": "\n".join(channels),
        "etag": unit.etag,
    }


def charter_document(unit: Entity, values: Mapping[str, str]) -> dict[str, Any]:
    """The unit's descriptor with the charter of a form; an empty field is taken out."""
    charter = {key: text for key, text in (unit.spec.get("charter") or {}).items() if key not in TEXTS}
    charter |= {key: values[key].replace("\r\n", "\n") for key in TEXTS if values.get(key)}
    spec = {key: each for key, each in unit.spec.items() if key not in ("mission", "charter", "channels")}
    if values.get("mission"):
        spec["mission"] = values["mission"].replace("\r\n", "\n")
    if charter:
        spec["charter"] = charter
    channels = [_channel(line) for line in values.get("channels", "").splitlines() if line.strip()]
    if channels:
        spec["channels"] = channels
    return {**unit.document, "spec": spec}


def _channel(line: str) -> dict[str, str]:
    """A line such as "Chat https://chat.example/x"; what has no address is a title."""
    title, _, url = line.strip().rpartition(" ")
    if "://" in url or url.startswith("mailto:"):
        return {"title": title.strip() or url, "url": url}
    return {"title": line.strip()}
