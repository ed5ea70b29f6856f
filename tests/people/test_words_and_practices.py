"""Words and practices through every door: pages, API and command line."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog.reuse.standing import standing_of
from counterpoint.cli import run
from counterpoint.errors import ConflictError, NotAllowedError
from counterpoint.graph.actor import SYSTEM, Actor, local_actor
from counterpoint.graph.customs import Customs
from counterpoint.people.practices_store import switch
from counterpoint.people.vocabulary_store import rename
from counterpoint.server.app import create_app

HTML = {"Accept": "text/html"}
ANA = Actor("user:default/ana", "Ana", "person")


def group(name: str, kind: str, parent: str | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": kind, "children": []} | ({"parent": parent} if parent else {})
    metadata = {"name": name, "title": name.capitalize()}
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": metadata, "spec": spec}


@pytest.fixture
def org(workspace: Workspace) -> Workspace:
    ana = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "User",
        "metadata": {"name": "ana"},
        "spec": {"memberOf": ["discovery"]},
    }
    bet = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "radio", "title": "The squad radio bet"},
        "spec": {"owner": "discovery"},
    }
    with workspace.graph.write(SYSTEM) as writer:
        for document in (
            group("company", "organization"),
            group("listening", "tribe", "company"),
            group("discovery", "squad", "listening"),
            ana,
            bet,
        ):
            writer.put(document)
    return workspace


@pytest.fixture
def client(org: Workspace) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(org, auth=False), base_url="http://127.0.0.1") as made:
        yield made


def csrf(page: str) -> str:
    found = re.search(r'name="_csrf_token" value="([^"]*)"', page)
    assert found
    return found.group(1)


def test_renaming_through_the_form_renames_the_pages_and_keeps_what_people_named(client: TestClient) -> None:
    page = client.get("/vocabulary", headers=HTML).text
    data = {
        "_csrf_token": csrf(page),
        "unit": "",
        "squad-one": "pod",
        "bet-one": "wager",
        "bet-many": "stakes",
    }
    answer = client.post("/vocabulary", data=data, headers=HTML)
    assert "The words are kept" in answer.text
    bets = client.get("/bets").text
    assert "What pods have decided to try" in bets
    assert "Stakes" in bets
    assert "The squad radio bet" in bets
    assert '<a class="nav-link" href="/bets" aria-current="page">' in bets


def test_a_preview_shows_the_words_and_keeps_nothing(client: TestClient, org: Workspace) -> None:
    data = {
        "_csrf_token": csrf(client.get("/vocabulary", headers=HTML).text),
        "squad-one": "pod",
        "do": "preview",
    }
    page = client.post("/vocabulary", data=data, headers=HTML).text
    assert "A pod writes down a bet" in page
    assert "Nothing is kept yet" in page
    assert 'value="pod"' in page
    assert Customs(org.graph).of().words.plain


def test_a_word_that_cannot_be_is_shown_at_its_field_and_nothing_is_lost(
    client: TestClient, org: Workspace
) -> None:
    rename(org.graph, local_actor(), None, {"squad": "pod"})
    data = {
        "_csrf_token": csrf(client.get("/vocabulary", headers=HTML).text),
        "squad-one": "<script>",
        "bet-one": "wager",
    }
    answer = client.post("/vocabulary", data=data, headers=HTML)
    assert answer.status_code == 400
    assert '<script>"' not in answer.text
    assert 'id="squad-one-error"' in answer.text
    assert 'value="wager"' in answer.text
    assert Customs(org.graph).of().words.tell("A squad") == "A pod"


def test_a_ready_vocabulary_replaces_what_was_renamed(client: TestClient, org: Workspace) -> None:
    rename(org.graph, local_actor(), None, {"flag": "switch"})
    data = {"_csrf_token": csrf(client.get("/vocabulary", headers=HTML).text), "pack": "plain"}
    client.post("/vocabulary", data=data, headers=HTML)
    words = Customs(org.graph).of().words
    assert (
        words.tell("squads, tribes, chapters, guilds, flags")
        == "squads, departments, practices, communities, flags"
    )
    assert words.tell("The squads") == "The teams"


def test_what_a_unit_renames_holds_in_it_and_nowhere_else(client: TestClient) -> None:
    answer = client.patch("/api/v1/vocabulary?unit=listening", json={"nouns": {"bet": "song"}})
    assert answer.status_code == 200
    row = next(row for row in answer.json()["nouns"] if row["key"] == "bet")
    assert (row["one"], row["many"], row["renamed"]) == ("song", "songs", True)
    assert row["whence"]["unitTitle"] == "Listening"
    assert "Song of" in re.sub(r"<[^>]+>", "", client.get("/bets/default/radio").text)
    assert "<h1>Bets</h1>" in client.get("/bets").text
    inherited = client.get("/api/v1/vocabulary?unit=group:default/discovery").json()
    assert (
        next(row for row in inherited["nouns"] if row["key"] == "bet")["whence"]["unit"]
        == "group:default/listening"
    )
    client.patch("/api/v1/vocabulary?unit=listening", json={"nouns": {"bet": None}})
    assert "Bet of" in re.sub(r"<[^>]+>", "", client.get("/bets/default/radio").text)


def test_practices_are_switched_per_unit_and_back_without_loss(client: TestClient) -> None:
    group_page = "/catalog/group/default/discovery"
    assert "The squad radio bet" in client.get(group_page).text
    answer = client.patch("/api/v1/practices?unit=discovery", json={"practices": {"bets": "off"}})
    assert next(row for row in answer.json()["practices"] if row["key"] == "bets")["on"] is False
    page = client.get(group_page).text
    assert "The squad radio bet" not in page
    assert '<a class="nav-link" href="/bets"' not in page
    assert '<a class="nav-link" href="/bets"' in client.get("/").text
    assert client.get("/api/v1/bets/default/radio").json()["bet"]["title"] == "The squad radio bet"
    client.patch("/api/v1/practices?unit=discovery", json={"practices": {"bets": None}})
    assert "The squad radio bet" in client.get(group_page).text


def test_two_applications_in_one_process_speak_each_their_own_words(org: Workspace, tmp_path: Path) -> None:
    rename(org.graph, SYSTEM, None, {"bet": "wager"})
    with Workspace.create(tmp_path / "other") as other:
        for workspace, word in ((other, "bet"), (org, "wager"), (other, "bet")):
            with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as client:
                rows = client.get("/api/v1/practices").json()["practices"]
                assert next(row["title"] for row in rows if row["key"] == "bets") == f"{word.capitalize()}s"


SCORECARD = {
    "apiVersion": "counterpoint.dev/v1",
    "kind": "Scorecard",
    "metadata": {"name": "basics", "title": "The basics"},
    "spec": {
        "owner": "company",
        "filter": {"kind": "Component"},
        "checks": [
            {
                "id": "described",
                "title": "Has a description",
                "predicate": {"metadata.description": {"$exists": True}},
                "why": "So that others know what it is.",
                "remedy": "Write one.",
            }
        ],
    },
}


def test_each_practice_that_is_switched_off_leaves_the_pages_of_the_unit_and_what_it_owns(
    client: TestClient, org: Workspace
) -> None:
    with org.graph.write(SYSTEM) as writer:
        writer.put(SCORECARD)
        for name, owner in (("radio-station", "discovery"), ("radio-stations", "listening")):
            metadata = {"name": name, "title": "Radio station", "description": "Streams radio to listeners"}
            spec = {"type": "service", "lifecycle": "production", "owner": owner}
            document = {"apiVersion": "backstage.io/v1alpha1", "kind": "Component"}
            writer.put(document | {"metadata": metadata, "spec": spec})
    standing_of(org).newest()
    unit, component = "/units/default/discovery", "/catalog/component/default/radio-station"
    shown = {
        "bets": ((unit, 'id="bets"'), (unit, "Open bets")),
        "scorecards": ((unit, "/scorecards/next"), (component, 'id="scorecards"')),
        "reuse": ((component, "May exist twice"),),
    }
    for practice, places in shown.items():
        assert all(words in client.get(path, headers=HTML).text for path, words in places), practice
        client.patch("/api/v1/practices?unit=discovery", json={"practices": {practice: "off"}})
        assert not any(words in client.get(path, headers=HTML).text for path, words in places), practice
    for practice, path in (
        ("scorecards", "/scorecards/next?owner=discovery"),
        ("reuse", "/catalog/twins?owner=group:default/discovery"),
    ):
        assert f'data-switched-off="{practice}"' in client.get(path, headers=HTML).text
    assert "data-similar" in client.get("/bets/new", headers=HTML).text
    client.patch("/api/v1/practices", json={"practices": {"reuse": "off"}})
    assert "data-similar" not in client.get("/bets/new", headers=HTML).text
    assert "/catalog/twins" not in client.get("/catalog", headers=HTML).text
    assert 'data-switched-off="reuse"' in client.get("/catalog/twins", headers=HTML).text


def test_what_the_organisation_switches_off_leaves_the_navigation_and_a_unit_may_keep_it(
    client: TestClient,
) -> None:
    client.patch("/api/v1/practices", json={"practices": {"bets": "off", "flags": "off"}})
    client.patch("/api/v1/practices?unit=discovery", json={"practices": {"bets": "on"}})
    home = client.get("/").text
    assert '<a class="nav-link" href="/bets"' not in home
    assert '<a class="nav-link" href="/flags"' not in home
    assert 'data-switched-off="bets"' in client.get("/bets").text
    assert '<a class="nav-link" href="/bets"' in client.get("/bets/default/radio").text


def test_what_the_organisation_switches_off_is_on_no_page_about_something_else(
    client: TestClient, org: Workspace
) -> None:
    flags = {
        "radio": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "on",
            "metadata": {"bet": "radio", "component": "station"},
        }
    }
    experiment = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Experiment",
        "metadata": {"name": "trial"},
        "spec": {
            "owner": "discovery",
            "bet": "radio",
            "flag": "radio",
            "control": "off",
            "treatments": ["on"],
            "success": [],
        },
    }
    station = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "station"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "discovery"},
    }
    client.put("/api/flags/sets/default", json={"flags": flags, "metadata": {"owner": "discovery"}})
    with org.graph.write(local_actor()) as writer:
        writer.put(station)
        writer.put(experiment)
    pages = (
        "/",
        "/units/default/discovery",
        "/catalog/component/default/station",
        "/flags",
        "/flags/default",
        "/flags/default/radio",
        "/search",
    )
    links = re.compile(r'href="/(?:bets|experiments)\b|\b(?:Bets?|Experiments?|bets?|experiments?)\b')
    shown = {path: body_of(client, path) for path in pages}
    assert all(links.search(shown[path]) for path in pages[:-1])
    client.patch("/api/v1/practices", json={"practices": {"bets": "off", "experiments": "off"}})
    for path in pages:
        assert not links.findall(body_of(client, path)), path
    client.patch("/api/v1/practices", json={"practices": {"bets": "on", "experiments": "on"}})
    assert "/bets/default/radio" in body_of(client, "/units/default/discovery")


def body_of(client: TestClient, path: str) -> str:
    """What a page shows, without its scripts' words and without what people wrote in a flag."""
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, path
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"<details.*?</details>|<code.*?</code>", "", main, flags=re.DOTALL)


def test_the_page_of_practices_keeps_what_was_chosen_and_says_where_it_comes_from(client: TestClient) -> None:
    page = client.get("/practices?unit=listening", headers=HTML).text
    data = {
        "_csrf_token": csrf(page),
        "unit": "group:default/listening",
        "practice-bets": "off",
        "policy-I1": "ask_reason",
        "limit-betsAtOnce": "2",
    }
    assert "What you chose is kept" in client.post("/practices", data=data, headers=HTML).text
    below = client.get("/practices?unit=discovery").text
    assert below.count(">Listening</a>") == 3
    assert "As above (off)" in below
    wrong = client.post("/practices", data=data | {"limit-betsAtOnce": "many"}, headers=HTML)
    assert wrong.status_code == 400
    assert "whole number" in wrong.text
    assert 'value="many"' in wrong.text


@pytest.mark.parametrize(
    ("path", "body", "status", "says_so"),
    [
        ("/api/v1/vocabulary?unit=nowhere", {}, 404, "nowhere"),
        ("/api/v1/vocabulary", {"nouns": {"sqad": "pod"}}, 400, "did you mean squad?"),
        ("/api/v1/vocabulary", {"nouns": {"sqad": None}}, 400, "did you mean squad?"),
        ("/api/v1/vocabulary", {"nouns": {"squad": "<b>"}}, 400, "letters"),
        ("/api/v1/vocabulary", {"pack": "spotfy"}, 404, "did you mean spotify?"),
        ("/api/v1/vocabulary", {"noun": {}}, 400, "unknown field"),
        ("/api/v1/practices", {"policies": {"I1": "block"}}, 400, "governance is soft"),
        ("/api/v1/practices", {"practices": {"bets": 3}}, 400, "neither on nor off"),
        ("/api/v1/practices?unit=a/b/c", {}, 404, "a/b/c"),
    ],
)
def test_what_is_wrong_is_refused_with_the_remedy(
    client: TestClient, path: str, body: dict, status: int, says_so: str
) -> None:
    answer = client.patch(path, json=body)
    assert answer.status_code == status, answer.text
    assert says_so in answer.text


def test_a_document_that_a_file_declares_is_changed_in_the_file(org: Workspace) -> None:
    document = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Vocabulary",
        "metadata": {"name": "house"},
        "spec": {"owner": "company", "nouns": {"squad": "pod"}},
    }
    with org.graph.write(SYSTEM) as writer:
        writer.put(document, location="/srv/house.yaml")
    with pytest.raises(ConflictError, match=r"/srv/house\.yaml"):
        rename(org.graph, local_actor(), None, {"squad": "crew"})


def test_people_change_the_customs_of_units_that_they_belong_to(org: Workspace) -> None:
    with org.graph.write(SYSTEM) as writer:
        writer.put(group("player", "squad", "listening"))
    rename(org.graph, ANA, "group:default/discovery", {"bet": "riff"})
    with pytest.raises(
        NotAllowedError, match="whole organisation"
    ):  # for everybody only the company's own people
        switch(org.graph, ANA, None, practices={"bets": "off"})
    with pytest.raises(NotAllowedError):
        rename(org.graph, ANA, "group:default/player", {"bet": "riff"})


def test_every_change_is_told_in_the_history_with_its_reason(org: Workspace) -> None:
    made = rename(org.graph, local_actor(), None, {"squad": "pod"}, reason="We always said so.")
    rename(org.graph, local_actor(), None, {"squad": "crew"})
    with org.graph.read() as reader:
        assert [revision.action for revision in reader.history(made.ref)] == ["created", "updated"]
        assert reader.activity(subject=made.ref)[-1].reason == "We always said so."


def test_the_command_line_renames_and_says_so_in_the_new_words(
    org: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["-w", str(org.path)]
    assert run([*here, "vocabulary", "set", "squad=pod", "bet=wager/stakes"]) == 0
    assert run([*here, "vocabulary", "use", "pods", "--unit", "listening"]) == 0
    capsys.readouterr()
    assert run([*here, "vocabulary", "list", "--unit", "discovery", "--json"]) == 0
    nouns = {row["key"]: row for row in json.loads(capsys.readouterr().out)["nouns"]}
    assert nouns["bet"]["many"] == "stakes"
    assert nouns["tribe"]["one"] == "area"
    assert run([*here, "vocabulary", "set", "squad=inherit", "--unit", "listening"]) == 0
    assert run([*here, "practices", "set", "bets=off", "I1=ask_reason", "squadMost=9"]) == 0
    capsys.readouterr()
    assert run([*here, "practices", "list", "--json"]) == 0
    held = json.loads(capsys.readouterr().out)
    assert {row["id"]: row["policy"] for row in held["policies"]}["I1"] == "ask_reason"
    assert {row["key"]: row["value"] for row in held["limits"]}["squadMost"] == 9


@pytest.mark.parametrize(
    ("command", "code", "says_so"),
    [
        (["vocabulary", "set"], 2, "write it as squad=pod"),
        (["vocabulary", "set", "squad"], 2, "sets nothing"),
        (["vocabulary", "set", "sqad=pod"], 1, "did you mean squad?"),
        (["vocabulary", "set", "squad=<b>x</b>"], 1, "'<b>x</b>' cannot be a noun"),
        (["vocabulary", "use", "klingon"], 1, "ready are"),
        (["vocabulary", "list", "--unit", "nowhere"], 1, "nowhere"),
        (["practices", "set", "I1=block"], 1, "governance is soft"),
        (["practices", "set", "squadMost=many"], 1, "whole number"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(
    org: Workspace, capsys: pytest.CaptureFixture[str], command: list[str], code: int, says_so: str
) -> None:
    assert run(["-w", str(org.path), *command]) == code
    said = capsys.readouterr()
    assert says_so in said.err
    assert "Traceback" not in said.err


def test_what_touches_a_thing_is_named_by_the_practices_that_are_on(
    client: TestClient, org: Workspace
) -> None:
    with org.graph.write(SYSTEM) as writer:
        document = {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name": "player"},
        }
        spec = {"type": "service", "lifecycle": "production", "owner": "discovery"}
        writer.put({**document, "spec": spec})
    address = "/catalog/component/default/player"
    assert "Bets, flags and experiments that touch it" in client.get(address, headers=HTML).text
    switch(org.graph, local_actor(), None, practices={"bets": "off", "experiments": "off"})
    shown = client.get(address, headers=HTML).text
    assert "Flags that touch it" in shown
    assert "experiment" not in re.sub(r"<[^>]*>", " ", shown).lower()
    switch(org.graph, local_actor(), None, practices={"flags": "off"})
    assert "that touch it" not in client.get(address, headers=HTML).text
