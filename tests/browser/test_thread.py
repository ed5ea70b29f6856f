"""The thread by hand: a bet is written, tried, read and decided in the browser, as a person would."""

import json
from collections.abc import Callable, Iterator

import pytest

from counterpoint import Workspace
from tests.browser.conftest import Served, Watched, serve
from tests.browser.story import tell

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Opening = Callable[..., Watched]


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over a story of its own, which these tests go on with."""
    with Workspace.create(tmp_path_factory.mktemp("thread") / "workspace", name="Arpeggio") as workspace:
        tell(workspace)
        yield from serve(workspace)


def press(watched: Watched, name: str) -> None:
    """Press a button and wait for the page that it leads to."""
    with watched.page.expect_navigation():
        watched.page.get_by_role("button", name=name, exact=True).click()


def said(watched: Watched) -> str:
    text: str = watched.page.locator("main .notice").first.inner_text()
    return text


def refused(watched: Watched) -> None:
    """Forget what the browser itself logs of an answer 400."""
    watched.errors[:] = [error for error in watched.errors if "400" not in error]


def test_a_bet_is_placed_with_the_keyboard_alone(open_page: Opening, changing: Served) -> None:
    watched = open_page(changing.url)
    keys = watched.page.keyboard
    watched.go("/bets")
    for key in "g", "b":  # the shortcut that leads to the list, from the list
        keys.press(key)
    watched.page.get_by_role("link", name="New bet").focus()
    with watched.page.expect_navigation():
        keys.press("Enter")
    keys.type("A calmer Monday")  # the title has the focus
    keys.press("Tab")
    keys.press("Tab")
    keys.type("nobody")
    with watched.page.expect_navigation():
        keys.press("Enter")
    refused(watched)
    assert watched.page.evaluate("document.activeElement.matches('[data-error-summary]')")
    assert "nobody" in watched.page.locator("#owner-error").inner_text()
    keys.press("Tab")  # the summary's first link leads to the field
    keys.press("Enter")
    assert watched.page.evaluate("document.activeElement.id") == "owner"
    assert watched.page.input_value("#title") == "A calmer Monday"
    keys.press("Control+A")
    keys.type("discovery")
    with watched.page.expect_navigation():
        keys.press("Enter")
    assert "/bets/default/a-calmer-monday" in watched.page.url
    assert "The bet is placed" in said(watched)
    watched.page.reload()
    assert watched.page.locator("main .notice").count() == 0  # told once


def test_lines_are_added_to_the_form_of_a_bet(open_page: Opening, changing: Served) -> None:
    watched = open_page(changing.url, width=390)
    watched.go("/bets/new")
    watched.page.fill("#title", "Two measures")
    watched.page.fill("#owner", "discovery")
    watched.page.fill("[name=success_metric]", "sessions")
    watched.page.get_by_role("button", name="Another success metric").click()
    watched.page.keyboard.type("starts")  # the new line has the focus
    press(watched, "Place the bet")
    assert {"sessions", "starts"} <= set(watched.page.locator("#bet .entity").all_inner_texts())


def test_a_flag_is_tried(open_page: Opening, changing: Served) -> None:
    watched = open_page(changing.url)
    watched.go("/flags/default/discover-weekly")
    watched.page.fill("#context", "{")
    press(watched, "Evaluate")
    assert "not JSON" in watched.page.locator("#context-error").inner_text()
    watched.page.fill("#context", json.dumps({"targetingKey": "listener-1"}))
    press(watched, "Evaluate")
    assert "Variant" in watched.page.locator("#try [aria-live]").inner_text()


def test_an_experiment_is_read_and_its_figures_lead_to_events(open_page: Opening, changing: Served) -> None:
    watched = open_page(changing.url)
    watched.go("/experiments/default/discover-weekly")
    press(watched, "Read now")
    assert "recorded" in said(watched)
    with watched.page.expect_navigation():
        watched.page.locator("#metric-sessions td a").first.click()
    assert watched.page.locator("tbody tr").first.inner_text().startswith("app.session")


def test_a_decision_against_the_stage_asks_for_a_reason_and_is_kept(
    open_page: Opening, changing: Served
) -> None:
    watched = open_page(changing.url)
    watched.go("/bets/default/instant-start")
    watched.page.locator("[name=choice][value=retire]").check()
    press(watched, "Record the decision")
    refused(watched)
    assert "not recorded yet" in said(watched)
    assert watched.page.locator("[name=choice][value=retire]").is_checked()
    watched.page.fill("#reason", "It has done its work.")
    press(watched, "Record the decision")
    assert "The decision is recorded" in said(watched)
    assert "It has done its work." in watched.page.locator("#decisions").inner_text()
    assert watched.page.evaluate("scrollY") == 0  # what was told is in sight
    watched.go("/activity")
    assert "decided on Instant start" in watched.page.locator("main").inner_text().replace("\n", " ")


def test_a_token_is_shown_once_and_revoked(open_page: Opening, changing: Served) -> None:
    watched = open_page(changing.url)
    watched.go("/settings")
    watched.page.fill("#name", "ci")
    watched.page.locator("[name=scopes][value=read]").check()
    press(watched, "Make the token")
    assert watched.page.locator("#tokens code", has_text="cpt_").count() == 1
    watched.go("/settings")
    assert watched.page.locator("#tokens code", has_text="cpt_").count() == 0
    press(watched, "Revoke ci")
    assert "revoked" in said(watched)
    assert "There are no tokens" in watched.page.locator("#tokens").inner_text()


def test_an_entity_is_seen_as_it_was(open_page: Opening, changing: Served) -> None:
    watched = open_page(changing.url)
    watched.go("/catalog/component/default/playlist-builder")
    watched.page.evaluate("document.getElementById('at').value = new Date().toISOString().slice(0, 10)")
    press(watched, "Show")
    assert "As it was on" in said(watched)


def test_tabs_that_fold_open_and_close(open_page: Opening, changing: Served) -> None:
    watched = open_page(changing.url, width=390)
    watched.go("/catalog")
    more = watched.page.locator(".tabs-more")
    more.locator("summary").click()
    assert more.locator("ul").is_visible()
    watched.page.keyboard.press("Escape")
    assert not more.locator("ul").is_visible()
