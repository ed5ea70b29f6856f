"""Documentation at an address: fetched when it is read, within limits, from the hosts that are allowed."""

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog.docs import mirror
from counterpoint.catalog.docs.library import Library, library_of
from counterpoint.catalog.docs.search import search_docs
from counterpoint.catalog.docs.site import Site
from counterpoint.catalog.docs.source import Missing
from counterpoint.graph import SYSTEM
from counterpoint.server.app import create_app
from tests.catalog.loopback import Loopback
from tests.graph.documents import component, group

PLACE = "default/Component/shop"
PAGE = "/catalog/component/default/shop/docs"
FILES = {
    "/site/mkdocs.yml": "site_name: Far shop\nnav:\n  - Home: index.md\n  - Set up: [guide/setup.md, https://a.example]\n",
    "/site/docs/index.md": "# Welcome\n\n[more](more.md) [code](../src/a.py) ![p](img/p.png) [out](../../../secret.md)\n",
    "/site/docs/guide/setup.md": "# Set up\n\nTurn the quokka on.\n",
    "/site/docs/more.md": "# More\n\nNo nav names it.\n",
    "/site/docs/img/p.png": "png",
    "/secret.md": "# Secret\n",
    "/site/secret.md": "# Secret\n",
}


@pytest.fixture
def far(reading: Workspace, web: Loopback) -> Workspace:
    web.files |= FILES
    declare(reading, f"url:{web.url('/site')}")
    return reading


@pytest.fixture
def visitor(far: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(far, auth=False), base_url="http://counterpoint.localhost") as made:
        yield made


def declare(workspace: Workspace, target: str) -> None:
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(group("player"))
        noted = {"annotations": {"backstage.io/techdocs-ref": target}}
        writer.put(component("shop", owner="player", metadata=noted))


def opened(workspace: Workspace, library: Library | None = None, *, fetch: bool = True) -> Site | Missing:
    with workspace.graph.read() as reader:
        entity = reader.require("component:default/shop")
        return (library or library_of(workspace)).open(reader, entity, fetch=fetch)


def test_the_pages_of_the_nav_and_what_they_lead_to_are_shown_and_found(
    far: Workspace, visitor: TestClient
) -> None:
    page = visitor.get(PAGE, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Welcome" in page.text
    site = opened(far)
    assert isinstance(site, Site)
    assert sorted(site.pages) == ["guide/setup.md", "index.md", "more.md"]
    assert site.file("img/p.png") is not None
    assert [hit.page for hit in search_docs(far, "quokka", 5)] == ["Set up"]
    with far.graph.read() as reader:
        broken = library_of(far).report(reader, site).broken
    assert [each.target for each in broken] == ["../../../secret.md"]


def test_the_reader_of_backstage_gets_the_same(far: Workspace, visitor: TestClient, web: Loopback) -> None:
    html = visitor.get(f"/api/techdocs/static/docs/{PLACE}/guide/setup/index.html")
    assert "quokka" in html.text
    entity = visitor.get(f"/api/techdocs/metadata/entity/{PLACE}").json()
    assert entity["locationMetadata"] == {"type": "url", "target": web.url("/site/")}
    assert visitor.get(f"/api/techdocs/metadata/techdocs/{PLACE}").json()["site_name"] == "Far shop"
    assert visitor.get(f"/api/techdocs/static/docs/{PLACE}/img/p.png").content == b"png"


def test_lists_do_not_wait_for_an_address(far: Workspace) -> None:
    site = opened(far, fetch=False)
    assert isinstance(site, Missing)
    assert "not been read yet" in site.reason
    assert isinstance(opened(far), Site)
    assert isinstance(opened(far, fetch=False), Site)


def test_a_change_is_seen_after_a_while_and_a_copy_outlives_the_address(
    far: Workspace, web: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(far)
    assert isinstance(first, Site)
    web.files["/site/docs/index.md"] = "# Changed\n"
    del web.files["/site/docs/more.md"]
    assert "Welcome" in first.read("index.md")
    monkeypatch.setattr(mirror, "PAUSE", 0.0)
    later = opened(far)
    assert isinstance(later, Site)
    assert later.read("index.md") == "# Changed\n"
    assert sorted(later.pages) == ["guide/setup.md", "index.md"]
    web.files.clear()
    kept = opened(far)
    assert isinstance(kept, Site)
    assert sorted(kept.pages) == ["guide/setup.md", "index.md"]


def test_what_is_not_allowed_or_not_there_is_told_with_the_remedy(reading: Workspace, web: Loopback) -> None:
    declare(reading, "url:https://git.example/shop")
    told = opened(reading)
    assert isinstance(told, Missing)
    assert "read_hosts" in told.reason
    declare(reading, f"url:{web.url('/nothing')}")
    told = opened(reading)
    assert isinstance(told, Missing)
    assert "mkdocs.yml" in told.remedy


def test_a_hostile_site_leads_nowhere_and_ends(
    reading: Workspace, web: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "FILES", 20)
    nav = "".join(f"  - p{number}.md\n" for number in range(500))
    web.files |= {
        f"/site/docs/p{number}.md": f"# {number}\n[a](../../../../etc/passwd.md)" for number in range(500)
    }
    web.files["/site/mkdocs.yml"] = f"docs_dir: ../../..\nnav:\n  - ../../../etc/x.md\n  - .git/y.md\n{nav}"
    declare(reading, f"url:{web.url('/site/mkdocs.yml')}")
    site = opened(reading)
    folder = reading.path / "index" / "docs"
    assert all(file.resolve().is_relative_to(folder) for file in folder.rglob("*"))
    assert sum(file.is_file() for file in folder.rglob("*")) <= 20
    assert isinstance(site, Missing) or len(site.pages) <= 20
