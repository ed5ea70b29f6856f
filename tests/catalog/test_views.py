"""Saved views: what they hold, who sees and changes them, the API and the pages."""

import doctest

import pytest
from litestar.testing import TestClient

from counterpoint.catalog.views import model, store
from counterpoint.catalog.views.model import query_of
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph import SYSTEM, Actor
from counterpoint.server.app import create_app
from tests.graph.documents import component, group, user

HTML = {"Accept": "text/html"}
ANA = Actor("user:default/ana", "Ana", "person")
EVE = Actor("user:default/eve", "Eve", "person")
QUERY = "kind=Component&tag=python"


def fill(graph) -> None:
    with graph.write(SYSTEM) as writer:
        writer.put(group("home"))
        writer.put(user("ana", "home"))
        writer.put(user("eve"))
        writer.put(component("mix", owner="home", metadata={"tags": ["python"]}))


@pytest.fixture
def org(graph):
    """A unit with Ana in it, and Eve who is in none; on both databases."""
    fill(graph)
    return graph


@pytest.fixture
def client(workspace):
    fill(workspace.graph)
    with TestClient(create_app(workspace, auth=False), base_url="http://counterpoint.localhost") as made:
        yield made


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(model).failed == 0


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("/catalog?kind=all", "kind=all"),
        ("text=a b&kind=API", "kind=API&text=a+b"),
        ("told=x&evil=<script>&cursor=1", ""),
        ("", ""),
    ],
)
def test_a_query_keeps_what_a_list_is_asked_by(text, query):
    assert query_of(text) == query


def test_ones_own_views_are_seen_by_nobody_else(org):
    mine = store.save(org, " My   pythons ", f"?{QUERY}", actor=ANA)
    assert (mine.name, mine.query, mine.shared) == ("My pythons", QUERY, False)
    assert store.views_for(org, ANA) == [mine]
    for other in (EVE, SYSTEM):
        assert store.views_for(org, other, everybody=True) == []
        with pytest.raises(NotFoundError):
            store.read(org, mine.id, other)
        with pytest.raises(NotFoundError):
            store.change(org, mine.id, "x", QUERY, actor=other)
        with pytest.raises(NotFoundError):
            store.remove(org, mine.id, actor=other)
    with org.read() as reader:
        [entry] = reader.activity(action="view.saved")
    assert (entry.subject, entry.after) == (ANA.ref, None), (
        "the log, which all read, keeps the name to itself"
    )


def test_a_units_views_are_seen_by_all_and_changed_by_its_members(org):
    shared = store.save(org, "Pythons", QUERY, actor=ANA, unit="home")
    assert shared.owner == "group:default/home"
    assert store.views_for(org, EVE) == []
    assert store.views_for(org, EVE, everybody=True) == [shared]
    assert store.read(org, shared.id, EVE) == shared
    with pytest.raises(NotAllowedError):
        store.change(org, shared.id, "Snakes", QUERY, actor=EVE)
    with pytest.raises(NotAllowedError):
        store.remove(org, shared.id, actor=EVE)
    assert store.change(org, shared.id, "Snakes", QUERY, actor=ANA).name == "Snakes"
    assert store.may_change(org, [shared], EVE) == {shared.id: False}
    store.remove(org, shared.id, actor=ANA)
    assert store.views_for(org, ANA, everybody=True) == []
    with org.read() as reader:
        actions = [entry.action for entry in reader.activity(subject="group:default/home")]
    assert actions[:3] == ["view.removed", "view.changed", "view.saved"]


def test_nobody_shares_in_the_name_of_a_unit_that_is_not_theirs(org):
    with pytest.raises(NotAllowedError):
        store.save(org, "x", QUERY, actor=EVE, unit="home")
    mine = store.save(org, "x", QUERY, actor=EVE)
    with pytest.raises(NotAllowedError):
        store.change(org, mine.id, "x", QUERY, actor=EVE, unit="home")
    assert store.units_to_share_with(org, EVE) == []
    assert store.units_to_share_with(org, ANA) == [("group:default/home", "home")]


@pytest.mark.parametrize(
    ("name", "query", "unit", "pointer"),
    [
        ("  ", QUERY, "", "/name"),
        ("x" * 81, QUERY, "", "/name"),
        ("x", f"text={'y' * 2_001}", "", "/query"),
        ("x", "kind=Component&lifecylce=production", "", "/query"),
        ("x", "/catalog?nonsense=1", "", "/query"),
        ("x", QUERY, "nobody", "/unit"),
        ("x", QUERY, "user:default/eve", "/unit"),
        ("taken", QUERY, "", "/name"),
    ],
)
def test_what_is_no_view_is_refused_at_its_field(org, name, query, unit, pointer):
    store.save(org, "taken", QUERY, actor=ANA)
    with pytest.raises(InputError) as refused:
        store.save(org, name, query, actor=ANA, unit=unit)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert len(store.views_for(org, ANA)) == 1


def test_a_slip_in_a_query_is_told_and_where_one_is_in_the_list_is_left_out(org):
    with pytest.raises(InputError) as refused:
        store.save(org, "x", "lifecylce=production", actor=ANA)
    assert "did you mean lifecycle?" in refused.value.problems[0].message
    assert store.save(org, "x", f"{QUERY}&cursor=abc&told=view-saved", actor=ANA).query == QUERY


def test_two_people_may_use_the_same_name(org):
    store.save(org, "mine", QUERY, actor=ANA)
    store.save(org, "mine", QUERY, actor=EVE)
    store.save(org, "mine", QUERY, actor=ANA, unit="home")


def test_the_api_saves_changes_and_removes(client):
    made = client.post("/api/v1/views", json={"name": "Pythons", "query": QUERY})
    assert made.status_code == 201
    path = f"/api/v1/views/{made.json()['id']}"
    changed = client.put(path, json={"name": "Snakes", "query": "tag=python", "unit": "home"}).json()
    assert (changed["name"], changed["owner"]) == ("Snakes", "group:default/home")
    assert client.get("/api/v1/views").json()["items"] == [changed]
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert (
        client.post("/api/v1/views", json={"name": "", "query": ""}).json()["errors"][0]["pointer"] == "/name"
    )
    assert client.get("/api/v1/views/%00").status_code == 404


def test_the_list_offers_the_views_and_marks_the_one_that_is_seen(client):
    client.post("/api/v1/views", json={"name": "<Pythons>", "query": QUERY})
    page = client.get(f"/catalog?{QUERY}", headers=HTML).text
    assert "&lt;Pythons&gt;" in page
    assert 'aria-current="page" title="Only you see it"' in page
    assert 'title="Only you see it"' in client.get("/catalog?kind=all").text
    assert 'href="/catalog/views?of=kind%3DComponent%26tag%3Dpython"' in page


def test_a_view_is_saved_renamed_and_removed_on_the_page(client):
    page = client.get("/catalog/views", params={"of": QUERY}, headers=HTML).text
    token = page.split('name="_csrf_token" value="')[1].split('"')[0]
    refused = client.post("/catalog/views", data={"_csrf_token": token, "query": QUERY, "name": ""})
    assert refused.status_code == 400
    assert "Give the view a name." in refused.text
    assert 'name="query" value="kind=Component&amp;tag=python"' in refused.text
    saved = client.post("/catalog/views", data={"_csrf_token": token, "query": QUERY, "name": "Pythons"})
    assert "The view is saved" in saved.text
    view = client.get("/api/v1/views").json()["items"][0]["id"]
    path = f"/catalog/views/{view}"
    assert client.post(path, data={"_csrf_token": token, "name": " "}).status_code == 400
    assert "Snakes" in client.post(path, data={"_csrf_token": token, "name": "Snakes"}).text
    assert "No saved views yet" in client.post(path, data={"_csrf_token": token, "remove": "yes"}).text


def test_the_list_is_shown_as_it_was(client, workspace):
    with workspace.graph.read() as reader:
        then = reader.require("component:mix").updated_at.isoformat()
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(component("later", owner="home"))
        writer.delete("component:mix")
    now = client.get("/catalog", headers=HTML).text
    assert "/catalog/component/default/later" in now
    past = client.get("/catalog", params={"at": then}, headers=HTML).text
    assert "As it was on" in past
    assert "/catalog/component/default/mix?at=" in past
    assert "/catalog/component/default/later" not in past
    assert "Nothing existed yet" in client.get("/catalog?at=2001-01-01", headers=HTML).text
    assert client.get("/catalog?at=someday", headers=HTML).status_code == 400
