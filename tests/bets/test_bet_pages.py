"""The pages of bets, through the whole application, as a browser without scripts sees them."""

import re
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.decisions import decide
from counterpoint.bets.store import read, write
from counterpoint.graph.actor import SYSTEM

Client = TestClient[Any]
PATH = "/bets/default/weekly"
REF = "bet:default/weekly"


@pytest.fixture
def bet(org: Workspace) -> Workspace:
    """A bet in Ship it with an experiment that has been read."""
    spec = {
        "owner": "discovery",
        "stage": "ship",
        "beliefs": ["taste"],
        "hypothesis": "We believe <it> will.",
        "success": [{"metric": "retention", "expect": "up"}],
        "guardrails": [{"metric": "start", "margin": 0.01}],
        "kill": "Nobody opens it.",
    }
    write(
        org.graph,
        {
            "apiVersion": "counterpoint.dev/v1",
            "kind": "Bet",
            "metadata": {"name": "weekly", "title": "Weekly <list>"},
            "spec": spec,
        },
        actor=SYSTEM,
    )
    metric = {
        "name": "retention",
        "label": "Retention",
        "ref": "metric:default/retention",
        "role": "success",
        "treatment": "on",
        "event": "play",
        "relative": 0.031,
        "relativeInterval": {"low": 0.012, "high": None},
        "outcome": "better",
    }
    arms = [{"variant": "off", "users": 45210}, {"variant": "on", "users": 44989}]
    with org.graph.write(SYSTEM) as writer:
        writer.record(
            "experiment.read",
            "experiment:default/weekly-test",
            after={"verdict": "do not ship", "sentence": "It fell.", "metrics": [metric], "arms": arms},
        )
    return org


def post(client: Client, path: str, **fields: Any) -> Any:
    page = client.get(path, headers={"accept": "text/html"}).text
    token = re.search(r'name="_csrf_token" value="([^"]*)"', page)
    assert token, "the page has no form"
    return client.post(
        path, data=fields | {"_csrf_token": token[1]}, headers={"accept": "text/html"}, follow_redirects=False
    )


def test_an_empty_list_says_what_would_fill_it(client: Client) -> None:
    page = client.get("/bets", headers={"accept": "text/html"}).text
    assert "counterpoint import catalog bets.yaml" in page
    assert "kind: Bet" in page
    assert "/bets/new" in page


def test_the_list_groups_by_stage_and_names_what_is_missing(client: Client, bet: Workspace) -> None:
    write(
        bet.graph,
        {
            "apiVersion": "counterpoint.dev/v1",
            "kind": "Bet",
            "metadata": {"name": "thin"},
            "spec": {"owner": "discovery"},
        },
        actor=SYSTEM,
    )
    page = client.get("/bets").text
    assert (
        page.index("Think it")
        < page.index(">thin<")
        < page.index("Ship it")
        < page.index("Weekly &lt;list&gt;")
    )
    assert "7 pieces" in page
    assert "do not ship" in page


def test_the_bets_page_shows_the_whole_line_with_links(client: Client, bet: Workspace) -> None:
    page = client.get(PATH).text
    links = (
        "/catalog/purpose/default/music",
        "/catalog/belief/default/taste",
        "/flags/default/weekly-list",
        "/experiments/default/weekly-test",
        "/dashboards/metrics/default/retention",
        "/events?flag=weekly-list",
        "/events?flag=weekly-list&amp;variant=on",
        "/events?type=play",
        "/units/default/discovery",
    )
    assert [link for link in links if f'href="{link}"' not in page] == []
    assert "We believe &lt;it&gt; will." in page
    assert "Verdict: do not ship" in page
    assert "+3.1" in page
    assert "unbounded" in page
    assert "45,210" in page
    with bet.graph.read() as reader:
        (reading,) = reader.activity(action="experiment.read")
    assert f'<a href="/experiments/default/weekly-test#reading-{reading.seq}">+3.1' in page


def test_a_bet_with_nothing_but_an_owner_says_what_is_to_come(client: Client, org: Workspace) -> None:
    write(
        org.graph,
        {
            "apiVersion": "counterpoint.dev/v1",
            "kind": "Bet",
            "metadata": {"name": "thin"},
            "spec": {"owner": "discovery"},
        },
        actor=SYSTEM,
    )
    page = client.get("/bets/default/thin").text
    assert "Name the purpose that it serves" in page
    assert "No hypothesis" in page
    assert "No decision yet" in page


def test_a_bet_that_is_not_there_is_a_page_for_people(client: Client) -> None:
    answer = client.get(PATH, headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "There is no bet default/weekly." in answer.text


def test_the_form_stores_a_bet_and_leads_to_its_page(client: Client, org: Workspace) -> None:
    answer = post(
        client,
        "/bets/new",
        title="Été: weekly",
        owner="discovery",
        success_metric=["retention", ""],
        success_expect=["up", ""],
        guardrail_metric="start",
        guardrail_margin="1",
    )
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/bets/default/ete-weekly?told=bet-placed",
    )
    stored = read(org.graph, "bet:default/ete-weekly").bet
    assert [(item.metric, item.expect) for item in stored.success] == [("retention", "up")]
    assert [(item.metric, item.margin) for item in stored.guardrails] == [("start", 0.01)]


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"title": "Kept title", "owner": ""}, "owner", "exactly one owner"),
        ({"title": "Kept title", "owner": "nobody"}, "owner", "There is no group called nobody"),
        ({"title": "Kept title", "owner": "discovery", "name": "Not A Name"}, "name", "name"),
        ({"title": "Kept title", "owner": "discovery", "patience": "soon"}, "patience", "2026-09-30"),
    ],
)
def test_a_form_with_an_error_keeps_what_was_typed(
    client: Client, org: Workspace, fields: dict[str, str], field: str, message: str
) -> None:
    answer = post(client, "/bets/new", **fields)
    assert answer.status_code == 400
    assert 'value="Kept title"' in answer.text
    assert f'id="{field}-error"' in answer.text
    assert message in answer.text


def test_all_errors_are_told_at_once(client: Client, org: Workspace) -> None:
    answer = post(
        client, "/bets/new", title="Kept", owner="nobody", guardrail_metric="start", guardrail_margin="lots"
    )
    assert 'id="owner-error"' in answer.text
    assert 'id="guardrails-error"' in answer.text


def test_a_name_that_is_taken_is_told_at_the_name(client: Client, bet: Workspace) -> None:
    answer = post(client, "/bets/new", title="Weekly", owner="discovery")
    assert answer.status_code == 400
    assert 'id="name-error"' in answer.text


def test_editing_starts_from_the_bet_and_stores_the_change(client: Client, bet: Workspace) -> None:
    page = client.get(f"{PATH}/edit").text
    assert 'value="Weekly &lt;list&gt;"' in page
    etag = read(bet.graph, REF).bet.etag
    answer = post(client, f"{PATH}/edit", title="Weekly", owner="discovery", kill="Now.", etag=etag)
    assert answer.status_code == 303
    stored = read(bet.graph, REF).bet
    assert (stored.title, stored.kill, stored.stage.value, stored.hypothesis) == (
        "Weekly",
        "Now.",
        "ship",
        "",
    )


def test_an_edit_of_an_older_version_keeps_what_was_typed(client: Client, bet: Workspace) -> None:
    answer = post(client, f"{PATH}/edit", title="Mine", owner="discovery", etag="0" * 40)
    assert answer.status_code == 412
    assert 'value="Mine"' in answer.text
    assert "Somebody has changed this bet" in answer.text


def test_a_decision_is_recorded_and_shown_with_what_was_known(client: Client, bet: Workspace) -> None:
    answer = post(client, PATH, choice="persevere", to="", reason="Mend the start time first.")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?told=decided")
    assert "The decision is recorded" in client.get(answer.headers["location"]).text
    page = client.get(PATH).text
    assert "Mend the start time first." in page
    assert "What was known that day" in page


def test_a_decision_against_the_verdict_is_asked_for_its_reason(client: Client, bet: Workspace) -> None:
    answer = post(client, PATH, choice="ship", to="", reason="")
    assert answer.status_code == 400
    assert "This is an override" in answer.text
    assert re.search(r'value="ship" checked', answer.text)
    assert read(bet.graph, REF).decisions == ()
    assert post(client, PATH, choice="ship", to="", reason="One client is broken.").status_code == 303
    assert read(bet.graph, REF).decisions[0].override


def test_a_form_that_is_sent_twice_moves_the_bet_once(client: Client, bet: Workspace) -> None:
    (seen,) = re.findall(r'name="seen" value="([^"]*)"', client.get(PATH).text)
    fields = {"choice": "advance", "to": "", "reason": "We know.", "seen": seen}
    assert post(client, PATH, **fields).status_code == 303
    again = post(client, PATH, **fields)
    (newest,) = read(bet.graph, REF).decisions
    assert again.status_code == 409
    assert "Somebody has decided about this bet since you looked" in again.text
    # What was typed is kept, and whoever still wants it sends the page as it stands now.
    assert "We know." in again.text
    assert f'name="seen" value="{newest.id}"' in again.text


@pytest.mark.parametrize("fields", [{}, {"choice": "dance"}, {"choice": "pivot", "to": "tweak"}])
def test_what_is_no_decision_is_told_on_the_page(
    client: Client, bet: Workspace, fields: dict[str, str]
) -> None:
    answer = post(client, PATH, **fields)
    assert answer.status_code == 400
    assert "The decision is not recorded yet" in answer.text


def test_a_killed_bet_says_so(client: Client, bet: Workspace) -> None:
    decide(bet.graph, REF, "kill", actor=SYSTEM)
    page = client.get(PATH).text
    assert "A decision can open it again." in page
    assert "Killed or retired" in client.get("/bets").text


def test_what_is_like_a_new_bet_is_shown_without_scripts_and_nothing_is_stored(
    client: Client, bet: Workspace
) -> None:
    empty = client.get("/bets/new").text
    assert re.search(r"<section [^>]*data-similar[^>]* hidden>", empty)
    looked = post(client, "/bets/new", title="Weekly list again", look="yes")
    assert looked.status_code == 200
    assert 'value="Weekly list again"' in looked.text
    assert f'href="{PATH}"' in looked.text
    assert "Weekly &lt;list&gt;" in looked.text
    assert "Both say" in looked.text
    with bet.graph.read() as reader:
        assert not reader.exists("bet:default/weekly-list-again")
    nothing = post(client, "/bets/new", title="Zebra", look="yes").text
    assert "Nothing like it exists yet" in nothing


def test_a_form_with_an_error_shows_what_is_like_the_bet(client: Client, bet: Workspace) -> None:
    answer = post(client, "/bets/new", title="Weekly list again", owner="nobody")
    assert answer.status_code == 400
    assert f'href="{PATH}"' in answer.text


def test_an_edit_is_not_told_that_the_bet_exists(client: Client, bet: Workspace) -> None:
    assert "data-similar" not in client.get(f"{PATH}/edit").text
