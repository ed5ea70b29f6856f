"""Lists of flags, their sets and versions, with all that can stand on them: plans, layers, environments, long names."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.flags.composing import compose, kill, ramp
from counterpoint.flags.promotion import promote_set, way_of
from counterpoint.flags.store import write_set
from tests.browser.conftest import Served, Watched, serve
from tests.browser.story import ANA, tell
from tests.browser.test_pages import too_wide, violations, visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

Opening = Callable[..., Watched]
BOOLEAN = {"on": True, "off": False}
LONG = "a-flag-whose-key-is-" + "very-" * 12 + "long/with a space"
PLAN: dict[str, Any] = {"default": "off", "treatment": "on", "variants": BOOLEAN}
PLANS: dict[str, Any] = {
    "segments": {"employees": {"ends_with": [{"var": "email"}, "@arpeggio.example"]}},
    "layers": {"first-screen": {}},
    "holdouts": {"quarter": {"percent": 5}},
    "flags": {
        "shelf": {
            **PLAN,
            "variants": {**BOOLEAN, "control": False},
            "control": "control",
            "ramp": 5,
            "layer": {"name": "first-screen", "from": 0, "to": 40},
            "holdouts": ["quarter"],
        },
        "covers": {**PLAN, "ramp": 20, "layer": {"name": "first-screen", "from": 60, "to": 100}},
        "greeting": {**PLAN, "ramp": 50, "audience": ["employees"]},
    },
}
PATHS = (
    "/flags",
    "/flags?group=state",
    "/flags?environment=staging",
    "/flags?text=nothing-has-this",
    "/flags/home",
    "/flags/home.staging",
    "/flags/odd",
    "/flags/-/versions/home",
    "/flags/-/versions/home?from=0&to=3",
    "/flags/-/versions/odd",
    "/flags/-/stale",
)


def ramp_home(workspace: Workspace) -> None:
    """Plan the flags of a set, promote them, ramp one and kill another."""
    compose(workspace, ANA, "home.staging", PLANS, reason="As agreed on Tuesday.")
    promote_set(workspace, ANA, way_of("home.staging", workspace.settings.flags.environments))
    ramp(workspace, ANA, "home", "shelf", 10, reason="Enough to read by Friday.")
    kill(workspace, ANA, "home", "greeting", reason="Old phones get warm.")


@pytest.fixture(scope="module")
def ramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over flags with plans in two environments, and some that are odd."""
    with Workspace.create(tmp_path_factory.mktemp("ramped") / "workspace", name="Arpeggio") as workspace:
        tell(workspace)
        ramp_home(workspace)
        flag = {"state": "ENABLED", "variants": BOOLEAN, "defaultVariant": "on"}
        meant = {"description": "What it is for. " * 12, "owner": "discovery", "expires": "2024-01-01"}
        broken = {**flag, "targeting": {"frobnicate": [1]}}
        write_set(workspace, ANA, "odd", {"flags": {LONG: {**flag, "metadata": meant}, "broken": broken}})
        write_set(
            workspace, ANA, "odd", {"flags": {LONG: {**flag, "defaultVariant": "off"}, "broken": broken}}
        )
        yield from serve(workspace)


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_too_wide_and_nothing_that_wcag_forbids(
    open_page: Opening, ramped: Served, width: int, theme: str
) -> None:
    watched = open_page(ramped.url, width=width, theme=theme)
    assert visit(watched, PATHS, check=lambda page: [*too_wide(page), *violations(page)]) == {}


def test_j_moves_over_flags_and_their_groups_and_enter_opens_one(open_page: Opening, ramped: Served) -> None:
    watched = open_page(ramped.url)
    watched.go("/flags?set=home")
    for _ in range(3):
        watched.page.keyboard.press("j")
    key = watched.page.locator("[data-list] .is-current a.entity").first.inner_text()
    with watched.page.expect_navigation():
        watched.page.keyboard.press("Enter")
    assert watched.page.evaluate("location.pathname") == f"/flags/home/{key}"


def test_a_filter_is_applied_when_it_is_chosen_and_keeps_the_others(
    open_page: Opening, ramped: Served
) -> None:
    watched = open_page(ramped.url)
    watched.go("/flags?set=home")
    with watched.page.expect_navigation():
        watched.page.select_option("#filter-group", "state")
    assert "group=state" in watched.page.url
    assert "set=home" in watched.page.url
    with watched.page.expect_navigation():
        watched.page.click("text=Killed 1")
    assert watched.page.locator("tbody th a.entity").all_inner_texts() == ["greeting"]


def test_versions_are_compared_as_they_are_chosen(open_page: Opening, ramped: Served) -> None:
    watched = open_page(ramped.url)
    watched.go("/flags/-/versions/home")
    with watched.page.expect_navigation():
        watched.page.select_option("#from", "1")
    assert "Ramp of 'shelf' 5" in watched.page.locator("#difference").inner_text()
    watched.page.locator("#difference summary").first.click()
    assert watched.page.locator("#difference .diff-new").first.is_visible()


def test_pages_work_without_scripts(open_page: Opening, ramped: Served) -> None:
    watched = open_page(ramped.url, java_script_enabled=False)
    watched.go("/flags")
    watched.page.select_option("#filter-set", "home")
    watched.page.click("text=Show")
    assert "set=home" in watched.page.url
    watched.go("/flags/-/versions/home")
    watched.page.select_option("#from", "1")
    watched.page.click("button:has-text('Compare')")
    assert "from=1" in watched.page.url
