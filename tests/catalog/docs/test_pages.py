"""The pages of documentation, over HTTP."""

import os
import re

import pytest

from tests.catalog.docs.conftest import write

HTML = {"Accept": "text/html"}
BASE = "/catalog/component/default/shop/docs"
FILES = {
    "mkdocs.yml": "site_name: The shop\nnav:\n  - index.md\n  - Setting up: setup.md\n  - Gone: gone.md\n",
    "docs/index.md": "# Welcome\n\n[set up](setup.md) [bad](nowhere.md)\n\n## One\n\n## Two\n\n![p](img/p.svg)",
    "docs/setup.md": "---\ntitle: Setting up\n---\nText without a heading.",
    "docs/unlisted.md": "# Unlisted",
    "docs/img/p.svg": "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "docs/page.html": "<script>alert(1)</script>",
    "docs/notes.txt": "<b>plain</b>",
    "docs/.env": "SECRET=1",
}


@pytest.fixture
def shop(documented, client):
    documented(files=FILES)
    return client


def test_the_first_page_has_navigation_contents_and_the_next_page(shop):
    page = shop.get(BASE, headers=HTML)
    assert page.status_code == 200
    assert f'href="{BASE}/setup">Setting up</a>' in page.text
    assert 'aria-current="page">Welcome</a>' in page.text
    assert 'href="#doc-one">One</a>' in page.text
    assert f'rel="next" class="doc-next" href="{BASE}/setup"' in page.text
    assert "Changed" in page.text
    assert len(re.findall("<h1", page.text)) == 1


def test_what_is_to_be_mended_is_told_to_the_owner(shop):
    page = shop.get(BASE, headers=HTML).text
    assert "To mend" in page
    assert "<code>nowhere.md</code>" in page
    assert "nav names gone.md" in page
    assert "1 page not in the navigation" in page
    assert "nav names gone.md" not in shop.get(f"{BASE}/setup", headers=HTML).text


@pytest.mark.parametrize("path", ["setup", "setup/", "setup.md", "setup.html", "setup/index.html"])
def test_a_page_is_found_by_every_name_that_people_know_it_by(shop, path):
    page = shop.get(f"{BASE}/{path}", headers=HTML)
    assert page.status_code == 200
    assert "<h1>Setting up</h1>" in page.text


@pytest.mark.parametrize(
    "path",
    [
        "none",
        "../catalog-info.yaml",
        "%2e%2e/catalog-info.yaml",
        "..%2f..%2f..%2fetc%2fpasswd",
        ".env",
        "img/../.env",
        "img",
        "a%00b",
        "%ff",
    ],
)
def test_what_is_no_page_and_no_file_is_not_found(shop, path):
    answer = shop.get(f"{BASE}/{path}", headers=HTML)
    assert answer.status_code in (400, 404)
    assert "SECRET" not in answer.text
    assert "Traceback" not in answer.text


def test_files_have_safe_types_and_run_nothing(shop):
    svg = shop.get(f"{BASE}/img/p.svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in svg.headers["content-security-policy"]
    assert "sandbox" in svg.headers["content-security-policy"]
    assert "script-src" not in svg.headers["content-security-policy"]
    assert svg.headers["x-content-type-options"] == "nosniff"
    page = shop.get(f"{BASE}/page.html")
    assert page.headers["content-type"].startswith("application/octet-stream")
    assert page.headers["content-disposition"] == "attachment"
    assert shop.get(f"{BASE}/notes.txt").headers["content-type"].startswith("text/plain")


def test_a_file_is_not_sent_again_while_it_has_not_changed(shop):
    first = shop.get(f"{BASE}/img/p.svg")
    assert shop.get(f"{BASE}/img/p.svg", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_a_saved_page_is_shown_at_once(documented, client):
    folder = documented(files={"docs/index.md": "# Before"})
    assert "Before" in client.get(BASE, headers=HTML).text
    write(folder, {"docs/index.md": "# Afterwards"})
    assert "Afterwards" in client.get(BASE, headers=HTML).text


def test_beside_a_readme_only_images_are_offered(documented, client):
    documented(files={"README.md": "# R\n\n![a](a.png)", "a.png": b"x", "secrets.json": "{}", "key.txt": "x"})
    assert client.get(BASE, headers=HTML).status_code == 200
    assert client.get(f"{BASE}/a.png").status_code == 200
    for path in ("secrets.json", "key.txt", "catalog-info.yaml"):
        assert client.get(f"{BASE}/{path}").status_code == 404


def test_scripts_in_markdown_and_in_names_stay_out(documented, client):
    documented(
        files={
            "mkdocs.yml": "site_name: <script>alert(1)</script>\nnav: [{'<img src=x onerror=alert(1)>': index.md}]",
            "docs/index.md": "# <img src=x onerror=alert(1)>\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))",
        }
    )
    page = client.get(BASE, headers=HTML).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "javascript:" not in page


def test_an_entity_without_documentation_says_what_to_do(documented, client):
    documented(annotations={})
    page = client.get(BASE, headers=HTML)
    assert page.status_code == 200
    assert "No documentation yet" in page.text
    assert "backstage.io/techdocs-ref" in page.text


def test_documentation_elsewhere_is_linked(documented, client):
    documented(annotations={"backstage.io/techdocs-ref": "url:https://git.example/shop"})
    assert 'href="https://git.example/shop"' in client.get(BASE, headers=HTML).text


def test_an_unknown_entity_is_not_found(client):
    assert client.get(BASE, headers=HTML).status_code == 404


def test_the_list_shows_state_and_owner(documented, client):
    folder = documented(files=FILES)
    for page in folder.rglob("*.md"):
        os.utime(page, (1_600_000_000, 1_600_000_000))
    documented("lost", annotations={"backstage.io/techdocs-ref": "dir:missing"})
    page = client.get("/docs", headers=HTML).text
    assert f'href="{BASE}"' in page
    assert "1 broken link" in page
    assert "1 problem" in page
    assert "over a year ago" in page
    assert "cannot be read" in page


def test_an_empty_list_says_how_to_add_documentation(client):
    page = client.get("/docs", headers=HTML).text
    assert "No documentation yet" in page
    assert "counterpoint import catalog" in page


def test_the_list_searches(shop):
    page = shop.get("/docs", params={"q": "welcome"}, headers=HTML).text
    assert f'href="{BASE}#doc-welcome"' in page
    assert "Nothing has these words" in shop.get("/docs", params={"q": "zebra"}, headers=HTML).text


def test_the_list_goes_on(documented, client, monkeypatch):
    monkeypatch.setattr("counterpoint.catalog.docs.pages.ROWS", 1)
    documented("a", {"docs/index.md": "x"})
    documented("b", {"docs/index.md": "x"})
    first = client.get("/docs", headers=HTML).text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert "/component/default/b/docs" in client.get(following.group(1), headers=HTML).text


def test_the_entity_leads_to_its_documentation(shop):
    assert f'href="{BASE}"' in shop.get("/catalog/component/default/shop", headers=HTML).text


def test_the_api_lists_and_searches(shop):
    (item,) = shop.get("/api/v1/docs").json()["items"]
    assert item["ref"] == "component:default/shop"
    assert (item["pages"], item["brokenLinks"], item["present"]) == (3, 1, True)
    (hit,) = shop.get("/api/v1/docs/search", params={"q": "welcome"}).json()["items"]
    assert hit["url"] == f"{BASE}#doc-welcome"
    assert shop.get("/api/v1/docs", params={"limit": 0}).status_code == 400
    assert shop.get("/api/v1/docs", params={"cursor": "x"}).status_code == 400


def test_of_a_very_large_site_other_groups_are_links_to_their_first_page(documented, client, monkeypatch):
    monkeypatch.setattr("counterpoint.catalog.docs.reading.WHOLE", 4)
    documented(files={f"docs/{part}/{page}.md": f"# {part}{page}" for part in "pq" for page in "abc"})
    page = client.get(f"{BASE}/q/b", headers=HTML).text
    assert f'<a href="{BASE}/p/a">P</a>' in page
    assert f'href="{BASE}/p/b"' not in page
    assert f'href="{BASE}/q/c">qc</a>' in page
