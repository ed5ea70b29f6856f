"""The editor of flags in a browser: validation as one types, keys, colours, and two people at once."""

from collections.abc import Callable
from typing import Any

import pytest

from counterpoint.flags.editing import with_flag
from counterpoint.flags.store import read_set, write_set
from counterpoint.graph.actor import local_actor
from tests.browser.conftest import Served, Watched
from tests.browser.test_pages import visit, whole

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

Opening = Callable[..., Watched]
ME = local_actor()
ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
START: dict[str, Any] = {
    "flags": {
        "glow": ON | {"targeting": {"if": [{"in": [{"var": "country"}, ["SE", "NO"]]}, "on", "off"]}},
        "plain": ON,
    }
}
GLOW = "/flags/-/edit/studio?flag=glow"
ROWS = "/flags/-/rule/studio?flag=glow"
BARE = "/flags/-/rule/studio?flag=plain"


@pytest.fixture
def studio(served: Served) -> Served:
    """The server with a set to edit."""
    write_set(served.workspace, ME, "studio", START)
    return served


def stored(served: Served) -> Any:
    with served.workspace.graph.read() as reader:
        return read_set(reader, "studio").flags.definition


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_editor_is_whole(open_page: Opening, studio: Served, width: int, theme: str) -> None:
    watched = open_page(studio.url, width=width, theme=theme)
    paths = (GLOW, "/flags/-/edit/studio", "/flags/-/new/studio", "/flags/-/new/studio?like=glow", ROWS, BARE)
    assert visit(watched, paths, check=whole) == {}
    watched.go(GLOW)
    with watched.page.expect_navigation():
        watched.page.click("button[value=preview]")
    assert "Nothing would change" in watched.page.inner_text("#effect")
    assert whole(watched) == []


def test_what_is_typed_is_looked_at_and_a_remark_leads_to_its_place(
    open_page: Opening, studio: Served
) -> None:
    page = open_page(studio.url).page
    page.goto(GLOW)
    text = page.locator("#text")
    assert page.locator("[data-colours] .k").count() > 3
    assert page.inner_text("[data-lines]").split()[:2] == ["1", "2"]
    text.fill(text.input_value().replace('"defaultVariant": "off"', '"defaultVariant": "of"'))
    page.wait_for_selector(".remark-error")
    assert "1 problem to mend" in page.inner_text("#editor-state")
    assert "'of'" in page.inner_text(".remark-error")
    assert page.inner_text("[data-lines] .is-error").strip() == "4"
    page.click(".remark-error a")
    line = page.evaluate("t => t.value.slice(0, t.selectionStart).split('\\n').length", text.element_handle())
    assert line == 4
    text.fill(text.input_value().replace('"of"', '"on"'))
    page.wait_for_selector("#editor-state[data-good=true]")
    assert "Can be saved" in page.inner_text("#editor-state")
    assert stored(studio) == START


def test_the_keyboard_alone_changes_a_flag(open_page: Opening, studio: Served) -> None:
    page = open_page(studio.url).page
    page.goto(GLOW)
    page.focus("#text")
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.value.split('\\n')[1]") == "  ", "a new line is indented"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value.split('\\n')[1]") == "    "
    page.keyboard.press("Control+z")
    page.keyboard.type('"metadata": {"description": "Warm light"},')
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") != "text", "Escape lets Tab leave the text"
    page.focus("#reason")
    page.keyboard.type("To remember it by")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    assert "Saved as a new version" in page.inner_text("main")
    glow = stored(studio)["flags"]["glow"]
    assert glow["metadata"] == {"description": "Warm light"}
    assert "To remember it by" in page.inner_text("#history")


def test_laying_out_changes_no_value_and_no_order(open_page: Opening, studio: Served) -> None:
    page = open_page(studio.url).page
    page.goto(GLOW)
    text = page.locator("#text")
    text.fill('{"b":{"10":1.0,"2":[10000000000000001,{}]},"a":"{,"}')
    page.click("[data-format]")
    lines = ["{", '  "b": {', '    "10": 1.0,', '    "2": [', "      10000000000000001,", "      {}"]
    assert text.input_value().splitlines() == [*lines, "    ]", "  },", '  "a": "{,"', "}"]
    page.keyboard.press("Control+z")
    assert text.input_value().startswith('{"b":{"10":1.0,'), "it can be undone"


def test_leaving_what_is_not_saved_asks_first(open_page: Opening, studio: Served) -> None:
    page = open_page(studio.url).page
    page.goto(GLOW)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.focus("#text")
    page.keyboard.type(" ")
    page.goto("/flags")
    assert asked == ["beforeunload"]


def test_two_people_edit_a_set_and_neither_loses_anything(open_page: Opening, studio: Served) -> None:
    first, second = open_page(studio.url), open_page(studio.url)
    for watched in (first, second):
        watched.go("/flags/-/edit/studio")
    for watched, old, new in (
        (first, '"plain": {', '"added": {"state": "DISABLED", "variants": {"a": 1}},\n"plain": {'),
        (second, '["SE", "NO"]', '["SE", "FI"]'),
    ):
        area = watched.page.locator("#text")
        area.fill(area.input_value().replace(old, new))
    with first.page.expect_navigation():
        first.page.keyboard.press("Control+s")
    with second.page.expect_navigation():
        second.page.keyboard.press("Control+s")
    second.errors.clear()  # the browser reports the 412 itself
    assert "Both changes fit together" in second.page.inner_text("main")
    assert whole(second) == []
    with second.page.expect_navigation():
        second.page.keyboard.press("Control+s")
    rule = {"if": [{"in": [{"var": "country"}, ["SE", "FI"]]}, "on", "off"]}
    expected = with_flag(START, "glow", ON | {"targeting": rule})
    assert stored(studio) == with_flag(expected, "added", {"state": "DISABLED", "variants": {"a": 1}})


def test_without_scripts_problems_come_with_the_page(open_page: Opening, studio: Served) -> None:
    watched = open_page(studio.url, width=390, java_script_enabled=False)
    page = watched.page
    page.goto(GLOW)
    page.fill("#text", "{")
    with page.expect_navigation():
        page.click("button[value=save]")
    watched.errors.clear()  # the browser reports the 400 itself
    assert "not JSON" in page.inner_text(".remark-error")
    assert page.input_value("#text").strip() == "{"
    page.fill("#text", '{"state": "DISABLED", "variants": {"on": true, "off": false}}')
    with page.expect_navigation():
        page.click("button[value=save]")
    assert stored(studio)["flags"]["glow"]["state"] == "DISABLED"


def test_a_rule_is_built_with_the_keyboard_and_says_what_it_does_while_it_is_typed(
    open_page: Opening, studio: Served
) -> None:
    page = open_page(studio.url).page
    page.goto(BARE)
    with page.expect_navigation():
        page.get_by_role("button", name="Add a rule").press("Enter")
    page.get_by_label("Attribute 1 of rule 1").press_sequentially("plan")
    page.wait_for_selector("[data-wrong=b0-value]")
    assert page.get_by_label("Value 1 of rule 1").get_attribute("aria-invalid") == "true"
    page.locator("[data-wrong]").press("Enter")
    assert page.evaluate("document.activeElement.id") == "b0-value"
    page.keyboard.type("beta")
    page.get_by_role("button", name="Another condition").press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Attribute 3 of rule 1"
    page.keyboard.type("age")
    page.keyboard.press("Tab")
    page.keyboard.type("is at least")
    page.keyboard.press("Tab")
    page.keyboard.type("18")
    page.get_by_label("What rule 1 gives", exact=True).select_option("on")
    page.get_by_label("What everybody else gets", exact=True).select_option("a split by percentages")
    for variant, weight in (("on", "10"), ("off", "30")):
        page.get_by_label(f"Weight of {variant}, what everybody else gets").fill(weight)
    page.wait_for_selector("text=off 75")
    said = " ".join(page.inner_text("[data-says]").split())
    assert 'If plan is "beta" and age is at least 18: on' in said
    assert page.locator("#otherwise [data-part]").all_inner_texts() == ["25 %", "75 %"]
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    assert "10,000 invented users" in page.inner_text("#effect")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    plain = stored(studio)["flags"]["plain"]
    conditions = [{"==": [{"var": "plan"}, "beta"]}, {">=": [{"var": "age"}, 18]}]
    assert plain == ON | {
        "targeting": {"if": [{"and": conditions}, "on", {"fractional": [["on", 10], ["off", 30]]}]}
    }
