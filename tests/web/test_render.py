"""Templates: what is escaped, what is refused, how a page is framed."""

import re

import jinja2
import pytest

from counterpoint.web import PageContext, design, render
from counterpoint.web.icons import ICONS, icon, kind_icon
from counterpoint.web.render import STATIC, asset, environment
from counterpoint.web.words import TONES, action_icon, action_words, kind_words, tone_of

PAGE = PageContext("Arpeggio & co", "/bets/default/radio", "Ana <Lind>", True, "token", None)


def page(**changes: object) -> PageContext:
    values = {field: getattr(PAGE, field) for field in PageContext.__dataclass_fields__}
    return PageContext(**{**values, **changes})


def error(context: PageContext, **values: object) -> str:
    return render(
        context,
        "web/error.html",
        **{"status": 404, "title": "Not found", "detail": "No <b>such</b> thing.", **values},
    )


def test_values_are_escaped() -> None:
    html = error(PAGE)
    assert "No &lt;b&gt;such&lt;/b&gt; thing." in html
    assert "Ana &lt;Lind&gt;" in html
    assert "Arpeggio &amp; co" in html
    assert "<Lind>" not in html


def test_a_value_that_was_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render(PAGE, "web/error.html", status=404)


def test_a_template_that_no_room_has_is_an_error() -> None:
    with pytest.raises(jinja2.TemplateNotFound):
        render(PAGE, "nowhere/list.html")


def test_the_navigation_marks_the_part_of_the_page() -> None:
    marked = re.findall(r'<a class="nav-link" href="([^"]+)" aria-current="page">', error(PAGE))
    assert marked == ["/bets", "/bets"]  # the menu of a narrow screen and the sidebar
    assert re.findall(r'href="([^"]+)" aria-current="page"', error(page(path="/"))) == ["/", "/"]


def test_signing_out_is_offered_to_who_is_signed_in() -> None:
    assert 'action="/logout"' in error(PAGE)
    assert 'action="/logout"' not in error(page(signed_in=False))


def test_a_notice_is_shown_once_the_page_has_one() -> None:
    assert "The bet was saved." in error(page(notice="The bet was saved."))


def test_problems_are_listed() -> None:
    assert "<li>line 3: unknown</li>" in error(PAGE, problems=["line 3: unknown"])


def test_who_signs_in_keeps_what_was_typed_and_sees_no_navigation() -> None:
    html = render(
        page(signed_in=False),
        "server/login.html",
        error="Not known.",
        account="ana",
        target="/bets",
        first=False,
    )
    assert 'value="ana"' in html
    assert 'name="_csrf_token" value="token"' in html
    assert "Not known." in html
    assert "nav-link" not in html


def test_pages_carry_no_inline_script_style_or_handler() -> None:
    html = render(PAGE, "web/design.html", **design.specimens())
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)


def test_ids_are_unique_on_the_guide() -> None:
    ids = re.findall(r'\sid="([^"]+)"', render(PAGE, "web/design.html", **design.specimens()))
    assert len(ids) == len(set(ids))


def test_the_guide_shows_every_macro() -> None:
    source = (STATIC.parent / "templates" / "ui.html").read_text(encoding="utf-8")
    shown = "".join(
        (STATIC.parent / "templates" / name).read_text(encoding="utf-8")
        for name in ("design.html", "page.html", "ui.html")
    )
    for macro in re.findall(r"{% macro ([a-z]\w*)\(", source):
        used = re.search(rf"(ui\.|[ {{(]){macro}\(", shown.replace(f"macro {macro}(", ""))
        assert used, f"{macro} is shown nowhere"


def macro(source: str, **values: object) -> str:
    return environment().from_string('{% import "web/ui.html" as ui %}' + source).render(page=PAGE, **values)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '{{ ui.field("name", "Name", "<x>", error="Too short.") }}',
            'aria-describedby="name-error" aria-invalid="true"',
        ),
        (
            '{{ ui.field("name", "Name", hint="Short.", error="No.") }}',
            'aria-describedby="name-hint name-error"',
        ),
        ('{{ ui.field("name", "Name", required=false) }}', '<span class="optional">optional</span>'),
        ('{{ ui.textarea("why", "Why", "\\n a") }}', ">\n\n a</textarea>"),
        ('{{ ui.select("s", "S", [("a", "A"), "b"], "b") }}', '<option value="b" selected>b</option>'),
        ('{{ ui.radios("d", "D", ["x", "y"], "y") }}', 'value="y" checked'),
        ('{{ ui.checkbox("c", "C", true) }}', 'value="yes" checked'),
        ('{{ ui.error_summary({"owner": "Nobody."}) }}', '<a href="#owner">Nobody.</a>'),
        ('{{ ui.button("Go", "primary", name="do", value="x") }}', 'name="do" value="x"'),
        ('{{ ui.status("no_clear_change") }}', "no clear change"),
        ("{{ ui.owner(none) }}", "No owner"),
        ('{{ ui.owner("group:default/search") }}', 'href="/units/default/search"'),
        ('{{ ui.entity_link("bet:default/x", "<X>") }}', "<span>&lt;X&gt;</span>"),
        ('{{ ui.entity_link("bet:default/x", missing=true) }}', "is not in the catalog"),
        ('{{ ui.crumbs([("Home", "/"), ("Here", none)]) }}', '<span aria-current="page">Here</span>'),
        ('{{ ui.tabs([("A", "/a", 0)], "/a") }}', 'aria-current="page">A <span class="count">0</span>'),
        ('{{ ui.kv([("A", 0), ("B", none)]) }}', '<dl class="kv"><dt>A</dt><dd>0</dd></dl>'),
        ('{{ ui.pagination(2, 30, "/next") }}', "2 of 30 entries"),
        ('{{ ui.empty("None", "Do it.", "counterpoint init <dir>") }}', "counterpoint init &lt;dir&gt;"),
        ('{{ ui.stage_track("ship", "killed") }}', 'class="is-now" aria-current="step"'),
        ('{{ ui.stage_track("unknown") }}', "Think it"),
        ('{{ ui.line_of_sight([{"kind": "Decision", "title": "Open", "open": true}]) }}', 'class="is-open"'),
        ('{{ ui.verdict("ship", "<Ship>", ["why"]) }}', "&lt;Ship&gt;"),
        ('{{ ui.progress(1, 3, "Steps") }}', '<progress id="progress" value="1" max="3">'),
        (
            '{% call ui.figure("", "Words") %}table{% endcall %}',
            "<summary>Show the figures as a table</summary>",
        ),
    ],
)
def test_macros(source: str, expected: str) -> None:
    assert expected in macro(source)


def test_table_heads_sort_both_ways_and_forget_the_cursor() -> None:
    columns = [{"label": "Name", "sort": "name"}, {"label": "Uses", "align": "end"}]
    source = '{% call ui.table(columns, "T", sort=sort, base="/c?q=x&cursor=abc") %}{% endcall %}'
    up = macro(source, columns=columns, sort="name")
    assert 'aria-sort="ascending"' in up
    assert 'href="/c?q=x&amp;order=-name"' in up
    down = macro(source, columns=columns, sort="-name")
    assert 'aria-sort="descending"' in down
    assert 'href="/c?q=x&amp;order=name"' in down


@pytest.mark.parametrize("word", TONES)
def test_every_state_has_a_known_icon_and_tone(word: str) -> None:
    tone, mark = tone_of(word.upper().replace(" ", "_"))
    assert mark in ICONS
    assert f".tone-{tone} " in (STATIC / "components.css").read_text(encoding="utf-8")


def test_unknown_words_have_a_quiet_look() -> None:
    assert tone_of("something else") == ("quiet", "dot")
    assert kind_icon("Sandwich") == "circle"
    assert action_icon("sandwich.eaten") == "dot"
    assert action_words("sandwich.was_eaten") == "was eaten"
    assert [kind_words(kind) for kind in ("API", "FlagSet", "Policy", "Datum")] == [
        "APIs",
        "Flag sets",
        "Policies",
        "Data",
    ]


def test_icons_are_hidden_unless_they_stand_alone() -> None:
    assert 'aria-hidden="true"' in icon("check")
    assert 'role="img" aria-label="Done &lt;"' in icon("check", "Done <")


def test_assets_have_a_version_and_exist() -> None:
    assert re.fullmatch(r"/static/~[0-9a-f]{10}/base\.css", asset("base.css"))
    with pytest.raises(FileNotFoundError):
        asset("missing.css")


def test_scripts_import_only_what_exists() -> None:
    for script in STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', script.read_text(encoding="utf-8")):
            assert (STATIC / name).is_file()


def test_every_custom_property_that_is_used_is_defined() -> None:
    styles = "".join(file.read_text(encoding="utf-8") for file in STATIC.glob("*.css"))
    assert set(re.findall(r"var\((--[\w-]+)", styles)) <= set(re.findall(r"(--[\w-]+):", styles))


def test_the_fonts_come_with_the_package_and_their_licence() -> None:
    named = set(re.findall(r'url\("fonts/([^"]+)"\)', (STATIC / "base.css").read_text(encoding="utf-8")))
    assert named == {font.name for font in (STATIC / "fonts").glob("*.woff2")}
    assert asset("fonts/inter-latin.woff2") in error(PAGE)  # asked for before the style sheet is read
    assert "SIL OPEN FONT LICENSE" in (STATIC / "fonts" / "LICENSE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/", "/"),
        ("/catalog/component/default/radio", "/catalog"),
        ("/catalog/component/default/docs", "/catalog"),
        ("/catalog/component/default/radio/docs", "/docs"),
        ("/catalog/component/default/radio/docs/making", "/docs"),
        ("/units/default/discovery/edit", "/organisation"),
        ("/people/default/ana", "/organisation"),
        ("/vocabulary", "/settings"),
        ("/practices", "/settings"),
        ("/catalogue", None),
    ],
)
def test_the_navigation_shows_where_one_is(path: str, part: str | None) -> None:
    places = [href for _label, entries in page(path=path).navigation() for href, _name, _icon in entries]
    assert [href for href in [*places, "/settings"] if page(path=path).is_current(href)] == [part] * bool(
        part
    )


def test_the_guide_leads_to_nothing_that_is_made_up() -> None:
    html = design.leading_nowhere(render(PAGE, "web/design.html", **design.specimens()))
    main = html.partition("<main")[2].partition("</main>")[0]
    links = set(re.findall(r'<a\b[^>]*href="([^"]*)"', main))
    elsewhere = {link.partition("?")[0] for link in links if link.startswith("/")}
    assert elsewhere <= {"/", "/catalog", "/design"}
    assert "#main" in links
