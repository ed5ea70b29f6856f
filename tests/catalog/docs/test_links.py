"""Where links lead: pages, anchors, files, entities, source; and which lead nowhere."""

import pytest

from counterpoint.catalog.docs.links import OurAddresses, TechDocsAddresses
from counterpoint.graph import local_actor

FILES = {
    "docs/index.md": "# Home\n\n## Part",
    "docs/setup.md": "# Set up\n\n## First step",
    "docs/ops/index.md": "# Ops",
    "docs/ops/run.md": "# Run\n\n<a name='old'></a>",
    "docs/img/a b.png": b"x",
    "docs/data.csv": "a,b",
    "src/main.py": "x = 1",
}
BASE = "/docs-base"


def show(workspace, library, site, page, text, addresses=None):
    (site.folder / page).write_text(text, encoding="utf-8")
    with workspace.graph.read() as reader:
        known = library.known(reader, site, [page])
    return library.show(site, page, known, addresses or OurAddresses(BASE))


@pytest.fixture
def site(documented, opened):
    documented(files=FILES)
    return opened()


@pytest.mark.parametrize(
    ("page", "link", "address"),
    [
        ("index.md", "setup.md", f"{BASE}/setup"),
        ("index.md", "./setup.md#first-step", f"{BASE}/setup#doc-first-step"),
        ("index.md", "setup/", f"{BASE}/setup"),
        ("index.md", "setup.html", f"{BASE}/setup"),
        ("index.md", "ops/", f"{BASE}/ops"),
        ("index.md", "ops/index.md", f"{BASE}/ops"),
        ("index.md", "/setup.md", f"{BASE}/setup"),
        ("index.md", "data.csv", f"{BASE}/data.csv"),
        ("ops/run.md", "../setup.md", f"{BASE}/setup"),
        ("ops/run.md", "../index.md", BASE),
        ("ops/run.md", "..", BASE),
        ("ops/run.md", "index.md", f"{BASE}/ops"),
        ("ops/run.md", "../../setup/", f"{BASE}/setup"),
        ("index.md", "https://one.example/a?b=c#d", "https://one.example/a?b=c#d"),
        ("index.md", "mailto:a@one.example", "mailto:a@one.example"),
        ("index.md", "#top", "#main"),
        ("index.md", "/catalog", "/catalog"),
    ],
)
def test_links_lead_to_addresses(workspace, library, site, page, link, address):
    shown = show(workspace, library, site, page, f"# T\n\n[x]({link})")
    assert f'href="{address}"' in shown.html
    assert not shown.broken


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("gone.md", "no such page"),
        ("setup.md#nowhere", "no heading nowhere"),
        ("#nowhere", "no heading nowhere"),
        ("../src/main.py", "view-url"),
        ("../../../../etc/passwd", "no such page"),
        ("ftp://one.example", "no address"),
        ("https://", "no address"),
        ("http://[bad", "no address"),
        ("javascript:alert(1)", "no address"),
        ("[[component:none]]", "no component:default/none"),
    ],
)
def test_links_that_lead_nowhere_are_told(workspace, library, site, link, told):
    text = link if link.startswith("[[") else f"[x]({link})"
    shown = show(workspace, library, site, "index.md", f"# T\n\n{text}")
    (broken,) = shown.broken
    assert told in broken.reason


def test_anchors_of_the_page_itself_are_followed(workspace, library, site):
    shown = show(
        workspace,
        library,
        site,
        "index.md",
        "# T\n\n## Über uns\n\n[x](#uber-uns) [y](index.md#uber-uns) a[^1]\n\n[^1]: b",
    )
    assert shown.html.count('href="#doc-uber-uns"') == 2
    assert 'id="doc-uber-uns"' in shown.html
    assert not shown.broken


def test_anchors_of_old_html_are_followed(workspace, library, site):
    assert not show(workspace, library, site, "index.md", "[x](ops/run.md#old)").broken


def test_images_come_from_the_documentation_only(workspace, library, site):
    text = "![a](img/a%20b.png) ![b](https://evil.example/x.png) ![c](//evil.example/x.png) ![d](/logout) ![e](img/none.png) ![f](data.csv)"
    shown = show(workspace, library, site, "index.md", text)
    assert shown.html.count("src=") == 1
    assert f'src="{BASE}/img/a%20b.png"' in shown.html
    assert [each.target for each in shown.broken] == ["img/none.png", "data.csv"]


def test_source_beside_the_documentation_is_shown_where_people_look_at_it(
    workspace, library, documented, opened
):
    documented(
        files=FILES,
        annotations={
            "backstage.io/techdocs-ref": "dir:.",
            "backstage.io/view-url": "https://git.example/shop/tree/main/catalog-info.yaml",
        },
    )
    shown = show(workspace, library, opened(), "index.md", "[x](../src/main.py)")
    assert 'href="https://git.example/shop/tree/main/src/main.py"' in shown.html
    assert not shown.broken


def test_entities_in_the_text_lead_to_their_pages_by_their_titles(workspace, library, site):
    shown = show(
        workspace, library, site, "index.md", "[[component:shop]] and [[component:default/shop|this]]"
    )
    assert '<a class="entity-ref" href="/catalog/component/default/shop"' in shown.html
    assert ">Shop</a>" in shown.html
    assert ">this</a>" in shown.html


def test_an_entity_that_is_deleted_becomes_a_broken_link(workspace, library, site):
    text = "[[component:shop]]"
    assert not show(workspace, library, site, "index.md", text).broken
    with workspace.graph.write(local_actor()) as writer:
        writer.delete("component:default/shop")
    assert show(workspace, library, site, "index.md", text).broken


@pytest.mark.parametrize(
    ("here", "slug", "address"),
    [
        ("", "setup", "setup/"),
        ("setup", "", "../"),
        ("ops/run", "setup", "../../setup/"),
        ("ops", "ops/run", "run/"),
        ("", "", "./"),
    ],
)
def test_techdocs_addresses_are_relative_as_mkdocs_writes_them(here, slug, address):
    assert TechDocsAddresses(here).page(slug) == address
    assert TechDocsAddresses("ops/run").file("img/a.png") == "../../img/a.png"


def test_of_pages_that_take_seconds_only_a_few_are_checked_and_this_is_told(
    workspace, library, documented, opened, monkeypatch
):
    monkeypatch.setattr("counterpoint.catalog.docs.library.WILD", 2)
    monkeypatch.setattr("counterpoint.catalog.docs.library.is_calm", lambda text: "wild" not in text)
    documented(
        files={f"docs/{name}.md": "wild [x](none.md)" for name in "abcd"} | {"docs/e.md": "[x](none.md)"}
    )
    with workspace.graph.read() as reader:
        report = library.report(reader, opened())
    assert [each.page for each in report.broken] == ["a.md", "b.md", "e.md"]
    assert "only the links of 3 of 5 pages are checked" in report.problems
