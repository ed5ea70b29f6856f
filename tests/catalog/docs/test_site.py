"""The pages of a folder, `mkdocs.yml`, and what is outside."""

import os

import pytest

from tests.catalog.docs.conftest import write


def entries(navigation):
    return [(each.title, each.page or each.address or entries(each.children)) for each in navigation]


def test_without_a_nav_the_index_is_first_then_files_then_folders(documented, opened):
    documented(
        files={
            "docs/zebra.md": "# Z",
            "docs/index.md": "# Home",
            "docs/how-to/a.md": "x",
            "docs/how-to/b.md": "# B",
        }
    )
    site = opened()
    assert entries(site.navigation) == [
        ("Home", "index.md"),
        ("Z", "zebra.md"),
        ("How to", [("A", "how-to/a.md"), ("B", "how-to/b.md")]),
    ]
    assert site.name == "Shop"
    assert site.home == "index.md"


def test_a_nav_gives_titles_order_groups_and_links(documented, opened):
    nav = """
site_name: The shop
site_description: Where things are sold.
theme: {name: material, custom_dir: /etc}
plugins: [techdocs-core]
markdown_extensions:
  - pymdownx.emoji: {emoji_index: !!python/name:material.extensions.emoji.twemoji , x: !ENV [A, b]}
nav:
  - Start: index.md
  - other.md
  - Deep: [{Deeper: [deep/page.md]}]
  - Elsewhere: https://shop.example
"""
    documented(
        files={
            "mkdocs.yml": nav,
            "docs/index.md": "# I",
            "docs/other.md": "# Own title",
            "docs/deep/page.md": "# P",
        }
    )
    site = opened()
    assert entries(site.navigation) == [
        ("Start", "index.md"),
        ("Own title", "other.md"),
        ("Deep", [("Deeper", [("P", "deep/page.md")])]),
        ("Elsewhere", "https://shop.example"),
    ]
    assert (site.name, site.description) == ("The shop", "Where things are sold.")
    assert not site.problems
    assert [each.page for each in site.order] == ["index.md", "other.md", "deep/page.md"]


def test_what_is_wrong_with_a_nav_is_told_and_the_rest_stays(documented, opened):
    nav = "nav:\n  - index.md\n  - Gone: gone.md\n  - Odd: 3\n  - 7\n  - Out: ../../secret.md\n  - Bad: 'javascript:alert(1)'\n"
    documented(files={"mkdocs.yml": nav, "docs/index.md": "# I"})
    site = opened()
    assert entries(site.navigation) == [("I", "index.md")]
    told = " ".join(site.navigation_problems)
    assert all(each in told for each in ("gone.md", "'Odd'", "neither", "../../secret.md", "javascript:"))


@pytest.mark.parametrize(
    ("nav", "told"),
    [
        ("nav: [a, b", "line"),
        ("- a\n- b", "no mapping"),
        ("nav: 7", "no list"),
        ("nav: &a [{x: *a}]", "nested deeper"),
        ("x: " + "[" * 5_000, "mkdocs.yml"),
        ("site_name: x\n" + "# " + "x" * 1_100_000, "larger than 1 MB"),
        ("\x00\x01", "mkdocs.yml"),
    ],
    ids=["open", "list", "number", "circle", "deep", "large", "control"],
)
def test_a_broken_configuration_is_told_and_the_pages_are_shown(documented, opened, nav, told):
    documented(files={"mkdocs.yml": nav, "docs/index.md": "# I"})
    site = opened()
    assert entries(site.navigation) == [("I", "index.md")]
    assert told in " ".join([*site.problems, *site.navigation_problems])


def test_bombs_of_aliases_cost_nothing(documented, opened):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    merges = ["m0: &m0 {k: v}"] + [
        f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 10)}]}}" for n in range(1, 12)
    ]
    bomb = "\n".join([*lines, *merges, "site_name: *a11", "nav: *a11"])
    documented(files={"mkdocs.yml": bomb, "docs/index.md": "# I"})
    site = opened()
    assert site.name == "Shop"
    assert entries(site.navigation) == [("I", "index.md")]


def test_docs_dir_is_followed_inside_of_what_was_imported_only(documented, opened, missing, tmp_path):
    write(tmp_path / "secret", {"index.md": "# Secret"})
    documented("a", {"mkdocs.yml": "docs_dir: handbook", "handbook/index.md": "# H"})
    assert opened("a").pages.keys() == {"index.md"}
    documented("b", {"mkdocs.yml": "docs_dir: ../../../secret"})
    assert "leads out" in missing("b").reason
    documented("c", {"mkdocs.yml": "docs_dir: nowhere", "README.md": "# R"})
    assert "no folder nowhere" in missing("c").reason
    documented("d", {"mkdocs.yml": f"docs_dir: {tmp_path / 'secret'}"})
    assert "leads out" in missing("d").reason


def test_without_docs_the_readme_is_shown(documented, opened):
    documented(files={"README.md": "# Read me", "picture.png": b"x"})
    site = opened()
    assert site.only_readme
    assert entries(site.navigation) == [("Read me", "README.md")]


def test_without_any_markdown_the_remedy_is_told(documented, missing):
    documented(files={"docs/.gitkeep": ""})
    found = missing()
    assert "no Markdown" in found.reason
    assert "docs/index.md" in found.remedy


def test_an_index_stands_for_its_folder_and_twins_keep_addresses_of_their_own(documented, opened):
    files = ["index.md", "README.md", "a.md", "a/index.md", "a/README.md", "b/README.md"]
    documented(files={f"docs/{path}": "# x" for path in files})
    slugs = {path: page.slug for path, page in opened().pages.items()}
    assert slugs["index.md"] == ""
    assert slugs["a/index.md"] == "a"
    assert slugs["b/README.md"] == "b"
    assert len(set(slugs.values())) == len(files)


def test_hidden_files_and_links_that_lead_out_are_no_part_of_it(documented, opened, tmp_path):
    write(tmp_path / "out", {"secret.md": "# S", "folder/deep.md": "# D"})
    folder = documented(
        files={
            "docs/index.md": "# I",
            "docs/.hidden.md": "x",
            "docs/.git/config.md": "x",
            "docs/node_modules/p.md": "x",
        }
    )
    os.symlink(tmp_path / "out" / "secret.md", folder / "docs" / "linked.md")
    os.symlink(tmp_path / "out" / "folder", folder / "docs" / "folder")
    os.symlink(folder / "docs" / "index.md", folder / "docs" / "again.md")
    os.symlink(folder / "docs" / ".hidden.md", folder / "docs" / "shown.md")
    site = opened()
    assert site.pages.keys() >= {"index.md", "again.md"}
    assert "linked.md" not in site.pages
    for path in ("linked.md", "folder/deep.md", "shown.md", ".hidden.md", ".git/config.md", "../catalog-info.yaml",
                 "/etc/passwd", "a/../../catalog-info.yaml", "", ".", "index.md/", "x\0y", "node_modules/p.md"):  # fmt: skip
        assert site.file(path) is None or path == "index.md/", path


def test_a_page_that_became_a_link_out_is_not_read(documented, opened, tmp_path):
    write(tmp_path / "out", {"secret.md": "secret"})
    folder = documented(files={"docs/index.md": "# I", "docs/b.md": "x"})
    site = opened()
    (folder / "docs" / "b.md").unlink()
    os.symlink(tmp_path / "out" / "secret.md", folder / "docs" / "b.md")
    assert site.read("b.md") == ""


def test_a_page_that_becomes_a_link_out_shows_nothing_of_it_as_its_title(documented, opened, tmp_path):
    write(tmp_path / "out", {"secret.md": "# Secret"})
    folder = documented(files={"docs/index.md": "# I", "docs/b.md": "x"})
    site = opened()
    (folder / "docs" / "b.md").unlink()
    os.symlink(tmp_path / "out" / "secret.md", folder / "docs" / "b.md")
    assert site.title_of("b.md") == "B"


@pytest.mark.parametrize("becomes", ["a link out", "a pipe", "a folder that leads out"])
def test_a_file_that_is_swapped_while_it_is_opened_is_not_read(
    documented, opened, tmp_path, monkeypatch, becomes
):
    write(tmp_path / "out", {"b.md": "secret"})
    folder = documented(files={"docs/index.md": "# I", "docs/a/b.md": "x"})
    site = opened()
    really, file = os.open, folder / "docs" / "a" / "b.md"

    def swapped(path, *given, **named):
        if str(path).endswith("b.md") and not file.is_symlink():
            if becomes == "a folder that leads out":
                file.parent.rename(folder / "gone")
                os.symlink(tmp_path / "out", file.parent)
            else:
                file.unlink()
                os.mkfifo(file) if becomes == "a pipe" else os.symlink(tmp_path / "out" / "b.md", file)
        return really(path, *given, **named)

    monkeypatch.setattr(os, "open", swapped)
    assert site.read("a/b.md") == ""


def test_what_describes_a_built_site_is_read_inside_only(documented, missing, tmp_path):
    write(tmp_path / "out", {"techdocs_metadata.json": '{"site_name": "Secret"}'})
    folder = documented(files={"index.html": "<p>x</p>"})
    os.symlink(tmp_path / "out" / "techdocs_metadata.json", folder / "techdocs_metadata.json")
    assert "docs" in missing().reason


def test_ten_thousand_pages_are_the_most_and_the_rest_is_told(documented, opened, monkeypatch):
    monkeypatch.setattr("counterpoint.catalog.docs.site.MAX_PAGES", 5)
    documented(files={f"docs/{n}.md": "x" for n in range(8)})
    site = opened()
    assert len(site.pages) == 5
    assert "more than 5 pages" in site.problems[0]


def test_the_same_site_is_kept_until_a_file_changes(documented, opened):
    folder = documented(files={"docs/index.md": "# I"})
    first = opened()
    assert opened() is first
    (folder / "docs" / "index.md").write_text("# Longer title")
    assert opened().title_of("index.md") == "Longer title"
    write(folder, {"docs/new.md": "# N"})
    assert "new.md" in opened().pages


def test_a_site_that_was_built_elsewhere_is_taken(documented, opened, library):
    page = "<!doctype html><title>Set up - Shop</title><body><nav>Theme</nav><article class=md-content__inner><h1 id=a>Set up</h1><script>x</script><p>Text</article>"
    documented(
        files={
            "techdocs_metadata.json": '{"site_name": "Built"}',
            "index.html": page,
            "setup/index.html": page,
            "404.html": "x",
        }
    )
    site = opened()
    assert site.built
    assert site.name == "Built"
    assert {page.slug for page in site.pages.values()} == {"", "setup"}
    converted = library.converted(site, "setup/index.html")
    assert "Theme" not in converted.html
    assert "Text" in converted.html


def test_the_stamp_of_a_site_is_as_short_for_many_pages_as_for_one(documented, opened):
    folder = documented(files={"docs/index.md": "# I"})
    first = opened().stamp
    write(folder, {f"docs/{number}.md": "x" for number in range(50)})
    second = opened().stamp
    assert first != second
    assert len(first) == len(second)
