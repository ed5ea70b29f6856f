"""What Backstage's documentation reader asks for."""

import json

import pytest

FILES = {
    "mkdocs.yml": "site_name: The shop\nsite_description: Sells.",
    "docs/index.md": "# Welcome\n\n[set up](setup.md#first) ![p](img/p.png)",
    "docs/setup.md": "# Set up\n\n## First\n\n[back](index.md)\n\n<script>alert(1)</script>",
    "docs/img/p.png": b"x",
}
PLACE = "default/Component/shop"


@pytest.fixture
def shop(documented, client):
    documented(files=FILES)
    return client


def test_the_metadata_names_site_and_files(shop):
    answer = shop.get(f"/api/techdocs/metadata/techdocs/{PLACE}").json()
    assert answer["site_name"] == "The shop"
    assert answer["site_description"] == "Sells."
    assert "setup/index.html" in answer["files"]
    assert answer["build_timestamp"] > 1_600_000_000_000
    assert answer == shop.get(f"/api/techdocs/static/docs/{PLACE}/techdocs_metadata.json").json()


def test_the_entity_comes_with_where_its_documentation_is(shop):
    answer = shop.get(f"/api/techdocs/metadata/entity/{PLACE}").json()
    assert answer["kind"] == "Component"
    assert answer["metadata"]["uid"]
    assert answer["relations"] == [{"type": "ownedBy", "targetRef": "group:default/player"}]
    assert answer["locationMetadata"]["type"] == "dir"


def test_a_sync_tells_that_nothing_has_to_be_built(shop):
    answer = shop.get(f"/api/techdocs/sync/{PLACE}", headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        dict(line.split(": ", 1) for line in block.splitlines())
        for block in answer.text.strip().split("\n\n")
    ]
    assert [each["event"] for each in events] == ["log", "finish"]
    assert json.loads(events[1]["data"]) == {"updated": False}


def test_a_sync_without_documentation_is_an_error_event(documented, client):
    documented(annotations={"backstage.io/techdocs-ref": "dir:missing"})
    assert client.get(f"/api/techdocs/sync/{PLACE}").text.startswith("event: error\ndata: ")


def test_pages_are_html_with_relative_addresses(shop):
    page = shop.get(f"/api/techdocs/static/docs/{PLACE}/index.html")
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="setup/#first"' in page.text
    assert 'src="img/p.png"' in page.text
    assert '<article class="md-content__inner md-typeset">' in page.text
    setup = shop.get(f"/api/techdocs/static/docs/{PLACE}/setup/index.html").text
    assert 'href="../"' in setup
    assert 'id="first"' in setup
    assert "<script" not in setup


def test_files_and_the_search_index_are_there(shop):
    assert shop.get(f"/api/techdocs/static/docs/{PLACE}/img/p.png").content == b"x"
    index = shop.get(f"/api/techdocs/static/docs/{PLACE}/search/search_index.json").json()
    assert {"location": "setup/#first", "title": "First", "text": "back alert(1)"} in index["docs"]


@pytest.mark.parametrize("path", ["none/index.html", "img/none.png", "..%2f..%2fcatalog-info.yaml", "none"])
def test_what_is_not_there_is_a_404(shop, path):
    assert shop.get(f"/api/techdocs/static/docs/{PLACE}/{path}").status_code == 404


@pytest.mark.parametrize("kind", ["metadata/techdocs", "metadata/entity"])
def test_an_entity_without_documentation_is_a_404_with_the_remedy(documented, client, kind):
    documented(annotations={})
    answer = client.get(f"/api/techdocs/{kind}/{PLACE}")
    assert answer.status_code == 404
    assert "dir:." in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["metadata/techdocs", "metadata/entity", "sync"])
def test_errors_have_the_shape_of_backstage_also_for_a_browser(shop, kind):
    answer = shop.get(f"/api/techdocs/{kind}/default/Component/none", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    found = answer.json()
    assert found["error"]["name"] == "NotFoundError"
    assert found["request"] == {"method": "GET", "url": f"/{kind}/default/Component/none"}
    assert found["response"] == {"statusCode": 404}


def test_the_cookie_tells_until_when(shop):
    assert shop.get("/api/techdocs/.backstage/auth/v1/cookie").json()["expiresAt"].endswith("Z")


def test_the_search_index_ends_before_it_fills_the_memory(shop, monkeypatch):
    monkeypatch.setattr("counterpoint.catalog.docs.techdocs.INDEX_CHARACTERS", 10)
    index = shop.get(f"/api/techdocs/static/docs/{PLACE}/search/search_index.json").json()
    assert {each["location"].partition("#")[0] for each in index["docs"]} == {""}
