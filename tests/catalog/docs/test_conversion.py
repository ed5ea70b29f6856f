"""Markdown to HTML: the extensions of TechDocs, and limits for what is wild."""

import time

import pytest

from counterpoint.catalog.docs import conversion
from counterpoint.catalog.docs.conversion import MAX_CHARACTERS, _guarded, convert, is_calm


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!!! note\n    Mind.", '<div class="admonition note">'),
        ('??? tip "More"\n    x', '<details class="tip">'),
        ("Term\n:   Meaning", "<dd>Meaning</dd>"),
        ("a[^1]\n\n[^1]: b", 'class="footnote-ref"'),
        ("| a | b |\n|---|--:|\n| 1 | 2 |", '<td align="right">2</td>'),
        ("# One\n\n## Two", '<h2 id="two">'),
        ("# One {#own}", '<h1 id="own">'),
        ("*[HTML]: Markup\n\nHTML", '<abbr title="Markup">'),
        ('<div markdown="1">\n\n**b**\n\n</div>', "<strong>b</strong>"),
        (
            "H~2~O x^2^ ==m== ~~d~~ ^^i^^",
            "<sub>2</sub>O x<sup>2</sup> <mark>m</mark> <del>d</del> <ins>i</ins>",
        ),
        ("(c) --> +/-", "&copy; &rarr; &plusmn;"),
        ("{++more++}", '<ins class="critic">more</ins>'),
        (":smile:", "\U0001f604"),
        ("++ctrl+c++", "<kbd"),
        ("https://one.example", '<a href="https://one.example">'),
        ("`#!python x = 1`", '<code class="highlight">'),
        ("```python\nx = 1\n```", '<span class="mi">1</span>'),
        ("- [x] done", 'class="task-box task-done"'),
        ("- [ ] open", 'aria-label="open"'),
        ("- a\n  - b", "<ul>\n<li>b</li>"),
        ('=== "A"\n\n    one\n\n=== "B"\n\n    two', '<details name="tabs-1" open><summary>A</summary>'),
        ("[[component:player]]", 'href="entity:component:default/player"'),
        ("[[group:arts/player|the players]]", ">the players</a>"),
    ],
)
def test_the_extensions_of_techdocs_are_there(text, expected):
    page = convert(text)
    assert not page.problem
    assert expected in page.html


def test_a_diagram_in_mermaid_is_shown_as_code():
    assert "<code>graph TD" in convert("```mermaid\ngraph TD\n```").html


@pytest.mark.parametrize(
    "text", ["[[Wiki page]]", "`[[component:player]]`", "[[component:]]", "[[a b\nc:d]]"]
)
def test_only_references_with_a_kind_become_links_to_entities(text):
    assert not convert(text).refs


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: Front\n---\n# Heading", "Front"),
        ("# Heading & more\n\ntext", "Heading & more"),
        ("text", ""),
        ("---\n# H", "H"),
    ],
)
def test_the_title_is_that_of_the_front_matter_else_the_first_heading(text, title):
    assert convert(text).title == title


def test_snippets_read_no_file():
    page = convert('--8<-- "/etc/passwd"\n\n;--8<-- "../secret"')
    assert "root:" not in page.html


def test_anchors_are_known_with_those_of_old_html():
    page = convert('# One\n\n<a name="old"></a> <span id="new">x</span>')
    assert {"one", "old", "new"} <= page.anchors


def test_a_page_beyond_the_limit_shows_its_beginning_as_text_and_says_so():
    page = convert("x" * (MAX_CHARACTERS + 1))
    assert "Split it" in page.problem
    assert len(page.html) < 300_000


def test_fifty_megabytes_answer_at_once():
    started = time.monotonic()
    assert convert("# a\n\n[b](c) *d*\n" * 3_300_000).problem
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2_000,
        "![" * 2_000,
        "[[" * 2_000,
        "[^" * 2_000,
        "[](" * 1_000,
        "<a " * 2_000,
        "> " * 200,
        "1. " * 200,
        "*a_" * 2_000,
    ],
    ids=lambda text: text[:3],
)
def test_wild_text_is_recognised(text):
    assert not is_calm(text)


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\n" + "A sentence with [a link](b.md) and `code`.\n\n" * 1_000,
        "```json\n" + '{"a": [1, 2], "b": {"c": [[]]}}\n' * 700 + "```\n",
        "| a | b |\n|---|---|\n" + "| [x](y) | `z` |\n" * 100,
    ],
    ids=["prose", "code", "table"],
)
def test_common_text_is_calm(text):
    assert is_calm(text)


def test_a_wild_page_is_given_up_after_a_while_and_shown_as_text(monkeypatch):
    monkeypatch.setattr(conversion, "SECONDS", 1.5)
    started = time.monotonic()
    page = convert("[" * 100_000)
    assert time.monotonic() - started < 20
    assert "shown as text" in page.problem
    assert page.html.startswith('<pre class="doc-plain">[[[')


def test_a_wild_page_that_is_quick_is_rendered_in_the_other_process():
    page = convert("*a_ " * 2_000 + "\n\n# End")
    assert not page.problem
    assert "end" in page.anchors


@pytest.mark.parametrize(
    "text", ["> " * 25 + "x", "1. " * 25, "<div>" * 5_000, "\x00\x02\x03", "\ufeff# a", "- " * 5_000]
)
def test_odd_text_never_raises(text):
    assert convert(text).html is not None


@pytest.mark.parametrize(
    "text",
    [
        "*[a]: " + "x" * 20_000 + "\n\n" + "a " * 10_000,
        "*[a]:\n" + "x" * 20_000 + "\n\n" + "a " * 10_000,
        "[x]: /u\n  '" + "t" * 50_000 + "'\n\n" + "[x]\n\n" * 400,
    ],
    ids=["abbreviation", "abbreviation on two lines", "title of a link"],
)
def test_what_is_defined_once_and_named_often_does_not_fill_the_memory(text, monkeypatch):
    assert not is_calm(text)
    monkeypatch.setattr("counterpoint.catalog.docs.conversion.MAX_HTML", 100_000)
    page = _guarded(text.replace("a " * 10_000, "a " * 100))
    assert "characters of HTML" in page.problem
    assert len(page.html) < 200_000
