"""The catalog's pages."""

import re

import pytest

from counterpoint.graph import SYSTEM
from tests.graph.documents import component, group

HTML = {"Accept": "text/html"}


def test_an_empty_catalog_names_the_command_that_fills_it(client):
    page = client.get("/catalog", headers=HTML)
    assert page.status_code == 200
    assert "counterpoint import catalog" in page.text


def test_the_list_links_every_entity_with_its_owner(visitor):
    page = visitor.get("/catalog", headers=HTML).text
    assert 'href="/catalog/component/default/web-player"' in page
    assert 'href="/units/default/player"' in page
    assert "The player &lt;in&gt; the browser." in page


def test_filters_narrow_the_list_and_say_how_many(visitor):
    page = visitor.get("/catalog", params={"kind": "Component", "lifecycle": "deprecated"}, headers=HTML).text
    assert "lyrics" in page
    assert "/catalog/component/default/web-player" not in page
    assert re.search(r'<option value="website">website \(1\)', visitor.get("/catalog?kind=Component").text)


def test_filters_that_leave_nothing_offer_a_way_back(visitor):
    page = visitor.get("/catalog", params={"text": "zzz"}, headers=HTML)
    assert page.status_code == 200
    assert "Clear the filters" in page.text


@pytest.mark.parametrize(
    "path",
    [
        "component/default/web-player",
        "component/default/lyrics",
        "group/default/player",
        "user/default/ana",
        "system/default/playback",
        "api/default/playback",
    ],
)
def test_every_kind_has_its_page(visitor, path):
    page = visitor.get(f"/catalog/{path}", headers=HTML)
    assert page.status_code == 200
    assert "Where it comes from" in page.text
    assert "apiVersion: backstage.io/v1alpha1" in page.text


def test_an_entity_shows_owner_relations_links_and_file(visitor):
    page = visitor.get("/catalog/component/default/web-player", headers=HTML).text
    assert "Depends on" in page
    assert "resource:default/missing is not in the catalog" in page
    assert "https://git.arpeggio.example/web" in page
    assert "catalog-info.yaml" in page
    assert "Version 1" in page


def test_a_group_shows_members_and_what_it_owns(visitor):
    page = visitor.get("/catalog/group/default/player", headers=HTML).text
    assert "Ana Moreira" in page
    assert "/catalog/component/default/web-player" in page


def test_an_owner_that_does_not_exist_is_said(visitor):
    assert "This owner does not exist" in visitor.get("/catalog/component/default/lyrics", headers=HTML).text


def test_the_past_is_shown_with_a_notice(client, filled):
    path = "/catalog/component/default/web-player"
    entity = client.get("/api/v1/entities/component/default/web-player").json()
    client.put(
        "/api/v1/entities/component/default/web-player",
        json=entity["document"] | {"metadata": entity["document"]["metadata"] | {"title": "Renamed"}},
    )
    past = client.get(path, params={"at": entity["updatedAt"]}, headers=HTML).text
    assert "As it was on" in past
    assert "<h1>Web player" in past
    assert "<h1>Renamed" in client.get(path, headers=HTML).text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/catalog/component/default/none", 404),
        ("/catalog/component/default/web-player?at=2001-01-01", 404),
        ("/catalog/component/default/web-player?at=someday", 400),
        ("/catalog?order=colour", 400),
        ("/catalog?cursor=x", 400),
    ],
)
def test_wrong_addresses_are_told_and_never_a_traceback(visitor, path, status):
    page = visitor.get(path, headers=HTML)
    assert page.status_code == status
    assert "Traceback" not in page.text


def test_scripts_in_names_and_links_stay_text(client, filled):
    document = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {
            "name": "x",
            "title": "<script>alert(1)</script>",
            "annotations": {"backstage.io/view-url": "javascript:alert(1)"},
            "links": [{"url": "javascript:alert(1)"}, {"url": " jAva\tscript:alert(1)"}, {"url": "data:x,y"}],
        },
        "spec": {"type": "service", "lifecycle": "production", "owner": "player"},
    }
    assert client.put("/api/v1/entities/component/default/x", json=document).status_code == 201
    page = client.get("/catalog/component/default/x", headers=HTML).text
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert not re.search(r'href="[^"]*(script:|data:)', page)
    assert "its address runs a script" in page


def test_the_list_begins_with_components_and_all_is_one_press_away(visitor):
    first = visitor.get("/catalog", headers=HTML).text
    assert '<input type="hidden" name="kind" value="Component">' in first
    assert "<span>player</span></a>\n" not in first.lower()
    every = visitor.get("/catalog?kind=all", headers=HTML).text
    assert '<input type="hidden" name="kind" value="all">' in every
    assert "<span>player</span></a>" in every.lower()
    assert 'name="kind" value="all"' in visitor.get("/catalog?owner=group:default/player", headers=HTML).text


def test_a_group_lists_its_people_and_what_it_owns_by_kind(visitor):
    page = visitor.get("/catalog/group/default/player", headers=HTML).text
    assert 'class="people"' in page
    assert 'class="rows-head">Components' in page


def test_an_entity_is_shown_as_it_was_on_a_day(visitor):
    page = visitor.get("/catalog/component/default/web-player", headers=HTML).text
    assert '<input class="input" type="date" id="at" name="at"' in page


def test_an_owner_may_be_named_as_in_a_descriptor(visitor):
    page = visitor.get("/catalog", params={"owner": "player", "kind": "Component"})
    assert page.status_code == 200
    assert "Web player" in page.text
    assert 'value="group:default/player" selected' in page.text


def test_a_hub_lists_its_first_neighbours_counts_all_and_says_where_the_rest_is(client, workspace):
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(group("crowd"))
        writer.put(component("hub", owner="crowd"))
        for number in range(210):
            writer.put(component(f"user-{number:03}", owner="crowd", dependsOn=["component:hub"]))
    page = client.get("/catalog/component/default/hub", headers={"Accept": "text/html"}).text
    assert "and 204 more" in page
    assert 'id="relation-dependencyOf"' in page
    assert "The first 200 of 210" in page
    assert "user-199" in page
    assert "user-200" not in page
    assert "/api/v1/entities/component/default/hub/relations?type=dependencyOf" in page
    two = client.get("/catalog/component/default/hub?steps=2", headers={"Accept": "text/html"}).text
    assert "and 200 more" in two
    assert 'href="#needed-by-1"' in two
    assert 'id="needed-by-1"' in two
    unit = client.get("/catalog/group/default/crowd", headers={"Accept": "text/html"}).text
    assert "The first 200 of 211" in unit
    assert "/catalog?kind=all&amp;owner=group%3Adefault%2Fcrowd" in unit
