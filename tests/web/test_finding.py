"""Search everywhere: ranks, sources, other spellings, the API and the page."""

import doctest
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.store import write_set
from counterpoint.graph import SYSTEM, Graph, local_actor
from counterpoint.server.app import create_app
from counterpoint.web import finding
from counterpoint.web.finding import EXACT, Found, Sought, kinds_in, search
from counterpoint.web.urls import entity_url
from tests.graph.documents import bet, component, document, group, user

FLAGS = {
    "flags": {
        "player-crossfade": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "metadata": {"description": "Blends one song into the next."},
        }
    }
}


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """A workspace with a component, an API, a unit, a person, a bet and a flag."""
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(group("player"))
        writer.put(user("ana", "player"))
        writer.put(
            component("web-player", owner="player", metadata={"description": "Plays <songs> in a browser."})
        )
        writer.put(component("lyrics", owner="player"))
        writer.put(bet("crossfade", owner="player", hypothesis="Silence between songs makes people stop."))
    write_set(workspace, local_actor(), "default", FLAGS)
    return workspace


@pytest.fixture
def client(filled: Workspace) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(filled, auth=False), base_url="http://counterpoint.localhost") as made:
        yield made


def titles(client: TestClient[Any], **query: Any) -> list[tuple[str, str]]:
    answer = client.get("/api/v1/search", params=query)
    assert answer.status_code == 200, answer.text
    return [(item["kind"], item["title"]) for item in answer.json()["items"]]


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(finding).failed == 0


def test_what_is_called_so_comes_first_whatever_it_is(client: TestClient[Any]) -> None:
    assert titles(client, q="player")[0] == ("Group", "player")
    assert titles(client, q="component:default/web-player")[0] == ("Component", "web-player")
    assert titles(client, q="api:web") == []
    assert titles(client, q="Component:web") == [("Component", "web-player")]
    assert titles(client, q="crossfade")[0] == ("Bet", "crossfade")


def test_flags_are_found_by_key_and_description_and_lead_to_their_page(client: TestClient[Any]) -> None:
    assert ("Flag", "player-crossfade") in titles(client, q="crossfade")
    items = client.get("/api/v1/search", params={"q": "blends song"}).json()["items"]
    assert [(item["kind"], item["url"]) for item in items] == [("Flag", "/flags/default/player-crossfade")]
    assert items[0]["snippet"] == "Blends one song into the next."


def test_people_and_bets_are_found(client: TestClient[Any]) -> None:
    assert titles(client, q="ana") == [("User", "ana")]
    assert ("Bet", "crossfade") in titles(client, q="silence between")


def test_a_flag_that_is_gone_is_found_no_more(client: TestClient[Any], filled: Workspace) -> None:
    assert ("Flag", "player-crossfade") in titles(client, q="crossfade")
    renamed = {"flags": {"gapless": FLAGS["flags"]["player-crossfade"]}}
    write_set(filled, local_actor(), "default", renamed)
    assert [title for kind, title in titles(client, q="gapless") if kind == "Flag"] == ["gapless"]
    assert "Flag" not in [kind for kind, _title in titles(client, q="crossfade")]


def test_kinds_narrow(client: TestClient[Any]) -> None:
    assert {kind for kind, _title in titles(client, q="player", kind="Component")} == {"Component"}
    assert {kind for kind, _title in titles(client, q="player", kind=["Group", "Flag"])} == {"Group", "Flag"}


@pytest.mark.parametrize(
    ("typed", "instead"), [("lyrcis", "lyrics"), ("web plyer", "web player"), ("zzzzqqqq", ""), ("lyx", "")]
)
def test_a_word_that_nothing_has_is_sought_as_it_was_meant(
    client: TestClient[Any], typed: str, instead: str
) -> None:
    answer = client.get("/api/v1/search", params={"q": typed}).json()
    assert answer["instead"] == instead
    assert bool(answer["items"]) is bool(instead)


@pytest.mark.parametrize(
    "typed", ["", " ", "%", "_", "'", '"*', "\x00", "a" * 5_000, "🎧", "-- ;", "a b c d e f g h i j k l"]
)
def test_anything_may_be_typed(client: TestClient[Any], typed: str) -> None:
    assert client.get("/api/v1/search", params={"q": typed}).status_code == 200
    assert client.get("/search", params={"q": typed}).status_code == 200


@pytest.mark.parametrize("query", [{}, {"q": "x", "limit": 0}, {"q": "x", "limit": 101}])
def test_wrong_questions_are_refused(client: TestClient[Any], query: dict[str, Any]) -> None:
    assert client.get("/api/v1/search", params=query).status_code == 400


def test_the_page_mixes_kinds_marks_words_and_narrows(client: TestClient[Any]) -> None:
    page = client.get("/search", params={"q": "player"}).text
    assert f'<a class="entity" href="{entity_url("group:default/player")}"' in page
    assert "<mark>player</mark>" in page
    assert "/search?q=player&amp;kind=Flag" in page
    narrowed = client.get("/search", params={"q": "player", "kind": "Flag"}).text
    assert "player-crossfade" in narrowed
    assert 'title="group:default/player"' in page
    assert 'class="entity" href' in narrowed
    rows = narrowed.split("data-list")[1].split("</ul>")[0]
    assert rows.count('class="entity"') == 1
    assert "These have “lyrics”" in client.get("/search", params={"q": "lyrcis"}).text
    assert "What are you looking for?" in client.get("/search").text
    assert "&lt;songs&gt;" in client.get("/search", params={"q": "browser"}).text


def test_sources_are_ranked_together_and_ties_keep_their_order(filled: Workspace) -> None:
    def docs(_workspace: Workspace, sought: Sought) -> list[Found]:
        names = (("player", EXACT), ("About the player", 2), ("Sound", 4))
        return [Found("Documentation", title, "/", rank) for title, rank in names]

    found = search(filled, "player", limit=20, finders=[docs]).items
    assert [item.rank for item in found] == sorted(item.rank for item in found)
    assert [(item.kind, item.title) for item in found[:2]] == [
        ("Group", "player"),
        ("Documentation", "player"),
    ]
    assert len(search(filled, "player", limit=2, finders=[docs]).items) == 2
    assert kinds_in(found)[0][0] == "Documentation"


def test_a_name_comes_before_thousands_of_mentions(graph: Graph) -> None:
    with graph.write(SYSTEM) as writer:
        for number in range(30):
            writer.put(component(f"c{number}", metadata={"description": "Part of the payment."}))
        writer.put(component("payment-ledger"))
        writer.put(document("System", "payment", {"owner": "discovery"}))
    with graph.read() as reader:
        assert [hit.entity.name for hit in reader.search("payment", limit=3)][:2] == [
            "payment",
            "payment-ledger",
        ]
        assert len(reader.search("payment", limit=100)) == 32
        assert [hit.entity.kind for hit in reader.search("payment", kinds=["System"])] == ["System"]
        assert reader.respelt("paymnet") == "payment"
        assert reader.respelt("payment") == ""
