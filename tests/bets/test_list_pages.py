"""The lists of this room in the browser: each page shows its part, and all pages together everything once."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.concerns import pages as concern_pages
from counterpoint.bets.concerns.raising import raise_concern
from counterpoint.bets.concerns.store import answer
from counterpoint.bets.dependencies import pages as dependency_pages
from counterpoint.bets.dependencies.store import report_dependency, take_step
from counterpoint.bets.feedback import pages as feedback_pages
from counterpoint.bets.feedback.store import settle, take_in
from counterpoint.bets.judgement import pages as judgement_pages
from counterpoint.bets.judgement import predicting
from counterpoint.bets.judgement.prediction import Step
from counterpoint.bets.reviews import pages as review_pages
from counterpoint.bets.reviews import sittings
from counterpoint.bets.reviews.briefs import write_brief
from counterpoint.graph import Graph
from counterpoint.moments import today_utc
from counterpoint.server import mounting
from counterpoint.server.app import create_app
from tests.bets.concerns.conftest import ADMIN, ANA, BET, SQUAD, fill

Client = TestClient[Any]
LONG_AGO = today_utc() - timedelta(days=40)


@pytest.fixture
def graph(workspace: Workspace) -> Graph:
    fill(workspace.graph)
    return workspace.graph


@pytest.fixture
def house(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A browser of the local user; the application has this room with its parts."""
    parts = ("judgement", "reviews", "concerns", "dependencies", "feedback")
    monkeypatch.setattr(mounting, "ROOMS", ("bets", *(f"bets.{part}" for part in parts)))
    with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as made:
        yield made


def concerns(graph: Graph) -> list[str]:
    made = [
        raise_concern(graph, BET, f"c{n}", actor=ANA, today=LONG_AGO + timedelta(days=n % 2)).concern.id
        for n in range(7)
    ]
    for number in made[4:]:
        answer(graph, number, "resolve", "done", actor=ANA)
    return made


def dependencies(graph: Graph) -> list[str]:
    severities = ("blocking", "none", "slowing", "blocking", "future")
    return [
        report_dependency(
            graph, "discovery", "player", each, actor=ADMIN, severity=each, since=date(2026, 1, 1)
        ).dependency.id
        for each in severities
    ]


def feedback(graph: Graph) -> list[str]:
    made = [take_in(graph, "discovery", f"f{n}", actor=ANA).feedback.id for n in range(7)]
    for number in made[4:]:
        settle(graph, number, "kept", actor=ANA)
    return made


def predictions(graph: Graph) -> list[str]:
    made = [predicting.ask(graph, BET, f"q{n}?", actor=ADMIN).id for n in range(6)]
    for number in made[:5]:
        predicting.take_step(graph, number, Step.WITHDRAW, actor=ADMIN)
    return made


def briefs(graph: Graph) -> list[str]:
    return [write_brief(graph, "discovery", f"b{n}", "Know", "discovery", actor=ANA).id for n in range(52)]


def reviews(graph: Graph) -> list[str]:
    made = []
    for _ in range(5):
        made.append(sittings.open_review(graph, SQUAD, actor=ADMIN).id)
        for step in (sittings.Step.REVEAL, sittings.Step.CLOSE):
            sittings.advance(graph, made[-1], step, actor=ADMIN)
    return made


LISTS: dict[str, Callable[[Graph], list[str]]] = {
    "/concerns": concerns,
    f"/concerns?bet={BET}": concerns,
    "/concerns?unit=group%3Adefault%2Flistening": concerns,
    "/dependencies": dependencies,
    "/dependencies?unit=discovery&side=waits": dependencies,
    "/dependencies?unit=player&side=waited-for": dependencies,
    "/feedback": feedback,
    "/feedback?unit=discovery": feedback,
    "/predictions": predictions,
    "/briefs": briefs,
    f"/bets/reviews?unit={SQUAD}": reviews,
}


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (concern_pages, dependency_pages, feedback_pages, judgement_pages):
        monkeypatch.setattr(module, "SHOWN", 2)
    monkeypatch.setattr(review_pages, "HELD", 2)


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.usefixtures("short_pages")
def test_all_pages_of_a_list_show_everything_once(graph: Graph, house: Client, address: str) -> None:
    made = LISTS[address](graph)
    folder = "/bets/reviews/" if "reviews" in address else address.split("?", maxsplit=1)[0] + "/"
    shown: list[str] = []
    following: str | None = address
    while following:
        answered = house.get(following)
        assert answered.status_code == 200
        on_page = re.findall(rf'class="strong" href="{folder}([0-9a-f]{{32}})"', answered.text)
        assert on_page
        assert ("First page" in answered.text) is (following != address)
        # what is open stands beside the past on every page of predictions
        shown += [number for number in on_page if number not in shown or folder != "/predictions/"]
        after = re.search(r'rel="next" href="([^"]+)"', answered.text)
        following = after.group(1).replace("&amp;", "&") if after else None
    assert sorted(shown) == sorted(made)
    assert len(shown) == len(made)


@pytest.mark.usefixtures("short_pages")
def test_what_is_open_or_new_comes_before_the_rest_over_all_pages(graph: Graph, house: Client) -> None:
    for address, make in (("/concerns", concerns), ("/feedback", feedback)):
        made = make(graph)
        first = house.get(address).text
        assert sum(number in first for number in made[:4]) == 2
        assert not any(number in first for number in made[4:])


def test_a_cursor_that_is_none_is_answered_with_what_to_do(graph: Graph, house: Client) -> None:
    for address in LISTS:
        joined = f"{address}{'&' if '?' in address else '?'}cursor=!"
        answered = house.get(joined)
        assert answered.status_code == 400
        assert "cursor" in answered.text


def test_what_is_over_is_listed_where_one_asks_for_it(graph: Graph, house: Client) -> None:
    made = dependencies(graph)
    take_step(graph, made[0], "clear", actor=ADMIN)
    assert made[0] not in house.get("/dependencies").text
    assert made[0] in house.get("/dependencies?gone=true").text
