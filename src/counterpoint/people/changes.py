"""What people change by forms: memberships and line managers."""

from collections.abc import Mapping

from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph
from counterpoint.people.dates import plain_edge, read_edge
from counterpoint.people.managers import set_manager
from counterpoint.people.memberships import end, join, moment_of_writing
from counterpoint.people.model import ManagerLine, Membership
from counterpoint.people.roles import read_share, role_key

__all__ = ["add_member", "end_membership", "name_manager"]


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
