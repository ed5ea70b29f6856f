"""A tribe of two squads, a chapter across them, and a bet; on a graph of both databases."""

from typing import Any

import pytest
import sqlalchemy as sa

from counterpoint.graph import Graph
from counterpoint.graph.actor import SYSTEM, Actor

BET = "bet:default/weekly"
SHARED = "bet:default/together"
SQUAD = "group:default/discovery"


def person(name: str, *, admin: bool = False) -> Actor:
    return Actor(f"user:default/{name}", name.capitalize(), "person", admin=admin)


ANA, BO, CLEO = person("ana"), person("bo"), person("cleo")
"""Ana and Bo are in the squad Discovery, Cleo in Player."""
LEAD = person("lena")
"""Leads the chapter that Ana is in."""
BOSS = person("tove")
"""Is in the tribe itself."""
ADMIN = person("root", admin=True)
TOKEN = Actor("service:default/bot", "Bot", "service", scopes=frozenset({"read", "write"}))
OUTSIDE = (CLEO, BOSS, ADMIN, TOKEN, Actor("user:default/machine", "machine", "local", admin=True))


def fill(graph: Graph) -> None:
    """Write the little organisation."""
    with graph.write(SYSTEM) as writer:
        for document in _documents():
            writer.put(document)
        row = {
            "seq": 1,
            "id": "m1",
            "person": LEAD.ref,
            "unit": "group:default/craft",
            "role": "lead",
            "source": "test",
            "actor": SYSTEM.ref,
            "recorded_from": 0,
        }
        table = sa.table("people_memberships", *(sa.column(name) for name in row))
        writer.connection.execute(sa.insert(table).values(row))


@pytest.fixture
def org(graph: Graph) -> Graph:
    fill(graph)
    return graph


def _documents() -> list[dict[str, Any]]:
    units = [
        _unit("listening", "tribe"),
        _unit("discovery", "squad", "listening"),
        _unit("player", "squad", "listening"),
        _unit("craft", "chapter"),
    ]
    people = [
        _user("ana", "discovery", "craft"),
        _user("bo", "discovery"),
        _user("cleo", "player"),
        _user("lena", "craft"),
        _user("tove", "listening"),
    ]
    return [*units, *people, _bet("weekly"), _bet("together", contributors=["player"], deadline="2026-12-18")]


def _unit(name: str, kind: str, parent: str | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": kind, "children": []} | ({"parent": parent} if parent else {})
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": name, "title": name.capitalize()},
        "spec": spec,
    }


def _user(name: str, *units: str) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "User",
        "metadata": {"name": name, "title": name.capitalize()},
        "spec": {"memberOf": list(units)},
    }


def _bet(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": name, "title": name.capitalize()},
        "spec": {"owner": "discovery"} | spec,
    }
