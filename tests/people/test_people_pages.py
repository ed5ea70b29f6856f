"""The pages of people, as a browser without scripts sees them."""

import re
from datetime import timedelta

import pytest

from counterpoint.graph import SYSTEM
from counterpoint.people.dates import now
from counterpoint.people.memberships import effective
from tests.graph.documents import bet, component, document, group
from tests.people.conftest import today

HTML = {"Accept": "text/html"}


def page(client, path: str, **query: str) -> str:
    answer = client.get(path, params=query, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def sent(client, path: str, seen_at: str = "/units/default/discovery", **data: str):
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page(client, seen_at))
    assert token is not None
    form = {"_csrf_token": token[1]} | data
    return client.post(path, data=form, headers=HTML, follow_redirects=False)


def test_a_unit_shows_charter_people_things_bets_and_how_to_ask_it(client, acme):
    with acme.graph.write(SYSTEM) as writer:
        charter = {"usersServed": "Listeners", "howToAskUs": "Write to <us>"}
        channels = [
            {"title": "Chat", "url": "https://chat.example/d"},
            {"title": "Evil", "url": "javascript:x()"},
        ]
        writer.put(
            group("discovery", parent="listening", mission="Find music", charter=charter, channels=channels)
        )
        writer.put(bet("weekly", state="active"))
        writer.put(bet("old", state="killed"))
    text = page(client, "/units/default/discovery")
    for words in (
        "Find music",
        "Listeners",
        "Write to &lt;us&gt;",
        "https://chat.example/d",
        "/bets/default/weekly",
        "component/default/radio",
        "/people/default/ana",
        "/units/default/listening",
    ):
        assert words in text, words
    assert "javascript:x" not in re.findall(r'href="([^"]*)"', text)
    assert "/bets/default/old" not in text.split('id="owns"')[0]


def test_a_unit_that_owns_very_much_lists_the_first_of_each_kind_counts_all_and_leads_to_the_rest(
    client, acme
):
    with acme.graph.write(SYSTEM) as writer:
        for number in range(120):
            writer.put(component(f"part-{number:03}", owner="playback"))
    text = page(client, "/units/default/playback")
    owns = text.partition('id="owns"')[2].partition("</section>")[0]
    assert owns.count("/catalog/component/default/") == 100
    assert "All 121" in owns
    (rest,) = re.findall(r'href="(/catalog\?[^"]+)"', owns)
    assert rest == "/catalog?owner=group%3Adefault%2Fplayback&amp;kind=Component"
    assert "part-000" in page(client, rest.replace("&amp;", "&"))


def test_a_unit_shows_the_flag_sets_of_others_in_which_it_owns_flags(client, acme):
    flag = {"state": "ENABLED", "variants": {"on": True}, "metadata": {"owner": "discovery"}}
    with acme.graph.write(SYSTEM) as writer:
        for name, owner in (("theirs", "playback"), ("ours", "discovery")):
            spec = {"owner": owner, "definition": {"flags": {"f": flag}}}
            writer.put(document("FlagSet", name, spec) | {"apiVersion": "counterpoint.dev/v1"})
    owns = page(client, "/units/default/discovery").partition('id="owns"')[2].partition("</section>")[0]
    assert "also owns flags in" in owns
    assert (owns.count("/flags/theirs"), owns.count("/flags/ours")) == (1, 1)
    assert "also owns flags in" not in page(client, "/units/default/playback")


def test_a_unit_and_the_map_at_a_past_date(client):
    yesterday = (today() - timedelta(days=1)).isoformat()
    assert client.get("/units/default/discovery", params={"at": yesterday}, headers=HTML).status_code == 404
    text = page(client, "/organisation", at=yesterday)
    assert "Nothing is known of that day" in text
    assert "discovery" in page(client, "/organisation")
    assert client.get("/organisation", params={"at": "soon"}, headers=HTML).status_code == 400


def test_somebody_is_added_by_the_form_and_taken_out_again(client, acme):
    answer = sent(client, "/units/default/discovery/members", person="dan", role="Tech lead", share="50%")
    assert answer.status_code == 303, answer.text
    with acme.graph.read() as reader:
        (made,) = effective(reader, now(), person="user:default/dan")
    assert (made.role, made.share) == ("tech-lead", 0.5)
    assert sent(client, f"/units/default/discovery/members/{made.id}/end").status_code == 303
    with acme.graph.read() as reader:
        assert effective(reader, now(), person="user:default/dan") == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"person": ""}, "Say who."),
        ({"person": "nan"}, "did you mean"),
        ({"person": "dan", "from": "soon"}, "is no date"),
        ({"person": "dan", "share": "lots"}, "write a number above 0"),
        ({"person": "dan", "from": "2026-02-01", "to": "2026-01-01"}, "comes after from"),
    ],
)
def test_what_is_wrong_with_the_form_is_said_and_what_was_typed_stays(client, data, words):
    answer = sent(client, "/units/default/discovery/members", **data)
    assert 400 <= answer.status_code < 500
    assert words in answer.text
    assert "Nothing was changed" in answer.text


def test_the_charter_is_edited_and_a_lost_change_is_refused(client, acme):
    path = "/units/default/discovery/edit"
    etag = re.search(r'name="etag" value="([^"]+)"', page(client, path))
    data = {"etag": etag[1], "mission": "Find music", "channels": "Chat https://chat.example\nDesk 4"}
    assert sent(client, path, **data).status_code == 303
    with acme.graph.read() as reader:
        spec = reader.require("group:default/discovery").spec
    assert spec["mission"] == "Find music"
    assert spec["channels"] == [{"title": "Chat", "url": "https://chat.example"}, {"title": "Desk 4"}]
    assert spec["parent"] == "listening"
    again = sent(client, path, **data)
    assert again.status_code == 412
    assert "Somebody has changed this unit" in again.text


def test_a_line_manager_is_named_by_the_form(client):
    answer = sent(client, "/people/default/dan/manager", "/people/default/dan", manager="ana")
    assert answer.status_code == 303, answer.text
    assert "/people/default/ana" in page(client, "/people/default/dan")
    assert "/people/default/dan" in page(client, "/people/default/ana")
    answer = sent(client, "/people/default/ana/manager", "/people/default/ana", manager="dan")
    assert answer.status_code == 409
    assert "circle" in answer.text


def test_a_unit_is_retired_by_the_form_only_with_homes_for_all(client):
    path = "/units/default/discovery/retire"
    assert "component:default/radio" in page(client, path)
    refused = sent(client, path, **{"home:component:default/radio": "playback"})
    assert refused.status_code == 409
    assert "component:default/search has no new home" in refused.text
    assert sent(client, path, to="playback", reason="Done").status_code == 303
    text = page(client, "/units/default/discovery")
    assert "It was retired" in text
    assert "Done" in text
    assert "discovery" not in page(client, "/organisation")


def test_a_person_s_page_shows_memberships_over_time_and_measures_nothing(client):
    sent(
        client, "/units/default/playback/members", person="dan", **{"from": "2025-01-01", "to": "2025-06-01"}
    )
    text = page(client, "/people/default/dan")
    assert "Before and after" in text
    assert "from 2025-01-01 until 2025-06-01" in text
    assert "/units/default/playback" in page(client, "/people/default/dan", at="2025-03-01")


def test_group_and_user_pages_of_the_catalog_lead_to_these(client):
    assert 'href="/units/default/discovery"' in page(client, "/catalog/group/default/discovery")
    assert 'href="/catalog/group/default/discovery"' in page(client, "/units/default/discovery")
    assert 'href="/people/default/ana"' in page(client, "/catalog/user/default/ana")


def test_an_empty_workspace_says_what_to_do(workspace):
    from litestar.testing import TestClient

    from counterpoint.server.app import create_app

    with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as client:
        assert "counterpoint import people units.csv people.csv" in page(client, "/organisation")
