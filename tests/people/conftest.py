"""A small organisation that the tests of this room share, on both databases."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph import SYSTEM, Actor, Graph
from counterpoint.people.dates import When
from counterpoint.server.app import create_app
from tests.graph.documents import component, document, group, user

ADMIN = Actor("user:default/root", "Root", "person", admin=True)
PEOPLE = ("ana", "ben", "cleo", "dan", "eve")


def fill(graph: Graph) -> None:
    """A company with a tribe of two squads, a chapter, and five people of whom Ana and Ben are in Discovery."""
    documents: list[dict[str, Any]] = [
        group("acme", type="organisation"),
        group("listening", type="tribe", parent="acme"),
        group("discovery", type="squad", parent="listening"),
        group("playback", type="squad", parent="listening"),
        group("backend", type="chapter", members=["ana", "cleo"]),
        user("ana", "discovery"),
        user("ben", "discovery"),
        *(user(name) for name in PEOPLE[2:]),
        component("player", owner="playback"),
        component("search", owner="discovery"),
        component("radio", owner="discovery"),
    ]
    with graph.write(SYSTEM) as writer:
        for each in documents:
            writer.put(each)


@pytest.fixture
def org(graph: Graph) -> Graph:
    """The organisation in a graph, once on each database."""
    fill(graph)
    return graph


@pytest.fixture
def acme(workspace: Workspace) -> Workspace:
    """The organisation in a workspace."""
    fill(workspace.graph)
    return workspace


@pytest.fixture
def client(acme: Workspace) -> Iterator[TestClient[Any]]:
    """A client of the whole application over the organisation, without sign-in."""
    app = create_app(acme, auth=False)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def on() -> Callable[[str], When]:
    """The date of a question about memberships, with the graph as it is now."""
    return lambda day: When(noon(date.fromisoformat(day)))


def noon(day: date) -> datetime:
    """The middle of a day."""
    return datetime.combine(day, time(12), UTC)


def today() -> date:
    """The day of the writes that a test makes."""
    return datetime.now(UTC).date()


__all__ = ["ADMIN", "PEOPLE", "document", "fill", "noon", "today"]
