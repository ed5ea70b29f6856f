"""The pages that change flags in a browser: with the keyboard alone, without scripts, by two people at once."""

from collections.abc import Callable
from typing import Any

import pytest

from counterpoint.flags.composing import compose, ramp, read_plans
from counterpoint.flags.promotion import promote_set, way_of
from counterpoint.graph.actor import local_actor
from tests.browser.conftest import Served, Watched
from tests.browser.test_pages import visit, whole

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

Opening = Callable[..., Watched]
ME = local_actor()
PLAIN: dict[str, Any] = {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on"}
PLANS: dict[str, Any] = {
    "segments": {"nordic": {"in": [{"var": "country"}, ["SE", "NO"]]}},
    "layers": {"first screen": {}},
    "holdouts": {"quarter": {"percent": 5}},
    "flags": {
        "shelf": {
            **PLAIN,
            "ramp": 10,
            "audience": ["nordic"],
            "holdouts": ["quarter"],
            "layer": {"name": "first screen", "from": 0, "to": 50},
            "schedule": [{"at": "2099-12-01T09:00:00Z", "ramp": 25}],
        },
        "covers": {**PLAIN, "ramp": 50, "prerequisites": [{"flag": "shelf", "variant": "on"}]},
        "killed": {**PLAIN, "ramp": 50, "killed": {"reason": "It burns."}},
        "pulse": {**PLAIN, "ramp": 5},
    },
}
PULSE = "/flags/-/control/player?flag=pulse"


@pytest.fixture
def player(served: Served) -> Served:
    """The server with a planned set in two environments."""
    compose(served.workspace, ME, "player.staging", PLANS)
    promote_set(served.workspace, ME, way_of("player.staging", served.workspace.settings.flags.environments))
    ramp(served.workspace, ME, "player.staging", "pulse", 60)
    return served


def ramped(served: Served, key: str = "pulse") -> float:
    with served.workspace.graph.read() as reader:
        return read_plans(reader, "player")[0].flags[key].ramp / 1000


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_pages_that_change_flags_are_whole(
    open_page: Opening, player: Served, width: int, theme: str
) -> None:
    watched = open_page(player.url, width=width, theme=theme)
    paths = (
        "/flags/-/control/player?flag=shelf",
        "/flags/-/control/player?flag=covers",
        "/flags/-/control/player?flag=killed",
        "/flags/-/control/default?flag=discover-weekly",
        "/flags/-/shared/player",
        "/flags/-/promote/player",
        "/flags/-/restore/player",
        "/flags/-/restore/player.staging?version=1",
    )
    assert visit(watched, paths, check=whole) == {}
    watched.go(PULSE)
    watched.page.check("input[name=percent][value='50']")
    with watched.page.expect_navigation():
        watched.page.click("#form-ramp button[value=preview]")
    assert watched.page.evaluate("document.activeElement.id") == "preview"
    assert whole(watched) == []
    watched.go("/flags/-/promote/player")
    with watched.page.expect_navigation():
        watched.page.click("button[value=preview]")
    assert whole(watched) == []


def test_the_keyboard_alone_ramps_a_flag_and_takes_it_back(open_page: Opening, player: Served) -> None:
    page = open_page(player.url).page
    page.goto(PULSE)
    before = ramped(player)

    def tab_to(what: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate(f"document.activeElement.matches({what!r})"):
                return
        raise AssertionError(f"the keyboard does not reach {what}")

    tab_to("input[name=percent]:checked")
    page.keyboard.press("ArrowDown")
    chosen = page.evaluate("document.activeElement.value")
    tab_to("#reason-ramp")
    page.keyboard.type("All is well.")
    tab_to("#form-ramp button[value=save]")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert ramped(player) == float(chosen) != before
    assert "Saved as version" in page.inner_text("#done")
    tab_to("#done button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert ramped(player) == before


def test_without_scripts_a_change_is_looked_at_saved_and_undone(open_page: Opening, player: Served) -> None:
    page = open_page(player.url, width=390, java_script_enabled=False).page
    page.goto(PULSE)
    before = ramped(player)
    page.check("input[name=percent][value='100']")
    with page.expect_navigation():
        page.click("#form-ramp button[value=preview]")
    assert "'off' → 'on'" in page.inner_text("#preview")
    assert ramped(player) == before
    with page.expect_navigation():
        page.click("#preview button[value=save]")
    assert ramped(player) == 100
    with page.expect_navigation():
        page.click("#done button")
    assert ramped(player) == before


def test_two_people_change_one_flag_and_neither_loses_anything(open_page: Opening, player: Served) -> None:
    first, second = open_page(player.url), open_page(player.url)
    for watched in (first, second):
        watched.go(PULSE)
    first.page.check("input[name=percent][value='25']")
    with first.page.expect_navigation():
        first.page.click("#form-ramp button[value=save]")
    second.page.locator("#form-holdouts summary").click()
    second.page.fill("#new_holdout", "year")
    second.page.fill("#holdout_percent", "1")
    with second.page.expect_navigation():
        second.page.click("#form-holdouts button[value=save]")
    second.errors.clear()  # the browser reports the 412 itself
    assert "from 5 % to 25 %" in second.page.inner_text("#meanwhile")
    assert whole(second) == []
    with second.page.expect_navigation():
        second.page.click("#preview button[value=save]")
    with player.workspace.graph.read() as reader:
        plan = read_plans(reader, "player")[0].flags["pulse"]
    assert (plan.ramp, plan.holdouts) == (25_000, ("year",))
    ramp(player.workspace, ME, "player", "pulse", 5)
