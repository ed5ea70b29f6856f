"""Searching all documentation at once."""

import pytest

from counterpoint.catalog.docs.search import refresh, search_docs
from counterpoint.catalog.docs.site import Site
from counterpoint.graph import local_actor
from tests.catalog.docs.conftest import write

SHOP = {
    "docs/index.md": "# Selling\n\nHow we sell.\n\n## Refunds\n\nMoney goes back within *three* days.\n\n```\nrefund --all\n```",
    "docs/ops/run.md": "# Running\n\nRefunds are booked at night. Café opens at nine.",
}


def found(workspace, term):
    return [(hit.ref.rpartition("/")[2], hit.page, hit.heading) for hit in search_docs(workspace, term)]


def test_headings_count_more_than_text(workspace, documented):
    documented(files=SHOP)
    assert found(workspace, "refunds") == [("shop", "Selling", "Refunds"), ("shop", "Running", "Running")]


def test_every_word_must_occur_in_a_section_each_as_a_beginning(workspace, documented):
    documented(files=SHOP)
    assert found(workspace, "mon thr") == [("shop", "Selling", "Refunds")]
    assert found(workspace, "money night") == []
    assert found(workspace, "cafe") == [("shop", "Running", "Running")]


def test_a_hit_leads_to_its_heading_and_shows_the_words_around(workspace, documented):
    documented(files=SHOP)
    (hit,) = search_docs(workspace, "three")
    assert hit.url == "/catalog/component/default/shop/docs#doc-refunds"
    assert "within three days" in hit.snippet


@pytest.mark.parametrize(
    "term",
    [
        "",
        "   ",
        '"',
        "*",
        'refunds" OR "x',
        "a AND",
        "NEAR(a b)",
        "^x",
        "heading:x",
        "(",
        "-",
        "\x00",
        "ref*unds",
        "x" * 5_000,
    ],
)
def test_any_text_can_be_searched_for(workspace, documented, term):
    documented(files=SHOP)
    search_docs(workspace, term)


def test_pages_that_are_saved_added_or_removed_are_followed(workspace, documented):
    folder = documented(files=SHOP)
    assert found(workspace, "night")
    write(folder, {"docs/ops/run.md": "# Running\n\nBooked at noon.", "docs/new.md": "# Brand new"})
    (folder / "docs" / "index.md").unlink()
    refresh(workspace)
    assert found(workspace, "night") == []
    assert found(workspace, "noon") == [("shop", "Running", "Running")]
    assert found(workspace, "brand")
    assert found(workspace, "selling") == []


def test_documentation_of_an_entity_that_is_deleted_goes(workspace, documented):
    documented(files=SHOP)
    assert found(workspace, "refunds")
    with workspace.graph.write(local_actor()) as writer:
        writer.delete("component:default/shop")
    refresh(workspace)
    assert found(workspace, "refunds") == []


def test_shared_documentation_is_found_once(workspace, documented):
    documented(files=SHOP)
    documented("other", annotations={"backstage.io/techdocs-entity": "component:shop"})
    assert len(found(workspace, "three")) == 1


def test_the_index_is_bounded(workspace, documented, monkeypatch):
    monkeypatch.setattr("counterpoint.catalog.docs.search.SECTIONS", 2)
    documented(files=SHOP)
    assert len(found(workspace, "refunds")) == 1


def test_built_sites_are_found_by_their_text(workspace, documented):
    page = "<body><article><h1 id='a'>Set up</h1><p>Purple <b>text</b></article>"
    documented(files={"techdocs_metadata.json": "{}", "index.html": page})
    assert found(workspace, "purple text") == [("shop", "Shop", "Set up")]


def test_pages_beyond_what_the_index_holds_are_not_even_read(workspace, documented, monkeypatch):
    monkeypatch.setattr("counterpoint.catalog.docs.search.CHARACTERS", 200)
    documented(files={f"docs/{number}.md": f"# Page {number}\n\n{'word ' * 20}" for number in range(5)})
    read = []
    really = Site.read
    monkeypatch.setattr(Site, "read", lambda site, path: read.append(path) or really(site, path))
    assert len(found(workspace, "word")) == 1
    assert read == ["0.md", "1.md"]
