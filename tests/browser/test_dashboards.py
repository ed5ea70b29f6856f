"""Dashboards and metrics in a browser: made with the keyboard alone, previewed while one types, alive without a reload."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Served, Watched
from tests.browser.story import event

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

Opening = Callable[..., Watched]


def focused(watched: Watched) -> str:
    found: str = watched.page.evaluate("document.activeElement.id")
    return found


@pytest.mark.parametrize("scripts", [True, False])
def test_lines_are_added_and_moved_with_the_keyboard_alone(
    open_page: Opening, served: Served, *, scripts: bool
) -> None:
    watched = open_page(served.url, java_script_enabled=scripts)
    page = watched.page
    name = f"by-keyboard-{'with' if scripts else 'without'}"
    watched.go("/dashboards/new")
    page.focus("#title")
    page.keyboard.type(name)
    page.focus("#owner")
    page.keyboard.type("playback")
    page.focus("#panel-0-metric")
    page.keyboard.type("starts")
    page.focus("#add-panel")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("#panel-1-metric").is_visible()
    page.focus("#panel-1-metric")
    page.keyboard.type("sessions")
    page.focus("#panel-1-up")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.input_value("#panel-0-metric") == "sessions"
    if scripts:  # without them there is no asking the page
        assert focused(watched) == "panel-0-down"
    page.focus("#title")
    with page.expect_navigation():
        page.keyboard.press("Enter")  # the first button of the form saves
    assert page.url.endswith(f"/dashboards/default/{name}") or "told=dashboard-saved" in page.url
    assert page.locator("section.card h2").all_inner_texts() == ["sessions", "starts"]


def test_the_figure_of_a_metric_shows_while_one_types(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    page = watched.page
    watched.go("/dashboards/metrics/new")
    page.fill("#event", "app.strat")
    page.wait_for_selector("#preview :text('did you mean app.start')")
    page.fill("#event", "app.start")
    page.select_option("#aggregation", "users")
    page.wait_for_selector("#preview :text('400')")
    page.fill("#cap", "nothing")
    page.wait_for_selector("#preview :text('is no number')")
    assert watched.errors == []


def test_a_dashboard_shows_new_events_without_a_reload(open_page: Opening, served: Served) -> None:
    watched = open_page(served.url)
    page = watched.page
    watched.go("/dashboards/default/playback?days=84")
    served.workspace.journal.append(
        [event(f"late-{user}", "app.session", user, 20, {"value": 1}) for user in range(7)]
    )
    page.wait_for_selector("section:has(#panel-2) .panel-figure:has-text('7 users')", timeout=60_000)
    assert "20 May 2026" in page.inner_text("section:has(#panel-2) .panel-figure")
