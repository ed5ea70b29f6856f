"""What scripts add, and that nothing needs them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from counterpoint import Workspace
from tests.browser.conftest import Served, Watched, serve

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Opening = Callable[..., Watched]


def theme_of(watched: Watched) -> str | None:
    theme: str | None = watched.page.evaluate("document.documentElement.dataset.theme ?? null")
    return theme


def path_of(watched: Watched) -> str:
    path: str = watched.page.evaluate("location.pathname")
    return path


def test_the_chosen_theme_stays(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url, theme="dark")
    watched.go("/")
    assert theme_of(watched) is None
    dark = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
    watched.page.click(".sidebar [data-theme-switch]")
    assert theme_of(watched) == "light"
    assert watched.page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    watched.go("/design")
    assert theme_of(watched) == "light"
    watched.page.click(".sidebar [data-theme-switch]")
    assert theme_of(watched) == "dark"
    watched.page.click(".sidebar [data-theme-switch]")
    assert theme_of(watched) is None


def test_keys_search_go_and_help(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/design")
    watched.page.keyboard.press("/")
    assert watched.page.evaluate("document.activeElement.id") == "search"
    watched.page.keyboard.type("g c")  # typing is not a shortcut
    assert path_of(watched) == "/design"
    watched.page.keyboard.press("Escape")
    watched.page.evaluate("document.activeElement.blur()")
    watched.page.keyboard.press("?")
    assert watched.page.locator("#shortcuts").is_visible()
    watched.page.keyboard.press("Escape")
    assert not watched.page.locator("#shortcuts").is_visible()
    for key, place in (("c", "/catalog"), ("o", "/organisation"), ("d", "/docs"), ("k", "/scorecards")):
        watched.page.keyboard.press("g")
        with watched.page.expect_navigation():
            watched.page.keyboard.press(key)
        assert path_of(watched) == place
    watched.page.click("[data-shortcuts]")
    assert watched.page.locator("#shortcuts").is_visible()


def test_a_concern_is_raised_without_leaving_the_keys(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/bets/default/discover-weekly")
    with watched.page.expect_navigation():
        watched.page.keyboard.press("c")
    assert path_of(watched) == "/concerns/new"
    watched.page.evaluate("""() => document.querySelector("main form").addEventListener("submit", (event) => {
      event.preventDefault();
      document.body.dataset.sent = new FormData(event.target).get("text");
    })""")
    watched.page.keyboard.press("Control+Enter")
    assert watched.page.evaluate("document.body.dataset.sent") is None, "without a sentence it is not sent"
    watched.page.keyboard.type("The licences come too late.")
    watched.page.keyboard.press("Control+Enter")
    assert watched.page.evaluate("document.body.dataset.sent") == "The licences come too late."


def test_keys_pass_from_one_list_of_a_page_to_the_next(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/design")
    lists = watched.page.locator("[data-list]")
    watched.page.evaluate("""() => {
      const second = document.createElement("ul");
      second.dataset.list = "";
      second.innerHTML = '<li id="after"><a href="/">After</a></li>';
      document.querySelector("[data-list]").after(second);
    }""")
    for _ in range(lists.first.locator("tbody > tr").count() + 1):
        watched.page.keyboard.press("j")
    assert watched.page.locator("#after.is-current").count() == 1


def test_j_and_k_move_in_a_list_and_enter_opens(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/search?q=discovery")
    links = watched.page.locator("[data-list] > li")
    watched.page.evaluate("document.activeElement.blur()")
    for key, at in (("j", 0), ("j", 1), ("k", 0), ("k", 0)):
        watched.page.keyboard.press(key)
        assert "is-current" in (links.nth(at).get_attribute("class") or "")
    with watched.page.expect_navigation():
        watched.page.keyboard.press("Enter")
    assert path_of(watched) != "/search"


def test_a_filter_narrows_a_list_as_one_types(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/design")
    watched.page.fill("[data-filter=specimen-table]", "taste exp")
    rows = watched.page.locator("#specimen-table tbody tr:visible")
    assert [text.split()[0] for text in rows.all_inner_texts()] == ["taste-profiles"]


def test_escape_empties_a_filter_and_then_leaves_it(open_page: Opening, served: Served) -> None:
    page = open_page(served.url).page
    page.goto("/design")
    page.fill("[data-filter=specimen-table]", "taste exp")
    assert (
        page.locator("#specimen-table tbody tr:visible").count()
        < page.locator("#specimen-table tbody tr").count()
    )
    page.keyboard.press("Escape")
    assert page.input_value("[data-filter=specimen-table]") == ""
    assert (
        page.locator("#specimen-table tbody tr:visible").count()
        == page.locator("#specimen-table tbody tr").count()
    )
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    page.goto("/catalog?kind=all&text=nothing-is-called-so")
    page.focus("#filter-text")
    with page.expect_navigation():  # the filters of a form apply at once
        page.keyboard.press("Escape")
    assert "nothing-is-called-so" not in page.url


def test_what_one_looks_for_first_stands_first_on_a_narrow_screen(open_page: Opening, served: Served) -> None:
    page = open_page(served.url).page
    page.goto("/units/default/discovery")
    top = "document.querySelector({!r}).getBoundingClientRect().top"
    for width, before in ((390, True), (1440, False)):
        page.set_viewport_size({"width": width, "height": 900})
        assert (page.evaluate(top.format(".early")) < page.evaluate(top.format("#people"))) is before


def test_a_command_is_copied(open_page: Opening, empty: Served) -> None:
    watched = open_page(empty.url, permissions=["clipboard-read", "clipboard-write"])
    watched.go("/")
    watched.page.locator("[data-copy]").first.click()
    watched.page.get_by_text("Copied").wait_for()
    assert watched.page.evaluate("navigator.clipboard.readText()") == "counterpoint import catalog ./services"


def test_pages_work_without_scripts(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url, width=390, java_script_enabled=False)
    watched.go("/")
    watched.page.click("[data-menu] > summary")
    with watched.page.expect_navigation():
        watched.page.click(".menu-sheet a[href='/catalog']")
    watched.go("/search")
    watched.page.fill(".search-large input", "weekly")
    with watched.page.expect_navigation():
        watched.page.press(".search-large input", "Enter")
    assert watched.page.locator("main .rows > li").count() >= 2
    assert watched.page.locator("[data-copy]:visible, [data-theme-switch]:visible").count() == 0


def test_the_skip_link_leads_to_the_content(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/bets")
    watched.page.keyboard.press("Tab")
    assert watched.page.evaluate("document.activeElement.className") == "skip"
    watched.page.keyboard.press("Enter")
    assert watched.page.evaluate("document.activeElement.id") == "main"


def test_results_come_while_one_types_and_the_keys_walk_them(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/design")
    page = watched.page
    page.keyboard.press("/")
    page.keyboard.type("discover")
    options = page.locator(".search-results [role=option]:visible")
    options.first.wait_for()
    field = page.locator("#search")
    assert field.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    assert options.first.get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")  # round to the end, where all results are one press away
    assert options.last.get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    assert options.count() == 0
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") != "search"
    page.keyboard.press("/")
    page.keyboard.type("discover")
    options.first.wait_for()
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert path_of(watched) not in {"/design", "/search"}


def test_what_is_like_a_new_bet_comes_while_one_types(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    watched.go("/bets/new")
    panel = watched.page.locator("[data-similar]")
    assert not panel.is_visible()
    watched.page.fill("#title", "Discover something weekly")
    panel.wait_for(state="visible")
    assert panel.locator("li a").first.is_visible()
    assert not watched.page.locator("button[name=look]").is_visible()
    watched.page.fill("#title", "")
    panel.wait_for(state="hidden")


def test_f_goes_to_the_filters_and_the_arrows_move_once_one_is_in_the_list(
    open_page: Opening, served: Served
) -> None:
    watched = open_page(served.url)
    watched.go("/catalog?kind=all")
    page = watched.page
    page.keyboard.press("f")
    assert page.evaluate("document.activeElement.id") == "filter-text"
    page.evaluate("document.activeElement.blur()")
    rows = page.locator("[data-list] tbody > tr")
    page.keyboard.press("ArrowDown")  # scrolls, since one is not in the list yet
    assert "is-current" not in (rows.nth(0).get_attribute("class") or "")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    assert "is-current" in (rows.nth(1).get_attribute("class") or "")
    page.keyboard.press("ArrowUp")
    assert "is-current" in (rows.nth(0).get_attribute("class") or "")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert path_of(watched) != "/catalog"


def test_the_figures_of_ingest_follow_what_arrives_and_leave_what_is_open(
    open_page: Opening, served: Served
) -> None:
    watched = open_page(served.url)
    watched.go("/events/health?range=hour")
    page = watched.page
    page.click("summary >> text=The last")
    event = {"specversion": "1.0", "source": "live-test", "type": "live.test"}
    served.workspace.journal.append([event | {"id": str(number)} for number in range(7)])
    row = page.locator("tr", has=page.locator("th a", has_text="live.test"))
    row.wait_for()
    assert "7" in row.inner_text()
    opened = page.locator("details[id^=samples-]").first
    assert opened.evaluate("each => each.open && each.contains(document.activeElement)")
    assert opened.locator("[data-copy]").first.is_visible()


def test_the_first_event_takes_the_place_of_what_would_fill_the_page(
    open_page: Opening, tmp_path: Path
) -> None:
    with Workspace.create(tmp_path / "workspace", name="New") as workspace:
        serving = serve(workspace)
        watched = open_page(next(serving).url)
        watched.go("/events/health")
        page = watched.page
        assert page.locator("text=Nothing has arrived yet").is_visible()
        workspace.journal.append(
            [{"specversion": "1.0", "id": "1", "source": "shop", "type": "order.placed"}]
        )
        page.locator("th a", has_text="order.placed").wait_for()
        assert not page.locator("text=Nothing has arrived yet").is_visible()
        page.goto("about:blank")
        next(serving, None)


def test_ingest_is_whole_without_scripts(open_page: Opening, served: Served) -> None:
    page = open_page(served.url, width=390, java_script_enabled=False).page
    page.goto("/events/health")
    assert page.locator(".chart:visible").count() == 2
    page.click("summary >> text=Show the figures as a table >> nth=0")
    assert page.locator("table:visible").first.is_visible()
    page.click("nav[aria-label=Time] >> text=Last 30 days")
    assert page.url.endswith("range=month")
    assert page.locator("nav[aria-label=Time] [aria-current]").inner_text() == "Last 30 days"
