"""Boards, evidence, stances, learning and both spaces, as a browser without scripts sees them."""

import re
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets import board_pages
from counterpoint.bets.concerns.raising import raise_concern
from counterpoint.bets.deciding.model import Content
from counterpoint.bets.deciding.records import propose
from counterpoint.bets.decisions import decide
from counterpoint.bets.dependencies.store import report_dependency
from counterpoint.bets.feedback.store import take_in
from counterpoint.bets.store import read, write
from counterpoint.graph.actor import SYSTEM

Client = TestClient[Any]
BET = "/bets/default/weekly"
REF = "bet:default/weekly"
HTML = {"accept": "text/html"}


def ours(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name, "title": name.capitalize()},
        "spec": {"owner": "discovery", **spec},
    }


@pytest.fixture
def bets(org: Workspace) -> Workspace:
    with org.graph.write(SYSTEM) as writer:
        writer.put(
            ours("Datum", "diary", statement="31 of 48 named a day.", source="Study", date="2026-03-06")
        )
        writer.put(ours("Insight", "day", statement="Newness has a day.", data=["diary"]))
        writer.put(ours("Belief", "habit", statement="A day makes a habit.", purpose="music", insights=["day"], expires="2020-01-01"))  # fmt: skip
    write(org.graph, ours("Bet", "weekly", beliefs=["habit"], horizon="now", mix="explore"), actor=SYSTEM)
    write(org.graph, ours("Bet", "other", horizon="now"), actor=SYSTEM)
    return org


def token(client: Client, path: str) -> str:
    found = re.search(r'name="_csrf_token" value="([^"]*)"', client.get(path, headers=HTML).text)
    assert found, "the page has no form"
    return found[1]


def post(client: Client, path: str, of: str, **fields: Any) -> Any:
    data = fields | {"_csrf_token": token(client, of)}
    return client.post(path, data=data, headers=HTML, follow_redirects=False)


def names(page: str) -> list[str]:
    return re.findall(r'data-bet="bet:default/([a-z]+)"', page)


def test_the_board_orders_without_scripts_and_keeps_the_focus(client: Client, bets: Workspace) -> None:
    page = client.get("/bets/board").text
    assert names(page) == ["other", "weekly"]
    assert "traces to no purpose" in page
    assert "belief past its date" in page
    moved = post(client, "/bets/board", "/bets/board", unit="group:default/discovery", bet=REF, move="up")
    assert moved.status_code == 303
    page = client.get(moved.headers["location"]).text
    assert names(page) == ["weekly", "other"]
    assert re.findall(r'href="([^"]*)" autofocus', page) == [BET], "at the top there is no further way up"
    moved = post(client, "/bets/board", "/bets/board", unit="group:default/discovery", bet=REF, move="down")
    assert "#" not in moved.headers["location"]
    post(client, "/bets/board", "/bets/board", unit="group:default/discovery", bet=REF, move="up")
    write(bets.graph, ours("Bet", "third", horizon="now"), actor=SYSTEM)
    moved = post(client, "/bets/board", "/bets/board", unit="group:default/discovery", bet=REF, move="down")
    page = client.get(moved.headers["location"]).text
    assert names(page) == ["other", "weekly", "third"]
    assert re.findall(r'value="(\w+)" autofocus aria-label="([^"]*)"', page) == [("down", "Down: Weekly")]


def test_the_board_moves_between_horizons(client: Client, bets: Workspace) -> None:
    moved = post(
        client, "/bets/board", "/bets/board", unit="group:default/discovery", bet=REF, horizon="later"
    )
    page = client.get(moved.headers["location"]).text
    assert page.index('data-horizon="later"') < page.index(f'data-bet="{REF}"')
    assert re.findall(r'href="([^"]*)" autofocus', page) == [BET]


def test_a_wrong_move_says_so_and_shows_the_board(client: Client, bets: Workspace) -> None:
    answer = post(
        client, "/bets/board", "/bets/board", unit="group:default/discovery", bet=REF, move="sideways"
    )
    assert answer.status_code == 400
    assert "is no move" in answer.text
    assert names(answer.text) == ["other", "weekly"]


def test_evidence_is_added_by_a_form_that_keeps_what_was_typed(client: Client, bets: Workspace) -> None:
    path = f"{BET}/evidence"
    wrong = post(client, path, path, risk="value", method="interview", note="Seven of eight", sample="many")
    assert wrong.status_code == 400
    assert "no number" in wrong.text
    assert "Seven of eight" in wrong.text
    good = post(client, path, path, risk="value", method="interview", direction="for", note="Seven of <8>")
    assert good.headers["location"] == f"{BET}?told=evidence-added#evidence"
    page = client.get(BET).text
    assert "Seven of &lt;8&gt;" in page
    assert "Little known" in page


def test_both_stances_are_recorded_and_shown_beside_the_stage(client: Client, bets: Workspace) -> None:
    for side, answer in (("squad", "yes"), ("sponsor", "no")):
        told = post(
            client, f"{BET}/stance", BET, side=side, answer=answer, **{"stance-reason": f"{side} knows"}
        )
        assert told.status_code == 303
    page = client.get(BET).text
    assert page.index("says yes") < page.index("says no")
    assert "squad knows" in page
    assert "The sponsor answered the exit question with no" in page


def test_a_gate_is_passed_in_two_clicks_and_a_reason(client: Client, bets: Workspace) -> None:
    for stage in ("build", "ship", "tweak"):
        done = post(client, BET, BET, choice="advance", reason="We know enough.")  # choose, record
        assert done.status_code == 303
        assert read(bets.graph, REF).bet.stage.value == stage


def test_an_override_comes_back_on_the_page_and_on_the_board(client: Client, bets: Workspace) -> None:
    from datetime import UTC, datetime

    today = datetime.now(UTC).date()
    made = decide(bets.graph, REF, "ship", actor=SYSTEM, reason="Everybody asked.", follow_up_on=today)
    assert "Overrides that come back" in client.get("/bets/board").text
    assert "Say what came of it" in client.get(BET).text
    kept = post(client, f"{BET}/follow-up", BET, decision=made.id, **{"learned-1": "Too early."})
    assert kept.status_code == 303
    assert "Too early." in client.get(BET).text
    assert "Overrides that come back" not in client.get("/bets/board").text
    assert "Too early." in client.get("/bets/learned").text


def test_a_killed_bet_is_thanked_and_what_it_taught_is_found(client: Client, bets: Workspace) -> None:
    done = post(client, BET, BET, choice="kill", learned="Invitations are answered within a minute.")
    assert done.status_code == 303
    page = client.get("/bets/learned?q=invitations minute").text
    assert "Invitations are answered" in page
    assert "Nothing has these words" in client.get("/bets/learned?q=zeppelin").text
    thanked = post(client, f"{BET}/thanks", BET, note="For stopping in time.")
    assert thanked.status_code == 303
    post(client, f"{BET}/thanks", BET, note="Again.")
    page = client.get(BET).text
    assert page.count("says thank you") == 1
    assert "For stopping in time." in page
    with bets.graph.read() as reader:
        assert [hit.entity.ref for hit in reader.search("invitations minute")] == [REF]
    kept = post(client, f"{BET}/learned", BET, learned="Begin with people in one room.")
    assert kept.status_code == 303
    assert read(bets.graph, REF).bet.learned == "Begin with people in one room."


def test_a_bet_that_goes_on_is_not_thanked_away(client: Client, bets: Workspace) -> None:
    answer = post(client, f"{BET}/thanks", BET)
    assert answer.status_code == 409


def test_both_spaces_stand_apart_and_show_what_rests_on_what(client: Client, bets: Workspace) -> None:
    page = client.get("/bets/why").text
    problem, solution = page.index('id="problem"'), page.index('id="solution"')
    assert problem < page.index("31 of 48") < page.index("Newness has a day.") < solution
    assert solution < page.index("A day makes a habit.")
    assert "past its date" in page
    behind = client.get("/bets/why?bet=weekly").text
    assert "31 of 48" in behind
    assert "31 of 48" not in client.get("/bets/why?bet=other").text


def test_a_node_is_made_edited_and_keeps_its_versions(client: Client, bets: Workspace) -> None:
    new = "/bets/why/new?kind=belief"
    wrong = post(client, new, new, statement="Ears decide.", owner="discovery", confidence="lots")
    assert wrong.status_code == 400
    assert "no percentage" in wrong.text
    assert "Ears decide." in wrong.text
    made = post(
        client, new, new, statement="Ears decide.", owner="discovery", confidence="70", rests_on="day"
    )
    path = made.headers["location"].partition("?")[0]
    assert path == "/bets/why/belief/default/ears-decide"
    etag = re.search(r'name="etag" value="([^"]+)"', client.get(path).text)
    assert etag
    fields = {"statement": "Ears decide first.", "owner": "discovery", "rests_on": "day", "confidence": "70"}
    assert post(client, path, path, **fields, etag=etag[1]).status_code == 303
    page = client.get(path).text
    assert page.index("Ears decide first.") < page.index("<blockquote>Ears decide.</blockquote>")
    assert "says something else" in page
    assert post(client, path, path, **fields, etag=etag[1]).status_code == 412


def test_a_purpose_shows_which_bets_a_change_hits(client: Client, bets: Workspace) -> None:
    page = client.get("/bets/why/purpose/default/music").text
    hits = page[page.index('id="hits"') :]
    assert "Weekly" in hits
    assert "Other" not in hits


@pytest.mark.parametrize(
    "path",
    ["/bets/why/metric/default/retention", "/bets/why/belief/default/none", "/bets/board?unit=none", "/bets/why/new?kind=song"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(client: Client, bets: Workspace, path: str) -> None:
    assert client.get(path, headers=HTML).status_code == 404


def test_the_api_of_boards_and_evidence_says_the_same(client: Client, bets: Workspace) -> None:
    posted = client.post(
        f"/api/v1{BET}/evidence", json={"risk": "value", "method": "offline", "direction": "for"}
    )
    assert posted.status_code == 201
    listed = client.get(f"/api/v1{BET}/evidence").json()
    assert listed["standing"] == [posted.json()["id"]]
    assert listed["risks"][0]["level"] == "falling"
    bad = client.post(
        f"/api/v1{BET}/evidence",
        json={"risk": "value", "method": "offline", "direction": "for", "strength": 7},
    )
    assert bad.status_code == 422 or bad.status_code == 400
    assert bad.json()["errors"][0]["pointer"] == "/strength"
    board = client.post(
        "/api/v1/boards/moves", json={"unit": "discovery", "bet": "weekly", "move": "top"}
    ).json()
    assert [row["line"]["bet"]["name"] for row in board["columns"][0]["bets"]] == ["weekly", "other"]
    assert client.get("/api/v1/boards?unit=discovery").json()["columns"] == board["columns"]
    stance = client.post(f"/api/v1{BET}/stances", json={"side": "squad", "answer": "unsure"})
    assert stance.status_code == 201
    assert client.get(f"/api/v1{BET}/stances").json()["items"] == [stance.json()]
    assert client.get("/api/v1/bets/learned").json()["ended"] == []
    assert [node["title"] for node in client.get("/api/v1/bets/why").json()["insights"]] == ["Day"]
    assert client.get(f"/api/v1{BET}/follow-ups").json() == {"items": []}


def test_a_long_column_is_cut_and_shown_in_full_where_asked(
    client: Client, bets: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_pages, "FEW", 1)
    page = client.get("/bets/board").text
    assert names(page) == ["other"]
    assert "1 more bet: show all" in page
    assert 'data-next="bet:default/weekly"' in page
    assert names(client.get("/bets/board?every=yes").text) == ["other", "weekly"]
    assert names(client.get(f"/bets/board?moved={REF}&did=up").text) == ["other", "weekly"]


def test_the_page_of_a_bet_has_a_place_for_everything_that_is_said_about_it(
    client: Client, bets: Workspace
) -> None:
    page = client.get(BET).text
    for place in ("evidence", "judgement", "rollout", "decisions", "stage", "concerns", "forecast"):
        assert page.count(f'id="{place}"') == 1, place
    assert page.index('id="evidence"') < page.index('id="judgement"') < page.index('id="bet"')
    assert "Nobody forecasts this bet yet" in page
    assert "Next: Talk with five of those it is for." in page
    assert 'id="records"' not in page
    propose(bets.graph, Content(title="Begin small", unit="discovery", bet=REF), actor=SYSTEM)
    take_in(bets.graph, "discovery", "I love Mondays now.", actor=SYSTEM, bet=REF)
    raise_concern(bets.graph, REF, "The date is in danger.", actor=SYSTEM)
    with bets.graph.write(SYSTEM) as writer:
        group = {"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": {"name": "search"}}
        writer.put(group | {"spec": {"type": "squad", "children": []}})
    report_dependency(bets.graph, "discovery", "search", "An index", actor=SYSTEM)
    page = client.get(BET).text
    for words in ("Begin small", "I love Mondays now.", "An index"):
        assert words in page


def test_bets_of_a_unit_that_has_none_are_in_no_list_of_bets(client: Client, bets: Workspace) -> None:
    decide(bets.graph, "bet:default/other", "kill", actor=SYSTEM, reason="Nobody came.", learned="Ask first.")
    assert "Ask first." in client.get("/bets/learned").text
    assert 'href="/bets/default/weekly"' in client.get("/bets/why").text
    with bets.graph.write(SYSTEM) as writer:
        writer.put(ours("PolicyPack", "calm", unit="discovery", practices={"bets": False}))
    assert "Ask first." not in client.get("/bets/learned").text
    assert client.get("/api/v1/bets/learned").json()["survival"][0]["entered"] == 0
    page = client.get("/bets/why").text
    assert "A day makes a habit." in page
    assert 'href="/bets/default/weekly"' not in page, "neither among the bets nor as what a belief leads to"
