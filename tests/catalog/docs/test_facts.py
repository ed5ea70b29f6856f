"""Facts on documentation, for checks."""

from datetime import UTC, datetime

from counterpoint.catalog.docs.facts import facts_of


def facts(workspace, name="shop", **options):
    with workspace.graph.read() as reader:
        return facts_of(workspace, reader.require(f"component:default/{name}"), reader=reader, **options)


def test_an_entity_without_documentation_has_one_fact(workspace, documented):
    documented(annotations={})
    assert facts(workspace) == {"docs.present": False}


def test_pages_broken_links_problems_and_age_are_counted(workspace, documented):
    folder = documented(
        files={
            "mkdocs.yml": "nav: [index.md, none.md]",
            "docs/index.md": "[x](gone.md) [y](b.md#no)",
            "docs/b.md": "# B",
        }
    )
    import os

    for page in folder.rglob("*.md"):
        os.utime(page, (1_767_225_600, 1_767_225_600))  # 2026-01-01
    assert facts(workspace, now=datetime(2026, 4, 11, tzinfo=UTC)) == {
        "docs.present": True,
        "docs.pages": 2,
        "docs.broken_links": 2,
        "docs.problems": 1,
        "docs.age_days": 100,
        "docs.behind_days": 0,
    }


def test_facts_follow_the_files(workspace, documented):
    folder = documented(files={"docs/index.md": "[x](gone.md)"})
    assert facts(workspace)["docs.broken_links"] == 1
    (folder / "docs" / "gone.md").write_text("# Here")
    assert facts(workspace)["docs.broken_links"] == 0


def test_facts_open_the_graph_themselves_where_nobody_has(workspace, documented):
    documented(files={"docs/index.md": "# x"})
    with workspace.graph.read() as reader:
        entity = reader.require("component:default/shop")
    assert facts_of(workspace, entity)["docs.present"] is True
