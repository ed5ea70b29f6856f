"""A unit's page of what its experiments taught: by unit, never by person, and without an order of units."""

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.server.app import create_app

from .conftest import happened


@pytest.fixture
def client(games: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(games, auth=False, loopback=True), base_url="http://127.0.0.1") as made:
        yield made


def test_a_unit_sees_what_its_experiments_taught_once_they_are_read(
    client: TestClient, games: Workspace
) -> None:
    games.journal.append(happened())
    before = client.get("/api/v1/experiments/learning", params={"owner": "games"}).json()
    assert before["split"]["ended"] == 0
    assert client.post("/api/v1/experiments/default/gate/readings").status_code == 201
    found = client.get("/api/v1/experiments/learning", params={"owner": "games"}).json()
    assert found["owner"] == "group:default/games"
    assert (found["split"]["ended"], found["split"]["win"], found["split"]["share"]) == (1, 1, 1.0)
    shown = client.get(
        "/experiments/learning?owner=group:default/games", headers={"Accept": "text/html"}
    ).text
    assert "Gate at level 40" in shown
    assert "gate_40 may ship" in shown


def test_without_a_unit_there_is_a_choice_and_no_figure(client: TestClient) -> None:
    shown = client.get("/experiments/learning", headers={"Accept": "text/html"}).text
    assert "Whose?" in shown
    assert "stat-value" not in shown


@pytest.mark.parametrize(
    ("owner", "status", "said"),
    [("user:default/ana", 400, "never by person"), ("group:default/none", 404, "none")],
)
def test_a_person_or_nobody_has_no_such_figures(
    client: TestClient, owner: str, status: int, said: str
) -> None:
    answer = client.get("/api/v1/experiments/learning", params={"owner": owner})
    assert answer.status_code == status
    assert said in answer.json()["detail"]
