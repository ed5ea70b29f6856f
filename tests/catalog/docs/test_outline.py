"""Headings and text without rendering agree with what rendering makes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import counterpoint
from counterpoint.catalog.docs.conversion import convert
from counterpoint.catalog.docs.outline import outline, split_front_matter, title_in

ROOT = Path(counterpoint.__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "src/counterpoint/demo/arpeggio/docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_anchors_are_those_of_the_rendered_page(page):
    text = page.read_text(encoding="utf-8")
    rendered = [(each.level, each.anchor) for each in convert(text).headings]
    found = [(each.level, each.anchor) for each in outline(text) if each.level and each.level <= 4]
    assert found == rendered


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("# A\n\n# A\n\n# A", ["a", "a_1", "a_2"]),
        ("# Über *uns* & `code`", ["uber-uns-code"]),
        ("# A {#own}\n\n## B {: #two .x }", ["own", "two"]),
        ("Title\n=====\n\nPart\n----", ["title", "part"]),
        ("```\n# no\n```\n\n# yes", ["yes"]),
        ("~~~~\n```\n# no\n~~~~\n# yes", ["yes"]),
        ("# [a link](b.md) here #", ["a-link-here"]),
    ],
)
def test_anchors(text, anchors):
    assert [each.anchor for each in outline(text) if each.level] == anchors
    assert [each.anchor for each in convert(text).headings] == anchors


def test_sections_hold_the_text_under_their_heading():
    sections = outline(
        "before\n\n# One\n\nfirst *text*\n\n| a | b |\n|---|---|\n| c | d |\n\n## Two\n\nsecond [link](x.md)"
    )
    assert [(each.title, each.text) for each in sections] == [
        ("", "before"),
        ("One", "first text a b c d"),
        ("Two", "second link"),
    ]


def test_a_title_is_found_in_the_beginning_of_a_page():
    assert title_in("---\ntitle: ' Front '\n---\n# Heading") == "Front"
    assert title_in("text\n\n# Heading") == "Heading"
    assert title_in("text") == ""


def test_front_matter_that_is_none_stays_text():
    assert split_front_matter("---\n- a\n---\nx")[0] == {}
    assert split_front_matter("---\na: &a [*a]\n---\nx")[0] == {}
    assert split_front_matter("text\n---\na: b\n---\n") == ({}, "text\n---\na: b\n---\n")


@given(st.text(alphabet="#`~-= \n[]{}()*_|a1", max_size=200))
def test_any_text_has_an_outline(text):
    for section in outline(text):
        assert section.level == 0 or section.anchor
